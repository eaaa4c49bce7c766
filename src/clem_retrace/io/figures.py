"""A figure for a paper: LM and EM over each other or side by side, with a scale bar.

Sizes are those on paper: a width in millimetres, letters of 7 points, lines of a point. In an
SVG file outlines, scale bar and letters can be edited, and lie over pictures in it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.errors import BadFile, InvalidOption, RoiError
from clem_retrace.events import Steps, run
from clem_retrace.io.annotations import (
    BLACK,
    ORANGE,
    WHITE,
    draw_outline,
    draw_plate,
    draw_scale_bar,
)
from clem_retrace.io.pillow_surface import PillowSurface
from clem_retrace.io.views import (
    Style,
    View,
    as_bytes,
    fitted_grid,
    overlaid,
    png_address,
    view_steps,
)
from clem_retrace.io.writing import replacing
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.plots.surface import Surface
from clem_retrace.plots.svg import FONT, SvgSurface
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, region_on

__all__ = ["FigureStyle", "write_figure", "write_figure_steps"]

FigureStyle = Literal["merge", "opacity", "checkerboard", "side by side"]

#: Letters, and the unit of lengths of which they are 12 high: 7 points, journals' usual size.
LETTERS = 12.0
UNITS_PER_MM = LETTERS / (7 * 25.4 / 72)

#: Between pictures side by side, mm.
GAP = 1.5

#: More pixels a side than this are no figure.
LARGEST = 12_000

#: Greatest and smallest number of dots per inch.
DPI_BOUNDS = (30, 1200)

#: The colours in which the names of the images are written, and where they stand for both.
_COLOURS: dict[FigureStyle, tuple[str, str]] = {
    "merge": ("#ff70ff", "#33dd33"),
    "opacity": ("#ff70ff", WHITE),
    "checkerboard": (WHITE, WHITE),
    "side by side": (WHITE, WHITE),
}


def write_figure(
    path: str | os.PathLike[str],
    lm: Micrograph,
    em: Micrograph,
    transform: PairTransform,
    **shown: Any,
) -> Path:
    """Return the path after drawing a figure; `write_figure_steps` says what can be `shown`."""
    return run(write_figure_steps(path, lm, em, transform, **shown))


def write_figure_steps(
    path: str | os.PathLike[str],
    lm: Micrograph,
    em: Micrograph,
    transform: PairTransform,
    *,
    region: Roi | None = None,
    frame: Which = "lm",
    style: FigureStyle = "merge",
    outline: Roi | None = None,
    scale_bar: bool = True,
    labels: Sequence[tuple[str, tuple[float, float]]] = (),
    names: bool = True,
    width: float = 85.0,
    dpi: float = 300.0,
    stage: str = "figure",
) -> Steps[Path]:
    """Yield progress; return the path after drawing a figure as PNG or SVG.

    Contrast is stretched from the 0.5th to the 99.5th percentile of what is shown.

    Parameters
    ----------
    path : path
        Ends with .png or .svg.
    lm, em : Micrograph
    transform : PairTransform
    region : Roi, optional
        What is shown, in LM pixels; by default what the EM covers of the LM, or with the
        frame "em" all of the EM.
    frame : {"lm", "em"}
        The image that is shown upright.
    style : {"merge", "opacity", "checkerboard", "side by side"}
        LM magenta and EM green; EM grey with the LM in magenta over it, clear where it is
        dark; squares of both; LM and EM beside each other.
    outline : Roi, optional
        Drawn, in LM pixels.
    scale_bar : bool
        Of a round length; there is none where the pixel size is not known.
    labels : sequence of (text, (row, col))
        Written at places in LM pixels.
    names : bool
        Whether "LM" and "EM" are written, in the colours that they have.
    width : float, mm
        On paper; 85 is a column of most journals, 170 a page.
    dpi : float
        Pixels per inch.
    stage : str
        Name under which progress is yielded.

    Raises
    ------
    BadFile
        Another ending, or the file cannot be written.
    InvalidOption
        A size that no figure has.
    RoiError
        The images do not lie over each other.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg"):
        raise BadFile(f"{path} ends with {path.suffix!r}: figures are written as .png or .svg")
    panels = 2 if style == "side by side" else 1
    side = _pixels((width - GAP * (panels - 1)) / panels, dpi)
    grid = _grid(transform, frame, region, side)
    unit = dpi / 25.4 / UNITS_PER_MM
    below = yield from view_steps(lm, "lm", transform, grid, stage, unit)
    above = yield from view_steps(em, "em", transform, grid, stage, unit)
    drawn = _Drawn(transform, frame, outline, tuple(labels), scale_bar, style if names else None)
    figure = _Figure(below, tuple(_pictures(below, above, style)), drawn)
    content = figure.svg() if path.suffix.lower() == ".svg" else figure.png(dpi)
    with replacing(path) as part:
        part.write_bytes(content)
    return path


def _pixels(width: float, dpi: float) -> int:
    """Return how many pixels wide a picture is.

    Raises
    ------
    InvalidOption
        It is no figure that wide or dense.
    """
    if not DPI_BOUNDS[0] <= dpi <= DPI_BOUNDS[1]:
        raise InvalidOption(f"{dpi:g} dpi are asked for: {DPI_BOUNDS[0]} to {DPI_BOUNDS[1]} can be")
    pixels = round(width / 25.4 * dpi) if width > 0 else 0
    if not 50 <= pixels <= LARGEST:
        raise InvalidOption(
            f"a picture {width:g} mm wide of {dpi:g} dpi has {pixels} pixels a row: 50 to "
            f"{LARGEST} can be"
        )
    return pixels


