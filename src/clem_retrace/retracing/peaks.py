"""The highest places of a map that are apart from each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["peaks"]


def peaks(
    scores: NDArray[np.float32],
    around: Callable[[int, int], NDArray[np.bool_]],
    limit: int,
) -> list[tuple[int, int]]:
    """Return the indices of the highest values, best first, none near a higher one.

    Parameters
    ----------
    scores : ndarray, shape (M, N)
        NaN where there is none.
    around : callable
        Gives, for an index (row, col), which of the map's places are too near to it to be
        another peak, shape (M, N).
    limit : int
    """
    left = np.where(np.isnan(scores), -np.inf, scores)
    found: list[tuple[int, int]] = []
    while len(found) < limit and np.isfinite(left.max()):
        row, col = (int(index) for index in np.unravel_index(int(left.argmax()), left.shape))
        found.append((row, col))
        left[around(row, col)] = -np.inf
        left[row, col] = -np.inf
    return found
