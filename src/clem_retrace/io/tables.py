"""Tables read from a JSON file, checked: what is asked for is there, and of its kind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clem_retrace.errors import BadFile, shown
from clem_retrace.io.bounded import read_bounded

__all__ = ["Table", "parse_table", "read_table"]


class Table:
    """A JSON object of which the reader knows what must be in it.

    Parameters
    ----------
    values : object
        As the JSON parser gave it.
    where : str
        What it is, for messages: "runs[2].lm".

    Raises
    ------
    BadFile
        By every method: there is no such entry, or it is of another kind.
    """

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise BadFile(f"{where} is {shown(values)}: a table is needed")
        self.values: Mapping[str, Any] = values
        self.where = where

    def _entry(self, name: str, kind: type | tuple[type, ...], what: str) -> Any:
        if name not in self.values:
            raise BadFile(f"{self.where} lacks {name!r}")
        value = self.values[name]
        # For Python, truth values are whole numbers.
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadFile(f"{self.where}.{name} is {shown(value)}: {what} is needed")
        return value

    def has(self, name: str) -> bool:
        """Whether there is an entry that is not null."""
        return self.values.get(name) is not None

    def text(self, name: str, choices: tuple[str, ...] = ()) -> str:
        """Return a text, one of `choices` where there are any."""
        text: str = self._entry(name, str, "a text")
        if choices and text not in choices:
            raise BadFile(f"{self.where}.{name} is {text!r}: one of {', '.join(choices)} is needed")
        return text

    def whole(self, name: str, least: int, most: int | None = None) -> int:
        """Return a whole number within bounds."""
        number: int = self._entry(name, int, "a whole number")
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" if most is None else f"{least} to {most}"
            raise BadFile(f"{self.where}.{name} is {number}: it must be {bounds}")
        return number

    def positive(self, name: str) -> float:
        """Return a number greater than 0."""
        value = self._entry(name, (int, float), "a number")
        if not value > 0:
            raise BadFile(f"{self.where}.{name} is {value}: a positive number is needed")
        return float(value)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """Return so many numbers."""
        values = self._entry(name, list, "a list of numbers")
        if len(values) != count or not _are_numbers(values):
            raise BadFile(f"{self.where}.{name} is {shown(values)}: {count} numbers are needed")
        return tuple(float(value) for value in values)

    def points(self, name: str) -> tuple[tuple[float, float], ...]:
        """Return pairs of numbers."""
        rows = self._entry(name, list, "a list of points")
        if not all(isinstance(row, list) and len(row) == 2 and _are_numbers(row) for row in rows):
            raise BadFile(f"{self.where}.{name} is {shown(rows)}: pairs of numbers are needed")
        return tuple((float(row), float(col)) for row, col in rows)

    def time(self, name: str) -> datetime:
        """Return a time, in UTC where it has no zone."""
        text = self.text(name)
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise BadFile(f"{self.where}.{name} is {text!r}: a time is needed") from None
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)

    def table(self, name: str) -> Table:
        """Return the table of a name."""
        return Table(self._entry(name, Mapping, "a table"), f"{self.where}.{name}")

    def tables(self, name: str) -> list[Table]:
        """Return the tables in a list."""
        rows = self._entry(name, list, "a list")
        return [Table(row, f"{self.where}.{name}[{index}]") for index, row in enumerate(rows)]


def read_table(path: Path, where: str, largest: int) -> Table:
    """Return the table that a JSON file holds; all of its numbers are finite.

    Parameters
    ----------
    path : Path
    where : str
        What it is, for messages.
    largest : int, bytes
        Larger files are refused.

    Raises
    ------
    BadFile
        There is no such file, it is too large, no JSON, or holds a number that is not finite.
    """
    return parse_table(path, read_bounded(path, where, largest), where)


def parse_table(path: Path, content: str | bytes, where: str) -> Table:
    """Return the table that the content of a JSON file is, as `read_table` does.

    Raises
    ------
    BadFile
        It is no JSON, no table, or holds a number that is not finite.
    """
    try:
        values = json.loads(
            content, parse_float=_finite, parse_constant=_finite, parse_int=_finite_int
        )
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path} is no {where}, or is damaged: {error}") from error
    if not isinstance(values, Mapping):
        raise BadFile(f"{path} is no {where}: a table is needed, and it holds {shown(values)}")
    return Table(values, where)


def _are_numbers(values: list[Any]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is not a finite number")
    return number


def _finite_int(text: str) -> int:
    _finite(text)  # whole numbers too can be larger than any float
    return int(text)
