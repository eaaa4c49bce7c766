"""`FilePixels`: pixels that lie in a file as they do in memory, read when they are asked for.

They are read, not mapped: where a mapped file is cut short, or the drive that it is on goes, the
operating system ends the program that looks at it, and with it all that is open there. Reading
fails with an error, which can be told.
"""

from __future__ import annotations

import io
import itertools
import math
import operator
import os
import threading
import weakref
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from clem_retrace.errors import BadFile
from clem_retrace.io.bounded import size_in_words
from clem_retrace.io.system_errors import in_words

__all__ = ["SMALL", "FilePixels", "pixels_of"]

#: Images of no more bytes are read at once: they are read faster than anyone notices.
SMALL = 1 << 26

#: So many bytes are read in one go even where few of them are wanted.
AT_ONCE = 1 << 20

#: Seconds by which some drives change the time of a file by themselves.
TIME_TOLERANCE = 2.0


def pixels_of(
    path: Path,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    offset: int,
    strides: tuple[int, ...] | None = None,
) -> NDArray[Any] | FilePixels:
    """Return the pixels in a file: in memory, if there are no more than `SMALL` bytes.

    Parameters
    ----------
    path : Path
    dtype : dtype
    shape : tuple of int
    offset : int, bytes
        Where the first pixel is in the file.
    strides : tuple of int, optional, bytes
        As those of an array; those of rows after rows when left out.

    Raises
    ------
    BadFile
        The file cannot be read, or is shorter than that: nothing is read then.
    """
    if not shape or min(shape) < 1 or offset < 0:
        raise BadFile(f"{path} holds no pixels, or its header is damaged: the image is {shape}")
    file, claimed = _File(path), offset + math.prod(shape) * dtype.itemsize
    if claimed > file.size:
        raise BadFile(
            f"{path} is cut short, or its header is damaged: the image that it tells of takes "
            f"{size_in_words(claimed)}, and the file has {size_in_words(file.size)}"
        )
    if strides is None:
        after = itertools.accumulate(shape[:0:-1], operator.mul, initial=dtype.itemsize)
        strides = tuple(after)[::-1]
    pixels = FilePixels(file, dtype, offset, shape, strides)
    return np.asarray(pixels) if pixels.nbytes <= SMALL else pixels


