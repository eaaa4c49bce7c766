"""The process that runs rows on this computer: tasks come in, outcomes go out, one at a time.

It is started with the number of threads to compute with. It ends when nobody gives it tasks
any more, at once when whoever started it has gone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import IO

__all__ = ["NO_MEMORY", "READY", "main"]

#: What is said when tasks can be taken.
READY = "ready"

#: The exit code when a row needed more memory than there is: what has got hold of some by then
#: is given back with all the rest.
NO_MEMORY = 112


def main() -> None:
    """Run tasks until there are none."""
    # Ctrl-C is for the process that was asked to stop; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # When memory runs out, Linux is to kill this process, not the one that started it.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
    # What libraries print must not come between the outcomes.
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    from clem_retrace.batch.running_rows import Task, run_task
    from clem_retrace.parallel import with_threads

    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(tasks,), daemon=True).start()
    _send(reports, READY)
    with with_threads(int(sys.argv[1])):
        while True:
            try:
                _send(reports, run_task(tasks.get()))
            except MemoryError:
                os._exit(NO_MEMORY)


def _receive(tasks: queue.SimpleQueue[object]) -> None:
    """Take tasks until the pipe is closed, then end the process, whatever it is doing."""
    with os.fdopen(0, "rb", closefd=False) as pipe:
        while True:
            try:
                tasks.put(pickle.load(pipe))
            except EOFError:
                os._exit(0)


def _send(reports: IO[bytes], report: object) -> None:
    pickle.dump(report, reports)
    reports.flush()


if __name__ == "__main__":
    main()
