"""Rows on the workers of an existing dask.distributed cluster.

The scheduler gives the rows of a worker that is lost to others. A row may so be run by two
workers at once, for one that cannot be reached may still be at work: the folder of its
results is renamed when it is complete, and the second finds it and stops.
"""

from __future__ import annotations

import platform
import queue
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clem_retrace.batch.crews import HEARTBEAT, KILLED, Crew, Ended, Remark
from clem_retrace.batch.outcomes import Outcome
from clem_retrace.batch.running_rows import Task, run_task
from clem_retrace.errors import ClemRetraceError, InvalidOption
from clem_retrace.parallel import with_threads

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["CALL", "run_on_cluster"]

#: The file in the batch's folder by which workers know that they see the same folder.
CALL = "batch.json"

#: Seconds: to reach the scheduler; for a file to be seen through a network drive; until it is
#: asked again whether there are workers.
CONNECTING, APPEARING, ASKING = 10.0, 10.0, 3.0

LOST = (
    "the scheduler has stopped, or the connection to it: when it runs again, the same command "
    "goes on from here"
)


def run_on_cluster(tasks: Sequence[Task], scheduler: str) -> Crew:
    """Yield what becomes of rows that are run by the workers of a cluster.

    Rows that are being run when this is stopped end by themselves.

    Parameters
    ----------
    tasks : sequence of Task
        Their files and folders must be seen by all workers, under the same paths.
    scheduler : str
        Its address, such as ``tcp://host:8786``.

    Raises
    ------
    InvalidOption
        The package distributed is missing, or the scheduler cannot be reached.
    ClemRetraceError
        The scheduler was lost.
    """
    client = _connect(scheduler)
    try:
        yield from _run(client, tasks)
    except OSError as error:
        raise ClemRetraceError(LOST) from error
    finally:
        client.close()


def _connect(scheduler: str) -> Client:
    """Return a client of a scheduler.

    Raises
    ------
    InvalidOption
        The package distributed is missing, or the scheduler cannot be reached.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InvalidOption(
            "a scheduler needs the package distributed: pip install 'clem-retrace[distributed]'"
        ) from error
    try:
        return Client(scheduler, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidOption(
            f"there is no scheduler at '{scheduler}' ({error}): an address such as "
            "tcp://host:8786 is needed"
        ) from error


def _run(client: Client, tasks: Sequence[Task]) -> Crew:
    """Yield what becomes of rows.

    Raises
    ------
    ClemRetraceError
        The scheduler was lost.
    """
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    running: dict[str, tuple[Future, Task]] = {}
    tried: set[int] = set()

    def submit(task: Task, attempt: int) -> None:
        # All at once: the scheduler asks for workers by what is waiting.
        key = f"clem_retrace_row-{task.run}-{task.index}-{attempt}"
        future = client.submit(run_here, task, key=key, pure=False, retries=0)
        running[key] = (future, task)
        future.add_done_callback(ended.put)

    for task in tasks:
        submit(task, 1)
    again: list[Task] = []
    asked, idle = time.monotonic(), False
    while running or again:
        if not running:
            submit(again.pop(), 2)
        try:
            future = ended.get(timeout=HEARTBEAT)
        except queue.Empty:
            yield None
            if time.monotonic() > asked + ASKING:
                asked, was_idle, idle = time.monotonic(), idle, not client.nthreads()
                if idle and not was_idle:
                    yield Remark("the cluster has no workers now: rows are run when some come")
            continue
        _, task = running.pop(future.key)
        outcome = _outcome(future)
        if outcome is None and task.index not in tried:
            tried.add(task.index)
            again.append(task)
            continue
        yield Ended(task.index, outcome or Outcome("failed", KILLED))


def _outcome(future: Future) -> Outcome | None:
    """Return what became of a row, None if its workers were killed.

    Raises
    ------
    ClemRetraceError
        The scheduler was lost.
    """
    from distributed import KilledWorker

    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status != "error":
        raise ClemRetraceError(LOST)
    fault: Any = future.exception()
    if isinstance(fault, KilledWorker):
        return None
    return Outcome(
        "failed",
        f"the cluster cannot run it ({type(fault).__name__}: {fault}): its scheduler and workers "
        "need the same packages as this computer",
    )


def run_here(task: Task) -> Outcome:
    """Return what became of a row, run by this worker."""
    problem = _cannot_see(task.folder.parent, task.run)
    if problem:
        return Outcome("failed", problem)
    try:
        # A worker has as many threads as it is to compute with, each for a row of its own.
        with with_threads(1):
            return run_task(task)
    except MemoryError:
        return Outcome("failed", f"{platform.node()} has not enough memory for it")


def _cannot_see(folder: Path, run: str) -> str:
    """Return what is wrong with the batch's folder as it is seen from here, if anything."""
    give_up = time.monotonic() + APPEARING
    while True:
        try:
            if run in (folder / CALL).read_text(encoding="utf-8"):
                return ""
        except OSError:
            pass
        if time.monotonic() > give_up:
            return (
                f"the worker on {platform.node()} does not see the folder {folder} of this batch: "
                "choose one on a drive that all workers share, under the same path"
            )
        time.sleep(HEARTBEAT)
