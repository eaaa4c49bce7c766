"""A title that shows and hides what is below it."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

__all__ = ["Fold"]

#: How far the content stands in from the title, pixels.
INDENT = 5


class Fold(QWidget):
    """A title with an arrow, over a content that is hidden until the title is pressed.

    The arrow is text, so that it has the theme's colour. What is folded away is hidden and not
    only without height: the Tab key does not go through it.

    Parameters
    ----------
    title : str
    content : QWidget
    parent : QWidget, optional
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._content = title, content
        content.setContentsMargins(INDENT, 0, 0, 0)
        self.button = QPushButton()
        self.button.setCheckable(True)
        self.button.setAccessibleName(title)
        self.button.setStyleSheet("text-align: left; border: none; outline: none;")
        self.button.toggled.connect(self._show)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self._show(False)

    def minimumSizeHint(self) -> QSize:
        """Return the least size, wide enough for the content, folded or not."""
        least = super().minimumSizeHint()
        return least.expandedTo(QSize(self._content.minimumSizeHint().width(), 0))

    def _show(self, shown: bool) -> None:
        self.button.setText(f"{'▾' if shown else '▸'} {self._title}")
        self._content.setVisible(shown)
