"""Transforms as a table of 3 x 3 numbers, for NumPy, napari, and spreadsheets."""

from __future__ import annotations

import re

import numpy as np

from clem_retrace.errors import BadFile
from clem_retrace.geometry import as_transform
from clem_retrace.io.transforms.coordinates import from_file, in_file, pixel_frames
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.notes import note, noted
from clem_retrace.io.transforms.parsing import in_plane, number, written
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["MATRIX"]


def _write(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return the matrix from the moving image to the fixed one."""
    rows = in_file(transform, moving, unit)
    lines = [
        note(moving, partner(moving), unit, "row, col"),
        *(",".join(map(written, row)) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _read(content: Content, asked: Asked) -> PairTransform:
    """Return the transform of a table of 3 x 3 or 4 x 4 numbers.

    The first axis of a larger one is that of a stack, as napari has it.

    Raises
    ------
    BadFile
        It is no such table, or moves along or by the first axis of a stack.
    MissingPixelSize
        It is in lengths, and a pixel size is not known.
    TransformError
        It cannot be inverted.
    """
    if content.path.name.lower().endswith(".transformation.csv"):
        raise BadFile(
            "a table of eC-CLEM does not say which images it is of: read the .transformation.xml "
            "that was written beside it"
        )
    source, unit = noted(content.text, asked.moving or "em", "px", asked)
    rows = [
        [number(cell, "a cell") for cell in _cells(line)]
        for line in content.text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    shape = len(rows), {len(row) for row in rows}
    if shape not in ((3, {3}), (4, {4})):
        columns = " or ".join(map(str, sorted(shape[1]))) or "no"
        raise BadFile(f"it has {shape[0]} rows of {columns} numbers: 3 x 3 are needed, or 4 x 4")
    matrix = np.array(rows, dtype=np.float64)
    if len(rows) == 4:
        if not np.allclose(matrix[0], (1, 0, 0, 0), rtol=0, atol=1e-9):
            raise BadFile(
                "its first axis, that of a stack, is not left as it is: of 4 x 4 numbers the "
                "first row must be 1 0 0 0 (of eC-CLEM, read the .transformation.xml)"
            )
        matrix = in_plane(matrix, (1, 2))
    matrix = as_transform(matrix)
    lm, em = asked.image("lm"), asked.image("em")
    return from_file(matrix, source, pixel_frames(lm, em, unit), lm, em)


def _cells(line: str) -> list[str]:
    """Return the cells of a line, parted by commas, semicolons or blanks."""
    for separator in ",;":
        if separator in line:
            return line.rstrip().rstrip(separator).split(separator)
    return line.split()


def _recognises(text: str) -> bool:
    """Whether the first line that is no comment begins with a number."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return re.match(r"[+-]?\.?\d", first, re.ASCII) is not None


MATRIX = Kind(
    name="matrix",
    title="3 x 3 matrix, CSV",
    suffixes=(".matrix.csv",),
    keeps_pairs=False,
    keeps_spline=False,
    units=("px", "um", "nm", "mm"),
    recognises=_recognises,
    read=_read,
    write=_write,
)
