"""Every place that a pixel size is read from, written here as the programs write it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from clem_retrace.errors import BadFile, BadImage
from clem_retrace.io.pixel_sizes import PixelSize, pixel_size_of

IMAGE = np.arange(32 * 64, dtype=np.uint16).reshape(32, 64)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write IMAGE as TIFF and return its path."""

    def write_tiff(image: np.ndarray = IMAGE, name: str = "image.tif", **options: Any) -> Path:
        tifffile.imwrite(tmp_path / name, image, **options)
        return tmp_path / name

    return write_tiff


def text_tag(code: int, text: str, encoding: str = "ascii") -> tuple[int, int, int, bytes, bool]:
    data = text.encode(encoding) + b"\0"
    return code, 2, len(data), data, True


@pytest.mark.parametrize(
    ("size", "unit", "nm"),
    [
        (0.11, "\u00b5m", 110.0),
        (11.3, "nm", 11.3),
        (113.0, "\u00c5", 11.3),
        (900.0, "pm", 0.9),
        (1.5e-5, "mm", 15.0),
    ],
)
def test_ome_xml_in_each_unit(write: Write, size: float, unit: str, nm: float) -> None:
    metadata = {"axes": "YX"}
    for axis in "XY":
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
    path = write(name="a.ome.tif", ome=True, metadata=metadata)
    found = pixel_size_of(path)
    assert found is not None
    assert found.source == "OME-XML"
    assert found.nm == pytest.approx(nm)


def test_ome_xml_without_a_unit_is_in_micrometres(write: Write) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        'SizeX="64" SizeY="32" SizeC="1" SizeZ="1" SizeT="1" '
        'PhysicalSizeX="0.2" PhysicalSizeY="0.2"><TiffData/></Pixels></Image></OME>'
    )
    path = write(name="a.ome.tif", description=xml, metadata=None)
    assert pixel_size_of(path) == PixelSize(200.0, 200.0, "OME-XML")


def test_ome_xml_with_two_units_is_read_axis_by_axis(write: Write) -> None:
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": 110.0, "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.22, "PhysicalSizeYUnit": "\u00b5m",
    }  # fmt: skip
    found = pixel_size_of(write(name="a.ome.tif", ome=True, metadata=metadata))
    assert found is not None
    assert (found.rows, found.cols) == pytest.approx((220.0, 110.0))


def test_ome_xml_without_a_size_or_in_pixels_gives_none(write: Write) -> None:
    assert pixel_size_of(write(name="a.ome.tif", ome=True, metadata={"axes": "YX"})) is None
    metadata = {"axes": "YX"}
    for axis in "XY":
        metadata |= {f"PhysicalSize{axis}": 1.0, f"PhysicalSize{axis}Unit": "pixel"}
    assert pixel_size_of(write(name="b.ome.tif", ome=True, metadata=metadata)) is None


def test_xml_that_declares_entities_is_not_expanded(write: Write) -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY size "0.1">]>'
        "<Metadata><BinaryResult><PixelSize>"
        '<X unit="um">&size;</X><Y unit="um">&size;</Y>'
        "</PixelSize></BinaryResult></Metadata>"
    )
    assert pixel_size_of(write(extratags=[text_tag(34683, bomb)])) is None


@pytest.mark.parametrize(
    ("unit", "per_unit", "nm"),
    [
        ("micron", 1 / 0.11, 110.0),
        ("um", 1 / 0.11, 110.0),
        ("\\u00B5m", 1 / 0.11, 110.0),
        ("nm", 1 / 11.3, 11.3),
        ("inch", 25.4e6 / 500, 500.0),
    ],
)
def test_imagej_in_each_unit(write: Write, unit: str, per_unit: float, nm: float) -> None:
    path = write(imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit})
    found = pixel_size_of(path)
    assert found is not None
    assert found.source == "ImageJ"
    # The tags hold fractions of two 32-bit integers.
    assert found.nm == pytest.approx(nm, rel=1e-6)


@pytest.mark.parametrize(("unit", "per_unit"), [("pixel", 1), ("inch", 72), ("inch", 4800)])
def test_imagej_without_a_length_gives_none(write: Write, unit: str, per_unit: float) -> None:
    path = write(imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit})
    assert pixel_size_of(path) is None


