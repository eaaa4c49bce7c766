"""Pictures of pixels to draw on, with smooth edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from clem_retrace.plots.surface import DASHES, Anchor, Box, Ink, Point, Stroke

__all__ = ["PillowSurface"]

MICRO = "\u00b5"

#: Pillow draws without smoothing: shapes are drawn so many times larger, and large ones less.
FINE, COARSE = 4, 2

#: Pixels of a shape's box from which on it is a large one.
LARGE = 1 << 21

_Drawn = Callable[[ImageDraw.ImageDraw, Callable[[Point], Point], float], None]


class PillowSurface:
    """A `Surface` on an RGB picture.

    Parameters
    ----------
    picture : PIL.Image.Image, RGB
        Drawn into.
    unit : float
        Pixels of the picture per unit of length.
    size : float
        Of the letters, units.
    """

    def __init__(self, picture: Image.Image, unit: float = 1.0, size: float = 12.0) -> None:
        self._picture = picture
        self._unit, self._size = unit, size
        self._clip = (0, 0, picture.width, picture.height)

    @property
    def line(self) -> float:
        """Height of a line, units."""
        return 1.35 * self._size

    def width_of(self, text: str) -> float:
        """Return the width of a text, units."""
        return float(self._font().getlength(_spelled(text))) / self._unit

    def path(self, points: Sequence[Point], stroke: Stroke | None, fill: Ink | None = None) -> None:
        """Draw a line through points, or an area."""
        closed = len(points) > 2 and points[0] == points[-1]
        if fill is not None:
            self._paint(
                points, 0, fill, lambda draw, at, _: draw.polygon([*map(at, points)], fill=255)
            )
        if stroke is None:
            return
        lines = [[*points, points[1]] if closed else points]
        if stroke.dash != "solid":
            lines = [
                [*one] for one in _dashed(points, [n * stroke.width for n in DASHES[stroke.dash]])
            ]

        def drawn(draw: ImageDraw.ImageDraw, at: Callable[[Point], Point], zoom: float) -> None:
            width = max(1, round(stroke.width * zoom))
            for one in lines:
                draw.line([*map(at, one)], fill=255, width=width, joint="curve")

        self._paint(points, stroke.width, stroke.ink, drawn)

    def circle(self, centre: Point, radius: float, stroke: Stroke, fill: Ink | None) -> None:
        """Draw a circle."""
        (x, y), outer = centre, radius + stroke.width / 2
        box = [(x - outer, y - outer), (x + outer, y + outer)]

        def disc(draw: ImageDraw.ImageDraw, at: Callable[[Point], Point], _: float) -> None:
            draw.ellipse([*map(at, box)], fill=255)

        def ring(draw: ImageDraw.ImageDraw, at: Callable[[Point], Point], zoom: float) -> None:
            draw.ellipse([*map(at, box)], outline=255, width=max(1, round(stroke.width * zoom)))

        if fill is not None:
            self._paint(box, 0, fill, disc)
        self._paint(box, 0, stroke.ink, ring)

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
        mask = self._letters(text, bold)
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * mask.width
        x, y = place[0] * self._unit, place[1] * self._unit
        left, top = x - before, y - mask.height / 2
        if upward:
            mask = mask.transpose(Image.Transpose.ROTATE_90)
            left, top = x - mask.width / 2, y - mask.height + before
        corner = (round(left), round(top))
        clip = self._clip
        part = tuple(end - corner[number % 2] for number, end in enumerate(clip))
        inside = (
            max(part[0], 0),
            max(part[1], 0),
            min(part[2], mask.width),
            min(part[3], mask.height),
        )
        if inside[2] > inside[0] and inside[3] > inside[1]:
            at = (corner[0] + inside[0], corner[1] + inside[1])
            self._cover(mask.crop(inside), at, ink)

    @contextmanager
    def clipped(self, box: Box) -> Iterator[None]:
        """Draw nothing outside a box for a while."""
        before = self._clip
        left, top, right, bottom = before
        self._clip = (
            max(round(box.left * self._unit), left),
            max(round(box.top * self._unit), top),
            min(round(box.right * self._unit), right),
            min(round(box.bottom * self._unit), bottom),
        )
        yield
        self._clip = before

    def _paint(self, points: Sequence[Point], margin: float, ink: Ink, drawn: _Drawn) -> None:
        """Cover what is drawn within the box of some points with an ink."""
        reach, unit = margin * self._unit + 1, self._unit
        left = max(math.floor(min(x for x, _ in points) * unit - reach), self._clip[0])
        top = max(math.floor(min(y for _, y in points) * unit - reach), self._clip[1])
        right = min(math.ceil(max(x for x, _ in points) * unit + reach), self._clip[2])
        bottom = min(math.ceil(max(y for _, y in points) * unit + reach), self._clip[3])
        if right <= left or bottom <= top:
            return
        times = FINE if (right - left) * (bottom - top) < LARGE else COARSE
        mask = Image.new("L", ((right - left) * times, (bottom - top) * times))

        def at(point: Point) -> Point:
            # Pillow counts from the middle of a pixel.
            x, y = point[0] * unit - left, point[1] * unit - top
            return x * times - 0.5, y * times - 0.5

        drawn(ImageDraw.Draw(mask), at, unit * times)
        self._cover(mask.reduce(times), (left, top), ink)

    def _cover(self, mask: Image.Image, corner: tuple[int, int], ink: Ink) -> None:
        opacity = ink.opacity
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        self._picture.paste(ink.colour, corner, mask)

    def _letters(self, text: str, bold: bool) -> Image.Image:
        """Return a text as a mask: a line of the font's full height."""
        font = self._font()
        thicker = round(self._size * self._unit / 32) if bold else 0
        width = math.ceil(font.getlength(_spelled(text))) + 2 * thicker + 1
        mask = Image.new("L", (width, sum(font.getmetrics())))
        draw = ImageDraw.Draw(mask)
        draw.text((thicker, 0), _spelled(text), fill=255, font=font, stroke_width=thicker)
        for number, letter in enumerate(text):
            if letter == MICRO:
                before = _spelled(text[:number])
                _draw_tail(draw, float(font.getlength(before)) + thicker, font, thicker)
        return mask

    def _font(self) -> Any:
        return ImageFont.load_default(self._size * self._unit)


