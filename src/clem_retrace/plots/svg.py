"""Figures as SVG, for files and for pages: text stays text, and nothing is named by an id."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

from clem_retrace.plots.drawing import draw, height_of
from clem_retrace.plots.figures import Figure
from clem_retrace.plots.surface import DASHES, PAPER, Anchor, Box, Ink, Point, Stroke

__all__ = ["FONT", "WIDTH", "SvgSurface", "as_svg"]

#: Width of a figure and size of its letters, pixels.
WIDTH, SIZE = 360, 12

#: The attributes of an element in which a surface's texts stand.
FONT = f'font-family="Helvetica, Arial, sans-serif" font-size="{SIZE}"'

#: Widths of letters over their size. The reader's font is not known: these are of a wide one.
NARROW, USUAL, CAPITAL, BROAD = 0.42, 0.64, 0.77, 1.0
_NARROW, _BROAD = frozenset(" .,:;'|()[]fijlrt"), frozenset("mMwWGOQ@%\u2014")


def as_svg(figure: Figure, *, width: float = WIDTH) -> str:
    """Return a figure as an SVG element, which is a file as it stands.

    Parameters
    ----------
    figure : Figure
    width : float, pixels
    """
    surface = SvgSurface()
    height = math.ceil(height_of(figure, surface, width))
    draw(surface, figure, width, PAPER)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height}" '
        f'viewBox="0 0 {width:g} {height}" role="img" aria-label="{escape(figure.caption)}" {FONT}>'
    )
    title = f"<title>{escape(figure.name)}</title>"
    return "\n".join([head, title, *surface.elements, "</svg>"])


class SvgSurface:
    """A `Surface` that collects elements, for an element with the attributes `FONT`."""

    line = 1.35 * SIZE

    def __init__(self) -> None:
        self.elements: list[str] = []

    def width_of(self, text: str) -> float:
        """Return the width of a text, pixels, rather too large than too small."""
        return SIZE * sum(map(_share, text))

    def path(self, points: Sequence[Point], stroke: Stroke | None, fill: Ink | None = None) -> None:
        """Draw a line through points, or an area."""
        closed = len(points) > 2 and points[0] == points[-1]
        places = " ".join(f"{_short(x)},{_short(y)}" for x, y in points[: -1 if closed else None])
        name = "polygon" if closed else "polyline"
        self.elements.append(f'<{name} points="{places}"{_stroked(stroke)}{_filled(fill)}/>')

    def circle(self, centre: Point, radius: float, stroke: Stroke, fill: Ink | None) -> None:
        """Draw a circle."""
        x, y = map(_short, centre)
        self.elements.append(
            f'<circle cx="{x}" cy="{y}" r="{_short(radius)}"{_stroked(stroke)}{_filled(fill)}/>'
        )

    def text(
        self,
        place: Point,
        text: str,
        ink: Ink,
        anchor: Anchor = "start",
        *,
        bold: bool = False,
        upward: bool = False,
    ) -> None:
        """Write a text, the middle of its line at a place."""
        x, y = place
        # Not every reader knows how to centre a line: capitals are 0.7 of the size high.
        down = 0.35 * SIZE
        at = f'x="{_short(x)}" y="{_short(y + down)}"'
        if upward:
            at = f'transform="translate({_short(x)} {_short(y)}) rotate(-90)" y="{_short(down)}"'
        weight = ' font-weight="bold"' if bold else ""
        self.elements.append(
            f'<text {at} text-anchor="{anchor}"{weight}{_filled(ink)}>{escape(text)}</text>'
        )

    @contextmanager
    def clipped(self, box: Box) -> Iterator[None]:
        """Draw nothing outside a box for a while."""
        left, top, width, height = map(_short, (box.left, box.top, box.width, box.height))
        # An element within shows no more than its box.
        self.elements.append(
            f'<svg x="{left}" y="{top}" width="{width}" height="{height}" '
            f'viewBox="{left} {top} {width} {height}">'
        )
        yield
        self.elements.append("</svg>")


def _share(letter: str) -> float:
    """Return the width of a letter over its size."""
    if letter in _BROAD:
        return BROAD
    if letter in _NARROW:
        return NARROW
    return CAPITAL if letter.isupper() else USUAL


def _short(number: float) -> str:
    """Return a number of pixels to a hundredth."""
    return f"{round(number, 2):g}"


def _stroked(stroke: Stroke | None) -> str:
    """Return the attributes of a line."""
    if stroke is None:
        return ""
    words = f' stroke="{stroke.ink.colour}" stroke-width="{_short(stroke.width)}"'
    if stroke.ink.opacity < 1:
        words += f' stroke-opacity="{stroke.ink.opacity:g}"'
    if stroke.dash != "solid":
        lengths = " ".join(_short(stroke.width * one) for one in DASHES[stroke.dash])
        words += f' stroke-dasharray="{lengths}"'
    return words + ("" if stroke.mitred else ' stroke-linejoin="round"')


def _filled(fill: Ink | None) -> str:
    """Return the attributes of an area."""
    if fill is None:
        return ' fill="none"'
    opacity = f' fill-opacity="{fill.opacity:g}"' if fill.opacity < 1 else ""
    return f' fill="{fill.colour}"{opacity}'
