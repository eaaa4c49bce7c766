"""Cases that are tried, counted and timed: each ends well, or with an error that says why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from clem_retrace.errors import ClemRetraceError

__all__ = ["Tried"]


class Tried(Counter[str]):
    """How many cases were tried, and what became of them.

    Parameters
    ----------
    longest : float, seconds
        Of the processor, that a case may take: many times what it does.
    """

    def __init__(self, longest: float) -> None:
        super().__init__(tried=0, refused=0)
        self.longest = longest

    @contextmanager
    def case(self) -> Iterator[None]:
        """Count a case: it ends in time, well or with a reason that a person can read."""
        self["tried"] += 1
        start, said = time.process_time(), None
        try:
            yield
        except ClemRetraceError as error:
            said = str(error)
            self["refused"] += 1
        assert said is None or len(said) > 15, f"{said!r} says nothing"
        assert time.process_time() - start < self.longest
