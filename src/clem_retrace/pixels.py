"""Pixels as they are given: of any type, with values missing, huge or masked."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, ClemRetraceError

__all__ = ["LARGEST_VALUE", "as_float32", "is_whole", "plane_of", "read", "real_number"]

#: Pixels beyond it count as missing: files mark those by 1e38 or so, and sums over an image
#: of such values would leave what float32 holds.
LARGEST_VALUE = 1e30


def as_float32(pixels: Any) -> NDArray[np.float32]:
    """Return pixels of any real type; NaN where they are infinite, or beyond `LARGEST_VALUE`."""
    pixels = np.asarray(pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        values: NDArray[np.float32] = pixels.astype(np.float32, copy=False)
    if pixels.dtype.kind != "f" or not values.size:
        return values
    # Least and greatest are had in a tenth of the time of a mask, and NaN shows in them.
    if values.min() >= -LARGEST_VALUE and values.max() <= LARGEST_VALUE:
        return values
    return np.where(np.abs(values) <= LARGEST_VALUE, values, np.float32(np.nan))


def read(image: Any, *part: slice, name: str = "") -> NDArray[Any]:
    """Return a part of an image that may be read lazily, or all of it.

    Raises
    ------
    BadImage
        What stores it cannot decode it, as zarr a chunk that is damaged. What the system says of
        a file or a drive is passed on as it is.
    """
    try:
        return np.asarray(image[part] if part else image)
    # Each codec has errors of its own; that of gzip is an OSError without a number.
    except Exception as error:
        if isinstance(error, ClemRetraceError | MemoryError) or getattr(error, "errno", None):
            raise
        raise BadImage(
            f"{name or 'the image'} cannot be read: it is damaged, or was changed while it was in "
            f"use ({type(error).__name__}: {error})"
        ) from error


def plane_of(data: Any, name: str) -> Any:
    """Return what holds an image; it is not read, but what is masked in it becomes NaN.

    Parameters
    ----------
    data : array_like
        With ``shape`` and ``dtype``; nested lists become an array.
    name : str
        For messages.

    Raises
    ------
    BadImage
        It is not two-dimensional, empty, or not of a real number type.
    """
    if not (hasattr(data, "shape") and hasattr(data, "dtype")):
        data = _listed(data, name)
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
    if any(math.isnan(side) for side in shape):
        raise BadImage(f"{name} does not know its shape: compute the sizes of its chunks first")
    if np.dtype(data.dtype).kind not in "buif":
        raise BadImage(f"{name} holds {data.dtype}: real numbers are needed")
    if isinstance(data, np.ma.MaskedArray):
        return np.ma.filled(data.astype(np.result_type(data.dtype, np.float32)), np.nan)
    if isinstance(getattr(data, "_meta", None), np.ma.MaskedArray):
        # Where its parts are read, the mask would be lost without a word.
        raise BadImage(f"{name} is masked, and not in memory: compute it, or fill it with NaN")
    return data


def _listed(data: Any, name: str) -> NDArray[Any]:
    """Return nested lists as an array."""
    try:
        return np.asarray(data)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadImage(f"{name} is no array of numbers: {error}") from error


def real_number(value: Any) -> float:
    """Return a real number of any type as one of Python's own; NaN for what is none.

    What is an int stays one; numbers that a float does not hold are infinite.
    """
    if isinstance(value, bool) or not isinstance(value, Real | int):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.inf if value == abs(value) else -math.inf
    return value if isinstance(value, int) else number


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, of any type."""
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
