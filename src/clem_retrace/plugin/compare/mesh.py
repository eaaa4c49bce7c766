"""A picture cut to shape: triangles with a texture, as napari's surface layers have them.

napari 0.9 ignores clipping planes of two-dimensional images, but draws a surface of any
outline at the speed of the graphics card. So the image below, a small one as a rule, is
drawn once more as a surface over the image above, with holes where that is to be seen;
the image above is neither copied nor resampled, whatever its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, map_points

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["Mesh", "Picture", "joined", "one_side", "picture", "planes", "squares", "strip"]

#: Colours in a lookup table: more than the 8 bits of a screen can tell apart.
COLOURS = 1024
#: Of the two texels below the picture, with which lines are drawn.
INKS = np.array([[255, 255, 255, 255], [0, 0, 0, 255]], np.uint8)
WHITE, BLACK = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A part of an image in its colours, to be a texture.

    Attributes
    ----------
    texture : ndarray, shape (m + 2, n, 4), uint8
        The picture, and below it a row of each ink.
    row, col : float
        Upper left corner of the part in image pixels, half a pixel from the first's centre.
    step : float
        Image pixels per texel.
    """

    texture: NDArray[np.uint8]
    row: float
    col: float
    step: float

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners of the part in image pixels, shape (4, 2), in order."""
        bottom = self.row + self.step * (self.texture.shape[0] - len(INKS))
        right = self.col + self.step * self.texture.shape[1]
        return np.array(
            [[self.row, self.col], [self.row, right], [bottom, right], [bottom, self.col]]
        )

    def texcoords(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return texture coordinates (across, up) of points in image pixels, shape (N, 2)."""
        rows, cols = self.texture.shape[:2]
        texels = (points - (self.row, self.col)) / self.step
        return np.column_stack([texels[:, 1] / cols, 1 - texels[:, 0] / rows])

    def ink(self, which: int) -> tuple[float, float]:
        """Return texture coordinates of an ink."""
        rows = self.texture.shape[0]
        return 0.5, (len(INKS) - which - 0.5) / rows


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles with a texture.

    Attributes
    ----------
    vertices : ndarray, shape (N, 2)
        (row, col) in image pixels.
    faces : ndarray of int, shape (M, 3)
    texcoords : ndarray, shape (N, 2)
        (across, up), 0 to 1.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.intp]
    texcoords: NDArray[np.float64]


def planes(image: Image, point: NDArray[np.float64]) -> list[Any]:
    """Return the two-dimensional planes of a layer that are shown, not yet read.

    Parameters
    ----------
    image : Image
    point : ndarray, shape (image.ndim,)
        Where the viewer's sliders stand, in the layer's world.

    Returns
    -------
    list of array_like
        One of an image at one resolution; of a multiscale image one a level, the finest
        first. The channels of an RGB image are a third axis.
    """
    levels = list(image.data) if image.multiscale else [image.data]
    if image.ndim == 2:
        return levels
    where = np.asarray(image.world_to_data(point))[:-2]
    first = levels[0].shape
    # The levels may differ in the number of planes.
    shares = [(round(at) + 0.5) / count for at, count in zip(where, first, strict=False)]
    return [level[_index(shares, level.shape)] for level in levels]


