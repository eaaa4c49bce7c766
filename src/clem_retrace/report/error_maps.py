"""The picture of the expected error over the LM: of landmarks by theory, else of the fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import invert, map_points
from clem_retrace.io.annotations import BLACK, ORANGE, WHITE, draw_cross, draw_outline, draw_plate
from clem_retrace.io.views import View, fitted_grid, surroundings
from clem_retrace.micrograph import Roi
from clem_retrace.plots.figures import Axis
from clem_retrace.plots.quantities import physical
from clem_retrace.plots.surface import Ink, Stroke
from clem_retrace.plots.svg import SvgSurface
from clem_retrace.registration.landmark_errors import landmark_errors, predicted_error
from clem_retrace.report.markup import Markup
from clem_retrace.report.pictures import LONG, REGION_SIDE, picture
from clem_retrace.report.reported import ReportedRun

__all__ = ["error_picture"]

#: Returns the expected errors at LM points, LM pixels.
ErrorAt = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Pixels of the picture between two places where the error is computed: it is smooth.
STEP = 8

#: Lines of equal error, at most.
LINES = 6

#: Least difference that is drawn, as a share of the largest error.
FLAT = 0.02

#: From little to much, light to dark: colours that differ in lightness for everybody, of the
#: map cividis (Nunez, Anderton, Renslow 2018, doi:10.1371/journal.pone.0199239).
COLOURS = np.array(
    [
        (254, 232, 56), (225, 204, 85), (195, 179, 105), (165, 156, 116), (138, 134, 120),
        (112, 113, 115), (87, 93, 109), (59, 73, 108), (18, 53, 112), (0, 34, 78),
    ],
    dtype=np.float64,
)  # fmt: skip


def error_picture(reported: ReportedRun) -> Markup | None:
    """Return the map of the expected error, over the region, the landmarks and what surrounds them.

    None where nothing is known of it.
    """
    pair, roi = reported.pair, reported.registration.roi
    known = _known(reported)
    if known is None:
        return None
    told, error_at = known
    crosses = np.empty((0, 2))
    if pair.origin == "landmarks" and pair.landmarks is not None:
        crosses = pair.landmarks.lm[pair.landmarks.used]
        told += " Crosses: the landmarks of the fit."
    shown = surroundings(Roi.from_corners(np.vstack([roi.corners, crosses])))
    grid = fitted_grid(pair, "lm", REGION_SIDE, shown)
    view = View(np.zeros(grid.shape, np.float32), grid, REGION_SIDE / LONG)
    errors = _errors(error_at, view)
    if not np.isfinite(errors).all():
        return None
    size = pair.lm.pixel_size
    ends = f"{_in_words(float(errors.min()), size)} (light) to "
    ends += f"{_in_words(float(errors.max()), size)} (dark)"
    surface = SvgSurface()
    _draw_lines(surface, view, errors, size)
    draw_outline(surface, view.places(roi.vertices), ORANGE, 2.0)
    for point in crosses:
        draw_cross(surface, view.place(point), WHITE, 5)
    told = f"{told} Root mean square, from {ends}."
    return picture(view, _coloured(errors, grid.shape), surface, "Expected error", told)


def _known(reported: ReportedRun) -> tuple[str, ErrorAt] | None:
    """Return where the error is known from, and the error; None where it is not known."""
    pair, estimate = reported.pair, reported.registration.estimate
    if pair.origin == "landmarks":
        localisation = landmark_errors(pair).localisation
        told = "By the landmarks and the scatter that their fit leaves."
        return told, partial(predicted_error, pair, localisation=localisation)
    if not reported.corrected and estimate:
        return "Of the registration, if the place is the right one.", estimate.error_at
    return None


def _errors(error_at: ErrorAt, view: View) -> NDArray[np.float64]:
    """Return the errors at every `STEP`-th pixel of a view and beyond its ends, LM pixels."""
    rows, cols = view.grey.shape
    places = STEP * np.moveaxis(np.indices((rows // STEP + 2, cols // STEP + 2)), 0, -1)
    return error_at(map_points(invert(view.grid.to_grid), places))


def _draw_lines(
    surface: SvgSurface, view: View, errors: NDArray[np.float64], size: float | None
) -> None:
    """Draw lines of equal error, the longest of each with what it is."""
    # Imported when needed: scikit-image takes a third of a second.
    from skimage.measure import find_contours

    unit = size or 1.0
    low, high = unit * float(errors.min()), unit * float(errors.max())
    if high - low < FLAT * high:
        return
    to_lm = invert(view.grid.to_grid)
    with surface.clipped(view.box):
        for level in Axis("", low, high).ticks(LINES):
            contours = [
                view.places(map_points(to_lm, STEP * one))
                for one in find_contours(errors, level / unit)
            ]
            for contour in contours:
                surface.path(contour, Stroke(Ink(BLACK, 0.5), 2.4))
                surface.path(contour, Stroke(Ink(WHITE), 1.0))
            if contours:
                longest = max(contours, key=len)
                middle, text = longest[len(longest) // 2], _in_words(level / unit, size)
                draw_plate(surface, middle, WHITE, text, view.box)


def _coloured(errors: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return errors as colours, between the places where they are known by interpolation."""
    from scipy import ndimage

    low, high = float(errors.min()), float(errors.max())
    shares = (errors - low) / max(high - low, FLAT * high, 1e-12)
    at = np.indices(shape) / STEP
    position = ndimage.map_coordinates(shares, at, order=1) * (len(COLOURS) - 1)
    below = np.clip(position.astype(int), 0, len(COLOURS) - 2)
    beyond = (position - below)[..., None]
    mixed = (1 - beyond) * COLOURS[below] + beyond * COLOURS[below + 1]
    return np.asarray(np.round(mixed), np.uint8)


def _in_words(pixels: float, size: float | None) -> str:
    """Return an error with its unit."""
    return physical(pixels, size) or f"{pixels:.3g} LM px"
