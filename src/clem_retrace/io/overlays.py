"""One picture of a registration, to look at: where the ROI lies, and how well it fits.

Above, the LM image with the ROI and the EM image with the candidates; below, the region
round the ROI in the LM, in the EM, and both over each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.events import run
from clem_retrace.geometry import decompose
from clem_retrace.io.annotations import (
    BLUISH_GREEN,
    ORANGE,
    SKY_BLUE,
    WHITE,
    draw_cross,
    draw_outline,
    draw_plate,
    draw_scale_bar,
)
from clem_retrace.io.pillow_surface import PillowSurface
from clem_retrace.io.views import View, as_bytes, fitted_grid, overlaid, surroundings, view_steps
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.plots.surface import Ink
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.warping import Grid

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["overlay_image"]

PAPER = (24, 24, 24)

#: The picture's width and the space between its panels, pixels.
WIDTH, GAP = 1600, 16

#: Height of a line of text and of its letters, pixels; letters in the panels.
LINE, LETTERS, SMALL = 26, 19, 17


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
    transform = registration.transform
    near = fitted_grid(transform, "lm", third, surroundings(registration.roi))
    wanted: list[tuple[Micrograph, Which, Grid]] = [
        (lm, "lm", fitted_grid(transform, "lm", half)),
        (em, "em", fitted_grid(transform, "em", half)),
        (lm, "lm", near),
        (em, "em", near),
    ]
    lm_whole, em_whole, lm_near, em_near = (
        run(view_steps(image, which, transform, grid, "overlay")) for image, which, grid in wanted
    )
    roi = registration.roi
    panels = [
        [
            (f"LM: {lm.name}", _with_roi(lm_whole, as_bytes(lm_whole.grey), roi)),
            (f"EM: {em.name}", _with_candidates(em_whole, registration, truth)),
        ],
        [
            ("LM", _with_roi(lm_near, as_bytes(lm_near.grey), roi)),
            ("EM, registered", _with_roi(em_near, as_bytes(em_near.grey), roi)),
            ("LM magenta, EM green", _with_roi(lm_near, overlaid(lm_near, em_near, "merge"), roi)),
        ],
    ]
    return _arrange(_headline(registration), panels)


def _with_roi(view: View, pixels: NDArray[np.uint8], roi: Roi) -> Image.Image:
    """Return a picture of a view with the ROI and a scale bar."""
    picture = Image.fromarray(pixels)
    surface = PillowSurface(picture, size=SMALL)
    draw_outline(surface, view.places(roi.vertices), ORANGE, 3)
    draw_scale_bar(surface, view.box, view.nm)
    return picture


def _with_candidates(view: View, registration: Registration, truth: Roi | None) -> Image.Image:
    """Return the EM with the candidates by rank, and the registered ROI over them."""
    picture = Image.fromarray(as_bytes(view.grey))
    surface, box = PillowSurface(picture, size=SMALL), view.box
    for rank, match in reversed(list(enumerate(registration.candidates.matches, start=1))):
        if rank > 1:
            draw_outline(surface, view.places(match.outline), SKY_BLUE, 2)
            draw_plate(surface, view.place(match.centre), SKY_BLUE, str(rank), box)
    if truth is not None:
        corners = view.places(truth.corners)
        draw_outline(surface, corners, BLUISH_GREEN, 3)
        draw_plate(surface, corners[0], BLUISH_GREEN, "truth", box)
        draw_cross(surface, view.place(truth.centre), BLUISH_GREEN, 9)
    draw_outline(surface, view.places(registration.place.outline), ORANGE, 3)
    draw_plate(surface, view.place(registration.corners[0]), ORANGE, "1", box)
    draw_cross(surface, view.place(registration.centre), ORANGE, 9)
    draw_scale_bar(surface, box, view.nm)
    return picture


def _headline(registration: Registration) -> list[str]:
    """Return what the picture says in words."""
    lm_to_em = decompose(registration.lm_to_em)
    verdict = "Found" if registration.found else "Not sure"
    said = f"{verdict}, confidence {registration.confidence:.3f}. {registration.reason}"
    mirror = "mirrored" if lm_to_em.mirrored else "not mirrored"
    return [
        registration.reason if registration.match.search == "hand" else said,
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
    surface = PillowSurface(sheet, size=LETTERS)
    for number, text in enumerate(headline):
        _write(surface, (GAP, GAP // 2 + number * LINE), text, WIDTH - 2 * GAP)
    for top, row in zip(tops, rows, strict=True):
        width = (WIDTH - GAP * (len(row) + 1)) // len(row)
        for number, (title, picture) in enumerate(row):
            left = GAP + number * (width + GAP)
            _write(surface, (left, top + 2), title, width)
            # Views keep their proportions: a narrow one stands in the middle of its place.
            sheet.paste(picture, (left + (width - picture.width) // 2, top + LINE))
    return np.asarray(sheet)


def _write(surface: PillowSurface, corner: tuple[int, int], text: str, width: int) -> None:
    """Write one line of text, cut short where it would be too wide."""
    line = text
    while line and surface.width_of(line if line == text else line + "...") > width:
        line = line[:-1]
    place = (corner[0], corner[1] + LINE / 2 - 2)
    surface.text(place, line if line == text else line + "...", Ink(WHITE))
