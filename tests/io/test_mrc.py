"""MRC files, written by mrcfile and damaged here."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io.images import read_stack
from clem_retrace.io.mrc import find_image
from clem_retrace.io.pixel_sizes import pixel_size_of

mrcfile = pytest.importorskip("mrcfile")

RNG = np.random.default_rng(5)
PLANES = RNG.integers(-90, 90, (4, 6, 7))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.mrc"


def write(path: Path, data: np.ndarray, **changes: Any) -> bytearray:
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(data)
        for name, value in changes.items():
            mrc.header[name] = value
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2", "f4", "c8"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("shape", [(6, 7), (4, 6, 7), (2, 2, 6, 7)])
def test_images_of_each_type_and_byte_order(
    path: Path, dtype: str, order: str, shape: tuple[int, ...]
) -> None:
    data = PLANES[: np.prod(shape[:-2], dtype=int)].reshape(shape).astype(order + dtype)
    write(path, data)
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, data)
    assert stack.axes == "Q" * (len(shape) - 2) + "YX"
    assert stack.data.dtype == data.dtype


def test_it_agrees_with_mrcfile_on_the_size_of_a_voxel(path: Path) -> None:
    with mrcfile.new(path) as mrc:
        mrc.set_data(PLANES.astype(np.int16))
        mrc.set_extended_header(np.zeros(10, "V13"))
        mrc.voxel_size = (11.0, 12.0, 600.0)
    image = find_image(path)
    sizes, units = zip(*image.calibrations, strict=True)
    assert sizes == pytest.approx((600.0, 12.0, 11.0))
    assert set(units) == {"angstrom"}
    assert image.offset == 1024 + 130


def test_cells_without_intervals_have_no_size(path: Path) -> None:
    write(path, PLANES[0].astype(np.int16), mx=0)
    assert pixel_size_of(path) is None


@pytest.mark.parametrize(
    ("at", "form", "value", "message"),
    [
        (0, "i", 0, "its header tells of 4 x 6 x 0 pixels"),
        (4, "i", -6, "its header tells of 4 x -6 x 7 pixels"),
        (12, "i", 101, "its pixels are of the mode 101: 0, 1, 2, 4, 6, 12 are read"),
        (92, "i", -1024, "its header tells of"),
        (208, "4s", b"PAM ", "the word MAP that is in every MRC file"),
        (212, "4s", b"\1\2\0\0", "its byte order is unknown, 0102"),
    ],
)
def test_headers_that_make_no_sense(
    path: Path, at: int, form: str, value: Any, message: str
) -> None:
    content = write(path, PLANES.astype(np.int16))
    struct.pack_into(f"<{form}", content, at, value)
    path.write_bytes(content)
    with pytest.raises(BadFile, match=rf"a\.mrc cannot be read as MRC: .*{message}"):
        read_stack(path)


def test_more_pixels_than_there_are(path: Path) -> None:
    content = write(path, PLANES.astype(np.int16))
    struct.pack_into("<2i", content, 0, 1_000_000, 500_000)
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"that it tells of takes 4 TB, and the file has 1\."):
        read_stack(path)


def test_a_compressed_file_is_not_taken_for_pixels(path: Path) -> None:
    """mrcfile would unpack its header, and its pixels would be those of the packed file."""
    path.write_bytes(gzip.compress(bytes(write(path, PLANES.astype(np.int16)))))
    with pytest.raises(BadFile, match=r"MAP|ends within its header"):
        read_stack(path)


def test_stacks_of_volumes_that_do_not_divide(path: Path) -> None:
    write(path, PLANES.astype(np.int16), ispg=401, mz=3)
    assert read_stack(path).data.shape == (4, 6, 7)
