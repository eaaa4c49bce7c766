"""How long a run will still take, as far as that can be said.

Two things are known: how fast the stage under way has been so far, and how long each stage
took in an earlier run of the same kind. Where neither is known well enough nothing is said.
"""

from __future__ import annotations

from collections.abc import Hashable

from clem_retrace.events import Progress

__all__ = ["Pace", "in_words"]

#: Seconds and share of a stage from which on its speed so far is taken for its speed.
SETTLED_SECONDS, SETTLED_SHARE = 2.0, 0.2

#: Seconds below which what is left is not worth a number.
SHORT = 5.0


class Pace:
    """Watches the progress of runs, and tells what is left of the one under way.

    Stages that differ only behind a comma, such as "oriented search, growth", are parts of
    one; each part counts for itself.
    """

    def __init__(self) -> None:
        self._lengths: dict[Hashable, dict[str, float]] = {}
        self._kind: Hashable = None
        self._times: dict[str, float] = {}
        self._stage = ""
        self._total = 0
        self._begun = self._now = 0.0
        self._share = 0.0

    def begin(self, kind: Hashable, now: float) -> None:
        """Begin a run.

        Parameters
        ----------
        kind : hashable
            Runs of one kind take the same time; None for one that is like no other.
        now : float, seconds
            Of any clock that does not go back; the same for all methods.
        """
        self._kind, self._times, self._stage, self._total = kind, {}, "", 0
        self._begun = self._now = now

    def saw(self, progress: Progress, now: float) -> None:
        """Take note of how far a stage is."""
        self._now = now
        if (progress.stage, progress.total) != (self._stage, self._total):
            self._close_stage()
            self._stage, self._total, self._begun = progress.stage, progress.total, now
        self._share = min(1.0, progress.done / progress.total) if progress.total else 0.0

    def finished(self, now: float) -> None:
        """Remember how long the stages of the run took."""
        self._now = now
        self._close_stage()
        if self._kind is not None:
            self._lengths[self._kind] = self._times

    def _close_stage(self) -> None:
        if self._stage:
            passed = self._times.get(self._stage, 0.0) + self._now - self._begun
            self._times[self._stage] = passed

    @property
    def stage_left(self) -> float | None:
        """Seconds until the end of the stage under way, by its speed so far."""
        passed = self._now - self._begun
        if passed < SETTLED_SECONDS or self._share < SETTLED_SHARE:
            return None
        return passed * (1 - self._share) / self._share

    @property
    def left(self) -> float | None:
        """Seconds until the end of the run, by an earlier one of its kind."""
        known = self._lengths.get(self._kind)
        if known is None or self._stage not in known:
            return None
        names = list(known)
        after = sum(known[name] for name in names[names.index(self._stage) + 1 :])
        here = self.stage_left
        if here is None:
            spent = self._times.get(self._stage, 0.0) + self._now - self._begun
            here = max(0.0, known[self._stage] - spent)
        return here + after

    def text(self) -> str:
        """Return what is left in words; empty when nothing can be said."""
        if self.left is not None:
            return f"{in_words(self.left)} left"
        if self.stage_left is not None:
            return f"{in_words(self.stage_left)} left in this stage"
        return ""


def in_words(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < SHORT:
        return "a few seconds"
    if seconds < 100:
        step = 5 if seconds < 60 else 10
        return f"about {step * round(seconds / step)} s"
    return f"about {seconds / 60:.0f} min"
