"""Tables as spreadsheet programs save them."""

from __future__ import annotations

import time

import pytest

from clem_retrace.batch.sheets import Dialect, read_sheet, written
from clem_retrace.errors import BadFile


def read(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sheet(path, ("lm", "em"))


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        ("name,lm,em\na,b,c\n", Dialect()),
        ("name;lm;em\r\na;b;c\r\n", Dialect(";", decimal_comma=True)),
        ("name;lm;em\r\na;b;c\r\n1.5;;\r\n", Dialect(";")),
        ("name\tlm\tem\na\tb\tc\n", Dialect("\t")),
        ("name\tlm\tem\na\tb\tc\n\t1,5\t\n", Dialect("\t", decimal_comma=True)),
        ("sep=;\r\nname;lm;em\r\na;b;c\r\n", Dialect(";", decimal_comma=True)),
        (b"\xef\xbb\xbfname,lm,em\na,b,c\n", Dialect(bom=True)),
        ("name\tlm\tem\na\tb\tc\n".encode("utf-16"), Dialect("\t", bom=True)),
        ('Name, LM ,EM,,\n\n"a", b ,c,,\n,,,,\n', Dialect()),
        ('# a remark, with a comma\n"# two"\nname,lm,em\n# three,,\na,b,c\n'
         .replace("# a remark, with a comma", '"# a remark, with a comma"'), Dialect()),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_spreadsheet_programs_save_is_read(tmp_path, content, dialect):
    sheet = read(tmp_path, content)
    assert [heading.lower() for heading in sheet.header] == ["name", "lm", "em"]
    assert sheet.rows[0][1] == ("a", "b", "c")
    assert sheet.dialect == dialect


def test_rows_have_the_numbers_that_the_program_shows(tmp_path):
    sheet = read(tmp_path, 'lm,em\n"two\nlines",b\n\n# remark\nc,d\n')
    assert sheet.rows == ((2, ("two\nlines", "b")), (5, ("c", "d")))


def test_a_first_column_for_remarks_is_a_column(tmp_path):
    sheet = read(tmp_path, "#,lm,em\n#1,b,c\n")
    assert sheet.header == ("#", "lm", "em")
    assert sheet.rows == ((2, ("#1", "b", "c")),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it has: none"),
        ("image;region\n1;2\n", "it has: image, region"),
        ("lm,em\na,b,c\n", "row 2: there are more cells than columns, the first too many is 'c'"),
        ("lm,em,x,x\na,b,c,d\n", "'x' is there twice"),
        ("lm,,em\na,b,c\n", "column 2 has no name"),
        ("lm,em\nµ,b\n".encode("cp1252"), "save it as 'CSV UTF-8'"),
        (b"PK\x03\x04\0\0\0lm,em", "no table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, words):
    with pytest.raises(BadFile, match=words):
        read(tmp_path, content)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(BadFile, match="does not exist"):
        read_sheet(tmp_path / "none.csv", ("lm",))
    with pytest.raises(BadFile, match="is not a file"):
        read_sheet(tmp_path, ("lm",))


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(";", True, True), Dialect("\t")])
def test_what_is_written_is_read_back(tmp_path, dialect):
    rows = [("lm", "em", "comment"), ("a,b;c\td", 'say "x"', "two\nlines")]
    sheet = read(tmp_path, written(rows, dialect))
    assert [sheet.header, sheet.rows[0][1]] == rows
    assert sheet.dialect.delimiter == dialect.delimiter
    assert sheet.dialect.bom == dialect.bom


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"lm,em\n" + b"a,b\n" * 20_001, "has more than 20000 rows: make several tables"),
        (b"lm,em" + b"".join(b",%d" % n for n in range(300)), "has 302 columns: at most 200"),
        (b"lm,em," + b"[" * 100_000, "the name of column 3 is too long"),
        (b"lm,em\n" + b"#" * 8_000_001, "too large for a table of pairs: more than 8 MB"),
    ],
)
def test_what_would_take_long_is_refused_at_once(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    before = time.process_time()
    with pytest.raises(BadFile, match=message):
        read_sheet(tmp_path / "a.csv", needed=("lm", "em"))
    assert time.process_time() - before < 2
