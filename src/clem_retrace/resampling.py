"""Images on another grid: warped by a transform, decimated by a factor, read in strips.

The one place where a transform is turned round for `scipy.ndimage.affine_transform`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, decimation, invert
from clem_retrace.micrograph import Micrograph

__all__ = ["decimate", "decimate_steps", "warp"]

#: Low-pass before decimating by d: a Gaussian of 0.45 d leaves 2 % of the amplitude at the
#: new grid's Nyquist frequency times 2, and blurs by less than half a new pixel.
LOW_PASS = 0.45

#: Rows of full-resolution pixels that are read at a time: 2^22 pixels, 16 MB as float32.
STRIP_PIXELS = 1 << 22


def warp(
    image: NDArray[Any],
    image_to_grid: Matrix,
    shape: tuple[int, int],
    *,
    order: int = 1,
    fill: float = np.nan,
) -> NDArray[np.float32]:
    """Return `image` resampled once onto another grid.

    Parameters
    ----------
    image : ndarray, shape (M, N)
    image_to_grid : ndarray, shape (3, 3)
        From the image's pixels to the grid's.
    shape : (rows, cols)
        Of the grid.
    order : int
        Of the spline: 1 is bilinear, 3 cubic.
    fill : float
        Value of grid pixels that lie outside the image.

    Returns
    -------
    ndarray, shape `shape`, float32
    """
    return ndimage.affine_transform(  # type: ignore[no-any-return]
        image,
        invert(image_to_grid),
        output_shape=shape,
        output=np.float32,
        order=order,
        mode="constant",
        cval=fill,
    )


def decimate(micrograph: Micrograph, factor: float) -> tuple[NDArray[np.float32], Matrix]:
    """Return a micrograph low-passed and decimated by any factor of at least 1.

    Returns
    -------
    image : ndarray, shape (about M / factor, about N / factor), float32
        NaN where the micrograph holds no finite values.
    to_grid : ndarray, shape (3, 3)
        From the micrograph's pixels to those of `image`.
    """
    return run(decimate_steps(micrograph, factor, "decimation"))


def decimate_steps(
    micrograph: Micrograph, factor: float, stage: str
) -> Steps[tuple[NDArray[np.float32], Matrix]]:
    """Yield progress of `decimate` under the name of `stage`; return what it returns."""
    # Whole blocks are averaged while reading, half-way to the grid at most; the rest of the
    # low-pass and the interpolation then work on an image that is small.
    level, to_level = micrograph.coarsest(max(factor / 2, 1.0))
    done = 1 / math.sqrt(abs(np.linalg.det(to_level[:2, :2])))
    block = max(1, int(factor / done / 2))
    image, to_blocks = yield from _block_means(level, block, stage)
    # Blocks and the blur that is left have the variance of the low-pass together.
    rest = factor / (done * block)
    variance = (LOW_PASS * rest) ** 2 - (1 / 12 if block > 1 or done > 1 else 0)
    if rest > 1.01:
        image = _blur(image, math.sqrt(max(variance, 0.0)))
    shape = (
        max(1, round(micrograph.shape[0] / factor)),
        max(1, round(micrograph.shape[1] / factor)),
    )
    to_grid = decimation(factor)
    blocks_to_grid = compose(to_grid, invert(compose(to_blocks, to_level)))
    if np.allclose(blocks_to_grid, np.eye(3), atol=1e-9) and image.shape == shape:
        return image, to_grid
    # Edge pixels repeat outwards by the half pixel that the grids differ by.
    padded = np.pad(image, 1, mode="edge")
    from_padded = compose(blocks_to_grid, np.array([[1.0, 0, -1], [0, 1, -1], [0, 0, 1]]))
    return warp(padded, from_padded, shape, order=1), to_grid


def _block_means(level: Any, block: int, stage: str) -> Steps[tuple[NDArray[np.float32], Matrix]]:
    """Return the means of block x block pixels; the last blocks of a side may be part-filled."""
    rows, cols = level.shape
    out = np.empty((math.ceil(rows / block), math.ceil(cols / block)), np.float32)
    strip = max(1, STRIP_PIXELS // (cols * block))
    for first in range(0, out.shape[0], strip):
        yield Progress(stage, first, out.shape[0])
        last = min(first + strip, out.shape[0])
        part = np.asarray(level[first * block : last * block], dtype=np.float32)
        if block > 1:
            missing = (-part.shape[0] % block, -part.shape[1] % block)
            if any(missing):
                part = np.pad(part, ((0, missing[0]), (0, missing[1])), mode="edge")
            part = part.reshape(last - first, block, -1, block).mean(axis=(1, 3))
        out[first:last] = part
    yield Progress(stage, out.shape[0], out.shape[0])
    return out, decimation(block)


def _blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a Gaussian blur in which missing (NaN) pixels carry no weight."""
    known = np.isfinite(image)
    if known.all():
        return ndimage.gaussian_filter(image, sigma, mode="nearest")  # type: ignore[no-any-return]
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, mode="nearest")
    total = ndimage.gaussian_filter(np.where(known, image, 0), sigma, mode="nearest")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, total / weight, np.nan).astype(np.float32)
