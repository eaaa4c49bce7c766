"""A registration in words: the lines that the command line prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clem_retrace.geometry import decompose
from clem_retrace.micrograph import Roi

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["readout"]


def readout(registration: Registration, truth: Roi | None = None) -> list[str]:
    """Return what was found, one line a fact.

    Parameters
    ----------
    registration : Registration
    truth : Roi, optional
        Where the ROI is known to be, in EM pixels; the distance is the last line then.
    """
    lm_to_em = decompose(registration.lm_to_em)
    row, col = registration.centre
    lines = [
        f"{'FOUND' if registration.found else 'NOT FOUND':13} {registration.reason}",
        f"confidence    {registration.confidence:.3f}",
        f"centre        row {row:.1f}, column {col:.1f} EM px",
        f"angle         {lm_to_em.angle:.1f} degrees, counter-clockwise from LM to EM",
        f"mirrored      {'yes' if lm_to_em.mirrored else 'no'}",
        f"magnification {lm_to_em.magnification:.3f} EM px per LM px "
        f"(started from {registration.ratio:.3f})",
        f"registration  {_affine(registration)}",
    ]
    if truth is not None:
        lines.append(f"to the truth  {registration.distance_to(truth)}")
    return lines


def _affine(registration: Registration) -> str:
    """Return how the affine registration went."""
    estimate = registration.estimate
    if estimate is None:
        return "not asked for"
    if not estimate:
        return f"failed, the match is kept: {estimate.message}"
    return f"support {estimate.support:.2f}, correlation {estimate.correlation:.2f}"