def _spelled(text: str) -> str:
    """Return a text with letters that Pillow's own font has."""
    return text.replace(MICRO, "u")


def _draw_tail(draw: ImageDraw.ImageDraw, x: float, font: Any, thicker: int) -> None:
    """Make a micro sign of a u that was written at a place.

    Pillow's own font has no Greek letters.
    """
    ascent, descent = font.getmetrics()
    letter = Image.new("L", (math.ceil(font.getlength("u")) + 1, ascent + descent))
    ImageDraw.Draw(letter).text((0, 0), "u", fill=255, font=font)
    left, top, _, bottom = letter.getbbox() or (0, 0, 0, 0)
    row = letter.crop((0, (top + bottom) // 2, letter.width // 2, (top + bottom) // 2 + 1))
    # As thick as the stem, which is smoothed.
    stem = max(1, round(sum(row.tobytes()) / 255))
    end = ascent + 0.8 * descent
    draw.rectangle(
        (x + left - thicker, bottom - stem, x + left + stem - 1 + thicker, end), fill=255
    )


def _dashed(points: Sequence[Point], lengths: Sequence[float]) -> Iterator[list[Point]]:
    """Yield the strokes of a dashed line through points."""
    number, left = 0, lengths[0]
    stroke = [points[0]]
    for (x, y), (next_x, next_y) in pairwise(points):
        distance, done = math.hypot(next_x - x, next_y - y), 0.0
        while distance - done > left:
            done += left
            share = done / distance
            stroke.append((x + share * (next_x - x), y + share * (next_y - y)))
            if number % 2 == 0:
                yield stroke
            stroke = stroke[-1:]
            number = (number + 1) % len(lengths)
            left = lengths[number]
        left -= distance - done
        stroke.append((next_x, next_y))
    if number % 2 == 0 and len(stroke) > 1:
        yield stroke
