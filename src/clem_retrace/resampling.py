"""Images on another grid, seen through a transform and read in parts.

`Sampling` is a micrograph seen on a grid. It is read and computed piece by piece, as far as it
is asked for, and the pieces fit together without seams: blocks of pixels, the low-pass and the
points at which a bent transform is evaluated lie in the same places for all of them.

Where the grid is coarser than the micrograph, it is low-passed first; where it is finer, it is
interpolated: linearly by default, which stays between the values that were measured. The
cubic spline looks smoother, and overshoots by up to 11 % at sharp edges. Labels take the
value of the nearest pixel, whatever the grid.

`warp` is the one place where a transform is turned round for `scipy.ndimage.affine_transform`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import Matrix, invert, map_points
from clem_retrace.low_pass import LowPass
from clem_retrace.micrograph import Micrograph
from clem_retrace.parallel import in_order
from clem_retrace.pixels import read
from clem_retrace.pulls import NODE_STEP, Nodes, Pull, Window, coarseness

__all__ = [
    "Drawing",
    "Interpolation",
    "Sampling",
    "sample",
    "sample_steps",
    "warp",
]

Interpolation = Literal["nearest", "linear", "cubic"]

#: The largest pieces of a grid, pixels a side; smaller ones are powers of 2 too.
PIECE = 512

#: A piece is made so small that about so many of the micrograph's pixels a side are read for
#: it, which takes a tenth of a second, and so many or blocks of them are held.
READ_SIDE, HELD_SIDE = 2048, 1024

#: But not smaller than this, where the low-pass looks some grid pixels further.
SMALLEST_PIECE = 64

#: How far the interpolation looks. The cubic spline's filter falls by 0.27 a pixel: after 13
#: of them, by more than float32 can hold.
REACH = {"linear": 1, "cubic": 13}


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
    # Imported when needed: docks that hold a `Sampling` open without scipy.
    from scipy import ndimage

    return ndimage.affine_transform(  # type: ignore[no-any-return]
        image,
        invert(image_to_grid),
        output_shape=shape,
        output=np.float32,
        order=order,
        mode="constant",
        cval=fill,
    )


class Drawing(Protocol):
    """An image that is given in pieces, such as a `Sampling`."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pieces."""

    def pieces(self, window: Window | None = None) -> Iterator[tuple[Window, NDArray[Any]]]:
        """Yield the pieces of a window, or of the whole, each with its place."""


def sample(
    micrograph: Micrograph,
    to_grid: Matrix,
    shape: tuple[int, int],
    *,
    interpolation: Interpolation = "linear",
) -> NDArray[Any]:
    """Return a micrograph on a grid: what lies on it is read, low-passed and interpolated.

    Parameters
    ----------
    micrograph : Micrograph
    to_grid : ndarray, shape (3, 3)
        From the micrograph's pixels to the grid's.
    shape : (rows, cols)
        Of the grid.
    interpolation : {"nearest", "linear", "cubic"}

    Returns
    -------
    ndarray, shape `shape`
        As `Sampling.pieces` gives it.
    """
    pull = partial(map_points, invert(to_grid))
    return run(sample_steps(Sampling(micrograph, pull, shape, interpolation), "sampling"))


