"""Events that the generators of the pipeline yield, and how to run one to its end.

A stage is written once, as a generator: it yields `Progress` often enough that
closing it takes effect at once, and returns its value. The plain function beside
it is `run(generator)`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Event", "Progress", "StageResult", "Steps", "run"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has done `done` of `total` units of its work."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class StageResult:
    """A stage has ended with `value`."""

    stage: str
    value: Any


Event = Progress | StageResult
Steps = Generator[Event, None, T]


def run(steps: Steps[T], on_event: Callable[[Event], object] | None = None) -> T:
    """Return what a generator of events returns, passing its events to `on_event`.

    Parameters
    ----------
    steps : generator of Progress or StageResult
        The work; it is closed if `on_event` raises.
    on_event : callable, optional
        Called with each event, in the caller's thread.

    Returns
    -------
    object
        The generator's return value.
    """
    try:
        while True:
            try:
                event = next(steps)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            if on_event is not None:
                on_event(event)
    finally:
        steps.close()
