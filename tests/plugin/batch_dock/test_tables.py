from __future__ import annotations

import dataclasses

import pytest

from clem_retrace.batch import BadRow, BatchRow, read_table
from clem_retrace.errors import BadFile
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.batch_dock.tables import (
    checked,
    image_files,
    open_table,
    option_cells,
    region_cells,
    save_table,
)

PENTAGON = Roi.from_outline([(20, 30), (60, 25), (75, 50), (50, 80), (15, 70)])


@pytest.mark.parametrize("roi", [Roi(10.5, 20, 50, 60.25), PENTAGON], ids=["box", "outline"])
def test_a_region_comes_back_from_its_cells(cells, roi):
    (row,) = checked([cells(**region_cells(roi))], RegistrationOptions())
    assert isinstance(row, BatchRow)
    assert row.roi == roi


def test_options_come_back_from_their_cells(cells):
    options = RegistrationOptions.from_paths(
        {"context": 30.25, "affine.enabled": False, "histogram.bins": 32, "search": "both"}
    )
    found = option_cells(options)
    bare = {name: text for name, text in cells().items() if name not in ("search",)}
    usual = checked([bare], options)
    as_cells = checked([{**found, **bare}], RegistrationOptions())
    assert usual[0].options == as_cells[0].options
    assert usual[0].options.search == "both"
    assert option_cells(options, besides=options) == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"roi_height": ""}, "region, height: it is empty"),
        ({"roi_row": "ten"}, "region, row: 'ten' is no number"),
        ({"roi_width": "-3"}, "region, row"),
        ({"em": "gone.tif"}, "does not exist"),
        ({"lm_pixel_size": "0"}, "'0' is not positive"),
        ({"lm_pixel_size": ""}, "lm.tif does not tell the pixel size: give it in nm"),
        (dict.fromkeys(("roi_row", "roi_col", "roi_height", "roi_width"), ""), "no region yet"),
    ],
)
def test_what_is_wrong_is_told_without_the_table(cells, change, problem):
    (row,) = checked([cells(**change)], RegistrationOptions())
    assert isinstance(row, BadRow)
    assert problem in row.problem
    assert not row.problem.startswith("row ")
    assert "column roi_" not in row.problem


def test_the_files_are_had_without_a_region_or_sizes(cells, images):
    bare = {"lm": str(images / "lm.tif"), "em": str(images / "em.tif"), "channel": "1"}
    lm, em = image_files(bare)
    assert (lm.path, lm.channel, lm.pixel_size) == (images / "lm.tif", 1, None)
    assert em.path == images / "em.tif"
    assert image_files(cells())[0].pixel_size == 100
    with pytest.raises(BadFile, match="does not exist"):
        image_files({**bare, "em": str(images / "gone.tif")})


def test_a_table_from_elsewhere_gives_the_same_rows(images):
    path = images / "theirs.csv"
    path.write_text(
        "Name;LM;EM;ROI row;ROI col;ROI height;ROI width;LM pixel size [nm];em-pixel-size;comment\n"
        "a;lm.tif;em.tif;10,5;12;50;60;100,5;25;mine\n"
        ";lm.tif;gone.tif;10;12;50;60;100;25;\n",
        encoding="utf-8",
    )
    table = open_table(path, RegistrationOptions())
    assert [type(row) for row in table.checked] == [BatchRow, BadRow]
    assert table.rows[0]["lm"] == str(images / "lm.tif")
    assert table.rows[1]["em"] == str(images / "gone.tif")
    assert (table.rows[0]["comment"], table.rows[1]["name"]) == ("mine", "lm")
    assert image_files(table.rows[0], table.dialect)[0].pixel_size == 100.5
    again = checked(table.rows, RegistrationOptions(), table.dialect)
    assert dataclasses.replace(again[0], cells={}) == dataclasses.replace(
        table.checked[0], cells={}
    )


def test_an_outline_that_is_a_rectangle_is_opened_with_numbers(images):
    path = images / "theirs.csv"
    lines = ["name,lm,em,outline,lm_pixel_size,em_pixel_size"]
    for outline in ("9.5 19.5 59.5 19.5 59.5 79.5 9.5 79.5", "10 20 60 20 60 80"):
        lines.append(f"{len(lines)},lm.tif,em.tif,{outline},100,25")
    path.write_text("\n".join(lines), encoding="utf-8")
    table = open_table(path, RegistrationOptions())
    assert table.checked[0].roi == Roi(10, 20, 50, 60)
    assert table.rows[0].items() >= {"roi_row": "10", "roi_width": "60"}.items()
    assert "outline" not in table.rows[0]
    assert table.rows[1]["outline"] == "10 20 60 20 60 80"
    assert "roi_row" not in table.rows[1]


def test_the_options_of_all_are_saved_with_each_pair_that_has_none_of_its_own(cells, tmp_path):
    options = RegistrationOptions.from_paths({"context": 40.0, "search": "both"})
    rows = [cells(name="one"), cells(name="two", preset="experiment-1", context="", search="")]
    path = save_table(tmp_path / "pairs.csv", rows, options)
    one, two = read_table(path).rows
    assert (one.options.context, one.options.search) == (40.0, "oriented")
    assert two.cells["context"] == ""
    # Images in another folder keep their whole path, those below the table's do not.
    assert one.cells["lm"] == "images/lm.tif"
    assert [one, two] == [
        dataclasses.replace(row, cells=read.cells)
        for row, read in zip(checked(rows, options), (one, two), strict=True)
    ]
