"""The columns of a table of pairs, declared once: read by the reader and the template."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from clem_retrace.declaring import Declaration
from clem_retrace.errors import BadFile, InvalidOption
from clem_retrace.options import PRESETS, declarations
from clem_retrace.projections import Projection

__all__ = ["RECTANGLE", "TRUTH", "Cells", "Column", "column_of", "columns", "is_remark"]

#: The columns of the region and of where it is known to lie, in the order of `Roi`.
RECTANGLE = ("roi_row", "roi_col", "roi_height", "roi_width")
TRUTH = ("truth_row", "truth_col", "truth_height", "truth_width")

_TRUE, _FALSE = ("yes", "true", "1", "on"), ("no", "false", "0", "off")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a table may have.

    Attributes
    ----------
    name : str
    help : str
        With the unit and the default.
    read : callable
        Returns a cell's value, given its text and the table's delimiter; its `InvalidOption`
        says what is wrong.
    option : str
        Full name of the option that the column gives; empty for others.
    """

    name: str
    help: str
    read: Callable[[str, str], Any]
    option: str = ""


@cache
def columns() -> Mapping[str, Column]:
    """Return all columns by name; those of the options last."""
    found = [
        Column("name", "what the pair is called, its folder too; unique", _text),
        Column("lm", "file of the LM image, seen from this table's folder", _text),
        Column("em", "file of the EM image", _text),
        *(
            Column(name, f"{what} of the region in the LM image [LM px]", _number)
            for name, what in zip(
                RECTANGLE, ("first row, from 0,", "first column", "height", "width"), strict=True
            )
        ),
        Column(
            "outline",
            "the region as a polygon instead: row and column of each vertex, with spaces [LM px]",
            _points,
        ),
        *(
            Column(
                f"{role}_pixel_size",
                f"size of a pixel of the {role.upper()} image, if not the one in the file [nm]",
                _positive,
            )
            for role in ("lm", "em")
        ),
    ]
    for role, prefix in (("LM", ""), ("EM", "em_")):
        found += [
            Column(f"{prefix}channel", f"channel of the {role} image, from 0", _whole),
            Column(
                f"{prefix}projection",
                f"how the planes of an {role} stack become one: {', '.join(get_args(Projection))}",
                _choice(get_args(Projection)),
            ),
            Column(f"{prefix}plane", f"plane of the {role} stack, for the projection", _whole),
        ]
    found += [
        Column("take", "rank of the candidate that is taken, 1 for the best", _whole),
        *(
            Column(name, f"{what} of where it is known to lie in the EM [EM px]", _number)
            for name, what in zip(
                TRUTH, ("first row", "first column", "height", "width"), strict=True
            )
        ),
        Column(
            "preset",
            f"what the options start from: {', '.join(map(_dashed, PRESETS))}",
            _choice(tuple(map(_dashed, PRESETS))),
        ),
        *(
            Column(declared.path, declared.help, _reader(declared), declared.path)
            for declared in declarations()
        ),
    ]
    return {column.name: column for column in found}


def is_remark(heading: str) -> bool:
    """Whether a column is there for people only."""
    return heading.startswith("#") or heading.lower() == "comment"


def column_of(heading: str) -> Column:
    """Return the column of a heading: its name, or the flag of `clem-retrace run`.

    Units in brackets, capitals, and what stands between words do not count.

    Raises
    ------
    BadFile
        There is none; the message names the nearest.
    """
    wanted = _key(heading)
    known = {_key(name): column for name, column in columns().items()}
    known |= {_key(f"lm_{name}"): known[name] for name in ("channel", "projection", "plane")}
    known |= {"ratio": columns()["pixel_size_ratio"]}
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    hint = f"did you mean '{known[near[0]].name}'? " if near else ""
    raise BadFile(
        f"there is no column '{heading}': {hint}A column for remarks is called 'comment', or "
        "begins with '#'"
    )


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a row, by the name of their column; empty ones are not there.

    Attributes
    ----------
    values : mapping of str to (str, str)
        Heading and text.
    delimiter : str
        Of the table.
    """

    values: Mapping[str, tuple[str, str]]
    delimiter: str

    def value(self, name: str, default: Any = None) -> Any:
        """Return the value of a cell, or `default` when it is empty.

        Raises
        ------
        InvalidOption
            The cell holds something else; the message names the column.
        """
        if name not in self.values:
            return default
        heading, text = self.values[name]
        try:
            return columns()[name].read(text, self.delimiter)
        except InvalidOption as error:
            raise InvalidOption(f"column {heading}: {error}") from None

    def have(self, *names: str) -> bool:
        """Whether one of the cells is not empty."""
        return any(name in self.values for name in names)


def _key(heading: str) -> str:
    bare = re.sub(r"\s*[\[(][^\])]*[\])]\s*$", "", heading.strip().lower())
    return re.sub(r"[\s.\-_]+", "_", bare.lstrip("-"))


def _dashed(name: str) -> str:
    return name.replace(" ", "-")


def _text(text: str, _: str) -> str:
    return text


def _number(text: str, delimiter: str) -> float:
    """Return a number; where no commas part the columns, it may have a decimal comma."""
    plain = text
    if "," in text:
        if delimiter == ",":
            raise InvalidOption(f"'{text}' is no number: write it with a decimal point")
        # Tables with semicolons come from countries with decimal commas, those with tabs from
        # anywhere.
        if delimiter == "\t" and re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", text):
            raise InvalidOption(f"'{text}' may mean two numbers: write it without a comma")
        plain = text.replace(",", ".")
    try:
        # Python takes 1_000 for a number.
        number = float(plain.replace("_", "no"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidOption(f"'{text}' is no number")
    return number


def _positive(text: str, delimiter: str) -> float:
    number = _number(text, delimiter)
    if number <= 0:
        raise InvalidOption(f"'{text}' is not positive")
    return number


def _whole(text: str, delimiter: str) -> int:
    number = _number(text, delimiter)
    if not number.is_integer():
        raise InvalidOption(f"'{text}' is no whole number")
    return int(number)


def _points(text: str, delimiter: str) -> list[tuple[float, float]]:
    # Commas and semicolons may stand before the spaces, as in lists.
    numbers = [_number(part, delimiter) for part in re.split(r"[,;]?\s+|;", text) if part]
    if len(numbers) % 2 or len(numbers) < 6:
        raise InvalidOption(
            f"there are {len(numbers)} numbers: a row and a column for each of three vertices or "
            "more are needed, with spaces between them"
        )
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _yes(text: str, _: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise InvalidOption(f"'{text}' is neither yes nor no")
    return text.lower() in _TRUE


def _choice(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(text: str, _: str) -> str:
        if text.lower() not in choices:
            raise InvalidOption(f"'{text}' is none of {', '.join(choices)}")
        return text.lower()

    return read


def _reader(declared: Declaration) -> Callable[[str, str], Any]:
    if declared.choices:
        return _choice(declared.choices)
    return {bool: _yes, int: _whole, float: _number}[declared.kind]
