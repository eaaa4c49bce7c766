"""The values a run starts from: `Micrograph`, an image with its pixel size, and `Roi`.

`ImageFacts` is what a result remembers of an image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, InvalidOption, RoiError
from clem_retrace.geometry import Matrix, decimation, map_points

__all__ = ["ImageFacts", "Micrograph", "Projection", "Roi", "project"]

Projection = Literal["max", "mean", "min", "std", "plane"]


@dataclass(frozen=True, slots=True, eq=False)
class Micrograph:
    """One channel of one section, with the size of its pixels.

    Parameters
    ----------
    data : array_like, shape (M, N)
        The image at full resolution. Anything with ``shape``, ``dtype`` and slicing
        will do (NumPy, dask, zarr); it is read in parts, and not before it is needed.
    pixel_size : float, nm per pixel, optional
        None when it is unknown.
    name : str
        For messages and file names.
    levels : sequence of array_like
        The same image at lower resolutions, as multiscale images have them, finest
        first, without `data` itself.

    Raises
    ------
    BadImage
        Not two-dimensional; empty; not of a real number type; a pixel size that is
        not a positive finite number.
    """

    data: Any
    pixel_size: float | None = None
    name: str = ""
    levels: Sequence[Any] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without reading the pixels."""
        name = self.name or "the image"
        data = self.data
        if not (hasattr(data, "shape") and hasattr(data, "dtype")):
            data = np.asarray(data)
            object.__setattr__(self, "data", data)
        shape = tuple(data.shape)
        if len(shape) == 3 and shape[2] in (3, 4):
            raise BadImage(
                f"{name} is an RGB image of shape {shape}: choose one channel or convert it to grey"
            )
        if len(shape) != 2:
            raise BadImage(
                f"{name} has {len(shape)} dimensions, shape {shape}: one two-dimensional "
                "channel is needed; choose a channel and project the stack"
            )
        if 0 in shape:
            raise BadImage(f"{name} is empty: its shape is {shape}")
        if np.dtype(data.dtype).kind not in "buif":
            raise BadImage(f"{name} holds {data.dtype}: real numbers are needed")
        if self.pixel_size is not None and not (
            math.isfinite(self.pixel_size) and self.pixel_size > 0
        ):
            raise BadImage(
                f"{name} has a pixel size of {self.pixel_size} nm: a positive number is needed"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns at full resolution."""
        rows, cols = self.data.shape
        return int(rows), int(cols)

    @property
    def diagonal(self) -> float:
        """Length of the image's diagonal in pixels."""
        return math.hypot(*self.shape)

    def coarsest(self, decimation_limit: float) -> tuple[Any, Matrix]:
        """Return the smallest level decimated by no more than a limit.

        Returns
        -------
        level : array_like, shape (m, n)
            Not yet read.
        to_level : ndarray, shape (3, 3)
            From full-resolution pixels to the level's.
        """
        chosen, factors = self.data, (1.0, 1.0)
        for level in self.levels:
            ratio = (
                _level_factor(self.shape[0], level.shape[0]),
                _level_factor(self.shape[1], level.shape[1]),
            )
            if max(factors) < max(ratio) <= decimation_limit:
                chosen, factors = level, ratio
        return chosen, decimation(factors)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a result remembers of an image: name, shape, pixel size (nm, or None)."""

    name: str
    shape: tuple[int, int]
    pixel_size: float | None

    @classmethod
    def of(cls, micrograph: Micrograph) -> ImageFacts:
        """Return what is remembered of an image."""
        return cls(micrograph.name, micrograph.shape, micrograph.pixel_size)


def _level_factor(length: int, level_length: int) -> float:
    """Return by how much a level is decimated along an axis.

    A whole number where there is one: 1001 pixels halved are 500 or 501, and the quotient
    of the lengths would be a pixel off at the far end.
    """
    factor = length / level_length
    whole = max(1, round(factor))
    return float(whole) if length // whole <= level_length <= -(-length // whole) else factor


@dataclass(frozen=True, slots=True)
class Roi:
    """A region in pixels: a rectangle with sides parallel to the axes, or an outline in one.

    A ROI of ``Roi(10, 20, 5, 8)`` holds the pixels of rows 10 to 14 and columns 20 to
    27; its edges lie half a pixel outside their centres.

    Parameters
    ----------
    row, col : float
        The first row and column.
    height, width : float
        Extent in pixels.
    outline : tuple of (row, col)
        Vertices of a polygon in the rectangle, of which only the inside belongs to the
        region; none for the whole rectangle.

    Raises
    ------
    RoiError
        A number is not finite, the extent is not positive, or the outline has one or two
        vertices.
    """

    row: float
    col: float
    height: float
    width: float
    outline: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what has no area."""
        if len(self.outline) in (1, 2):
            raise RoiError(f"an outline has at least three vertices, not {len(self.outline)}")
        numbers = (self.row, self.col, self.height, self.width, *chain(*self.outline))
        if not all(math.isfinite(number) for number in numbers):
            raise RoiError(f"the region has numbers that are not finite: {numbers}")
        if not (self.height > 0 and self.width > 0):
            raise RoiError(
                f"the region is {self.height:g} x {self.width:g} pixels: draw one with an area"
            )

    @property
    def centre(self) -> tuple[float, float]:
        """(row, col) of the centre; pixel centres are at integers."""
        return self.row + (self.height - 1) / 2, self.col + (self.width - 1) / 2

    @property
    def corners(self) -> NDArray[np.float64]:
        """The outer corners, shape (4, 2), counter-clockwise on the screen from the top left."""
        top, left = self.row - 0.5, self.col - 0.5
        bottom, right = top + self.height, left + self.width
        return np.array([[top, left], [bottom, left], [bottom, right], [top, right]])

    @property
    def vertices(self) -> NDArray[np.float64]:
        """The outline's vertices, shape (K, 2); the corners where there is none."""
        return np.array(self.outline, dtype=np.float64) if self.outline else self.corners

    @classmethod
    def from_outline(cls, vertices: Any) -> Roi:
        """Return the region in a polygon, shape (K, 2), of points on pixel edges.

        An upright rectangle becomes one without an outline.

        Raises
        ------
        RoiError
            Less than three points, or a polygon without an area.
        """
        points = np.asarray(vertices, dtype=np.float64)
        box = cls.from_corners(points)
        rows, cols = (points - points[0]).T
        area = abs(float(rows @ np.roll(cols, 1) - cols @ np.roll(rows, 1))) / 2
        if area < 1e-6 * box.height * box.width:
            raise RoiError("the outline has no area: draw it round what is to be found")
        if math.isclose(area, box.height * box.width, rel_tol=1e-6):
            return box
        outline = tuple((float(row), float(col)) for row, col in points)
        return replace(box, outline=outline)

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of an image of `shape` have their centres in the region."""
        if not self.outline:
            inside = np.zeros(shape, bool)
            top, left = math.ceil(self.row - 0.5), math.ceil(self.col - 0.5)
            bottom, right = (
                math.ceil(self.row + self.height - 0.5),
                math.ceil(self.col + self.width - 0.5),
            )
            inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
            return inside
        # Imported when needed: scikit-image takes a third of a second.
        from skimage.draw import polygon2mask

        return polygon2mask(shape, self.vertices)  # type: ignore[no-any-return]

    @classmethod
    def from_corners(cls, corners: Any) -> Roi:
        """Return the bounding rectangle of points, shape (K, 2), on pixel edges."""
        points = np.asarray(corners, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
            raise RoiError(f"an outline has at least two (row, col) points, not {points.shape}")
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
        return cls(float(top + 0.5), float(left + 0.5), float(bottom - top), float(right - left))

    def scaled(self, matrix: Matrix) -> Roi:
        """Return the region on another grid; `matrix` shifts and scales, and does not turn."""
        box = Roi.from_corners(map_points(matrix, self.corners))
        outline = map_points(matrix, self.vertices).tolist() if self.outline else ()
        return replace(box, outline=tuple((row, col) for row, col in outline))

    def clipped(self, shape: tuple[int, int], *, least: float = 8.0) -> Roi:
        """Return the part that lies in an image.

        Parameters
        ----------
        shape : (rows, cols)
            Of the image.
        least : float, pixels
            The smallest side that can be searched for.

        Raises
        ------
        RoiError
            Nothing, or less than `least` pixels a side, is left.
        """
        top, left = max(self.row, 0.0), max(self.col, 0.0)
        bottom = min(self.row + self.height, float(shape[0]))
        right = min(self.col + self.width, float(shape[1]))
        if bottom <= top or right <= left:
            raise RoiError(
                f"the region (row {self.row:g}, column {self.col:g}, {self.height:g} x "
                f"{self.width:g}) lies outside the LM image of {shape[0]} x {shape[1]} pixels"
            )
        if bottom - top < least or right - left < least:
            raise RoiError(
                f"the region covers {bottom - top:.3g} x {right - left:.3g} LM pixels: at least "
                f"{least:g} x {least:g} are needed, some 40 x 40 or more are better"
            )
        return Roi(top, left, bottom - top, right - left, self.outline)


def project(stack: Any, projection: Projection = "max", plane: int = 0) -> NDArray[Any]:
    """Return a two-dimensional projection of a stack along its first axis.

    Parameters
    ----------
    stack : array_like, shape (Z, M, N) or (M, N)
        A two-dimensional image is returned as it is.
    projection : {"max", "mean", "min", "std", "plane"}
        "plane" takes one plane.
    plane : int
        Which, for "plane".

    Raises
    ------
    BadImage
        Not two- or three-dimensional.
    InvalidOption
        Unknown projection, or no such plane.
    """
    if projection not in get_args(Projection):
        raise InvalidOption(
            f"projection {projection!r} is unknown: choose one of {', '.join(get_args(Projection))}"
        )
    if stack.ndim == 2:
        return stack  # type: ignore[no-any-return]
    if stack.ndim != 3:
        raise BadImage(f"a stack of planes has three dimensions, not {stack.ndim}: {stack.shape}")
    if projection == "plane":
        if not 0 <= plane < stack.shape[0]:
            raise InvalidOption(f"plane {plane} of a stack that has {stack.shape[0]} planes")
        return stack[plane]  # type: ignore[no-any-return]
    if projection in ("mean", "std"):
        return getattr(stack, projection)(axis=0, dtype=np.float32)  # type: ignore[no-any-return]
    return getattr(stack, projection)(axis=0)  # type: ignore[no-any-return]
