"""The order of the stages: `steps`, the generator behind `register`; `refine`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clem_retrace.content import check_content
from clem_retrace.events import Event, StageResult, Steps, run
from clem_retrace.geometry import Matrix
from clem_retrace.inputs import (
    check_fit,
    check_magnification,
    check_take,
    in_memory,
    resolve_ratio,
)
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.result import Registration, conclude
from clem_retrace.retracing import Candidates, Match
from clem_retrace.retracing.verdict import merge, verdict
from clem_retrace.stages import (
    Clock,
    affine_steps,
    finest_ratio,
    histogram_steps,
    only,
    oriented_steps,
    scales_steps,
    work_steps,
)

__all__ = [
    "refine",
    "refine_steps",
    "register",
    "steps",
]


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
        The region lies outside the LM image, is too small, or shows nothing but background.
    PatchLargerThanEM
        The region, magnified, does not fit into the EM.
    BadImage
        An image has no structures.
    InvalidOption
        There is no candidate of the rank to be taken.

    References
    ----------
    The paper, section 3.

    Examples
    --------
    >>> from clem_retrace import RegistrationOptions, register
    >>> from clem_retrace.synthetic import simulate_pair
    >>> pair = simulate_pair(
    ...     4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
    ...     angle=33.0, shared=0.9,
    ... )
    >>> options = RegistrationOptions(search="oriented", ratio_uncertainty=0.05)
    >>> registration = register(pair.lm, pair.em, pair.roi, options)
    >>> registration.found, round(registration.place.angle)
    (True, 33)
    >>> registration.reason
    'One place stands out from all others.'
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
    """Yield the events of a run; return what `register` returns.

    Examples
    --------
    Events say how far a run is; closing the generator cancels it.

    >>> from clem_retrace import steps
    >>> from clem_retrace.synthetic import simulate_pair
    >>> pair = simulate_pair(
    ...     4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
    ...     angle=33.0, shared=0.9,
    ... )
    >>> events = steps(pair.lm, pair.em, pair.roi)
    >>> next(events).stage
    'LM scale'
    >>> events.close()
    """
    options = options or RegistrationOptions()
    check_take(take, options.candidates)
    recall, clock = Recall(memory), Clock()
    ratio = resolve_ratio(lm, em, options)
    lm = in_memory(lm)
    roi = roi.clipped(lm.shape)
    check_fit(roi, em, ratio, options)

    with clock("scale selection"):
        scales = yield from scales_steps(lm, em, options, recall)
        check_content(lm, roi, scales[0].sigma)
    with clock("EM decimation"):
        finest = finest_ratio(ratio, options)
        work, em_to_work = yield from work_steps(em, finest, "EM decimation", recall)
    found: list[Candidates] = []
    if options.search in ("both", "histogram"):
        with clock("histogram search"):
            sigmas = (scales[0].sigma, scales[1].sigma)
            source = (work, em_to_work) if options.histogram.matched else (em, np.eye(3))
            histogram = yield from histogram_steps(lm, *source, roi, ratio, sigmas, options, recall)
            yield StageResult("histogram search", histogram)
            found.append(histogram)
    with clock("oriented search"):
        read = only(options, "ratio_uncertainty", "context", "candidates", "oriented")
        oriented = yield from recall.steps(
            oriented_steps, lm, work, em_to_work, roi, ratio, read, recall
        )
        if options.search != "histogram":
            yield StageResult("oriented search", oriented)
            found.insert(0, oriented)
    candidates = merge(found, oriented, limit=options.candidates)
    yield StageResult("candidates", candidates)

    check_take(take, len(candidates.matches))
    match, estimate = candidates.matches[take - 1], None
    if options.affine.enabled:
        with clock("registration"):
            estimate = yield from _registration_steps(
                lm, work, em_to_work, *_start_from(match, oriented), options, recall
            )
        yield StageResult("registration", estimate)
    fault = "" if estimate is None else estimate.message
    noisy = [which for which, one in zip(("LM", "EM"), scales, strict=True) if not one.stands_out]
    reason = verdict(candidates, fault, options.confidence_threshold, take=take, noisy=noisy)
    return conclude(
        lm, em, options, ratio, scales, candidates, match, estimate, reason, clock.seconds
    )


def refine(
    lm: Micrograph,
    em: Micrograph,
    match: Match,
    options: RegistrationOptions | None = None,
    *,
    memory: Memory | None = None,
) -> AffineEstimate:
    """Return the affine registration of any candidate, as a value of its own.

    Parameters
    ----------
    lm, em : Micrograph
    match : Match
        The start; up to some 8 LM pixels, 5 degrees and 5 % off. One that was given by hand
        has a whole `Registration` by `register_from`.
    options : RegistrationOptions, optional
        ``affine`` and ``context`` are used.
    memory : Memory, optional
        As in `register`.

    Raises
    ------
    BadImage
        An image has no structures.
    TransformError
        At the match an EM pixel is larger than the LM's by far.

    Examples
    --------
    >>> import numpy as np
    >>> from clem_retrace import refine
    >>> from clem_retrace.retracing import Match
    >>> from clem_retrace.synthetic import simulate_pair
    >>> pair = simulate_pair(
    ...     4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
    ...     angle=33.0, shared=0.9,
    ... )
    >>> rough = np.linalg.inv(pair.lm_to_em)
    >>> rough[:2, 2] += 3.0, -2.0  # LM pixels
    >>> estimate = refine(pair.lm, pair.em, Match(pair.roi, rough, 0.0, 0.0, -1, "oriented"))
    >>> bool(estimate), bool(estimate.support > 0.9)
    (True, True)
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
    check_magnification(match.magnification)
    recall = Recall(memory)
    lm = in_memory(lm)
    work, em_to_work = yield from work_steps(em, match.magnification, "EM decimation", recall)
    return (
        yield from _registration_steps(
            lm, work, em_to_work, match, True, options or RegistrationOptions(), recall
        )
    )


def _start_from(match: Match, oriented: Candidates) -> tuple[Match, bool]:
    """Return where the registration of a match starts, and whether that is a rough place.

    A match of the histogram search tells neither mirror nor half turn; the oriented
    search's best place says both when it agrees about the position.
    """
    rough = match.search == "histogram"
    if rough and oriented.matches and oriented.best.agrees_with(match):
        return oriented.best, False
    return match, rough


def _registration_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    start: Match,
    rough: bool,
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[AffineEstimate]:
    """Yield progress; return the affine registration from a place."""
    read = only(options, "context", "affine")
    return (yield from recall.steps(affine_steps, lm, work, em_to_work, start, rough, read))
