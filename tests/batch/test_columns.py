"""Columns: each option has one, numbers are read in every country's way."""

from __future__ import annotations

import pytest

from clem_retrace.batch.columns import Cells, _key, column_of, columns
from clem_retrace.errors import BadFile, InvalidOption
from clem_retrace.options import PRESETS, declarations


def test_every_option_has_a_column_by_its_name_and_by_its_flag():
    for declared in declarations():
        for heading in (declared.path, declared.flag, declared.path.upper(), declared.flag[2:]):
            assert column_of(heading).option == declared.path


def test_no_two_columns_are_meant_by_one_heading():
    assert len({_key(name) for name in columns()}) == len(columns())


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("LM pixel size [nm]", "lm_pixel_size"),
        ("em-pixel-size (nm)", "em_pixel_size"),
        ("ROI row", "roi_row"),
        ("ratio", "pixel_size_ratio"),
        ("lm_channel", "channel"),
        ("em channel", "em_channel"),
        ("--histogram-overlap", "histogram.overlap"),
    ],
)
def test_headings_as_people_write_them(heading, name):
    assert column_of(heading).name == name


@pytest.mark.parametrize(
    ("heading", "near"),
    [("roi_heigth", "roi_height"), ("contxt", "context"), ("pixelsize_lm", "lm_pixel_size")],
)
def test_an_unknown_column_is_told_with_the_nearest(heading, near):
    with pytest.raises(BadFile, match=f"'{heading}': did you mean '{near}'"):
        column_of(heading)


def test_an_unknown_column_like_no_other():
    with pytest.raises(BadFile, match="'zzz': A column for remarks is called 'comment'"):
        column_of("zzz")


def value(name, text, delimiter=","):
    return Cells({name: (name, text)}, delimiter).value(name)


@pytest.mark.parametrize(
    ("text", "delimiter", "number"),
    [
        ("110", ",", 110.0),
        ("-1.5e2", ",", -150.0),
        ("110,5", ";", 110.5),
        ("110.5", ";", 110.5),
        ("0,125", "\t", 0.125),
        ("12,125", ";", 12.125),
    ],
)
def test_numbers(text, delimiter, number):
    assert value("roi_row", text, delimiter) == number


@pytest.mark.parametrize(
    ("name", "text", "delimiter", "words"),
    [
        ("roi_row", "110,5", ",", "'110,5' is no number: write it with a decimal point"),
        ("roi_row", "1,234", "\t", "may mean two numbers"),
        ("roi_row", "1.234,5", ";", "is no number"),
        ("roi_row", "ten", ",", "column roi_row: 'ten' is no number"),
        ("roi_row", "nan", ",", "is no number"),
        ("roi_row", "1_0", ",", "is no number"),
        ("lm_pixel_size", "0", ",", "is not positive"),
        ("channel", "1.5", ",", "no whole number"),
        ("projection", "median", ",", "none of max, mean"),
        ("affine.enabled", "perhaps", ",", "neither yes nor no"),
        ("outline", "1 2 3 4", ",", "there are 4 numbers"),
        ("outline", "1 2 3 4 5 6 7", ",", "there are 7 numbers"),
        ("preset", "mine", ",", "none of default, experiment-1"),
    ],
)
def test_cells_that_cannot_be_used(name, text, delimiter, words):
    with pytest.raises(InvalidOption, match=words):
        value(name, text, delimiter)


def test_other_kinds_of_cells():
    assert value("channel", "2,0", ";") == 2
    assert value("projection", "Mean") == "mean"
    assert value("affine.enabled", "FALSE") is False
    assert value("affine.enabled", "yes") is True
    assert value("preset", "experiment-1").replace("-", " ") in PRESETS
    triangle = [(1.0, 2.5), (3.0, 4.0), (5.0, 6.0)]
    assert value("outline", "1 2.5  3 4\n5 6") == triangle
    assert value("outline", "1, 2.5, 3, 4, 5, 6", ";") == triangle
    assert value("outline", "1 2,5; 3 4; 5 6", ";") == triangle
    assert Cells({}, ",").value("take", 1) == 1
