"""Images drawn tile by tile, with their smaller copies: what is held in memory is a strip of rows.

Each copy has half the rows and columns of the last: the means of 2 x 2 pixels, or of labels the
first of them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.events import Progress, Steps
from clem_retrace.parallel import in_order
from clem_retrace.registration.warping import Warp

__all__ = ["EFFORT", "TILE", "Compression", "Store", "StoredPixels", "level_shapes", "tiles_steps"]

Compression = Literal["zlib", "none"]

#: Pixels a side of a tile, and rows of a strip.
TILE = 512

#: Smaller copies are made until no side is longer than this.
SMALLEST = 1024

#: Of zlib: of a micrograph, more effort saves 3 % of the file and takes 3 times as long.
EFFORT = 1


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """How values are stored: their type, what stands for 1 of a mask, what is not drawn."""

    dtype: np.dtype[Any]
    gain: float
    outside: float

    @classmethod
    def of(cls, warp: Warp, types: tuple[str, ...], outside: float) -> Self:
        """Return how the values of an image are stored in a file that has these types.

        Raises
        ------
        InvalidOption
            NaN is asked for and there are whole numbers.
        """
        dtype = np.dtype(warp.sampling.micrograph.data.dtype).newbyteorder("=")
        gain = 255.0 if dtype.kind == "b" and not warp.labels else 1.0
        if dtype.kind == "b":
            dtype = np.dtype(np.uint8)
        elif dtype.name not in types:
            narrow = {"int64": "int32", "uint64": "uint32"} if warp.labels else {}
            dtype = np.dtype(narrow.get(dtype.name, "float32"))
        if math.isnan(outside) and dtype.kind != "f":
            raise InvalidOption(
                f"{warp.name or 'the image'} holds {dtype}, which has no NaN: choose a number for "
                "what lies outside"
            )
        return cls(dtype, gain, outside)

    def stored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values as they are stored.

        Raises
        ------
        BadImage
            A label is too large a number.
        """
        if values.dtype.kind in "ui":
            stored = values.astype(self.dtype, copy=False)
            if not np.array_equal(stored, values):
                raise BadImage(
                    f"there is a label {values.max()}, more than {self.dtype} can hold: number "
                    "them anew, or write OME-Zarr"
                )
            return stored
        known = np.where(np.isfinite(values), values * self.gain, self.outside)
        if self.dtype.kind in "ui":
            limits = np.iinfo(self.dtype)
            # In float64: float32 has no 2^32 - 1, and rounding up would wrap round.
            known = np.clip(np.round(known.astype(np.float64)), limits.min, limits.max)
        return known.astype(self.dtype)


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the shapes of an image and of its smaller copies."""
    shapes = [shape]
    while max(shapes[-1]) > SMALLEST:
        rows, cols = shapes[-1]
        shapes.append((-(-rows // 2), -(-cols // 2)))
    return shapes


class Store(Protocol):
    """A file that takes tiles of an image and of its smaller copies, in any order."""

    def put(self, level: int, row: int, col: int, data: bytes) -> None:
        """Write the tile in a row and column of tiles."""


def tiles_steps(
    warp: Warp,
    pixels: StoredPixels,
    shapes: list[tuple[int, int]],
    compression: Compression,
    store: Store,
    stage: str,
) -> Steps[None]:
    """Yield progress; draw an image and its smaller copies, and put them into a store."""
    rows, cols = shapes[0]
    pyramid = _Pyramid(shapes, warp.labels)

    def encoded(tile: _Tile) -> tuple[int, int, int, bytes]:
        missing = [(0, TILE - side) for side in tile.values.shape]
        data = np.pad(tile.values, missing).tobytes()
        if compression == "zlib":
            data = zlib.compress(data, EFFORT)
        return tile.level, tile.row, tile.col, data

    for first in range(0, rows, TILE):
        window = slice(first, min(first + TILE, rows)), slice(0, cols)
        strip = np.empty((window[0].stop - first, cols), pixels.dtype)
        done = first * cols
        for (place, across), values in warp.pieces(window):
            strip[place.start - first : place.stop - first, across] = pixels.stored(values)
            done += values.size
            yield Progress(stage, done, rows * cols)
        for tile in in_order(encoded, pyramid.tiles(strip)):
            store.put(*tile)
            yield Progress(stage, done, rows * cols)


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """Values in a row and column of tiles; those at the far borders are smaller."""

    level: int
    row: int
    col: int
    values: NDArray[Any]


@dataclass(slots=True, eq=False)
class _Pyramid:
    """Strips of an image that are halved on their way down to the smallest copy."""

    shapes: list[tuple[int, int]]
    labels: bool
    _drawn: list[int] = field(init=False)
    _waiting: list[list[NDArray[Any]]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the first rows."""
        self._drawn = [0] * len(self.shapes)
        self._waiting = [[] for _ in self.shapes]

    def tiles(self, strip: NDArray[Any], level: int = 0) -> Iterator[_Tile]:
        """Yield the tiles of the next rows of a level, and those that they complete below it."""
        row = self._drawn[level] // TILE
        for col in range(0, strip.shape[1], TILE):
            yield _Tile(level, row, col // TILE, strip[:, col : col + TILE])
        self._drawn[level] += len(strip)
        below = level + 1
        if below == len(self.shapes):
            return
        waiting = self._waiting[below]
        waiting.append(_halved(strip, self.labels))
        if sum(map(len, waiting)) == TILE or self._drawn[level] == self.shapes[level][0]:
            self._waiting[below] = []
            yield from self.tiles(np.concatenate(waiting), below)


def _halved(strip: NDArray[Any], labels: bool) -> NDArray[Any]:
    """Return rows with half as many rows and columns; the last ones stand for themselves."""
    if labels:
        return np.ascontiguousarray(strip[::2, ::2])
    rows, cols = strip.shape
    padded = np.pad(strip, ((0, rows % 2), (0, cols % 2)), mode="edge")
    four = np.stack([padded[row::2, col::2] for row in (0, 1) for col in (0, 1)])
    if strip.dtype.kind != "f":
        halved: NDArray[Any] = np.round(four.mean(axis=0, dtype=np.float64)).astype(strip.dtype)
        return halved
    # Where some of the four are not drawn, the mean of the others.
    known = np.isfinite(four)
    total = np.where(known, four, 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: NDArray[Any] = (total / known.sum(axis=0)).astype(strip.dtype)
    return mean
