"""Thin-plate splines between the two images.

The spline takes LM points to EM points: an image is pulled onto the LM's grid that way
round, and BigWarp counts it the same. The other way it is solved by Newton's method.

The kernel is evaluated here and not by `scipy.interpolate.RBFInterpolator`, of which the
tests make sure that it is the same: a million points and ten landmarks take 0.2 s and not
1.2 s, and the derivatives and weights that are needed here can be had from it.

References
----------
F. L. Bookstein, Principal warps: thin-plate splines and the decomposition of deformations,
IEEE Trans. Pattern Anal. Mach. Intell. 11(6), 1989, doi:10.1109/34.24792.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import Matrix, as_transform, map_points
from clem_retrace.registration.landmarks import Landmarks

__all__ = ["ThinPlate", "least_squares_affine"]

#: Values of the kernel that are held at a time: 256 kB, which stay in the cache.
BLOCK_VALUES = 1 << 15

#: Newton's method ends where the point that it is to meet is met to this share of the
#: landmarks' extent, a ten-thousandth of a pixel of the largest images, or after so many steps.
MET = 1e-10
NEWTON_STEPS = 40

#: Points a side at which folds are looked for.
FOLD_GRID = 128


def least_squares_affine(source: ArrayLike, target: ArrayLike) -> Matrix:
    """Return the affine transform with the least squared distances to the target points.

    Parameters
    ----------
    source, target : array_like, shape (K, 2)
        Three points or more that do not lie on one line.

    Raises
    ------
    TransformError
        It flattens the plane.

    Notes
    -----
    scikit-image's `AffineTransform.from_estimate` minimises an algebraic distance: with
    points that are 2 of 500 pixels off, it comes to lie 0.07 pixels from the least squares.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    centre, onto = source.mean(axis=0), target.mean(axis=0)
    matrix = np.eye(3)
    matrix[:2, :2] = np.linalg.lstsq(source - centre, target - onto, rcond=None)[0].T
    matrix[:2, 2] = onto - matrix[:2, :2] @ centre
    return as_transform(matrix)