FEI = "[User]\r\nDate=01/01/2020\r\n[Scan]\r\nPixelWidth={0}\r\nPixelHeight={0}\r\n"


def test_fei_tag_is_in_metres_and_counts_before_the_resolution(write: Write) -> None:
    path = write(
        extratags=[text_tag(34682, FEI.format("1.13e-008"))],
        resolution=(1e5, 1e5),
        resolutionunit="CENTIMETER",
    )
    found = pixel_size_of(path)
    assert found is not None
    assert found.source == "FEI/Thermo SEM tag"
    assert found.nm == pytest.approx(11.3)


def test_fei_tag_with_a_broken_number_falls_through_to_the_next_source(write: Write) -> None:
    path = write(
        extratags=[text_tag(34682, FEI.format("1,13e-008"))],
        resolution=(1e6, 1e6),
        resolutionunit="CENTIMETER",
    )
    found = pixel_size_of(path)
    assert found is not None
    assert found.source == "TIFF resolution"


def test_thermo_xml_tag(write: Write) -> None:
    xml = (
        "<Metadata><BinaryResult><PixelSize>"
        '<X unit="m">4.0E-09</X><Y unit="m">4.0E-09</Y>'
        "</PixelSize></BinaryResult></Metadata>"
    )
    found = pixel_size_of(write(extratags=[text_tag(34683, xml)]))
    assert found is not None
    assert found.source == "FEI/Thermo SEM tag"
    assert found.nm == pytest.approx(4.0)
    without_unit = xml.replace(' unit="m"', "")
    assert pixel_size_of(write(extratags=[text_tag(34683, without_unit)])) is None


ZEISS_IMAGE = "AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = {}\r\n"
ZEISS_SCREEN = "AP_PIXEL_SIZE\r\nPixel Size = {}\r\n"


@pytest.mark.parametrize(
    ("tag", "nm"),
    [
        (ZEISS_SCREEN.format("33.9 nm") + ZEISS_IMAGE.format("11.3 nm"), 11.3),
        (ZEISS_IMAGE.format("900.0 pm"), 0.9),
        (ZEISS_IMAGE.format("1.2 \u00b5m"), 1200.0),
        (ZEISS_IMAGE.format("No"), None),
        # For 1024 columns of a screen, where IMAGE has 64.
        (ZEISS_SCREEN.format("2.0 nm"), 32.0),
        # The fourth line is for such a screen too; older programs write no names.
        ("", 32.0),
        (ZEISS_IMAGE.format("11.3 nm"), 11.3),
    ],
)
def test_zeiss_tag_gives_the_size_in_the_image_not_on_the_screen(
    write: Write, tag: str, nm: float | None
) -> None:
    header = f"\r\n0\r\n0\r\n{2e-9 if nm else 0}\r\n"
    found = pixel_size_of(write(extratags=[text_tag(34118, header + tag, "cp1252")]))
    if nm is None:
        assert found is None
    else:
        assert found is not None
        assert found.source == "Zeiss SEM tag"
        assert found.nm == pytest.approx(nm)


ATLAS = (
    "<Fibics version='1.0'><Image><Width>{0}</Width><Height>32</Height></Image>"
    "<Scan><FOV_X units='um'>0.64</FOV_X><FOV_Y units='um'>0.352</FOV_Y></Scan></Fibics>"
)


def test_zeiss_atlas_tag_gives_the_field_of_view(write: Write) -> None:
    found = pixel_size_of(write(extratags=[text_tag(51023, ATLAS.format(64))]))
    assert found is not None
    assert found.source == "Zeiss Atlas tag"
    assert (found.rows, found.cols) == pytest.approx((11.0, 10.0))
    # A part that was cut out has another field of view.
    assert pixel_size_of(write(extratags=[text_tag(51023, ATLAS.format(128))])) is None
    broken = ATLAS.format(64).replace("0.64", "wide")
    assert pixel_size_of(write(extratags=[text_tag(51023, broken)])) is None


def test_tescan_tag_is_in_metres(write: Write) -> None:
    text = "AccFrames=1\r\nPixelSizeX=1.13e-008\r\nPixelSizeY=1.1e-008\r\n[SEM]\r\nHV=5000\r\n"
    data = b"\x05\x02junk\xff" + text.encode("ascii")
    found = pixel_size_of(write(extratags=[(50431, 7, len(data), data, True)]))
    assert found is not None
    assert found.source == "TESCAN SEM tag"
    assert (found.rows, found.cols) == pytest.approx((11.0, 11.3))


