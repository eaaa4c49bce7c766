from __future__ import annotations

import pytest
from qtpy.QtCore import QLocale
from qtpy.QtGui import QValidator

from clem_retrace.plugin.positive_field import LengthField, PositiveField


@pytest.fixture
def field(qtbot):
    field = LengthField("size", "Pixel size", "tip")
    field.setLocale(QLocale.c())
    qtbot.addWidget(field)
    field.show()
    return field


def type_in(field, text):
    """Type over the number, the field's own unit left standing."""
    field.selectAll()
    # Not by keys: QTest has none for these letters.
    field.lineEdit().insert(text)
    field.clearFocus()
    field.interpretText()


@pytest.mark.parametrize(
    ("typed", "nm"),
    [
        ("11.3", 11.3),
        ("11.3 nm", 11.3),
        ("0.11 um", 110),
        ("0.11µm", 110),  # the micro sign
        ("0.11 \u03bcm", 110),  # the Greek letter
        ("4 Å", 0.4),
        ("450 pm", 0.45),
        ("1e-2 um", 10),
    ],
)
def test_a_length_may_be_typed_in_any_unit(field, typed, nm, qtbot):
    type_in(field, typed)
    assert field.number == pytest.approx(nm)
    assert field.text().endswith(" nm")


def test_a_decimal_comma_where_it_is_usual(field, qtbot):
    field.setLocale(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    type_in(field, "0,11 um")
    assert field.number == pytest.approx(110)
    assert field.text() == "110 nm"


@pytest.mark.parametrize("typed", ["", "nm", "11 x", "abc", "-3", "1e9 mm"])
def test_what_is_no_length_is_not_taken(field, typed, qtbot):
    field.setValue(7.0)
    state, *_ = field.validate(typed, len(typed))
    assert state != QValidator.State.Acceptable


def test_a_change_is_told_once_and_when_it_is_complete(field, qtbot):
    told = []
    field.valueChanged.connect(told.append)
    field.selectAll()
    qtbot.keyClicks(field.lineEdit(), "0.11 um")
    assert told == []
    field.clearFocus()
    field.interpretText()
    assert told == [110.0]


def test_an_unknown_number_says_so(qtbot):
    field = PositiveField("ratio", "Ratio", "", "tip")
    qtbot.addWidget(field)
    assert field.text() == "missing"
    assert field.number is None
    field.show_number(9.73451)
    assert field.number == 9.73451
    field.show_number(None)
    assert field.number is None
