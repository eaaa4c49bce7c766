"""Drawn shapes to the values of a run: the region and its pixels, its true place, its patch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import RoiError
from clem_retrace.geometry import map_points
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.frames import finest, image_shape, pixels_between

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

__all__ = [
    "Region",
    "chosen_shape",
    "cut",
    "cut_from",
    "em_patch",
    "lm_region",
    "region",
    "region_slices",
]

#: Share of its bounding box that a rectangle fills when it counts as upright: turned by
#: a quarter of a degree at most.
UPRIGHT = 0.99

#: Sides of the polygon that stands for an ellipse: it is off by a thousandth of the radius.
ELLIPSE_SIDES = 72


@dataclass(frozen=True, slots=True)
class Region:
    """What was drawn, and what to tell the user about how it was read.

    Attributes
    ----------
    roi : Roi
        In pixels of the image it was drawn on.
    notes : tuple of str
        Empty when the shape was taken as drawn.
    """

    roi: Roi
    notes: tuple[str, ...]


def chosen_shape(shapes: Shapes) -> int:
    """Return the number of the shape that a layer gives: the one selected, or the last."""
    selected = sorted(shapes.selected_data)
    return selected[0] if len(selected) == 1 else len(shapes.data) - 1


def region(shapes: Shapes, image: Image) -> Region:
    """Return a drawn shape, as it was drawn, in an image's pixels.

    The shape is the selected one, or the last that was drawn. What is no upright rectangle
    has an outline.

    Parameters
    ----------
    shapes : Shapes
    image : Image

    Raises
    ------
    RoiError
        Nothing is drawn, or it has no area.
    """
    count = len(shapes.data)
    if count == 0:
        raise RoiError(f"'{shapes.name}' is empty: press Draw, then drag a rectangle on the image")
    notes: tuple[str, ...] = ()
    if count > 1:
        which = "selected" if len(shapes.selected_data) == 1 else "last"
        notes = (f"'{shapes.name}' holds {count} shapes: the {which} one is used",)
    number = chosen_shape(shapes)
    drawn = np.asarray(shapes.data[number], dtype=np.float64)[:, -2:]
    corners = map_points(pixels_between(shapes, image), drawn)
    try:
        return Region(_roi(str(shapes.shape_type[number]), corners), notes)
    except RoiError as error:
        raise RoiError(f"in '{shapes.name}', {error}") from None


def _roi(kind: str, corners: NDArray[np.float64]) -> Roi:
    """Return a shape of napari's as a region.

    Raises
    ------
    RoiError
        It has no area.
    """
    box = Roi.from_corners(corners)
    if kind == "rectangle" and _area(corners) > UPRIGHT * box.height * box.width:
        return box
    return Roi.from_outline(_ellipse(corners) if kind == "ellipse" else corners)


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points on the ellipse in a rectangle, which may be turned; shape (K, 2).

    napari gives an ellipse by the four corners of the rectangle round it.
    """
    centre = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angles = np.linspace(0.0, 2 * np.pi, ELLIPSE_SIDES, endpoint=False)
    points: NDArray[np.float64] = (
        centre + np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
    )
    return points


def lm_region(shapes: Shapes | None, lm: Image) -> Region:
    """Return the region to search for, within the LM image.

    Raises
    ------
    RoiError
        There is none, it has no area, lies outside the image, or is too small.
    """
    if shapes is None:
        raise RoiError(
            "no region is drawn: press 'Draw the region', then drag a rectangle on the LM image"
        )
    drawn = region(shapes, lm)
    roi = drawn.roi.clipped(image_shape(lm))
    if math.isclose(roi.height * roi.width, drawn.roi.height * drawn.roi.width, rel_tol=1e-6):
        return Region(roi, drawn.notes)
    return Region(roi, (*drawn.notes, "the part of the region outside the LM image is left out"))


def em_patch(shapes: Shapes | None, em: Image) -> Region | None:
    """Return the patch that is drawn on the EM image; None if there is none.

    Only the size of the box round it is meant, so it may reach over the image's edges.

    Raises
    ------
    RoiError
        It has no area.
    """
    if shapes is None or len(shapes.data) == 0:
        return None
    drawn = region(shapes, em)
    if not drawn.roi.outline:
        return drawn
    return Region(drawn.roi, (*drawn.notes, "of the EM patch, the box round it is used"))


def _area(corners: NDArray[np.float64]) -> float:
    """Return the area of a polygon, shape (K, 2), by the shoelace formula."""
    rows, cols = corners.T
    return float(abs(np.dot(rows, np.roll(cols, -1)) - np.dot(cols, np.roll(rows, -1))) / 2)


def region_slices(roi: Roi) -> tuple[slice, slice]:
    """Return the whole pixels of a region within its image, as slices of rows and columns."""
    first = (math.floor(roi.row + 0.5), math.floor(roi.col + 0.5))
    last = (math.ceil(roi.row + roi.height - 0.5), math.ceil(roi.col + roi.width - 0.5))
    return slice(first[0], max(last[0], first[0] + 1)), slice(first[1], max(last[1], first[1] + 1))


def cut(pixels: Any, roi: Roi) -> NDArray[np.float32]:
    """Return an image in a region; NaN where its box is not the region."""
    slices = region_slices(roi)
    part = np.asarray(pixels[slices], dtype=np.float32)
    return np.where(roi.mask(pixels.shape)[slices], part, np.nan) if roi.outline else part


def cut_from(lm: Image, roi: Roi) -> NDArray[np.float32] | None:
    """Return the LM in a region, of a layer in memory; None of a stack, or of a lazy one."""
    pixels = finest(lm)
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2:
        return None
    return cut(pixels, roi)
