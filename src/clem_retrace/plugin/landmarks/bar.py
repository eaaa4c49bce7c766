"""What stays in place below the boxes: what comes next, undo and redo, the keys."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clem_retrace.plugin.landmarks.keys import KEYS
from clem_retrace.plugin.looks import hint_label, show_text, text_label
from clem_retrace.plugin.undoing import UndoButtons

__all__ = ["Bar"]


class Bar(QWidget):
    """Says what the user does next.

    Attributes
    ----------
    undoing : UndoButtons
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._next = text_label("comes_next", "What comes next")
        self._told = text_label("told", "Message")
        self._keys = hint_label("keys", "Keys")
        self._keys.setToolTip("\n".join(f"{key}: {what}" for key, what in KEYS.items()))
        self.undoing = UndoButtons(self)
        row = QHBoxLayout()
        row.addWidget(self._next, 1)
        for one in self.undoing.buttons:
            row.addWidget(one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._told)
        layout.addWidget(self._keys)
        self.tell("")

    def show_next(self, text: str) -> None:
        """Show what comes next."""
        self._next.setText(f"<b>{text}</b>")

    def tell(self, text: str) -> None:
        """Show what was done, until the next change."""
        show_text(self._told, text)

    def show_keys(self, note: str) -> None:
        """Show the keys, and what is to be said of them."""
        self._keys.setText("Keys: J next pair, H other image, G confirm, U use or not" + note)
