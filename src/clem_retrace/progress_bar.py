"""`ProgressBar`: how far a command of the command line is, on standard error."""

from __future__ import annotations

import sys
from typing import Any, Self

from clem_retrace.events import Event, Progress
from clem_retrace.printing import tell

__all__ = ["ProgressBar"]


class ProgressBar:
    """A bar for each stage on a terminal, one line for each stage elsewhere; for ``with``."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if not isinstance(event, Progress):
            return
        if event.stage != self._stage:
            self._close()
            self._stage = event.stage
            self._begin(event)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.update(event.done - self._bar.n)

    def _begin(self, event: Progress) -> None:
        if not sys.stderr.isatty():
            tell(f"{event.stage} ...")
            return
        from tqdm import tqdm

        self._bar = tqdm(
            total=event.total,
            desc=f"{event.stage:24}",
            leave=False,
            bar_format="{desc} {percentage:3.0f} % |{bar}| {elapsed}",
        )

    def _close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
