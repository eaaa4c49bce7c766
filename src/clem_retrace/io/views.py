"""Micrographs on the paper: parts of them as grey values, laid over each other in colour.

LM is magenta and EM green where they are over each other: people who do not tell red from
green see the difference, and what both show turns white.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.events import Steps
from clem_retrace.geometry import compose, decimation, map_points, translation
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.plots.surface import Box, Point
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, frame_pixel_size, warp_onto
from clem_retrace.resampling import sample_steps

__all__ = [
    "Style",
    "View",
    "as_bytes",
    "fitted_grid",
    "overlaid",
    "png_address",
    "surroundings",
    "view_steps",
]

#: How two views become one picture.
Style = Literal["merge", "opacity", "checkerboard"]

#: Percentiles that become black and white.
BLACK_AT, WHITE_AT = 0.5, 99.5

#: The green of the overlay, which is brighter to the eye than magenta, is held back.
GREEN_LEVEL = 0.8

#: With "opacity", what is darker than the LM's median is clear, and the brightest covers so much.
CLEAR_AT, COVERS = 50.0, 0.85

#: Squares along the shorter side of a checkerboard.
SQUARES = 6

#: What is shown round a region, as a share of its longer side.
SURROUNDINGS = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A micrograph drawn on a grid, in grey.

    Attributes
    ----------
    grey : ndarray, shape (m, n), float32
        0 to 1; NaN where there is no image.
    grid : Grid
    unit : float
        Pixels of the view per unit of the surface that it is drawn on.
    """

    grey: NDArray[np.float32]
    grid: Grid
    unit: float = 1.0

    @property
    def box(self) -> Box:
        """The picture's sides, in units."""
        rows, cols = self.grey.shape
        return Box(0, 0, cols / self.unit, rows / self.unit)

    @property
    def nm(self) -> float | None:
        """Length of a unit on the specimen."""
        return None if self.grid.pixel_size is None else self.grid.pixel_size * self.unit

    def place(self, point: ArrayLike) -> Point:
        """Return where one point lies."""
        return self.places(point)[0]

    def places(self, points: ArrayLike) -> list[Point]:
        """Return where points of the grid's frame, shape (..., 2), lie: (x, y) in units."""
        at = (map_points(self.grid.to_grid, points) + 0.5) / self.unit
        return [(float(col), float(row)) for row, col in at.reshape(-1, 2)]


def surroundings(region: Roi) -> Roi:
    """Return the rectangle round a region, with a margin."""
    margin = SURROUNDINGS * max(region.height, region.width)
    return Roi(
        region.row - margin,
        region.col - margin,
        region.height + 2 * margin,
        region.width + 2 * margin,
    )


def fitted_grid(
    transform: PairTransform, frame: Which, side: int, region: Roi | None = None
) -> Grid:
    """Return the grid of a region's rectangle whose longer side has so many pixels.

    Parameters
    ----------
    transform : PairTransform
    frame : {"lm", "em"}
    side : int, pixels
    region : Roi, optional
        In pixels of the LM or the EM, whole or not; it may reach beyond the image. By default
        the whole image.
    """
    if region is None:
        region = Roi(0, 0, *transform.facts(frame).shape)
    zoom = side / max(region.height, region.width)
    size = frame_pixel_size(transform, frame)
    return Grid(
        frame,
        (max(1, round(region.height * zoom)), max(1, round(region.width * zoom))),
        compose(decimation(1 / zoom), translation((-region.row, -region.col))),
        None if size is None else size / zoom,
    )


def view_steps(
    micrograph: Micrograph,
    which: Which,
    transform: PairTransform,
    grid: Grid,
    stage: str,
    unit: float = 1.0,
) -> Steps[View]:
    """Yield progress; return the LM or the EM on a grid, its contrast stretched to 0 to 1."""
    pixels = yield from sample_steps(warp_onto(grid, micrograph, which, transform), stage)
    return View(_stretched(pixels, BLACK_AT), grid, unit)


def overlaid(lm: View, em: View, style: Style) -> NDArray[np.uint8]:
    """Return two views of one grid as a picture, shape (m, n, 3).

    Parameters
    ----------
    lm, em : View
    style : {"merge", "opacity", "checkerboard"}
        The LM magenta and the EM green; the EM grey, and the LM in magenta over it, the less
        clear the brighter it is; squares of both in grey.
    """
    below, above = np.nan_to_num(em.grey), np.nan_to_num(lm.grey)
    if style == "merge":
        return as_bytes(np.stack([above, GREEN_LEVEL * below, above], axis=-1))
    if style == "checkerboard":
        side = max(1, round(min(lm.grey.shape) / SQUARES))
        row, col = np.indices(lm.grey.shape) // side
        return as_bytes(np.where((row + col) % 2 == 0, above, below))
    covered = COVERS * np.nan_to_num(_stretched(lm.grey, CLEAR_AT))[..., None]
    magenta = np.array([1.0, 0.0, 1.0], np.float32)
    return as_bytes((1 - covered) * below[..., None] + covered * magenta)


def as_bytes(shares: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return shares of white, grey (m, n) or RGB (m, n, 3), as RGB bytes, (m, n, 3)."""
    rgb = shares if shares.ndim == 3 else np.repeat(shares[..., None], 3, axis=-1)
    return np.asarray(np.round(255 * np.nan_to_num(rgb)), np.uint8)


def _stretched(image: NDArray[np.float32], black_at: float) -> NDArray[np.float32]:
    """Return an image with its contrast stretched to 0 to 1 from a percentile on."""
    known = image[np.isfinite(image)]
    if known.size == 0:
        return image
    low, high = np.percentile(known, (black_at, WHITE_AT))
    contrast = max(float(high - low), 1e-12)
    stretched: NDArray[np.float32] = (image - np.float32(low)) / np.float32(contrast)
    return stretched.clip(0, 1)


def png_address(pixels: NDArray[np.uint8]) -> str:
    """Return an image, shape (M, N, 3), as a PNG within an address; a grey one where it is."""
    from PIL import Image

    grey = bool((pixels == pixels[..., :1]).all())
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
