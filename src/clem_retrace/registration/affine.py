"""Robust multiresolution affine registration of two matched representations (paper 3.3).

The residual of a pixel is ``r(p) = v(T p) - gain * t(p) - shift``: the EM's value where
the transform T puts the pixel, less the LM's, with a gain and a global shift between the
two. Gauss-Newton steps with iteratively reweighted least squares minimise it under Tukey's
function, coarse to fine, a translation first at the coarsest level and the full affine
from then on, with the cut-off lowered as the estimate settles.

References
----------
J.-M. Odobez and P. Bouthemy, Robust multiresolution estimation of parametric motion
models, J. Vis. Commun. Image Represent. 6(4), 1995, doi:10.1006/jvci.1995.1029.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment import GrowthStep, Place, Scene, Template, align, grow_steps
from clem_retrace.alignment.gauss_newton import LONGEST_STEP, invert_all
from clem_retrace.alignment.interpolation import interpolate
from clem_retrace.alignment.template import Model, displacements, steepest_steps
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, decompose, invert, map_points, similarity
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.registration.uncertainty import affine_covariance, in_lm_pixels

__all__ = [
    "LEVELS",
    "SPREAD_CELL",
    "SPREAD_REACH",
    "SPREAD_SIGMA",
    "register_affine",
    "register_affine_steps",
]

#: Tukey's constant for 95 % efficiency under Gaussian noise (P. J. Huber, Robust
#: Statistics, 1981), and how much wider the cut-off is at first.
TUKEY = 4.685
WIDENING = (2.0, 1.5, 1.0)

#: Resolutions, coarse to fine: the size of the grid's pixels in LM pixels, with which the
#: LoG's sigma grows, what that is multiplied by, and the models that are fitted in turn. At
#: last a finer LoG, which tells a place more sharply; from afar it finds no way in.
LEVELS: tuple[tuple[float, float, tuple[Model, ...]], ...] = (
    (2.0, 1.0, ("translation", "affine")),
    (1.0, 0.8, ("affine",)),
)

#: Most Gauss-Newton steps a level, and the step in pixels below which it has settled: a
#: twentieth of the errors that are reached.
STEPS = 15
SETTLED = 5e-3

#: A pixel with a weight above this agrees with the estimate (the paper's Motion2D).
AGREES = 0.2

#: An estimate that moves the ROI's corners by more than this has left its start.
LARGEST_SHIFT = 25.0
LARGEST_STRETCH = 0.2

#: The share of the correlation before that must be left after: what the robust fit leaves out
#: of account counts in a plain correlation, and may lower it a little when the fit is right.
#: Where more than `AGREEING` of the pixels agree with it nothing was left out, and all must be.
HELD, AGREEING = 0.95, 0.9

#: Correlations differ by less than this by rounding alone.
ROUNDING = 1e-6

#: Starts spread over what a rough match may be off by: LM pixels, degrees, magnification.
SPREAD_SHIFTS = np.arange(-9.0, 9.1, 3.0)
SPREAD_ANGLES = (-5.0, -2.5, 0.0, 2.5, 5.0)
SPREAD_MAGNIFICATIONS = (0.95, 1.0, 1.05)
SPREAD_CELL, SPREAD_SIGMA, SPREAD_REACH = 3.0, 1.0, 20.0


def register_affine(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    starts: Sequence[Matrix],
    *,
    contrast: int = 0,
    sigma: float = 1.25,
    context: float = 150.0,
    rough: bool = True,
    robust: bool = True,
    minimum_support: float = 0.4,
) -> AffineEstimate:
    """Return the affine transform that lays the EM over the LM; see `register_affine_steps`."""
    return run(
        register_affine_steps(
            lm, em, roi, starts,
            contrast=contrast, sigma=sigma, context=context, rough=rough, robust=robust,
            minimum_support=minimum_support, stage="registration",
        )
    )  # fmt: skip


def register_affine_steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    starts: Sequence[Matrix],
    *,
    contrast: int,
    sigma: float,
    context: float,
    rough: bool,
    robust: bool,
    minimum_support: float,
    stage: str,
) -> Steps[AffineEstimate]:
    """Yield progress; return the affine transform that lays the EM over the LM.

    Parameters
    ----------
    lm, em : Micrograph
    roi : Roi, LM pixels
    starts : sequence of ndarray, shape (3, 3)
        From EM to LM pixels, the likeliest first; several when the match does not tell
        which way round the ROI lies.
    contrast : int
        1 or -1 as in `Match`; 0 lets the images decide.
    sigma : float, LM pixels
        Of the LoG at the finest level.
    context : float, LM pixels
        Surroundings of the ROI that take part.
    rough : bool
        Whether the starts may be off by some pixels and degrees: then more of them are
        spread around. A match of the oriented search is not rough.
    robust : bool
        Tukey weights; otherwise plain least squares.
    minimum_support : float
        Least support of an estimate that is taken.
    stage : str
        Name under which progress is yielded.

    Raises
    ------
    BadImage
        One of the images has no structures.
    """
    ratio = decompose(invert(starts[0])).magnification
    start, sign = invert(starts[0]), contrast
    if rough or contrast == 0:
        place = yield from _spread_steps(
            lm, em, roi, [invert(one) for one in starts],
            contrasts=(contrast,) if contrast else (1, -1), ratio=ratio, context=context,
            rough=rough, stage=stage,
        )  # fmt: skip
        if place is None:
            return _failed(starts[0], "no alignment near the match is plausible")
        start, sign = place.lm_to_em, place.contrast
    matrix, fit = start, None
    for number, (cell, finer, models) in enumerate(LEVELS):
        scene = Scene.at(lm, em, roi, ratio=ratio, cell=cell, sigma=finer * sigma)
        template = scene.template(sign, context)
        for model in models:
            fit = yield from _fit_steps(
                template, scene.em, scene.onto_grids(matrix), model, robust,
                Progress(stage, number, len(LEVELS)),
            )  # fmt: skip
            matrix = scene.off_grids(fit.matrix)
    assert fit is not None
    yield Progress(stage, len(LEVELS), len(LEVELS))
    onto = np.stack([scene.onto_grids(one) for one in (invert(starts[0]), start, matrix)])
    given, before, after = align(template, scene.em, onto, iterations=0).score
    held = 1.0 if fit.support > AGREEING else HELD
    if after < held * before - ROUNDING:
        matrix, after = start, before
    fault = _fault(matrix, start, roi, fit.support, minimum_support)
    if after < held * given - ROUNDING:
        fault = "the images correlate less after it than before"
    if fault:
        return _failed(
            starts[0], fault, support=fit.support, correlation=after, before=given, gain=fit.gain
        )
    return AffineEstimate(
        invert(matrix), fit.support, sign * fit.gain, float(after), float(given), True, "",
        _covariance(scene, template, finer * sigma, fit.matrix, matrix, robust),
    )  # fmt: skip


def _covariance(
    scene: Scene, template: Template, sigma: float, fitted: Matrix, taken: Matrix, robust: bool
) -> NDArray[np.float64] | None:
    """Return the estimate's covariance from the last fit, on the grids, and what was taken."""
    values, inside = interpolate(scene.em, fitted[None], template.points)
    prior = template.weights * inside[0]
    if not prior.any():
        return None
    cutoff = TUKEY if robust else np.inf
    _, residual, tukey = gain_and_weights(values[0], template.values, prior, cutoff)
    covariance = affine_covariance(
        template, scene.em, fitted, prior=prior, residual=residual, tukey=tukey, sigma=sigma
    )
    if covariance is None:
        return None
    # Where the start was kept, it is off by what lies between it and the fit as well.
    away = (compose(invert(taken), scene.off_grids(fitted)) - np.eye(3))[:2].ravel()
    return in_lm_pixels(covariance, template, scene.lm_to_grid) + np.outer(away, away)


