"""TIFF files, opened with mistrust: what they tell is compared with what they hold.

tifffile reads what it can of damaged files: what is missing becomes zeros, or fewer planes, and
the log says so. Here such files are refused. And a short file can ask for memory and time
without end; these, too, are refused before anything is read.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from clem_retrace.errors import BadFile
from clem_retrace.io.bounded import size_in_words

__all__ = ["checked_series", "declares", "open_tiff"]

#: Of pixels, that a byte of a file can hold: Deflate packs 1032, LZW 1280 and no more.
MOST_PER_BYTE = 1300

#: Compressions of TIFF that pack no more than this: none, LZW, Deflate (two numbers), PackBits.
BOUNDED_COMPRESSIONS = (1, 5, 8, 32946, 32773)

#: More planes are in no image; lists of so many are no burden.
MOST_PLANES = 1 << 20

#: The number of tags in a directory, a tag (its code, type, number of values, and where they
#: are), and the place of the next directory, as `struct` spells them: TIFF and BigTIFF.
_FORMS = {42: ("H", "HHII", "I"), 43: ("Q", "HHQQ", "Q")}

#: Tags that hold XML: the description, and XMP, which some scanners use for theirs.
DESCRIPTION, XMP = 270, 700

#: More tags are in no directory.
MOST_TAGS = 4096

#: Attributes of OME-XML by which tifffile makes lists as long as they say.
_COUNTS = {"SizeZ", "SizeC", "SizeT", "FirstZ", "FirstC", "FirstT", "IFD", "PlaneCount",
           "NumPlanes", "SamplesPerPixel", "Start", "End", "Step"}  # fmt: skip


class _Quiet(logging.Filter):
    """Keeps what tifffile says of a file, in the thread that reads it, from standard error."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


@contextlib.contextmanager
def open_tiff(path: Path) -> Iterator[Any]:
    """Give an open ``tifffile.TiffFile``.

    Raises
    ------
    BadFile
        A text in it would grow without bound.
    Exception
        Of many kinds, by tifffile: it is damaged.
    """
    import tifffile

    log, quiet = logging.getLogger("tifffile"), _Quiet()
    log.addFilter(quiet)
    try:
        with tifffile.TiffFile(path) as tif:
            _check_texts(path, tif)
            yield tif
    finally:
        log.removeFilter(quiet)


def checked_series(path: Path, tif: Any) -> Any:
    """Return the first image of an open file, of which all pixels are there.

    Raises
    ------
    BadFile
        Some are not, or they are more than any memory holds.
    """
    _check_chain(path, tif)
    series = tif.series[0]
    _check_planes(path, tif, series)
    if series.dataoffset is not None:
        return series  # one block, which `pixels_of` checks
    size, claimed, stored, held = tif.filehandle.size, 0, 0, 0
    for page in series.pages:
        if page is None:
            raise BadFile(
                f"{path} lacks planes that its description tells of: they may be in other files, "
                "or were never saved"
            )
        claimed += page.keyframe.nbytes
        stored += _bytes(page.keyframe)
        held += _check_segments(path, page, page.parent.filehandle.size)
    if series.nbytes > claimed:
        raise BadFile(f"{path} is cut short: it tells of more planes than it has")
    keyframe = series.keyframe
    if keyframe.compression in BOUNDED_COMPRESSIONS and stored > MOST_PER_BYTE * held:
        raise BadFile(
            f"{path} tells of {size_in_words(claimed)} of pixels, and its {size_in_words(size)} "
            "cannot hold so many: it is damaged"
        )
    room = _memory()
    if claimed > room:
        raise BadFile(
            f"{path} is compressed, and takes {size_in_words(claimed)} when it is unpacked, more "
            f"than the memory of this computer, {size_in_words(room)}: save it uncompressed"
        )
    return series


def _check_planes(path: Path, tif: Any, series: Any) -> None:
    """Refuse a stack of ImageJ that is shorter than its description tells.

    Raises
    ------
    BadFile
    """
    told = tif.imagej_metadata if tif.is_imagej else None
    if told is None or series.kind not in ("generic", "uniform"):
        return
    planes = math.prod(told.get(name, 1) for name in ("channels", "slices", "frames"))
    if planes * series.keyframe.size > math.prod(series.shape):
        raise BadFile(f"{path} is cut short: ImageJ tells of {planes} planes in it")


def declares(text: str) -> bool:
    """Whether an XML text declares a document type or entities, which can grow without bound."""
    return "<!" in re.sub(r"<!(--|\[CDATA\[)", "", text)


def _check_texts(path: Path, tif: Any) -> None:
    """Refuse texts with which tifffile would take memory, or files, without bound.

    Raises
    ------
    BadFile
    """
    tags = tif.pages.first.tags
    for code in (DESCRIPTION, XMP):
        text = tags.valueof(code, "")
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="replace")
        if (
            isinstance(text, str)
            and text.lstrip("\ufeff \r\n\t").startswith("<")
            and declares(text)
        ):
            raise BadFile(f"the XML in {path} declares entities, which can grow without bound")
    if tif.is_ome:
        _check_ome(path, tif)


