"""napari's tables of points and shapes, moved to another image.

Such a table is CSV with a header. Points have a row each, shapes one for each vertex:

- points: ``index``, ``axis-0``, ``axis-1``, ..., and what else is known of each;
- shapes: ``index``, ``shape-type``, ``vertex-index``, ``axis-0``, ``axis-1``, ...

The last two axes are rows and columns, in pixels of the image that they were drawn on: napari
writes them without the layer's scale. Other axes and columns are kept.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.io.bounded import read_bounded
from clem_retrace.io.writing import replacing

__all__ = ["MovedTable", "move_shape", "move_table"]

Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From points of one image, shape (K, 2), to those of the other; NaN where there is no place."""

#: Vertices of the polygon that an ellipse becomes where it is no upright or turned one any more.
ELLIPSE_VERTICES = 64

#: Bytes, and columns: larger tables are none of points that were drawn by hand.
LARGEST, MOST_COLUMNS = 50_000_000, 1000

#: By how much the corners of a rectangle may miss one, as a share of its sides.
RECTANGULAR = 1e-3


@dataclass(frozen=True, slots=True)
class MovedTable:
    """What became of a table.

    Attributes
    ----------
    path : Path
        Of the new one.
    count : int
        Points, or vertices of shapes.
    lost : int
        Of them without a place on the other image; NaN now.
    reshaped : int
        Rectangles and ellipses that are polygons now.
    """

    path: Path
    count: int
    lost: int
    reshaped: int


def move_table(
    source: str | os.PathLike[str], target: str | os.PathLike[str], move: Move
) -> MovedTable:
    """Return what became of a table of points or shapes, written again for another image.

    Rows whose place is not a number are kept so. Points outside the other image are kept.

    Parameters
    ----------
    source, target : path
    move : callable
        See `Move`.

    Raises
    ------
    BadFile
        The source is no such table, or the target cannot be written.
    """
    header, rows = _read(Path(source))
    axes = [
        header.index(f"axis-{number}")
        for number in range(len(header))
        if f"axis-{number}" in header
    ]
    # Shapes are rows of one number.
    if len(axes) < 2 or ("shape-type" in header and "index" not in header):
        raise BadFile(
            f"{source} is no table of points or shapes of napari: the columns axis-0 and axis-1 "
            "are needed, of shapes index too"
        )
    points = _points(Path(source), rows, axes[-2:])
    known = np.isfinite(points).all(axis=1)
    moved = np.full_like(points, np.nan)
    if known.any():
        moved[known] = move(points[known])
    lost = int((known & ~np.isfinite(moved).all(axis=1)).sum())
    reshaped = 0
    if "shape-type" in header:
        rows, moved, reshaped = _shapes(header, rows, points, moved, move)
    with replacing(target) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for row, point in zip(rows, moved, strict=True):
            for axis, value in zip(axes[-2:], point, strict=True):
                row[axis] = repr(float(value))
            table.writerow(row)
    return MovedTable(Path(target), len(points), lost, reshaped)


def move_shape(
    kind: str, vertices: NDArray[np.float64], move: Move
) -> tuple[str, NDArray[np.float64]]:
    """Return the kind and the vertices, shape (L, 2), of a shape on another image.

    Rectangles and ellipses, which napari draws from four corners, become polygons where the
    corners are not those of a rectangle any more.

    Parameters
    ----------
    kind : str
        As napari calls it: "rectangle", "ellipse", "polygon", "path", "line".
    vertices : ndarray, shape (K, 2)
    move : callable
        See `Move`.
    """
    moved = move(vertices)
    if kind not in ("rectangle", "ellipse") or len(vertices) != 4 or _rectangular(moved):
        return kind, moved
    if kind == "rectangle":
        return "polygon", moved
    angle = np.linspace(0, 2 * np.pi, ELLIPSE_VERTICES, endpoint=False)[:, None]
    across, down = (vertices[1] - vertices[0]) / 2, (vertices[3] - vertices[0]) / 2
    curve = vertices.mean(axis=0) + np.cos(angle) * across + np.sin(angle) * down
    return "polygon", move(curve)


def _rectangular(corners: NDArray[np.float64]) -> bool:
    """Whether four corners are those of a rectangle, upright or turned."""
    first, second = corners[1] - corners[0], corners[3] - corners[0]
    sides = math.hypot(*first), math.hypot(*second)
    if not all(math.isfinite(side) for side in sides):
        return True
    skew = abs(float(first @ second))
    apart = math.hypot(*(corners[0] + corners[2] - corners[1] - corners[3]))
    return skew <= RECTANGULAR * sides[0] * sides[1] and apart <= RECTANGULAR * max(sides)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return a table's header and rows.

    Raises
    ------
    BadFile
        It cannot be read, or a row has other columns.
    """
    content = read_bounded(path, "table of points or shapes", LARGEST)
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(_lines(path, text)) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path} cannot be read as CSV: {error}") from error
    if not rows:
        raise BadFile(f"{path} is empty")
    header = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise BadFile(
                f"{path}: row {number} has {len(row)} columns and the header {len(header)}"
            )
    return header, rows[1:]


def _lines(path: Path, text: str) -> Iterator[str]:
    """Yield the lines of a text, none with more columns than a table can have.

    Raises
    ------
    BadFile
        One has more.
    """
    for line in io.StringIO(text, newline=""):
        if line.count(",") >= MOST_COLUMNS:
            raise BadFile(
                f"{path} has {line.count(',') + 1} columns: at most {MOST_COLUMNS} are read"
            )
        yield line


def _points(path: Path, rows: Sequence[Sequence[str]], axes: Sequence[int]) -> NDArray[np.float64]:
    """Return the (row, col) of each row of a table, shape (K, 2).

    Raises
    ------
    BadFile
        One is not a number, or infinite.
    """
    points = np.empty((len(rows), 2))
    for number, row in enumerate(rows):
        for place, axis in enumerate(axes):
            try:
                points[number, place] = float(row[axis].strip() or "nan")
            except ValueError:
                points[number, place] = math.inf
        if np.isinf(points[number]).any():
            cells = ", ".join(row[axis] for axis in axes)
            raise BadFile(f"{path}: row {number + 1} has the place {cells}: numbers are needed")
    return points


def _shapes(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    points: NDArray[np.float64],
    moved: NDArray[np.float64],
    move: Move,
) -> tuple[list[list[str]], NDArray[np.float64], int]:
    """Return the rows of moved shapes, their places, and how many are polygons now."""
    kind_at, index_at = header.index("shape-type"), header.index("index")
    vertex_at = header.index("vertex-index") if "vertex-index" in header else None
    out: list[list[str]] = []
    places: list[NDArray[np.float64]] = []
    reshaped = 0
    for _, group in groupby(range(len(rows)), key=lambda number: rows[number][index_at]):
        numbers = list(group)
        kind, first = rows[numbers[0]][kind_at], rows[numbers[0]]
        vertices = moved[numbers]
        new_kind, reached = kind, vertices
        if np.isfinite(vertices).all():
            new_kind, reached = move_shape(kind, points[numbers], move)
        reshaped += new_kind != kind
        for vertex in range(len(reached)):
            row = list(rows[numbers[vertex]] if len(reached) == len(numbers) else first)
            row[kind_at] = new_kind
            if vertex_at is not None:
                row[vertex_at] = str(vertex)
            out.append(row)
        places.append(reached)
    return out, np.concatenate(places) if places else moved, reshaped
