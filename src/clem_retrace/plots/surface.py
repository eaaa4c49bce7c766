"""What figures are drawn on, and what with: a window, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from clem_retrace.plots.figures import Role

__all__ = [
    "DASHES",
    "PAPER",
    "Anchor",
    "Box",
    "Dash",
    "Ink",
    "Inks",
    "Letters",
    "Point",
    "Stroke",
    "Surface",
]

#: (x, y) in pixels, y downwards.
Point = tuple[float, float]

#: Which part of a text stands at its place.
Anchor = Literal["start", "middle", "end"]

Dash = Literal["solid", "dashed", "dotted", "dash-dot"]

#: Lengths of strokes and gaps, over the width of the line.
DASHES: dict[Dash, tuple[float, ...]] = {
    "solid": (),
    "dashed": (4, 2.5),
    "dotted": (1.2, 2),
    "dash-dot": (5, 2, 1.2, 2),
}


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour as "#rrggbb", and how much of it covers the ground, 0 to 1."""

    colour: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line: its ink, its width in pixels, its dashes, and whether its corners are pointed."""

    ink: Ink
    width: float = 1.0
    dash: Dash = "solid"
    mitred: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    @property
    def outline(self) -> tuple[Point, ...]:
        """Its corners, the first once more at the end."""
        return (
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
            (self.left, self.top),
        )

    def grown(self, margin: float) -> Box:
        """Return the box with a margin."""
        return Box(
            self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin
        )


class Letters(Protocol):
    """The sizes of a font."""

    @property
    def line(self) -> float:
        """Height of a line, pixels."""

    def width_of(self, text: str) -> float:
        """Return the width of a text, pixels."""


class Surface(Letters, Protocol):
    """Something to draw on, with a font."""

    def path(self, points: Sequence[Point], stroke: Stroke | None, fill: Ink | None = None) -> None:
        """Draw a line through points; with a fill, or when it ends where it began, an area."""

    def circle(self, centre: Point, radius: float, stroke: Stroke, fill: Ink | None) -> None:
        """Draw a circle."""

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
        """Write a text, the middle of its line at a place; `upward` it is turned by a quarter."""

    def clipped(self, box: Box) -> AbstractContextManager[None]:
        """Draw nothing outside a box for a while."""


@dataclass(frozen=True, slots=True)
class Inks:
    """Colours of Okabe and Ito, in a shade for the ground.

    Attributes
    ----------
    text : str
        Of letters, axes and guides, as "#rrggbb".
    lm, em : str
    ground : str
        Painted first; empty leaves what is there.
    """

    text: str
    lm: str
    em: str
    ground: str = ""

    @classmethod
    def on(cls, ground: str, text: str) -> Inks:
        """Return inks that are seen on a ground, which is not painted."""
        dark = _lightness(ground) < _lightness(text)
        lm, em = ("#e69f00", "#56b4e9") if dark else ("#b84a00", "#0072b2")
        return cls(text, lm, em)

    def of(self, role: Role) -> Ink:
        """Return the ink of what a series stands for."""
        if role == "reference":
            return self.faint(0.65)
        return Ink(self.lm if role == "lm" else self.em)

    def faint(self, strength: float) -> Ink:
        """Return the ink of the text, less of it."""
        return Ink(self.text, strength)


#: For files and the clipboard.
PAPER = Inks("#202020", "#b84a00", "#0072b2", "#ffffff")


def _lightness(colour: str) -> int:
    """Return how light a colour is, 0 to 510."""
    parts = bytes.fromhex(colour.removeprefix("#"))
    return max(parts) + min(parts)
