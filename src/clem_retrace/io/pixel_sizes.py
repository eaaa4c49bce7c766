"""Pixel sizes from the metadata of image files, with their provenance.

Microscopes and programs write the size of a pixel in different places of a file, some
of them wrong. The places are asked in the order of their trustworthiness; none of them
gives a size that was not written, and a file without one gives None.

======================  =================================================================
source                  where
======================  =================================================================
OME-XML                 ``PhysicalSizeX``, ``PhysicalSizeY`` and their units
FEI/Thermo SEM tag      ``[Scan] PixelWidth`` in metres, or ``BinaryResult/PixelSize``
Zeiss SEM tag           ``Image Pixel Size``, or ``Pixel Size`` times 1024 / columns
Olympus SIS tag         x and y calibration in metres
ImageJ                  resolution tags and the unit in the description
TIFF resolution         resolution tags alone, unless they are a printer's
MRC header              cell lengths over sampling, in ångström
======================  =================================================================
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from clem_retrace.errors import BadImage
from clem_retrace.io.formats import kind_of, reading, recognise

__all__ = ["PixelSize", "mrc_pixel_size", "pixel_size_of", "tiff_pixel_size"]

#: Pixels that differ by more are not square; the search finds the ratio to some 2 %, and the
#: affine registration takes care of what is left.
SQUARE_TOLERANCE = 0.01

#: Resolution tags that give a larger pixel are taken for a printer's, screen's or scanner's:
#: 5 micrometres are some 5000 dots an inch, while 72, 96, 300 or 4800 dots an inch are what
#: programs write into files of which they know nothing.
LARGEST_FROM_RESOLUTION = 5000.0

#: Zeiss gives "Pixel Size" for an image of this many columns, whatever the image has.
ZEISS_COLUMNS = 1024

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

Length = tuple[Any, str]
"""A number and its unit as they were found: nothing is checked yet."""

Calibration = tuple[Length, Length]
"""From one row to the next, and from one column to the next."""


@dataclass(frozen=True, slots=True)
class PixelSize:
    """The distance of neighbouring pixels and where it was read.

    Attributes
    ----------
    rows, cols : float, nm
        From one row to the next, and from one column to the next.
    source : str
        For people: "OME-XML", "ImageJ", ...
    """

    rows: float
    cols: float
    source: str

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

    Parameters
    ----------
    path : path
        PNG, JPEG and NumPy files have none; neither has a file of a kind that is not read.

    Raises
    ------
    BadFile
        There is no such file, or it is damaged.
    """
    if recognise(path) not in ("TIFF", "MRC"):
        return None
    kind = kind_of(path)
    with reading(path, kind):
        if kind == "MRC":
            import mrcfile

            with mrcfile.open(path, mode="r", header_only=True) as mrc:
                return mrc_pixel_size(mrc)
        import tifffile

        with tifffile.TiffFile(path) as tif:
            return tiff_pixel_size(tif)


def mrc_pixel_size(mrc: Any) -> PixelSize | None:
    """Return the pixel size in the header of an open ``mrcfile.MrcFile``, in nm."""
    voxel = mrc.voxel_size
    return _pixel_size(((voxel.y, "angstrom"), (voxel.x, "angstrom")), "MRC header")


def tiff_pixel_size(tif: Any) -> PixelSize | None:
    """Return the pixel size of the first image of an open ``tifffile.TiffFile``."""
    sources = {
        "OME-XML": _from_ome,
        "FEI/Thermo SEM tag": _from_fei,
        "Zeiss SEM tag": _from_zeiss,
        "Olympus SIS tag": _from_sis,
        "ImageJ": _from_imagej,
        "TIFF resolution": _from_resolution,
    }
    for source, read in sources.items():
        calibration = read(tif)
        if calibration is not None and (size := _pixel_size(calibration, source)) is not None:
            return size
    return None


