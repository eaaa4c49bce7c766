"""The order of the stages: `steps`, the generator behind `register`, and `refine`."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np

from clem_retrace.errors import BadImage, InvalidOption, MissingPixelSize, PatchLargerThanEM
from clem_retrace.events import Event, StageResult, Steps, run
from clem_retrace.geometry import Matrix
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration import AffineEstimate
from clem_retrace.result import Registration
from clem_retrace.retracing import Candidates, Match
from clem_retrace.retracing.verdict import merge, verdict
from clem_retrace.stages import (
    affine_steps,
    histogram_steps,
    only,
    oriented_steps,
    scale_steps,
    work_steps,
)

__all__ = ["Registration", "refine", "refine_steps", "register", "resolve_ratio", "steps"]


def register(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    options: RegistrationOptions | None = None,
    *,
    take: int = 1,
    memory: Memory | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Registration:
    """Return where the LM region lies in the EM, and the transform that lays the EM over it.

    Parameters
    ----------
    lm, em : Micrograph
    roi : Roi, LM pixels
        It is clipped to the LM image.
    options : RegistrationOptions, optional
    take : int
        Rank of the candidate that is taken, 1 for the best: a person may know better.
    memory : Memory, optional
        Holds what stages returned in earlier runs; only what has changed since is run again.
    on_event : callable, optional
        Called with each `Progress` and `StageResult`.

    Returns
    -------
    Registration
        Also when the region was not found: `found` says so, `reason` why.

    Raises
    ------
    MissingPixelSize
        Neither two pixel sizes nor the option ``pixel_size_ratio`` say the ratio.
    RoiError
        The region lies outside the LM image, or is too small.
    PatchLargerThanEM
        The region, magnified, does not fit into the EM.
    BadImage
        An image has no structures.
    InvalidOption
        There is no candidate of the rank to be taken.

    References
    ----------
    The paper, section 3.
    """
    return run(steps(lm, em, roi, options, take=take, memory=memory), on_event)


def steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    options: RegistrationOptions | None = None,
    *,
    take: int = 1,
    memory: Memory | None = None,
) -> Steps[Registration]:
    """Yield the events of a run; return what `register` returns."""
    options = options or RegistrationOptions()
    _check_take(take, options.candidates)
    recall, clock = Recall(memory), _Clock()
    ratio = resolve_ratio(lm, em, options)
    lm = _in_memory(lm)
    roi = roi.clipped(lm.shape)
    _check_fit(roi, em, ratio, options)

    with clock("scale selection"):
        lm_scale = yield from scale_steps(lm, "LM", options, recall)
        em_scale = yield from scale_steps(em, "EM", options, recall)
    with clock("EM decimation"):
        # Fine enough for the smallest ratio that may be true, where that is far below.
        finest = ratio * min(1.0, 2 * (1 - options.ratio_uncertainty))
        work, em_to_work = yield from work_steps(em, finest, "EM decimation", recall)
    found: list[Candidates] = []
    if options.search in ("both", "histogram"):
        with clock("histogram search"):
            sigmas = (lm_scale.sigma, em_scale.sigma)
            source = (work, em_to_work) if options.histogram.matched else (em, np.eye(3))
            histogram = yield from histogram_steps(lm, *source, roi, ratio, sigmas, options, recall)
            yield StageResult("histogram search", histogram)
            found.append(histogram)
    with clock("oriented search"):
        read = only(options, "ratio_uncertainty", "context", "candidates", "oriented")
        oriented = yield from recall.steps(oriented_steps, lm, work, em_to_work, roi, ratio, read)
        if options.search != "histogram":
            yield StageResult("oriented search", oriented)
            found.insert(0, oriented)
    candidates = merge(found, oriented, limit=options.candidates)
    yield StageResult("candidates", candidates)

    _check_take(take, len(candidates.matches))
    match = candidates.matches[take - 1]
    estimate, em_to_lm = None, match.em_to_lm
    if options.affine.enabled:
        with clock("registration"):
            estimate = yield from _registration_steps(
                lm, work, em_to_work, match, oriented, options, recall
            )
        yield StageResult("registration", estimate)
        if estimate:
            em_to_lm = estimate.matrix
    found_it = match.confidence >= options.confidence_threshold
    return Registration(
        lm=ImageFacts.of(lm), em=ImageFacts.of(em), roi=roi, options=options, ratio=ratio,
        lm_scale=lm_scale, em_scale=em_scale, candidates=candidates, match=match,
        estimate=estimate, em_to_lm=em_to_lm, found=found_it, confidence=match.confidence,
        reason=_reason(candidates, take, estimate, options.confidence_threshold),
        timings=clock.seconds, version=version("clem-retrace"),
    )  # fmt: skip


def refine(
    lm: Micrograph,
    em: Micrograph,
    match: Match,
    options: RegistrationOptions | None = None,
    *,
    memory: Memory | None = None,
) -> AffineEstimate:
    """Return the registration of any candidate, or of a start given by hand.

    Parameters
    ----------
    lm, em : Micrograph
    match : Match
        The start; up to some 8 LM pixels, 5 degrees and 5 % off.
    options : RegistrationOptions, optional
        ``affine`` and ``context`` are used.
    memory : Memory, optional
        As in `register`.

    Raises
    ------
    BadImage
        An image has no structures.
    """
    return run(refine_steps(lm, em, match, options, memory=memory))


def refine_steps(
    lm: Micrograph,
    em: Micrograph,
    match: Match,
    options: RegistrationOptions | None = None,
    *,
    memory: Memory | None = None,
) -> Steps[AffineEstimate]:
    """Yield progress of `refine`; return its result."""
    read = only(options or RegistrationOptions(), "context", "affine")
    recall = Recall(memory)
    lm = _in_memory(lm)
    work, em_to_work = yield from work_steps(em, match.magnification, "EM decimation", recall)
    return (
        yield from recall.steps(
            affine_steps, lm, work, em_to_work, match, match.contrast, True, read
        )
    )


def resolve_ratio(lm: Micrograph, em: Micrograph, options: RegistrationOptions) -> float:
    """Return the EM pixels per LM pixel that a run starts from.

    Raises
    ------
    MissingPixelSize
        It is not known, or the EM's pixels are the larger ones.
    """
    if options.pixel_size_ratio is not None:
        return options.pixel_size_ratio
    missing = [which for which, image in (("LM", lm), ("EM", em)) if image.pixel_size is None]
    if missing:
        raise MissingPixelSize(
            f"the pixel size of the {' and the '.join(missing)} image is not known: give it in "
            "nm, or give the ratio (EM pixels per LM pixel)"
        )
    assert lm.pixel_size is not None
    assert em.pixel_size is not None
    ratio = lm.pixel_size / em.pixel_size
    if ratio < 1:
        raise MissingPixelSize(
            f"the EM's pixels ({em.pixel_size:g} nm) are larger than the LM's "
            f"({lm.pixel_size:g} nm): have the images or the pixel sizes been swapped?"
        )
    return ratio


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start


def _in_memory(lm: Micrograph) -> Micrograph:
    """Return the LM read as float32; every stage looks at all of it.

    Raises
    ------
    BadImage
        It is constant, or holds no finite values.
    """
    data = np.asarray(lm.data, dtype=np.float32)
    finite = np.isfinite(data)
    name = lm.name or "the LM image"
    if not finite.any():
        raise BadImage(f"{name} holds no finite values")
    if not finite.all():
        data = np.where(finite, data, np.nan).astype(np.float32)
    if np.nanmin(data) == np.nanmax(data):
        raise BadImage(f"{name} is constant: there are no structures in it")
    return dataclasses.replace(lm, data=data, levels=())


def _check_fit(roi: Roi, em: Micrograph, ratio: float, options: RegistrationOptions) -> None:
    """Refuse a region that cannot lie in the EM.

    Raises
    ------
    PatchLargerThanEM
        Even at the smallest ratio allowed it is larger than the EM, either way round.
    """
    least = ratio * (1 - options.ratio_uncertainty)
    sides = sorted((roi.height * least, roi.width * least))
    room = sorted(em.shape)
    if sides[0] > room[0] or sides[1] > math.hypot(*room):
        raise PatchLargerThanEM(
            f"the region of {roi.height:g} x {roi.width:g} LM pixels is "
            f"{roi.height * ratio:.0f} x {roi.width * ratio:.0f} EM pixels at a ratio of "
            f"{ratio:.3g}, and the EM has {em.shape[0]} x {em.shape[1]}: draw a smaller "
            "region, or check the pixel sizes"
        )


def _check_take(rank: int, count: int) -> None:
    """Refuse the rank of a candidate that is not listed.

    Raises
    ------
    InvalidOption
        There are not so many.
    """
    if not 1 <= rank <= count:
        raise InvalidOption(
            f"candidate {rank} is to be taken: there are {count}, the first has the number 1"
        )


def _reason(
    candidates: Candidates, take: int, estimate: AffineEstimate | None, threshold: float
) -> str:
    """Return what was decided and why, for people."""
    fault = "" if estimate is None else estimate.message
    if take == 1:
        return verdict(candidates, fault, threshold)
    decided = f"Candidate {take} of {len(candidates.matches)} was taken by hand."
    if fault:
        decided += f" The registration failed ({fault}); the overlay shows the match."
    return decided


def _registration_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    match: Match,
    oriented: Candidates,
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[AffineEstimate]:
    """Yield progress; return the registration of the match that was taken.

    A match of the histogram search tells neither mirror nor half turn; the oriented
    search's best place says both when it agrees about the position.
    """
    start, rough = match, match.search == "histogram"
    if rough and oriented.matches and oriented.best.agrees_with(match):
        start, rough = oriented.best, False
    read = only(options, "context", "affine")
    return (
        yield from recall.steps(
            affine_steps, lm, work, em_to_work, start, start.contrast, rough, read
        )
    )
