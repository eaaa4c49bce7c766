"""The shapes an ROI can have in the EM, and what its histogram should read there (paper 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import PatchLargerThanEM, RoiError
from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity, translation
from clem_retrace.micrograph import Roi
from clem_retrace.options import Similarity
from clem_retrace.retracing.candidates import Match
from clem_retrace.retracing.descriptors import Turn
from clem_retrace.retracing.similarities import similarity as compare

__all__ = [
    "DISTINCT",
    "DISTINCT_ANGLE",
    "KNOWN_SHARE",
    "Patch",
    "Place",
    "fitting_patches",
    "roi_histogram",
]

#: Windows of which less than this share has values are not compared.
KNOWN_SHARE = 0.5

#: Candidates whose centres are closer than this part of the patch's shorter side are one,
#: unless their angles differ by more than this, degrees.
DISTINCT, DISTINCT_ANGLE = 0.5, 45.0

Array = NDArray[np.float32]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """A window that was compared.

    Attributes
    ----------
    row, col : int
        Its first row and column, in pixels of the grid that is searched.
    score : float
        Similarity, greater is better.
    turn : int
        Which of the patch's turns it is for.
    """

    row: int
    col: int
    score: float
    turn: int


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A shape of the window, and what to look for in it.

    Attributes
    ----------
    height, width : int
        Pixels of the grid that is searched.
    stretch : (float, float)
        EM pixels per LM pixel, along the ROI's rows and along its columns.
    turns : tuple of Turn
        The ways to lie that give the ROI this shape.
    references : ndarray, shape (turns, bins), float32
        The ROI's histogram, as it reads for each of them.
    """

    height: int
    width: int
    stretch: Pair
    turns: tuple[Turn, ...]
    references: Array

    def compare(
        self, counts: NDArray[np.int64], name: Similarity
    ) -> tuple[Array, NDArray[np.intp]]:
        """Return the best similarity of each window, and the turn that gives it.

        Parameters
        ----------
        counts : ndarray, shape (K, bins)
        name : str
            Of the similarity.

        Returns
        -------
        scores : ndarray, shape (K,), float32
            NaN for a window most of which has no values.
        turns : ndarray of int, shape (K,)
        """
        known = counts.sum(axis=-1)
        histograms = (counts / np.maximum(known, 1)[:, None]).astype(np.float32)
        scores = np.stack([compare(name, histograms, reference) for reference in self.references])
        best = scores.max(axis=0)
        best[known < KNOWN_SHARE * self.height * self.width] = np.nan
        return best, scores.argmax(axis=0)

    def match(self, place: Place, roi: Roi, grid_to_em: Matrix) -> Match:
        """Return the match that puts the centre of the ROI on the centre of a window."""
        turn = self.turns[place.turn]
        centre = (place.row + (self.height - 1) / 2, place.col + (self.width - 1) / 2)
        lm_to_em = compose(
            translation(map_points(grid_to_em, centre)),
            similarity(1.0, turn.angle, turn.mirrored, (0, 0), (0, 0)),
            np.diag([*self.stretch, 1.0]),
            translation(-np.asarray(roi.centre)),
        )
        return Match(
            roi=roi,
            em_to_lm=invert(lm_to_em),
            score=place.score,
            confidence=0.0,
            contrast=turn.contrast,
            search="histogram",
        )


def roi_histogram(lm_index: NDArray[np.integer], roi: Roi, bins: int) -> Array:
    """Return the ROI's histogram, shape (bins,), which sums to 1.

    Raises
    ------
    RoiError
        None of its pixels has a value.
    """
    counts = np.bincount(lm_index[roi.mask(lm_index.shape)], minlength=bins)[:bins]
    if counts.sum() == 0:
        raise RoiError("the region holds no values: choose one on the LM image")
    shares: Array = (counts / counts.sum()).astype(np.float32)
    return shares


def fitting_patches(
    roi: Roi,
    histogram: Array,
    turns: Sequence[Turn],
    *,
    ratio: float,
    drawn: Pair | None,
    grid_to_em: Matrix,
    grid_shape: tuple[int, int],
) -> list[Patch]:
    """Return the patches that fit into the EM: upright, turned by a quarter, or as drawn.

    Parameters
    ----------
    roi : Roi, LM pixels
    histogram : ndarray, shape (bins,)
        The ROI's.
    turns : sequence of Turn
    ratio : float, EM pixels per LM pixel
    drawn : (height, width), EM pixels, or None
        A shape drawn by hand, taken as it is; None for ROI times ratio.
    grid_to_em : ndarray, shape (3, 3)
    grid_shape : (rows, cols)
        Of the grid that is searched.

    Raises
    ------
    PatchLargerThanEM
        None fits.
    """
    pixel = np.diag(grid_to_em)[:2]
    patches: dict[tuple[int, int], Patch] = {}
    for size, stretch, angle in _shapes(roi, ratio, drawn):
        height, width = (max(1, round(side)) for side in np.asarray(size) / pixel)
        # decimating rounds the sides: a patch as large as the EM still fits
        height -= height == grid_shape[0] + 1
        width -= width == grid_shape[1] + 1
        chosen = tuple(turn for turn in turns if turn.angle % 180 == angle)
        if height > grid_shape[0] or width > grid_shape[1] or not chosen:
            continue
        if (height, width) in patches:  # a square: one window for all turns
            chosen = patches[height, width].turns + chosen
        references = np.stack([histogram[turn.order] for turn in chosen])
        patches[height, width] = Patch(height, width, stretch, chosen, references)
    if not patches:
        em = np.asarray(grid_shape) * pixel
        tall, wide = drawn or (roi.height * ratio, roi.width * ratio)
        raise PatchLargerThanEM(
            f"the region of {roi.height:g} x {roi.width:g} LM pixels makes a patch of {tall:.0f} "
            f"x {wide:.0f} EM pixels, which does not fit into the EM image of {em[0]:.0f} x "
            f"{em[1]:.0f} in any orientation: draw a smaller region or check the pixel sizes"
        )
    return list(patches.values())


def _shapes(roi: Roi, ratio: float, drawn: Pair | None) -> list[tuple[Pair, Pair, float]]:
    """Return (height, width) in EM pixels, stretch, and angle modulo 180 of each shape."""
    height, width = roi.height, roi.width
    if drawn is None:
        tall, wide = height * ratio, width * ratio
        return [((tall, wide), (ratio, ratio), 0.0), ((wide, tall), (ratio, ratio), 90.0)]
    upright = (drawn[0] / height, drawn[1] / width)
    turned = (drawn[1] / height, drawn[0] / width)
    # turned by a quarter if that stretches the ROI less out of shape
    if abs(np.log(turned[0] / turned[1])) < abs(np.log(upright[0] / upright[1])):
        return [(drawn, turned, 90.0)]
    return [(drawn, upright, 0.0)]
