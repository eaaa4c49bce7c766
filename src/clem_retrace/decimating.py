"""Images decimated by a factor, in one pass from their first row to their last."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, compose, decimation, invert, translation
from clem_retrace.low_pass import LowPass
from clem_retrace.micrograph import Micrograph
from clem_retrace.resampling import warp

__all__ = ["decimate", "decimate_steps"]

#: So many blocks are held while an image is decimated, before some rows of the grid are made.
BAND_PIXELS = 1 << 24

#: The finest grid that an image is put on, its pixels in those of the image: it is decimated, as
#: a rule, but a ratio may be off, and an EM hardly finer than the LM.
LEAST_FACTOR = 0.1


def decimate(micrograph: Micrograph, factor: float) -> tuple[NDArray[np.float32], Matrix]:
    """Return a micrograph low-passed and decimated by any factor of at least 1.

    Returns
    -------
    image : ndarray, shape (about M / factor, about N / factor), float32
        NaN where the micrograph holds no finite values.
    to_grid : ndarray, shape (3, 3)
        From the micrograph's pixels to those of `image`.

    Raises
    ------
    BadImage
        The image has less than half a pixel on that grid, or would grow beyond measure.
    """
    return run(decimate_steps(micrograph, factor, "decimation"))


def decimate_steps(
    micrograph: Micrograph, factor: float, stage: str
) -> Steps[tuple[NDArray[np.float32], Matrix]]:
    """Yield progress of `decimate` under the name of `stage`; return what it returns."""
    if factor < LEAST_FACTOR:
        raise BadImage(
            f"{micrograph.name or 'the image'} would be drawn {1 / factor:.3g} times as large as "
            "it is; check the pixel sizes"
        )
    if factor > 2 * max(micrograph.shape):
        rows, cols = micrograph.shape
        raise BadImage(
            f"{micrograph.name or 'the image'} has {rows} x {cols} pixels: nothing is left of it "
            f"when it is decimated by {factor:.3g}; check the pixel sizes"
        )
    low_pass = LowPass.towards(micrograph, factor)
    rows, cols = low_pass.shape
    to_grid = decimation(factor)
    band = _Band(
        low_pass,
        compose(to_grid, invert(low_pass.to_blocks)),
        (
            max(1, round(micrograph.shape[0] / factor)),
            max(1, round(micrograph.shape[1] / factor)),
        ),
    )
    image, done = np.empty(band.shape, np.float32), 0
    held: list[NDArray[np.float32]] = []
    first = reached = 0
    yield Progress(stage, 0, rows)
    for means in low_pass.means(slice(0, rows), slice(0, cols)):
        held.append(means)
        reached += len(means)
        if reached == rows or (reached - first) * cols >= BAND_PIXELS:
            blocks, last = np.concatenate(held), band.last(reached)
            image[done:last] = band.onto_grid(blocks, first, done, last)
            done, kept = last, band.first(last)
            held, first = [blocks[kept - first :].copy()], kept
        yield Progress(stage, reached, rows)
    return image, to_grid


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """Some rows of an image of blocks after the other, blurred and put on the grid.

    Attributes
    ----------
    low_pass : LowPass
    to_grid : ndarray, shape (3, 3)
        From blocks to the grid, not turned.
    shape : (rows, cols)
        Of the grid.
    """

    low_pass: LowPass
    to_grid: Matrix
    shape: tuple[int, int]

    def first(self, row: int) -> int:
        """Return the first row of blocks that a row of the grid needs."""
        block = float((row - self.to_grid[0, 2]) / self.to_grid[0, 0])
        return min(max(math.floor(block) - 1 - self.low_pass.reach, 0), self.low_pass.shape[0])

    def last(self, reached: int) -> int:
        """Return how many rows of the grid need no blocks from a row on."""
        if reached == self.low_pass.shape[0]:
            return self.shape[0]
        block = reached - 2 - self.low_pass.reach
        return max(0, math.floor(float(self.to_grid[0, 0] * block + self.to_grid[0, 2])))

    def onto_grid(
        self, blocks: NDArray[np.float32], first: int, start: int, stop: int
    ) -> NDArray[np.float32]:
        """Return rows of the grid from the rows of blocks that they need, `first` the first."""
        image = self.low_pass.blurred(blocks)
        if np.allclose(self.to_grid, np.eye(3), atol=1e-9) and self.shape == self.low_pass.shape:
            return image[start - first : stop - first]
        # Edge pixels repeat outwards by the half pixel that the grids differ by.
        padded = np.pad(image, 1, mode="edge")
        from_padded = compose(translation((-start, 0)), self.to_grid, translation((first - 1, -1)))
        return warp(padded, from_padded, (stop - start, self.shape[1]), order=1)
