"""`Work`, the one thing that the dock does in a worker, and `WorkBar`, which shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Event, Progress, Steps
from clem_retrace.plugin.looks import button, named, show_share, show_text, text_label
from clem_retrace.plugin.notices import report, sentence
from clem_retrace.plugin.worker import Runner

__all__ = ["Work", "WorkBar"]

#: Seconds between two steps of the progress bar: Qt paints each of them at once.
INTERVAL = 0.1


class WorkBar(QWidget):
    """What stays in place below the boxes: what was done, or goes wrong, progress and Cancel.

    Signals
    -------
    cancel
        The button was pressed.
    """

    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._message = text_label("message", "Message")
        self._progress = named(QProgressBar(), "progress", "Progress")
        self._cancel = button("cancel", "Cancel", "Stop; an older file stays as it was")
        self._cancel.clicked.connect(self.cancel)
        row = QHBoxLayout()
        row.addWidget(self._progress, 1)
        row.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._message)
        layout.addLayout(row)
        self.show_running(False)
        self.tell("")

    def show_running(self, running: bool) -> None:
        """Show whether something is under way."""
        self._progress.setVisible(running)
        self._cancel.setVisible(running)
        self._cancel.setEnabled(running)
        self._progress.setRange(0, 0)

    def show_progress(self, progress: Progress) -> None:
        """Show how far it is."""
        show_share(self._progress, progress.done, progress.total)

    def tell(self, text: str) -> None:
        """Show one text."""
        show_text(self._message, text)


class Work(QObject):
    """Does one thing at a time in a worker; a newer one replaces an older one.

    Signals
    -------
    running_changed : bool
    """

    running_changed = Signal(bool)

    def __init__(self, bar: WorkBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = bar
        self._shown = 0.0
        self._then: Callable[[Any], str] = str
        self._runner = Runner(self)
        self._runner.event_arrived.connect(self._on_event)
        self._runner.succeeded.connect(self._on_success)
        self._runner.failed.connect(self.fail)
        self._runner.stopped.connect(lambda: bar.tell("Cancelled: nothing was changed."))
        self._runner.running_changed.connect(bar.show_running)
        self._runner.running_changed.connect(self.running_changed)
        bar.cancel.connect(self._on_cancel)

    @property
    def running(self) -> bool:
        """Whether something is under way."""
        return self._runner.running

    def start(
        self, doing: str, make_steps: Callable[[], Steps[Any]], then: Callable[[Any], str]
    ) -> None:
        """Run a generator of events.

        Parameters
        ----------
        doing : str
            What is done, for people.
        make_steps : callable
            Called in the worker's thread, and returns the generator.
        then : callable
            Takes the generator's value, on the GUI thread; returns what was done, for people.
        """
        self._then = then
        self._runner.start(make_steps)
        self._bar.tell(f"{doing} …")

    def attempt(self, do: Callable[[], str]) -> None:
        """Do something short, and say what was done, or why it could not be."""
        try:
            self.tell(do())
        except ClemRetraceError as failure:
            self.fail(failure)

    def tell(self, text: str) -> None:
        """Say what was done; nothing, if it is empty."""
        if text:
            self._bar.tell(sentence(text))

    def fail(self, failure: Exception) -> None:
        """Say why something could not be done."""
        self._bar.tell(f"⚠ {report(failure)}")

    def stop(self) -> None:
        """Stop what is under way."""
        self._runner.cancel()

    def _on_cancel(self) -> None:
        # Not before it has stopped: a file may just be taking the place of the older one.
        self._bar.tell("Cancelling …")
        self._runner.stop_soon()

    def _on_event(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, Progress) and now - self._shown >= INTERVAL:
            self._shown = now
            self._bar.show_progress(event)

    def _on_success(self, value: Any) -> None:
        self.attempt(lambda: self._then(value))
