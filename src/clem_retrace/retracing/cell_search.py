"""Histogram search with a layout: one histogram for each cell of the ROI (paper 3.2, extended).

The paper compares one histogram of the whole ROI. Here the ROI is cut into square cells, as
the authors of the Local Directional Pattern cut a face, and every cell's histogram is
compared with that of the EM's cell where it would lie. The cells stay upright and only
their places turn with the section, so that a cell's similarity to every place of the EM is
computed once and serves all angles and both mirrors: they differ in where it is read.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace import geometry
from clem_retrace.errors import BadImage, RoiError
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, invert, map_points, translation
from clem_retrace.micrograph import Roi
from clem_retrace.options import Similarity
from clem_retrace.retracing.candidates import Candidates, Match, suppress
from clem_retrace.retracing.descriptors import Reading
from clem_retrace.retracing.orientations import Orientation, OrientationGrid
from clem_retrace.retracing.patches import KNOWN_SHARE
from clem_retrace.retracing.similarities import similarity as compare
from clem_retrace.retracing.windows import window_histograms

__all__ = ["cell_search", "cell_search_steps"]

#: Places are half a cell apart at first: histograms hardly change within that.
PLACES_PER_CELL = 2

#: Neighbouring orientations differ by this part of a cell, to either side, at the root mean
#: square radius of the ROI: by six tenths of one at its corners.
TOLERANCE = 0.35

#: Angles are refined to this part of their distance.
FINER_ANGLES = (0.5, 0.25)

#: Candidates whose centres are closer than this part of the ROI's shorter side are one ...
DISTINCT = 0.5

#: ... unless their angles differ by more than this, degrees.
DISTINCT_ANGLE = 45.0

Array = NDArray[np.float32]


def cell_search(
    lm_index: NDArray[np.integer],
    em_index: NDArray[np.integer],
    roi: Roi,
    *,
    bins: int,
    readings: Sequence[Reading],
    cell: int,
    em_to_grid: Matrix | None = None,
    similarity: Similarity = "intersection",
    limit: int = 10,
) -> Candidates:
    """Return the places of the EM whose cells' histograms are most like those of the ROI.

    Parameters
    ----------
    lm_index : ndarray of int, shape (M, N)
        The bin of each LM pixel; `bins` where there is no value.
    em_index : ndarray of int, shape (m, n)
        The bin of each pixel of a grid that the EM was decimated to; its pixels are as
        large as the LM's.
    roi : Roi, LM pixels
    bins : int
    readings : sequence of Reading
        The ways in which the ROI's histograms can read: `log_readings` or `ldp_readings`.
    cell : int, LM pixels
        Side of a cell.
    em_to_grid : ndarray, shape (3, 3), optional
        From EM pixels to pixels of `em_index`; the same by default. It has no rotation.
    similarity : str
        See `clem_retrace.retracing.similarities`.
    limit : int
        How many candidates are returned at most.

    Returns
    -------
    Candidates
        With a confidence of 0. A score is the mean, over the ROI's cells, of the similarity
        in standard deviations above that cell's mean over the EM; 0 for cells outside it.

    Raises
    ------
    RoiError
        The ROI holds no values.
    BadImage
        The EM is smaller than a cell, or has too few values anywhere for a comparison.

    References
    ----------
    Paper, section 3.2. Jabid, Kabir, Chae, ETRI Journal 32(5), 2010, for histograms of
    regions that are compared side by side.
    """
    return run(
        cell_search_steps(
            lm_index, em_index, roi, bins=bins, readings=readings, cell=cell,
            em_to_grid=em_to_grid, similarity=similarity, limit=limit,
            stage="histogram search",
        )
    )  # fmt: skip


def cell_search_steps(
    lm_index: NDArray[np.integer],
    em_index: NDArray[np.integer],
    roi: Roi,
    *,
    bins: int,
    readings: Sequence[Reading],
    cell: int,
    em_to_grid: Matrix | None,
    similarity: Similarity,
    limit: int,
    stage: str,
) -> Steps[Candidates]:
    """Yield progress of `cell_search` under the name of `stage`; return its result."""
    grid_to_em = np.eye(3) if em_to_grid is None else invert(em_to_grid)
    centres, references = _roi_cells(lm_index, roi, bins, cell)
    em = _Cells.of(em_index, bins, cell, max(1, cell // PLACES_PER_CELL))
    radius = math.sqrt((roi.height**2 + roi.width**2) / 12)
    grid = OrientationGrid(max(radius, cell), TOLERANCE * cell, 0.0)
    orientations = [one for turn in grid.turns() for one, _, _ in turn.wanted]
    best = np.full(em.known.shape, -np.inf, np.float32)
    which = np.zeros(em.known.shape, np.intp)
    tried: list[tuple[_Query, Orientation]] = []
    done, total = 0, len(readings) * len(centres) + limit
    for reading in readings:
        query, maps = _Query(centres, references[:, reading.order], reading, similarity), []
        for number in range(len(centres)):
            yield Progress(stage, done, total)
            maps.append(query.map(number, em))
            done += 1
        for orientation in orientations:
            if reading.covers(orientation.angle, orientation.mirrored):
                yield Progress(stage, done, total)
                scores = _mean_at(maps, query.offsets(orientation) / em.step)
                better = scores > best
                best[better], which[better] = scores[better], len(tried)
                tried.append((query, orientation))
    best[~em.known] = np.nan
    matches = []
    for row, col in _peaks(best, DISTINCT * min(roi.height, roi.width) / em.step, limit):
        yield Progress(stage, done, total)
        query, orientation = tried[which[row, col]]
        centre = map_points(em.to_grid, (row, col))
        place = _Place(centre[0], centre[1], float(best[row, col]), orientation)
        place = _refined(place, query, em, em_index, grid.angle_step)
        matches.append(place.match(roi, query.reading.contrast, grid_to_em))
        done += 1
    pixel = math.sqrt(abs(np.linalg.det(grid_to_em[:2, :2])))
    distance = DISTINCT * pixel * min(roi.height, roi.width)
    ranked = suppress(matches, distance=distance, angle=DISTINCT_ANGLE, limit=limit)
    yield Progress(stage, total, total)
    return Candidates(ranked, best, compose(grid_to_em, em.to_grid))


def _roi_cells(
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
class _Cells:
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
    def of(cls, index: NDArray[np.integer], bins: int, cell: int, step: int) -> _Cells:
        """Return all cells of an image of bins.

        Raises
        ------
        BadImage
            None is known.
        """
        rows, cols = (np.arange(0, length - cell + 1, step) for length in index.shape)
        histograms = np.zeros((len(rows), len(cols), bins), np.float32)
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
class _Query:
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

    def offsets(self, orientation: Orientation) -> NDArray[np.float64]:
        """Return where the cells lie relative to the ROI's centre, shape (K, 2)."""
        turn = geometry.similarity(1.0, orientation.angle, orientation.mirrored, (0, 0), (0, 0))
        return map_points(turn, self.centres)

    def map(self, number: int, em: _Cells) -> Array:
        """Return the similarity of one cell to the EM's, in deviations from what is usual."""
        scores = compare(self.similarity, em.histograms, self.references[number])
        if number not in self.usual:
            inside = scores[em.known]
            self.usual[number] = (float(inside.mean()), max(float(inside.std()), 1e-6))
        mean, deviation = self.usual[number]
        return np.where(em.known, (scores - mean) / deviation, 0).astype(np.float32)


