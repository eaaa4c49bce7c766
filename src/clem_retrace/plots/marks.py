"""How series are drawn: strokes and marks.

Every series differs from the others by its stroke or its marks, not by its colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plots.figures import Series
from clem_retrace.plots.surface import Box, Dash, Ink, Inks, Point, Stroke, Surface

__all__ = ["SAMPLE", "draw_sample", "draw_series"]

#: Half of a mark's side, in pixels.
MARK = 3.5

#: Length of a stroke in the legend, in pixels.
SAMPLE = 18

#: How much of the colour of a series fills its area.
TINT = 0.45


def draw_series(
    surface: Surface,
    series: Series,
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    inner: Box,
    inks: Inks,
) -> None:
    """Draw a series into the area of its panel, from pixels of its values."""
    ink = inks.of(series.role)
    with surface.clipped(inner.grown(MARK + 1)):
        if series.look == "area":
            outline = list(_stairs(xs, ys, inner.bottom))
            surface.path([*outline, outline[0]], Stroke(ink), Ink(ink.colour, TINT))
        elif series.look == "steps":
            surface.path(list(_stairs(xs, ys, inner.bottom)), _stroke(series, ink))
        elif series.look in ("line", "dashed", "dotted"):
            surface.path(_points(xs, ys), _stroke(series, ink))
        if series.look in ("line", "discs", "rings", "diamonds"):
            for point in _points(xs, ys):
                _draw_mark(surface, point, series, ink)


def _points(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> list[Point]:
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def _stairs(
    edges: NDArray[np.float64], heights: NDArray[np.float64], ground: float
) -> Iterator[Point]:
    """Yield the corners of the outline of bins."""
    yield float(edges[0]), ground
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        yield float(left), float(height)
        yield float(right), float(height)
    yield float(edges[-1]), ground


def _stroke(series: Series, ink: Ink) -> Stroke:
    """Return the stroke of a curve."""
    dashes: dict[str, Dash] = {"dashed": "dashed", "dotted": "dotted"}
    dash = dashes.get(series.look, "solid")
    return Stroke(ink, 1.8 if dash == "solid" else 1.4, dash, mitred=series.binned)


def _draw_mark(surface: Surface, at: Point, series: Series, ink: Ink) -> None:
    side = MARK * (0.62 if series.look == "line" else 1.35 if series.look == "discs" else 1.0)
    filled = series.look in ("line", "discs") or (
        series.look == "diamonds" and series.role != "reference"
    )
    stroke, fill = Stroke(ink, 1.5), ink if filled else None
    if series.look == "diamonds":
        side *= 1.35
        x, y = at
        top = (x, y - side)
        surface.path([top, (x + side, y), (x, y + side), (x - side, y), top], stroke, fill)
    else:
        surface.circle(at, side, stroke, fill)


def draw_sample(surface: Surface, base: Point, series: Series, inks: Inks) -> None:
    """Draw an entry of the legend; `base` is its left end, in the middle of the line."""
    ink, (x, y) = inks.of(series.role), base
    if series.look == "area":
        surface.path(Box(x, y - 4, SAMPLE, 8).outline, Stroke(ink), Ink(ink.colour, TINT))
    elif series.look in ("line", "dashed", "dotted", "steps"):
        surface.path([(x, y), (x + SAMPLE, y)], _stroke(series, ink))
    if series.look in ("line", "discs", "rings", "diamonds"):
        _draw_mark(surface, (x + SAMPLE / 2, y), series, ink)
    surface.text((x + SAMPLE + 4, y), series.name, Ink(inks.text))
