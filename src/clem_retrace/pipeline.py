"""The order of the stages: `steps`, the generator behind `register`, and `refine`."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np

from clem_retrace.errors import BadImage, MissingPixelSize, PatchLargerThanEM
from clem_retrace.events import Event, StageResult, Steps, run
from clem_retrace.geometry import Matrix
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration import AffineEstimate
from clem_retrace.result import ImageFacts, Registration
from clem_retrace.retracing import Candidates, Match
from clem_retrace.retracing.verdict import merge, verdict
from clem_retrace.stages import (
    affine_steps,
    histogram_steps,
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
    on_event: Callable[[Event], object] | None = None,
) -> Registration:
    """Return where the LM region lies in the EM, and the transform that lays the EM over it.

    Parameters
    ----------
    lm, em : Micrograph
    roi : Roi, LM pixels
        It is clipped to the LM image.
    options : RegistrationOptions, optional
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

    References
    ----------
    The paper, section 3.
    """
    return run(steps(lm, em, roi, options), on_event)


def steps(
    lm: Micrograph, em: Micrograph, roi: Roi, options: RegistrationOptions | None = None
) -> Steps[Registration]:
    """Yield the events of a run; return what `register` returns."""
    options = options or RegistrationOptions()
    clock = _Clock()
    ratio = resolve_ratio(lm, em, options)
    lm = _in_memory(lm)
    roi = roi.clipped(lm.shape)
    _check_fit(roi, em, ratio, options)

    with clock("scale selection"):
        lm_scale = yield from scale_steps(lm, "LM", options)
        em_scale = yield from scale_steps(em, "EM", options)
    with clock("EM decimation"):
        work, em_to_work = yield from work_steps(em, ratio, "EM decimation")
    found: list[Candidates] = []
    if options.search in ("both", "histogram"):
        with clock("histogram search"):
            sigmas = (lm_scale.sigma, em_scale.sigma)
            source = (work, em_to_work) if options.histogram.matched else (em, np.eye(3))
            histogram = yield from histogram_steps(lm, *source, roi, ratio, sigmas, options)
            yield StageResult("histogram search", histogram)
            found.append(histogram)
    with clock("oriented search"):
        oriented = yield from oriented_steps(lm, work, em_to_work, roi, ratio, options)
        if options.search != "histogram":
            yield StageResult("oriented search", oriented)
            found.insert(0, oriented)
    candidates = merge(found, oriented, limit=options.candidates)
    yield StageResult("candidates", candidates)

    match = candidates.best
    estimate, em_to_lm = None, match.em_to_lm
    if options.affine.enabled:
        with clock("registration"):
            estimate = yield from _registration_steps(
                lm, work, em_to_work, match, oriented, options
            )
        yield StageResult("registration", estimate)
        if estimate:
            em_to_lm = estimate.matrix
    found_it = match.confidence >= options.confidence_threshold
    return Registration(
        lm=_facts(lm), em=_facts(em), roi=roi, options=options, ratio=ratio,
        lm_scale=lm_scale, em_scale=em_scale, candidates=candidates, match=match,
        estimate=estimate, em_to_lm=em_to_lm, found=found_it, confidence=match.confidence,
        reason=verdict(
            candidates, "" if estimate is None else estimate.message, options.confidence_threshold
        ),
        timings=clock.seconds, version=version("clem-retrace"),
    )  # fmt: skip


def refine(
    lm: Micrograph, em: Micrograph, match: Match, options: RegistrationOptions | None = None
) -> AffineEstimate:
    """Return the registration of any candidate, or of a start given by hand.

    Parameters
    ----------
    lm, em : Micrograph
    match : Match
        The start; up to some 8 LM pixels, 5 degrees and 5 % off.
    options : RegistrationOptions, optional
        ``affine`` and ``context`` are used.

    Raises
    ------
    BadImage
        An image has no structures.
    """
    return run(refine_steps(lm, em, match, options))


def refine_steps(
    lm: Micrograph, em: Micrograph, match: Match, options: RegistrationOptions | None = None
) -> Steps[AffineEstimate]:
    """Yield progress of `refine`; return its result."""
    options = options or RegistrationOptions()
    lm = _in_memory(lm)
    work, em_to_work = yield from work_steps(em, match.magnification, "EM decimation")
    return (yield from affine_steps(lm, work, em_to_work, match, match.contrast, True, options))


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


def _facts(image: Micrograph) -> ImageFacts:
    return ImageFacts(image.name, image.shape, image.pixel_size)


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


def _registration_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    match: Match,
    oriented: Candidates,
    options: RegistrationOptions,
) -> Steps[AffineEstimate]:
    """Yield progress; return the registration of the match that was taken.

    A match of the histogram search tells neither mirror nor half turn; the oriented
    search's best place says both when it agrees about the position.
    """
    start, rough = match, match.search == "histogram"
    if rough and oriented.matches and oriented.best.agrees_with(match):
        start, rough = oriented.best, False
    return (yield from affine_steps(lm, work, em_to_work, start, start.contrast, rough, options))
