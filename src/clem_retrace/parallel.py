"""Work on several cores: threads, for NumPy and SciPy let go of Python's lock while they compute.

What comes out does not depend on how many there are: the parts of the work are the same, and
their results are given in order.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["cores", "in_order", "threads", "with_threads"]

T = TypeVar("T")
R = TypeVar("R")

#: More do not pay: the parts wait for memory, not for cores.
MOST = 8

_chosen: ContextVar[int | None] = ContextVar("threads", default=None)


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def threads() -> int:
    """Return how many threads compute: the cores this process may use, 8 at most."""
    chosen = _chosen.get()
    return min(cores(), MOST) if chosen is None else chosen


@contextmanager
def with_threads(number: int) -> Iterator[None]:
    """Compute with so many threads in the body: one, where other processes have the cores."""
    token = _chosen.set(number)
    try:
        yield
    finally:
        _chosen.reset(token)


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield the function's value for each item, in order; a few are computed ahead.

    Closing the iterator waits for those that are being computed and drops the others.

    Parameters
    ----------
    function : callable
        Called in other threads: it does not change what it is given.
    items : iterable
        Taken from in this thread.
    """
    number = threads()
    if number == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(number) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > number:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
