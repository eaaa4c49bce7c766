from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtCore import Qt

from clem_retrace.plugin.candidate_table import ROWS_SEEN, CandidateTable, confidence_text


@pytest.fixture
def matches(registration):
    found = registration.candidates.matches
    return [
        dataclasses.replace(match, confidence=confidence)
        for match, confidence in zip(found, (0.999, 0.62, 0.1), strict=False)
    ]


@pytest.fixture
def table(qtbot, matches):
    table = CandidateTable()
    qtbot.addWidget(table)
    table.show_candidates(matches, matches, [True, False, False], 0, 0.95)
    table.show()
    return table


def row(table, number):
    return [table.item(number, column).text() for column in range(table.columnCount())]


def test_a_row_for_each_candidate(table, matches):
    assert table.rowCount() == 3
    first = matches[0]
    rank, sure, score, angle, mirrored, place = row(table, 0)
    assert rank == "1 ●"
    assert sure == "✔ 99%"
    assert score == f"{first.score:.3f}"
    assert angle == f"{first.angle:.1f}°"
    assert mirrored == "no"
    assert place == f"{first.centre[0]:.0f}, {first.centre[1]:.0f}"
    assert [row(table, number)[0] for number in (1, 2)] == ["2", "3"]
    assert [row(table, number)[1] for number in (1, 2)] == ["◐ 62%", "○ 10%"]


def test_little_short_of_enough_is_not_rounded_up_to_it():
    assert confidence_text(0.9496, 0.95) == "◐ 94%"
    assert confidence_text(0.95, 0.95) == "✔ 95%"
    assert confidence_text(0.5, 0.95) == "◐ 50%"
    assert confidence_text(0.499, 0.95) == "○ 49%"


def test_a_place_given_by_hand_is_not_unsure(table, matches):
    assert confidence_text(None, 0.95) == "✎ by hand"
    placed = dataclasses.replace(matches[0], search="hand", confidence=0.0)
    table.show_candidates([placed], [placed], [True], 0, 0.95)
    assert row(table, 0)[1] == "✎ by hand"
    assert table.item(0, 0).toolTip() == "Placed by hand"


def test_a_click_chooses(table, qtbot):
    with qtbot.waitSignal(table.chosen) as told:
        place = table.visualItemRect(table.item(2, 3)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told.args == [2]


def test_arrow_keys_choose(table, qtbot):
    told = []
    table.chosen.connect(told.append)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Up)
    assert told == [1, 2, 1]


def test_what_is_shown_is_not_chosen_by_the_user(table, matches):
    told = []
    table.chosen.connect(told.append)
    table.show_candidates(matches, matches, [True, True, False], 2, 0.95)
    assert told == []
    assert table.currentRow() == 2


def test_it_is_as_high_as_its_first_rows(table, matches):
    one = table.sizeHint().height()
    many = matches * 5
    table.show_candidates(many, many, [False] * len(many), 0, 0.95)
    taller = table.sizeHint().height()
    table.show_candidates(many * 2, many * 2, [False] * len(many) * 2, 0, 0.95)
    assert table.sizeHint().height() == taller
    assert taller - one == pytest.approx((ROWS_SEEN - 3) * table.rowHeight(0), abs=2)
