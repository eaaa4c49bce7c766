"""A dock's content: boxes in a column that scrolls, over a bar that stays in place."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from clem_retrace.plugin.option_form import ignore_wheel

__all__ = ["ScrollingDock"]

#: Pixels that are left free at the sides.
MARGINS = 6

#: Milliseconds after which a new dock has taken its room from the canvas.
SETTLED = 100


class ScrollingDock(QWidget):
    """Base of a dock widget: as wide as its boxes need, as high as the window allows.

    It knows when it has got its place in a window (`opened`) and when its dock was closed
    (`released`); what is in the boxes is the subclass's.
    """

    # Read by `event`, which Qt calls before `__init__` is through.
    _docked = False
    _opened = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._revealed: QWidget | None = None

    def fill(self, boxes: Sequence[QWidget], bar: QWidget) -> None:
        """Lay out the boxes, and the bar below them."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(2, 2, MARGINS, 2)
        for box in boxes:
            column.addWidget(box)
        column.addStretch(1)
        self._scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(bar)
        ignore_wheel(self)

    def reveal(self, box: QWidget) -> None:
        """Scroll to a box, once it has the size of its present content."""
        self._revealed = box
        QTimer.singleShot(0, self._scroll_to_revealed)

    def opened(self) -> None:
        """Do what is due when the dock has its place; for subclasses."""

    def released(self) -> None:
        """Let go of everything outside: the dock was closed; for subclasses."""

    def content_width(self) -> int:
        """Return the least width of the boxes, in pixels; for subclasses."""
        return int(self._scroll.widget().minimumSizeHint().width())

    def sizeHint(self) -> QSize:
        """Return a width that shows every control and leaves most of the window to images."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        return QSize(self.content_width() + bar + MARGINS, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same width: the boxes scroll down only."""
        return QSize(self.sizeHint().width(), super().minimumSizeHint().height())

    def showEvent(self, event: QShowEvent | None) -> None:
        """Tell, the first time, that the dock has its place."""
        super().showEvent(event)
        if not self._opened:
            self._opened = True
            QTimer.singleShot(SETTLED, self.opened)

    def event(self, event: QEvent | None) -> bool:
        """Go when the dock has let go of this widget: napari forgets closed widgets.

        Were that left to Python's garbage collector, the widget might be deleted in whatever
        thread happens to collect, which Qt does not survive.
        """
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.released()
                self.deleteLater()
            self._docked = self.parent() is not None
        return super().event(event)  # type: ignore[no-any-return]

    def _scroll_to_revealed(self) -> None:
        if self._revealed is not None:
            self._scroll.ensureWidgetVisible(self._revealed)
