"""Images drawn on the grid of another, as calibrated OME-TIFF and OME-Zarr files.

They are drawn and written tile by tile, see `tiles`: memory stays bounded, and they can be
stopped at any time, which leaves an older file as it was.
"""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

from clem_retrace.events import Steps, run
from clem_retrace.io.tile_stores import TiledTiff, ZarrStore
from clem_retrace.io.tiles import EFFORT, Compression, StoredPixels, level_shapes, tiles_steps
from clem_retrace.io.writing import replacing
from clem_retrace.registration.warping import Warp
from clem_retrace.resampling import sample_steps

__all__ = [
    "write_ome_tiff",
    "write_ome_tiff_steps",
    "write_ome_zarr",
    "write_ome_zarr_steps",
]

#: TIFF files of images with no longer side are plain, in one piece: every program opens these,
#: while ImageJ without Bio-Formats opens none with tiles.
PLAIN = 4096

#: OME-TIFF has no 64-bit integers and no half floats.
OME_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def write_ome_tiff(path: str | os.PathLike[str], warp: Warp, **how: Any) -> Path:
    """Return the path after drawing an image; `write_ome_tiff_steps` says `how` it can be."""
    return run(write_ome_tiff_steps(path, warp, **how))


def write_ome_tiff_steps(
    path: str | os.PathLike[str],
    warp: Warp,
    *,
    compression: Compression = "zlib",
    outside: float = 0.0,
    stage: str = "writing",
) -> Steps[Path]:
    """Yield progress; return the path after drawing an image into an OME-TIFF file.

    Images with a side of more than 4096 pixels are tiled and have smaller copies (SubIFDs);
    files that may become larger than 4 GB are BigTIFF. The pixel size is written as OME-XML,
    and to the resolution tags for readers that do not know OME.

    Parameters
    ----------
    path : path
    warp : Warp
        The type of its micrograph is kept. Those that OME-TIFF lacks become float32, or
        uint8 from 0 to 255 of a mask; labels keep their values.
    compression : {"zlib", "none"}
        Both lose nothing.
    outside : float
        Value of what is not drawn: NaN, where there are floats, or a number.
    stage : str
        Name under which progress is yielded.

    Raises
    ------
    BadFile
        The file cannot be written.
    BadImage
        A label is too large a number for OME-TIFF.
    InvalidOption
        NaN is asked for and there are whole numbers.
    """
    pixels = StoredPixels.of(warp, OME_TYPES, outside)
    with replacing(path) as part:
        if max(warp.shape) > PLAIN:
            shapes = level_shapes(warp.shape)
            with part.open("w+b") as file:
                store = TiledTiff(file, shapes, pixels.dtype, compression, _first_page(warp))
                yield from tiles_steps(warp, pixels, shapes, compression, store, stage)
                store.finish()
        else:
            import tifffile

            image = yield from sample_steps(warp, stage)
            # Into memory: straight to a file NumPy would write, which of a full disk tells
            # nothing but how many pixels it has taken.
            page = io.BytesIO()
            tifffile.imwrite(
                page,
                pixels.stored(image),
                ome=True,
                compression=None if compression == "none" else compression,
                compressionargs={} if compression == "none" else {"level": EFFORT},
                **_first_page(warp),
            )
            part.write_bytes(page.getbuffer())
    return Path(path)


def write_ome_zarr(path: str | os.PathLike[str], warp: Warp, **how: Any) -> Path:
    """Return the path after drawing an image; `write_ome_zarr_steps` says `how` it can be."""
    return run(write_ome_zarr_steps(path, warp, **how))


def write_ome_zarr_steps(
    path: str | os.PathLike[str],
    warp: Warp,
    *,
    compression: Compression = "zlib",
    outside: float = 0.0,
    stage: str = "writing",
) -> Steps[Path]:
    """Yield progress; return the path after drawing an image into an OME-Zarr folder.

    It is of the version 0.4, which rests on Zarr 2. What reads 0.5 reads 0.4 as well, and not
    the other way round: of tools that people in the field use, MoBIE did not open Zarr 3
    (mobie/mobie-viewer-fiji#1250), and Bio-Formats' converter was still learning to write it
    (glencoesoftware/bioformats2raw#290), when this was written. The package zarr is not
    needed: Zarr 2 with chunks compressed by zlib is a few lines of JSON and a file a chunk.

    Lengths are in micrometres. The translation is that of the first pixel's centre on the
    image whose frame the grid lies in, of which the centre of the first pixel is at 0.

    Parameters
    ----------
    path : path
        A folder by this name, if there is one, is replaced as a whole.
    warp, compression, outside, stage
        As `write_ome_tiff_steps` takes them, but whole numbers of 64 bits are kept.

    Raises
    ------
    BadFile
        It cannot be written.
    InvalidOption
        NaN is asked for and there are whole numbers.
    """
    pixels = StoredPixels.of(warp, (*OME_TYPES, "int64", "uint64"), outside)
    shapes = level_shapes(warp.shape)
    with replacing(path) as part:
        store = ZarrStore(part, shapes, pixels.dtype, compression, _multiscales(warp, len(shapes)))
        yield from tiles_steps(warp, pixels, shapes, compression, store, stage)
    return Path(path)


def _first_page(warp: Warp) -> dict[str, Any]:
    """Return what tifffile is told of an image."""
    metadata: dict[str, Any] = {"axes": "YX", "Name": warp.name}
    page: dict[str, Any] = {"photometric": "minisblack", "metadata": metadata}
    row, col = warp.grid.first_pixel
    frame = warp.grid.frame.upper()
    metadata["Description"] = (
        f"Drawn on the {frame}: the first pixel's centre is at row {row:.6g}, "
        f"column {col:.6g} of the {frame} image, which are counted from 0."
    )
    size = warp.grid.pixel_size
    if size is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = size / 1000
            metadata[f"PhysicalSize{axis}Unit"] = "\u00b5m"
        page |= {"resolution": (_per_centimetre(size),) * 2, "resolutionunit": "CENTIMETER"}
    return page


def _per_centimetre(size: float) -> tuple[int, int]:
    """Return how many pixels of so many nm a centimetre has, as a fraction of 32-bit numbers.

    The nearest one: tifffile of 2025 rounds what it is given as a float to some 4 digits.
    """
    number = Fraction(1e7 / size)
    return number.limit_denominator(max(1, int((2**32 - 1) / number))).as_integer_ratio()


def _multiscales(warp: Warp, levels: int) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr image of the version 0.4."""
    size = warp.grid.pixel_size
    axis: dict[str, str] = {"type": "space"} | ({} if size is None else {"unit": "micrometer"})
    pixel = 1.0 if size is None else size / 1000
    datasets = []
    row, col = warp.grid.first_pixel
    # Without pixel sizes all is counted in the grid's own pixels.
    frame_pixel = pixel * float(warp.grid.to_grid[0, 0])
    for level in range(levels):
        # The centre of the first pixel of a level is that of 2^level x 2^level pixels.
        half = pixel * ((1 << level) - 1) / 2
        scale = [pixel * (1 << level)] * 2
        shift = [row * frame_pixel + half, col * frame_pixel + half]
        datasets.append(
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": scale},
                    {"type": "translation", "translation": shift},
                ],
            }
        )
    return {
        "multiscales": [
            {
                "version": "0.4",
                "name": warp.name,
                "axes": [{"name": name, **axis} for name in "yx"],
                "datasets": datasets,
                "type": "nearest" if warp.labels else "mean",
            }
        ]
    }
