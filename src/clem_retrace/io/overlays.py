"""One picture of a registration, to look at: where the ROI lies, and how well it fits.

Above, the LM image with the ROI and the EM image with the candidates; below, the region
round the ROI in the LM, in the EM, and both over each other. LM is magenta and EM green in
the last: people who do not tell red from green see the difference, and what both show
turns white. Lines have colours of Okabe and Ito's palette.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from clem_retrace.geometry import (
    Matrix,
    compose,
    decimation,
    decompose,
    invert,
    map_points,
    translation,
)
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.resampling import decimate, warp

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["overlay_image"]

Colour = tuple[int, int, int]

ORANGE: Colour = (230, 159, 0)
SKY_BLUE: Colour = (86, 180, 233)
BLUISH_GREEN: Colour = (0, 158, 115)
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
PAPER: Colour = (24, 24, 24)

#: The picture's width and the space between its panels, pixels.
WIDTH, GAP = 1600, 16

#: Height of a line of text, pixels.
LINE = 26

#: What is shown round the ROI, as a fraction of its larger side.
SURROUNDINGS = 0.25

#: The green of the overlay, which is brighter to the eye than magenta, is held back.
GREEN_LEVEL = 0.8

#: Percentiles that become black and white.
BLACK_AT, WHITE_AT = 0.5, 99.5


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A micrograph drawn on a grid of its own.

    Attributes
    ----------
    grey : ndarray, shape (m, n), float32
        0 to 1, NaN outside the micrograph.
    to_view : ndarray, shape (3, 3)
        From the pixels of the image that lines are given in to the view's.
    nm : float or None
        Size of a view's pixel.
    """

    grey: NDArray[np.float32]
    to_view: Matrix
    nm: float | None


def overlay_image(
    lm: Micrograph, em: Micrograph, registration: Registration, *, truth: Roi | None = None
) -> NDArray[np.uint8]:
    """Return the picture of a registration.

    Parameters
    ----------
    lm, em : Micrograph
        Those that were registered. The EM image is read twice: as a whole, and where the
        ROI is.
    registration : Registration
    truth : Roi, optional
        Where the ROI is known to be, in EM pixels.

    Returns
    -------
    ndarray, shape (about 1200, 1600, 3), uint8
    """
    half, third = (WIDTH - 3 * GAP) // 2, (WIDTH - 4 * GAP) // 3
    lm_whole, em_whole = _whole(lm, half), _whole(em, half)
    region = _surroundings(registration.roi)
    lm_near = _region(lm, region, np.eye(3), lm.pixel_size, third)
    # On the LM's grid the LM's pixel size counts.
    em_near = _region(em, region, registration.em_to_lm, lm.pixel_size, third)

    roi = registration.roi.vertices
    panels = [
        [
            (f"LM: {lm.name}", _draw_lm(lm_whole, roi)),
            (f"EM: {em.name}", _draw_em(em_whole, registration, truth)),
        ],
        [
            ("LM", _draw_lm(lm_near, roi)),
            ("EM, registered", _draw_lm(em_near, roi)),
            ("LM magenta, EM green", _draw_lm(lm_near, roi, green=em_near)),
        ],
    ]
    return _arrange(_headline(registration), panels)


def _whole(micrograph: Micrograph, side: int) -> _View:
    """Return a view of the whole micrograph that fits into a square of `side` pixels."""
    zoom = side / max(micrograph.shape)
    to_view = decimation(1 / zoom)
    shape = (max(1, round(micrograph.shape[0] * zoom)), max(1, round(micrograph.shape[1] * zoom)))
    nm = None if micrograph.pixel_size is None else micrograph.pixel_size / zoom
    return _View(_stretched(_on_grid(micrograph, to_view, shape)), to_view, nm)


def _region(
    micrograph: Micrograph, region: Roi, to_lm: Matrix, lm_pixel_size: float | None, side: int
) -> _View:
    """Return a view of a region of the LM grid, given the way from a micrograph to that grid."""
    zoom = side / max(region.height, region.width)
    to_view = compose(decimation(1 / zoom), translation((-region.row, -region.col)))
    shape = (max(1, round(region.height * zoom)), max(1, round(region.width * zoom)))
    nm = None if lm_pixel_size is None else lm_pixel_size / zoom
    grey = _stretched(_on_grid(micrograph, compose(to_view, to_lm), shape))
    return _View(grey, to_view, nm)


