"""Run and Cancel, how far the batch is, and what is said about it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from clem_retrace.plugin.looks import button, named, show_share, show_text, text_label
from clem_retrace.plugin.notices import sentence

__all__ = ["BatchBar"]


class BatchBar(QWidget):
    """The buttons that stay in place below the boxes, a progress bar and a line of text.

    Signals
    -------
    run, cancel
        The button was pressed.
    """

    run = Signal()
    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run_button = button(
            "run_batch", "Run", "Run all pairs that are not done; what is done is passed by"
        )
        self._cancel = button(
            "cancel_batch", "Cancel", "Stop; what is done stays done, and Run goes on from there"
        )
        self._progress = named(QProgressBar(), "batch_progress", "Pairs that are done")
        self._message = text_label("batch_message", "Message")
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 3)
        buttons.addWidget(self._cancel, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)
        self.run_button.clicked.connect(self.run)
        self._cancel.clicked.connect(self.cancel)
        self.show_running(False)
        self.tell("")

    def show_running(self, running: bool) -> None:
        """Show whether a batch is under way."""
        self.run_button.setEnabled(not running)
        self._cancel.setEnabled(running)
        self._progress.setVisible(running)
        self._progress.setRange(0, 0)

    def show_progress(self, done: int, total: int, left: str) -> None:
        """Show how many pairs are done, and how long the rest takes."""
        show_share(self._progress, done, total)
        self.tell(", ".join(filter(None, (f"{done} of {total} done", left))))

    def tell(self, text: str) -> None:
        """Show one line of text."""
        show_text(self._message, sentence(text))
