"""Places that are worth a pair: well spread over a region, each on something that stands out."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from clem_retrace.micrograph import Roi
from clem_retrace.plugin.regions import region_slices

__all__ = ["MARGIN", "propose"]

#: How far the places lie inside the region's border, as a share of its sides.
MARGIN = 0.15

#: Radius round a place in which something is looked for that stands out, as a share of the
#: region's shorter side, and the least, pixels. What is that far away counts for half.
REACH, LEAST_REACH = 0.3, 2

#: Sizes of what is looked for: sigmas of blobs, LM pixels.
SIGMAS = (1.5, 3.0, 6.0)


def propose(roi: Roi, pixels: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Return places for pairs, near the corners and the centre of a region.

    Parameters
    ----------
    roi : Roi
        In LM pixels.
    pixels : ndarray, shape (M, N), optional
        The LM in the region, as `regions.cut` gives it: NaN where it does not count.
        Each place moves to the spot nearby that stands out most from its surroundings.

    Returns
    -------
    ndarray, shape (5, 2), LM pixels
    """
    shares = [*product((MARGIN, 1 - MARGIN), repeat=2), (0.5, 0.5)]
    sides = np.array([roi.height, roi.width])
    places: NDArray[np.float64] = np.array([roi.row, roi.col]) - 0.5 + np.array(shares) * sides
    if pixels is None:
        return places
    # Imported when needed: the dock opens without scipy.
    from scipy import ndimage

    origin = np.array([side.start for side in region_slices(roi)], np.float64)
    known = np.isfinite(pixels)
    filled = np.where(known, pixels, np.nanmedian(pixels))
    # Responses of blobs of all sizes are comparable when they are multiplied by sigma squared.
    standing = np.max(
        [sigma**2 * np.abs(ndimage.gaussian_laplace(filled, sigma)) for sigma in SIGMAS], axis=0
    )
    # What is at the border of the region is half seen.
    standing[~ndimage.binary_erosion(known, iterations=round(SIGMAS[0]))] = -1.0
    reach = max(LEAST_REACH, REACH * float(sides.min()))
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in pixels.shape), indexing="ij"), -1)
    for number, place in enumerate(places - origin):
        away = np.hypot(*np.moveaxis(grid - place, -1, 0)) / reach
        best = np.where(away <= 1, standing * (1 - away / 2), -1.0)
        if best.max() <= 0:
            continue
        spot = np.unravel_index(int(best.argmax()), best.shape)
        places[number] = origin + spot
        # No two pairs on one thing.
        standing[np.hypot(*np.moveaxis(grid - spot, -1, 0)) < reach / 2] = -1.0
    return places
