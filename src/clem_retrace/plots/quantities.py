"""Lengths and probabilities in words, with their units."""

from __future__ import annotations

import math

__all__ = ["both_lengths", "percent", "physical", "round_length", "whole_percent"]

#: Units of lengths, and how many nm each is.
UNITS = ((1_000_000, "mm"), (1_000, "\u00b5m"), (1, "nm"))


def physical(pixels: float, pixel_size: float | None, digits: int = 3) -> str:
    """Return a length in nm, µm or mm; empty when the pixel size is not known.

    What is less than an atom comes of rounding, and is 0.
    """
    if pixel_size is None:
        return ""
    # And 0 has no sign.
    nm = round(float(f"{pixels * pixel_size:.{digits}g}"), 2) + 0.0
    size, unit = next((one for one in UNITS if abs(nm) >= one[0]), UNITS[-1])
    return f"{nm / size:g} {unit}"


def both_lengths(pixels: float, pixel_size: float | None) -> str:
    """Return a length in pixels and, where that is known, in nm."""
    in_nm = physical(pixels, pixel_size)
    return f"{pixels:.2f} px = {in_nm}" if in_nm else f"{pixels:.2f} px"


def percent(share: float) -> str:
    """Return a probability in words: none is certain."""
    if share < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if share > 0.999 else f"{100 * share:.3g} %"


def whole_percent(share: float) -> str:
    """Return a probability in whole percent, rounded down.

    It is neither rounded to a threshold that it does not reach nor to a certainty.
    """
    # A hair more: 0.57 is a little less than that.
    return f"{int(100 * share + 1e-9)}%"


def round_length(longest: float) -> float:
    """Return the largest of 1, 2, 5 and their multiples by powers of ten that is not larger."""
    decade = 10.0 ** math.floor(math.log10(longest))
    step = max(step for step in (1, 2, 5) if decade * step <= longest * (1 + 1e-4))
    # By its digits: 3 tenths are not 0.30000000000000004.
    return float(f"{decade * step:g}")
