"""The registration from a place that was given by hand: `register_from`, and its generator.

A person is some pixels and degrees off, or a good deal more. So it is tried from close by
first, and from farther away where that comes to nothing; and what is found must stand out
from what these images give anywhere, for there is no search that would tell its confidence.
Of a large region all that is done with its middle, where a small turn is a small shift.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.alignment import Scene, align
from clem_retrace.errors import RoiError
from clem_retrace.events import Event, Progress, StageResult, Steps, run
from clem_retrace.geometry import (
    Matrix,
    as_transform,
    compose,
    invert,
    magnification_of,
    map_points,
    similarity,
    translation,
)
from clem_retrace.inputs import (
    check_magnification,
    check_reach,
    in_memory,
    overlap_region,
    resolve_ratio,
)
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration.affine import SPREAD_CELL, SPREAD_REACH, SPREAD_SIGMA
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.result import Registration, conclude
from clem_retrace.retracing import Candidates, Match
from clem_retrace.retracing.verdict import verdict_by_hand
from clem_retrace.stages import (
    Clock,
    affine_steps,
    finest_ratio,
    only,
    scales_steps,
    standing_steps,
    work_steps,
)

__all__ = ["register_from", "register_from_steps"]

#: How far a registration must stand out. Chosen on simulated and real pairs, between wrong
#: places and right ones; benchmarks/by_hand.py tells on others what it is worth.
NEEDED = 8.0

#: Starts from farther away: LM pixels, degrees, magnification. The steps are those from
#: close by, which the registration makes up for.
FAR_SHIFTS = np.arange(-30.0, 30.1, 3.0)
FAR_ANGLES = np.arange(-15.0, 15.1, 2.5)
FAR_MAGNIFICATIONS = (0.9, 0.95, 1.0, 1.05, 1.1)

#: Longest side of the middle of a region, LM pixels: at its corners a step of the angle is not
#: much more than one of the shift.
MIDDLE = 160.0

#: How many far starts are registered, and how many are compared between two events.
KEPT, PORTION = 40, 400

#: Least share of the ratio that the magnification of a start by hand may be, for the search's
#: working copy of the EM to do for it too: it has one and a half pixels per LM pixel then.
SHARES_COPY = 0.75


def register_from(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    em_to_lm: ArrayLike,
    options: RegistrationOptions | None = None,
    *,
    memory: Memory | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Registration:
    """Return the registration of a place that was given by hand; nothing is searched for.

    Parameters
    ----------
    lm, em : Micrograph
        Pixel sizes need not be known: the start tells the ratio then.
    roi : Roi, LM pixels
        It is clipped to the LM image; `overlap_region` gives all that both images show.
    em_to_lm : array_like, shape (3, 3)
        The start, from EM pixels to LM pixels, (row, col, 1). It may be 8 LM pixels, 5
        degrees and 5 % off, as a rule even 30 LM pixels and 15 degrees; it is not mirrored.
    options : RegistrationOptions, optional
        ``affine`` and ``context`` are used, and what chooses the sigmas that are told. Without
        ``affine.enabled`` the start is the answer.
    memory, on_event : optional
        As in `register`.

    Returns
    -------
    Registration
        Not `found`, and without a confidence: nobody knows one. A registration that stands out
        no more than one of unrelated images fails, and the start is kept. The only candidate is
        the start, its score the correlation there; 0 where nothing was registered.

    Raises
    ------
    TransformError
        The start is not an invertible affine transform, or makes an EM pixel larger than the
        LM's by far.
    RoiError
        The region lies outside the LM image, is too small, or outside the EM by the start.
    MissingPixelSize
        By the pixel sizes the EM is the coarser image.
    BadImage
        An image has no structures.

    Examples
    --------
    >>> import numpy as np
    >>> from clem_retrace import register_from
    >>> from clem_retrace.synthetic import simulate_pair
    >>> pair = simulate_pair(
    ...     4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
    ...     angle=33.0, shared=0.9,
    ... )
    >>> by_hand = np.linalg.inv(pair.lm_to_em)
    >>> by_hand[:2, 2] += 3.0, -2.0  # LM pixels
    >>> registration = register_from(pair.lm, pair.em, pair.roi, by_hand)
    >>> bool(np.abs(registration.lm_to_em - pair.lm_to_em).max() < 0.5)  # EM pixels
    True
    """
    return run(register_from_steps(lm, em, roi, em_to_lm, options, memory=memory), on_event)


def register_from_steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    em_to_lm: ArrayLike,
    options: RegistrationOptions | None = None,
    *,
    memory: Memory | None = None,
) -> Steps[Registration]:
    """Yield the events of a registration by hand; return what `register_from` returns."""
    options = options or RegistrationOptions()
    recall, clock = Recall(memory), Clock()
    match = Match(roi.clipped(lm.shape), as_transform(em_to_lm), 0.0, 0.0, 0, "hand")
    check_magnification(match.magnification)
    check_reach(match.roi, em.shape, match.em_to_lm)
    ratio = resolve_ratio(lm, em, options, otherwise=match.magnification)
    lm, estimate, reason = in_memory(lm), None, verdict_by_hand(None)
    with clock("scale selection"):
        scales = yield from scales_steps(lm, em, options, recall)
    if options.affine.enabled:
        finest = finest_ratio(ratio, options)
        if match.magnification < SHARES_COPY * finest:
            finest = match.magnification
        with clock("EM decimation"):
            work, em_to_work = yield from work_steps(em, finest, "EM decimation", recall)
        with clock("registration"):
            match, estimate, reason = yield from _hand_steps(
                lm, work, em_to_work, match, options, recall
            )
        yield StageResult("registration", estimate)
    candidates = Candidates((match,), np.empty((0, 0), np.float32), np.eye(3))
    return conclude(
        lm, em, options, ratio, scales, candidates, match, estimate, reason, clock.seconds
    )


def _hand_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    given: Match,
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[tuple[Match, AffineEstimate, str]]:
    """Yield progress; return a place, the registration from it, and how far to trust that.

    A registration that does not stand out is falsy, and keeps the place as it was given. The
    place has got its correlation for a score, and the contrast that was found.
    """
    read = only(options, "context", "affine")
    images = lm, work, em_to_work
    middle = dataclasses.replace(given, roi=_middle(given, _em_shape(work, em_to_work)))
    near = recall.steps(affine_steps, *images, middle, True, read)
    estimate, standing = yield from _judged_steps(near, images, middle, read, recall)
    if standing < NEEDED:
        starts = yield from recall.steps(_far_steps, *images, middle)
        far = recall.steps(affine_steps, *images, middle, False, read, starts)
        estimate, standing = yield from _judged_steps(far, images, middle, read, recall)
    score = estimate.correlation_before
    if estimate and standing < NEEDED:
        estimate = _failed(estimate, "the images agree nowhere near it by more than chance")
    elif estimate and middle.roi is not given.roi:
        whole = dataclasses.replace(_found(middle, estimate), roi=given.roi)
        estimate = yield from recall.steps(affine_steps, *images, whole, False, read)
        # It started from the middle's, not from the place.
        estimate = dataclasses.replace(estimate, correlation_before=score)
    if not estimate:
        estimate = dataclasses.replace(estimate, matrix=given.em_to_lm)
    place = dataclasses.replace(given, score=score, contrast=_contrast(estimate) if estimate else 0)
    centre = np.asarray(given.roi.centre)
    moved = map_points(compose(estimate.matrix, given.lm_to_em), centre) - centre
    reason = verdict_by_hand(estimate.message, float(np.hypot(*moved)), standing)
    return place, estimate, reason


def _judged_steps(
    registration: Steps[AffineEstimate],
    images: tuple[Micrograph, Micrograph, Matrix],
    place: Match,
    read: RegistrationOptions,
    recall: Recall,
) -> Steps[tuple[AffineEstimate, float]]:
    """Yield progress; return what a registration returns, and how far that stands out."""
    estimate = yield from registration
    if not estimate:
        return estimate, 0.0
    found = _found(place, estimate)
    return estimate, (yield from recall.steps(standing_steps, *images, found, read))


def _found(place: Match, estimate: AffineEstimate) -> Match:
    """Return a place where it was registered."""
    return dataclasses.replace(place, em_to_lm=estimate.matrix, contrast=_contrast(estimate))


def _contrast(estimate: AffineEstimate) -> int:
    return 1 if estimate.gain > 0 else -1


def _failed(estimate: AffineEstimate, message: str) -> AffineEstimate:
    return dataclasses.replace(estimate, converged=False, covariance=None, message=message)


def _em_shape(work: Micrograph, em_to_work: Matrix) -> tuple[int, int]:
    """Return the shape of the EM that a working copy was made of, to within a pixel of that."""
    rows, cols = np.ceil(np.array(work.shape) / np.diag(em_to_work)[:2]).astype(int)
    return int(rows), int(cols)


def _middle(given: Match, em_shape: tuple[int, int]) -> Roi:
    """Return the middle of what the EM shows of a region; all of it when it is small."""
    roi = given.roi
    if max(roi.height, roi.width) <= MIDDLE:
        return roi
    origin = np.array([roi.row, roi.col])
    box = math.ceil(roi.height), math.ceil(roi.width)
    try:
        seen = overlap_region(box, em_shape, compose(translation(-origin), given.em_to_lm))
    except RoiError:
        # A sliver of the EM: the registration will tell.
        return roi
    height, width = min(seen.height, MIDDLE), min(seen.width, MIDDLE)
    row, col = origin + seen.centre
    return Roi(row - (height - 1) / 2, col - (width - 1) / 2, height, width)


def _far_steps(
    lm: Micrograph, work: Micrograph, em_to_work: Matrix, given: Match
) -> Steps[tuple[Matrix, ...]]:
    """Yield progress; return the likeliest places farther away, from EM to LM pixels."""
    lm_to_work = compose(em_to_work, given.lm_to_em)
    ratio = magnification_of(lm_to_work)
    scene = Scene.at(lm, work, given.roi, ratio=ratio, cell=SPREAD_CELL, sigma=SPREAD_SIGMA)
    template = scene.template(1, SPREAD_REACH)
    changes = _changes(given.roi.centre)
    onto = scene.onto_grids(lm_to_work) @ _on_grid(changes, scene.lm_to_grid)
    scores = np.empty(len(onto))
    for first in range(0, len(onto), PORTION):
        yield Progress("registration from farther away", first, len(onto))
        part = slice(first, first + PORTION)
        scores[part] = align(template, scene.em, onto[part], iterations=0).score
    # Of either contrast: which it is will show.
    likeliest = np.argsort(-np.abs(scores), kind="stable")[:KEPT]
    return tuple(compose(invert(change), given.em_to_lm) for change in changes[likeliest])


def _on_grid(changes: NDArray[np.float64], lm_to_grid: Matrix) -> NDArray[np.float64]:
    """Return transforms of LM pixels, shape (K, 3, 3), as those of a grid's pixels."""
    moved: NDArray[np.float64] = lm_to_grid @ changes @ invert(lm_to_grid)
    return moved


def _changes(centre: tuple[float, float]) -> NDArray[np.float64]:
    """Return what a place may be off by, as transforms of the LM, shape (K, 3, 3)."""
    turns = np.array(
        [
            similarity(magnification, float(angle), False, centre, centre)
            for magnification in FAR_MAGNIFICATIONS
            for angle in FAR_ANGLES
        ]
    )
    shifts = np.stack(np.meshgrid(FAR_SHIFTS, FAR_SHIFTS, indexing="ij"), axis=-1).reshape(-1, 2)
    shifts = shifts[np.hypot(*shifts.T) <= FAR_SHIFTS[-1]]
    changes = np.repeat(turns, len(shifts), axis=0)
    changes[:, :2, 2] += np.tile(shifts, (len(turns), 1))
    return changes
