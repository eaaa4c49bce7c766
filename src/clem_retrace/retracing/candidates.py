"""What a search returns: ranked, distinct places, each with its transform."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import (
    Matrix,
    angle_between,
    compose,
    decompose,
    invert,
    map_points,
    similarity,
)
from clem_retrace.micrograph import Roi

__all__ = ["Candidates", "Match", "Search", "suppress"]

#: Where a match comes from; "hand" is a person.
Search = Literal["oriented", "histogram", "hand"]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One place in the EM where the ROI may lie.

    The transform is the only thing stored about the place; position, angle, mirror and
    magnification are read off it.

    Attributes
    ----------
    roi : Roi
        The region searched for, in LM pixels.
    em_to_lm : ndarray, shape (3, 3), float64
        From EM pixels to LM pixels, (row, col, 1).
    score : float
        Similarity, greater is better; comparable within one search only.
    confidence : float
        Probability, 0 to 1, that this is the right place.
    contrast : int
        1 when bright structures are bright in both images, -1 when they are dark in the
        EM, 0 when the search does not tell.
    search : {"oriented", "histogram", "hand"}
        Where it comes from; a place given by hand has the confidence 0, for none is known.
        Histogram search tells a quarter turn at most: not which way round, nor whether the
        EM is mirrored.
    """

    roi: Roi
    em_to_lm: Matrix
    score: float
    confidence: float
    contrast: int
    search: Search

    @property
    def lm_to_em(self) -> Matrix:
        """The transform in the other direction."""
        return invert(self.em_to_lm)

    @property
    def centre(self) -> tuple[float, float]:
        """(row, col) of the ROI's centre, in EM pixels."""
        row, col = map_points(self.lm_to_em, self.roi.centre)
        return float(row), float(col)

    @property
    def corners(self) -> NDArray[np.float64]:
        """The ROI's outer corners in EM pixels, shape (4, 2): the patch as it lies in the EM."""
        return map_points(self.lm_to_em, self.roi.corners)

    @property
    def outline(self) -> NDArray[np.float64]:
        """The ROI's outline in EM pixels, shape (K, 2): its corners where it has none."""
        return map_points(self.lm_to_em, self.roi.vertices)

    @property
    def patch(self) -> Roi:
        """The bounding rectangle of `corners`, in EM pixels."""
        return Roi.from_corners(self.corners)

    @property
    def angle(self) -> float:
        """Degrees by which the LM is turned to lie on the EM, counter-clockwise on the screen."""
        return decompose(self.lm_to_em).angle

    @property
    def mirrored(self) -> bool:
        """Whether the LM is mirrored to lie on the EM."""
        return decompose(self.lm_to_em).mirrored

    @property
    def magnification(self) -> float:
        """EM pixels per LM pixel at this place."""
        return decompose(self.lm_to_em).magnification

    def agrees_with(self, other: Match) -> bool:
        """Whether two matches lie at one place: centres within a quarter of the shorter side."""
        side = self.magnification * min(self.roi.height, self.roi.width)
        return math.dist(self.centre, other.centre) < side / 4

    def ways_round(self) -> list[Matrix]:
        """Return the transforms that the match cannot tell from its own, which comes first.

        A match of the histogram search may also be half a turn further, or mirrored.
        """
        if self.search != "histogram":
            return [self.em_to_lm]
        centre = self.roi.centre
        return [
            compose(similarity(1.0, angle, mirrored, centre, centre), self.em_to_lm)
            for mirrored in (False, True)
            for angle in (0.0, 180.0)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what is stored, and what is read off it."""
        return {
            "roi": [self.roi.row, self.roi.col, self.roi.height, self.roi.width],
            "outline": [list(vertex) for vertex in self.roi.outline],
            "em_to_lm": self.em_to_lm.tolist(),
            "score": self.score,
            "confidence": self.confidence,
            "contrast": self.contrast,
            "search": self.search,
            "centre": list(self.centre),
            "angle": self.angle,
            "mirrored": self.mirrored,
            "magnification": self.magnification,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Ranked matches and the map they were found on.

    Attributes
    ----------
    matches : tuple of Match
        Best first.
    similarity : ndarray, shape (m, n), float32
        For each position of the patch's centre, the best similarity there over all
        orientations; NaN where it was not searched.
    similarity_to_em : ndarray, shape (3, 3)
        From pixels of `similarity` to EM pixels.
    """

    matches: tuple[Match, ...]
    similarity: NDArray[np.float32]
    similarity_to_em: Matrix

    @property
    def best(self) -> Match:
        """The first match."""
        return self.matches[0]


def suppress(
    matches: Iterable[Match], *, distance: float, angle: float, limit: int
) -> tuple[Match, ...]:
    """Return the best matches that are distinct in position or in angle.

    Parameters
    ----------
    matches : iterable of Match
        In any order.
    distance : float, EM pixels
        Matches with centres closer than this, and angles closer than `angle`, and the
        same mirror, are one: the better is kept.
    angle : float, degrees
    limit : int
        How many to return at most.
    """
    kept: list[Match] = []
    features: list[tuple[tuple[float, float], float, bool]] = []
    for match in sorted(matches, key=lambda match: -match.score):
        centre, turned, mirrored = match.centre, match.angle, match.mirrored
        if any(_same(centre, turned, mirrored, other, distance, angle) for other in features):
            continue
        kept.append(match)
        features.append((centre, turned, mirrored))
        if len(kept) == limit:
            break
    return tuple(kept)


def _same(
    centre: Sequence[float],
    turned: float,
    mirrored: bool,
    other: tuple[tuple[float, float], float, bool],
    distance: float,
    angle: float,
) -> bool:
    """Whether two places are the same one."""
    apart = angle_between(turned, other[1])
    return mirrored == other[2] and apart < angle and math.dist(centre, other[0]) < distance
