"""The values a run starts from: `Micrograph`, an image with its pixel size, and `Roi`.

`ImageFacts` is what a result remembers of an image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, RoiError
from clem_retrace.geometry import LARGEST_ENTRY, Matrix, decimation, map_points
from clem_retrace.pixels import is_whole, plane_of, real_number

__all__ = ["ImageFacts", "Micrograph", "Roi"]


@dataclass(frozen=True, slots=True, eq=False)
class Micrograph:
    """One channel of one section, with the size of its pixels.

    Parameters
    ----------
    data : array_like, shape (M, N)
        The image at full resolution. Anything with ``shape``, ``dtype`` and slicing
        will do (NumPy, dask, zarr); it is read in parts, and not before it is needed.
        What is masked in a masked array is missing, as NaN is.
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
        Not two-dimensional, or a level is not; empty; not of a real number type; a pixel
        size that is not a positive finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from clem_retrace import Micrograph
    >>> lm = Micrograph(np.zeros((300, 400), np.uint16), pixel_size=110.0)
    >>> lm.shape, lm.pixel_size
    ((300, 400), 110.0)
    """

    data: Any
    pixel_size: float | None = None
    name: str = ""
    levels: Sequence[Any] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without reading the pixels."""
        name = self.name or "the image"
        object.__setattr__(self, "data", plane_of(self.data, name))
        levels = tuple(plane_of(level, f"a level of {name}") for level in self.levels)
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "pixel_size", _size(self.pixel_size, name))

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


def _size(pixel_size: Any, name: str) -> float | None:
    """Return a pixel size as a number of Python's.

    Raises
    ------
    BadImage
        It is not positive and finite.
    """
    if pixel_size is None:
        return None
    size = real_number(pixel_size)
    if not (math.isfinite(size) and size > 0):
        raise BadImage(f"{name} has a pixel size of {pixel_size} nm: a positive number is needed")
    return float(size)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a result remembers of an image: name, shape, pixel size (nm, or None).

    Raises
    ------
    BadImage
        The shape is none, or the pixel size is not positive and finite.
    """

    name: str
    shape: tuple[int, int]
    pixel_size: float | None

    def __post_init__(self) -> None:
        """Refuse what is no shape and no pixel size; a shape of 0 x 0 is not known."""
        if len(self.shape) != 2 or not all(is_whole(side) and side >= 0 for side in self.shape):
            raise BadImage(f"{self.name or 'the image'} has a shape of {self.shape} pixels")
        object.__setattr__(self, "pixel_size", _size(self.pixel_size, self.name or "the image"))

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

    Examples
    --------
    >>> from clem_retrace import Roi
    >>> roi = Roi(row=10, col=20, height=5, width=8)
    >>> roi.centre
    (12.0, 23.5)
    >>> triangle = Roi.from_outline([(10, 20), (10, 30), (25, 25)])
    >>> bool(triangle.mask((40, 40))[12, 25])
    True
    """

    row: float
    col: float
    height: float
    width: float
    outline: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what has no area."""
        for name in ("row", "col", "height", "width"):
            number = real_number(getattr(self, name))
            if not abs(number) <= LARGEST_ENTRY:
                raise RoiError(
                    f"the region has a {name} of {getattr(self, name)}: no image is so large"
                    if abs(number) > LARGEST_ENTRY
                    else f"the region has a {name} of {getattr(self, name)!r}: no number"
                )
            object.__setattr__(self, name, number)
        if len(self.outline) in (1, 2):
            raise RoiError(f"an outline has at least three vertices, not {len(self.outline)}")
        if self.outline:
            object.__setattr__(self, "outline", tuple(map(tuple, _points(self.outline).tolist())))
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
        points = _points(vertices)
        box = cls.from_corners(points)
        # In units of the rectangle: the products of coordinates may be more than a float holds.
        rows, cols = ((points - points[0]) / (box.height, box.width)).T
        share = abs(float(rows @ np.roll(cols, 1) - cols @ np.roll(rows, 1))) / 2
        if share < 1e-6:
            raise RoiError("the outline has no area: draw it round what is to be found")
        if math.isclose(share, 1, rel_tol=1e-6):
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
        points = _points(corners)
        (top, left), (bottom, right) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return cls(top + 0.5, left + 0.5, bottom - top, right - left)

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


def _points(values: Any) -> NDArray[np.float64]:
    """Return two points or more, shape (K, 2).

    Raises
    ------
    RoiError
        They are none, or not finite.
    """
    try:
        points = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise RoiError(f"an outline is rows of two numbers: {error}") from error
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise RoiError(f"an outline has at least two (row, col) points, not {points.shape}")
    if not (np.abs(points) <= LARGEST_ENTRY).all():
        raise RoiError("the outline has numbers that are not finite, or larger than any image")
    return points