@pytest.mark.parametrize(("unit", "nm"), [("nm", 11.3), ("\u00b5m", 11300.0), ("1/nm", None)])
def test_gatan_tags_as_digital_micrograph_exports_them(
    write: Write, unit: str, nm: float | None
) -> None:
    units = [text_tag(code, unit, "utf-8") for code in (65003, 65004)]
    sizes = [(code, 12, 1, 11.3, True) for code in (65009, 65010)]
    found = pixel_size_of(write(extratags=[*units, *sizes]))
    if nm is None:
        assert found is None
    else:
        assert found is not None
        assert found.source == "Gatan tags"
        assert found.nm == pytest.approx(nm)


def test_zeiss_lsm_tag_is_in_metres(tmp_path: Path) -> None:
    head = struct.pack("<Ii5iiii3d", 67127628, 400, 64, 32, 1, 1, 1, 1, 0, 0, 2e-7, 2.5e-7, 1e-6)
    data = head + bytes(400 - len(head))
    with tifffile.TiffWriter(tmp_path / "a.lsm") as tif:
        tif.write(IMAGE, extratags=[(34412, 1, len(data), data, True)], metadata=None)
        # Every image of an LSM file is followed by its thumbnail.
        tif.write(IMAGE[::4, ::4], subfiletype=1, metadata=None)
    found = pixel_size_of(tmp_path / "a.lsm")
    assert found is not None
    assert found.source == "Zeiss LSM tag"
    assert (found.rows, found.cols) == pytest.approx((250.0, 200.0))


def test_olympus_sis_tag(write: Write) -> None:
    header = struct.pack("<4s6xhhhhh6x32sH", b"SIS0", 0, 0, 1, 0, 120, b"image", 1)
    calibration = struct.pack("<10xhdd8xd2x34s32s", -9, 11.3, 11.3, 5000.0, b"camera", b"TEM")
    data = header + struct.pack("<hhI", 1, 1, 0) + calibration
    path = write(extratags=[(33560, 7, len(data), data, True)])
    # The tag points to its calibration by the place in the file, known only now.
    written = bytearray(path.read_bytes())
    start = written.index(b"SIS0")
    written[start + 64 : start + 68] = struct.pack("<I", start + 68)
    path.write_bytes(written)
    found = pixel_size_of(path)
    assert found is not None
    assert found.source == "Olympus SIS tag"
    assert found.nm == pytest.approx(11.3)


@pytest.mark.parametrize(
    ("resolution", "unit", "nm"),
    [
        ((1_000_000, 11), "CENTIMETER", 110.0),
        ((254_000_000, 113), "INCH", 11.3),
        (1e7 / 4999, "CENTIMETER", 4999.0),
        (1e7 / 5001, "CENTIMETER", None),
        (72, "INCH", None),
        (96, "INCH", None),
        (300, "INCH", None),
        (4800, "INCH", None),
        (1e7 / 110, "NONE", None),
        (0, "CENTIMETER", None),
    ],
)
def test_plain_resolution_counts_unless_it_is_a_printers(
    write: Write, resolution: float | tuple[int, int], unit: str, nm: float | None
) -> None:
    path = write(resolution=(resolution, resolution), resolutionunit=unit, metadata=None)
    found = pixel_size_of(path)
    if nm is None:
        assert found is None
    else:
        assert found is not None
        assert found.source == "TIFF resolution"
        assert found.nm == pytest.approx(nm, rel=1e-6)


def test_rows_and_columns_are_not_mixed_up(write: Write) -> None:
    # `resolution` is (x, y).
    path = write(resolution=(1e7 / 100, 1e7 / 50), resolutionunit="CENTIMETER", metadata=None)
    found = pixel_size_of(path)
    assert found is not None
    assert (found.rows, found.cols) == pytest.approx((50.0, 100.0))


def test_pixels_that_are_not_square_are_refused_when_one_number_is_asked_for() -> None:
    assert PixelSize(100.0, 100.9, "here").nm == pytest.approx(100.45, abs=0.01)
    with pytest.raises(BadImage, match=r"120 nm high and 100 nm wide \(here\)"):
        _ = PixelSize(120.0, 100.0, "here").nm


