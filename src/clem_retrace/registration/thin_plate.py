"""Thin-plate splines between the two images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ThinPlate"]


class ThinPlate:
    """The smoothest bending that takes each landmark onto its partner."""

    def to_em(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return LM points, shape (..., 2), in EM pixels."""
        raise NotImplementedError

    def to_lm(self, em_points: ArrayLike) -> NDArray[np.float64]:
        """Return EM points, shape (..., 2), in LM pixels."""
        raise NotImplementedError
