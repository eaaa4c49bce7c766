"""Gatan DigitalMicrograph files, DM3 and DM4: where the pixels lie, and how large they are.

Read here, as far as it is needed, because of the packages that read both, rosettasciio and
ncempy are under the GPL, and nionswift-io loads the whole image and takes unsigned bytes for
signed ones. Pixels are not read: that is for `file_pixels`.

A file is a tree of tags. A group holds tags with or without a name; a tag is a group or a
value, and a value is preceded by a list of numbers that say its type. DM4 is DM3 with
sizes of eight bytes instead of four, and with the length of each tag.

References
----------
Boothroyd C., DigitalMicrograph file formats for image data, description of DM3 and DM4.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clem_retrace.io.stored_image import StoredImage

__all__ = ["find_image"]

GROUP, VALUE = 20, 21
STRUCT, STRING, ARRAY = 15, 18, 20

#: Types of values: of one number each, as `struct` spells them.
_NUMBERS = {
    2: "h", 3: "i", 4: "H", 5: "I", 6: "f", 7: "d", 8: "?", 9: "b", 10: "B", 11: "q", 12: "Q",
}  # fmt: skip

#: Types of images by their tag ``DataType``; 23 are the colours B, G, R and one spare byte.
_IMAGES = {
    1: "i2", 2: "f4", 3: "c8", 6: "u1", 7: "i4", 9: "i1", 10: "u2", 11: "u4", 12: "f8",
    13: "c16", 14: "u1", 23: "(4,)u1", 39: "i8", 40: "u8",
}  # fmt: skip

#: Larger ones are no tags of a microscope's; nor are there more tags, or images of more axes.
DEEPEST, LONGEST_TYPE, LONGEST_TEXT, MOST_TAGS, MOST_AXES = 64, 1000, 4096, 1_000_000, 8


@dataclass(frozen=True, slots=True)
class _Array:
    """Numbers of one type that were passed over."""

    kind: str
    count: int
    offset: int


def find_image(path: Path) -> StoredImage:
    """Return the image of a file that is no thumbnail; the first, if there are several.

    Raises
    ------
    ValueError
        The file is no DM3 or DM4 file, is damaged, or holds no image of a known type.
    struct.error
        It ends too early.
    """
    with path.open("rb") as file:
        reader = _Reader(file)
        tags = reader.group()
        images = _members(tags.get("ImageList"))
        thumbnails = {thumbnail.get("ImageIndex") for thumbnail in _members(tags.get("Thumbnails"))}
        shown = [image for number, image in enumerate(images) if number not in thumbnails]
        if not shown:
            raise ValueError("it holds no image")
        # Without a word about thumbnails the image is the last.
        chosen = shown[0] if thumbnails else shown[-1]
        return _stored(chosen.get("ImageData", {}), reader)


def _stored(image: dict[Any, Any], reader: _Reader) -> StoredImage:
    """Return an image's place from its tags."""
    data, code = image.get("Data"), image.get("DataType")
    lengths = list(image.get("Dimensions", {}).values())
    if not isinstance(data, _Array) or code not in _IMAGES:
        raise ValueError(f"it holds no image of a known type (DataType {code})")
    base = np.dtype(reader.order + _IMAGES[code]) if code != 23 else np.dtype(_IMAGES[code])
    shape = (*(int(length) for length in reversed(lengths)), *base.shape)
    stored = data.count * struct.calcsize(reader.order + data.kind)
    if not 2 <= len(lengths) <= MOST_AXES or min(shape) < 1:
        raise ValueError(f"it holds no image of shape {shape[:MOST_AXES]}")
    if stored != math.prod(shape) * base.base.itemsize:
        raise ValueError(f"its {stored} bytes are no image of shape {shape} and type {base}")
    along = _members(image.get("Calibrations", {}).get("Dimension"))
    calibrations = [
        (float(one.get("Scale", math.nan)), reader.text(one.get("Units"))) for one in along
    ]
    # Where there are fewer than axes, the sizes of the last ones are not known.
    calibrations += [(math.nan, "")] * (len(lengths) - len(calibrations))
    return StoredImage(base.base, shape, data.offset, tuple(reversed(calibrations[: len(lengths)])))