@dataclass(frozen=True, slots=True, eq=False)
class ThinPlate:
    """The smoothest bending that takes each landmark onto its partner.

    Made by `fit`, which checks the points.

    Attributes
    ----------
    lm, em : ndarray, shape (K, 2), float64
        The landmarks, (row, col).
    affine : ndarray, shape (3, 3), float64
        From EM to LM, without the bending: the least squares of the landmarks in LM pixels.
    """

    lm: NDArray[np.float64]
    em: NDArray[np.float64]
    affine: Matrix = field(init=False)
    _centre: NDArray[np.float64] = field(init=False, repr=False)
    _extent: float = field(init=False, repr=False)
    _system: NDArray[np.float64] = field(init=False, repr=False)
    _coefficients: NDArray[np.float64] = field(init=False, repr=False)

    @classmethod
    def fit(cls, lm_points: ArrayLike, em_points: ArrayLike) -> Self:
        """Return the spline through pairs of points.

        Parameters
        ----------
        lm_points, em_points : array_like, shape (K, 2)
            In any unit.

        Raises
        ------
        LandmarkError
            Less than three pairs, two of them in one place, or all on a line.
        """
        pairs = Landmarks.of(lm_points, em_points)
        pairs.require("thin-plate spline")
        return cls(pairs.lm[pairs.used], pairs.em[pairs.used])

    def __post_init__(self) -> None:
        """Solve for the coefficients, in units of the landmarks' extent for the sake of digits."""
        centre, em_centre = self.lm.mean(axis=0), self.em.mean(axis=0)
        extent = float(np.sqrt(((self.lm - centre) ** 2).sum(axis=1).mean()))
        units = (self.lm - centre) / extent
        count = len(units)
        system = np.zeros((count + 3, count + 3))
        system[:count] = _basis(units, units)[0]
        system[count:, :count] = system[:count, count:].T
        values = np.zeros((count + 3, 2))
        values[:count] = self.em - em_centre
        coefficients = np.linalg.solve(system, values)
        coefficients[count] += em_centre
        for name, value in (
            ("affine", least_squares_affine(self.em, self.lm)),
            ("_centre", centre),
            ("_extent", extent),
            ("_system", system),
            ("_coefficients", coefficients),
        ):
            object.__setattr__(self, name, value)

    def to_em(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return LM points, shape (..., 2), in EM pixels."""
        return self._in_blocks(lambda block: self._basis(block)[0] @ self._coefficients, lm_points)

    def to_lm(self, em_points: ArrayLike) -> NDArray[np.float64]:
        """Return EM points, shape (..., 2), in LM pixels.

        NaN where Newton's method, which starts from `affine`, does not meet the point, or
        meets it where the spline is turned over. Near a fold several LM points go there: it is
        the one that is met first.
        """
        return self._in_blocks(lambda block: self._solve(block, self._coefficients), em_points)

    def jacobian(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return the derivatives at LM points, shape (..., 2, 2): of EM (row, col) by LM's."""
        return self._in_blocks(
            lambda block: self._values_and_jacobian(block, self._coefficients)[1], lm_points
        )

    def variance(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return that of LM points' places, shape (...,), in units of that of the landmarks'.

        The landmarks err independently of each other; what they add up to is 1 at a landmark
        and grows away from them.
        """
        inverse = np.linalg.inv(self._system)[:, : len(self.lm)]
        return self._in_blocks(
            lambda block: ((self._basis(block)[0] @ inverse) ** 2).sum(axis=1), lm_points
        )

    def left_out(self, pairs: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what splines through all landmarks but one say of that one.

        Parameters
        ----------
        pairs : ndarray, shape (N,)
            The numbers of the landmarks that are left out in turn; the others must not lie on
            a line.

        Returns
        -------
        lm_points : ndarray, shape (N, 2)
            Where the landmark of the EM comes to lie in the LM.
        variance : ndarray, shape (N,)
            Of how far that is from the landmark of the LM, in the units of `variance`.
        """
        count = len(self.lm)
        inverse = np.linalg.inv(self._system)[:, :count]
        columns, own = inverse[:, pairs], inverse[pairs, pairs]
        # Along a landmark's column of the inverse the spline changes at that landmark only: so
        # far along that its coefficient vanishes, it is the spline of the others.
        along = self._coefficients[pairs] / own[:, None]
        coefficients = self._coefficients - columns.T[:, :, None] * along[:, None, :]
        variance = (columns[:count] ** 2).sum(axis=0) / own**2
        return self._solve(self.em[pairs], coefficients), variance

    def folds(self, shape: tuple[int, int]) -> float:
        """Return the share of an LM image's area over which the spline is turned over.

        Where it is more than 0, some EM points lie in several places of the LM: a pair is
        misplaced, as a rule. Looked for at 128 points a side.
        """
        sides = [np.linspace(-0.5, side - 0.5, FOLD_GRID) for side in shape]
        grid = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)
        return float(self._turned_over(self.jacobian(grid)).mean())

    def _turned_over(self, jacobian: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return where derivatives have the other sign of area than the affine part."""
        sign = np.sign(np.linalg.det(self.affine[:2, :2]))
        return np.asarray(_determinant(jacobian) * sign <= 0)

    def _in_blocks(
        self, values: Callable[[NDArray[np.float64]], NDArray[np.float64]], points: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the values of a function of points, taken so many at a time."""
        points = np.asarray(points, np.float64)
        flat = points.reshape(-1, 2)
        step = max(1, BLOCK_VALUES // len(self.lm))
        first = values(flat[:step])
        out = np.empty((len(flat), *first.shape[1:]))
        out[:step] = first
        for start in range(step, len(flat), step):
            out[start : start + step] = values(flat[start : start + step])
        return out.reshape(points.shape[:-1] + first.shape[1:])

    def _basis(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the basis of LM points, shape (N, 2)."""
        return _basis(
            (points - self._centre) / self._extent, (self.lm - self._centre) / self._extent
        )

    def _values_and_jacobian(
        self, points: NDArray[np.float64], coefficients: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where LM points, shape (N, 2), go, and the derivatives there, (N, 2, 2).

        The coefficients are those of one spline, shape (K + 3, 2), or of one a point.
        """
        basis, offsets, logs = self._basis(points)
        # d/dx of r^2 log r^2 is 2 (x - c) (log r^2 + 1).
        slopes = 2 * offsets * (logs + 1)
        bend, linear = coefficients[..., :-3, :], coefficients[..., -2:, :]
        jacobian = np.stack(
            [_each(slopes[axis], bend) + linear[..., axis, :] for axis in (0, 1)], axis=-1
        )
        return _each(basis, coefficients), jacobian / self._extent

    def _solve(
        self, em_points: NDArray[np.float64], coefficients: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the LM points, shape (N, 2), that go to EM points, or NaN."""
        limit = MET * float(np.sqrt(self.em.var(axis=0).sum()))
        found = map_points(self.affine, em_points)
        values, jacobian = self._values_and_jacobian(found, coefficients)
        missing = em_points - values
        reach = np.ones(len(found))
        for _ in range(NEWTON_STEPS):
            left = np.flatnonzero(np.hypot(*missing.T) > limit)
            if not len(left):
                break
            step = _solve_pairs(jacobian[left], missing[left])
            # Where the derivatives vanish a step would have no end.
            step *= np.minimum(1, self._extent / np.maximum(np.hypot(*step.T), 1e-300))[:, None]
            trial = found[left] + reach[left, None] * step
            values, trial_jacobian = self._values_and_jacobian(
                trial, coefficients[left] if coefficients.ndim == 3 else coefficients
            )
            trial_missing = em_points[left] - values
            nearer = np.hypot(*trial_missing.T) < np.hypot(*missing[left].T)
            # A step that leads away is tried again at a quarter of its length.
            reach[left] = np.where(nearer, np.minimum(2 * reach[left], 1), reach[left] / 4)
            found[left[nearer]] = trial[nearer]
            missing[left[nearer]] = trial_missing[nearer]
            jacobian[left[nearer]] = trial_jacobian[nearer]
        met = np.hypot(*missing.T) <= limit
        found[~met | self._turned_over(jacobian)] = np.nan
        return found


def _each(basis: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums, shape (N, 2), over one set of coefficients, or over one a point."""
    if coefficients.ndim == 2:
        return np.asarray(basis @ coefficients)
    return np.asarray((basis[:, None, :] @ coefficients)[:, 0])


def _basis(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the spline is made of, at points, shape (N, 2).

    Returns
    -------
    basis : ndarray, shape (N, K + 3)
        r^2 log r^2 of the distance r from each centre, then 1, row, col.
    offsets : ndarray, shape (2, N, K)
        From the centres, rows and columns.
    logs : ndarray, shape (N, K)
        log r^2.
    """
    count = len(centres)
    offsets = points.T[:, :, None] - centres.T[:, None, :]
    squares = np.square(offsets[0])
    squares += np.square(offsets[1])
    # So that r^2 log r^2 is 0 at a centre.
    logs = np.log(squares + 1e-300)
    basis = np.empty((len(points), count + 3))
    np.multiply(squares, logs, out=basis[:, :count])
    basis[:, count] = 1
    basis[:, count + 1 :] = points
    return basis, offsets, logs


def _determinant(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the determinants of matrices, shape (..., 2, 2)."""
    return np.asarray(
        matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0]
    )


def _solve_pairs(matrices: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the solutions, shape (N, 2), of two equations each; of any length if there is none."""
    determinant = _determinant(matrices)
    determinant = np.where(determinant == 0, np.finfo(float).tiny ** 0.5, determinant)
    row = matrices[:, 1, 1] * right[:, 0] - matrices[:, 0, 1] * right[:, 1]
    col = matrices[:, 0, 0] * right[:, 1] - matrices[:, 1, 0] * right[:, 0]
    return np.stack([row, col], axis=-1) / determinant[:, None]
