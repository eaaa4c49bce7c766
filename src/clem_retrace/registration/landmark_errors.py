"""Errors of landmarks: what is left, what is foretold, what is expected elsewhere.

All are in LM pixels, and for a transform of pairs all rest on one model: the two points of a
pair miss each other by a vector, the same in every direction, independent from pair to pair,
of a root mean square length FLE (fiducial localisation error). It holds what is missed on
both images.

Let r be a point's vector from the centroid of K pairs, and r_k those of the pairs. Of
parameters with the derivatives h, least squares have the covariance ``FLE^2 / 2 (H'H)^-1``,
and the error at r the mean square ``FLE^2 / 2 trace(h (H'H)^-1 h')``. With H written out,

    TRE^2(r) = FLE^2 (1 / K + r' Q r),

- rigid: shift and turn, ``Q = I / (2 S)`` with ``S = sum |r_k|^2``;
- similarity: the magnification errs along r as the turn does across, ``Q = I / S``;
- affine: ``Q = (sum r_k r_k')^-1``.

A spline weights the pairs by w_k(r), and ``TRE^2(r) = FLE^2 sum w_k(r)^2``.

The rigid one is the formula of Fitzpatrick, West and Maurer in the plane, where there is one
axis to turn about: ``FLE^2 / K (1 + d^2 / (2 f^2))`` with d = |r| and f^2 = S / K.

References
----------
J. M. Fitzpatrick, J. B. West and C. R. Maurer, Predicting error in rigid-body point-based
registration, IEEE Trans. Med. Imaging 17(5), 1998, doi:10.1109/42.736021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import Matrix, decimation, decompose, invert, map_points
from clem_retrace.registration.landmarks import FEWEST, ON_A_LINE, Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate

__all__ = [
    "PARAMETERS",
    "LandmarkErrors",
    "error_map",
    "landmark_errors",
    "predicted_error",
    "rms",
]

#: Numbers that a fit chooses. A spline chooses more, as many as there are coordinates: those
#: beyond an affine transform's are what it bends by.
PARAMETERS: dict[Model, int] = {"rigid": 3, "similarity": 4, "affine": 6, "thin-plate spline": 6}

#: Most pixels a side of an error map: it is smooth.
MAP_SIDE = 128

#: Scatter, LM pixels, that is rounding: such pairs were computed, or fit whatever they are.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkErrors:
    """How far pairs are off, in LM pixels; times the LM's pixel size, in nm.

    Attributes
    ----------
    residual : ndarray, shape (K,), float64
        Of the pairs that were fitted. NaN elsewhere, as in those that follow, and where a
        spline is folded over.
    left_out : ndarray, shape (K,), float64
        At each pair that was fitted, of a fit to the others. NaN where these do not tell a
        transform.
    target : ndarray, shape (K,), float64
        At the pairs that are placed and were not fitted: the target registration error.
    freedom : int
        Coordinates less parameters: how many numbers `localisation` rests on.
    localisation : float
        Estimated FLE, root mean square; NaN without `freedom`, and where the pairs fit
        exactly, as none that were placed do: they say nothing of the error.
    """

    residual: NDArray[np.float64]
    left_out: NDArray[np.float64]
    target: NDArray[np.float64]
    freedom: int
    localisation: float

    @property
    def rms(self) -> float:
        """Root mean square of the residuals; NaN if there are none."""
        return rms(self.residual)

    @property
    def is_exact(self) -> bool:
        """Whether the pairs meet to rounding, also where they are left out."""
        return rms(self.left_out) < ROUNDING

    def worst_first(self) -> NDArray[np.intp]:
        """Return the pairs' numbers, shape (K,), by what shows a misplaced one best.

        That is the error where the pair was left out; if there is none, the residual.
        """
        shown = np.where(np.isfinite(self.left_out), self.left_out, self.target)
        shown = np.where(np.isfinite(shown), shown, self.residual)
        return np.argsort(-np.nan_to_num(shown, nan=-1.0), kind="stable")


def landmark_errors(transform: PairTransform) -> LandmarkErrors:
    """Return the errors of a transform at its pairs, LM pixels.

    A transform with another origin than "landmarks" was not fitted to the pairs that it
    carries: all of them, active or not, are targets, and nothing else is known.

    The localisation error is estimated from the residuals, ``FLE^2 = 2 sum |residual|^2 /
    freedom``; a spline leaves none, so from the errors left out, of which each is expected
    to be ``FLE^2 + TRE^2``. A bending that the other pairs do not foretell counts as an
    error there.

    Examples
    --------
    >>> from clem_retrace.micrograph import ImageFacts
    >>> from clem_retrace.registration.fits import fit_landmarks
    >>> from clem_retrace.registration.landmark_errors import landmark_errors
    >>> from clem_retrace.registration.landmarks import Landmarks
    >>> lm = ImageFacts("lm", shape=(300, 400), pixel_size=100.0)
    >>> em = ImageFacts("em", shape=(2000, 2400), pixel_size=10.0)
    >>> on_lm = [(60, 80), (60, 280), (210, 80), (210, 280)]
    >>> on_em = [(100, 200), (100, 2200), (1600, 200), (1604, 2200)]
    >>> errors = landmark_errors(
    ...     fit_landmarks(Landmarks.of(on_lm, on_em), "affine", lm=lm, em=em)
    ... )
    >>> errors.residual.round(2), errors.left_out.round(2)
    (array([0.1, 0.1, 0.1, 0.1]), array([0.4, 0.4, 0.4, 0.4]))
    """
    pairs = transform.landmarks or Landmarks.of()
    used = _fitted(transform)
    targets = pairs.placed & ~used
    residual, left_out, target = (np.full(len(pairs), np.nan) for _ in range(3))
    missed = np.linalg.norm(transform.to_lm(pairs.em) - pairs.lm, axis=1)
    residual[used], target[targets] = missed[used], missed[targets]
    if not used.any():
        return LandmarkErrors(residual, left_out, target, 0, math.nan)
    freedom = max(0, 2 * int(used.sum()) - PARAMETERS[transform.model])
    if transform.spline is not None:
        left_out[used], expected = _left_out_of_spline(transform.spline)
        localisation = rms(left_out[used] / expected)
    else:
        left_out[used] = _left_out(transform, pairs.lm[used], pairs.em[used])
        squares = float((residual[used] ** 2).sum())
        localisation = math.sqrt(2 * squares / freedom) if freedom else math.nan
    if localisation < ROUNDING:
        localisation = math.nan
    return LandmarkErrors(residual, left_out, target, freedom, localisation)


def predicted_error(
    transform: PairTransform, lm_points: ArrayLike, *, localisation: float | None = None
) -> NDArray[np.float64]:
    """Return the root mean square target registration error that is expected at LM points.

    Parameters
    ----------
    transform : PairTransform
        Of the origin "landmarks"; for others nothing can be told.
    lm_points : array_like, shape (..., 2)
    localisation : float, LM pixels, optional
        The FLE; by default as `landmark_errors` estimates it.

    Returns
    -------
    ndarray, shape (...,), float64, LM pixels
        NaN where it cannot be told: with as many parameters as coordinates, say.
    """
    if localisation is None:
        localisation = landmark_errors(transform).localisation
    return localisation * np.sqrt(_squared_error(transform, lm_points))


def error_map(
    transform: PairTransform,
    shape: tuple[int, int] | None = None,
    *,
    localisation: float | None = None,
) -> tuple[NDArray[np.float32], Matrix]:
    """Return `predicted_error` over the whole LM image.

    Parameters
    ----------
    transform : PairTransform
    shape : (rows, cols), optional
        Of the map; by default the LM's, decimated to at most 128 pixels a side.
    localisation : float, LM pixels, optional
        As in `predicted_error`.

    Returns
    -------
    errors : ndarray, shape `shape`, float32, LM pixels
        To be interpolated when it is shown.
    to_lm : ndarray, shape (3, 3)
        From the map's pixels to the LM's.
    """
    rows, cols = transform.lm.shape
    if shape is None:
        factor = max(1.0, max(rows, cols) / MAP_SIDE)
        shape = max(1, round(rows / factor)), max(1, round(cols / factor))
    to_lm = invert(decimation((rows / shape[0], cols / shape[1])))
    points = map_points(to_lm, np.moveaxis(np.indices(shape), 0, -1))
    return predicted_error(transform, points, localisation=localisation).astype(np.float32), to_lm


def _fitted(transform: PairTransform) -> NDArray[np.bool_]:
    """Return which pairs a transform was fitted to, shape (K,)."""
    if transform.landmarks is None:
        return np.zeros(0, bool)
    return transform.landmarks.used & (transform.origin == "landmarks")


def _squared_error(transform: PairTransform, lm_points: ArrayLike) -> NDArray[np.float64]:
    """Return TRE^2 / FLE^2 at LM points, shape (..., 2)."""
    points = np.asarray(lm_points, np.float64)
    used = _fitted(transform)
    if transform.landmarks is None or not used.any():
        return np.full(points.shape[:-1], np.nan)
    if transform.spline is not None:
        # Where the bending is slight, an error at a landmark is carried along unchanged.
        return transform.spline.variance(points)
    pairs = transform.to_lm(transform.landmarks.em[used])
    centre = pairs.mean(axis=0)
    scatter = (pairs - centre).T @ (pairs - centre)
    if transform.model == "affine":
        spread = np.linalg.inv(scatter)
    else:
        turns = 2 if transform.model == "rigid" else 1
        spread = np.eye(2) / (turns * np.trace(scatter))
    away = points - centre
    return np.asarray(1 / len(pairs) + ((away @ spread) * away).sum(axis=-1))


def _others_tell(
    lm: NDArray[np.float64], em: NDArray[np.float64], model: Model
) -> NDArray[np.bool_]:
    """Return whether all pairs but one tell a transform, for each of them, shape (K,)."""
    tell = np.full(len(lm), len(lm) > FEWEST[model])
    if tell.any() and FEWEST[model] > 2:
        for points in (lm, em):
            away = points - points.mean(axis=0)
            across, along = np.linalg.eigvalsh(_products_without(away, away)).T
            tell &= across > ON_A_LINE**2 * along
    return tell


def _products_without(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of products of points less their centroid, each point left out in turn.

    Both shapes are (K, 2), the result's is (K, 2, 2). The centroid is that of the points that
    are left: it moves by 1 / (K - 1) of the point that is not.
    """
    count = len(one)
    each = one[:, :, None] * other[:, None, :]
    return np.asarray(each.sum(axis=0) - count / (count - 1) * each)


