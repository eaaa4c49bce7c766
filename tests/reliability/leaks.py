"""What a session must not gather: threads, processes, objects, bytes."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds in which what was told to stop must have stopped, on a busy machine.
PROMPT = 20.0


def wait_for(until, seconds=PROMPT):
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def no_threads_left() -> Iterator[None]:
    """Fail if threads that were begun in the body go on after it."""
    before = set(threading.enumerate())
    yield
    left = lambda: set(threading.enumerate()) - before  # noqa: E731
    assert wait_for(lambda: not left()), left()


def children() -> set[int]:
    """The ids of the processes that this one has started and that are there still; Linux only."""
    here = Path("/proc/self/task")
    return {
        int(word)
        for task in here.glob("*/children")
        for word in task.read_text().split()
        if not _is_dead(int(word))
    }


def _is_dead(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def resident() -> int:
    """Bytes of memory that this process holds; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def census() -> Counter[str]:
    """How many objects there are that Python's collector knows, by type."""
    gc.collect()
    return Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