def _pixel_size(calibration: Calibration, source: str) -> PixelSize | None:
    """Return a calibration in nm, or None when it is no positive length."""
    try:
        rows, cols = (float(number) * _nm_per(unit) for number, unit in calibration)
    except (TypeError, ValueError):
        return None
    if not all(math.isfinite(nm) and nm > 0 for nm in (rows, cols)):
        return None
    return PixelSize(rows, cols, source)


def _nm_per(unit: str) -> float:
    """Return a unit of length in nm, NaN when it is none ("pixel", "reference frame")."""
    # ImageJ escapes what is not ASCII; there are two signs each for micro and for angstrom.
    unit = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unit)
    unit = unicodedata.normalize("NFKC", unit.strip())
    word = unit.lower().removesuffix("s") if len(unit) > 2 else unit
    return _NM.get(word, math.nan)


def _from_ome(tif: Any) -> Calibration | None:
    root = _parse_xml(tif.ome_metadata)
    pixels = None if root is None else root.find("{*}Image/{*}Pixels")
    if pixels is None:
        return None
    # The schema's default unit is the micrometre.
    return (
        (pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeYUnit", "um")),
        (pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeXUnit", "um")),
    )


def _from_fei(tif: Any) -> Calibration | None:
    scan = (tif.fei_metadata or {}).get("Scan", {})
    if "PixelWidth" in scan:
        return (scan.get("PixelHeight", scan["PixelWidth"]), "m"), (scan["PixelWidth"], "m")
    root = _parse_xml(tif.pages.first.tags.valueof(34683))
    if root is None:
        return None
    rows, cols = root.find("BinaryResult/PixelSize/Y"), root.find("BinaryResult/PixelSize/X")
    if rows is None or cols is None:
        return None
    # Without its unit the number could be anything.
    return (rows.text, rows.get("unit", "")), (cols.text, cols.get("unit", ""))


def _from_zeiss(tif: Any) -> Calibration | None:
    metadata = tif.sem_metadata or {}
    columns = tif.pages.first.imagewidth
    for key, factor in (("ap_image_pixel_size", 1.0), ("ap_pixel_size", ZEISS_COLUMNS / columns)):
        entry = metadata.get(key, ())
        if len(entry) == 3 and isinstance(entry[1], (int, float)):
            return ((entry[1] * factor, entry[2]),) * 2
    return None


def _from_sis(tif: Any) -> Calibration | None:
    metadata = tif.sis_metadata or {}
    return (metadata.get("pixelsizey"), "m"), (metadata.get("pixelsizex"), "m")


def _from_imagej(tif: Any) -> Calibration | None:
    unit = (tif.imagej_metadata or {}).get("unit")
    return None if unit is None else _from_tags(tif, str(unit))


def _from_resolution(tif: Any) -> Calibration | None:
    unit = {2: "inch", 3: "cm"}.get(int(tif.pages.first.tags.valueof("ResolutionUnit", 2)))
    return None if unit is None else _from_tags(tif, unit)


def _from_tags(tif: Any, unit: str) -> Calibration | None:
    """Return the inverse of the resolution tags, unless they are a printer's."""
    tags = tif.pages.first.tags
    spacing = []
    for name in ("YResolution", "XResolution"):
        pixels, units = tags.valueof(name, (0, 1))
        spacing.append(units / pixels if pixels else math.nan)
        if unit in ("inch", "cm") and spacing[-1] * _nm_per(unit) > LARGEST_FROM_RESOLUTION:
            return None
    return (spacing[0], unit), (spacing[1], unit)


def _parse_xml(text: Any) -> ET.Element | None:
    """Return the root of an XML text, None when there is none to be trusted.

    Documents that declare entities are refused: they can be made to grow without bound.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if not isinstance(text, str) or "<!" in re.sub(r"<!(--|\[CDATA\[)", "", text):
        return None
    try:
        return ET.fromstring(text.strip("\0 \r\n\t"))
    except ET.ParseError:
        return None
