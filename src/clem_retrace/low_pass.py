"""What is removed of a micrograph before it is seen on a coarser grid, read in strips."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, compose, decimation
from clem_retrace.micrograph import Micrograph
from clem_retrace.pixels import as_float32, read

__all__ = ["LowPass"]

#: Low-pass before decimating by d: a Gaussian of 0.45 d leaves 2 % of the amplitude at the
#: new grid's Nyquist frequency times 2, and blurs by less than half a new pixel.
LOW_PASS = 0.45

#: Full-resolution pixels that are read at a time: 2^22 pixels, 16 MB as float32.
STRIP_PIXELS = 1 << 22

#: Pixels of the image's own type that are held at most, where it is stored in chunks.
HELD_PIXELS = 1 << 26


@dataclass(frozen=True, slots=True, eq=False)
class LowPass:
    """The way from a micrograph to a coarser grid: means of blocks, then a blur.

    Whole blocks are averaged while reading, half-way to the grid at most; the rest of the
    low-pass and the interpolation then work on an image that is small.

    Attributes
    ----------
    level : array_like
        The coarsest of the micrograph's that will do.
    block : int
        Pixels of the level, a side.
    shape : (rows, cols)
        Of the image of blocks; the last ones of a side may be part-filled.
    to_blocks : ndarray, shape (3, 3)
        From the micrograph's pixels to blocks.
    sigma : float
        Of the blur that is left, in blocks.
    name : str
        The micrograph's, for messages.
    """

    level: Any
    block: int
    shape: tuple[int, int]
    to_blocks: Matrix
    sigma: float
    name: str

    @classmethod
    def towards(cls, micrograph: Micrograph, factor: float) -> Self:
        """Return the way to a grid that is coarser by a factor of at least 1."""
        # Coarser yet, and one pixel of the grid still holds the whole image.
        factor = min(factor, 2.0 * max(micrograph.shape))
        level, to_level = micrograph.coarsest(max(factor / 2, 1.0))
        done = 1 / math.sqrt(abs(np.linalg.det(to_level[:2, :2])))
        block = max(1, int(factor / done / 2))
        rows, cols = level.shape
        # Blocks and the blur that is left have the variance of the low-pass together.
        rest = factor / (done * block)
        variance = (LOW_PASS * rest) ** 2 - (1 / 12 if block > 1 or done > 1 else 0)
        return cls(
            level,
            block,
            (math.ceil(rows / block), math.ceil(cols / block)),
            compose(decimation(block), to_level),
            math.sqrt(max(variance, 0.0)) if rest > 1.01 else 0.0,
            micrograph.name,
        )

    @property
    def reach(self) -> int:
        """How many blocks the blur looks further."""
        return int(4 * self.sigma + 0.5)

    def means(self, rows: slice, cols: slice) -> Iterator[NDArray[np.float32]]:
        """Yield the means of some rows and columns of blocks, strip by strip."""
        block = self.block
        bottom = min(rows.stop * block, self.level.shape[0])
        strip = max(1, STRIP_PIXELS // ((cols.stop - cols.start) * block * block)) * block
        parts: list[NDArray[Any]] = []
        for band in _bands(self.level, slice(rows.start * block, bottom), strip):
            parts.append(self._pixels(band, cols))
            rest = np.concatenate(parts)
            whole = len(rest) if band.stop == bottom else len(rest) // block * block
            for first in range(0, whole, strip):
                yield _block_means(rest[first : min(first + strip, whole)], block)
            parts = [rest[whole:]] if whole < len(rest) else []

    def _pixels(self, rows: slice, cols: slice) -> NDArray[Any]:
        """Return some rows of the level, under some columns of blocks."""
        cols = slice(cols.start * self.block, cols.stop * self.block)
        return read(self.level, rows, cols, name=self.name)

    def blurred(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image of blocks after the blur that is left."""
        return _blurred(image, self.sigma) if self.sigma else image


def _bands(level: Any, rows: slice, strip: int) -> Iterator[slice]:
    """Yield the rows that are read at a time: no chunk is read twice, if it can be held."""
    chunks = getattr(level, "chunks", None)
    edge, height = rows.start, strip
    if chunks is not None:
        # zarr tells the size of a chunk, dask that of each.
        chunk = chunks[0] if isinstance(chunks[0], int) else max(chunks[0])
        if chunk * level.shape[1] <= HELD_PIXELS:
            height = max(chunk, strip // chunk * chunk)
            edge = rows.start // height * height
    while edge < rows.stop:
        yield slice(max(edge, rows.start), min(edge + height, rows.stop))
        edge += height


def _block_means(pixels: NDArray[Any], block: int) -> NDArray[np.float32]:
    """Return the means of blocks; the last ones of a side may be part-filled.

    Missing pixels carry no weight; a block is missing that has values on less than half of it.
    """
    part = as_float32(pixels)
    if block == 1:
        return part
    missing = (-part.shape[0] % block, -part.shape[1] % block)
    if any(missing):
        part = np.pad(part, ((0, missing[0]), (0, missing[1])), mode="edge")
    blocks = part.reshape(len(part) // block, block, -1, block)
    means: NDArray[np.float32] = blocks.mean((1, 3))
    if not np.isfinite(means).all():
        known = np.isfinite(blocks)
        share = known.mean((1, 3), dtype=np.float32)
        total = np.where(known, blocks, np.float32(0)).mean((1, 3))
        means = np.where(share >= 0.5, total / np.maximum(share, 0.5), np.float32(np.nan))
    return means


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a Gaussian blur in which missing (NaN) pixels carry no weight."""
    # Imported when needed: docks that hold a `Sampling` open without scipy.
    from scipy import ndimage

    known = np.isfinite(image)
    if known.all():
        return ndimage.gaussian_filter(image, sigma, mode="nearest")  # type: ignore[no-any-return]
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, mode="nearest")
    total = ndimage.gaussian_filter(np.where(known, image, 0), sigma, mode="nearest")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, total / weight, np.nan).astype(np.float32)
