"""Files that take the tiles of an image and of its smaller copies: tiled TIFF, and Zarr."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clem_retrace.io.tiles import EFFORT, TILE, Compression

__all__ = ["TiledTiff", "ZarrStore"]

#: Where TIFF's 32-bit offsets end, with room for what is not pixels.
TIFF_BYTES = (1 << 32) - (1 << 26)


class TiledTiff:
    """A tiled TIFF file with smaller copies, of which the tiles are written in any order.

    tifffile writes a whole page in one call, and could not be stopped in it, nor tell how far
    it is. So it lays out pages whose tiles are empty; these are appended to the file, and in
    the end the pages are told where.
    """

    def __init__(
        self,
        file: BinaryIO,
        shapes: list[tuple[int, int]],
        dtype: np.dtype[Any],
        compression: Compression,
        first_page: dict[str, Any],
    ) -> None:
        import tifffile

        self._file = file
        counts = [(-(-rows // TILE), -(-cols // TILE)) for rows, cols in shapes]
        self._places = [np.zeros((2, *count), np.int64) for count in counts]
        size = sum(rows * cols for rows, cols in counts) * TILE * TILE * dtype.itemsize
        file.seek(0)
        with tifffile.TiffWriter(file, bigtiff=size > TIFF_BYTES, ome=True) as tif:
            for level, (shape, (rows, cols)) in enumerate(zip(shapes, counts, strict=True)):
                page = first_page if level == 0 else {"photometric": "minisblack"}
                tif.write(
                    iter([b""] * (rows * cols)),
                    shape=shape,
                    dtype=dtype,
                    tile=(TILE, TILE),
                    compression=None if compression == "none" else compression,
                    subifds=len(shapes) - 1 if level == 0 else None,
                    subfiletype=0 if level == 0 else 1,
                    **page,
                )
        file.seek(0, os.SEEK_END)

    def put(self, level: int, row: int, col: int, data: bytes) -> None:
        """Append a tile."""
        self._places[level][:, row, col] = self._file.tell(), len(data)
        self._file.write(data)

    def finish(self) -> None:
        """Write where the tiles are."""
        import tifffile

        self._file.seek(0)
        with tifffile.TiffFile(self._file) as tif:
            first = tif.pages.first
            pages = [first, *(first.pages or ())]
            for page, (offsets, counts) in zip(pages, self._places, strict=True):
                page.tags["TileOffsets"].overwrite(offsets.ravel().tolist())
                page.tags["TileByteCounts"].overwrite(counts.ravel().tolist(), dtype="I")


class ZarrStore:
    """A folder of Zarr 2: a group with an array for each level, a file for each chunk.

    References
    ----------
    Zarr storage specification, version 2, https://zarr-specs.readthedocs.io.
    """

    def __init__(
        self,
        folder: Path,
        shapes: list[tuple[int, int]],
        dtype: np.dtype[Any],
        compression: Compression,
        attributes: dict[str, Any],
    ) -> None:
        self._folder = folder
        self._put("", ".zgroup", {"zarr_format": 2})
        self._put("", ".zattrs", attributes)
        for level, shape in enumerate(shapes):
            array = {
                "zarr_format": 2,
                "shape": shape,
                "chunks": (TILE, TILE),
                "dtype": dtype.newbyteorder("<").str,
                "compressor": None if compression == "none" else {"id": "zlib", "level": EFFORT},
                "fill_value": 0,  # all chunks are written
                "order": "C",
                "filters": None,
                "dimension_separator": "/",
            }
            self._put(str(level), ".zarray", array)

    def put(self, level: int, row: int, col: int, data: bytes) -> None:
        """Write a chunk."""
        folder = self._folder / str(level) / str(row)
        folder.mkdir(exist_ok=True)
        with (folder / str(col)).open("wb") as file:
            file.write(data)
            file.flush()
            # Now, a little each time: in the end all of them would keep one waiting.
            os.fsync(file.fileno())

    def _put(self, group: str, name: str, values: dict[str, Any]) -> None:
        folder = self._folder / group
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
