"""DM3 and DM4 files: written by nionswift-io, and here, from the description of the format."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadFile, BadImage
from clem_retrace.io import file_pixels
from clem_retrace.io.images import read_micrograph, read_stack
from clem_retrace.io.pixel_sizes import pixel_size_of

RNG = np.random.default_rng(23)
GREY = RNG.integers(0, 255, (24, 40), dtype=np.uint8)

#: The types of images and of the numbers in their arrays, by NumPy's types.
CODES = {"u1": (6, 10), "i1": (9, 10), "i2": (1, 2), "u2": (10, 4), "f4": (2, 6), "c8": (3, 6)}


def written(version: int, tags: dict[str, Any], order: str = "<") -> bytes:
    """Return a file of tags: numbers, texts, arrays, and groups as dicts or lists."""
    size = ">I" if version == 3 else ">Q"

    def group(members: dict[str, Any] | list[Any]) -> bytes:
        named = members.items() if isinstance(members, dict) else [("", one) for one in members]
        parts = [struct.pack(">??", False, False), struct.pack(size, len(members))]
        for name, member in named:
            is_group = isinstance(member, (dict, list))
            body = group(member) if is_group else value(member)
            parts += [struct.pack(">BH", 20 if is_group else 21, len(name)), name.encode("latin-1")]
            parts += [struct.pack(size, len(body)) if version == 4 else b"", body]
        return b"".join(parts)

    def value(member: Any) -> bytes:
        if isinstance(member, str):
            codes = np.frombuffer(member.encode("utf-16-le"), "<u2").astype(order + "u2")
            types, data = [20, 4, len(codes)], codes.tobytes()
        elif isinstance(member, np.ndarray):
            number = CODES[member.dtype.str[1:]][1] if member.dtype.kind != "V" else 0
            struct_types = [15, 0, 4, *(0, 10) * 4] if number == 0 else None
            if member.dtype.kind == "c":
                struct_types = [15, 0, 2, 0, 6, 0, 6]
            types = [20, *(struct_types or [number]), member.size]
            data = member.astype(member.dtype.newbyteorder(order)).tobytes()
        elif isinstance(member, float):
            types, data = [7], struct.pack(order + "d", member)
        else:
            types, data = [3], struct.pack(order + "i", member)
        return b"%%%%" + b"".join(struct.pack(size, one) for one in (len(types), *types)) + data

    body = group(tags)
    header = struct.pack(">I", version) + struct.pack(size, len(body))
    return header + struct.pack(">I", order == "<") + body + bytes(8)


def image_tags(data: np.ndarray, sizes: list[tuple[float, str]], code: int = 0) -> dict[str, Any]:
    shape = data.shape
    return {
        "ImageData": {
            "Calibrations": {
                "Dimension": [{"Origin": 0.0, "Scale": size, "Units": unit} for size, unit in sizes]
            },
            "Data": data.ravel(),
            "DataType": code or CODES[data.dtype.str[1:]][0],
            "Dimensions": [int(length) for length in reversed(shape)],
            "PixelDepth": data.itemsize,
        }
    }


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_images_of_each_type_and_byte_order_stay_in_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, dtype: str, order: str
) -> None:
    image = GREY.view(dtype) if dtype.endswith("1") else GREY.astype(dtype)
    # x first: 11 nm wide, 12 nm high.
    tags = {"ImageList": [image_tags(image, [(11.0, "nm"), (0.012, "\u00b5m")])]}
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(written(version, tags, order))
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, image)
    monkeypatch.setattr(file_pixels, "SMALL", 0)
    assert isinstance(read_stack(path).data, file_pixels.FilePixels)
    assert stack.axes == "YX"
    assert stack.pixel_size is not None
    assert stack.pixel_size.source == "DM3/DM4 tags"
    assert (stack.pixel_size.rows, stack.pixel_size.cols) == pytest.approx((12.0, 11.0))
    assert pixel_size_of(path) == stack.pixel_size


@pytest.mark.parametrize("thumbnail_first", [True, False])
def test_the_thumbnail_is_passed_over(tmp_path: Path, thumbnail_first: bool) -> None:
    images = [image_tags(GREY[::8, ::8].copy(), []), image_tags(GREY, [(5.0, "nm")] * 2)]
    if not thumbnail_first:
        images.reverse()
    tags = {"ImageList": images, "Thumbnails": [{"ImageIndex": 0 if thumbnail_first else 1}]}
    (tmp_path / "a.dm4").write_bytes(written(4, tags))
    assert read_stack(tmp_path / "a.dm4").data.shape == GREY.shape
    del tags["Thumbnails"]
    (tmp_path / "b.dm4").write_bytes(written(4, tags))
    # Told nothing, it takes the last.
    last = GREY.shape if thumbnail_first else (3, 5)
    assert read_stack(tmp_path / "b.dm4").data.shape == last


def test_stacks_and_the_distance_of_their_planes(tmp_path: Path) -> None:
    planes = RNG.integers(0, 60000, (3, 24, 40)).astype(np.uint16)
    tags = {"ImageList": [image_tags(planes, [(11.0, "nm"), (11.0, "nm"), (0.05, "um")])]}
    (tmp_path / "a.dm3").write_bytes(written(3, tags))
    stack = read_stack(tmp_path / "a.dm3")
    np.testing.assert_array_equal(stack.data, planes)
    assert stack.axes == "QYX"
    assert stack.pixel_size is not None
    assert stack.pixel_size.planes == pytest.approx(50.0)
    second = read_micrograph(tmp_path / "a.dm3", projection="plane", plane=1)
    np.testing.assert_array_equal(second.data, planes[1])
    assert second.pixel_size == pytest.approx(11.0)


def test_colours_are_stored_blue_first(tmp_path: Path) -> None:
    colours = RNG.integers(0, 255, (24, 40, 3), dtype=np.uint8)
    packed = np.concatenate([colours[..., ::-1], np.zeros((24, 40, 1), np.uint8)], axis=-1)
    pixels = np.ascontiguousarray(packed).view("V4")[..., 0]
    (tmp_path / "a.dm4").write_bytes(written(4, {"ImageList": [image_tags(pixels, [], code=23)]}))
    stack = read_stack(tmp_path / "a.dm4")
    np.testing.assert_array_equal(stack.data, colours)
    assert stack.axes == "YXS"
    assert stack.pixel_size is None


@pytest.mark.parametrize(
    "sizes", [[(0.02, "1/nm")] * 2, [(1.0, "")] * 2, [(0.0, "nm")] * 2, [(math.nan, "nm")] * 2, []]
)
def test_what_is_no_length_gives_no_pixel_size(
    tmp_path: Path, sizes: list[tuple[float, str]]
) -> None:
    (tmp_path / "a.dm4").write_bytes(written(4, {"ImageList": [image_tags(GREY, sizes)]}))
    assert pixel_size_of(tmp_path / "a.dm4") is None


def test_complex_images_are_no_micrographs(tmp_path: Path) -> None:
    image = (GREY + 1j).astype(np.complex64)
    (tmp_path / "a.dm3").write_bytes(written(3, {"ImageList": [image_tags(image, [])]}))
    np.testing.assert_array_equal(read_stack(tmp_path / "a.dm3").data, image)
    with pytest.raises(BadImage, match="complex64: real numbers are needed"):
        read_micrograph(tmp_path / "a.dm3")


LINE = {"ImageList": [image_tags(GREY[0], [])]}
SHORT = {"ImageList": [image_tags(GREY, [])]}
SHORT["ImageList"][0]["ImageData"]["Dimensions"] = [40, 25]
UNKNOWN = {"ImageList": [image_tags(GREY, [], code=99)]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends too early"),
        (b"plain text, and no image", "not with the version 3 or 4"),
        (written(4, {"ImageList": []}), "holds no image"),
        (written(4, {"Something": 1}), "holds no image"),
        (written(3, LINE), "no image of shape"),
        (written(3, SHORT), "no image of shape"),
        (written(3, UNKNOWN), "DataType 99"),
        (written(3, SHORT).replace(b"%%%%", b"%%%#"), "a tag is damaged"),
        (struct.pack(">IIIBBI", 3, 0, 1, 0, 0, 1) + struct.pack(">BH", 7, 0), "unknown kind 7"),
    ],
)
def test_damaged_files_say_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.dm3").write_bytes(content)
    for read in (read_stack, pixel_size_of):
        with pytest.raises(BadFile, match=rf"a\.dm3 cannot be read as DM3/DM4: .*{message}"):
            read(tmp_path / "a.dm3")


@pytest.mark.parametrize("version", [3, 4])
def test_files_cut_short_are_told(tmp_path: Path, version: int) -> None:
    path = tmp_path / f"a.dm{version}"
    whole = written(version, {"ImageList": [image_tags(GREY, [(5.0, "nm")] * 2)]})
    for kept in (3, 20, len(whole) // 2, len(whole) - GREY.size // 2 - 100):
        path.write_bytes(whole[:kept])
        with pytest.raises(BadFile, match="cannot be read as DM3/DM4"):
            read_stack(path)


def test_groups_without_end_are_refused(tmp_path: Path) -> None:
    level = struct.pack(">BH", 20, 0) + struct.pack(">BBI", 0, 0, 1)
    (tmp_path / "a.dm3").write_bytes(struct.pack(">IIIBBI", 3, 0, 1, 0, 0, 1) + 5000 * level)
    with pytest.raises(BadFile, match="nested too deeply"):
        read_stack(tmp_path / "a.dm3")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32", "float64"])
def test_files_of_nion_swift(tmp_path: Path, version: int, dtype: str) -> None:
    writer = pytest.importorskip("nionswift_plugin.DM_IO.dm3_image_utils")
    from nion.data import Calibration, DataAndMetadata

    image = GREY.astype(dtype)
    sizes = [Calibration.Calibration(0, 12.0, "nm"), Calibration.Calibration(0, 0.011, "\u00b5m")]
    path = tmp_path / f"a.dm{version}"
    with path.open("wb") as file:
        swift = DataAndMetadata.new_data_and_metadata(image, dimensional_calibrations=sizes)
        writer.save_image(swift, file, version)
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, image)
    assert stack.data.dtype == image.dtype
    assert stack.pixel_size is not None
    assert (stack.pixel_size.rows, stack.pixel_size.cols) == pytest.approx((12.0, 11.0))


@pytest.mark.parametrize("types", [(20, 4, 10**12), (18, 2**60), (20, 12, 2**63)])
def test_values_longer_than_the_file_are_not_read(tmp_path: Path, types: tuple[int, ...]) -> None:
    numbers = struct.pack(f">{len(types) + 1}Q", len(types), *types)
    body = struct.pack(">BHQ", 21, 0, 9) + b"%%%%" + numbers
    (tmp_path / "a.dm4").write_bytes(struct.pack(">IQI??Q", 4, 99, 1, False, False, 1) + body)
    with pytest.raises(BadFile, match="it ends too early"):
        read_stack(tmp_path / "a.dm4")


def test_images_of_very_many_axes_are_refused_in_a_line(tmp_path: Path) -> None:
    tags = {"ImageList": [image_tags(GREY, [])]}
    tags["ImageList"][0]["ImageData"]["Dimensions"] = [1] * 300
    (tmp_path / "a.dm3").write_bytes(written(3, tags))
    with pytest.raises(BadFile, match="it holds no image of shape") as raised:
        read_stack(tmp_path / "a.dm3")
    assert len(str(raised.value)) < 500
