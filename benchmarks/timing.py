"""Times, and the tables they are printed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

Row = tuple[str, ...]


def least(work: Callable[..., object], *arguments: Any, repeats: int = 3, **keywords: Any) -> float:
    """Return the least seconds of some repeats of a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(*arguments, **keywords)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def table(header: Row, rows: Iterator[Row] | list[Row]) -> None:
    """Print a Markdown table."""
    print(f"| {' | '.join(header)} |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def five_times(work: Callable[..., object], *arguments: Any, **keywords: Any) -> None:
    """Do it five times."""
    for _ in range(5):
        work(*arguments, **keywords)
