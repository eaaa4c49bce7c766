"""What is drawn over the pictures of microscopes: outlines, plates, crosses, scale bars.

Colours are Okabe and Ito's, which people tell apart who do not tell red from green. Lengths
are in the units of the surface that is drawn on.
"""

from __future__ import annotations

from collections.abc import Sequence

from clem_retrace.plots.quantities import physical, round_length
from clem_retrace.plots.surface import Anchor, Box, Dash, Ink, Point, Stroke, Surface

__all__ = [
    "BLACK",
    "BLUISH_GREEN",
    "ORANGE",
    "SKY_BLUE",
    "WHITE",
    "draw_cross",
    "draw_outline",
    "draw_plate",
    "draw_scale_bar",
]

ORANGE, SKY_BLUE, BLUISH_GREEN = "#e69f00", "#56b4e9", "#009e73"
BLACK, WHITE = "#000000", "#ffffff"

#: A scale bar is no longer than this share of its picture.
BAR_SHARE = 1 / 3

#: A dark border makes a line seen on any ground: how much wider it is, and how dark.
BORDER, DARK = 1.6, 0.55


def draw_outline(
    surface: Surface, places: Sequence[Point], colour: str, width: float, dash: Dash = "solid"
) -> None:
    """Draw a closed outline, seen on any ground."""
    closed = [*places, places[0]]
    surface.path(closed, Stroke(Ink(BLACK, DARK), width + BORDER))
    surface.path(closed, Stroke(Ink(colour), width, dash))


def draw_plate(
    surface: Surface,
    place: Point,
    colour: str,
    text: str,
    within: Box,
    anchor: Anchor = "middle",
    ink: str = BLACK,
    opacity: float = 1.0,
) -> None:
    """Draw a small plate with a text at a point, moved into a box where it would leave it."""
    width, height = surface.width_of(text) + surface.line / 2, surface.line
    x, y = place
    x -= {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
    left = min(max(x, within.left), within.right - width)
    top = min(max(y - height / 2, within.top), within.bottom - height)
    surface.path(Box(left, top, width, height).outline, None, Ink(colour, opacity))
    surface.text((left + width / 2, top + height / 2), text, Ink(ink), "middle")


def draw_cross(surface: Surface, place: Point, colour: str, reach: float) -> None:
    """Draw a cross at a point."""
    x, y = place
    for stroke in (Stroke(Ink(BLACK, DARK), 2 + BORDER), Stroke(Ink(colour), 2)):
        surface.path([(x - reach, y), (x + reach, y)], stroke)
        surface.path([(x, y - reach), (x, y + reach)], stroke)


def draw_scale_bar(surface: Surface, within: Box, nm: float | None) -> None:
    """Draw a bar of a round length at the lower left of a box, on a dark plate.

    Parameters
    ----------
    surface : Surface
    within : Box
        The picture.
    nm : float or None
        Of the specimen per unit of the surface; nothing is drawn where it is not known.
    """
    if nm is None:
        return
    length = round_length(nm * within.width * BAR_SHARE)
    bar, text = length / nm, physical(length, 1.0, digits=6)
    line = surface.line
    thick, margin = line / 4, line / 3
    width = max(bar, surface.width_of(text)) + 2 * margin
    height = line + thick + margin
    plate = Box(
        within.left + margin, within.bottom - margin - height, min(width, within.width), height
    )
    left = plate.left + (plate.width - bar) / 2
    surface.path(plate.outline, None, Ink(BLACK, DARK))
    bottom = plate.bottom - margin
    surface.path(Box(left, bottom - thick, bar, thick).outline, None, Ink(WHITE))
    middle = plate.left + plate.width / 2
    surface.text((middle, plate.top + line / 2), text, Ink(WHITE), "middle")
