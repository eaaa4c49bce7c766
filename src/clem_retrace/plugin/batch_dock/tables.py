"""Tables of pairs for the dock: checked, opened and saved as `clem-retrace batch` reads them.

Cells are texts, by the names of `clem_retrace.batch.columns`; files are absolute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clem_retrace.batch.columns import RECTANGLE, column_of, columns, is_remark
from clem_retrace.batch.rows import BadRow, BatchRow, ImageFile, Row
from clem_retrace.batch.sheets import Dialect, sheet_of, written
from clem_retrace.batch.tables import read_table, rows_of
from clem_retrace.errors import BadFile
from clem_retrace.io.writing import replacing
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions

__all__ = [
    "NEW",
    "Cells",
    "OpenedTable",
    "checked",
    "image_files",
    "open_table",
    "option_cells",
    "region_cells",
    "save_table",
]

#: The cells of a pair that are not empty.
Cells = Mapping[str, str]

#: How a table of the dock's own is written: Excel takes it for UTF-8 by its first bytes.
NEW = Dialect(bom=True)

#: The columns that hold files.
FILES = ("lm", "em")

#: What is said of the images of a pair, besides their files.
ABOUT_IMAGES = (
    "lm_pixel_size", "channel", "projection", "plane",
    "em_pixel_size", "em_channel", "em_projection", "em_plane",
)  # fmt: skip

#: What the reader says of a table, as it is said of a form.
_PHRASES = (
    (r"^row \d+: ", ""),
    (
        rf"there is no region: fill in {', '.join(RECTANGLE)}, or outline",
        "it has no region yet: draw one on its LM image and press 'Take the drawn region', or "
        "type it",
    ),
    (r"it is empty, and roi_row, .* go together", "it is empty"),
    (r"column roi_col\b", "region, column"),
    (r"columns? roi_(row|height|width)", r"region, \1"),
    (r"column (lm|em)_pixel_size: ", ""),
    (r"column (lm|em): ", ""),
    (r"column (\w+): ", r"\1: "),
)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedTable:
    """A table that was opened.

    Attributes
    ----------
    path : Path
    rows : tuple of mapping of str to str
        The cells of each pair.
    checked : tuple of BatchRow or BadRow
    dialect : Dialect
    """

    path: Path
    rows: tuple[Cells, ...]
    checked: tuple[Row, ...]
    dialect: Dialect


def checked(
    rows: Sequence[Cells], options: RegistrationOptions, dialect: Dialect = NEW
) -> tuple[Row, ...]:
    """Return pairs as the rows of a batch, those that cannot be run as `BadRow`.

    Parameters
    ----------
    rows : sequence of mapping of str to str
        Each with two files at least, whether they are there or not.
    options : RegistrationOptions
        For what the cells leave open.
    dialect : Dialect
        How numbers in them are written.
    """
    if not rows:
        return ()
    # By the reader of the command: so both refuse the same, in the same words.
    path = Path("pairs.csv")
    sheet = sheet_of(path, _lines(rows), dialect)
    return tuple(_told(row) for row in rows_of(path, sheet, options))


def image_files(cells: Cells, dialect: Dialect = NEW) -> tuple[ImageFile, ImageFile]:
    """Return the LM and the EM image of a pair that may lack a region or a pixel size.

    Raises
    ------
    BadFile
        They cannot be read as the cells say.
    """
    told = {name: cells[name] for name in (*FILES, *ABOUT_IMAGES) if name in cells}
    # The reader wants these too; any will do.
    made_up = {**dict.fromkeys(RECTANGLE, "10"), "pixel_size_ratio": "10"}
    (row,) = checked([{**told, **made_up}], RegistrationOptions(), dialect)
    if isinstance(row, BadRow):
        raise BadFile(row.problem)
    return row.lm, row.em


def open_table(path: Path, options: RegistrationOptions) -> OpenedTable:
    """Return the pairs of a table in a file.

    Raises
    ------
    BadFile
        It cannot be read as a table of pairs.
    """
    table = read_table(path, options)
    folder = Path(os.path.abspath(path.parent))
    return OpenedTable(
        path,
        tuple(_opened(row, folder) for row in table.rows),
        tuple(_told(row) for row in table.rows),
        table.dialect,
    )


def save_table(
    path: Path, rows: Iterable[Cells], options: RegistrationOptions, dialect: Dialect = NEW
) -> Path:
    """Return the path after writing pairs as a table that gives the same batch.

    Files in the table's folder are named as seen from there, so that all may be moved.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    folder = Path(os.path.abspath(path.parent))
    common = option_cells(options)
    lines = [
        {
            **_seen_from(folder, cells),
            # What a preset leaves open is not the dock's to fill in.
            **({} if "preset" in cells else {k: v for k, v in common.items() if k not in cells}),
        }
        for cells in rows
    ]
    with replacing(path) as part:
        part.write_bytes(written(_lines(lines), dialect))
    return path


def region_cells(roi: Roi) -> dict[str, str]:
    """Return the cells of a region; those of the other form are empty."""
    if roi.outline:
        outline = " ".join(f"{number:.10g}" for point in roi.outline for number in point)
        return {**dict.fromkeys(RECTANGLE, ""), "outline": outline}
    numbers = (roi.row, roi.col, roi.height, roi.width)
    texts = (f"{number:.10g}" for number in numbers)
    return {**dict(zip(RECTANGLE, texts, strict=True)), "outline": ""}


def option_cells(
    options: RegistrationOptions, besides: RegistrationOptions | None = None
) -> dict[str, str]:
    """Return the cells of options that differ from the defaults, or from others."""
    others = {} if besides is None else besides.changed()
    return {
        path: _text(value)
        for path, value in options.changed().items()
        if value is not None and others.get(path) != value
    }


def _text(value: Any) -> str:
    """Return the value of an option as a cell has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _lines(rows: Sequence[Cells]) -> list[Sequence[str]]:
    """Return the header and the cells of each pair, known columns in their order."""
    filled = {name for cells in rows for name, text in cells.items() if text}
    known = [name for name in columns() if name in filled or name in FILES]
    header = [*known, *sorted(filled - set(known))]
    return [header, *([cells.get(name, "") for name in header] for cells in rows)]


def _opened(row: Row, folder: Path) -> Cells:
    """Return the cells of a row of a file: columns by their names, files absolute."""
    cells = {
        heading if is_remark(heading) else column_of(heading).name: text
        for heading, text in row.cells.items()
        if text
    }
    cells["name"] = row.name
    if isinstance(row, BatchRow):
        # An outline may be a rectangle, which has numbers.
        cells |= {name: text for name, text in region_cells(row.roi).items() if text}
        cells = {name: text for name, text in cells.items() if row.roi.outline or name != "outline"}
    for role in FILES:
        if isinstance(row, BatchRow):
            cells[role] = str(getattr(row, role).path)
        elif cells.get(role) and "://" not in cells[role]:
            cells[role] = os.path.normpath(folder / cells[role])
    return cells


def _seen_from(folder: Path, cells: Cells) -> dict[str, str]:
    """Return cells with the files below a folder as seen from there."""
    found = dict(cells)
    for role in FILES:
        path = Path(cells.get(role, ""))
        if path.is_relative_to(folder):
            found[role] = path.relative_to(folder).as_posix()
    return found


def _told(row: Row) -> Row:
    """Return a row whose problem is told without the table."""
    if isinstance(row, BatchRow):
        return row
    problem = row.problem
    for pattern, words in _PHRASES:
        problem = re.sub(pattern, words, problem)
    return BadRow(row.name, problem, row.cells)
