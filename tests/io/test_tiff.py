"""TIFF files that tell more than they hold: refused, in words, before anything is read."""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from clem_retrace.errors import BadFile
from clem_retrace.io import tiff
from clem_retrace.io.images import read_stack
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.tiff import declares

RNG = np.random.default_rng(31)
GREY = RNG.integers(1, 255, (40, 24), dtype=np.uint8)
STACK = RNG.integers(1, 60000, (3, 2, 24, 40), dtype=np.uint16)

OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="24" '
    'SizeY="40" SizeC="1" SizeZ="{z}" SizeT="1">{inside}</Pixels></Image></OME>'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def edited(path: Path, tag: str, *values: int) -> None:
    """Write other values into a tag of the first page."""
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages.first.tags[tag].overwrite(values[0] if len(values) == 1 else values)


def refuses(path: Path, match: str) -> None:
    with pytest.raises(BadFile, match=match):
        read_stack(path)


def test_strips_that_are_not_listed_are_not_made_up(path: Path) -> None:
    """tifffile would fill them with zeros."""
    tifffile.imwrite(path, GREY, rowsperstrip=8, compression="zlib")
    np.testing.assert_array_equal(read_stack(path).data, GREY)
    edited(path, "ImageLength", 4000)
    refuses(path, "an image of 500 strips or tiles lists 5")


