"""The ROI's histogram and the found patch's, as the histogram search would compare them.

They are counted anew from the images, for any candidate of either search. With the memory
of the run that found it, next to nothing is computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import Matrix, angle_between, compose, invert, map_points
from clem_retrace.inputs import in_memory
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import Micrograph
from clem_retrace.options import Descriptor, Similarity
from clem_retrace.retracing import LDP_BINS, Match, ldp_turns, log_turns
from clem_retrace.retracing.descriptors import Turn
from clem_retrace.retracing.patches import roi_histogram
from clem_retrace.retracing.similarities import similarity
from clem_retrace.stages import HISTOGRAM_LIMIT, binned_steps, finest_ratio, work_steps

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["HistogramComparison", "compare_histograms_steps"]

#: Pixels of the EM that are looked at between two events.
STRIP_PIXELS = 1 << 20

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class HistogramComparison:
    """Histograms, each summing to 1, and how similar they are.

    Attributes
    ----------
    descriptor : {"log", "ldp"}
    edges : ndarray, shape (bins + 1,)
        Of the bins: robust standard deviations for "log", numbers of codes for "ldp".
    roi : ndarray, shape (bins,)
        As it reads in the EM when the section lies as the match says.
    patch, whole : ndarray, shape (bins,)
        Of the found patch, and of the whole EM image.
    measure : str
        Name of the similarity.
    score, whole_score : float
        Similarity of the ROI with the patch and with the whole EM; greater is better.
    turn : Turn
        How the ROI's histogram was read.
    """

    descriptor: Descriptor
    edges: Array
    roi: Array
    patch: Array
    whole: Array
    measure: Similarity
    score: float
    whole_score: float
    turn: Turn

    @property
    def middles(self) -> Array:
        """The middles of the bins, shape (bins,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2


def compare_histograms_steps(
    lm: Micrograph,
    em: Micrograph,
    registration: Registration,
    match: Match | None = None,
    memory: Memory | None = None,
) -> Steps[HistogramComparison]:
    """Yield progress; return the histograms of a registration's ROI and of a patch.

    Parameters
    ----------
    lm, em : Micrograph
        Those that were registered.
    registration : Registration
    match : Match, optional
        Another candidate than the one taken.
    memory : Memory, optional
        Of the run.

    Raises
    ------
    BadImage
        The patch holds no values.
    """
    match = registration.match if match is None else match
    chosen, recall = registration.options.histogram, Recall(memory)
    lm_index, em_index, em_to_grid = yield from _binned_steps(lm, em, registration, recall)
    ldp = chosen.descriptor == "ldp"
    bins = LDP_BINS if ldp else chosen.bins
    turn = _ldp_turn(match) if ldp else _log_turn(match, bins)
    roi = roi_histogram(lm_index, match.roi, bins)[turn.order]
    region = match.roi.mask(lm_index.shape)
    inside = yield from _inside_steps(em_index, match, region, em_to_grid)
    patch = _shares(inside, bins)
    whole = _shares(em_index.ravel(), bins)
    scores = similarity(chosen.similarity, np.stack([patch, whole]), roi)
    edges = np.linspace(0.5, bins + 0.5, bins + 1)
    if not ldp:
        edges = np.linspace(-HISTOGRAM_LIMIT, HISTOGRAM_LIMIT, bins + 1)
    return HistogramComparison(
        descriptor=chosen.descriptor, edges=edges, roi=roi.astype(np.float64),
        patch=patch.astype(np.float64), whole=whole.astype(np.float64), measure=chosen.similarity,
        score=float(scores[0]), whole_score=float(scores[1]), turn=turn,
    )  # fmt: skip


def _binned_steps(
    lm: Micrograph, em: Micrograph, registration: Registration, recall: Recall
) -> Steps[tuple[NDArray[Any], NDArray[Any], Matrix]]:
    """Yield events; return the bins of both images' pixels, and the transform to the EM's grid.

    The arguments of the stages are those of a run, so that they can be recalled.
    """
    ratio, options = registration.ratio, registration.options
    source: tuple[Micrograph, Matrix] = em, np.eye(3)
    if options.histogram.matched:
        finest = finest_ratio(ratio, options)
        source = yield from work_steps(em, finest, "EM decimation", recall)
    sigmas = (registration.lm_scale.sigma, registration.em_scale.sigma)
    return (yield from binned_steps(in_memory(lm), *source, ratio, sigmas, options, recall))


def _log_turn(match: Match, bins: int) -> Turn:
    """Return how a histogram of LoG values reads: reversed where the contrast is."""
    return next(turn for turn in log_turns(bins) if turn.contrast == (match.contrast or 1))


def _ldp_turn(match: Match) -> Turn:
    """Return how a histogram of codes reads: by the nearest quarter turn, mirrored or not."""
    return min(
        (turn for turn in ldp_turns() if turn.mirrored == match.mirrored),
        key=lambda turn: angle_between(turn.angle, match.angle),
    )


def _inside_steps(
    index: NDArray[Any], match: Match, region: NDArray[np.bool_], em_to_grid: Matrix
) -> Steps[NDArray[Any]]:
    """Yield progress; return the bins of the grid's pixels whose centres lie in the patch.

    They lie in it when the pixels of the LM do on which they come to lie, shape (M, N).
    """
    corners = map_points(em_to_grid, match.corners)
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, index.shape)
    to_lm = compose(match.em_to_lm, invert(em_to_grid))
    cols = np.arange(low[1], high[1])
    strip = max(1, STRIP_PIXELS // max(1, len(cols)))
    found = [np.empty(0, index.dtype)]
    for first in range(low[0], high[0], strip):
        yield Progress("patch histogram", first - int(low[0]), int(high[0] - low[0]))
        rows = np.arange(first, min(first + strip, high[0]))[:, None]
        row, col = (
            np.floor(line[0] * rows + line[1] * cols + line[2] + 0.5).astype(int)
            for line in to_lm[:2]
        )
        within = (row >= 0) & (row < region.shape[0]) & (col >= 0) & (col < region.shape[1])
        within[within] = region[row[within], col[within]]
        found.append(index[rows[0, 0] : rows[-1, 0] + 1, low[1] : high[1]][within])
    return np.concatenate(found)


def _shares(index: NDArray[Any], bins: int) -> NDArray[np.float32]:
    """Return a histogram that sums to 1.

    Raises
    ------
    BadImage
        There is nothing to count.
    """
    counts = np.bincount(index, minlength=bins)[:bins]
    if counts.sum() == 0:
        raise BadImage("the patch holds no values of the EM image: there is nothing to count")
    return np.asarray(counts / counts.sum(), dtype=np.float32)
