"""The registration from a place that was given by hand, as the pipeline runs it.

A person is some pixels and degrees off, or a good deal more. So it is tried from close by
first, and from farther away where that comes to nothing; and what is found must stand out
from what these images give anywhere, for there is no search that would tell its confidence.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from clem_retrace.alignment import Scene, align
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity
from clem_retrace.memory import Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration import AffineEstimate
from clem_retrace.registration.affine import SPREAD_CELL, SPREAD_REACH, SPREAD_SIGMA
from clem_retrace.retracing import Match
from clem_retrace.retracing.verdict import verdict_by_hand
from clem_retrace.stages import affine_steps, only, standing_steps

__all__ = ["hand_steps"]

#: How far a registration must stand out. On simulated and real pairs 42 right ones did by 7.9
#: and more; 65 wrong ones by 7.0 and less, and one that was 6 LM pixels off by 7.5. Of 24 pairs
#: that show different places none did by more than 6.5.
NEEDED = 8.0

#: Starts from farther away: LM pixels, degrees, magnification. The steps are those from
#: close by, which the registration makes up for.
FAR_SHIFTS = np.arange(-30.0, 30.1, 3.0)
FAR_ANGLES = np.arange(-15.0, 15.1, 2.5)
FAR_MAGNIFICATIONS = (0.9, 0.95, 1.0, 1.05, 1.1)

#: Most LM pixels a side of the middle of a region by which far starts are compared: farther
#: out, a step of the angle is too coarse.
MIDDLE = 120.0

#: How many of them are registered, and how many are compared between two events.
KEPT, PORTION = 40, 400


def hand_steps(
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
    estimate, standing = yield from _tried_steps(lm, work, em_to_work, given, (), read, recall)
    if standing < NEEDED:
        far = yield from recall.steps(_far_steps, lm, work, em_to_work, given)
        estimate, standing = yield from _tried_steps(lm, work, em_to_work, given, far, read, recall)
    if estimate and standing < NEEDED:
        estimate = dataclasses.replace(
            estimate, matrix=given.em_to_lm, converged=False, covariance=None,
            message="the images agree nowhere near it by more than chance",
        )  # fmt: skip
    contrast = int(np.sign(estimate.gain)) if estimate else 0
    place = dataclasses.replace(given, score=estimate.correlation_before, contrast=contrast)
    centre = np.asarray(given.roi.centre)
    moved = map_points(compose(estimate.matrix, given.lm_to_em), centre) - centre
    reason = verdict_by_hand(estimate.message, float(np.hypot(*moved)), standing)
    return place, estimate, reason


def _tried_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    given: Match,
    far: tuple[Matrix, ...],
    read: RegistrationOptions,
    recall: Recall,
) -> Steps[tuple[AffineEstimate, float]]:
    """Yield progress; return the registration from around a place, or from farther away."""
    estimate = yield from recall.steps(
        affine_steps, lm, work, em_to_work, given, not far, read, far
    )
    if not estimate:
        return estimate, 0.0
    found = dataclasses.replace(
        given, em_to_lm=estimate.matrix, contrast=1 if estimate.gain > 0 else -1
    )
    return estimate, (yield from recall.steps(standing_steps, lm, work, em_to_work, found, read))


def _far_steps(
    lm: Micrograph, work: Micrograph, em_to_work: Matrix, given: Match
) -> Steps[tuple[Matrix, ...]]:
    """Yield progress; return the likeliest places farther away, from EM to LM pixels."""
    lm_to_work = compose(em_to_work, given.lm_to_em)
    middle = _middle(given.roi)
    scene = Scene.at(
        lm, work, middle, ratio=given.magnification * _side(em_to_work), cell=SPREAD_CELL,
        sigma=SPREAD_SIGMA,
    )  # fmt: skip
    template = scene.template(1, SPREAD_REACH)
    places = np.array([compose(lm_to_work, change) for change in _changes(middle.centre)])
    onto = np.array([scene.onto_grids(place) for place in places])
    scores = np.empty(len(onto))
    for first in range(0, len(onto), PORTION):
        yield Progress("registration from farther away", first, len(onto))
        part = slice(first, first + PORTION)
        scores[part] = align(template, scene.em, onto[part], iterations=0).score
    # Of either contrast: which it is will show.
    likeliest = np.argsort(-np.abs(scores), kind="stable")[:KEPT]
    return tuple(compose(invert(place), em_to_work) for place in places[likeliest])


def _changes(centre: tuple[float, float]) -> list[Matrix]:
    """Return what a place may be off by, as transforms of the LM."""
    shifts = [
        (row, col)
        for row in FAR_SHIFTS
        for col in FAR_SHIFTS
        if np.hypot(row, col) <= FAR_SHIFTS[-1] + 1e-9
    ]
    return [
        similarity(magnification, float(angle), False, centre, np.add(centre, shift))
        for magnification in FAR_MAGNIFICATIONS
        for angle in FAR_ANGLES
        for shift in shifts
    ]


def _middle(roi: Roi) -> Roi:
    """Return the middle of a region, or all of a small one."""
    if max(roi.height, roi.width) <= MIDDLE:
        return roi
    height, width = min(roi.height, MIDDLE), min(roi.width, MIDDLE)
    row, col = roi.centre
    return Roi(row - (height - 1) / 2, col - (width - 1) / 2, height, width)


def _side(em_to_work: Matrix) -> float:
    """Return working pixels per EM pixel."""
    return float(np.sqrt(abs(np.linalg.det(em_to_work[:2, :2]))))
