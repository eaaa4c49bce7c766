"""Which of an image's grey values are its structures, for showing them in one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plugin.outputs import contrast_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bright_structures", "dark_structures", "looks_dark", "sample", "whole"]

#: Pixels along a side that are enough for percentiles.
ENOUGH = 512


def sample(data: Any, part: Sequence[slice]) -> NDArray[np.float32]:
    """Return some of the values in a part of an image.

    Parameters
    ----------
    data : array_like, shape (M, N)
        Of an array in memory, a lattice of pixels is taken; of one that would have to be
        read, a block in the middle of the part, which takes no longer.
    part : (slice of rows, slice of columns)
        With plain starts and stops.
    """
    if isinstance(data, np.ndarray):
        steps = (max(1, (side.stop - side.start) // ENOUGH) for side in part)
        where = (slice(s.start, s.stop, step) for s, step in zip(part, steps, strict=True))
    else:
        where = (_middle(side) for side in part)
    return np.asarray(data[tuple(where)], dtype=np.float32)


def _middle(side: slice) -> slice:
    first = max(side.start, (side.start + side.stop - ENOUGH) // 2)
    return slice(first, min(first + ENOUGH, side.stop))


def looks_dark(values: NDArray[np.float32]) -> bool:
    """Whether what stands out of an image is darker than its background, not brighter."""
    low, middle, high = np.nanpercentile(values, (0.5, 50, 99.5))
    return bool(middle - low > high - middle)


def bright_structures(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return contrast limits that leave the background black: from the median up."""
    return contrast_limits(values, 50, 99.8)


def dark_structures(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return contrast limits for an inverted image: most of the background becomes black."""
    return contrast_limits(values, 0.5, 70)


def whole(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return contrast limits that show background and structures."""
    return contrast_limits(values, 0.5, 99.5)
