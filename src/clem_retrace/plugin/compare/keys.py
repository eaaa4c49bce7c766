"""The keys of the dock, with what they do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["KEYS"]

#: What the keys do, by their name.
KEYS: Mapping[str, str] = MappingProxyType(
    {
        "K": "Blink by hand: the lower image alone, or both again",
        "Q": "The next way of comparing",
        "Shift-Q": "The way of comparing before",
        ",": "Less: opacity, speed, size of squares, detail; the border to the left",
        ".": "More of the same; the border to the right",
        "W": "The warped image instead of the affine overlay, and back",
        "N": "The next candidate",
        "Shift-N": "The candidate before",
    }
)