def test_strips_behind_the_end(path: Path) -> None:
    tifffile.imwrite(path, GREY, rowsperstrip=8, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        last = max(tif.pages.first.dataoffsets)
    path.write_bytes(path.read_bytes()[: last + 3])
    refuses(path, "is cut short: pixels lie behind its end")


def test_tiles_that_are_too_small_for_their_pixels(path: Path) -> None:
    tifffile.imwrite(path, GREY, tile=(16, 16))
    with tifffile.TiffFile(path) as tif:
        count = len(tif.pages.first.databytecounts)
    edited(path, "TileByteCounts", *[16] * count)
    refuses(path, "takes fewer bytes than it has pixels")


def test_more_pixels_than_bytes_can_hold(path: Path) -> None:
    tifffile.imwrite(path, GREY, compression="zlib")
    edited(path, "ImageWidth", 60_000)
    edited(path, "ImageLength", 60_000)
    edited(path, "RowsPerStrip", 60_000)
    refuses(path, r"tells of 3\.6 GB of pixels, and its [\d.]+ kB cannot hold so many")


def test_constant_images_are_no_bombs(path: Path) -> None:
    """They are packed as well as can be."""
    image = np.zeros((3000, 3000), np.uint8)
    tifffile.imwrite(path, image, compression="zlib", rowsperstrip=3000)
    assert path.stat().st_size < 20_000
    np.testing.assert_array_equal(read_stack(path).data, image)
    # A bit a pixel: eight times as many.
    tifffile.imwrite(path, image.astype(bool), compression="zlib", rowsperstrip=3000)
    np.testing.assert_array_equal(read_stack(path).data, image)


def test_more_than_the_memory_of_the_computer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(path, GREY, compression="zlib")
    monkeypatch.setattr(tiff, "_memory", lambda: 900.0)
    refuses(path, "takes 960 bytes when it is unpacked, more than the memory of this computer")


def test_empty_tiles_are_black(path: Path) -> None:
    """As other programs leave out those of a montage that show nothing."""
    tiles = [GREY[:16, :16].tobytes(), b"", b"", b"", b"", b""]
    tifffile.imwrite(path, iter(tiles), shape=(40, 24), dtype=np.uint8, tile=(16, 16))
    data = read_stack(path).data
    np.testing.assert_array_equal(data[:16, :16], GREY[:16, :16])
    assert data[16:].max() == data[:, 16:].max() == 0


def test_planes_that_were_cut_off(path: Path) -> None:
    """tifffile would take the rest of the stack for all of it."""
    tifffile.imwrite(path, STACK[:, 0], metadata=None, photometric="minisblack", contiguous=False)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as tif:
        third = tif.pages[2].offset
    path.write_bytes(whole[: third - 1])
    refuses(path, r"tells of an image behind its end|ends too early")


def test_a_circle_of_images(path: Path) -> None:
    tifffile.imwrite(path, STACK[:, 0], metadata=None, photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        last, first = tif.pages.next_page_offset, tif.pages[0].offset
    content = bytearray(path.read_bytes())
    content[last : last + 4] = struct.pack("<I", first)
    path.write_bytes(content)
    refuses(path, "leads in a circle")


def test_a_description_that_was_cut_off(path: Path) -> None:
    """Without it the axes would be others."""
    tifffile.imwrite(path, STACK, ome=True, metadata={"axes": "ZCYX"})
    content = path.read_bytes()
    at = content.index(b"<?xml")
    assert at > len(content) / 2
    path.write_bytes(content[: at + 40])
    refuses(path, "its description lies behind its end")


def test_a_stack_of_imagej_that_was_cut_off(path: Path) -> None:
    """One directory for all planes, as ImageJ writes large stacks."""
    description = "ImageJ=1.54f\nimages=6\nslices=6\nloop=false\n"
    tifffile.imwrite(path, STACK[0, 0], description=description, metadata=None)
    refuses(path, "ImageJ tells of 6 planes in it")


@pytest.mark.parametrize(
    "before", ['<!DOCTYPE OME [<!ENTITY a "b">]>', '<!DOCTYPE OME SYSTEM "a">']
)
def test_xml_that_declares_entities(path: Path, before: str) -> None:
    text = OME.format(z=1, inside="<TiffData/>").replace("<OME", f"{before}<OME")
    tifffile.imwrite(path, GREY, description=text, metadata=None)
    refuses(path, "declares entities, which can grow without bound")
    with pytest.raises(BadFile, match="declares entities"):
        pixel_size_of(path)


def test_comments_declare_nothing() -> None:
    assert not declares("<a><!-- one --><![CDATA[two]]></a>")
    assert declares("<!DOCTYPE a><a/>")


@pytest.mark.parametrize(
    ("z", "inside", "message"),
    [
        (10**9, "<TiffData/>", "SizeZ is impossibly large"),
        (1, '<TiffData PlaneCount="1000000000"/>', "PlaneCount is impossibly large"),
        (1, '<TiffData IFD="1000000000"/>', "IFD is impossibly large"),
        (1, '<TiffData><UUID FileName="../b.tif">u</UUID></TiffData>', "leads to '../b.tif'"),
        (1, '<TiffData><UUID FileName="/b.tif">u</UUID></TiffData>', "leads to '/b.tif'"),
    ],
)
def test_ome_xml_that_asks_for_too_much(path: Path, z: int, inside: str, message: str) -> None:
    text = OME.format(z=z, inside=inside)
    tifffile.imwrite(path, GREY, description=text, metadata=None)
    refuses(path, message)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_ome_xml_that_leads_to_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path.with_name("b.tif"))
    text = OME.format(z=1, inside='<TiffData><UUID FileName="b.tif">u</UUID></TiffData>')
    tifffile.imwrite(path, GREY, description=text, metadata=None)
    refuses(path, r"leads to 'b\.tif': only files beside it are read")


def test_an_image_in_several_files(path: Path) -> None:
    """Read where they are beside it; what is missing is not black."""
    tifffile.imwrite(path.with_name("b.tif"), GREY // 2, metadata=None)
    one = (
        '<TiffData IFD="0" FirstZ="{0}" PlaneCount="1"><UUID FileName="{1}">u{0}</UUID></TiffData>'
    )
    text = OME.format(z=2, inside=one.format(0, "a.tif") + one.format(1, "b.tif"))
    tifffile.imwrite(path, GREY, description=text, metadata=None)
    stack = read_stack(path)
    assert stack.axes == "ZYX"
    np.testing.assert_array_equal(stack.data, [GREY, GREY // 2])
    path.with_name("b.tif").unlink()
    refuses(path, "lacks planes that its description tells of")


def test_what_tifffile_says_of_a_damaged_file_is_not_printed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", said.append)
    logger = logging.getLogger("tifffile")
    # Other tests' readers may still be open, and others' ways to set up logging be in force.
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    monkeypatch.setattr(logger, "handlers", [handler])
    logger._cache.clear()
    tifffile.imwrite(path, GREY, extratags=[(65000, 2, 9, b"Gatan\xff\xfe\0", True)])
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<HH", 65000, 2)) + 8
    content[at : at + 4] = struct.pack("<I", 1 << 30)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_stack(path).data, GREY)
    assert said == []
    # Only while it reads for us.
    with tifffile.TiffFile(path) as tif:
        assert tif.pages.first.shape == GREY.shape
    assert said != []
    assert logger.filters == []


def test_asserts_of_tifffile_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(path, GREY)

    def fail(tif: Any) -> None:
        assert tif is None

    monkeypatch.setattr("clem_retrace.io.images.tiff_pixel_size", fail)
    refuses(path, r"a\.tif cannot be read as TIFF: ")
