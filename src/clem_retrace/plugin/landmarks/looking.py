"""Where the camera looks: at a point, near enough to judge it, and never farther than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import map_points
from clem_retrace.plugin.sight import camera, pixel_side, to_view

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["look_at"]

#: LM pixels that are seen at most, from side to side, round a point that is looked at.
FIELD = 60.0

#: Side of the canvas where the viewer does not tell it, pixels.
CANVAS = 600.0


def look_at(
    viewer: Viewer, image: Image, point: NDArray[np.float64], lm_pixel: float = 1.0
) -> None:
    """Bring a point of an image into the middle of the canvas.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    point : ndarray, shape (2,)
        In the image's pixels.
    lm_pixel : float
        Side of an LM pixel in the image's pixels.
    """
    view = camera(viewer)
    canvas = min(viewer.canvas.size) if hasattr(viewer, "canvas") else CANVAS
    side = lm_pixel * pixel_side(viewer, image)
    row, col = map_points(to_view(viewer, image), point)
    view.center = (0.0, float(row), float(col))
    view.zoom = max(view.zoom, canvas / (FIELD * side))
