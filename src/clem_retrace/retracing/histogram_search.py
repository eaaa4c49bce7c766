"""The paper's search (3.2): the window of the EM whose histogram is most like the ROI's.

Every window on a grid is compared, in both orientations of the patch; from the best,
distinct ones the grid is then made finer down to one pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, decimation, invert, magnification_of
from clem_retrace.micrograph import Roi
from clem_retrace.options import Similarity
from clem_retrace.retracing.candidates import Candidates, suppress
from clem_retrace.retracing.descriptors import Turn
from clem_retrace.retracing.patches import (
    DISTINCT,
    DISTINCT_ANGLE,
    KNOWN_SHARE,
    Patch,
    Place,
    fitting_patches,
    roi_histogram,
)
from clem_retrace.retracing.peaks import peaks
from clem_retrace.retracing.windows import window_histograms, window_starts

__all__ = ["histogram_search", "histogram_search_steps"]

#: From one grid to the next, finer one in the refinement.
REFINEMENT = 4

Array = NDArray[np.float32]


def histogram_search(
    lm_index: NDArray[np.integer],
    em_index: NDArray[np.integer],
    roi: Roi,
    *,
    bins: int,
    turns: Sequence[Turn],
    ratio: float,
    em_to_grid: Matrix | None = None,
    similarity: Similarity = "cosine",
    overlap: float = 0.9,
    row_step: float | None = None,
    col_step: float | None = None,
    patch: tuple[float, float] | None = None,
    limit: int = 10,
) -> Candidates:
    """Return the places of the EM whose histograms are most like that of the ROI.

    Parameters
    ----------
    lm_index : ndarray of int, shape (M, N)
        The bin of each LM pixel; `bins` where there is no value.
    em_index : ndarray of int, shape (m, n)
        The bin of each EM pixel, or of each pixel of a grid that the EM was decimated to.
    roi : Roi, LM pixels
    bins : int
    turns : sequence of Turn
        The ways in which the ROI's histogram can read: `log_turns` or `ldp_turns`, or
        some of them.
    ratio : float, EM pixels per LM pixel
    em_to_grid : ndarray, shape (3, 3), optional
        From EM pixels to pixels of `em_index`; the same by default. It has no rotation.
    similarity : str
        See `clem_retrace.retracing.similarities`.
    overlap : float
        Shared part of neighbouring windows, along each axis.
    row_step, col_step : float, % of the EM's height and width, optional
        Distance of neighbouring windows, instead of the overlap.
    patch : (height, width), EM pixels, optional
        A shape drawn by hand. It is searched as it is drawn, and the LM is stretched to
        fit it; otherwise ROI times ratio, upright and turned by a quarter.
    limit : int
        How many candidates are returned at most.

    Returns
    -------
    Candidates
        With a confidence of 0: a score alone does not tell it.

    Raises
    ------
    PatchLargerThanEM
        No orientation of the patch fits into the EM.
    RoiError
        The ROI holds no values.
    BadImage
        The EM has too few values anywhere for a comparison.

    References
    ----------
    Paper, sections 3.2 and 4.
    """
    return run(
        histogram_search_steps(
            lm_index,
            em_index,
            roi,
            bins=bins,
            turns=turns,
            ratio=ratio,
            em_to_grid=em_to_grid,
            similarity=similarity,
            overlap=overlap,
            row_step=row_step,
            col_step=col_step,
            patch=patch,
            limit=limit,
            stage="histogram search",
        )
    )


def histogram_search_steps(
    lm_index: NDArray[np.integer],
    em_index: NDArray[np.integer],
    roi: Roi,
    *,
    bins: int,
    turns: Sequence[Turn],
    ratio: float,
    em_to_grid: Matrix | None,
    similarity: Similarity,
    overlap: float,
    row_step: float | None,
    col_step: float | None,
    patch: tuple[float, float] | None,
    limit: int,
    stage: str,
) -> Steps[Candidates]:
    """Yield progress of `histogram_search` under the name of `stage`; return its result."""
    grid_to_em = np.eye(3) if em_to_grid is None else invert(em_to_grid)
    patches = fitting_patches(
        roi,
        roi_histogram(lm_index, roi, bins),
        turns,
        ratio=ratio,
        drawn=patch,
        grid_to_em=grid_to_em,
        grid_shape=em_index.shape,
    )
    surveys = [
        _Survey.planned(one, em_index.shape, overlap, (row_step, col_step)) for one in patches
    ]
    windows = sum(survey.scores.size for survey in surveys)
    # a tenth of the bar is kept for the refinement, in equal parts
    part = max(1, windows // (10 * limit * len(surveys)))
    done, total = 0, windows + part * limit * len(surveys)
    for survey in surveys:
        for counted in _compare_all(survey, em_index, bins, similarity):
            done += counted
            yield Progress(stage, done, total)
    matches = []
    for survey in surveys:
        for place in survey.peaks(limit):
            yield Progress(stage, done, total)
            place = yield from _refined(
                place, survey, em_index, bins, similarity, Progress(stage, done, total)
            )
            matches.append(survey.patch.match(place, roi, grid_to_em))
            done += part
    if not matches:
        raise BadImage(
            f"nowhere in the EM do {KNOWN_SHARE:.0%} of a patch's pixels have values: there is "
            "nothing to compare the region with"
        )
    side = min(patches[0].height, patches[0].width)
    distance = DISTINCT * magnification_of(grid_to_em) * side
    ranked = suppress(matches, distance=distance, angle=DISTINCT_ANGLE, limit=limit)
    yield Progress(stage, total, total)
    return Candidates(ranked, *_similarity_map(surveys, em_index.shape, grid_to_em))


@dataclass(frozen=True, slots=True, eq=False)
class _Survey:
    """One patch's exhaustive search: where its windows lie, and what was found there."""

    patch: Patch
    steps: tuple[int, int]
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    scores: Array
    turns: NDArray[np.intp]

    @classmethod
    def planned(
        cls,
        patch: Patch,
        shape: tuple[int, int],
        overlap: float,
        percent: tuple[float | None, float | None],
    ) -> _Survey:
        """Return the survey before any window has been compared."""
        steps = []
        for window, length, step in zip((patch.height, patch.width), shape, percent, strict=True):
            pixels = window * (1 - overlap) if step is None else length * step / 100
            steps.append(min(max(1, round(pixels)), length))
        rows = window_starts(shape[0], patch.height, steps[0])
        cols = window_starts(shape[1], patch.width, steps[1])
        scores = np.full((len(rows), len(cols)), np.nan, np.float32)
        turns = np.zeros(scores.shape, np.intp)
        return cls(patch, (steps[0], steps[1]), rows, cols, scores, turns)

    def peaks(self, limit: int) -> list[Place]:
        """Return the best windows that are distinct in position, best first."""
        apart = (DISTINCT * min(self.patch.height, self.patch.width)) ** 2
        rows, cols = self.rows[:, None], self.cols

        def around(row: int, col: int) -> NDArray[np.bool_]:
            near: NDArray[np.bool_] = (rows - rows[row]) ** 2 + (cols - cols[col]) ** 2 < apart
            return near

        return [
            Place(
                int(self.rows[row]),
                int(self.cols[col]),
                float(self.scores[row, col]),
                int(self.turns[row, col]),
            )
            for row, col in peaks(self.scores, around, limit)
        ]


