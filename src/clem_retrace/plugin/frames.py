"""Where layers lie: pixel sizes, and the transforms between pixels and napari's world.

A layer's world has the layer's own units; two layers are compared through theirs. When
one of two has no unit of length, napari draws both by their bare numbers, and so they are
compared here. Everything is read through public attributes of a layer, so plain layers
will do, without a viewer.

`placement` is the one way in which this package places a layer: on an image, with the
image's units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, compose, invert, magnification_of, map_points

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "PixelSize",
    "calibrate",
    "drawn_side",
    "finest",
    "has_length_unit",
    "image_shape",
    "match_sizes",
    "nm_per_unit",
    "overlap",
    "pixel_corners",
    "pixel_size",
    "pixels_between",
    "place_beside",
    "placement",
    "to_world",
]

#: Stretch of one side of a pixel over the other that still counts as square.
SQUARE = 1.02
#: Gap between two images set side by side, as a share of the left one's width.
GAP = 0.05
#: How many times larger an image is beside which another is a speck.
SPECK = 5.0


@dataclass(frozen=True, slots=True)
class PixelSize:
    """A layer's pixel size, and where it comes from.

    Attributes
    ----------
    nm : float or None
        nm per pixel; None when the layer does not tell.
    origin : str
        For the user: where the number is from, or why there is none.
    """

    nm: float | None
    origin: str


def finest(layer: Layer) -> Any:
    """Return the pixels of an image or labels layer at full resolution, not yet read."""
    return layer.data[0] if layer.multiscale else layer.data


def image_shape(layer: Layer) -> tuple[int, int]:
    """Return (rows, cols) of an image or labels layer at full resolution, without reading it."""
    data = finest(layer)
    axes = (-3, -2) if getattr(layer, "rgb", False) else (-2, -1)  # labels have no colours
    rows, cols = (int(data.shape[axis]) for axis in axes)
    return rows, cols


def to_world(layer: Layer) -> Matrix:
    """Return the transform from a layer's pixels (row, col) to its world, in its own units."""
    origin, down, right = (
        np.asarray(layer.data_to_world(point), dtype=np.float64)[-2:]
        for point in ((0, 0), (1, 0), (0, 1))
    )
    matrix = np.eye(3)
    matrix[:2] = np.column_stack([down - origin, right - origin, origin])
    return matrix


def nm_per_unit(layer: Layer) -> NDArray[np.float64] | None:
    """Return nm per world unit along rows and columns; None for units that are no lengths."""
    factors = [_nm(unit) for unit in layer.units[-2:]]
    return None if None in factors else np.array(factors, dtype=np.float64)


@cache
def _nm(unit: Any) -> float | None:
    """Return the nm of a unit; asked for at each step of a drag, and pint takes its time."""
    return float((1 * unit).to("nm").magnitude) if unit.is_compatible_with("nm") else None


def pixel_size(layer: Layer) -> PixelSize:
    """Return a layer's pixel size as its scale, transform and units tell it."""
    factors = nm_per_unit(layer)
    if factors is None:
        return PixelSize(None, "type it: the layer has no unit of length")
    stretches = np.linalg.svd(np.diag(factors) @ to_world(layer)[:2, :2], compute_uv=False)
    if stretches[0] > SQUARE * stretches[1]:
        return PixelSize(None, "type the size to work with: the layer's pixels are not square")
    # Nine digits: 0.11 um is 110 nm, not 110.00000000000001.
    nm = float(f"{np.sqrt(stretches[0] * stretches[1]):.9g}")
    return PixelSize(nm, "from the layer")


def has_length_unit(layer: Layer) -> bool:
    """Whether a layer's world has a unit of length: napari's default, the pixel, is none."""
    return nm_per_unit(layer) is not None


def pixels_between(source: Layer, target: Layer) -> Matrix:
    """Return the transform from one layer's pixels to those of another at the same place."""
    units = np.eye(3)
    source_nm, target_nm = nm_per_unit(source), nm_per_unit(target)
    if source_nm is not None and target_nm is not None:
        units[:2, :2] = np.diag(source_nm / target_nm)
    return compose(invert(to_world(target)), units, to_world(source))


