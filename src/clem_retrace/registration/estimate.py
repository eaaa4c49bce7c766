"""`AffineEstimate`: what the registration found, and how far from the truth it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import Matrix
from clem_retrace.registration.uncertainty import expected_error

__all__ = ["AffineEstimate"]


@dataclass(frozen=True, slots=True, eq=False)
class AffineEstimate:
    """What the registration found; falsy when it failed.

    Attributes
    ----------
    matrix : ndarray, shape (3, 3), float64
        From EM pixels to LM pixels; the start when the registration failed.
    support : float
        Share of the overlap's pixels whose weight exceeds 0.2.
    gain : float
        Amplitude of the EM's structures over that of the LM's; negative when what is
        bright in one is dark in the other.
    correlation : float
        Of the two representations after the registration, over ROI and surroundings,
        contrast sign removed, -1 to 1.
    correlation_before : float
        The same for the start.
    converged : bool
    message : str
        Why it failed; empty when it did not.
    covariance : ndarray, shape (6, 6), or None
        How far it may be off: of the upper two rows, one after the other, of
        ``matrix @ inv(truth)``, which takes the LM pixel where a thing is to the one where it
        is put. None when the registration failed, and where it is not known.
    """

    matrix: Matrix
    support: float
    gain: float
    correlation: float
    correlation_before: float
    converged: bool
    message: str
    covariance: NDArray[np.float64] | None = None

    def __bool__(self) -> bool:
        """Whether the estimate can be used."""
        return self.converged

    def error_at(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return the expected rms error, LM pixels, if the match was right.

        Parameters
        ----------
        lm_points : ndarray, shape (..., 2), LM pixels

        Returns
        -------
        ndarray, shape (...)
            NaN where it is not known. It is that of the affine transform: what bends between
            the images comes on top. See `uncertainty` for what else it does not tell.
        """
        if self.covariance is None:
            return np.full(np.shape(lm_points)[:-1], np.nan)
        return expected_error(self.covariance, lm_points)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "matrix": self.matrix.tolist(),
            "support": self.support,
            "gain": self.gain,
            "correlation": self.correlation,
            "correlation_before": self.correlation_before,
            "converged": self.converged,
            "message": self.message,
            "covariance": None if self.covariance is None else self.covariance.tolist(),
        }
