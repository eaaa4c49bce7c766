"""Tables of a JSON file give what is asked for, or say where it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io.tables import Table, read_table

TABLE = Table(
    {
        "text": "a", "whole": 3, "number": 2.5, "yes": True, "null": None, "pair": [1, 2.5],
        "points": [[1, 2], [3.5, 4]], "inner": {"x": 1}, "rows": [{"x": 1}, {"x": 2}],
        "time": "2024-05-06T07:08:09+02:00", "local": "2024-05-06T07:08:09", "zero": 0,
    },
    "it",
)  # fmt: skip


def test_what_is_there_is_given() -> None:
    assert TABLE.text("text") == TABLE.text("text", ("a", "b")) == "a"
    assert TABLE.whole("whole", 3, 3) == 3
    assert TABLE.positive("number") == 2.5
    assert isinstance(TABLE.positive("whole"), float)
    assert TABLE.numbers("pair", 2) == (1.0, 2.5)
    assert TABLE.points("points") == ((1.0, 2.0), (3.5, 4.0))
    assert TABLE.table("inner").whole("x", 0) == 1
    assert [row.whole("x", 0) for row in TABLE.tables("rows")] == [1, 2]
    zone = TABLE.time("time")
    assert zone == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert zone.utcoffset() == timedelta(hours=2)
    assert TABLE.time("local") == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_null_is_as_good_as_nothing() -> None:
    assert TABLE.has("zero")
    assert not TABLE.has("null")
    assert not TABLE.has("missing")


BAD: dict[str, Callable[[], Any]] = {
    "it lacks 'missing'": lambda: TABLE.text("missing"),
    "it.whole is 3: a text is needed": lambda: TABLE.text("whole"),
    "it.text is 'a': one of b, c is needed": lambda: TABLE.text("text", ("b", "c")),
    "it.number is 2.5: a whole number is needed": lambda: TABLE.whole("number", 0),
    "it.yes is True: a whole number is needed": lambda: TABLE.whole("yes", 0),
    "it.whole is 3: it must be at least 4": lambda: TABLE.whole("whole", 4),
    "it.whole is 3: it must be 0 to 2": lambda: TABLE.whole("whole", 0, 2),
    "it.yes is True: a number is needed": lambda: TABLE.positive("yes"),
    "it.zero is 0: a positive number is needed": lambda: TABLE.positive("zero"),
    "it.pair is [1, 2.5]: 3 numbers are needed": lambda: TABLE.numbers("pair", 3),
    "it.points is [[1, 2], [3.5, 4]]: 2 numbers are needed": lambda: TABLE.numbers("points", 2),
    "it.pair is [1, 2.5]: pairs of numbers are needed": lambda: TABLE.points("pair"),
    "it.text is 'a': a time is needed": lambda: TABLE.time("text"),
    "it.rows is [{'x': 1}, {'x': 2}]: a table is needed": lambda: TABLE.table("rows"),
    "it.pair[0] is 1: a table is needed": lambda: TABLE.tables("pair"),
    "it.inner lacks 'y'": lambda: TABLE.table("inner").text("y"),
    "it.rows[1].x is 2: a text is needed": lambda: TABLE.tables("rows")[1].text("x"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_not_there_is_named_with_its_place(message: str) -> None:
    with pytest.raises(BadFile) as raised:
        BAD[message]()
    assert str(raised.value) == message


def test_a_long_value_is_not_told_in_full() -> None:
    with pytest.raises(BadFile) as raised:
        Table({"a": "b" * 1000}, "it").whole("a", 0)
    assert len(str(raised.value)) < 120


def test_a_file_gives_its_table(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"x": 1.5, "y": "\\u00b5"}')
    table = read_table(path, "thing", 100)
    assert (table.positive("x"), table.text("y")) == (1.5, "\u00b5")
    for junk in (b"{", b"\xff\xfe\xff", b'{"x": NaN}', b'{"x": 1e400}'):
        path.write_bytes(junk)
        with pytest.raises(BadFile, match=r"a\.json is no thing, or is damaged"):
            read_table(path, "thing", 100)
    path.write_bytes(b"[]")
    with pytest.raises(BadFile, match=r"a\.json is no thing: a table is needed"):
        read_table(path, "thing", 100)
    path.write_bytes(b" " * 101)
    with pytest.raises(BadFile, match="too large for a thing: more than 100 bytes"):
        read_table(path, "thing", 100)
