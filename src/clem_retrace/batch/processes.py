"""Rows on the cores of this computer, in processes of their own.

A row can kill its process: the system does so when memory runs out, or a library crashes.
The others go on. The row is tried once more when all others have ended, so that it has the
memory for itself.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Sequence

from clem_retrace.batch.child_process import ChildProcess
from clem_retrace.batch.crews import HEARTBEAT, Crew, Ended, Started
from clem_retrace.batch.outcomes import Outcome
from clem_retrace.batch.running_rows import Task
from clem_retrace.parallel import cores

__all__ = ["run_on_cores"]


def run_on_cores(tasks: Sequence[Task], workers: int | None = None) -> Crew:
    """Yield what becomes of rows that are run in so many processes, one for each core by default.

    Raises
    ------
    ClemRetraceError
        A process cannot be started.
    """
    crew = _Processes(max(1, min(workers or cores(), len(tasks))))
    waiting, again, tried = deque(tasks), deque[Task](), set[int]()
    try:
        while waiting or again or crew.busy:
            # One that was killed is run when nothing else is.
            line = waiting if waiting or crew.busy else again
            if line and crew.has_room:
                task = line.popleft()
                crew.start(task)
                yield Started(task.index)
                continue
            told = crew.told()
            if told is None:
                yield None
                continue
            task, outcome, killed = told
            if killed and task.index not in tried:
                tried.add(task.index)
                again.append(task)
            else:
                yield Ended(task.index, outcome)
    finally:
        crew.end()


class _Processes:
    """So many processes, started when they are needed, each with a row or idle."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = max(1, cores() // count)
        self._reports: queue.SimpleQueue[tuple[ChildProcess, Outcome | None]] = queue.SimpleQueue()
        self._idle: list[ChildProcess] = []
        self._tasks: dict[ChildProcess, Task] = {}

    @property
    def busy(self) -> bool:
        """Whether a row is being run."""
        return bool(self._tasks)

    @property
    def has_room(self) -> bool:
        """Whether one more can be."""
        return len(self._tasks) < self._count

    def start(self, task: Task) -> None:
        """Have a row run.

        Raises
        ------
        ClemRetraceError
            No process can be started.
        """
        child = self._idle.pop() if self._idle else ChildProcess(self._threads, self._reports.put)
        self._tasks[child] = task
        child.give(task)

    def told(self) -> tuple[Task, Outcome, bool] | None:
        """Return a row that has ended, how, and whether its process was killed; None if none has.

        Raises
        ------
        ClemRetraceError
            A process has ended before it could run a row.
        """
        try:
            child, outcome = self._reports.get(timeout=HEARTBEAT)
        except queue.Empty:
            return None
        if outcome is not None:
            self._idle.append(child)
            return self._tasks.pop(child), outcome, False
        child.end()
        if child in self._idle:
            self._idle.remove(child)
            return None
        return self._tasks.pop(child), Outcome("failed", child.cause()), True

    def end(self) -> None:
        """End all processes, whatever they do."""
        for child in (*self._tasks, *self._idle):
            child.kill()
        for child in (*self._tasks, *self._idle):
            child.end()
