"""Pairs of points as a landmark table of BigWarp, CSV without a header.

A row is a name, whether the pair is active, (x, y) or (x, y, z) in the moving image, and the
same in the fixed one. A point that is not placed has the coordinates ``Infinity``.

References
----------
BigWarp's LandmarkTableModel.java, which reads and writes them.
"""

from __future__ import annotations

import csv
import io

import numpy as np

from clem_retrace.errors import BadFile
from clem_retrace.geometry import invert, map_points
from clem_retrace.io.transforms.coordinates import pixel_frames
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.pairs import fitted, pairs_for
from clem_retrace.io.transforms.parsing import flat_points, number, written
from clem_retrace.registration.landmarks import Landmarks, Which, partner
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["BIGWARP"]

_UNPLACED = ("infinity", "-infinity", "inf", "-inf")


def _write(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return the pairs as a table."""
    pairs = pairs_for(transform)
    frames = pixel_frames(transform.lm, transform.em, unit)
    columns = {which: map_points(frames[which], getattr(pairs, which)) for which in frames}
    text = io.StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for index, (name, used) in enumerate(zip(pairs.names, pairs.used, strict=True)):
        points = (columns[which][index, ::-1] for which in (moving, partner(moving)))
        # BigWarp takes no part of a pair that is not placed, and says so.
        table.writerow(
            [name, "true" if used else "false", *(_cell(value) for xy in points for value in xy)]
        )
    return text.getvalue()


def _cell(value: float) -> str:
    return "Infinity" if np.isnan(value) else written(value)


def _read(content: Content, asked: Asked) -> PairTransform:
    """Return the transform fitted to the pairs of a table.

    Raises
    ------
    BadFile
        A row is not of its form, or points lie at different z.
    LandmarkError
        The pairs do not tell a transform.
    MissingPixelSize
        A pixel size is not known.
    """
    rows = _rows(content.text)
    # Half a point is none, and where it is does not matter.
    halves = np.hsplit(np.array([_numbers(row, line) for line, row in rows]), 2)
    for half in halves:
        half[np.isnan(half).any(axis=1)] = np.nan
    unit = asked.unit or "um"
    lm, em = asked.image("lm"), asked.image("em")
    frames, moving = pixel_frames(lm, em, unit), asked.moving or "em"
    points = {
        which: map_points(invert(frames[which]), flat_points(half, f"the {which.upper()}'s points"))
        for which, half in zip((moving, partner(moving)), halves, strict=True)
    }
    placed = np.isfinite(np.hstack([*points.values()])).all(axis=1)
    said = np.array([row[1].strip().lower() == "true" for _, row in rows])
    names = tuple(row[0] for _, row in rows)
    return fitted(Landmarks(points["lm"], points["em"], said | ~placed, names), asked, lm, em)


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows with their numbers, without a header, all of one length."""
    try:
        rows = [
            (line, row)
            for line, row in enumerate(csv.reader(io.StringIO(text), strict=True), start=1)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise BadFile(f"it is no table, or cut short: {error}") from error
    if rows and len(rows[0][1]) > 1 and rows[0][1][1].strip().lower() not in ("true", "false"):
        rows = rows[1:]
    if not rows:
        raise BadFile("it holds no landmarks")
    for line, row in rows:
        if len(row) not in (6, 8) or len(row) != len(rows[0][1]):
            raise BadFile(
                f"row {line} has {len(row)} columns: a name, true or false, and 2 x 2 or 2 x 3 "
                "coordinates are needed in every one"
            )
        if row[1].strip().lower() not in ("true", "false"):
            raise BadFile(f"row {line} says {row[1][:20]!r}: true or false is needed")
    return rows


def _numbers(row: list[str], line: int) -> list[float]:
    """Return the coordinates in a row, NaN where a point is not placed."""
    where = f"a coordinate in row {line}"
    return [
        np.nan if cell.strip().lower() in _UNPLACED else number(cell, where) for cell in row[2:]
    ]


def _recognises(text: str) -> bool:
    """Whether any of the first rows has six or eight columns, and true or false in the second."""
    for line in text.splitlines()[:3]:
        cells = line.split(",")
        if len(cells) > 2 and cells[1].strip().strip('"').lower() in ("true", "false"):
            return True
    return False


BIGWARP = Kind(
    name="bigwarp",
    title="BigWarp landmarks, CSV",
    suffixes=(".landmarks.csv",),
    keeps_pairs=True,
    keeps_spline=True,
    units=("um", "nm", "mm", "px"),
    recognises=_recognises,
    read=_read,
    write=_write,
)
