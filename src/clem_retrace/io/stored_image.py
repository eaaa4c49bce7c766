"""`StoredImage`: where the pixels of an image lie in a file, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.io.file_pixels import FilePixels, pixels_of

__all__ = ["StoredImage"]


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in a file.

    Attributes
    ----------
    dtype : numpy.dtype
        With the file's byte order.
    shape : tuple of int
        Columns last; colours have a further axis of four.
    offset : int, bytes
        From the start of the file to the first pixel.
    calibrations : tuple of (number, unit)
        Size of a pixel along each axis of `shape` but that of colours; an empty unit where
        it is not known.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    calibrations: tuple[tuple[float, str], ...]

    @property
    def colour(self) -> bool:
        """Whether the last axis holds blue, green, red and a spare byte."""
        return len(self.shape) > len(self.calibrations)

    @property
    def axes(self) -> str:
        """The letters of its axes, see `clem_retrace.io.images.ImageStack`."""
        return "Q" * (len(self.calibrations) - 2) + ("YXS" if self.colour else "YX")

    def pixels(self, path: Path) -> NDArray[Any] | FilePixels:
        """Return the pixels, of the file that it was found in; see `pixels_of`."""
        return pixels_of(path, self.dtype, self.shape, self.offset)
