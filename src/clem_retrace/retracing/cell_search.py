"""Histogram search with a layout: one histogram for each cell of the ROI (paper 3.2, extended).

The paper compares one histogram of the whole ROI. Here the ROI is cut into square cells, as
the authors of the Local Directional Pattern cut a face, and every cell's histogram is
compared with that of the EM's cell where it would lie. The cells stay upright and only
their places turn with the section, so that a cell's similarity to every place of the EM is
computed once and serves all angles and both mirrors: they differ in where it is read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clem_retrace import geometry
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, invert, magnification_of, map_points
from clem_retrace.micrograph import Roi
from clem_retrace.options import Similarity
from clem_retrace.retracing.candidates import Candidates, Match, suppress
from clem_retrace.retracing.cells import Cells, Maps, Query, roi_cells
from clem_retrace.retracing.descriptors import Reading
from clem_retrace.retracing.orientations import Orientation, OrientationGrid
from clem_retrace.retracing.patches import DISTINCT, DISTINCT_ANGLE
from clem_retrace.retracing.peaks import peaks

__all__ = ["cell_search", "cell_search_steps"]

#: Places are half a cell apart at first: histograms hardly change within that.
PLACES_PER_CELL = 2

#: Neighbouring orientations differ by this part of a cell, to either side, at the root mean
#: square radius of the ROI: by six tenths of one at its corners.
TOLERANCE = 0.35

#: Angles are refined to this part of their distance.
FINER_ANGLES = (0.5, 0.25)

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
    centres, references = roi_cells(lm_index, roi, bins, cell)
    em = Cells.of(em_index, bins, cell, max(1, cell // PLACES_PER_CELL))
    radius = math.sqrt((roi.height**2 + roi.width**2) / 12)
    grid = OrientationGrid(max(radius, cell), TOLERANCE * cell, 0.0)
    queries = [
        Query(centres, references[:, reading.order], reading, similarity) for reading in readings
    ]
    total = len(queries) * len(centres) + limit
    survey = yield from _survey_steps(queries, em, grid, Progress(stage, 0, total))
    apart = (DISTINCT * min(roi.height, roi.width) / em.step) ** 2
    rows, cols = np.ogrid[: survey.scores.shape[0], : survey.scores.shape[1]]
    matches: list[Match] = []
    for row, col in peaks(
        survey.scores, lambda row, col: (rows - row) ** 2 + (cols - col) ** 2 <= apart, limit
    ):
        yield Progress(stage, total - limit + len(matches), total)
        query, orientation = survey.tried[survey.which[row, col]]
        centre = map_points(em.to_grid, (row, col))
        place = _Place(centre[0], centre[1], float(survey.scores[row, col]), orientation)
        place = _refined(place, query, em, em_index, grid.angle_step)
        matches.append(place.match(roi, query.reading.contrast, grid_to_em))
    distance = DISTINCT * magnification_of(grid_to_em) * min(roi.height, roi.width)
    ranked = suppress(matches, distance=distance, angle=DISTINCT_ANGLE, limit=limit)
    yield Progress(stage, total, total)
    return Candidates(ranked, survey.scores, compose(grid_to_em, em.to_grid))


@dataclass(frozen=True, slots=True, eq=False)
class _Survey:
    """The best of all readings and orientations at each place.

    Attributes
    ----------
    scores : ndarray, shape (rows, cols), float32
        NaN where the EM is not known.
    which : ndarray of int, shape (rows, cols)
        What gives the score: an index of `tried`.
    tried : list of (Query, Orientation)
    """

    scores: Array
    which: NDArray[np.intp]
    tried: list[tuple[Query, Orientation]]


def _survey_steps(
    queries: Sequence[Query], em: Cells, grid: OrientationGrid, begun: Progress
) -> Steps[_Survey]:
    """Yield progress from `begun` on, a cell at a time; return what was found at each place."""
    orientations = [one for turn in grid.turns() for one, _, _ in turn.wanted]
    best = np.full(em.known.shape, -np.inf, np.float32)
    survey = _Survey(best, np.zeros(best.shape, np.intp), [])
    done = begun.done
    for query in queries:
        found = []
        for number in range(len(query.centres)):
            yield replace(begun, done=done)
            found.append(query.map(number, em))
            done += 1
        maps = Maps.of(found, query.reach / em.step)
        for orientation in orientations:
            if query.reading.covers(orientation.angle, orientation.mirrored):
                yield replace(begun, done=done)
                scores = maps.mean_at(query.offsets(orientation) / em.step)
                better = scores > best
                best[better], survey.which[better] = scores[better], len(survey.tried)
                survey.tried.append((query, orientation))
    best[~em.known] = np.nan
    return survey


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
    place: _Place, query: Query, em: Cells, index: NDArray[np.integer], angle_step: float
) -> _Place:
    """Return the best place within a step and half an angle's step, cells read to the pixel."""
    offsets = query.offsets(place.orientation)
    # how far a cell is moved by the step and by the finer angles
    turned = math.radians(sum(FINER_ANGLES) * angle_step)
    reach = em.step + math.ceil(turned * query.reach) + 1
    first = np.array([place.row, place.col]) + offsets - (em.cell - 1) / 2
    nearest = np.rint(first).astype(int)
    maps = Maps.of(_surroundings(nearest, reach, query, em, index), reach)
    middle = slice(reach - em.step, reach + em.step + 1)
    best = replace(place, score=-math.inf)
    for finer in FINER_ANGLES:
        around = best.orientation
        for turn in (-1, 0, 1):
            angle = around.angle + turn * finer * angle_step
            orientation = replace(around, angle=angle)
            moved = first - nearest + query.offsets(orientation) - offsets
            scores = maps.mean_at(moved)[middle, middle]
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
    first: NDArray[np.intp], reach: int, query: Query, em: Cells, index: NDArray[np.integer]
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
    dense = Cells.of(part, bins, em.cell, 1)
    side = 2 * reach + 1
    maps = []
    for number, (row, col) in enumerate((first - reach - low).tolist()):
        window = (slice(row, row + side), slice(col, col + side))
        around = replace(dense, histograms=dense.histograms[window], known=dense.known[window])
        maps.append(query.map(number, around))
    return maps