def _index(shares: list[float], shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(
        min(max(int(share * count), 0), count - 1)
        for share, count in zip(shares, shape, strict=False)
    )


def picture(
    image: Image, part: tuple[slice, slice], point: NDArray[np.float64], step: float = 1.0
) -> Picture:
    """Return a part of an image in the colours of its layer.

    Parameters
    ----------
    image : Image
    part : (slice of rows, slice of columns)
        With plain starts and stops, within the image.
    point : ndarray, shape (image.ndim,)
        See `planes`.
    step : float
        How many pixels of the image may become one, at most.
    """
    levels = planes(image, point)
    factors = [levels[0].shape[0] / level.shape[0] for level in levels]
    factor, level = max(
        (pair for pair in zip(factors, levels, strict=True) if pair[0] <= max(step, 1.0)),
        key=lambda pair: pair[0],
    )
    skip = max(1, int(step / factor))
    first = [int(side.start / factor) for side in part]
    last = [min(math.ceil(s.stop / factor), n) for s, n in zip(part, level.shape, strict=False)]
    values = np.asarray(level[first[0] : last[0] : skip, first[1] : last[1] : skip])
    colours = _opaque(values) if image.rgb else _coloured(values, image)
    inks = np.repeat(INKS[:, None], colours.shape[1], axis=1)
    row, col = (factor * index - 0.5 for index in first)
    return Picture(np.concatenate([colours, inks]), row, col, factor * skip)


def _opaque(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return RGB or RGBA pixels as RGBA of 8 bits, floats being 0 to 1."""
    if values.dtype.kind == "f":
        values = np.clip(values * 255, 0, 255)
    colours = np.full((*values.shape[:2], 4), 255, np.uint8)
    colours[..., : values.shape[2]] = values
    return colours


def _coloured(values: NDArray[Any], image: Image) -> NDArray[np.uint8]:
    low, high = image.contrast_limits
    table = image.colormap.map(np.linspace(0, 1, COLOURS) ** image.gamma)
    table = np.concatenate([table, [np.asarray(image.colormap.nan_color)]])
    scaled = (values.astype(np.float32) - low) / (high - low)
    known = np.isfinite(scaled)
    index = np.clip(np.where(known, scaled, 0) * COLOURS, 0, COLOURS - 1).astype(np.intp)
    index[~known] = COLOURS
    colours: NDArray[np.uint8] = np.round(table * 255).astype(np.uint8)[index]
    return colours


def joined(meshes: list[Mesh]) -> Mesh:
    """Return meshes as one; the later ones are drawn over the earlier."""
    first = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, first, strict=False)]),
        np.concatenate([mesh.texcoords for mesh in meshes]),
    )


def one_side(
    shown: Picture, to_view: Matrix, column: float, *, left: bool, corners: int = 6
) -> Mesh:
    """Return the part of a picture to one side of a column of the viewer's world.

    Parameters
    ----------
    shown : Picture
    to_view : ndarray, shape (3, 3)
        From image pixels to the viewer's world.
    column : float
        Of the viewer's world.
    left : bool
        The side with the smaller columns.
    corners : int
        How many the polygon has, the last one repeated where there are fewer: a mesh of
        another column has the same number.
    """
    outline = _cut(shown.corners, map_points(to_view, shown.corners)[:, 1] - column, left)
    if len(outline) == 0:
        outline = shown.corners[:1]
    outline = np.concatenate([outline, np.repeat(outline[-1:], corners - len(outline), axis=0)])
    return Mesh(outline, _fan(corners), shown.texcoords(outline))


def _cut(
    outline: NDArray[np.float64], distances: NDArray[np.float64], left: bool
) -> NDArray[np.float64]:
    """Return the part of a convex outline whose distance from a line has one sign."""
    signed = -distances if left else distances
    points: list[NDArray[np.float64]] = []
    for index, here in enumerate(signed):
        before = signed[index - 1]
        if (here >= 0) != (before >= 0):
            share = before / (before - here)
            points.append(outline[index - 1] + share * (outline[index] - outline[index - 1]))
        if here >= 0:
            points.append(outline[index])
    return np.array(points).reshape(-1, 2)


def _fan(corners: int) -> NDArray[np.intp]:
    """Return the triangles of a convex polygon."""
    last = np.arange(2, corners)
    return np.column_stack([np.zeros_like(last), last - 1, last])


def squares(shown: Picture, cell: float, *, odd: bool) -> Mesh:
    """Return every other square of a picture, as on a checkerboard.

    Parameters
    ----------
    shown : Picture
    cell : float, image pixels
        Side of a square; the board starts at the image's first pixel.
    odd : bool
        The squares that the even ones leave.
    """
    (top, left), (bottom, right) = shown.corners[0], shown.corners[2]
    quads = []
    for row in range(math.floor((top + 0.5) / cell), math.ceil((bottom + 0.5) / cell)):
        for col in range(math.floor((left + 0.5) / cell), math.ceil((right + 0.5) / cell)):
            if (row + col) % 2 != odd:
                continue
            a, b = max(row * cell - 0.5, top), min((row + 1) * cell - 0.5, bottom)
            c, d = max(col * cell - 0.5, left), min((col + 1) * cell - 0.5, right)
            quads.append([[a, c], [a, d], [b, d], [b, c]])
    # One square or none may be left; a mesh has triangles in any case.
    vertices = np.array(quads or [[shown.corners[0]] * 4], dtype=np.float64).reshape(-1, 2)
    starts = 4 * np.arange(len(vertices) // 4)
    faces = (_fan(4)[None] + starts[:, None, None]).reshape(-1, 3)
    return Mesh(vertices, faces, shown.texcoords(vertices))


def strip(shown: Picture, corners: NDArray[np.float64], ink: int) -> Mesh:
    """Return a convex polygon of one ink.

    Parameters
    ----------
    shown : Picture
    corners : ndarray, shape (N, 2)
        In image pixels, in order.
    ink : int
        `WHITE` or `BLACK`.
    """
    texcoords = np.repeat([shown.ink(ink)], len(corners), axis=0)
    return Mesh(corners, _fan(len(corners)), texcoords)
