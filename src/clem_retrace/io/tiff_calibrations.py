"""Where TIFF files hold the size of a pixel: one function for each place.

Numbers and units are returned as they are written, and judged by `pixel_sizes`, whose table
tells the places. Only tags of the first page are looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from clem_retrace.io.tiff import declares

__all__ = ["Calibration", "Length", "calibrations"]

#: Resolution tags that give a larger pixel are taken for a printer's, screen's or scanner's:
#: 5 micrometres are some 5000 dots an inch, while 72, 96, 300 or 4800 dots an inch are what
#: programs write into files of which they know nothing.
LARGEST_FROM_RESOLUTION = 5000.0

#: Zeiss gives "Pixel Size" for an image of this many columns, whatever the image has.
ZEISS_COLUMNS = 1024

#: nm per unit of the resolution tags.
RESOLUTION_UNITS = {"inch": 2.54e7, "cm": 1e7}

Length = tuple[Any, str]
"""A number and its unit as they were found: nothing is checked yet."""

Calibration = tuple[Length, Length]
"""From one row to the next, and from one column to the next."""


def calibrations(tif: Any) -> Iterator[tuple[str, Calibration]]:
    """Yield what an open ``tifffile.TiffFile`` says of its first image, and where.

    The most trustworthy place comes first.
    """
    for source, read in _SOURCES.items():
        if (found := read(tif)) is not None:
            yield source, found


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
    scan = _named(_named(tif.fei_metadata).get("Scan"))
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
    metadata = _named(tif.sem_metadata)
    columns = tif.pages.first.imagewidth
    for key, factor in (("ap_image_pixel_size", 1.0), ("ap_pixel_size", ZEISS_COLUMNS / columns)):
        entry = metadata.get(key, ())
        if len(entry) == 3 and isinstance(entry[1], (int, float)):
            return ((entry[1] * factor, entry[2]),) * 2
    # The fourth line of the tag, before all names, has it too.
    lines = metadata.get("", ())
    if len(lines) > 3 and isinstance(lines[3], float):
        return ((lines[3] * ZEISS_COLUMNS / columns, "m"),) * 2
    return None


def _from_fibics(tif: Any) -> Calibration | None:
    page = tif.pages.first
    root = _parse_xml(page.tags.valueof(51023))
    if root is None or root.tag != "Fibics":
        return None
    # The field of view is that of the scan: cut or coarsened, the image has other pixels.
    scanned = (root.findtext("Image/Height"), root.findtext("Image/Width"))
    if scanned != (str(page.imagelength), str(page.imagewidth)):
        return None
    rows, cols = root.find("Scan/FOV_Y"), root.find("Scan/FOV_X")
    if rows is None or cols is None:
        return None
    return (
        (_quotient(rows.text, page.imagelength), rows.get("units", "um")),
        (_quotient(cols.text, page.imagewidth), cols.get("units", "um")),
    )


def _from_tescan(tif: Any) -> Calibration | None:
    text = tif.pages.first.tags.valueof(50431)
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    found = dict(re.findall(r"\b(PixelSize[XY])\s*=\s*([-+.\deE]+)", str(text)))
    return (found.get("PixelSizeY"), "m"), (found.get("PixelSizeX"), "m")


def _from_gatan(tif: Any) -> Calibration | None:
    rows, cols, rows_unit, cols_unit = (
        tif.pages.first.tags.valueof(code) for code in (65010, 65009, 65004, 65003)
    )
    if not (isinstance(rows_unit, str) and isinstance(cols_unit, str)):
        return None
    return (rows, rows_unit), (cols, cols_unit)


def _from_sis(tif: Any) -> Calibration | None:
    metadata = _named(tif.sis_metadata)
    return (metadata.get("pixelsizey"), "m"), (metadata.get("pixelsizex"), "m")


def _from_lsm(tif: Any) -> Calibration | None:
    metadata = _named(tif.lsm_metadata)
    return (metadata.get("VoxelSizeY"), "m"), (metadata.get("VoxelSizeX"), "m")


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
        if spacing[-1] * RESOLUTION_UNITS.get(unit, 0) > LARGEST_FROM_RESOLUTION:
            return None
    return (spacing[0], unit), (spacing[1], unit)


def _named(metadata: Any) -> Mapping[str, Any]:
    """Return named values; none of a tag that tifffile could not decode."""
    return metadata if isinstance(metadata, Mapping) else {}


def _quotient(text: str | None, divisor: float) -> float:
    """Return a number in a text over another one, NaN when it is none."""
    try:
        return float(text or "") / divisor
    except (ValueError, ZeroDivisionError):
        return math.nan


def _parse_xml(text: Any) -> ET.Element | None:
    """Return the root of an XML text, None when there is none to be trusted.

    Documents that declare entities are refused: they can be made to grow without bound.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if not isinstance(text, str) or declares(text):
        return None
    try:
        return ET.fromstring(text.strip("\0 \r\n\t"))
    except ET.ParseError:
        return None


_SOURCES = {
    "OME-XML": _from_ome,
    "FEI/Thermo SEM tag": _from_fei,
    "Zeiss SEM tag": _from_zeiss,
    "Zeiss Atlas tag": _from_fibics,
    "TESCAN SEM tag": _from_tescan,
    "Gatan tags": _from_gatan,
    "Olympus SIS tag": _from_sis,
    "Zeiss LSM tag": _from_lsm,
    "ImageJ": _from_imagej,
    "TIFF resolution": _from_resolution,
}
