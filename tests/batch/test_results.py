"""The table of results, in the way of the table it answers."""

from __future__ import annotations

import csv

import pytest

from clem_retrace.batch.outcomes import Finding, Outcome, RowOutcome
from clem_retrace.batch.results import COLUMNS, write_results
from clem_retrace.batch.rows import BadRow
from clem_retrace.batch.sheets import Dialect, read_sheet
from clem_retrace.evaluation import Distance

FINDING = Finding(
    0.99668, (0.2, 0.125, -21.5, -0.1, 0.2, 8.0), (331.304, 581.9), 20.0, True, 4.49817, 0.984,
    0.0421, Distance(0.16, 4.0, 0.015),
)  # fmt: skip


@pytest.fixture
def outcomes(tmp_path):
    rows = [
        BadRow("a; b", "", {"Name": "a; b", "lm": "lm.tif", "comment": 'say "hi"'}),
        BadRow("c", "", {"Name": "c", "lm": "lm.tif", "comment": ""}),
        BadRow("d", "", {}),
    ]
    became = [
        Outcome("found", "because, of; this", 1.2345, FINDING),
        Outcome("failed", "row 3: no"),
        Outcome("not run yet"),
    ]
    return [
        RowOutcome(index, row, outcome, tmp_path / f"folder {index}")
        for index, (row, outcome) in enumerate(zip(rows, became, strict=True))
    ]


def test_a_line_for_each_row_in_order_with_its_own_columns(outcomes, tmp_path):
    path = write_results(tmp_path / "r.csv", outcomes)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lines = list(reader)
    assert reader.fieldnames == [*COLUMNS, "lm", "comment"]
    assert [line["name"] for line in lines] == ["a; b", "c", "d"]
    assert [line["status"] for line in lines] == ["found", "failed", "not run yet"]
    assert [line["folder"] for line in lines] == ["folder 0", "", ""]
    first = lines[0]
    assert first["message"] == "because, of; this"
    assert first["comment"] == 'say "hi"'
    expected = {
        "confidence": 0.9967, "centre_row_em_px": 331.30, "centre_col_em_px": 581.90,
        "angle_degrees": 20, "magnification_em_px_per_lm_px": 4.49817, "support": 0.984,
        "expected_error_lm_px": 0.042, "distance_em_px": 0.16, "distance_nm": 4,
        "distance_percent_of_diagonal": 0.015, "em_to_lm_00": 0.2, "em_to_lm_01": 0.125,
        "em_to_lm_02": -21.5, "em_to_lm_10": -0.1, "em_to_lm_11": 0.2, "em_to_lm_12": 8,
    }  # fmt: skip
    assert {name: float(first[name]) for name in expected} == expected
    assert first["mirrored"] == "yes"
    assert all(lines[1][name] == "" for name in (*expected, "mirrored", "seconds"))


@pytest.mark.parametrize(
    ("dialect", "confidence"),
    [
        (Dialect(";", decimal_comma=True, bom=True), "0,9967"),
        (Dialect(";"), "0.9967"),
        (Dialect("\t"), "0.9967"),
    ],
)
def test_it_is_written_as_the_table_was(outcomes, tmp_path, dialect, confidence):
    path = write_results(tmp_path / "r.csv", outcomes, dialect)
    sheet = read_sheet(path, ("name", "status"))
    first = dict(zip(sheet.header, sheet.rows[0][1], strict=True))
    assert first["confidence"] == confidence
    assert first["message"] == "because, of; this"
    assert sheet.dialect == dialect
