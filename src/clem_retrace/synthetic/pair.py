"""`Pair`: an LM and an EM image, a region to look for, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, map_points
from clem_retrace.micrograph import Micrograph, Roi

__all__ = ["Pair", "true_patch"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two images of one specimen, and where the region of one lies in the other.

    Attributes
    ----------
    lm, em : Micrograph
    roi : Roi
        The region to look for, in LM pixels.
    lm_to_em : ndarray, shape (3, 3), float64, or None
        The true transform; None when the region is not in the EM image.
    ground_truth : Roi or None
        The bounding rectangle of the region's true patch, in EM pixels; None likewise.
    name : str
    landmarks : ndarray, shape (K, 2), float64
        Centres of structures that both images show, in LM pixels: points to measure a
        registration at. Empty where they are not known.
    """

    lm: Micrograph
    em: Micrograph
    roi: Roi
    lm_to_em: Matrix | None
    ground_truth: Roi | None
    name: str
    landmarks: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @property
    def present(self) -> bool:
        """Whether the region is in the EM image at all."""
        return self.lm_to_em is not None


def true_patch(roi: Roi, lm_to_em: Matrix) -> Roi:
    """Return the bounding rectangle, in EM pixels, of a region of LM pixels."""
    return Roi.from_corners(map_points(lm_to_em, roi.corners))
