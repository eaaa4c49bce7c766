"""`Run`, one search of the session with all that was done about it since, and their list."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.io.session_images import SessionImage
from clem_retrace.plugin.form import Form
from clem_retrace.snippets import rank_taken

if TYPE_CHECKING:
    from clem_retrace.result import Registration
    from clem_retrace.retracing.candidates import Candidates

__all__ = ["LIMIT", "Run", "Runs"]

#: How many runs are kept unless the preferences say otherwise; the oldest go first.
LIMIT = 20


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A search, those of its candidates that were registered, and the one that is shown.

    Attributes
    ----------
    number : int
        From 1, in the order of the session.
    images : tuple of str
        Unique ids of the LM and the EM layer.
    results : mapping
        What the pipeline returned, by the candidate taken, from 0; one at least.
    chosen : int
        Which candidate is shown, from 0.
    form : Form or None
        What it was run with; None for a result that was read from a file.
    seconds : float
        How long the search took.
    region : ndarray or None
        The LM in the region, as it was searched for.
    described : tuple of SessionImage, or None
        What finds the LM and the EM again; None of a result that came from elsewhere.
    ended : datetime
    """

    number: int
    images: tuple[str, str]
    results: Mapping[int, Registration]
    chosen: int = 0
    form: Form | None = None
    seconds: float = 0.0
    region: NDArray[np.float32] | None = None
    described: tuple[SessionImage, SessionImage] | None = None
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of_search(
        cls, number: int, images: tuple[str, str], registration: Registration, **more: Any
    ) -> Self:
        """Return the run that one result makes, its candidate shown.

        Parameters
        ----------
        number : int
        images : tuple of str
        registration : Registration
        **more
            Any of the other attributes.
        """
        taken = rank_taken(registration) - 1
        results = MappingProxyType({taken: registration})
        return cls(number, images, results, taken, **more)

    def showing(self, candidate: int) -> Self:
        """Return the run with another candidate shown."""
        return dataclasses.replace(self, chosen=candidate)

    def adding(self, registration: Registration) -> Self:
        """Return the run with the result of another of its candidates, which is shown."""
        taken = rank_taken(registration) - 1
        results = MappingProxyType({**self.results, taken: registration})
        return dataclasses.replace(self, chosen=taken, results=results)

    def has_candidates(self, registration: Registration) -> bool:
        """Whether a result has found the same candidates."""
        mine, others = self.candidates.matches, registration.candidates.matches
        return len(mine) == len(others) and all(
            np.allclose(one.em_to_lm, other.em_to_lm)
            for one, other in zip(mine, others, strict=True)
        )

    @property
    def candidates(self) -> Candidates:
        """What the search has found."""
        return next(iter(self.results.values())).candidates

    def is_registered(self, candidate: int) -> bool:
        """Whether a candidate was registered, or the registration tried."""
        return candidate in self.results and self.results[candidate].estimate is not None

    @property
    def taken_by_hand(self) -> bool:
        """Whether the candidate that is shown is one that the user has registered."""
        return self.chosen > 0 and self.is_registered(self.chosen)

    @property
    def by_hand(self) -> bool:
        """Whether its place was given by hand, and nothing searched for."""
        return self.candidates.best.search == "hand"

    @property
    def stands(self) -> bool:
        """Whether the place that is shown is found, or given by hand and not in vain."""
        estimate = self.shown.estimate
        return self.shown.found or (self.by_hand and (estimate is None or bool(estimate)))

    @property
    def summary(self) -> str:
        """What the search has done, in a few words."""
        if self.by_hand:
            return "Placed by hand: nothing was searched for"
        count = len(self.candidates.matches)
        took = f" in {self.seconds:.0f} s" if self.seconds >= 1 else ""
        return f"{count} candidate{'s' * (count != 1)}{took}"

    def outdated_by(self, form: Form | None, fault: str) -> str:
        """Return why the run no longer belongs to the form; empty when it does.

        Parameters
        ----------
        form : Form or None
            How the form stands.
        fault : str
            Why it cannot be read, when it cannot.
        """
        if self.form is None:
            return ""
        if form is None:
            return fault
        changes = self._read(form).changes(self._read(self.form))
        if len(changes) > 2:
            return f"{changes[0]}, and {len(changes) - 1} more changes"
        return " and ".join(changes)

    def _read(self, form: Form) -> Form:
        """Return a form with what does not matter to the run left at its default."""
        if not self.by_hand:
            return form
        # Imported when needed: what computes brings scipy.
        from clem_retrace.stages import only

        read = only(form.options, "affine", "context")
        return dataclasses.replace(form, patch=None, options=read)

    def has_candidates_of(self, form: Form) -> bool:
        """Whether a search with the form would find the same candidates."""
        return (
            self.form is None
            or not form.changes(self.form)
            or form.needs_registration_only(self.form)
        )

    @property
    def shown(self) -> Registration:
        """The result of the candidate that is shown."""
        return self.of(self.chosen)

    def of(self, candidate: int) -> Registration:
        """Return a candidate's result: where it is not registered, its match alone."""
        if candidate in self.results:
            return self.results[candidate]
        whole = next(iter(self.results.values()))
        match = whole.candidates.matches[candidate]
        return dataclasses.replace(
            whole,
            match=match,
            estimate=None,
            em_to_lm=match.em_to_lm,
            found=match.confidence >= whole.options.confidence_threshold,
            confidence=match.confidence,
            reason=f"Candidate {candidate + 1} of {len(whole.candidates.matches)}, as the search "
            "found it. It is not registered yet: press Register this one to refine it.",
        )


class Runs:
    """The runs of a session, oldest first, no more than a limit."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._runs: list[Run] = []
        self._count = 0

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def next_number(self) -> int:
        """The number that the next run gets."""
        return self._count + 1

    def keep(self, run: Run) -> None:
        """Keep a new run, or the newer state of one that is kept."""
        for position, kept in enumerate(self._runs):
            if kept.number == run.number:
                self._runs[position] = run
                return
        self._count = max(self._count, run.number)
        self._runs.append(run)
        del self._runs[: max(0, len(self._runs) - self._limit)]

    def numbered(self, number: int) -> Run | None:
        """Return the run of a number; None when it is no longer kept."""
        return next((run for run in self._runs if run.number == number), None)
