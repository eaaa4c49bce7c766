"""Image files of every kind to a micrograph, and what is said about those that are not."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import imageio.v3
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, BadImage, InvalidOption
from clem_retrace.io import file_pixels
from clem_retrace.io.file_pixels import FilePixels
from clem_retrace.io.images import read_micrograph, read_stack

RNG = np.random.default_rng(11)
GREY = RNG.integers(0, 255, (24, 40), dtype=np.uint8)
STACK = RNG.integers(0, 60000, (3, 2, 24, 40), dtype=np.uint16)


def colour(*samples: NDArray[Any]) -> NDArray[Any]:
    return np.stack(samples, axis=-1)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be left in its file is left there."""
    monkeypatch.setattr(file_pixels, "SMALL", 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32, bool])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_of_any_type_and_byte_order(tmp_path: Path, dtype: Any, byteorder: str) -> None:
    image = (GREY > 100).astype(dtype) if dtype is bool else GREY.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", image, byteorder=byteorder)
    micrograph = read_micrograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(micrograph.data, image)
    assert micrograph.pixel_size is None
    assert micrograph.name == "a.tif"


@pytest.mark.usefixtures("everything_is_large")
def test_an_uncompressed_tiff_stays_in_its_file_and_a_compressed_one_is_read(
    tmp_path: Path,
) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", GREY)
    tifffile.imwrite(tmp_path / "zlib.tif", GREY, compression="zlib")
    plain = read_micrograph(tmp_path / "plain.tif").data
    compressed = read_micrograph(tmp_path / "zlib.tif").data
    assert isinstance(plain, FilePixels)
    assert isinstance(compressed, np.ndarray)
    np.testing.assert_array_equal(plain, compressed)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_grey_pictures(tmp_path: Path, suffix: str) -> None:
    # A gradient, which JPEG keeps to a few grey levels.
    image = np.tile(np.arange(0, 240, 6, dtype=np.uint8), (24, 1))
    imageio.v3.imwrite(tmp_path / f"a.{suffix}", image)
    data = read_micrograph(tmp_path / f"a.{suffix}").data.astype(int)
    assert data.shape == image.shape
    assert np.abs(data - image).max() <= (0 if suffix == "png" else 4)


def test_sixteen_bit_png(tmp_path: Path) -> None:
    image = STACK[0, 0]
    imageio.v3.imwrite(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.png").data, image)


EMPTY = np.zeros_like(GREY)
ALPHA = np.full_like(GREY, 255)
ALPHA[:5] = 0


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param((GREY, GREY, GREY), id="grey as RGB"),
        pytest.param((GREY, GREY, GREY, ALPHA), id="grey as RGBA"),
        pytest.param((GREY, ALPHA), id="grey and transparency"),
        pytest.param((EMPTY, GREY, EMPTY), id="pseudo-colour green"),
        pytest.param((GREY, EMPTY, GREY), id="pseudo-colour magenta"),
    ],
)
def test_colour_pictures_with_one_channel_in_them_are_grey(
    tmp_path: Path, samples: tuple[NDArray[Any], ...]
) -> None:
    imageio.v3.imwrite(tmp_path / "a.png", colour(*samples))
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.png").data, GREY)


