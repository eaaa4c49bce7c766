"""The ROI's cells and the EM's: their histograms, and how like each other they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace import geometry
from clem_retrace.errors import BadImage, RoiError
from clem_retrace.geometry import Matrix, compose, map_points, translation
from clem_retrace.micrograph import Roi
from clem_retrace.options import Similarity
from clem_retrace.retracing.descriptors import Reading
from clem_retrace.retracing.orientations import Orientation
from clem_retrace.retracing.patches import KNOWN_SHARE
from clem_retrace.retracing.similarities import similarity as compare
from clem_retrace.retracing.windows import window_histograms

__all__ = ["Cells", "Maps", "Query", "roi_cells"]

Array = NDArray[np.float32]


def roi_cells(
    lm_index: NDArray[np.integer], roi: Roi, bins: int, cell: int
) -> tuple[NDArray[np.float64], Array]:
    """Return the cells' centres relative to the ROI's, shape (K, 2), and their histograms.

    Raises
    ------
    RoiError
        No cell has values.
    """
    axes = []
    for first, length in ((roi.row, roi.height), (roi.col, roi.width)):
        number = max(1, round(length / cell))
        axes.append(first - 0.5 + (np.arange(number) + 0.5) * length / number)
    kept, histograms = [], []
    for middle in np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2):
        top, left = np.rint(middle - (cell - 1) / 2).astype(int)
        inside = lm_index[max(top, 0) : max(top + cell, 0), max(left, 0) : max(left + cell, 0)]
        counts = np.bincount(inside.ravel(), minlength=bins)[:bins]
        if counts.sum() >= KNOWN_SHARE * cell**2:
            # where the cell really is, to the pixel
            kept.append((top + (cell - 1) / 2, left + (cell - 1) / 2))
            histograms.append(counts / counts.sum())
    if not kept:
        raise RoiError("the region holds no values: choose one on the LM image")
    return np.array(kept) - roi.centre, np.array(histograms, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The EM's cells at places `step` apart.

    Attributes
    ----------
    histograms : ndarray, shape (rows, cols, bins)
    known : ndarray of bool, shape (rows, cols)
        Whether enough of the cell's pixels have values.
    cell, step : int, pixels of the grid
    """

    histograms: Array
    known: NDArray[np.bool_]
    cell: int
    step: int

    @classmethod
    def of(cls, index: NDArray[np.integer], bins: int, cell: int, step: int) -> Cells:
        """Return all cells of an image of bins.

        Raises
        ------
        BadImage
            None is known.
        """
        rows, cols = (np.arange(0, length - cell + 1, step) for length in index.shape)
        # Places lie side by side in memory: what is summed over the bins is quicker so.
        histograms = np.moveaxis(np.zeros((bins, len(rows), len(cols)), np.float32), 0, -1)
        if histograms.size:
            for row, columns, counts in window_histograms(index, bins, (cell, cell), rows, cols):
                histograms[row, columns] = counts
        total = histograms.sum(axis=-1)
        known = total >= KNOWN_SHARE * cell**2
        if not known.any():
            raise BadImage(
                f"nowhere in the EM do {KNOWN_SHARE:.0%} of the pixels of a cell of {cell} x "
                f"{cell} LM pixels have values: there is nothing to compare the region with"
            )
        histograms /= np.maximum(total, 1)[..., None]
        return cls(histograms, known, cell, step)

    @property
    def to_grid(self) -> Matrix:
        """From (row, col) of the cells to pixels of the grid, at their centres."""
        offset = (self.cell - 1) / 2
        return compose(translation((offset, offset)), np.diag([self.step, self.step, 1.0]))


@dataclass(slots=True, eq=False)
class Query:
    """The ROI's cells as they read in one way, and what is usual for each in the EM.

    Attributes
    ----------
    centres : ndarray, shape (K, 2), LM pixels
        Relative to the ROI's.
    references : ndarray, shape (K, bins)
    reading : Reading
    similarity : str
    usual : dict of int to (mean, deviation)
        Of each cell's similarity over the EM, once it was compared there.
    """

    centres: NDArray[np.float64]
    references: Array
    reading: Reading
    similarity: Similarity
    usual: dict[int, tuple[float, float]] = dataclasses.field(default_factory=dict)

    @property
    def reach(self) -> float:
        """How far the cells lie from the ROI's centre at most, LM pixels."""
        return float(np.linalg.norm(self.centres, axis=1).max())

    def offsets(self, orientation: Orientation) -> NDArray[np.float64]:
        """Return where the cells lie relative to the ROI's centre, shape (K, 2)."""
        turn = geometry.similarity(1.0, orientation.angle, orientation.mirrored, (0, 0), (0, 0))
        return map_points(turn, self.centres)

    def map(self, number: int, em: Cells) -> Array:
        """Return the similarity of one cell to the EM's, in deviations from what is usual."""
        scores = compare(self.similarity, em.histograms, self.references[number])
        if number not in self.usual:
            inside = scores[em.known]
            self.usual[number] = (float(inside.mean()), max(float(inside.std()), 1e-6))
        mean, deviation = self.usual[number]
        return np.where(em.known, (scores - mean) / deviation, 0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Similarity maps of several cells, with room round them: they are read at offsets.

    Attributes
    ----------
    padded : ndarray, shape (K, rows + 2 room, cols + 2 room)
        0 beyond the edges.
    room : int, pixels
    """

    padded: Array
    room: int

    @classmethod
    def of(cls, maps: Sequence[Array], farthest: float) -> Maps:
        """Return maps, shape (rows, cols) each, to be read at offsets up to `farthest`."""
        room = math.ceil(farthest) + 1
        return cls(np.pad(maps, ((0, 0), (room, room), (room, room))), room)

    def mean_at(self, offsets: NDArray[np.float64]) -> Array:
        """Return the mean of the maps, each read at its own offset; `offsets` has shape (K, 2)."""
        rows, cols = (side - 2 * self.room for side in self.padded.shape[1:])
        firsts = np.rint(offsets).astype(int) + self.room
        total = np.zeros((rows, cols), np.float32)
        for one, (top, left) in zip(self.padded, firsts.tolist(), strict=True):
            total += one[top : top + rows, left : left + cols]
        total /= len(self.padded)
        return total
