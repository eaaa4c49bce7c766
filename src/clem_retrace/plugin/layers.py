"""Layers to the values of a run: `ImageSource` from image layers, `Region` from shapes.

All of it is resolved on the GUI thread, without reading a pixel; `ImageSource.read` is for
the worker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, RoiError
from clem_retrace.geometry import map_points
from clem_retrace.micrograph import Micrograph, Projection, Roi, project
from clem_retrace.plugin.frames import image_shape, pixels_between

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

__all__ = [
    "ImageSource",
    "Region",
    "StackChoice",
    "em_patch",
    "image_source",
    "lm_region",
    "region",
]

#: Share of its bounding box that a rectangle fills when it counts as upright: turned by
#: a quarter of a degree at most.
UPRIGHT = 0.99


@dataclass(frozen=True, slots=True)
class StackChoice:
    """Which image of a stack is meant.

    Attributes
    ----------
    channel_axis : int or None
        The axis that holds the channels, if one does.
    channel : int
        Index along it.
    projection : {"max", "mean", "min", "std", "plane"}
        How the axis that is left is projected.
    plane : int
        Index along it, for "plane".
    """

    channel_axis: int | None = None
    channel: int = 0
    projection: Projection = "max"
    plane: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ImageSource:
    """An image that is still to be read: arrays of a layer, and what to take of them.

    Attributes
    ----------
    levels : sequence of array_like
        Of a multiscale image, the finest first; one array otherwise.
    index : tuple of int or slice
        What to take along the axes before rows and columns.
    stack : StackChoice
    pixel_size : float or None, nm per pixel
    name : str
    """

    levels: Sequence[Any]
    index: tuple[int | slice, ...]
    stack: StackChoice
    pixel_size: float | None
    name: str

    def read(self) -> Micrograph:
        """Return the micrograph; a stack is projected now, an image is read when needed.

        Raises
        ------
        BadImage
            Not of a real number type, or empty.
        InvalidOption
            The stack has no such plane.
        """
        first, *rest = (self._plane(level) for level in self._comparable_levels())
        return Micrograph(first, self.pixel_size, self.name, levels=tuple(rest))

    def _comparable_levels(self) -> list[Any]:
        """Return the levels that have all planes of the first."""
        first = self.levels[0]
        return [level for level in self.levels if level.shape[:-2] == first.shape[:-2]]

    def _plane(self, level: Any) -> Any:
        if not self.index:
            return level
        taken = level[self.index]
        return project(taken, self.stack.projection, self.stack.plane)


def image_source(
    layer: Image, pixel_size: float | None, stack: StackChoice | None = None
) -> ImageSource:
    """Return what a run reads of an image layer.

    Parameters
    ----------
    layer : Image
    pixel_size : float or None, nm per pixel
    stack : StackChoice, optional
        For an image of more than two dimensions; without it every further axis must have
        a length of 1.

    Raises
    ------
    BadImage
        An RGB image, or more dimensions than were chosen from.
    """
    name = layer.name
    levels = tuple(layer.data) if layer.multiscale else (layer.data,)
    shape = tuple(levels[0].shape)
    if layer.rgb:
        raise BadImage(
            f"'{name}' is an RGB image: split it (right click on the layer, Split RGB) and "
            "choose one channel"
        )
    index: list[int | slice] = [0 if length == 1 else slice(None) for length in shape[:-2]]
    if stack is not None and stack.channel_axis is not None:
        index[stack.channel_axis] = stack.channel
    left = sum(isinstance(part, slice) for part in index)
    if left > (0 if stack is None else 1):
        needed = "one two-dimensional image" if stack is None else "one stack of planes"
        raise BadImage(
            f"'{name}' has {len(shape)} dimensions, shape {shape}: {needed} is needed. "
            "Choose another layer, a channel axis, or slice the layer first"
        )
    return ImageSource(levels, tuple(index), stack or StackChoice(), pixel_size, name)


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle that was drawn, and what to tell the user about how it was read.

    Attributes
    ----------
    roi : Roi
        In pixels of the image it was drawn on.
    notes : tuple of str
        Empty when the shape was taken as drawn.
    """

    roi: Roi
    notes: tuple[str, ...]


def region(shapes: Shapes, image: Image, what: str = "region") -> Region:
    """Return a drawn shape as a rectangle in an image's pixels.

    The shape is the selected one, or the last that was drawn. Other shapes than upright
    rectangles give their bounding box.

    Parameters
    ----------
    shapes : Shapes
    image : Image
    what : str
        What the notes call it.

    Raises
    ------
    RoiError
        Nothing is drawn, or it has no area.
    """
    count = len(shapes.data)
    if count == 0:
        raise RoiError(
            f"'{shapes.name}' is empty: draw a rectangle in it (press Draw, then drag on the image)"
        )
    selected = sorted(shapes.selected_data)
    number = selected[0] if len(selected) == 1 else count - 1
    notes = []
    if count > 1:
        which = "selected" if len(selected) == 1 else "last"
        notes.append(f"'{shapes.name}' holds {count} shapes: the {which} one is used")
    vertices = np.asarray(shapes.data[number], dtype=np.float64)[:, -2:]
    corners = map_points(pixels_between(shapes, image), vertices)
    kind = str(shapes.shape_type[number])
    try:
        roi = Roi.from_corners(corners)
    except RoiError as error:
        raise RoiError(f"in '{shapes.name}', {error}") from None
    if kind != "rectangle":
        article = "an" if kind[0] in "aeiou" else "a"
        notes.append(f"the {what} is {article} {kind}: its bounding box is used")
    elif _area(corners) < UPRIGHT * roi.height * roi.width:
        notes.append(f"the {what} is a turned rectangle: its bounding box is used")
    return Region(roi, tuple(notes))


def lm_region(shapes: Shapes | None, lm: Image) -> Region:
    """Return the region to search for, within the LM image.

    Raises
    ------
    RoiError
        There is none, it has no area, lies outside the image, or is too small.
    """
    if shapes is None:
        raise RoiError("no region is drawn: press Draw and drag a rectangle on the LM image")
    drawn = region(shapes, lm)
    roi = drawn.roi.clipped(image_shape(lm))
    if math.isclose(roi.height * roi.width, drawn.roi.height * drawn.roi.width, rel_tol=1e-6):
        return Region(roi, drawn.notes)
    return Region(roi, (*drawn.notes, "the part of the region outside the LM image is left out"))


def em_patch(shapes: Shapes | None, em: Image) -> Region | None:
    """Return the patch that is drawn on the EM image; None if there is none.

    Only its size is meant, so it may reach over the image's edges.

    Raises
    ------
    RoiError
        It has no area.
    """
    if shapes is None or len(shapes.data) == 0:
        return None
    return region(shapes, em, "EM patch")


def _area(corners: NDArray[np.float64]) -> float:
    """Return the area of a polygon, shape (K, 2), by the shoelace formula."""
    rows, cols = corners.T
    return float(abs(np.dot(rows, np.roll(cols, -1)) - np.dot(cols, np.roll(rows, -1))) / 2)