def test_a_palette_png_is_grey_when_its_palette_is(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(GREY).convert("P").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.png").data, GREY)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
def test_colour_needs_a_channel(tmp_path: Path, name: str) -> None:
    image = colour(GREY, GREY // 2, GREY.max() - GREY)
    if name == "a.npy":
        np.save(tmp_path / name, image)
    elif name == "a.tif":
        tifffile.imwrite(tmp_path / name, image, photometric="rgb")
    else:
        imageio.v3.imwrite(tmp_path / name, image)
    with pytest.raises(BadImage, match=r"colour picture: choose channel 0 to 2 \(--channel"):
        read_micrograph(tmp_path / name)
    np.testing.assert_array_equal(read_micrograph(tmp_path / name, channel=1).data, GREY // 2)
    with pytest.raises(InvalidOption, match="no channel 3: it has channels 0 to 2"):
        read_micrograph(tmp_path / name, channel=3)


def test_the_transparency_of_a_colour_tiff_is_no_channel(tmp_path: Path) -> None:
    image = colour(GREY, GREY // 2, GREY // 3, ALPHA)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", extrasamples=["unassalpha"])
    assert read_stack(tmp_path / "a.tif").data.shape == (24, 40, 3)


@pytest.mark.parametrize("axes", ["ZCYX", "TCYX"])
def test_channel_then_projection_of_a_stack(tmp_path: Path, axes: str) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, ome=True, metadata={"axes": axes})
    path = tmp_path / "a.ome.tif"
    with pytest.raises(BadImage, match="has 2 channels: choose channel 0 to 1"):
        read_micrograph(path)
    np.testing.assert_array_equal(read_micrograph(path, channel=1).data, STACK[:, 1].max(0))
    second = read_micrograph(path, channel=0, projection="plane", plane=1)
    np.testing.assert_array_equal(second.data, STACK[1, 0])
    mean = read_micrograph(path, channel=0, projection="mean")
    np.testing.assert_allclose(mean.data, STACK[:, 0].mean(0), rtol=1e-5)
    with pytest.raises(InvalidOption, match="no plane 3: it has 3"):
        read_micrograph(path, channel=0, projection="plane", plane=3)


def test_times_and_planes_are_projected_together(tmp_path: Path) -> None:
    # (T, Z, C, Y, X) as ImageJ has it.
    data = RNG.integers(0, 60000, (2, 3, 2, 24, 40), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TZCYX"})
    np.testing.assert_array_equal(
        read_micrograph(tmp_path / "a.tif", channel=1, projection="min").data,
        data[:, :, 1].min(axis=(0, 1)),
    )


def test_pages_without_a_meaning_are_planes_or_channels_as_asked(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in STACK[:, 0]:
            tif.write(page, contiguous=False, metadata=None)
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").data, STACK[:, 0].max(0))
    second = read_micrograph(tmp_path / "a.tif", channel=1)
    np.testing.assert_array_equal(second.data, STACK[1, 0])


def test_a_channel_or_plane_that_a_single_image_lacks(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.npy", channel=0).data, GREY)
    with pytest.raises(InvalidOption, match=r"a\.npy has no channel 1: it has one"):
        read_micrograph(tmp_path / "a.npy", channel=1)
    with pytest.raises(InvalidOption, match="no plane 1: it has 1"):
        read_micrograph(tmp_path / "a.npy", projection="plane", plane=1)


def test_the_pixel_size_of_the_file_or_the_given_one(tmp_path: Path) -> None:
    metadata = {"axes": "YX"}
    for axis in "XY":
        metadata |= {f"PhysicalSize{axis}": 11.3, f"PhysicalSize{axis}Unit": "nm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", GREY, ome=True, metadata=metadata)
    assert read_micrograph(tmp_path / "a.ome.tif").pixel_size == pytest.approx(11.3)
    assert read_micrograph(tmp_path / "a.ome.tif", pixel_size=20.0).pixel_size == 20.0
    with pytest.raises(BadImage, match="pixel size of -1"):
        read_micrograph(tmp_path / "a.ome.tif", pixel_size=-1.0)


def test_pixels_that_are_not_square_need_a_given_size(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", GREY, imagej=True, resolution=(10, 20), metadata={"unit": "um"}
    )
    with pytest.raises(BadImage, match="50 nm high and 100 nm wide"):
        read_micrograph(tmp_path / "a.tif")
    assert read_micrograph(tmp_path / "a.tif", pixel_size=75.0).pixel_size == 75.0


@pytest.mark.usefixtures("everything_is_large")
def test_mrc_stacks_stay_in_their_file(tmp_path: Path) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    planes = STACK[:, 0].astype(np.int16)
    with mrcfile.new(tmp_path / "a.mrc") as mrc:
        mrc.set_data(planes)
        mrc.set_extended_header(np.zeros(100, "V16"))
        mrc.voxel_size = 40.0
    micrograph = read_micrograph(tmp_path / "a.mrc", projection="plane", plane=2)
    np.testing.assert_array_equal(micrograph.data, planes[2])
    assert isinstance(micrograph.data, FilePixels)
    assert micrograph.pixel_size == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("stamp", "flags", "dtype"),
    [
        # IMOD's bytes are unsigned, unless the first of its flags is set.
        (1146047817, 0, np.uint8),
        (1146047817, 8, np.uint8),
        (1146047817, 9, np.int8),
        # In files of others they are signed.
        (0, 0, np.int8),
    ],
)
def test_bytes_in_mrc_files_of_imod_are_unsigned(
    tmp_path: Path, stamp: int, flags: int, dtype: Any
) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.st") as mrc:
        mrc.set_data(GREY.view(np.int8))
    content = bytearray((tmp_path / "a.st").read_bytes())
    content[152:160] = np.array([stamp, flags], "<i4").tobytes()
    (tmp_path / "a.st").write_bytes(content)
    data = read_micrograph(tmp_path / "a.st").data
    assert data.dtype == dtype
    np.testing.assert_array_equal(data, GREY.view(dtype))


def test_arrays_of_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}, {}]]), allow_pickle=True)
    with pytest.raises(BadFile, match=r"a\.npy cannot be read as NPY"):
        read_micrograph(tmp_path / "a.npy")