def _surroundings(roi: Roi) -> Roi:
    """Return the ROI with a margin."""
    margin = SURROUNDINGS * max(roi.height, roi.width)
    return Roi(roi.row - margin, roi.col - margin, roi.height + 2 * margin, roi.width + 2 * margin)


def _on_grid(
    micrograph: Micrograph, to_grid: Matrix, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a micrograph on a grid: what lies on it is read, low-passed and warped.

    NaN where it does not reach.
    """
    factor = max(1.0, 1 / decompose(to_grid).magnification)
    corners = map_points(invert(to_grid), Roi(0, 0, *shape).corners)
    # The low-pass and the interpolation look some pixels further.
    margin = 2 * factor + 2
    first = np.maximum(np.floor(corners.min(axis=0) - margin), 0).astype(int)
    last = np.minimum(np.ceil(corners.max(axis=0) + margin), micrograph.shape).astype(int)
    if (last <= first).any():
        return np.full(shape, np.nan, np.float32)
    part = micrograph
    if first.any() or tuple(last) != micrograph.shape:
        part = Micrograph(micrograph.data[first[0] : last[0], first[1] : last[1]])
    image, to_image = decimate(part, factor)
    # The edge repeats once, so that pixels are shown to their outer borders.
    to_padded = compose(translation((1, 1)), to_image, translation(-first))
    padded = np.pad(image, 1, mode="edge")
    return warp(padded, compose(to_grid, invert(to_padded)), shape)


def _stretched(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image with its contrast stretched to 0 to 1."""
    known = image[np.isfinite(image)]
    if known.size == 0:
        return image
    low, high = np.percentile(known, (BLACK_AT, WHITE_AT))
    contrast = max(float(high - low), 1e-12)
    stretched: NDArray[np.float32] = (image - np.float32(low)) / np.float32(contrast)
    return stretched.clip(0, 1)


def _draw_lm(view: _View, roi: NDArray[np.float64], *, green: _View | None = None) -> Image.Image:
    """Return a view with the ROI; in colour when there is another for the green channel."""
    grey = np.nan_to_num(view.grey)
    other = grey if green is None else GREEN_LEVEL * np.nan_to_num(green.grey)
    picture = _picture(np.stack([grey, other, grey], axis=-1))
    draw = ImageDraw.Draw(picture)
    _outline(draw, view, roi, ORANGE, 3)
    _scale_bar(draw, view)
    return picture


def _draw_em(view: _View, registration: Registration, truth: Roi | None) -> Image.Image:
    """Return the EM with the candidates by rank, and the registered ROI over them."""
    picture = _picture(np.repeat(np.nan_to_num(view.grey)[..., None], 3, axis=-1))
    draw = ImageDraw.Draw(picture)
    for rank, match in reversed(list(enumerate(registration.candidates.matches, start=1))):
        if rank > 1:
            _outline(draw, view, match.outline, SKY_BLUE, 2)
            _label(draw, view, match.centre, SKY_BLUE, str(rank))
    if truth is not None:
        _outline(draw, view, truth.corners, BLUISH_GREEN, 3)
        _label(draw, view, truth.corners[0], BLUISH_GREEN, "truth")
        _cross(draw, view, truth.centre, BLUISH_GREEN)
    _outline(draw, view, registration.place.outline, ORANGE, 3)
    _label(draw, view, registration.corners[0], ORANGE, "1")
    _cross(draw, view, registration.centre, ORANGE)
    _scale_bar(draw, view)
    return picture


def _picture(rgb: NDArray[np.floating[Any]]) -> Image.Image:
    return Image.fromarray(np.round(255 * rgb).astype(np.uint8), "RGB")


def _outline(
    draw: ImageDraw.ImageDraw,
    view: _View,
    corners: NDArray[np.float64],
    colour: Colour,
    width: int,
) -> None:
    """Draw a closed outline."""
    points = [_place(view, corner) for corner in corners]
    draw.line([*points, points[0], points[1]], fill=colour, width=width, joint="curve")


def _label(
    draw: ImageDraw.ImageDraw, view: _View, point: ArrayLike, colour: Colour, text: str
) -> None:
    """Draw a small plate with a text in the middle of a point."""
    place = _place(view, point)
    left, top, right, bottom = draw.textbbox(place, text, font=_font(16), anchor="mm")
    draw.rectangle((left - 3, top - 3, right + 3, bottom + 3), fill=colour)
    draw.text(place, text, fill=BLACK, font=_font(16), anchor="mm")


def _cross(draw: ImageDraw.ImageDraw, view: _View, point: ArrayLike, colour: Colour) -> None:
    """Draw a cross at a point."""
    x, y = _place(view, point)
    for line in ((x - 9, y, x + 9, y), (x, y - 9, x, y + 9)):
        draw.line(line, fill=colour, width=2)


def _place(view: _View, point: ArrayLike) -> tuple[float, float]:
    """Return a (row, col) of the image as the (x, y) that Pillow draws at."""
    row, col = map_points(view.to_view, point)
    return float(col), float(row)


def _scale_bar(draw: ImageDraw.ImageDraw, view: _View) -> None:
    """Draw a bar of a round length of up to a third of the view, when it is calibrated.

    The font that comes with Pillow has no Greek letters: um stands for micrometres.
    """
    if view.nm is None:
        return
    rows, cols = view.grey.shape
    length = _round_length(view.nm * cols / 3)
    label = f"{length:g} nm" if length < 1000 else f"{length / 1000:g} um"
    left, bottom, bar = 14, rows - 14, length / view.nm
    draw.rectangle((left - 1, bottom - 6, left + bar + 1, bottom + 1), fill=BLACK)
    draw.rectangle((left, bottom - 5, left + bar, bottom), fill=WHITE)
    place = (left + bar / 2, bottom - 9)
    draw.text(
        place, label, fill=WHITE, font=_font(18), anchor="mb", stroke_width=2, stroke_fill=BLACK
    )


def _round_length(longest: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... that is not larger than `longest`."""
    decade = 10.0 ** math.floor(math.log10(longest))
    return max(decade * step for step in (1, 2, 5) if decade * step <= longest * (1 + 1e-9))


def _headline(registration: Registration) -> list[str]:
    """Return what the picture says in words."""
    lm_to_em = decompose(registration.lm_to_em)
    verdict = "Found" if registration.found else "Not sure"
    mirror = "mirrored" if lm_to_em.mirrored else "not mirrored"
    return [
        f"{verdict}, confidence {registration.confidence:.2f}. {registration.reason}",
        f"Angle {lm_to_em.angle:.1f}\u00b0, {mirror}, {lm_to_em.magnification:.2f} EM px per LM px",
    ]


def _arrange(
    headline: Sequence[str], panels: Iterable[Sequence[tuple[str, Image.Image]]]
) -> NDArray[np.uint8]:
    """Return the headline and rows of titled panels on one sheet."""
    rows = list(panels)
    tops, top = [], GAP + LINE * len(headline)
    for row in rows:
        tops.append(top)
        top += LINE + GAP + max(picture.height for _, picture in row)
    sheet = Image.new("RGB", (WIDTH, top + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, text in enumerate(headline):
        _text(draw, (GAP, GAP // 2 + number * LINE), text, WIDTH - 2 * GAP, WHITE)
    for top, row in zip(tops, rows, strict=True):
        width = (WIDTH - GAP * (len(row) + 1)) // len(row)
        for number, (title, picture) in enumerate(row):
            left = GAP + number * (width + GAP)
            _text(draw, (left, top + 2), title, width, WHITE)
            # Views keep their proportions: a narrow one stands in the middle of its place.
            sheet.paste(picture, (left + (width - picture.width) // 2, top + LINE))
    return np.asarray(sheet)


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int, colour: Colour
) -> None:
    """Draw one line of text, cut short where it would be too wide."""
    font, line = _font(19), text
    while line and draw.textlength(line if line == text else line + "...", font=font) > width:
        line = line[:-1]
    draw.text(place, line if line == text else line + "...", fill=colour, font=font)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
