"""Tables of pairs: what is read, and what is told of each mistake."""

from __future__ import annotations

import os
import re

import pytest

from clem_retrace.batch.rows import BadRow, BatchRow, ImageFile
from clem_retrace.batch.tables import read_table
from clem_retrace.batch.template import template
from clem_retrace.errors import BadFile
from clem_retrace.micrograph import Roi
from clem_retrace.options import PRESETS, RegistrationOptions


def test_a_row_is_read_whole(write_table, folder, small):
    table = read_table(
        write_table(
            {
                "name": "a", "take": "2", "comment": "mine", "em_projection": "mean",
                "histogram-bins": "16", "#note": "x",
            }
        )
    )  # fmt: skip
    (row,) = table.rows
    assert row.name == "a"
    assert row.lm == ImageFile(folder / "lm.tif", 100.0)
    assert row.em == ImageFile(folder / "em.tif", 25.0, projection="mean")
    assert row.roi == small.roi
    assert row.truth == small.ground_truth
    assert row.take == 2
    assert row.options.histogram.bins == 16
    assert row.options.oriented.angle == 20
    assert (row.cells["comment"], row.cells["#note"], row.cells["lm"]) == ("mine", "x", "lm.tif")


def test_decimal_commas(folder):
    path = folder / "t.csv"
    path.write_text(
        "lm;em;roi_row;roi_col;roi_height;roi_width;lm_pixel_size;ratio\n"
        "lm.tif;em.tif;1,5;2;40;40,25;110,5;4,2\n"
    )
    (row,) = read_table(path).rows
    assert row.roi == Roi(1.5, 2, 40, 40.25)
    assert row.lm.pixel_size == 110.5
    assert row.options.pixel_size_ratio == 4.2


def test_an_outline(folder):
    path = folder / "t.csv"
    path.write_text("lm,em,outline,ratio\nlm.tif,em.tif,10 10 50 12 40 60,4\n")
    (row,) = read_table(path).rows
    assert row.roi == Roi.from_outline([(10, 10), (50, 12), (40, 60)])


def test_paths_are_seen_from_the_table(write_table, folder, monkeypatch):
    path = write_table({"lm": "sub\\..\\lm.tif"}, {"em": str(folder / "em.tif")})
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    for row in read_table(os.path.relpath(path)).rows:
        assert row.lm.path == folder / "lm.tif"
        assert row.em.path == folder / "em.tif"


def test_empty_cells_take_what_is_given_for_all(write_table):
    given = RegistrationOptions(context=77.0, candidates=3)
    path = write_table({"context": "", "candidates": "4"}, {"preset": "experiment-1"})
    first, second = read_table(path, given).rows
    assert (first.options.context, first.options.candidates) == (77.0, 4)
    assert second.options.histogram == PRESETS["experiment 1"].histogram
    assert second.options.context == RegistrationOptions().context


def test_rows_without_a_name_are_called_after_their_lm(write_table):
    path = write_table({}, {"name": "lm-2"}, {}, {"lm": "gone/other.tif"})
    assert [row.name for row in read_table(path).rows] == ["lm", "lm-2", "lm-3", "other"]


#: Cells of a row, and what is said about it.
MISTAKES = {
    "no file": ({"em": "gone.tif"}, r"column em: .*gone\.tif does not exist"),
    "no name of one": ({"em": ""}, "column em: it is empty"),
    "a folder": ({"lm": "."}, "column lm: .* is a folder"),
    "unknown kind": ({"lm": "pairs.csv"}, r"column lm: .*unknown kind, \.csv"),
    "address": ({"em": "https://example.org/em.tif"}, "column em: .* is an address"),
    "control characters": ({"em": "a\x01b"}, "is no path"),
    "number": ({"roi_row": "x"}, "column roi_row: 'x' is no number"),
    "no region": ({f"roi_{part}": "" for part in ("row", "col", "height", "width")}, "no region"),
    "half a region": ({"roi_width": ""}, "column roi_width: it is empty"),
    "two regions": ({"outline": "1 1 50 1 1 50"}, "given twice"),
    "no area": ({"roi_height": "0"}, "columns roi_row .*draw one with an area"),
    "half a truth": ({"truth_row": ""}, "column truth_row: it is empty"),
    "option": ({"histogram.overlap": "1.5"}, "column histogram.overlap: overlap is 1.5"),
    "candidate": ({"take": "11"}, "column take: candidate 11"),
    "pixel size": ({"em_pixel_size": ""}, "column em_pixel_size: em.tif does not tell"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_told_with_row_and_column(case, write_table):
    cells, words = MISTAKES[case]
    good, bad = read_table(write_table({"name": "good"}, {"name": "bad"} | cells)).rows
    assert isinstance(good, BatchRow)
    assert isinstance(bad, BadRow)
    assert bad.name == "bad"
    assert bad.problem.startswith("row 3: ")
    assert re.search(words, bad.problem), bad.problem


def test_all_mistakes_of_a_row_are_told_at_once(write_table):
    (bad,) = read_table(write_table({"em": "gone.tif", "roi_col": "x", "take": "no"})).rows
    assert [part.split(":")[0] for part in bad.problem.removeprefix("row 2: ").split("; ")] == [
        "column em",
        "column roi_col",
        "column take",
    ]


def test_names_must_differ(write_table):
    first, second = read_table(write_table({"name": "a"}, {"name": "a"})).rows
    assert isinstance(first, BatchRow)
    assert second.problem == "row 3: column name: row 2 is called so too"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("lm,em,roi_heigth\na,b,1\n", "'roi_heigth': did you mean 'roi_height'"),
        ("lm,em,ROI row,roi_row\na,b,1,2\n", "the column 'roi_row' is there twice"),
        ("lm,em\n", "has no rows"),
    ],
)
def test_tables_that_cannot_be_used_at_all(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(BadFile, match=words):
        read_table(path)


def test_the_template_is_a_table(folder):
    (folder / "images").mkdir()
    for name in ("grid1_lm.tif", "grid1_em.mrc"):
        (folder / "images" / name).write_bytes(b"")
    path = folder / "template.csv"
    path.write_text(template(), newline="")
    first, second = read_table(path).rows
    # Its images are there, and hold nothing.
    for row in (first, second):
        assert "grid1_em.mrc cannot be read" in row.problem
        assert row.problem.count("column") == 1


def test_rows_of_one_image_are_counted_in_no_time(tmp_path):
    """Not by asking for each row whether every number before it is taken."""
    rows = "\n".join(["lm,em", *["gone.tif,em.tif"] * 3000])
    (tmp_path / "a.csv").write_text(rows)
    names = [row.name for row in read_table(tmp_path / "a.csv").rows]
    assert names[:3] == ["gone", "gone-2", "gone-3"]
    assert names[-1] == "gone-3000"
    assert len(set(names)) == 3000


def test_a_name_that_no_system_allows_is_told(tmp_path):
    (tmp_path / "a.csv").write_text(f"lm,em\n{'x' * 300}.tif,em.tif\n")
    (row,) = read_table(tmp_path / "a.csv").rows
    assert "column lm" in row.problem
    assert "does not exist" in row.problem
