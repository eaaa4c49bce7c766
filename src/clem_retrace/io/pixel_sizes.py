"""Pixel sizes from the metadata of image files, with their provenance.

Microscopes and programs write the size of a pixel in different places of a file, some
of them wrong. The places are asked in the order of their trustworthiness; none of them
gives a size that was not written, and a file without one gives None.

======================  =================================================================
source                  where
======================  =================================================================
OME-XML                 ``PhysicalSizeX``, ``PhysicalSizeY`` and their units
FEI/Thermo SEM tag      ``[Scan] PixelWidth`` in metres, or ``BinaryResult/PixelSize``
Zeiss SEM tag           ``Image Pixel Size``; or ``Pixel Size``, or the fourth line in metres,
                        times 1024 / columns
Zeiss Atlas tag         ``FOV_X`` and ``FOV_Y`` of Fibics' XML, over the columns and rows
TESCAN SEM tag          ``PixelSizeX``, ``PixelSizeY`` in metres
Gatan tags              scale and unit of x and y, as DigitalMicrograph exports them
Olympus SIS tag         x and y calibration in metres
Zeiss LSM tag           ``VoxelSizeX``, ``VoxelSizeY`` in metres
ImageJ                  resolution tags and the unit in the description
TIFF resolution         resolution tags alone, unless they are a printer's
MRC header              cell lengths over sampling, in ångström, unless exactly 1
DM3/DM4 tags            ``Calibrations`` of the image, with their unit
======================  =================================================================
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clem_retrace.errors import BadImage
from clem_retrace.io import digital_micrograph, mrc
from clem_retrace.io.formats import Kind, kind_of, reading, recognise
from clem_retrace.io.stored_image import StoredImage
from clem_retrace.io.tiff import open_tiff
from clem_retrace.io.tiff_calibrations import Calibration, Length, calibrations

__all__ = [
    "CALIBRATED",
    "PixelSize",
    "dm_pixel_size",
    "mrc_pixel_size",
    "pixel_size_of",
    "tiff_pixel_size",
]

#: Kinds of files that may hold a pixel size.
CALIBRATED: frozenset[Kind | None] = frozenset({"TIFF", "MRC", "DM3/DM4"})

#: Pixels that differ by more are not square; the search finds the ratio to some 2 %, and the
#: affine registration takes care of what is left.
SQUARE_TOLERANCE = 0.01

_NM: dict[str, float] = {
    "pm": 1e-3,
    "\u00c5": 0.1,
    "angstrom": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "um": 1e3,
    "\u03bcm": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "cm": 1e7,
    "centimeter": 1e7,
    "centimetre": 1e7,
    "in": 2.54e7,
    "inch": 2.54e7,
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
}


@dataclass(frozen=True, slots=True)
class PixelSize:
    """The distance of neighbouring pixels and where it was read.

    Attributes
    ----------
    rows, cols : float, nm
        From one row to the next, and from one column to the next.
    source : str
        For people: "OME-XML", "ImageJ", ...
    planes : float or None, nm
        From one plane of a stack to the next, where the file tells; MRC and DM3/DM4 only.
    """

    rows: float
    cols: float
    source: str
    planes: float | None = None

    def __str__(self) -> str:
        """Return it in words: "11.3 nm (Zeiss SEM tag)"."""
        size = f"{self.cols:.6g}" if self.square else f"{self.rows:.6g} x {self.cols:.6g}"
        return f"{size} nm ({self.source})"

    @property
    def square(self) -> bool:
        """Whether the two agree to 1 %."""
        return abs(self.rows / self.cols - 1) <= SQUARE_TOLERANCE

    @property
    def nm(self) -> float:
        """The one number, nm per pixel.

        Raises
        ------
        BadImage
            The pixels are not square.
        """
        if not self.square:
            raise BadImage(
                f"the pixels are {self.rows:g} nm high and {self.cols:g} nm wide ({self.source}): "
                "square ones are needed; resample it, or give the pixel size if this is wrong"
            )
        return math.sqrt(self.rows * self.cols)


def pixel_size_of(path: str | os.PathLike[str]) -> PixelSize | None:
    """Return the pixel size written in an image file, or None when there is none.

    Only the header is read: a millisecond or two, whatever the size of the file.

    Parameters
    ----------
    path : path
        PNG, JPEG and NumPy files have none; neither has a file of a kind that is not read.

    Raises
    ------
    BadFile
        There is no such file, or it is damaged.
    """
    if recognise(path) not in CALIBRATED:
        return None
    kind = kind_of(path)
    with reading(path, kind):
        if kind == "DM3/DM4":
            return dm_pixel_size(digital_micrograph.find_image(Path(path)))
        if kind == "MRC":
            return mrc_pixel_size(mrc.find_image(Path(path)))
        with open_tiff(Path(path)) as tif:
            return tiff_pixel_size(tif)


def mrc_pixel_size(image: StoredImage) -> PixelSize | None:
    """Return the pixel size in the header of an MRC file, in nm.

    One ångström is what programs write that know of none.
    """
    (height, _), (width, _) = image.calibrations[-2:]
    return None if width == height == 1 else _of_stored(image, "MRC header")


def dm_pixel_size(image: StoredImage) -> PixelSize | None:
    """Return the pixel size in the tags of a DigitalMicrograph file, in nm."""
    return _of_stored(image, "DM3/DM4 tags")


def _of_stored(image: StoredImage, source: str) -> PixelSize | None:
    """Return the sizes of an image that was found in a file, in nm, or None."""
    *planes, rows, cols = image.calibrations
    return _pixel_size((rows, cols), source, planes[-1] if planes else (math.nan, ""))


def tiff_pixel_size(tif: Any) -> PixelSize | None:
    """Return the pixel size of the first image of an open ``tifffile.TiffFile``."""
    sizes = (_pixel_size(found, source) for source, found in calibrations(tif))
    return next((size for size in sizes if size is not None), None)


def _pixel_size(
    calibration: Calibration, source: str, planes: Length = (math.nan, "")
) -> PixelSize | None:
    """Return a calibration in nm, or None when it is no positive length."""
    rows, cols, deep = (_nm(length) for length in (*calibration, planes))
    return None if rows is None or cols is None else PixelSize(rows, cols, source, deep)


def _nm(length: Length) -> float | None:
    """Return a length in nm, or None when it is no positive one."""
    number, unit = length
    try:
        nm = float(number) * _nm_per(unit)
    except (TypeError, ValueError):
        return None
    return nm if math.isfinite(nm) and nm > 0 else None


def _nm_per(unit: str) -> float:
    """Return a unit of length in nm, NaN when it is none ("pixel", "reference frame")."""
    # ImageJ escapes what is not ASCII; there are two signs each for micro and for angstrom.
    unit = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unit)
    unit = unicodedata.normalize("NFKC", unit.strip())
    word = unit.lower().removesuffix("s") if len(unit) > 2 else unit
    return _NM.get(word, math.nan)
