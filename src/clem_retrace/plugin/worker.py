"""The one place that names a thread: `Runner` runs a generator of events in a worker.

Each run has a thread of its own. Those of Qt's pool are as many as there are cores: a batch
and a search would leave none to anybody else, and what is asked for then waits until one of
them ends. superqt's workers, besides, turn all warnings of the process their own way while
they run, and two that overlap leave it so; they swallow a `RuntimeError` of a generator, and
leave one that was told to quit suspended until it is collected.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from clem_retrace.events import Event, Progress, Steps

__all__ = ["Runner", "one_step"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    """What a run sends: an event while it goes on; at the end its value, its failure, or neither.

    The number of the run tells messages that are still under way when it is cancelled.
    """

    generation: int
    event: Event | None = None
    value: Any = None
    failure: Exception | None = None
    stopped: bool = False


class _Mailbox(QObject):
    """Carries messages to the thread it was made in."""

    message = Signal(object)


class _Run:
    """Runs one generator of events in a thread, as long as its owner and the program live.

    The owner is asked rather than its `destroyed` signal awaited: Python may have cleared
    the slot by the time it is emitted. It is not held: the last to let go of a Qt object
    deletes it, which is not this thread's to do.
    """

    def __init__(
        self,
        owner: QObject,
        mailbox: _Mailbox,
        generation: int,
        make_steps: Callable[[], Steps[Any]],
    ) -> None:
        self._owner = weakref.ref(owner)
        self._mailbox = mailbox
        self._generation = generation
        self._make_steps = make_steps
        self._quit = threading.Event()

    def start(self) -> None:
        """Start the thread. The program ends when it has: it may have a file half-written."""
        threading.Thread(target=self._work, name="clem-retrace").start()

    def quit(self) -> None:
        """Stop at the next event."""
        self._quit.set()

    def _goes_on(self) -> bool:
        """Whether there is somebody to work for."""
        owner = self._owner()
        return (
            not self._quit.is_set()
            and owner is not None
            and isalive(owner)
            and threading.main_thread().is_alive()
        )

    def _work(self) -> None:
        """Run the generator to its end, or until it is told to quit."""
        send, post = partial(_Message, self._generation), self._mailbox.message.emit
        try:
            if not self._goes_on():
                post(send(stopped=True))
                return
            steps = self._make_steps()
            try:
                while self._goes_on():
                    post(send(event=next(steps)))
            except StopIteration as stop:
                post(send(value=stop.value))
                return
            finally:
                steps.close()
            post(send(stopped=True))
        # The border of the thread: the GUI thread is told, whatever it is.
        except Exception as failure:
            post(send(failure=failure))


def one_step(stage: str, work: Callable[[], T]) -> Steps[T]:
    """Yield once; return what some work returns that tells of no progress."""
    yield Progress(stage, 0, 1)
    return work()


class Runner(QObject):
    """Runs one generator of events at a time in a worker thread.

    All signals are emitted on the GUI thread. Of a run that was cancelled, or replaced by
    another, nothing is emitted after `cancel` or `start` returned. Warnings of the work are
    shown as all warnings are, by napari.

    Signals
    -------
    event_arrived : Progress or StageResult
    succeeded : the generator's value
    failed : Exception
    stopped
        A run has come to its end as `stop_soon` asked, before it was through.
    running_changed : bool
    """

    event_arrived = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    stopped = Signal()
    running_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation = 0
        self._running = False
        self._run: _Run | None = None
        self._mailbox = _Mailbox()
        self._mailbox.message.connect(self._receive)

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
        run = self._run = _Run(self, self._mailbox, self._generation, make_steps)
        self._set_running(True)
        # Whoever was told may have cancelled it: then it ends before it begins.
        run.start()

    def cancel(self) -> None:
        """Stop the run, if there is one: at its next event, and unseen from now on."""
        self._stop()
        self._set_running(False)

    def stop_soon(self) -> None:
        """Stop the run, if there is one, at its next event; it is running until then.

        For work that leaves something behind: `stopped` tells that it did not, `succeeded`
        that it was too late to stop it.
        """
        if self._run is not None:
            self._run.quit()

    def _stop(self) -> None:
        self._generation += 1
        if self._run is not None:
            self._run.quit()
            self._run = None

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
        self._run = None
        self._set_running(False)
        if message.failure is not None:
            self.failed.emit(message.failure)
        elif message.stopped:
            self.stopped.emit()
        else:
            self.succeeded.emit(message.value)