def _failed(
    start: Matrix, message: str, *,
    support: float = 0.0, correlation: float = 0.0, before: float = 0.0, gain: float = 0.0,
) -> AffineEstimate:  # fmt: skip
    """Return the falsy estimate that keeps the start and says why."""
    return AffineEstimate(start, support, gain, float(correlation), float(before), False, message)


def _fault(matrix: Matrix, start: Matrix, roi: Roi, support: float, minimum_support: float) -> str:
    """Return why an estimate cannot be taken, or nothing."""
    residual = compose(invert(start), matrix)
    moved = np.linalg.norm(map_points(residual, roi.corners) - roi.corners, axis=1).max()
    change = decompose(residual)
    if moved > LARGEST_SHIFT:
        return f"it moved a corner of the region by {moved:.0f} LM pixels"
    if change.mirrored or max(change.anisotropy, abs(change.magnification - 1)) > LARGEST_STRETCH:
        return "it stretched the image more than a section can be"
    if support < minimum_support:
        return f"only {support:.0%} of the pixels agree with it; {minimum_support:.0%} are needed"
    return ""


def _spread_steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    starts: Sequence[Matrix],
    *,
    contrasts: Sequence[int],
    ratio: float,
    context: float,
    rough: bool,
    stage: str,
) -> Steps[Place | None]:
    """Yield progress; return the best of the alignments that grow from around the starts."""
    coarse = Scene.at(lm, em, roi, ratio=ratio, cell=SPREAD_CELL, sigma=SPREAD_SIGMA)
    around = [one for start in starts for one in (_around(start, roi) if rough else [start])]
    onto = np.stack([coarse.onto_grids(one) for one in around])
    places = []
    for contrast in contrasts:
        yield Progress(stage, 0, len(LEVELS))
        template = coarse.template(contrast, min(SPREAD_REACH, context))
        scores = align(template, coarse.em, onto, iterations=0).score
        places += [
            Place(one, contrast, float(score)) for one, score in zip(around, scores, strict=True)
        ]
    places.sort(key=lambda place: -place.score)
    finer = Scene.at(lm, em, roi, ratio=ratio, cell=2.0, sigma=SPREAD_SIGMA)
    schedule = [
        GrowthStep(coarse, min(context, 40.0), 40, 6),
        GrowthStep(finer, min(context, 80.0), 20, 6),
        GrowthStep(finer, context, 8, 8),
    ]
    grown = yield from grow_steps(places, schedule, stage)
    return grown[0] if grown else None


