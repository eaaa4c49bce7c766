"""A registration in words: the lines that the command line prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clem_retrace.advice import advice
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
    verdict = "FOUND" if registration.found else "NOT FOUND"
    confidence = f"{registration.confidence:.3f}"
    if registration.match.search == "hand":
        verdict, confidence = "BY HAND", "none is known: placed by hand"
    lines = [
        f"{verdict:13} {registration.reason}",
        f"confidence    {confidence}",
        f"centre        row {row:.1f}, column {col:.1f} EM px",
        f"angle         {lm_to_em.angle:.1f} degrees, counter-clockwise from LM to EM",
        f"mirrored      {'yes' if lm_to_em.mirrored else 'no'}",
        f"magnification {lm_to_em.magnification:.3f} EM px per LM px "
        f"(started from {registration.ratio:.3f})",
        f"registration  {_affine(registration)}",
    ]
    if registration.error is not None:
        lines.append(f"error         {_error(registration.error, registration.lm.pixel_size)}")
    lines += [f"to try        {tip}" for tip in advice(registration)]
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


def _error(error: float, pixel_size: float | None) -> str:
    """Return the expected error in LM pixels, and in nm where their size is known."""
    nm = "" if pixel_size is None else f" = {_short(error * pixel_size)} nm"
    return f"{_short(error)} LM px{nm}, rms over the region, expected if the match is right"


def _short(number: float) -> str:
    """Return a number to two digits, or to whole units where that is more."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