def test_a_file_without_metadata_gives_none(write: Write) -> None:
    assert pixel_size_of(write(metadata=None)) is None


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.npy", "a.czi", "store.zarr"])
def test_kinds_without_a_readable_size_give_none(tmp_path: Path, name: str) -> None:
    assert pixel_size_of(tmp_path / name) is None


def test_a_missing_or_damaged_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="does not exist"):
        pixel_size_of(tmp_path / "missing.tif")
    (tmp_path / "text.tif").write_text("not an image")
    with pytest.raises(BadFile, match=r"text\.tif cannot be read as TIFF"):
        pixel_size_of(tmp_path / "text.tif")


def test_mrc_header_is_in_angstrom(tmp_path: Path) -> None:
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as mrc:
        mrc.set_data(np.zeros((16, 32), np.int16))
        mrc.voxel_size = (40.0, 39.9, 1.0)  # x, y, z
    found = pixel_size_of(tmp_path / "a.mrc")
    assert found is not None
    assert found.source == "MRC header"
    assert (found.rows, found.cols) == pytest.approx((3.99, 4.0), rel=1e-5)
    with mrcfile.new(tmp_path / "b.mrc") as mrc:
        mrc.set_data(np.zeros((16, 32), np.int16))
    assert pixel_size_of(tmp_path / "b.mrc") is None


def test_one_angstrom_in_mrc_is_no_pixel_size(tmp_path: Path) -> None:
    """It is what IMOD writes when it was told nothing."""
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.rec") as mrc:
        mrc.set_data(np.zeros((2, 16, 32), np.int16))
        mrc.voxel_size = 1.0
    assert pixel_size_of(tmp_path / "a.rec") is None
    with mrcfile.mmap(tmp_path / "a.rec", mode="r+") as mrc:
        mrc.voxel_size = (1.05, 1.05, 600.0)
    found = pixel_size_of(tmp_path / "a.rec")
    assert found is not None
    assert (found.rows, found.planes) == pytest.approx((0.105, 60.0))


def test_a_size_is_said_with_where_it_is_from() -> None:
    assert str(PixelSize(11.3, 11.3, "Zeiss SEM tag")) == "11.3 nm (Zeiss SEM tag)"
    assert str(PixelSize(12.0, 10.0, "ImageJ")) == "12 x 10 nm (ImageJ)"


SOURCES = [
    {"ome": True, "metadata": {"PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0}},
    {"imagej": True, "resolution": (9.0, 9.0), "metadata": {"unit": "um"}},
    {"extratags": [text_tag(34682, FEI.format("1.13e-008"))]},
    {"extratags": [text_tag(34118, "\r\n0\r\n" + ZEISS_IMAGE.format("11.3 nm"))]},
    {"extratags": [text_tag(51023, ATLAS.format(64))]},
]


@pytest.mark.parametrize("options", SOURCES)
def test_damage_anywhere_in_the_tags_is_told_or_harmless(
    write: Write, tmp_path: Path, options: dict[str, Any]
) -> None:
    """Any fault but BadFile would fail the test."""
    rng = np.random.default_rng(5)
    whole = np.frombuffer(write(**options).read_bytes(), np.uint8)
    outcomes = set()
    for _ in range(100):
        damaged = whole.copy()
        places = rng.integers(0, min(len(whole), 1500), rng.integers(1, 8))
        damaged[places] = rng.integers(0, 256, len(places))
        (tmp_path / "damaged.tif").write_bytes(damaged[: rng.integers(8, len(whole))].tobytes())
        try:
            outcomes.add(type(pixel_size_of(tmp_path / "damaged.tif")))
        except BadFile:
            outcomes.add(BadFile)
    # It was no waste of time: some were read, some were not.
    assert len(outcomes) > 1


def test_only_the_header_is_read(tmp_path: Path) -> None:
    """A file of many gigabytes, of which all but the header is missing."""
    path = tmp_path / "a.tif"
    tifffile.memmap(
        path, shape=(64, 64), dtype="u1", bigtiff=True, metadata=None,
        resolution=(1e6, 1e6), resolutionunit="CENTIMETER",
    )  # fmt: skip
    path.write_bytes(path.read_bytes()[: -64 * 64])
    found = pixel_size_of(path)
    assert found is not None
    assert found.nm == pytest.approx(10.0)