def sample_steps(drawing: Drawing, stage: str) -> Steps[NDArray[Any]]:
    """Yield progress under the name of `stage`; return all pieces of a drawing together."""
    out = np.empty(drawing.shape, drawing.dtype)
    done = 0
    for window, values in drawing.pieces():
        out[window] = values
        done += values.size
        yield Progress(stage, done, out.size)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """A micrograph seen on a grid: nothing is read before it is asked for.

    Attributes
    ----------
    micrograph : Micrograph
    from_grid : callable
        See `Pull`.
    shape : (rows, cols)
        Of the grid.
    interpolation : {"nearest", "linear", "cubic"}
        With "nearest" values are never blended, nor low-passed.
    coarseness : float
        The micrograph's pixels a pixel of the grid, the median over the grid.
    """

    micrograph: Micrograph
    from_grid: Pull
    shape: tuple[int, int]
    interpolation: Interpolation = "linear"
    coarseness: float = field(init=False)
    _low_pass: LowPass = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Measure how coarse the grid is."""
        object.__setattr__(self, "coarseness", coarseness(self.from_grid, self.shape))
        low_pass = LowPass.towards(self.micrograph, max(self.coarseness, 1.0))
        object.__setattr__(self, "_low_pass", low_pass)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pieces: float32; the micrograph's own with "nearest"."""
        nearest = self.interpolation == "nearest"
        return np.dtype(self.micrograph.data.dtype).newbyteorder("=") if nearest else _FLOAT32

    def pieces(self, window: Window | None = None) -> Iterator[tuple[Window, NDArray[Any]]]:
        """Yield the pieces of a window, or of the whole grid, each with its place on the grid.

        They are read in this thread, one after the other, and computed in several.

        Returns
        -------
        iterator of (window, values)
            NaN, or 0 with "nearest", outside the micrograph and where it holds no finite
            values. A pixel belongs to it up to its outer border.
        """
        rows, cols = window or (slice(0, self.shape[0]), slice(0, self.shape[1]))
        side = self._piece_side()
        windows = (
            (slice(row, min(row + side, rows.stop)), slice(col, min(col + side, cols.stop)))
            for row in range(rows.start, rows.stop, side)
            for col in range(cols.start, cols.stop, side)
        )
        return in_order(self._computed, map(self._read, windows))

    def _piece_side(self) -> int:
        """Return how large the pieces are, a power of 2."""
        nearest = self.interpolation == "nearest"
        held = self.coarseness * (1.0 if nearest else self._low_pass.to_blocks[0, 0])
        longest = min(READ_SIDE / self.coarseness, HELD_SIDE / held)
        side = 1 << int(math.log2(longest + 1))
        return min(max(side, NODE_STEP if nearest else SMALLEST_PIECE), PIECE)

    def _read(self, window: Window) -> _Piece:
        """Return what the values of a window are computed from."""
        nodes = Nodes.of(self.from_grid, window)
        known = nodes.known
        limits = np.array(self.micrograph.shape) - 1
        if not len(known) or (known.max(0) < -0.5).any() or (known.min(0) > limits + 0.5).any():
            return _Piece(nodes, (0, 0), None)
        ends = np.clip([known.min(axis=0), known.max(axis=0)], 0, limits)
        if self.interpolation == "nearest":
            first, last = np.floor(ends[0]).astype(int), np.ceil(ends[1]).astype(int) + 1
            rows, cols = slice(first[0], last[0]), slice(first[1], last[1])
            part = read(self.micrograph.data, rows, cols, name=self.micrograph.name)
            return _Piece(nodes, (first[0], first[1]), part)
        low_pass = self._low_pass
        reach = REACH[self.interpolation] + low_pass.reach
        low, high = map_points(low_pass.to_blocks, ends)
        first = np.maximum(np.floor(low).astype(int) - reach, 0)
        last = np.minimum(np.ceil(high).astype(int) + reach + 1, low_pass.shape)
        means = low_pass.means(slice(first[0], last[0]), slice(first[1], last[1]))
        return _Piece(nodes, (first[0], first[1]), np.concatenate(list(means)))

    def _computed(self, piece: _Piece) -> tuple[Window, NDArray[Any]]:
        """Return a window's place and values."""
        positions = piece.nodes.positions()
        limits = np.reshape(self.micrograph.shape, (2, 1, 1)) - 0.5
        inside = ((positions >= -0.5) & (positions < limits)).all(axis=0)
        nearest = self.interpolation == "nearest"
        out = np.full(inside.shape, 0 if nearest else np.nan, self.dtype)
        if piece.pixels is None or not inside.any():
            return piece.nodes.window, out
        at = positions.reshape(2, -1) if inside.all() else positions[:, inside]
        corner = np.reshape(piece.corner, (2, 1))
        if nearest:
            row, col = np.floor(at + 0.5).astype(int) - corner
            out[inside] = piece.pixels[row, col]
            return piece.nodes.window, out
        to_blocks = self._low_pass.to_blocks
        at *= to_blocks.diagonal()[:2, None]
        at += to_blocks[:2, 2:] - corner
        order = 1 if self.interpolation == "linear" else 3
        out[inside] = _interpolated(self._low_pass.blurred(piece.pixels), at, order)
        return piece.nodes.window, out


_FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A window of a grid, and the pixels round it or the blocks: `corner` and what follows.

    There are none when the window lies outside the micrograph.
    """

    nodes: Nodes
    corner: tuple[int, int]
    pixels: NDArray[Any] | None


def _interpolated(
    image: NDArray[np.float32], positions: NDArray[np.float64], order: int
) -> NDArray[np.float32]:
    """Return an image at positions, shape (2, K): missing pixels carry no weight.

    NaN where they have half of the weight and more.
    """
    from scipy import ndimage

    known = np.isfinite(image)
    at = partial(ndimage.map_coordinates, coordinates=positions, order=order, mode="nearest")
    if known.all():
        return at(image, output=np.float32)  # type: ignore[no-any-return]
    weight = at(known.astype(np.float32), output=np.float32)
    total = at(np.where(known, image, np.float32(0)), output=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0.5, total / weight, np.nan).astype(np.float32)