def _grid(transform: PairTransform, frame: Which, region: Roi | None, width: int) -> Grid:
    """Return the pixels of a picture so many columns wide.

    Raises
    ------
    RoiError
        The images do not lie over each other.
    """
    facts = transform.facts(frame)
    if region is not None:
        shown = region_on(transform, region, frame)
    elif frame == "em":
        shown = Roi(0, 0, *facts.shape)
    else:
        corners = transform.to_lm(Roi(0, 0, *transform.em.shape).corners)
        first = np.clip(corners.min(axis=0), -0.5, np.array(facts.shape) - 0.5)
        last = np.clip(corners.max(axis=0), -0.5, np.array(facts.shape) - 0.5)
        if not (last - first > 0).all():
            raise RoiError("the EM does not lie over the LM: choose the region that is shown")
        shown = Roi.from_corners([first, last])
    longer = max(shown.height, shown.width) / shown.width
    grid = fitted_grid(transform, frame, round(width * longer), shown)
    if max(grid.shape) > LARGEST:
        raise InvalidOption(
            f"the region is {longer:.0f} times as high as wide: no figure is that long"
        )
    return grid


def _pictures(lm: View, em: View, style: FigureStyle) -> list[NDArray[np.uint8]]:
    """Return the pixels of the pictures that stand beside each other."""
    if style == "side by side":
        return [as_bytes(lm.grey), as_bytes(em.grey)]
    overlay: Style = style
    return [overlaid(lm, em, overlay)]


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """What is drawn over the pictures; points are in LM pixels."""

    transform: PairTransform
    frame: Which
    outline: Roi | None
    labels: tuple[tuple[str, tuple[float, float]], ...]
    scale_bar: bool
    named: FigureStyle | None

    def onto(self, surface: Surface, view: View, names: Sequence[str]) -> None:
        """Draw it over a picture of a view, which shows images of these names."""
        box = view.box
        if self.outline is not None:
            vertices = region_on(self.transform, self.outline, self.frame).vertices
            draw_outline(surface, view.places(vertices), ORANGE, 1.7)
        for text, point in self.labels:
            at = point if self.frame == "lm" else self.transform.to_em(point)
            draw_plate(surface, view.place(at), ORANGE, text, box)
        if self.scale_bar:
            draw_scale_bar(surface, box, view.nm)
        if self.named is not None:
            x = y = surface.line / 2
            for name in names:
                colour = _COLOURS[self.named][("LM", "EM").index(name)]
                place = (x, y + surface.line / 2)
                draw_plate(surface, place, BLACK, name, box, "start", colour, 0.55)
                x += surface.width_of(name) + surface.line / 2


@dataclass(frozen=True, slots=True, eq=False)
class _Figure:
    """Pictures of one size beside each other, and what is drawn over each."""

    view: View
    pictures: tuple[NDArray[np.uint8], ...]
    drawn: _Drawn

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The names of the images that each picture shows."""
        return [("LM", "EM")] if len(self.pictures) == 1 else [("LM",), ("EM",)]

    def png(self, dpi: float) -> bytes:
        """Return the figure as a PNG file."""
        gap = round(GAP * UNITS_PER_MM * self.view.unit)
        rows, cols = self.view.grey.shape
        count = len(self.pictures)
        sheet = Image.new("RGB", (count * cols + (count - 1) * gap, rows), WHITE)
        for number, (pixels, names) in enumerate(zip(self.pictures, self.names, strict=True)):
            picture = Image.fromarray(pixels)
            self.drawn.onto(PillowSurface(picture, self.view.unit, LETTERS), self.view, names)
            sheet.paste(picture, (number * (cols + gap), 0))
        file = io.BytesIO()
        sheet.save(file, format="PNG", dpi=(dpi, dpi))
        return file.getvalue()

    def svg(self) -> bytes:
        """Return the figure as an SVG file."""
        box, gap, count = self.view.box, GAP * UNITS_PER_MM, len(self.pictures)
        width = count * box.width + (count - 1) * gap
        picture = f'width="{box.width:.6g}" height="{box.height:.6g}"'
        elements = [f'<clipPath id="picture"><rect {picture}/></clipPath>']
        for number, (pixels, names) in enumerate(zip(self.pictures, self.names, strict=True)):
            surface = SvgSurface()
            self.drawn.onto(surface, self.view, names)
            elements += [
                f'<g transform="translate({number * (box.width + gap):.6g} 0)" '
                'clip-path="url(#picture)">',
                f'<image {picture} href="{png_address(pixels)}"/>',
                *surface.elements,
                "</g>",
            ]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / UNITS_PER_MM:.6g}mm" '
            f'height="{box.height / UNITS_PER_MM:.6g}mm" '
            f'viewBox="0 0 {width:.6g} {box.height:.6g}" {FONT}>'
        )
        facts = self.drawn.transform
        title = f"<title>{escape(f'{facts.lm.name} and {facts.em.name}')}</title>"
        return "\n".join([head, title, *elements, "</svg>", ""]).encode("utf-8")
