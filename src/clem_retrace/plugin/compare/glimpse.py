"""The visible part of an image, resolved on the GUI thread and read in a worker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.decimating import decimate_steps
from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix, compose, invert, magnification_of, map_points, translation
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin.compare.mesh import planes
from clem_retrace.plugin.sight import footprint, point, to_view
from clem_retrace.resampling import warp

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.plugin.sight import Sight

__all__ = ["Glimpse", "glimpse"]

#: Part of the canvas that is added on each side, so that small moves show no gap.
MARGIN = 0.2
#: Pixels of a grid at most: a second's work.
MOST = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A grid over the visible part of an image.

    Attributes
    ----------
    micrograph : Micrograph
        The whole image, not yet read.
    to_grid : ndarray, shape (3, 3)
        From its pixels to the grid's.
    shape : (rows, cols)
        Of the grid.
    grid_to_view : ndarray, shape (3, 3)
        From the grid's pixels to the viewer's world.
    step : float
        Side of a grid pixel in the viewer's world.
    """

    micrograph: Micrograph
    to_grid: Matrix
    shape: tuple[int, int]
    grid_to_view: Matrix
    step: float

    def read_steps(self, stage: str) -> Steps[NDArray[np.float32]]:
        """Yield progress under the name of `stage`; return the image on the grid.

        Returns
        -------
        ndarray, shape `shape`, float32
            NaN where the image does not reach.
        """
        factor = max(1.0, 1 / magnification_of(self.to_grid))
        level, to_level = self.micrograph.coarsest(factor)
        rows, cols = self._needed(level, to_level)
        cut = Micrograph(level[rows, cols])
        rest = max(1.0, factor * magnification_of(to_level))
        small, to_small = yield from decimate_steps(cut, rest, stage)
        image_to_small = compose(to_small, translation((-rows.start, -cols.start)), to_level)
        return warp(small, compose(self.to_grid, invert(image_to_small)), self.shape)

    def _needed(self, level: Any, to_level: Matrix) -> tuple[slice, slice]:
        """Return the part of a level that lies under the grid."""
        height, width = self.shape
        grid = np.array([[-0.5, -0.5], [-0.5, width], [height, width], [height, -0.5]])
        grid_to_level = compose(to_level, invert(self.to_grid))
        corners = map_points(grid_to_level, grid)
        spare = 2 + magnification_of(grid_to_level)
        limits = np.array(level.shape)
        first = np.clip(np.floor(corners.min(axis=0) - spare).astype(int), 0, limits - 1)
        last = np.clip(np.ceil(corners.max(axis=0) + spare).astype(int), first + 1, limits)
        return slice(int(first[0]), int(last[0])), slice(int(first[1]), int(last[1]))


def glimpse(
    viewer: Viewer, image: Image, sight: Sight, steps: tuple[float, float]
) -> Glimpse | None:
    """Return a grid over the part of an image that is seen.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    sight : Sight
    steps : (float, float)
        Least and largest side of a grid pixel in the viewer's world; in between, it is the
        screen's. Where so much is seen that the grid would be too large, it is coarser.

    Returns
    -------
    Glimpse or None
        None when nothing of the image is seen.
    """
    box = np.sort([[sight.top, sight.left], [sight.bottom, sight.right]], axis=0)
    margin = MARGIN * (box[1] - box[0])
    corners = footprint(viewer, image)
    first = np.maximum(box[0] - margin, corners.min(axis=0))
    last = np.minimum(box[1] + margin, corners.max(axis=0))
    if not (last > first).all():
        return None
    step = float(np.clip(sight.pixel, *steps))
    step = max(step, math.sqrt(float(np.prod(last - first)) / MOST))
    # On whole pixels of the screen, for lines to be as crisp as they can be.
    first = np.floor(first / step) * step
    rows, cols = np.maximum(np.ceil((last - first) / step), 1).astype(int)
    grid_to_view = np.array([[step, 0, first[0]], [0, step, first[1]], [0, 0, 1]])
    levels = planes(image, point(viewer, image))
    return Glimpse(
        Micrograph(levels[0], levels=levels[1:]),
        compose(invert(grid_to_view), to_view(viewer, image)),
        (int(rows), int(cols)),
        grid_to_view,
        step,
    )