def _check_ome(path: Path, tif: Any) -> None:
    """Refuse OME-XML that tells of impossibly many planes, or of files elsewhere.

    Raises
    ------
    BadFile
    """
    try:
        root = ET.fromstring(tif.ome_metadata)
    except ET.ParseError:
        return  # tifffile does without
    pixels = max(1, int(tif.pages.first.size))
    for element in root.iter():
        wrong = [name for name in _COUNTS if not _is_below(element.get(name), MOST_PLANES)]
        if element.tag.endswith("Pixels"):
            sides = (element.get(f"Size{axis}", "1") for axis in "XYZCT")
            planes = math.prod(int(side) for side in sides if side.isdecimal()) / pixels
            wrong += ["the number of pixels"] if planes > MOST_PLANES else []
        elif "Along" in element.tag:
            wrong += ["a number of steps"] if _steps(element) > MOST_PLANES else []
        elif element.tag.endswith("UUID"):
            _check_partner(path, element.get("FileName", ""))
        if wrong:
            raise BadFile(f"the OME-XML in {path} is damaged: {wrong[0]} is impossibly large")


def _is_below(text: str | None, bound: int) -> bool:
    try:
        return text is None or abs(float(text)) < bound
    except ValueError:
        return True  # tifffile refuses it


def _steps(element: ET.Element) -> float:
    """Return how many values a range has."""
    try:
        start, end, step = (float(element.get(name, "1")) for name in ("Start", "End", "Step"))
        return (end - start) / step if step else math.inf
    except ValueError:
        return 0.0


def _check_partner(path: Path, name: str) -> None:
    """Refuse a file name that leads out of the file's folder, or to what is no file.

    Raises
    ------
    BadFile
    """
    if not name:
        return
    beside = path.parent / name
    if os.path.basename(name) != name or (os.path.exists(beside) and not os.path.isfile(beside)):
        raise BadFile(
            f"the OME-XML in {path} leads to {name[:200]!r}: only files beside it are read"
        )


def _check_chain(path: Path, tif: Any) -> None:
    """Refuse a file whose list of images leads out of it, or in a circle.

    Raises
    ------
    BadFile
    """
    file = tif.filehandle
    file.seek(2)
    version = int.from_bytes(file.read(2), "little" if tif.byteorder == "<" else "big")
    if version not in _FORMS or tif.is_ndpi:
        return  # forms of others, which tifffile knows
    many, tag, place = (struct.Struct(tif.byteorder + form) for form in _FORMS[version])
    file.seek(4 if version == 42 else 8)
    seen: set[int] = set()
    while True:
        (offset,) = _unpacked(path, file, place)
        if offset == 0:
            return
        if offset in seen or len(seen) > MOST_PLANES:
            raise BadFile(f"{path} is damaged: its list of images leads in a circle")
        if offset >= file.size:
            raise BadFile(f"{path} is cut short: it tells of an image behind its end")
        file.seek(offset)
        (count,) = _unpacked(path, file, many)
        if not seen:
            _check_description(path, file, tag, min(count, MOST_TAGS))
        seen.add(offset)
        file.seek(offset + many.size + count * tag.size)


def _check_description(path: Path, file: Any, tag: struct.Struct, count: int) -> None:
    """Refuse a file whose description, which tells what its images are, is not in it.

    Raises
    ------
    BadFile
    """
    inline = 4 if tag.size == 12 else 8  # shorter values stand in the place of the offset
    for _ in range(count):
        code, _, length, offset = _unpacked(path, file, tag)
        if code == DESCRIPTION and length > inline and offset + length > file.size:
            raise BadFile(f"{path} is cut short: its description lies behind its end")


def _unpacked(path: Path, file: Any, form: struct.Struct) -> tuple[int, ...]:
    data = file.read(form.size)
    if len(data) < form.size:
        raise BadFile(f"{path} is cut short: its list of images ends too early")
    return form.unpack(data)


def _check_segments(path: Path, page: Any, size: int) -> int:
    """Return how many bytes the strips or tiles of an image take in the file.

    Raises
    ------
    BadFile
        Some are not there.
    """
    keyframe = page.keyframe
    offsets, counts = page.dataoffsets, page.databytecounts
    if keyframe.is_contiguous:  # read in one, from where the first begins
        offsets, counts = offsets[:1], (keyframe.nbytes,)
    needed = 1 if keyframe.is_contiguous else math.prod(keyframe.chunked)
    if not len(counts) >= len(offsets) >= needed:
        raise BadFile(
            f"{path} is damaged: an image of {needed} strips or tiles lists {len(offsets)}"
        )
    # One that is empty, with neither place nor size, is black.
    if any(offset + count > size for offset, count in zip(offsets, counts, strict=False)):
        raise BadFile(f"{path} is cut short: pixels lie behind its end")
    held = int(sum(counts[:needed]))
    # In YCbCr, which is 6, neighbours share a colour.
    whole = keyframe.compression == 1 and keyframe.photometric != 6 and all(counts)
    if whole and held < _bytes(keyframe):
        raise BadFile(f"{path} is damaged: an image takes fewer bytes than it has pixels")
    return held


def _bytes(keyframe: Any) -> int:
    """Return how many bytes the pixels of an image take, as they are stored."""
    return int(keyframe.size) * int(keyframe.bitspersample) // 8


def _memory() -> float:
    """Return how much memory the computer has, bytes; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf
