"""`ReportedRun`, a run with all that a report says of it, and finding those of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clem_retrace.errors import InvalidOption
from clem_retrace.evaluation import targets
from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix
from clem_retrace.io.session_images import (
    FoundImage,
    SessionImage,
    find_image_steps,
    sample_pair,
)
from clem_retrace.io.sessions import Session, SessionRun
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration.landmark_errors import predicted_error
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.result import Registration
from clem_retrace.synthetic.pair import true_patch

__all__ = ["FoundImages", "ReportedRun"]


def _is_of(image: SessionImage, chosen: SessionImage | None) -> bool:
    """Whether a run's image is the one that is chosen in the session."""
    if chosen is None or image.shape != chosen.shape:
        return False
    if image.digest and chosen.digest:
        return image.digest == chosen.digest
    return (image.path, image.sample, image.name) == (chosen.path, chosen.sample, chosen.name)


@dataclass(frozen=True, slots=True, eq=False)
class ReportedRun:
    """A run, and what is known of it besides.

    Attributes
    ----------
    run : SessionRun
    lm, em : FoundImage
        Its images; one without pixels, or with a problem, is not drawn, and the report says
        why.
    number : int
        In its session, from 1.
    transform : PairTransform, optional
        What the user has made of the run's, by landmarks or by hand. Numbers and pictures are
        then of it, and its errors are given. The run's own, with landmarks to check it with, is
        one of the origin "automatic".
    truth : Roi, optional
        Where the region is known to lie, in EM pixels.
    """

    run: SessionRun
    lm: FoundImage
    em: FoundImage
    number: int = 1
    transform: PairTransform | None = None
    truth: Roi | None = None

    @property
    def registration(self) -> Registration:
        """The result that was shown; of a candidate that was only looked at, the run's own."""
        shown = (result for result in self.run.results if result.rank == self.run.shown)
        return next(shown, self.run.results[0])

    @property
    def pair(self) -> PairTransform:
        """The way from EM to LM, as well as it is known."""
        return self.registration.transform if self.transform is None else self.transform

    @property
    def centre(self) -> tuple[float, float]:
        """(row, col) of the region's centre in the EM, by `pair`."""
        row, col = self.pair.to_em(self.registration.roi.centre)
        return float(row), float(col)

    @property
    def corrected(self) -> bool:
        """Whether the place is another than the run's own."""
        return self.transform is not None and self.transform.origin != "automatic"

    @property
    def expected_error(self) -> float | None:
        """Root mean square over the region, LM pixels; None where it is not known."""
        if not self.corrected:
            return self.registration.error
        at = targets(self.registration.roi)
        error = float(np.sqrt(np.mean(predicted_error(self.pair, at) ** 2)))
        return error if np.isfinite(error) else None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the images, each once."""
        told = (image.problem for image in (self.lm, self.em) if image.problem)
        return tuple(dict.fromkeys(told))

    @property
    def pixels(self) -> tuple[Micrograph, Micrograph] | None:
        """Both images, as they were when the run was made; None where one is not to be had."""
        lm, em = self.lm.micrograph, self.em.micrograph
        return None if lm is None or em is None or self.problems else (lm, em)


class FoundImages:
    """The runs of a session one after the other, with their images.

    No more images are held than those of one run: a session can be of many large ones.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[tuple[object, Which], FoundImage] = {}
        self._truths: dict[str, Matrix | None] = {}

    def numbers(self, only: int | None = None) -> Iterator[int]:
        """Return the numbers of the runs, or one of them.

        Raises
        ------
        InvalidOption
            There are none, or not so many.
        """
        count = len(self._session.runs)
        if count == 0:
            raise InvalidOption("the session holds no runs: there is nothing to report")
        if only is None:
            return iter(range(1, count + 1))
        if not 1 <= only <= count:
            raise InvalidOption(f"run {only} was asked for: the session has {count}, from 1 on")
        return iter((only,))

    def run_steps(self, number: int, *, pixels: bool = True) -> Steps[ReportedRun]:
        """Yield progress; return a run of the session with its images, unread without `pixels`."""
        run = self._session.runs[number - 1]
        if not pixels:
            unread = FoundImage(run.lm, None), FoundImage(run.em, None)
            return ReportedRun(run, *unread, number, self._by_hand(number))
        images: dict[tuple[object, Which], FoundImage] = {}
        roles: tuple[Which, Which] = ("lm", "em")
        for image, role in zip((run.lm, run.em), roles, strict=True):
            kept = self._kept.get((image, role))
            if kept is None:
                kept = yield from find_image_steps(image, role)
            images[image, role] = kept
        self._kept = images
        truth = self._true_patch(run)
        found = images[run.lm, "lm"], images[run.em, "em"]
        return ReportedRun(run, *found, number, self._by_hand(number), truth)

    def _by_hand(self, number: int) -> PairTransform | None:
        """Return what landmarks make of a run: of the last one on the images they are on."""
        session = self._session
        if session.landmarks is None:
            return None
        chosen = [
            at
            for at, run in enumerate(session.runs, start=1)
            if _is_of(run.lm, session.lm) and _is_of(run.em, session.em)
        ]
        if not chosen or chosen[-1] != number:
            return None
        result = session.runs[number - 1].results[0]
        return session.landmarks.transform(result.lm, result.em)

    def _true_patch(self, run: SessionRun) -> Roi | None:
        """Return where a region of a sample pair lies; None of others, or when it is not there."""
        name = run.lm.sample
        if not name or run.em.sample != name or not all(self._kept.values()):
            return None
        if name not in self._truths:
            self._truths[name] = sample_pair(name).lm_to_em
        to_em = self._truths[name]
        if to_em is None:
            return None
        truth = true_patch(run.results[0].roi, to_em)
        inside = all(0 <= at < side for at, side in zip(truth.centre, run.em.shape, strict=True))
        return truth if inside else None