def _mean_at(maps: Sequence[Array], offsets: NDArray[np.float64]) -> Array:
    """Return the mean of maps, each read at its own offset; 0 beyond their edges."""
    rows, cols = maps[0].shape
    total = np.zeros((rows, cols), np.float32)
    for one, (down, right) in zip(maps, np.rint(offsets).astype(int).tolist(), strict=True):
        top, bottom = max(0, -down), min(rows, rows - down)
        left, end = max(0, -right), min(cols, cols - right)
        if top < bottom and left < end:
            part = one[top + down : bottom + down, left + right : end + right]
            total[top:bottom, left:end] += part
    total /= len(maps)
    return total


def _peaks(scores: Array, apart: float, limit: int) -> list[tuple[int, int]]:
    """Return the highest places that are `apart` from each other, best first."""
    left = np.where(np.isnan(scores), -np.inf, scores)
    rows, cols = np.ogrid[: scores.shape[0], : scores.shape[1]]
    found: list[tuple[int, int]] = []
    while len(found) < limit and np.isfinite(left.max()):
        row, col = (int(value) for value in np.unravel_index(int(left.argmax()), left.shape))
        found.append((row, col))
        left[(rows - row) ** 2 + (cols - col) ** 2 <= apart**2] = -np.inf
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the ROI's centre lies on the EM's grid, and which way round."""

    row: float
    col: float
    score: float
    orientation: Orientation

    def match(self, roi: Roi, contrast: int, grid_to_em: Matrix) -> Match:
        angle, mirrored = self.orientation.angle, self.orientation.mirrored
        lm_to_grid = geometry.similarity(1.0, angle, mirrored, roi.centre, (self.row, self.col))
        return Match(
            roi=roi,
            em_to_lm=invert(compose(grid_to_em, lm_to_grid)),
            score=self.score,
            confidence=0.0,
            contrast=contrast,
            search="histogram",
        )


def _refined(
    place: _Place, query: _Query, em: _Cells, index: NDArray[np.integer], angle_step: float
) -> _Place:
    """Return the best place within a step and half an angle's step, cells read to the pixel."""
    offsets = query.offsets(place.orientation)
    # how far a cell is moved by the step and by the finer angles
    turned = math.radians(sum(FINER_ANGLES) * angle_step)
    reach = em.step + math.ceil(turned * np.linalg.norm(query.centres, axis=1).max()) + 1
    first = np.array([place.row, place.col]) + offsets - (em.cell - 1) / 2
    nearest = np.rint(first).astype(int)
    maps = _surroundings(nearest, reach, query, em, index)
    middle = slice(reach - em.step, reach + em.step + 1)
    best = dataclasses.replace(place, score=-math.inf)
    for finer in FINER_ANGLES:
        around = best.orientation
        for turn in (-1, 0, 1):
            angle = around.angle + turn * finer * angle_step
            orientation = dataclasses.replace(around, angle=angle)
            moved = first - nearest + query.offsets(orientation) - offsets
            scores = _mean_at(maps, moved)[middle, middle]
            row, col = np.unravel_index(int(scores.argmax()), scores.shape)
            if scores[row, col] > best.score:
                best = _Place(
                    place.row + int(row) - em.step,
                    place.col + int(col) - em.step,
                    float(scores[row, col]),
                    orientation,
                )
    return best


def _surroundings(
    first: NDArray[np.intp], reach: int, query: _Query, em: _Cells, index: NDArray[np.integer]
) -> list[Array]:
    """Return each cell's map, pixel by pixel, up to `reach` round its own place.

    Parameters
    ----------
    first : ndarray of int, shape (K, 2)
        The cells' first pixels.
    """
    bins = em.histograms.shape[-1]
    low, high = first.min(axis=0) - reach, first.max(axis=0) + reach + em.cell
    inside = [slice(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True)]
    beyond = [
        (max(-a, 0), max(b - length, 0))
        for a, b, length in zip(low, high, index.shape, strict=True)
    ]
    part = np.pad(index[tuple(inside)], beyond, constant_values=bins)
    dense = _Cells.of(part, bins, em.cell, 1)
    side = 2 * reach + 1
    maps = []
    for number, (row, col) in enumerate((first - reach - low).tolist()):
        window = (slice(row, row + side), slice(col, col + side))
        around = dataclasses.replace(
            dense, histograms=dense.histograms[window], known=dense.known[window]
        )
        maps.append(query.map(number, around))
    return maps
