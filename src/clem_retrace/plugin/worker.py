"""The one place that names a thread: `Runner` runs a generator of events in a worker.

superqt's own generator worker swallows a `RuntimeError` of the generator, which it takes
for a deleted Qt object, and leaves a generator that was told to quit suspended until it is
collected. So the loop is written here, on superqt's public `WorkerBase`: every failure is
delivered, and a cancelled generator is closed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from superqt.utils import WorkerBase

from clem_retrace.events import Event, Steps

__all__ = ["Runner"]


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    """What a worker sends: an event while it runs; its value or its failure at the end.

    The number of the run tells messages that are still under way when it is cancelled.
    """

    generation: int
    event: Event | None = None
    value: Any = None
    failure: Exception | None = None


class _Mailbox(QObject):
    """Carries messages to the thread it was made in."""

    message = Signal(object)


class _Worker(WorkerBase):
    """Runs one generator of events in a thread of Qt's pool, as long as its owner lives.

    The owner is asked rather than its `destroyed` signal awaited: Python may have cleared
    the slot by the time it is emitted.
    """

    def __init__(
        self, owner: QObject, generation: int, make_steps: Callable[[], Steps[Any]]
    ) -> None:
        super().__init__()
        self._owner = owner
        self._generation = generation
        self._make_steps = make_steps
        self.mailbox = _Mailbox()

    def work(self) -> None:
        """Run the generator to its end, or until it is told to quit."""
        send = partial(_Message, self._generation)
        try:
            steps = self._make_steps()
            try:
                while not self.abort_requested and isalive(self._owner):
                    self.mailbox.message.emit(send(event=next(steps)))
            except StopIteration as stop:
                self.mailbox.message.emit(send(value=stop.value))
            finally:
                steps.close()
        # The border of the thread: the GUI thread is told, whatever it is.
        except Exception as failure:
            self.mailbox.message.emit(send(failure=failure))


class Runner(QObject):
    """Runs one generator of events at a time in a worker thread.

    All signals are emitted on the GUI thread. Of a run that was cancelled, or replaced by
    another, nothing is emitted after `cancel` or `start` returned.

    Signals
    -------
    event_arrived : Progress or StageResult
    succeeded : the generator's value
    failed : Exception
    warned : tuple
        A Python warning, as the arguments of `warnings.showwarning`.
    running_changed : bool
    """

    event_arrived = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    warned = Signal(tuple)
    running_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation = 0
        self._running = False
        self._worker: _Worker | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way that was not cancelled."""
        return self._running

    def start(self, make_steps: Callable[[], Steps[Any]]) -> None:
        """Run the generator that `make_steps` returns; a run under way is cancelled.

        Parameters
        ----------
        make_steps : callable
            Called in the worker's thread.
        """
        self._stop()
        self._worker = _Worker(self, self._generation, make_steps)
        self._worker.mailbox.message.connect(self._receive)
        self._worker.warned.connect(self.warned)
        self._set_running(True)
        self._worker.start()

    def cancel(self) -> None:
        """Stop the run, if there is one: at its next event, and unseen from now on."""
        self._stop()
        self._set_running(False)

    def _stop(self) -> None:
        self._generation += 1
        if self._worker is not None:
            self._worker.quit()
            self._worker = None

    def _set_running(self, running: bool) -> None:
        if running != self._running:
            self._running = running
            self.running_changed.emit(running)

    def _receive(self, message: _Message) -> None:
        if message.generation != self._generation:
            return
        if message.event is not None:
            self.event_arrived.emit(message.event)
            return
        self._worker = None
        self._set_running(False)
        if message.failure is not None:
            self.failed.emit(message.failure)
        else:
            self.succeeded.emit(message.value)
