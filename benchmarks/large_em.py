"""An EM montage of any size that is on no disk, and an LM of part of it.

A zarr store computes its chunks when they are asked for: vesicles and membranes known at the
LM's resolution, enlarged, with texture of the EM's own. So a montage of 40,000 pixels a side
takes no room, and no two places of it are alike.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from scipy import ndimage
from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype

from clem_retrace.geometry import Matrix, similarity
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.resampling import warp

#: EM pixels per LM pixel, and nm of an EM pixel: those of the paper's second experiment.
RATIO, EM_NM = 10, 11.0

#: Side of a chunk, pixels; of the EM's own texture, before it repeats; of the LM.
CHUNK, TEXTURE, LM_SIDE = 1000, 1024, 512

#: The region searched for, LM pixels.
ROI = Roi(206, 196, 100, 120)

ANGLE = 37.0

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Montage:
    """What is seen at the LM's resolution, and the finer texture on it.

    Attributes
    ----------
    coarse : ndarray, shape (side / RATIO,) * 2, float32
    texture : ndarray, shape (TEXTURE, TEXTURE), float32
    side : int, EM pixels
    """

    coarse: Image
    texture: Image
    side: int

    @classmethod
    def of(cls, side: int, seed: int) -> Montage:
        """Return a montage; a side that is no multiple of the chunk's is one of the ratio's."""
        rng = np.random.default_rng([seed, side])
        small = side // RATIO
        noise = rng.standard_normal((small, small), dtype=np.float32)
        # Structures of two sizes, some 2 and 5 LM pixels; sparse, as organelles are.
        vesicles = ndimage.gaussian_filter(noise, 1.5)
        vesicles = np.clip(vesicles / vesicles.std() - 1.2, 0, 2)
        folds = ndimage.gaussian_filter(noise[::-1], 4.0)
        coarse = vesicles + 0.5 * np.abs(folds / folds.std())
        texture = rng.standard_normal((TEXTURE, TEXTURE), dtype=np.float32)
        texture = ndimage.gaussian_filter(texture, 1.0, mode="wrap")
        return cls(coarse, texture / texture.std(), side)

    def part(self, row: int, col: int, rows: int, cols: int, factor: int = 1) -> NDArray[np.uint8]:
        """Return pixels of the EM decimated by a factor, from (row, col) of that copy."""
        step = factor / RATIO
        offset = 0.5 * step - 0.5
        centre = [
            np.arange(first, first + n) * step + offset for first, n in ((row, rows), (col, cols))
        ]
        low = [max(int(axis[0]) - 1, 0) for axis in centre]
        high = [int(axis[-1]) + 3 for axis in centre]
        near = self.coarse[low[0] : high[0], low[1] : high[1]]
        to_part = np.array(
            [
                [1 / step, 0, (low[0] - offset) / step - row],
                [0, 1 / step, (low[1] - offset) / step - col],
                [0, 0, 1],
            ]
        )
        seen = warp(np.pad(near, 1, mode="edge"), to_part @ _shift(-1), (rows, cols), fill=0.0)
        if factor == 1:
            wrapped = [
                np.arange(first, first + n) % TEXTURE for first, n in ((row, rows), (col, cols))
            ]
            seen = seen + 0.25 * self.texture[np.ix_(*wrapped)]
        return np.clip(210 - 70 * seen, 0, 255).astype(np.uint8)


def _shift(by: float) -> Matrix:
    return np.array([[1.0, 0, by], [0, 1, by], [0, 0, 1]])


class LazyStore(Store):
    """A read-only zarr store of one array, whose chunks are computed when they are read."""

    supports_writes = supports_deletes = supports_listing = False

    def __init__(self, montage: Montage, factor: int) -> None:
        super().__init__(read_only=True)
        self._montage, self._factor = montage, factor
        self.chunks_read = 0
        side = montage.side // factor
        self._metadata = json.dumps(
            {
                "zarr_format": 3,
                "node_type": "array",
                "shape": [side, side],
                "data_type": "uint8",
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [CHUNK, CHUNK]}},
                "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
                "fill_value": 0,
                "codecs": [{"name": "bytes"}],
                "attributes": {},
            }
        ).encode()

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,  # noqa: ARG002
    ) -> Buffer | None:
        """Return the metadata or a chunk."""
        if key == "zarr.json":
            return prototype.buffer.from_bytes(self._metadata)
        if not key.startswith("c/"):
            return None
        row, col = (int(number) * CHUNK for number in key.split("/")[1:])
        side = self._montage.side // self._factor
        chunk = np.zeros((CHUNK, CHUNK), np.uint8)
        inside = (min(CHUNK, side - row), min(CHUNK, side - col))
        chunk[: inside[0], : inside[1]] = self._montage.part(row, col, *inside, self._factor)
        self.chunks_read += 1
        return prototype.buffer.from_bytes(chunk.tobytes())

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return several."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        """Whether there is metadata or a chunk of this name."""
        return key == "zarr.json" or key.startswith("c/")

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """Refuse."""
        raise NotImplementedError

    async def list(self) -> AsyncIterator[str]:
        """List nothing."""
        return
        yield

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002
        """List nothing."""
        return
        yield

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002
        """List nothing."""
        return
        yield


def large_pair(
    side: int, *, multiscale: bool, seed: int = 1
) -> tuple[Micrograph, Micrograph, Matrix, list[LazyStore]]:
    """Return LM, lazy EM, the true EM to LM, and the stores, which count what was read.

    Parameters
    ----------
    side : int, EM pixels
        At least 2000.
    multiscale : bool
        Whether the EM has levels decimated by 2, 4 and 8 too.
    seed : int
    """
    montage = Montage.of(side, seed)
    small = side / RATIO
    lm_side = min(LM_SIDE, int(small))
    roi_centre = np.array(ROI.centre) * lm_side / LM_SIDE
    # The region lies off the middle of the EM, whatever its size.
    target = 0.58 * np.array([small, small])
    to_lm = similarity(1.0, ANGLE, True, target, roi_centre)
    lm = warp(montage.coarse, to_lm, (lm_side, lm_side), order=1, fill=0.0)
    rng = np.random.default_rng([seed, side, 1])
    lm = ndimage.gaussian_filter(lm, 0.7) + 0.15 * rng.standard_normal(lm.shape, dtype=np.float32)
    factors = (1, 2, 4, 8) if multiscale else (1,)
    stores = [LazyStore(montage, factor) for factor in factors]
    levels: list[Any] = [zarr.open_array(store, mode="r") for store in stores]
    em_to_coarse = np.array(
        [[1 / RATIO, 0, 0.5 / RATIO - 0.5], [0, 1 / RATIO, 0.5 / RATIO - 0.5], [0, 0, 1]]
    )
    return (
        Micrograph(lm, RATIO * EM_NM, "LM"),
        Micrograph(levels[0], EM_NM, "EM", tuple(levels[1:])),
        to_lm @ em_to_coarse,
        stores,
    )


def region(lm: Micrograph) -> Roi:
    """Return the region, smaller on a smaller LM."""
    part = lm.shape[0] / LM_SIDE
    return Roi(ROI.row * part, ROI.col * part, ROI.height * part, ROI.width * part)
