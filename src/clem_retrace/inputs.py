"""What a run is given, checked and made ready: the ratio, the LM image, the region, a start."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import (
    BadImage,
    InvalidOption,
    MissingPixelSize,
    PatchLargerThanEM,
    RoiError,
    TransformError,
)
from clem_retrace.geometry import Matrix, invert, map_points
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pixels import LARGEST_VALUE, as_float32, is_whole, read

__all__ = [
    "check_fit",
    "check_magnification",
    "check_reach",
    "check_take",
    "in_memory",
    "overlap_region",
    "resolve_ratio",
]

#: EM pixels per LM pixel: the option's least ratio is 1, and it may be off by 60 %.
LEAST_MAGNIFICATION = 0.25


def resolve_ratio(
    lm: Micrograph,
    em: Micrograph,
    options: RegistrationOptions,
    *,
    otherwise: float | None = None,
) -> float:
    """Return the EM pixels per LM pixel that a run starts from.

    Parameters
    ----------
    lm, em : Micrograph
    options : RegistrationOptions
        ``pixel_size_ratio`` is taken before the pixel sizes.
    otherwise : float, optional
        Where neither tells: the magnification of a start that was given by hand.

    Raises
    ------
    MissingPixelSize
        It is not known, or the EM's pixels are the larger ones.
    """
    if options.pixel_size_ratio is not None:
        return options.pixel_size_ratio
    missing = [which for which, image in (("LM", lm), ("EM", em)) if image.pixel_size is None]
    if missing and otherwise is not None:
        return otherwise
    if missing:
        raise MissingPixelSize(
            f"the pixel size of the {' and the '.join(missing)} image is not known: give it in "
            "nm, or give the ratio (EM pixels per LM pixel)"
        )
    assert lm.pixel_size is not None
    assert em.pixel_size is not None
    ratio = lm.pixel_size / em.pixel_size
    if ratio < 1:
        raise MissingPixelSize(
            f"the EM's pixels ({em.pixel_size:g} nm) are larger than the LM's "
            f"({lm.pixel_size:g} nm): have the images or the pixel sizes been swapped?"
        )
    return ratio


def in_memory(lm: Micrograph) -> Micrograph:
    """Return the LM read as float32; every stage looks at all of it.

    Raises
    ------
    BadImage
        It cannot be read, is constant, or holds no finite values.
    """
    name = lm.name or "the LM image"
    given = read(lm.data, name=name)
    data = as_float32(given)
    if not np.isfinite(data).any():
        raise BadImage(f"{name} holds no finite values of at most {LARGEST_VALUE:g}")
    if np.nanmin(data) < np.nanmax(data):
        return dataclasses.replace(lm, data=data, levels=())
    if given.min() < given.max():
        raise BadImage(
            f"{name} differs in digits that 32 bits do not hold, from {given.min()} to "
            f"{given.max()}: subtract the least value from it, or scale it"
        )
    raise BadImage(
        f"{name} is blank, its values are constant: is it the right file, channel and plane?"
    )


def check_fit(roi: Roi, em: Micrograph, ratio: float, options: RegistrationOptions) -> None:
    """Refuse a region that cannot lie in the EM.

    Raises
    ------
    PatchLargerThanEM
        Even at the smallest ratio allowed it is larger than the EM, either way round.
    """
    least = ratio * (1 - options.ratio_uncertainty)
    sides = sorted((roi.height * least, roi.width * least))
    room = sorted(em.shape)
    if sides[0] > room[0] or sides[1] > math.hypot(*room):
        raise PatchLargerThanEM(
            f"the region of {roi.height:g} x {roi.width:g} LM pixels is "
            f"{roi.height * ratio:.0f} x {roi.width * ratio:.0f} EM pixels at a ratio of "
            f"{ratio:.3g}, and the EM has {em.shape[0]} x {em.shape[1]}: draw a smaller "
            "region, or check the pixel sizes"
        )


def check_take(rank: int, count: int) -> None:
    """Refuse the rank of a candidate that is not listed.

    Raises
    ------
    InvalidOption
        There are not so many, or it is no whole number.
    """
    if not is_whole(rank):
        raise InvalidOption(f"candidate {rank!r} is to be taken: a whole number is needed")
    if not 1 <= rank <= count:
        raise InvalidOption(
            f"candidate {rank} is to be taken: there are {count}, the first has the number 1"
        )


def check_reach(roi: Roi, em_shape: tuple[int, int], em_to_lm: Matrix) -> None:
    """Refuse a place that was given by hand and leaves nothing of the region in the EM.

    Raises
    ------
    RoiError
        All of it lies outside.
    """
    if len(_within(map_points(invert(em_to_lm), roi.corners), em_shape)) < 3:
        raise RoiError(
            "where it was placed by hand, the region lies outside the EM image of "
            f"{em_shape[0]} x {em_shape[1]} pixels: move the EM over it"
        )


def check_magnification(magnification: float) -> None:
    """Refuse a place that was given, EM pixels per LM pixel, where the EM's are the larger by far.

    Raises
    ------
    TransformError
        They are; the EM would be drawn on pixels without number.
    """
    if magnification < LEAST_MAGNIFICATION:
        raise TransformError(
            f"at this place one EM pixel is {1 / magnification:.3g} LM pixels large: the matrix "
            "must take EM pixels to LM pixels, (row, col, 1); is it the other way round, or in "
            "another unit?"
        )


def overlap_region(lm_shape: tuple[int, int], em_shape: tuple[int, int], em_to_lm: Matrix) -> Roi:
    """Return the region that the LM and the EM have in common, in LM pixels.

    Parameters
    ----------
    lm_shape, em_shape : (rows, cols)
    em_to_lm : ndarray, shape (3, 3)

    Raises
    ------
    RoiError
        They have none.
    """
    rows, cols = em_shape
    common = _within(map_points(em_to_lm, Roi(0, 0, rows, cols).corners), lm_shape)
    if len(common) < 3:
        raise RoiError("where it was placed by hand, the EM does not lie on the LM: move it there")
    return Roi.from_outline(common)


def _within(polygon: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the part of a convex polygon, shape (K, 2), that lies in an image.

    References
    ----------
    I. Sutherland and G. Hodgman, Reentrant polygon clipping, Communications of the ACM
    17(1), 1974, doi:10.1145/360767.360802.
    """
    for axis, edge, side in ((0, -0.5, 1), (0, shape[0] - 0.5, -1), (1, -0.5, 1),
                             (1, shape[1] - 0.5, -1)):  # fmt: skip
        inward = side * (polygon[:, axis] - edge)
        kept = []
        for here, there, depth, next_depth in zip(
            polygon, np.roll(polygon, -1, axis=0), inward, np.roll(inward, -1), strict=True
        ):
            if depth >= 0:
                kept.append(here)
            if min(depth, next_depth) < 0 < max(depth, next_depth):
                crossing = here + depth / (depth - next_depth) * (there - here)
                # As far out as corners may lie, rounding would leave it off the edge.
                crossing[axis] = edge
                kept.append(crossing)
        polygon = np.array(kept).reshape(-1, 2)
    return polygon