def _around(lm_to_em: Matrix, roi: Roi) -> list[Matrix]:
    """Return a start with all that differ a little from it, LM to EM."""
    centre = np.array(roi.centre)
    return [
        compose(
            lm_to_em,
            similarity(magnification, angle, False, centre, np.add(centre, (row, col))),
        )
        for magnification in SPREAD_MAGNIFICATIONS
        for angle in SPREAD_ANGLES
        for row in SPREAD_SHIFTS
        for col in SPREAD_SHIFTS
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """The transform from the LM's grid to the EM's, its support and its gain."""

    matrix: Matrix
    support: float
    gain: float


def _fit_steps(
    template: Template,
    image: NDArray[np.float32],
    start: Matrix,
    model: Model,
    robust: bool,
    progress: Progress,
) -> Steps[_Fit]:
    """Return the start, moved to the least sum of (Tukey's function of) the residuals."""
    _, reached = interpolate(image, start[None], template.points)
    template = template.only(reached[0])
    steps = steepest_steps(template, model)
    t = template.values
    matrix, support, gain = start, 1.0, 1.0
    for iteration in range(STEPS):
        yield progress
        values, inside = interpolate(image, matrix[None], template.points)
        v, prior = values[0], template.weights * inside[0]
        if not prior.any():
            return _Fit(start, 0.0, 0.0)
        cutoff = TUKEY * WIDENING[min(iteration, len(WIDENING) - 1)] if robust else np.inf
        gain, residual, tukey = gain_and_weights(v, t, prior, cutoff)
        weight = prior * tukey
        support = float(np.average(tukey > AGREES, weights=prior))
        hessian = gain * ((steps * weight[:, None]).T @ steps).astype(np.float64)
        if not hessian.any():
            # Flat: nothing tells where to.
            return _Fit(start, 0.0, 0.0)
        hessian += 1e-9 * np.trace(hessian) * np.eye(len(hessian))
        parameters = np.linalg.solve(hessian, (weight * residual) @ steps)
        length = float(np.linalg.norm(parameters))
        parameters *= min(1.0, LONGEST_STEP / max(length, 1e-9))
        matrix = compose(matrix, invert_all(displacements(parameters[None], template))[0])
        if length < SETTLED and iteration >= len(WIDENING):
            break
    return _Fit(matrix, support, float(gain))


def gain_and_weights(
    v: NDArray[np.float32], t: NDArray[np.float32], prior: NDArray[np.float32], cutoff: float
) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
    """Return the robust gain, the residuals with gain and shift removed, and Tukey's weights."""
    weights = np.ones_like(v)
    gain, residual = 1.0, v - t
    for _ in range(3):
        w = prior * weights
        mean_t, mean_v = np.average(t, weights=w), np.average(v, weights=w)
        variance = np.average((t - mean_t) ** 2, weights=w)
        covariance = np.average((t - mean_t) * (v - mean_v), weights=w)
        # The gain divides the step: it is held off zero, and the step's length is bounded.
        gain = max(float(covariance / max(variance, 1e-12)), 0.03)
        residual = v - mean_v - gain * (t - mean_t)
        if not np.isfinite(cutoff):
            break
        # Every few pixels tell the spread of many as well as all of them.
        some = np.abs(residual[prior > 0])
        spread = 1.4826 * float(np.median(some[:: 1 + len(some) // 20_000]))
        limit = max(cutoff * spread, 1e-9)
        weights = np.clip(1 - (residual / limit) ** 2, 0, None) ** 2
    return gain, residual, weights