def _members(group: Any) -> list[dict[Any, Any]]:
    """Return the groups in a group."""
    values = group.values() if isinstance(group, dict) else ()
    return [value for value in values if isinstance(value, dict)]


class _Reader:
    """Reads the tags of an open file; arrays are passed over."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._tags = file, 0
        self._length = file.seek(0, os.SEEK_END)
        file.seek(0)
        (self._version,) = self._unpack(">I")
        if self._version not in (3, 4):
            raise ValueError(f"it begins with {self._version}, not with the version 3 or 4")
        self._size = ">Q" if self._version == 4 else ">I"
        self._unpack(self._size)
        #: Of the values; sizes and types are big-endian always.
        self.order = "<" if self._unpack(">I") == (1,) else ">"

    def group(self, depth: int = 0) -> dict[Any, Any]:
        """Return the tags of the group that begins here; those without a name are numbered."""
        if depth > DEEPEST:
            raise ValueError("its tags are nested too deeply")
        self._unpack(">??")
        (count,) = self._unpack(self._size)
        tags: dict[Any, Any] = {}
        for number in range(count):
            self._tags += 1
            if self._tags > MOST_TAGS:
                raise ValueError("it has too many tags")
            kind, name_length = self._unpack(">BH")
            name = self._read(name_length).decode("latin-1") or number
            if self._version == 4:
                self._unpack(self._size)
            if kind == GROUP:
                tags[name] = self.group(depth + 1)
            elif kind == VALUE:
                tags[name] = self._value()
            else:
                raise ValueError(f"it has a tag of the unknown kind {kind}")
        return tags

    def text(self, value: Any) -> str:
        """Return the text of a value: arrays of 16-bit numbers are texts."""
        if not isinstance(value, _Array) or value.kind != "H" or value.count > LONGEST_TEXT:
            return ""
        self._file.seek(value.offset)
        codec = "utf-16-le" if self.order == "<" else "utf-16-be"
        return self._read(2 * value.count).decode(codec, errors="replace").strip("\0 ")

    def _value(self) -> Any:
        """Return a number, a tuple of numbers, or the place of an array; None for a string."""
        marker = self._read(4)
        (length,) = self._unpack(self._size)
        if marker != b"%%%%" or not 0 < length <= LONGEST_TYPE:
            raise ValueError("a tag is damaged")
        kinds = [self._unpack(self._size)[0] for _ in range(length)]
        if kinds[0] == STRING:
            self._skip(kinds[1] if length > 1 else 0)
            return None
        if kinds[0] == ARRAY:
            kind, count = self._kind(kinds[1:-1]), kinds[-1]
            place = _Array(kind, count, self._file.tell())
            self._skip(count * struct.calcsize(self.order + kind))
            return place
        values = self._unpack(self.order + self._kind(kinds))
        return values[0] if len(values) == 1 else values

    def _kind(self, kinds: list[int]) -> str:
        """Return the format of one number, or of the numbers of a struct."""
        # A struct: length of its name, number of fields, and these two of each field.
        fields = kinds[4::2] if kinds and kinds[0] == STRUCT else kinds
        if not fields or any(field not in _NUMBERS for field in fields):
            raise ValueError(f"a tag is of the unknown type {kinds[:8]}")
        return "".join(_NUMBERS[field] for field in fields)

    def _unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._read(struct.calcsize(form)))

    def _skip(self, length: int) -> None:
        if self._file.tell() + length > self._length:
            raise ValueError("it ends too early")
        self._file.seek(length, os.SEEK_CUR)

    def _read(self, length: int) -> bytes:
        found = self._file.read(length)
        if len(found) < length:
            raise ValueError("it ends too early")
        return found
