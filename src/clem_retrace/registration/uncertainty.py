"""How far from the truth an affine fit may be, told from what it leaves over.

The fit ends where the scores of its points, step x weight x residual, sum to 0. At the truth
they sum to something else, by chance, and the estimate is off by what takes that away:
``error = A^-1 * (sum of scores)``. Its covariance ``A^-1 B A^-1`` needs two sums:

- B, the covariance of the sum of scores. Residuals are correlated over some pixels, for a
  structure that one image lacks is a patch of them; their scores are summed over blocks
  larger than that, and the blocks are as good as independent.
- A, what the sum of scores changes by when the estimate moves. The Hessian of the steps is
  not it: the gradients of the LM hold all that the LM alone shows, and say that a place is
  told more sharply than it is. LM gradients times *EM gradients* have in the mean what both
  images share, and nothing else. The weights are the derivative of Tukey's function, not
  the weights of the least squares that stand in for it.

What this tells is how far an estimate scatters round the truth. It takes for granted that
the match is right: of a wrong place, and of a fit that has settled in a neighbouring
minimum, it says nothing. Nor does it tell what bends between the images where no affine
transform follows.

References
----------
P. J. Huber, The behavior of maximum likelihood estimates under nonstandard conditions,
Proc. Fifth Berkeley Symposium 1, 1967 (the sandwich). T. G. Conley, GMM estimation with
cross sectional dependence, J. Econometrics 92, 1999, doi:10.1016/S0304-4076(98)00084-0
(scores that are correlated in space). `benchmarks/registration_errors.py` compares it with
the truth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

from clem_retrace.alignment import Template
from clem_retrace.alignment.interpolation import interpolate
from clem_retrace.alignment.template import displacements, steepest_steps
from clem_retrace.geometry import Matrix, compose, invert, translation

__all__ = ["affine_covariance", "block_sums", "expected_error", "in_lm_pixels"]

#: Side of a block in pixels, and in sigmas of the LoG where that is more. On 160 simulated
#: tasks (benchmarks/simulated.py, seed 2000) sides of 8 to 32 differ by less than a tenth: true
#: error over expected has a median of 0.88 to 0.79, falling as the blocks grow.
BLOCK = 12.0

#: As many blocks at least: an area too small for them is cut into smaller ones.
LEAST_BLOCKS = 16.0

#: A direction whose share of A, relative to the steps' Hessian, is below this part of the mean
#: over all directions is taken to have so much: below, it is noise, which may cross zero. On
#: the same tasks 0.1 to 0.25 are as good as each other; without it three of them expected 3 LM
#: pixels and were off by less than 1.
FLATTEST = 0.15


def affine_covariance(
    template: Template,
    image: NDArray[np.float32],
    matrix: Matrix,
    *,
    prior: NDArray[np.float32],
    residual: NDArray[np.float32],
    tukey: NDArray[np.float32],
    sigma: float,
) -> NDArray[np.float64] | None:
    """Return the covariance of the displacement by which a fit is off.

    Parameters
    ----------
    template : Template
    image : ndarray, shape (M, N), float32
    matrix : ndarray, shape (3, 3)
        The fit, from template pixels to image pixels.
    prior, residual, tukey : ndarray, shape (P,), float32
        Weights of the points, 0 outside the image; what the fit leaves over; and Tukey's
        weights of it, 1 throughout for least squares.
    sigma : float, template pixels
        Of the LoG.

    Returns
    -------
    ndarray, shape (6, 6), or None
        Of the affine parameters of `steepest_steps`. None where the images do not, on the
        whole, agree better at the fit than round it.
    """
    steps = steepest_steps(template, "affine")
    slopes, known = _slopes(template, image, matrix)
    prior = prior * known
    root = np.sqrt(tukey)
    # Of psi(u) = u (1 - u^2)^2, where tukey = (1 - u^2)^2.
    sharpness = prior * root * (5 * root - 4)
    weights = prior * tukey
    slope = ((steps * sharpness[:, None]).T @ slopes).astype(np.float64)
    weighted = steps * weights[:, None]
    hessian = (weighted.T @ steps).astype(np.float64)
    if not np.linalg.eigvalsh(hessian)[0] > 0:
        return None
    shares, directions = eigh((slope + slope.T) / 2, hessian)
    mean = float(shares.mean())
    if mean <= 0:
        return None
    inverse = directions / np.maximum(shares, FLATTEST * mean) @ directions.T
    scores = block_sums(template, weighted * residual[:, None], weights, sigma)
    return inverse @ (scores.T @ scores) @ inverse  # type: ignore[no-any-return]


def _slopes(
    template: Template, image: NDArray[np.float32], matrix: Matrix
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the change of the *image's* values by each parameter, and where it is known."""
    moved = [compose(matrix, translation(by)) for by in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    (down, up, right, left), inside = interpolate(image, np.stack(moved), template.points)
    gradients = np.stack([(down - up) / 2, (right - left) / 2], axis=1).astype(np.float32)
    known = np.asarray(inside.all(axis=0), dtype=np.bool_)
    return steepest_steps(replace(template, gradients=gradients), "affine"), known


def block_sums(
    template: Template, scores: NDArray[np.float32], weights: NDArray[np.float32], sigma: float
) -> NDArray[np.float64]:
    """Return the sums of the points' scores over square blocks, shape (blocks, parameters).

    They are scaled so that their products sum without bias when the blocks are few.
    """
    area = _effective(weights)
    side = min(BLOCK * max(1.0, sigma), max(1.0, np.sqrt(area / LEAST_BLOCKS)))
    rows, cols = (template.points / side).astype(np.intp).T
    block = rows * (cols.max() + 1) + cols
    count = _effective(np.bincount(block, weights))
    sums = np.stack([np.bincount(block, column) for column in scores.T], axis=1)
    return sums * np.sqrt(count / max(count - 1, 1.0))  # type: ignore[no-any-return]


def _effective(weights: NDArray[Any]) -> float:
    """Return the number of equal weights that average as well."""
    total = weights.sum(dtype=np.float64)
    return float(total**2 / np.square(weights, dtype=np.float64).sum())


def in_lm_pixels(
    covariance: NDArray[np.float64], template: Template, lm_to_grid: Matrix
) -> NDArray[np.float64]:
    """Return the covariance of a displacement's matrix entries on the LM, shape (6, 6).

    Parameters
    ----------
    covariance : ndarray, shape (6, 6)
        Of the affine parameters of `steepest_steps`, on the template's grid.
    template : Template
    lm_to_grid : ndarray, shape (3, 3)
    """
    units = compose(invert(lm_to_grid), displacements(np.eye(6), template), lm_to_grid)
    entries = (units - np.eye(3))[:, :2].reshape(6, 6)
    return entries.T @ covariance @ entries


def expected_error(covariance: NDArray[np.float64], lm_points: ArrayLike) -> NDArray[np.float64]:
    """Return the expected rms error at LM points, LM pixels, shape (...).

    Parameters
    ----------
    covariance : ndarray, shape (6, 6)
        Of the upper two rows, one after the other, of the matrix that takes where an LM
        point belongs to where it is put.
    lm_points : ndarray, shape (..., 2)
    """
    points = np.asarray(lm_points, dtype=np.float64)
    where = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)
    # The row's and the column's variance have one form, so that the two parts add.
    both = covariance[:3, :3] + covariance[3:, 3:]
    variance = np.einsum("...i,ij,...j->...", where, both, where)
    return np.sqrt(np.maximum(variance, 0.0))  # type: ignore[no-any-return]
