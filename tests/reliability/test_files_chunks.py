"""Chunks of Zarr arrays that are damaged: what they hold, or an error in words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from clem_retrace import Micrograph, Roi, register
from clem_retrace.decimating import decimate
from clem_retrace.errors import BadImage
from clem_retrace.inputs import in_memory
from clem_retrace.representation import select_sigma
from clem_retrace.resampling import sample

from .conftest import times

CODECS: dict[str, dict[str, Any]] = {
    "zstd, with a sum": {"compressors": ZstdCodec(checksum=True)},
    "zstd": {"compressors": ZstdCodec()},
    "blosc": {"compressors": BloscCodec()},
    "gzip": {"compressors": GzipCodec()},
    "none": {"compressors": None},
    "version 2": {"zarr_format": 2},
}

READINGS = {
    "decimated": lambda image: decimate(image, 3.0),
    "not decimated": lambda image: decimate(image, 1.0),
    "whole": in_memory,
    "scale selection": lambda image: select_sigma(image.data),
    "labels": lambda image: sample(image, np.eye(3), image.shape, interpolation="nearest"),
}


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Return a chunk cut off, with some bytes changed, or empty."""
    if draw.random() < 0.3:
        return content[: draw.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 4, 20))):
        # The headers of the codecs are at the front.
        changed[draw.randrange(draw.choice((16, len(changed))))] = draw.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_chunk_is_told(tmp_path: Path, tally, codec: str) -> None:
    folder = tmp_path / "em.zarr"
    pixels = np.random.default_rng(3).integers(0, 250, (150, 170)).astype(np.uint16)
    written = zarr.create_array(
        str(folder), shape=pixels.shape, chunks=(64, 64), dtype=pixels.dtype, **CODECS[codec]
    )
    written[:] = pixels
    chunks = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "zarr.json" and not path.name.startswith(".z")
    ]
    draw = random.Random(codec)
    refusals: list[str] = []
    for turn in range(times(30)):
        chunk = draw.choice(chunks)
        whole = chunk.read_bytes()
        chunk.write_bytes(damaged(whole, draw))
        array: Any = zarr.open_array(str(folder), mode="r")
        if turn % 2:
            array = dask.array.from_zarr(array)
        reading = draw.choice(list(READINGS.values()))
        try:
            reading(Micrograph(array, 10.0, "em.zarr"))
        except BadImage as error:
            refusals.append(str(error))
        chunk.write_bytes(whole)
    # A codec that keeps no sum cannot tell another value from the right one.
    assert len(refusals) > times(30) / 4
    assert all("cannot be read: it is damaged" in refusal for refusal in refusals)
    tally(tried=times(30), refused=len(refusals))


def test_a_run_names_the_image(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    array = zarr.create_array(
        str(tmp_path / "em.zarr"), shape=(400, 400), chunks=(64, 64), dtype="uint8",
        compressors=GzipCodec(),
    )  # fmt: skip
    array[:] = draw.integers(0, 250, array.shape)
    (tmp_path / "em.zarr" / "c" / "3" / "3").write_bytes(b"no gzip")
    lm = Micrograph(draw.random((200, 200)), 100.0)
    em = Micrograph(array, 25.0, "em.zarr")
    with pytest.raises(BadImage, match=r"em\.zarr: the image cannot be read: it is damaged"):
        register(lm, em, Roi(20, 20, 50, 60))