def _compare_all(
    survey: _Survey, index: NDArray[np.integer], bins: int, name: Similarity
) -> Iterator[int]:
    """Fill in a survey; yield how many windows were compared at a time."""
    patch = survey.patch
    size = (patch.height, patch.width)
    for row, columns, counts in window_histograms(index, bins, size, survey.rows, survey.cols):
        survey.scores[row, columns], survey.turns[row, columns] = patch.compare(counts, name)
        yield len(counts)


def _refined(
    place: Place,
    survey: _Survey,
    index: NDArray[np.integer],
    bins: int,
    name: Similarity,
    progress: Progress,
) -> Steps[Place]:
    """Return the best window round a place, on ever finer grids down to one pixel."""
    size = (survey.patch.height, survey.patch.width)
    steps = survey.steps
    while max(steps) > 1:
        finer = (max(1, round(steps[0] / REFINEMENT)), max(1, round(steps[1] / REFINEMENT)))
        rows, cols = (
            _around(centre, step, fine, length - window)
            for centre, step, fine, length, window in zip(
                (place.row, place.col), steps, finer, index.shape, size, strict=True
            )
        )
        for row, columns, counts in window_histograms(index, bins, size, rows, cols):
            yield progress
            scores, turns = survey.patch.compare(counts, name)
            best = int(np.where(np.isnan(scores), -np.inf, scores).argmax())
            if scores[best] > place.score:
                col = int(cols[columns][best])
                place = Place(int(rows[row]), col, float(scores[best]), int(turns[best]))
        steps = finer
    return place


def _around(centre: int, step: int, fine: int, last: int) -> NDArray[np.intp]:
    """Return positions up to `step` from `centre`, `fine` apart, from 0 to `last`."""
    reach = -(-step // fine)
    positions = centre + fine * np.arange(-reach, reach + 1)
    return np.unique(np.clip(positions, 0, last))


def _similarity_map(
    surveys: Sequence[_Survey], shape: tuple[int, int], grid_to_em: Matrix
) -> tuple[Array, Matrix]:
    """Return the best similarity of all surveys by position of the centre, and its transform.

    A pixel of the map is as large as the wider of the surveys' steps, so that none
    inside the searched area stays empty.
    """
    steps = np.max([survey.steps for survey in surveys], axis=0)
    result = np.full(tuple(-(-np.asarray(shape) // steps)), np.nan, np.float32)
    for survey in surveys:
        rows = (survey.rows + survey.patch.height / 2) // steps[0]
        cols = (survey.cols + survey.patch.width / 2) // steps[1]
        cells = np.ix_(rows.astype(np.intp), cols.astype(np.intp))
        np.fmax.at(result, cells, survey.scores)
    return result, compose(grid_to_em, invert(decimation(steps)))
