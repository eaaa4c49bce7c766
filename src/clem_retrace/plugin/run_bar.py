"""Run, Cancel, and what is going on."""

from __future__ import annotations

import time

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from clem_retrace.events import Progress

__all__ = ["RunBar", "sentence"]

#: Seconds between two steps of the progress bar: Qt paints each of them at once.
INTERVAL = 0.1


class RunBar(QWidget):
    """The two buttons, a progress bar and one line of text.

    Signals
    -------
    run, cancel
        The button was pressed.
    """

    run = Signal()
    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage, self._shown = "", 0.0
        self._run = QPushButton("Run")
        self._run.setObjectName("run")
        self._run.setToolTip("Find the region in the EM image and register the two")
        self._cancel = QPushButton("Cancel")
        self._cancel.setObjectName("cancel")
        self._cancel.setToolTip("Stop the run; nothing that was there before is lost")
        self._progress = QProgressBar()
        self._progress.setObjectName("progress")
        self._progress.setAccessibleName("Progress of the stage")
        self._message = QLabel()
        self._message.setObjectName("message")
        self._message.setAccessibleName("Message")
        self._message.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self._run, 1)
        buttons.addWidget(self._cancel, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)
        self._run.clicked.connect(self.run)
        self._cancel.clicked.connect(self.cancel)
        self.show_running(False)

    def show_running(self, running: bool) -> None:
        """Show whether a run is under way."""
        # Run stays enabled: a second run replaces the first.
        self._run.setText("Run again" if running else "Run")
        self._cancel.setEnabled(running)
        self._progress.setVisible(running)
        if running:
            self._progress.setRange(0, 0)
            self._progress.setFormat("")
            self._stage = ""
            self.tell("Starting …")

    def show_progress(self, progress: Progress) -> None:
        """Show how far a stage is; what comes too soon after the last is left out."""
        now = time.monotonic()
        if progress.stage == self._stage and now - self._shown < INTERVAL:
            return
        self._stage, self._shown = progress.stage, now
        # A total of 0 would make the bar swing without end.
        self._progress.setRange(0, max(progress.total, 1))
        self._progress.setValue(progress.done)
        self.tell(f"{sentence(progress.stage)} …")

    def tell(self, text: str) -> None:
        """Show one line of text."""
        self._message.setText(text)
        self._message.setVisible(bool(text))


def sentence(text: str) -> str:
    """Return a text that starts with a capital and keeps its others."""
    return text[:1].upper() + text[1:]