def _left_out(
    transform: PairTransform, lm: NDArray[np.float64], em: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the error at each pair, shape (K,), of a matrix fitted to the others.

    Mirror, and magnification of a rigid transform, are those of the transform.
    """
    model, count = transform.model, len(lm)
    known = _others_tell(lm, em, model)
    errors = np.full(count, np.nan)
    if not known.any():
        return errors
    decomposition = decompose(transform.em_to_lm)
    target, source = lm - lm.mean(axis=0), em - em.mean(axis=0)
    if decomposition.mirrored:
        source[:, 1] *= -1
    products = _products_without(target, source)[known]
    if model == "affine":
        linear = products @ np.linalg.inv(_products_without(source, source)[known])
    else:
        # The turn R that makes trace(R' products) largest.
        cos = products[:, 0, 0] + products[:, 1, 1]
        sin = products[:, 1, 0] - products[:, 0, 1]
        if model == "rigid":
            length = decomposition.magnification / np.hypot(cos, sin)
        else:
            length = 1 / _products_without(source, source)[known].trace(axis1=1, axis2=2)
        linear = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1) * length[:, None, None]
    mapped = (linear @ source[known, :, None])[..., 0]
    errors[known] = count / (count - 1) * np.linalg.norm(target[known] - mapped, axis=1)
    return errors


def _left_out_of_spline(
    spline: ThinPlate,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the error at each pair, shape (K,), of a spline through the others.

    The second is what is expected of it, in units of the FLE.
    """
    known = _others_tell(spline.lm, spline.em, "thin-plate spline")
    errors, expected = np.full(len(known), np.nan), np.full(len(known), np.nan)
    places, variance = spline.left_out(np.flatnonzero(known))
    errors[known] = np.linalg.norm(places - spline.lm[known], axis=1)
    expected[known] = np.sqrt(variance)
    return errors, expected


def rms(values: NDArray[np.float64]) -> float:
    """Return the root mean square of those that are numbers; NaN if there are none."""
    known = values[np.isfinite(values)]
    return math.sqrt(float((known**2).mean())) if len(known) else math.nan