def test_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"missing\.tif does not exist"):
        read_micrograph(tmp_path / "missing.tif")
    with pytest.raises(BadFile, match="is a folder"):
        read_micrograph(tmp_path)
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE")
    with pytest.raises(BadFile, match=r"unknown kind, \.czi: TIFF, PNG, .* export it as OME-TIFF"):
        read_micrograph(tmp_path / "a.czi")
    np.save(tmp_path / "line.npy", np.arange(5))
    with pytest.raises(BadFile, match="holds no image"):
        read_micrograph(tmp_path / "line.npy")
    np.save(tmp_path / "complex.npy", GREY.astype(np.complex64))
    with pytest.raises(BadImage, match="complex64: real numbers are needed"):
        read_micrograph(tmp_path / "complex.npy")


@pytest.mark.parametrize("name", ["a.tif", "b.tif", "a.png", "a.jpg", "a.npy"])
@pytest.mark.parametrize("kept", [0, 6, 400])
def test_files_cut_short_are_told(tmp_path: Path, name: str, kept: int) -> None:
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, GREY)
    elif name == "a.tif":
        tifffile.imwrite(path, GREY)
    elif name == "b.tif":
        tifffile.imwrite(path, GREY, compression="zlib", rowsperstrip=8)
    else:
        imageio.v3.imwrite(path, GREY)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadFile, match=r"cannot be read as|is cut short"):
        np.asarray(read_micrograph(path).data)


def test_a_tiff_compressed_in_a_way_that_needs_another_package_names_it(tmp_path: Path) -> None:
    if "imagecodecs" in sys.modules:
        pytest.skip("imagecodecs is installed")
    from PIL import Image

    Image.fromarray(GREY).save(tmp_path / "a.tif", compression="tiff_lzw")
    with pytest.raises(BadFile, match="needs the package imagecodecs: pip install imagecodecs"):
        read_micrograph(tmp_path / "a.tif")


def test_a_picture_of_too_many_pixels_says_what_to_do(tmp_path: Path) -> None:
    imageio.v3.imwrite(tmp_path / "a.png", GREY)
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadFile, match=r"a\.png is too large for its format: save it as TIFF"):
        read_micrograph(tmp_path / "a.png")


@pytest.mark.parametrize("header", ["(" * 900, "-" * 900 + "1", "1L", "{'descr': '|u1'}"])
def test_headers_of_npy_files_that_make_no_sense(tmp_path: Path, header: str) -> None:
    content = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode()
    (tmp_path / "a.npy").write_bytes(content + bytes(64))
    with pytest.raises(BadFile, match=r"a\.npy cannot be read as NPY"):
        read_micrograph(tmp_path / "a.npy")


def test_an_archive_is_not_taken_for_an_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", GREY)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(BadFile, match=r"a\.npy cannot be read as NPY"):
        read_micrograph(tmp_path / "a.npy")


@pytest.mark.parametrize("form", ["EPS", "TIFF", "BMP", "PDF"])
def test_what_is_called_a_picture_and_is_none_is_refused(tmp_path: Path, form: str) -> None:
    """Pillow would read it all the same; of PostScript by running another program."""
    from PIL import Image

    Image.fromarray(GREY).save(tmp_path / "a.png", form)
    with pytest.raises(BadFile, match=r"a\.png cannot be read as PNG: cannot identify image file"):
        read_micrograph(tmp_path / "a.png")


def test_a_jpeg_that_is_called_a_png_is_read(tmp_path: Path) -> None:
    imageio.v3.imwrite(tmp_path / "a.jpg", GREY)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.jpg").read_bytes())
    one, other = (read_micrograph(tmp_path / name).data for name in ("a.jpg", "b.png"))
    np.testing.assert_array_equal(one, other)
