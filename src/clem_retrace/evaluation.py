"""How far from the truth: distances between patch centres, target registration errors.

References
----------
The paper, section 4, gives distances between patch centres in pixels and in percent of
the EM image's diagonal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.errors import InvalidOption
from clem_retrace.geometry import Matrix, invert, map_points
from clem_retrace.micrograph import Roi
from clem_retrace.pixels import real_number

__all__ = ["Distance", "centre_distance", "target_registration_error", "targets"]


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance in the EM image, in the three units that are quoted.

    Attributes
    ----------
    pixels : float, EM pixels
    nm : float or None
        None when the EM's pixel size is unknown.
    percent : float
        Of the EM image's diagonal; NaN when its size is unknown.
    """

    pixels: float
    nm: float | None
    percent: float

    def __str__(self) -> str:
        """Return the distance as one line for a readout."""
        nm = "" if self.nm is None else f" = {self.nm:.0f} nm"
        share = "" if math.isnan(self.percent) else f" = {self.percent:.2f} % of the EM diagonal"
        return f"{self.pixels:.1f} EM px{nm}{share}"


def centre_distance(
    found: ArrayLike,
    truth: ArrayLike,
    em_shape: tuple[int, int],
    em_pixel_size: float | None = None,
) -> Distance:
    """Return the distance between two patch centres.

    Parameters
    ----------
    found, truth : (row, col), EM pixels
    em_shape : (rows, cols)
    em_pixel_size : float, nm per pixel, optional

    Raises
    ------
    InvalidOption
        A centre or the pixel size is not finite.

    Examples
    --------
    >>> from clem_retrace.evaluation import centre_distance
    >>> distance = centre_distance((400, 300), (403, 304), (1500, 2000), 10.0)
    >>> print(distance)
    5.0 EM px = 50 nm = 0.20 % of the EM diagonal
    """
    one, other = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    size = 1.0 if em_pixel_size is None else real_number(em_pixel_size)
    if not (np.isfinite([one, other]).all() and 0 < size < math.inf):
        raise InvalidOption(
            f"the distance from {one} to {other}, of pixels of {em_pixel_size} nm, is not known"
        )
    pixels, diagonal = math.dist(one, other), math.hypot(*em_shape)
    nm = None if em_pixel_size is None else pixels * size
    return Distance(pixels, nm, 100 * pixels / diagonal if diagonal else math.nan)


def target_registration_error(
    em_to_lm: Matrix, true_em_to_lm: Matrix, roi: Roi, *, points: int = 5
) -> NDArray[np.float64]:
    """Return the registration's error at targets spread evenly over the ROI.

    Parameters
    ----------
    em_to_lm, true_em_to_lm : ndarray, shape (3, 3)
    roi : Roi
        In LM pixels; see `targets`.

    Returns
    -------
    ndarray, shape (points ** 2,), LM pixels
        How far from each target the EM's point comes to lie that is truly there.

    Examples
    --------
    >>> import numpy as np
    >>> from clem_retrace import Roi
    >>> from clem_retrace.evaluation import target_registration_error
    >>> truth = np.diag([0.1, 0.1, 1.0])
    >>> off = truth + [[0, 0, 0.3], [0, 0, 0.4], [0, 0, 0]]
    >>> errors = target_registration_error(off, truth, Roi(10, 20, 50, 60))
    >>> errors.shape, round(float(errors.max()), 6)
    ((25,), 0.5)
    """
    at = targets(roi, points=points)
    back = map_points(em_to_lm @ invert(true_em_to_lm), at)
    return np.linalg.norm(back - at, axis=1)  # type: ignore[no-any-return]


def targets(roi: Roi, *, points: int = 5) -> NDArray[np.float64]:
    """Return a lattice of `points` x `points` over a region, shape (points ** 2, 2).

    All count, also those that an outline leaves out.

    Raises
    ------
    InvalidOption
        None are asked for.
    """
    if points < 1:
        raise InvalidOption(f"{points} x {points} targets: one is needed, some 5 x 5 are better")
    rows = roi.row + (roi.height - 1) * np.linspace(0, 1, points)
    cols = roi.col + (roi.width - 1) * np.linspace(0, 1, points)
    return np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
