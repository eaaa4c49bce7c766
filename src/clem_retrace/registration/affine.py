"""Robust multiresolution affine registration (being written)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clem_retrace.geometry import Matrix

__all__ = ["AffineEstimate"]


@dataclass(frozen=True, slots=True, eq=False)
class AffineEstimate:
    """What the registration found; falsy when it failed.

    Attributes
    ----------
    matrix : ndarray, shape (3, 3), float64
        From the moving image's pixels to the reference's.
    support : float
        Share of the overlap's pixels whose weight exceeds 0.2.
    gain : float
        Amplitude of the reference's structures over the moving image's; negative when
        what is bright in one is dark in the other.
    correlation : float
        Of the two images after the registration, 0 to 1, contrast sign removed.
    correlation_before : float
        The same for the start.
    converged : bool
    message : str
        Why it failed; empty when it did not.
    """

    matrix: Matrix
    support: float
    gain: float
    correlation: float
    correlation_before: float
    converged: bool
    message: str

    def __bool__(self) -> bool:
        """Whether the estimate can be used."""
        return self.converged

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
        }
