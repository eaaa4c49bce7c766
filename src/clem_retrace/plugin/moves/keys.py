"""The keys that move the EM, with what they do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FAR", "MOVES", "NUDGES"]

#: Steps at a time while Shift is held.
FAR = 10

#: What the arrow keys do, by their name: the row of the form, and how many of its steps.
NUDGES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "Up": ("down", -1),
        "Down": ("down", 1),
        "Left": ("right", -1),
        "Right": ("right", 1),
        "Shift-Up": ("down", -FAR),
        "Shift-Down": ("down", FAR),
        "Shift-Left": ("right", -FAR),
        "Shift-Right": ("right", FAR),
        "Alt-Left": ("turn", 1),
        "Alt-Right": ("turn", -1),
        "Alt-Up": ("size", 1),
        "Alt-Down": ("size", -1),
    }
)

#: The same for people; the keys are in Markdown.
MOVES: Mapping[str, str] = MappingProxyType(
    {
        "Arrow keys": "Shift the EM by a step",
        "`Shift` and arrow keys": f"Shift it by {FAR} steps",
        "`Alt-Left`, `Alt-Right`": "Turn it by a step, counter-clockwise or clockwise",
        "`Alt-Up`, `Alt-Down`": "Magnify it by a step, or make it smaller",
    }
)
