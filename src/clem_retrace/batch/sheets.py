"""Tables as spreadsheet programs save them: their delimiters, encodings and decimal commas."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clem_retrace.errors import BadFile
from clem_retrace.io.bounded import read_bounded

__all__ = ["COMMAS", "Dialect", "Sheet", "read_sheet", "sheet_of", "written"]

#: Bytes, columns, rows with remarks, and letters of a heading: more are in no table of pairs.
LARGEST, MOST_COLUMNS, MOST_ROWS, LONGEST_HEADING = 8_000_000, 200, 20_000, 200

_DELIMITERS = (",", ";", "\t")

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    Attributes
    ----------
    delimiter : str
    decimal_comma : bool
        Whether numbers have one.
    bom : bool
        Whether it begins with a byte order mark, without which Excel takes no file for UTF-8.
    """

    delimiter: str = ","
    decimal_comma: bool = False
    bom: bool = False


#: As programs write tables.
COMMAS = Dialect()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of (int, tuple of str)
        The number that a spreadsheet program shows beside a row, and a cell for each column.
    dialect : Dialect
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    dialect: Dialect


def read_sheet(path: str | os.PathLike[str], needed: Iterable[str]) -> Sheet:
    """Return the table in a file.

    Rows without a text, and those in which only the first cell has one and it begins with
    ``#``, are passed over; the first that is left is the header.

    Parameters
    ----------
    path : path
    needed : iterable of str
        Columns by which the delimiter is recognised, in small letters.

    Raises
    ------
    BadFile
        There is no such file, it is no text, no table, or lacks one of those columns.
    """
    path = Path(path)
    text, bom = _text(path)
    needed = set(needed)
    told, text = _told_delimiter(text)
    best: list[list[str]] = []
    for delimiter in [told] if told else _DELIMITERS:
        lines = _lines(path, text, delimiter)
        header = next(filter(_counts, lines), [])
        if needed <= {cell.strip().lower() for cell in header}:
            decimal_comma = _has_decimal_commas(text, delimiter)
            return sheet_of(path, lines, Dialect(delimiter, decimal_comma, bom))
        best = max(best, [header], key=lambda found: len(found[0]) if found else 0)
    seen = ", ".join(cell.strip() for cell in best[0]) if best and best[0] else "none"
    raise BadFile(
        f"{path} is no table of pairs: its first row names the columns, with "
        f"{' and '.join(sorted(needed, reverse=True))} among them, and it has: {seen[:200]}"
    )


def written(rows: Iterable[Sequence[str]], dialect: Dialect = COMMAS) -> bytes:
    """Return rows of texts as a file that `read_sheet` and spreadsheet programs read."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=dialect.delimiter).writerows(rows)
    # Names of files need not be text that can be encoded.
    return text.getvalue().encode("utf-8-sig" if dialect.bom else "utf-8", "backslashreplace")


def _text(path: Path) -> tuple[str, bool]:
    """Return the text of a file, and whether it began with a byte order mark.

    Raises
    ------
    BadFile
        There is no such file, or it is no text.
    """
    content = read_bounded(path, "table of pairs", LARGEST)
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), None)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeError as error:
        raise BadFile(
            f"{path} is no table, or holds letters that are not UTF-8: save it as "
            f"'CSV UTF-8' ({error})"
        ) from error
    if "\0" in text:
        raise BadFile(f"{path} is no table: save it as 'CSV UTF-8'")
    return text, encoding is not None


def _told_delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter of the line ``sep=;`` that Excel understands, and what follows it."""
    first, _, rest = text.partition("\n")
    first = first.strip(' "\r')
    return (first[4], rest) if first.lower().startswith("sep=") and len(first) == 5 else ("", text)


def _lines(path: Path, text: str, delimiter: str) -> list[list[str]]:
    """Return the cells of each row.

    Raises
    ------
    BadFile
        A cell has no end, or there are too many rows.
    """
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        lines = list(itertools.islice(rows, MOST_ROWS + 1))
    except csv.Error as error:
        raise BadFile(f"{path} is no table: {error}") from error
    if len(lines) > MOST_ROWS:
        raise BadFile(f"{path} has more than {MOST_ROWS} rows: make several tables of it")
    return lines


def _has_decimal_commas(text: str, delimiter: str) -> bool:
    """Whether numbers have decimal commas; where there are none, semicolons tell."""
    if delimiter == ",":
        return False
    cells = rf"(?:^|{delimiter}) *-?\d+{{}}\d+ *(?:$|{delimiter}|\r)"
    commas = re.search(cells.format(","), text, re.MULTILINE)
    points = re.search(cells.format(r"\."), text, re.MULTILINE)
    return bool(commas) or (delimiter == ";" and not points)


def _counts(cells: Sequence[str]) -> bool:
    """Whether a row is one, not empty, nor a remark."""
    filled = [number for number, cell in enumerate(cells) if cell.strip()]
    return bool(filled) and not (filled == [0] and cells[0].strip().startswith("#"))


def sheet_of(path: Path, lines: Sequence[Sequence[str]], dialect: Dialect) -> Sheet:
    """Return the table of lines that have a header.

    Raises
    ------
    BadFile
        Two columns have one name, or a row has more cells than there are columns.
    """
    first, *others = ((number, cells) for number, cells in enumerate(lines, 1) if _counts(cells))
    header = [cell.strip() for cell in first[1]]
    while header and not header[-1]:
        header.pop()
    if len(header) > MOST_COLUMNS:
        raise BadFile(f"{path} has {len(header)} columns: at most {MOST_COLUMNS} are read")
    for place, heading in enumerate(header):
        if not heading:
            raise BadFile(f"{path}: column {place + 1} has no name")
        if len(heading) > LONGEST_HEADING:
            raise BadFile(f"{path}: the name of column {place + 1} is too long")
        if heading in header[:place]:
            raise BadFile(f"{path}: the column '{heading}' is there twice")
    rows = []
    for number, cells in others:
        extra = [cell for cell in cells[len(header) :] if cell.strip()]
        if extra:
            raise BadFile(
                f"{path}, row {number}: there are more cells than columns, the first too many is "
                f"{extra[0]!r}; texts with the delimiter in them stand in quotes"
            )
        padded = [*(cell.strip() for cell in cells), *[""] * len(header)]
        rows.append((number, tuple(padded[: len(header)])))
    return Sheet(tuple(header), tuple(rows), dialect)
