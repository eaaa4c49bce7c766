"""A table of pairs in a file to the rows of a batch, every cell checked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clem_retrace.batch.columns import (
    RECTANGLE,
    TRUTH,
    Cells,
    Column,
    column_of,
    columns,
    is_remark,
)
from clem_retrace.batch.rows import BadRow, BatchRow, ImageFile, Row
from clem_retrace.batch.sheets import Dialect, Sheet, read_sheet
from clem_retrace.errors import BadFile, ClemRetraceError, InvalidOption, MissingPixelSize, RoiError
from clem_retrace.inputs import check_take
from clem_retrace.io.formats import kind_of
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.micrograph import Roi
from clem_retrace.options import PRESETS, RegistrationOptions

__all__ = ["BatchTable", "read_table", "rows_of"]


@dataclass(frozen=True, slots=True)
class BatchTable:
    """A table of pairs that was read.

    Attributes
    ----------
    path : Path
    rows : tuple of BatchRow or BadRow
    dialect : Dialect
        How it is written; the table of results is written in the same way.
    """

    path: Path
    rows: tuple[Row, ...]
    dialect: Dialect


def read_table(
    path: str | os.PathLike[str], options: RegistrationOptions | None = None
) -> BatchTable:
    """Return the rows of a table, those with mistakes as `BadRow`; no image is read.

    Parameters
    ----------
    path : path
        CSV, with commas, semicolons or tabs, as spreadsheet programs save it.
    options : RegistrationOptions, optional
        For cells that are empty, and columns that are not there.

    Raises
    ------
    BadFile
        There is no such file, it is no table, has no row, or a column that is not known.
    """
    path = Path(path)
    sheet = read_sheet(path, needed=("lm", "em"))
    rows = rows_of(path, sheet, options or RegistrationOptions())
    if not rows:
        raise BadFile(f"{path} has no rows: one for each pair is needed below the header")
    return BatchTable(path, rows, sheet.dialect)


def rows_of(path: Path, sheet: Sheet, options: RegistrationOptions) -> tuple[Row, ...]:
    """Return the rows of a sheet, those with mistakes as `BadRow`; no image is read.

    Parameters
    ----------
    path : Path
        Where it is, or will be: files are seen from there, and messages name it.
    sheet : Sheet
    options : RegistrationOptions
        For cells that are empty, and columns that are not there.

    Raises
    ------
    BadFile
        It has a column that is not known.
    """
    return tuple(_rows(path, sheet, _known_columns(path, sheet), options))


def _known_columns(path: Path, sheet: Sheet) -> Mapping[int, Column]:
    """Return the column at each place of the header; remarks are left out.

    Raises
    ------
    BadFile
        One is not known, or there twice.
    """
    found: dict[int, Column] = {}
    for place, heading in enumerate(sheet.header):
        if is_remark(heading):
            continue
        try:
            column = column_of(heading)
        except BadFile as error:
            raise BadFile(f"{path}: {error}") from None
        if column in found.values():
            raise BadFile(f"{path}: the column '{column.name}' is there twice")
        found[place] = column
    return found


def _rows(
    path: Path, sheet: Sheet, known: Mapping[int, Column], options: RegistrationOptions
) -> Iterator[Row]:
    """Yield the rows."""
    folder = Path(os.path.abspath(path.parent))
    names = [place for place, column in known.items() if column.name == "name"]
    given = {texts[place] for _, texts in sheet.rows for place in names}
    taken: dict[str, int] = {}
    numbers: Counter[str] = Counter()
    for number, texts in sheet.rows:
        values = {
            column.name: (sheet.header[place], texts[place])
            for place, column in known.items()
            if texts[place]
        }
        cells = Cells(values, sheet.dialect.delimiter)
        name = _name(cells, lambda wanted: wanted in given or wanted in taken, numbers)
        carried = dict(zip(sheet.header, texts, strict=True))
        row, problems = _checked(cells, name, folder, options, carried)
        if "name" in values and name in taken:
            problems = [f"column name: row {taken[name]} is called so too", *problems]
        taken.setdefault(name, number)
        if problems or row is None:
            yield BadRow(name, f"row {number}: {'; '.join(problems)}", carried)
        else:
            yield row


def _name(cells: Cells, is_taken: Callable[[str], bool], numbers: Counter[str]) -> str:
    """Return the name of a row, of its LM file where it has none.

    Parameters
    ----------
    cells : Cells
    is_taken : callable
        Whether another row is called so.
    numbers : Counter
        How many rows each file has given its name; this one is counted.
    """
    if cells.have("name"):
        return str(cells.value("name"))
    stem = Path(str(cells.value("lm", "")).replace("\\", "/")).stem or "row"
    while True:
        numbers[stem] += 1
        name = stem if numbers[stem] == 1 else f"{stem}-{numbers[stem]}"
        if not is_taken(name):
            return name


def _checked(
    cells: Cells,
    name: str,
    folder: Path,
    options: RegistrationOptions,
    carried: Mapping[str, str],
) -> tuple[BatchRow | None, list[str]]:
    """Return a row, or None, and all that is wrong with it."""
    problems: list[str] = []
    parts: dict[str, Any] = {}
    makers: dict[str, Callable[[], Any]] = {
        "lm": lambda: _image(cells, "lm", folder),
        "em": lambda: _image(cells, "em", folder),
        "roi": lambda: _region(cells),
        "truth": lambda: _rectangle(cells, TRUTH) if cells.have(*TRUTH) else None,
        "options": lambda: _options(cells, options),
        "take": lambda: cells.value("take", 1),
    }
    for part, make in makers.items():
        try:
            parts[part] = make()
        except ClemRetraceError as error:
            problems.append(str(error))
    if problems:
        return None, problems
    row = BatchRow(name=name, cells=carried, **parts)
    return row, list(_contradictions(row))


def _image(cells: Cells, role: str, folder: Path) -> ImageFile:
    """Return an image of a row.

    Raises
    ------
    BadFile
        There is no file of that name, or of a kind that is not read.
    InvalidOption
        A cell about it cannot be used.
    """
    text = cells.value(role)
    if text is None:
        raise BadFile(f"column {role}: it is empty, and the name of a file is needed")
    if "://" in text:
        raise BadFile(f"column {role}: '{text}' is an address: copy the file to this computer")
    path = _path(folder, text)
    try:
        kind_of(path)
    except BadFile as error:
        raise BadFile(f"column {role}: {error}") from None
    prefix = "" if role == "lm" else "em_"
    return ImageFile(
        path,
        cells.value(f"{role}_pixel_size"),
        cells.value(f"{prefix}channel"),
        cells.value(f"{prefix}projection", "max"),
        cells.value(f"{prefix}plane", 0),
    )


def _path(folder: Path, text: str) -> Path:
    """Return the path of a cell, seen from the table's folder.

    Raises
    ------
    BadFile
        No path has letters as it has.
    """
    if any(ord(letter) < 32 for letter in text):
        raise BadFile(f"{text!r} is no path")
    path = Path(os.path.normpath(folder / text))
    if os.sep == "/" and not os.path.exists(path):
        # A table that was made on Windows.
        path = Path(os.path.normpath(folder / text.replace("\\", "/")))
    return path


def _region(cells: Cells) -> Roi:
    """Return the region of a row.

    Raises
    ------
    RoiError
        There is none, there are two, or it has no area.
    InvalidOption
        A cell of it is no number.
    """
    if cells.have("outline") and cells.have(*RECTANGLE):
        raise RoiError(f"the region is given twice: by outline, and by {RECTANGLE[0]} ...")
    if cells.have("outline"):
        try:
            return Roi.from_outline(cells.value("outline"))
        except RoiError as error:
            raise RoiError(f"column outline: {error}") from None
    if not cells.have(*RECTANGLE):
        raise RoiError(f"there is no region: fill in {', '.join(RECTANGLE)}, or outline")
    return _rectangle(cells, RECTANGLE)


def _rectangle(cells: Cells, names: tuple[str, ...]) -> Roi:
    """Return the rectangle of four cells.

    Raises
    ------
    RoiError
        One is empty, or it has no area.
    InvalidOption
        One is no number.
    """
    empty = [name for name in names if not cells.have(name)]
    if empty:
        raise RoiError(f"column {empty[0]}: it is empty, and {', '.join(names)} go together")
    try:
        return Roi(*(cells.value(name) for name in names))
    except RoiError as error:
        raise RoiError(f"columns {names[0]} ...: {error}") from None


def _options(cells: Cells, options: RegistrationOptions) -> RegistrationOptions:
    """Return a row's options.

    Raises
    ------
    InvalidOption
        A cell of them cannot be used, or two contradict each other.
    """
    preset = cells.value("preset")
    base = options if preset is None else PRESETS[preset.replace("-", " ")]
    given = {
        column.option: cells.value(column.name)
        for column in columns().values()
        if column.option and cells.have(column.name)
    }
    try:
        return RegistrationOptions.from_paths(given, base)
    except InvalidOption:
        for path, value in given.items():
            try:
                RegistrationOptions.from_paths({path: value}, base)
            except InvalidOption as error:
                raise InvalidOption(f"column {cells.values[path][0]}: {error}") from None
        raise


def _contradictions(row: BatchRow) -> Iterator[str]:
    """Yield what is wrong with a row though each cell by itself is not."""
    try:
        check_take(row.take, row.options.candidates)
    except InvalidOption as error:
        yield f"column take: {error}"
    if row.options.pixel_size_ratio is not None:
        return
    for role, image in (("lm", row.lm), ("em", row.em)):
        try:
            if image.pixel_size is None and _written_size(image.path) is None:
                raise MissingPixelSize(
                    f"{image.path.name} does not tell the pixel size: give it in nm"
                )
        except ClemRetraceError as error:
            yield f"column {role}_pixel_size: {error}"


def _written_size(path: Path) -> float | None:
    """Return the pixel size in a file, nm.

    Raises
    ------
    BadFile
        The file is damaged.
    BadImage
        Its pixels are not square.
    """
    found = pixel_size_of(path)
    return None if found is None else found.nm
