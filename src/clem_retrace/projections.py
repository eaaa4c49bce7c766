"""Stacks of planes that become one image."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.pixels import is_whole, read

__all__ = ["Projection", "project"]

Projection = Literal["max", "mean", "min", "std", "plane"]

#: Of a stack that need not be in memory, so many pixels are projected at a time.
BAND_PIXELS = 1 << 24


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
        if not is_whole(plane) or not 0 <= plane < stack.shape[0]:
            raise InvalidOption(f"plane {plane} of a stack that has {stack.shape[0]} planes")
        return stack[int(plane)]  # type: ignore[no-any-return]
    if stack.shape[0] == 0:
        raise BadImage(f"the stack has no planes: its shape is {stack.shape}")
    if not hasattr(stack, projection):
        # It is read as it is asked for, and may be too large to be read at once.
        rows = max(1, BAND_PIXELS // max(1, stack.shape[0] * stack.shape[2]))
        bands = (slice(first, first + rows) for first in range(0, stack.shape[1], rows))
        return np.concatenate(
            [project(read(stack, slice(None), band), projection) for band in bands]
        )
    # What is infinite or too large in a plane is missing in the projection.
    with np.errstate(over="ignore", invalid="ignore"):
        if projection in ("mean", "std"):
            return getattr(stack, projection)(axis=0, dtype=np.float32)  # type: ignore[no-any-return]
        return getattr(stack, projection)(axis=0)  # type: ignore[no-any-return]