def placement(
    image: Layer, to_image: Matrix | None = None, *, scale: float | None = None
) -> dict[str, Any]:
    """Return layer keywords that put new data on an image.

    Parameters
    ----------
    image : Layer
    to_image : ndarray, shape (3, 3), optional
        From the new data's pixels to the image's; the same pixels when not given.
    scale : float, the image's world units per pixel of the new data, optional
        The part of the transform that is written as napari's ``scale``; read off the
        transform when not given. The rest is ``affine``, which acts after ``scale``.

    Returns
    -------
    dict
        ``scale``, ``units``, and ``translate`` or ``affine``.
    """
    world = to_world(image) if to_image is None else compose(to_world(image), to_image)
    keywords: dict[str, Any] = {"units": tuple(image.units[-2:])}
    linear = world[:2, :2]
    upright = np.allclose(linear, np.diag(np.abs(np.diag(linear))), rtol=0, atol=1e-12)
    if scale is None and upright:
        return keywords | {"scale": tuple(np.diag(linear)), "translate": tuple(world[:2, 2])}
    sides = np.linalg.norm(linear, axis=0) if scale is None else np.full(2, scale)
    affine = compose(world, np.diag([1 / sides[0], 1 / sides[1], 1.0]))
    return keywords | {"scale": tuple(sides), "affine": affine}


def pixel_corners(layer: Layer) -> NDArray[np.float64]:
    """Return the corners of an image in its pixels, shape (4, 2), in order."""
    rows, cols = image_shape(layer)
    return np.array(
        [[-0.5, -0.5], [-0.5, cols - 0.5], [rows - 0.5, cols - 0.5], [rows - 0.5, -0.5]]
    )


def _extents(first: Layer, second: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both images' (min, max) of (row, col), in the world of the second."""
    here = map_points(pixels_between(first, second), pixel_corners(first))
    both = (map_points(to_world(second), corners) for corners in (here, pixel_corners(second)))
    one, other = (np.array([at.min(axis=0), at.max(axis=0)]) for at in both)
    return one, other


def overlap(first: Layer, second: Layer) -> bool:
    """Whether the bounding boxes of two images share some area on the canvas."""
    here, there = _extents(first, second)
    return bool((np.minimum(here[1], there[1]) > np.maximum(here[0], there[0])).all())


def place_beside(moved: Layer, still: Layer, followers: list[Layer]) -> None:
    """Move an image to the right of another, top edges level, with the layers that lie on it.

    Parameters
    ----------
    moved, still : Layer
    followers : list of Layer
        In the units of `moved`.
    """
    here, there = _extents(still, moved)
    gap = GAP * (here[1, 1] - here[0, 1])
    offset = np.array([here[0, 0] - there[0, 0], here[1, 1] + gap - there[0, 1]])
    for layer in (moved, *followers):
        shift = np.zeros(layer.ndim)
        shift[-2:] = offset
        # `translate` acts before `affine`, whose linear part must be undone.
        linear = layer.affine.linear_matrix
        layer.translate = np.asarray(layer.translate) + np.linalg.solve(linear, shift)


def drawn_side(layer: Layer) -> float:
    """Return the side of a layer's pixel in its world, in the layer's own units."""
    return magnification_of(to_world(layer))


def match_sizes(image: Layer, other: Layer) -> None:
    """Draw an image without a unit as large as another, where one would be a speck.

    napari draws by bare numbers when a layer has no unit: 8000 EM pixels beside an LM of 150
    micrometres. The scale of a layer without a unit says nothing, so it may be set.
    """
    corners = [map_points(to_world(layer), pixel_corners(layer)) for layer in (image, other)]
    sides = [float(np.ptp(at, axis=0).max()) for at in corners]
    if max(sides) > SPECK * min(sides):
        factor = np.ones(image.ndim)
        factor[-2:] = sides[1] / sides[0]
        image.scale = np.asarray(image.scale) * factor


def calibrate(image: Layer, side: float, followers: list[Layer], *, unit: str = "nm") -> None:
    """Give an image a pixel size, and the same to the layers that lie on it.

    Parameters
    ----------
    image : Layer
        Its world gets the unit; what lies at one place of it stays there.
    side : float, units per pixel
    followers : list of Layer
        In the units of `image`.
    unit : str
        Of length, or "pixel".
    """
    now = drawn_side(image)
    for layer in (image, *followers):
        factor = np.ones(layer.ndim)
        factor[-2:] = side / now
        affine = layer.affine.affine_matrix.copy()
        affine[-3:-1, -1] *= side / now
        layer.scale = np.asarray(layer.scale) * factor
        layer.translate = np.asarray(layer.translate) * factor
        layer.affine = affine
        layer.units = (*layer.units[:-2], unit, unit)
