"""Figures on a surface: axes, labels, legends and guides; `marks` draws the series.

Lengths are pixels of the surface.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plots.figures import Axis, Figure, Guide, Panel, Series
from clem_retrace.plots.marks import SAMPLE, draw_sample, draw_series
from clem_retrace.plots.surface import Box, Ink, Inks, Letters, Stroke, Surface

__all__ = ["Hit", "draw", "height_of"]

#: Heights of the inner area of a panel, and gaps.
INNER, GAP = 104, 6

#: Length of a tick.
TICK = 4

#: How much of the axis a tick and its label need; ranks need less.
ROOM_ACROSS, ROOM_DOWN, ROOM_RANK = 52, 26, 20


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a value was drawn, and what it is.

    Attributes
    ----------
    x, y : float, pixels
    tip : str
    key : int or None
        What the point stands for.
    """

    x: float
    y: float
    tip: str
    key: int | None


def height_of(figure: Figure, letters: Letters, width: float) -> float:
    """Return the height that a figure needs at a width."""
    return sum(_Frame.around(panel, letters, width, 0.0).bottom + GAP for panel in figure.panels)


def draw(surface: Surface, figure: Figure, width: float, inks: Inks) -> tuple[Hit, ...]:
    """Draw a figure, as wide as is said and as high as it must be; return where its values are."""
    if inks.ground:
        ground = Box(0, 0, width, height_of(figure, surface, width))
        surface.path(ground.outline, None, Ink(inks.ground))
    hits: list[Hit] = []
    top = 0.0
    for panel in figure.panels:
        frame = _Frame.around(panel, surface, width, top)
        _draw_frame(surface, panel, frame, inks)
        for guide in panel.guides:
            _draw_guide(surface, guide, panel, frame, inks)
        for series in panel.series:
            xs, ys = frame.x(panel.x.share(series.x)), frame.y(panel.y.share(series.y))
            draw_series(surface, series, xs, ys, frame.inner, inks)
        # What lies on top comes first.
        for series in reversed(panel.series):
            hits += _hits(series, panel, frame)
        top = frame.bottom + GAP
    return tuple(hits)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the parts of a panel lie.

    Attributes
    ----------
    inner : Box
        The area of the curves.
    top, bottom : float
        Of the panel with its labels.
    legend : tuple of (float, float, Series)
        Left end of each entry, and the middle of its line.
    line : float
        Height of a line of text.
    """

    inner: Box
    top: float
    bottom: float
    legend: tuple[tuple[float, float, Series], ...]
    line: float

    @classmethod
    def around(cls, panel: Panel, letters: Letters, width: float, top: float) -> _Frame:
        """Return the parts of a panel that begins at a height."""
        line = letters.line
        labels = [letters.width_of(text) for _, text in _labelled(panel.y, INNER)]
        left = line + max(labels, default=0.0) + TICK + 8
        right = width - 10
        entries, rows = _flow(panel.series, letters, left, right)
        head = top + line + 2
        legend = tuple((x, head + (row + 0.5) * line, one) for x, row, one in entries)
        upper = head + rows * line + 4 + (line + TICK + 2 if panel.top else 0)
        inner = Box(left, upper, max(10.0, right - left), INNER)
        return cls(inner, top, inner.bottom + TICK + 2 * line + 4, legend, line)

    def x(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixels of shares of the horizontal axis."""
        return np.asarray(self.inner.left + shares * self.inner.width)

    def y(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixels of shares of the vertical axis."""
        return np.asarray(self.inner.bottom - shares * self.inner.height)


def _flow(
    series: Sequence[Series], letters: Letters, left: float, right: float
) -> tuple[list[tuple[float, int, Series]], int]:
    """Return (x, row) of each entry of a legend, and how many rows there are."""
    entries: list[tuple[float, int, Series]] = []
    x, row = left, 0
    # What was drawn last lies on top, and is named first.
    for one in (one for one in reversed(series) if one.name):
        needed = SAMPLE + 4 + letters.width_of(one.name) + 10
        if entries and x + needed - 10 > right:
            x, row = left, row + 1
        entries.append((x, row, one))
        x += needed
    return entries, row + 1 if entries else 0


def _labelled(axis: Axis, pixels: float, room: float = ROOM_DOWN) -> Iterator[tuple[float, str]]:
    """Yield the ticks of an axis of some length, as (value, text)."""
    room = ROOM_RANK if axis.whole and axis.high < 100 else room
    for value in axis.ticks(max(2, int(pixels / room))):
        yield value, f"{value:.10g}" if abs(value) < 1e4 else f"{value / 1000:.10g}k"


def _draw_frame(surface: Surface, panel: Panel, frame: _Frame, inks: Inks) -> None:
    text = Ink(inks.text)
    surface.text((2, frame.top + frame.line / 2), panel.title, text, bold=True)
    for x, middle, series in frame.legend:
        draw_sample(surface, (x, middle), series, inks)
    _draw_lower(surface, panel.x, frame, text)
    if panel.top is not None:
        _draw_upper(surface, panel.top, frame, text)
    _draw_y(surface, panel.y, frame, inks)
    surface.path(frame.inner.outline, Stroke(inks.faint(0.6), mitred=True))


def _draw_lower(surface: Surface, axis: Axis, frame: _Frame, ink: Ink) -> None:
    inner, line = frame.inner, frame.line
    for value, text in _labelled(axis, inner.width, ROOM_ACROSS):
        x = float(frame.x(axis.share(value)))
        surface.path([(x, inner.bottom), (x, inner.bottom + TICK)], Stroke(ink))
        # Not over the edge.
        if x + surface.width_of(text) / 2 <= inner.right + 9:
            surface.text((x, inner.bottom + TICK + line / 2), text, ink, "middle")
    middle = (inner.left + inner.right) / 2
    surface.text((middle, inner.bottom + TICK + 1.5 * line), axis.label, ink, "middle")


def _draw_upper(surface: Surface, axis: Axis, frame: _Frame, ink: Ink) -> None:
    """Draw the axis along the upper edge, with its unit at the right end."""
    inner = frame.inner
    middle = inner.top - TICK - frame.line / 2
    end = inner.right + 9 - surface.width_of(axis.label) - 8
    for value, text in _labelled(axis, inner.width, ROOM_ACROSS):
        x = float(frame.x(axis.share(value)))
        surface.path([(x, inner.top), (x, inner.top - TICK)], Stroke(ink))
        if x + surface.width_of(text) / 2 <= end:
            surface.text((x, middle), text, ink, "middle")
    surface.text((inner.right + 8, middle), axis.label, ink, "end")


def _draw_y(surface: Surface, axis: Axis, frame: _Frame, inks: Inks) -> None:
    inner, ink = frame.inner, Ink(inks.text)
    for value, text in _labelled(axis, inner.height):
        y = float(frame.y(axis.share(value)))
        surface.path([(inner.left, y), (inner.right, y)], Stroke(inks.faint(0.15)))
        surface.path([(inner.left - TICK, y), (inner.left, y)], Stroke(ink))
        surface.text((inner.left - TICK - 2, y), text, ink, "end")
    middle = (inner.top + inner.bottom) / 2
    surface.text((frame.line / 2, middle), axis.label, ink, "middle", upward=True)


def _draw_guide(surface: Surface, guide: Guide, panel: Panel, frame: _Frame, inks: Inks) -> None:
    inner, ink = frame.inner, Ink(inks.text)
    stroke = Stroke(ink, 1.2, "dash-dot")
    if guide.along == "x":
        x, foot = float(frame.x(panel.x.share(guide.value))), inner.bottom
        surface.path([(x, inner.top), (x, foot)], stroke)
        # An arrowhead, so that the line is seen to point at the axis.
        surface.path([(x, foot), (x - 4, foot - 7), (x + 4, foot - 7), (x, foot)], None, ink)
        return
    y = float(frame.y(panel.y.share(guide.value)))
    surface.path([(inner.left, y), (inner.right, y)], stroke)
    # Above the line where there is room, and at the right end, away from the best place.
    above = y - frame.line - 1 > inner.top
    middle = y + (frame.line / 2 + 1) * (-1 if above else 1)
    surface.text((inner.right - 4, middle), guide.label, ink, "end")


def _hits(series: Series, panel: Panel, frame: _Frame) -> Iterator[Hit]:
    """Yield where the values of a series are."""
    if not series.tips:
        return
    xs, ys = frame.x(panel.x.share(series.centres)), frame.y(panel.y.share(series.y))
    for number, (x, y, tip) in enumerate(zip(xs, ys, series.tips, strict=True)):
        yield Hit(float(x), float(y), tip, series.keys[number] if series.keys else None)
