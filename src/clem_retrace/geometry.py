"""3 x 3 transforms of (row, column) points: make, compose, take apart, apply.

Conventions, in one place:

- a point is (row, col), a pixel's centre is at integers, the first pixel at 0;
- a transform acts on column vectors (row, col, 1) and is named for its direction:
  ``em_to_lm`` takes EM pixels to LM pixels;
- an angle is in degrees, positive counter-clockwise on the screen (rows run down);
- a mirrored transform flips the columns first, then turns:
  ``linear = magnification * R(angle) @ diag(1, -1)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.errors import TransformError

__all__ = [
    "LARGEST_ENTRY",
    "Decomposition",
    "Matrix",
    "angle_between",
    "as_transform",
    "compose",
    "decimation",
    "decompose",
    "invert",
    "magnification_of",
    "map_points",
    "similarity",
    "swap_axes",
    "translation",
]

Matrix = NDArray[np.float64]

#: No transform of images holds larger numbers; a few of them, composed, must stay finite.
LARGEST_ENTRY = 1e30


@dataclass(frozen=True, slots=True)
class Decomposition:
    """What a transform does, as numbers a person can judge.

    ``linear = R(angle) @ U @ diag(1, -1 if mirrored else 1)``, with U symmetric:
    the polar decomposition, so that `angle` is the closest pure turn.

    Attributes
    ----------
    magnification : float
        Square root of the change of area (target pixels per source pixel).
    angle : float
        Degrees in (-180, 180], counter-clockwise on the screen.
    mirrored : bool
        Whether the transform turns a left hand into a right hand.
    anisotropy : float
        Ratio of the larger to the smaller principal stretch, minus 1.
    """

    magnification: float
    angle: float
    mirrored: bool
    anisotropy: float


def angle_between(one: float, other: float) -> float:
    """Return how far apart two angles are, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


def as_transform(matrix: ArrayLike) -> Matrix:
    """Return `matrix` as a checked (3, 3) float64 affine transform.

    Raises
    ------
    TransformError
        The shape is not (3, 3), a value is not finite, the last row is not
        (0, 0, 1), or the linear part cannot be inverted.
    """
    try:
        result = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TransformError(f"a transform is a 3 x 3 matrix of numbers: {error}") from error
    if result.shape != (3, 3):
        raise TransformError(f"a transform is a 3 x 3 matrix, not one of shape {result.shape}")
    if not np.isfinite(result).all():
        raise TransformError("a transform must hold finite numbers only")
    # By hand, not by numpy's functions for arrays: a run checks some thousand transforms.
    (a, b, down), (c, d, right), last = result.tolist()
    if max(map(abs, (last[0], last[1], last[2] - 1))) > 1e-9:
        raise TransformError(f"the last row of an affine transform is 0 0 1, not {result[2]}")
    largest = max(map(abs, (a, b, c, d)))
    if max(largest, abs(down), abs(right)) > LARGEST_ENTRY:
        raise TransformError(
            f"the transform holds a number of {np.abs(result).max():.3g}: no image is so large"
        )
    # The determinant is the product of the principal stretches; over the larger one it is
    # about the smaller one.
    smaller = abs(a * d - b * c) / largest if largest else 0.0
    if smaller <= max(1e-12 * largest, 1 / LARGEST_ENTRY):
        raise TransformError("the transform cannot be inverted: it flattens the plane")
    return result


def translation(shift: ArrayLike) -> Matrix:
    """Return the transform that adds `shift` (row, col)."""
    matrix = np.eye(3)
    matrix[:2, 2] = shift
    return matrix


def decimation(factor: ArrayLike) -> Matrix:
    """Return the transform from an image's pixels to those of its decimated copy.

    Decimating by d merges pixels 0 .. d-1 into pixel 0, so centres move as
    ``c -> (c + 0.5) / d - 0.5``. `factor` is one number or (rows, cols).
    """
    d = np.broadcast_to(np.asarray(factor, dtype=np.float64), (2,))
    matrix = np.diag([1 / d[0], 1 / d[1], 1.0])
    matrix[:2, 2] = 0.5 / d - 0.5
    return matrix


def similarity(
    magnification: float,
    angle: float,
    mirrored: bool,
    source: ArrayLike,
    target: ArrayLike,
) -> Matrix:
    """Return the transform that magnifies, mirrors and turns, and takes one point to another.

    Parameters
    ----------
    magnification : float
        Target pixels per source pixel.
    angle : float
        Degrees, counter-clockwise on the screen.
    mirrored : bool
        Flip the columns first.
    source, target : (row, col)
        `source` is mapped onto `target`.

    Raises
    ------
    TransformError
        The magnification or the angle is not finite, or that of no image.
    """
    if not (abs(magnification) <= LARGEST_ENTRY and math.isfinite(angle)):
        raise TransformError(f"a magnification of {magnification} and an angle of {angle} degrees")
    radians = np.deg2rad(float(angle))
    cos, sin = np.cos(radians), np.sin(radians)
    matrix = np.eye(3)
    matrix[:2, :2] = magnification * np.array([[cos, -sin], [sin, cos]])
    if mirrored:
        matrix[:2, 1] *= -1
    matrix[:2, 2] = np.asarray(target, dtype=np.float64) - matrix[:2, :2] @ np.asarray(
        source, dtype=np.float64
    )
    return matrix


def compose(*matrices: Matrix) -> Matrix:
    """Return the transform that applies the *last* argument first, as ``@`` does."""
    result = np.eye(3)
    for matrix in matrices:
        result = result @ matrix
    return result


def invert(matrix: Matrix) -> Matrix:
    """Return the transform in the other direction.

    Raises
    ------
    TransformError
        The matrix is not an invertible affine transform.
    """
    inverse: Matrix = np.linalg.inv(as_transform(matrix)).astype(np.float64)
    inverse[2] = (0, 0, 1)
    return inverse


def map_points(matrix: Matrix, points: ArrayLike) -> NDArray[np.float64]:
    """Return `points`, shape (..., 2) of (row, col), mapped by `matrix`."""
    points = np.asarray(points, dtype=np.float64)
    mapped: NDArray[np.float64] = points @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped


def swap_axes(matrix: Matrix) -> Matrix:
    """Return a (row, col) transform as the (x, y) one of the same map, or the reverse.

    The only place where the order of axes is changed: scikit-image's warp, ITK and
    BigWarp count (x, y).
    """
    swap = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
    swapped: Matrix = swap @ matrix @ swap
    return swapped


def magnification_of(matrix: Matrix) -> float:
    """Return the target pixels per source pixel: the square root of the change of area."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def decompose(matrix: Matrix) -> Decomposition:
    """Return magnification, angle, mirror and anisotropy of a transform."""
    (a, b, _), (c, d, _), _ = as_transform(matrix).tolist()
    mirrored = a * d < b * c
    if mirrored:
        b, d = -b, -d
    # The polar decomposition of a 2 x 2 matrix, in closed form: half the sum and half the
    # difference of the principal stretches are the lengths of its conformal parts.
    half_sum = math.hypot(a + d, c - b) / 2
    half_difference = math.hypot(a - d, b + c) / 2
    angle = math.degrees(math.atan2(c - b, a + d))
    larger = half_sum + half_difference
    smaller = (a * d - b * c) / larger
    return Decomposition(
        magnification=math.sqrt(larger * smaller),
        angle=180.0 if angle == -180.0 else angle,
        mirrored=mirrored,
        anisotropy=larger / smaller - 1,
    )
