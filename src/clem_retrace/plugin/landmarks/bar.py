"""What stays in place below the boxes: what comes next, undo and redo, the keys."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clem_retrace.plugin.landmarks.keys import KEYS
from clem_retrace.plugin.looks import button, hint_label, text_label

__all__ = ["Bar"]


class Bar(QWidget):
    """Says what the user does next.

    Signals
    -------
    undo, redo
        The button was pressed.
    """

    undo = Signal()
    redo = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._next = text_label("comes_next", "What comes next")
        self._told = text_label("told", "Message")
        self._keys = hint_label("keys", "Keys")
        self._keys.setToolTip("\n".join(f"{key}: {what}" for key, what in KEYS.items()))
        self._undo = button("undo", "↶", "Nothing to undo")
        self._redo = button("redo", "↷", "Nothing to redo")
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        row = QHBoxLayout()
        row.addWidget(self._next, 1)
        for one in (self._undo, self._redo):
            one.setFixedWidth(28)
            row.addWidget(one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._told)
        layout.addWidget(self._keys)
        self.show_undo("", "")
        self.tell("")

    def show_next(self, text: str) -> None:
        """Show what comes next."""
        self._next.setText(f"<b>{text}</b>")

    def tell(self, text: str) -> None:
        """Show what was done, until the next change."""
        self._told.setText(text)
        self._told.setVisible(bool(text))

    def show_undo(self, undo: str, redo: str) -> None:
        """Show what can be undone and redone; empty for nothing."""
        for control, verb, what in ((self._undo, "Undo", undo), (self._redo, "Redo", redo)):
            control.setEnabled(bool(what))
            control.setToolTip(f"{verb}: {what}" if what else f"Nothing to {verb.lower()}")
            control.setAccessibleName(f"{verb} {what}".strip())

    def show_keys(self, taken: tuple[str, ...]) -> None:
        """Show the keys, and those that something else has bound already."""
        text = "Keys: J next pair, H other image, G confirm, U use or not"
        if taken:
            text += f" Used by something else: {' '.join(taken)}"
        self._keys.setText(text)
