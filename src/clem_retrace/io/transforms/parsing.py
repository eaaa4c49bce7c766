"""Numbers, matrices and points of text files, checked."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, shown
from clem_retrace.geometry import Matrix, as_transform
from clem_retrace.io.bounded import read_bounded

__all__ = ["flat_points", "in_plane", "matrix_of", "number", "numbers", "read_text", "written"]

#: Bytes. Larger files are no transforms: ten thousand pairs of points take less.
LARGEST = 4_000_000

#: What a number may look like: Python's own are more, "1_0" and "nan" among them.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

#: First bytes of files that hold no text, and what they are.
_BINARY = {
    b"\x89HDF": "an HDF5 file: save the transform as text, .tfm",
    b"PK\x03\x04": "a zip archive",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\x89PNG": "a PNG image",
    b"\x1f\x8b": "compressed by gzip",
}


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    BadFile
        There is no such file, it is too large, or it is no text.
    """
    content = read_bounded(path, "transform", LARGEST)
    for start, what in _BINARY.items():
        if content.startswith(start):
            raise BadFile(f"{path} is no transform, but {what}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is no transform: it holds no text in UTF-8") from error
    if "\0" in text:
        raise BadFile(f"{path} is no transform: it holds no text")
    if not text.strip():
        raise BadFile(f"{path} is empty")
    return text


def number(text: str, where: str) -> float:
    """Return a finite number.

    Raises
    ------
    BadFile
        It is none.
    """
    stripped = text.strip()
    value = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    if not math.isfinite(value):
        raise BadFile(f"{where} is {shown(stripped)}: a finite number is needed")
    return value


def numbers(text: str, where: str) -> NDArray[np.float64]:
    """Return the numbers of a line, parted by blanks."""
    return np.array([number(one, where) for one in text.split()], dtype=np.float64)


def written(value: float) -> str:
    """Return a number as text that gives the same number again."""
    return repr(float(value))


def matrix_of(rows: Any, where: str) -> NDArray[np.float64]:
    """Return a matrix that JSON holds as a list of rows.

    Raises
    ------
    BadFile
        It is something else, or its rows are of different lengths.
    """
    if (
        isinstance(rows, list)
        and rows
        and all(isinstance(row, list) and len(row) == len(rows[0]) for row in rows)
        and all(type(value) in (int, float) for row in rows for value in row)
    ):
        return np.array(rows, dtype=np.float64)
    raise BadFile(f"{where} is no matrix: rows of numbers are needed, all of one length")


def in_plane(
    matrix: NDArray[np.float64], inputs: tuple[int, int], outputs: tuple[int, int] | None = None
) -> Matrix:
    """Return what a transform does to two of its axes.

    Parameters
    ----------
    matrix : ndarray, shape (M + 1, N + 1)
        Of homogeneous coordinates, the last row included.
    inputs, outputs : (int, int)
        Those two, in this order, among its N inputs and M outputs; the same by default.

    Raises
    ------
    BadFile
        Where points come to lie depends on another axis, too.
    TransformError
        It is no invertible transform of the plane.
    """
    rows, columns = [*(outputs or inputs), len(matrix) - 1], [*inputs, matrix.shape[1] - 1]
    others = [axis for axis in range(matrix.shape[1]) if axis not in columns]
    reach = np.abs(matrix[np.ix_(rows[:2], inputs)]).max()
    if np.abs(matrix[np.ix_(rows, others)]).max(initial=0.0) > 1e-9 * reach:
        raise BadFile(
            f"the transform is one of {matrix.shape[1] - 1} dimensions and leaves the plane of "
            "the image: only those within it are read"
        )
    return as_transform(matrix[np.ix_(rows, columns)])


def flat_points(points: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return the (row, col) of points given as (x, y) or, all in one plane, as (x, y, z).

    Raises
    ------
    BadFile
        They lie at different z.
    """
    if points.shape[1] == 3:
        depth = points[np.isfinite(points[:, 2]), 2]
        extent = np.abs(points[np.isfinite(points)]).max(initial=0.0)
        if len(depth) and np.ptp(depth) > 1e-9 * extent:
            raise BadFile(
                f"{where} lie at different z, {depth.min():g} to {depth.max():g}: the images are "
                "flat, and so must the points be"
            )
    return points[:, 1::-1]