class _File:
    """A file that is open for reading, and must stay as it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = io.FileIO(path)
            weakref.finalize(self, self._file.close)
            self._begin = os.fstat(self._file.fileno())
        except OSError as error:
            raise BadFile(f"{path} cannot be read: {in_words(error, path)}") from error

    @property
    def size(self) -> int:
        """How many bytes it had when it was opened."""
        return self._begin.st_size

    def read(self, first: int, count: int) -> bytearray:
        """Return some bytes.

        Raises
        ------
        BadFile
            They cannot be read, or the file was changed since it was opened.
        """
        buffer = bytearray(count)
        try:
            with self._lock:
                self._file.seek(first)
                rest = memoryview(buffer)
                while rest and (got := self._file.readinto(rest)):
                    rest = rest[got:]
                now = os.fstat(self._file.fileno())
        except OSError as error:
            raise BadFile(f"{self.path} cannot be read: {in_words(error, self.path)}") from error
        later = abs(now.st_mtime - self._begin.st_mtime)
        if rest or now.st_size != self._begin.st_size or later > TIME_TOLERANCE:
            raise BadFile(
                f"{self.path} was changed by another program since it was opened: open it again"
            )
        return buffer


class FilePixels:
    """Pixels in a file, with as much of an array's ways as lazy arrays need.

    A part of it, taken by whole numbers and slices, is read when it becomes an array: by
    `numpy.asarray`. Other ways to index read all.

    Parameters
    ----------
    file : _File
    dtype : dtype
    offset : int, bytes
        Of the first pixel in the file.
    shape, strides : tuple of int
        As those of an array; strides are in bytes.
    """

    __slots__ = ("__weakref__", "_file", "_offset", "_strides", "dtype", "shape")

    def __init__(
        self,
        file: _File,
        dtype: np.dtype[Any],
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> None:
        self._file, self._offset, self._strides = file, offset, strides
        self.dtype, self.shape = dtype, shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many pixels there are."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes they take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<FilePixels of {self._file.path.name}, shape {self.shape}, {self.dtype}>"

    def __getitem__(self, key: Any) -> Any:
        """Return a part, unread; a single pixel is read."""
        keys = key if isinstance(key, tuple) else (key,)
        if not all(_is_plain(each) for each in keys):
            return np.asarray(self)[key]
        offset, shape, strides = self._offset, [], []
        for each, length, stride in zip(
            _for_each_axis(keys, self.ndim), self.shape, self._strides, strict=True
        ):
            if isinstance(each, slice):
                places = range(length)[each]
                shape.append(len(places))
                strides.append(stride * places.step)
                offset += stride * places.start if places else 0
            else:
                offset += stride * range(length)[each]
        part = FilePixels(self._file, self.dtype, offset, tuple(shape), tuple(strides))
        return part if shape else np.asarray(part)[()]

    def transpose(self, *axes: Any) -> FilePixels:
        """Return the pixels with the axes in another order, unread."""
        (order,) = axes if len(axes) == 1 else (axes or range(self.ndim)[::-1],)
        shape, strides = (
            tuple(each[axis] for axis in order) for each in (self.shape, self._strides)
        )
        return FilePixels(self._file, self.dtype, self._offset, shape, strides)

    def as_stack(self) -> FilePixels | NDArray[Any]:
        """Return the pixels with all axes before the last two in one; unread, where they can be."""
        *before, rows, cols = zip(self.shape, self._strides, strict=True)
        long = [axis for axis in before if axis[0] != 1] or [(1, 0)]
        shape = (math.prod(length for length, _ in long), rows[0], cols[0])
        if any(
            stride != length * inner for (_, stride), (length, inner) in itertools.pairwise(long)
        ):
            return np.asarray(self).reshape(shape)
        strides = (long[-1][1], rows[1], cols[1])
        return FilePixels(self._file, self.dtype, self._offset, shape, strides)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the pixels, read."""
        if copy is False:
            raise ValueError("pixels in a file cannot be had without a copy")
        pixels = self._read(self._offset, self.shape, self._strides)
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def _read(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[Any]:
        """Return pixels, read in one go where they lie close together."""
        if 0 in shape:
            return np.empty(shape, self.dtype)
        ways = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
        first = offset + sum(way for way in ways if way < 0)
        count = offset + sum(way for way in ways if way > 0) + self.dtype.itemsize - first
        if count <= max(AT_ONCE, 2 * math.prod(shape) * self.dtype.itemsize):
            buffer = self._file.read(first, count)
            return np.ndarray(shape, self.dtype, buffer, offset - first, strides)
        out = np.empty(shape, self.dtype)
        widest = max(range(len(shape)), key=lambda axis: abs(ways[axis]))
        rest = shape[:widest] + shape[widest + 1 :], strides[:widest] + strides[widest + 1 :]
        along = np.moveaxis(out, widest, 0)
        for index in range(shape[widest]):
            along[index] = self._read(offset + index * strides[widest], *rest)
        return out


def _is_plain(key: Any) -> bool:
    """Whether a key is a whole number, a slice or an ellipsis."""
    return key is Ellipsis or (isinstance(key, (slice, Integral)) and not isinstance(key, bool))


def _for_each_axis(keys: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """Return a key for each axis.

    Raises
    ------
    IndexError
        There are more keys than axes, or two ellipses.
    """
    given = [place for place, key in enumerate(keys) if key is Ellipsis]
    missing = ndim - len(keys) + len(given)
    if missing < 0 or len(given) > 1:
        raise IndexError(f"{len(keys)} keys for {ndim} axes")
    place = given[0] if given else len(keys)
    return (*keys[:place], *[slice(None)] * missing, *keys[place + 1 :])
