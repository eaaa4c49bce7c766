"""What a viewer shows of its world, and where layers lie in it.

The viewer's world has the smallest of its layers' units, a layer's world the layer's own
(see `plugin.frames`). All coordinates here are (row, col) in the viewer's world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, compose, invert, magnification_of, map_points
from clem_retrace.plugin.frames import image_shape, pixel_corners, to_world

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

__all__ = [
    "Sight",
    "camera",
    "footprint",
    "overlapping",
    "pixel_side",
    "point",
    "screen_pixel",
    "sight",
    "to_view",
    "world_extent",
]


@dataclass(frozen=True, slots=True)
class Sight:
    """The part of the world on the canvas.

    Attributes
    ----------
    top, left, bottom, right : float
        In the viewer's world; `right` is what lies at the right of the screen.
    pixel : float
        Size of a pixel of the screen.
    """

    top: float
    left: float
    bottom: float
    right: float
    pixel: float

    @property
    def height(self) -> float:
        """Extent along the rows."""
        return abs(self.bottom - self.top)

    @property
    def width(self) -> float:
        """Extent along the columns."""
        return abs(self.right - self.left)


def camera(viewer: Viewer) -> Any:
    """Return a viewer's camera."""
    return viewer.scene.camera


def sight(viewer: Viewer) -> Sight:
    """Return what is on the canvas."""
    view = camera(viewer)
    pixel = 1 / view.zoom
    row, col = view.center[-2:]
    height, width = (pixel * side for side in viewer.canvas.size)
    down, across = view.orientation2d
    height *= -1 if str(down) == "up" else 1
    width *= -1 if str(across) == "left" else 1
    return Sight(row - height / 2, col - width / 2, row + height / 2, col + width / 2, pixel)


def to_view(viewer: Viewer, layer: Layer) -> Matrix:
    """Return the transform from a layer's pixels (row, col) to the viewer's world."""
    return compose(np.diag([*_unit_lengths(viewer, layer)[-2:], 1.0]), to_world(layer))


def pixel_side(viewer: Viewer, layer: Layer) -> float:
    """Return the side of a layer's pixel in the viewer's world."""
    return magnification_of(to_view(viewer, layer))


def screen_pixel(viewer: Viewer, layer: Layer) -> float:
    """Return the side of a pixel of the screen, in pixels of a layer."""
    return float(1 / (camera(viewer).zoom * pixel_side(viewer, layer)))


def world_extent(viewer: Viewer, layer: Layer) -> NDArray[np.float64]:
    """Return the least and the greatest (row, col) of a layer in the viewer's world, (2, 2)."""
    return (np.asarray(layer.extent.world) * _unit_lengths(viewer, layer))[:, -2:]


def point(viewer: Viewer, layer: Layer) -> NDArray[np.float64]:
    """Return where the viewer's sliders stand, in a layer's own world."""
    here = np.asarray(viewer.dims.point, dtype=np.float64)[-layer.ndim :]
    return here / _unit_lengths(viewer, layer)


def _unit_lengths(viewer: Viewer, layer: Layer) -> NDArray[np.float64]:
    """Return the lengths of a layer's units in the viewer's, one for each of its axes."""
    common = viewer.layers.units
    if common is None:
        return np.ones(layer.ndim)
    units = zip(layer.units, common[-layer.ndim :], strict=True)
    return np.array([float((1 * own).to(viewers).magnitude) for own, viewers in units])


def footprint(viewer: Viewer, image: Image) -> NDArray[np.float64]:
    """Return the corners of an image in the viewer's world, shape (4, 2), in order."""
    return map_points(to_view(viewer, image), pixel_corners(image))


def overlapping(viewer: Viewer, image: Image, other: Image) -> tuple[slice, slice] | None:
    """Return the part of an image within the bounding box of another, in pixels.

    Returns
    -------
    (slice of rows, slice of columns) or None
        With plain starts and stops, and a pixel to spare; None when there is no such part.
    """
    corners = map_points(invert(to_view(viewer, image)), footprint(viewer, other))
    first = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    last = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, image_shape(image))
    if not (last > first).all():
        return None
    rows, cols = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return rows, cols
