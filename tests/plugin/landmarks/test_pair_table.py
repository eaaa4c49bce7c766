from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor

from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.markers import colour_of
from clem_retrace.plugin.landmarks.pair_table import NAME, TEST, PairTable, rows
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.plugin.landmarks.telling import error_text


@pytest.fixture
def found(pairing, facts):
    """Pair 2 is far off, pair 4 held back, a sixth to be confirmed."""
    off = pairing.moving(1, "em", pairing.landmarks.em[1] + (60, 0))
    off = off.with_landmarks(off.landmarks.switching(3, False))
    return fit(off.adding("lm", (100, 20)), *facts)


@pytest.fixture
def table(qtbot, found):
    table = PairTable()
    qtbot.addWidget(table)
    table.show_rows(rows(found, in_nm=True), None)
    return table


def test_what_is_to_do_comes_first_then_the_worst(found):
    shown = [row.pair for row in rows(found, in_nm=True)]
    assert shown[0] == 5
    assert shown[1:] == sorted(range(5), key=lambda pair: -found.test[pair])


def test_rows_keep_their_order_while_a_point_is_dragged(found, facts):
    order = [row.pair for row in rows(found, in_nm=True)]
    moved = fit(found.pairing.moving(1, "em", (0, 0)), *facts)
    assert [row.pair for row in rows(moved, in_nm=True, order=order)] == order
    # A pair more is not in it.
    more = fit(found.pairing.adding("lm", (1, 2)), *facts)
    assert len(rows(more, in_nm=True, order=order)) == 7


def test_texts(found):
    (row,) = (row for row in rows(found, in_nm=True) if row.pair == 1)
    lm, em, residual, test = row.texts
    assert lm == "44, 102"
    assert em == ", ".join(f"{value:.0f}" for value in found.pairing.landmarks.em[1])
    assert residual == error_text(found.residual[1], 110.0)
    assert test == error_text(found.test[1], 110.0)


def test_a_prediction_is_marked_and_one_outside_the_image_said_to_be_so(found, facts):
    first = rows(found, in_nm=False)[0]
    assert first.texts[1].endswith(" ?")
    far = fit(found.pairing.moving(5, "lm", (-500, 20)), *facts)
    assert rows(far, in_nm=False)[0].texts[1] == "outside ?"
    unknown = fit(Pairing().adding("lm", (3, 4)), *facts)
    assert rows(unknown, in_nm=False)[0].texts == ("3, 4", "?", "-", "-")


def test_a_pair_that_is_held_back_is_unticked_and_shows_the_error_of_the_others(table, found):
    number = table.shown.index(3)
    assert table.item(number, NAME).checkState() == Qt.CheckState.Unchecked
    assert table.item(number, TEST).font().italic()
    assert table.item(number, TEST).text() == error_text(found.test[3], 110.0)


def test_names_have_the_colours_of_their_points(table):
    for number in range(table.rowCount()):
        item = table.item(number, NAME)
        pixel = item.icon().pixmap(11, 11).toImage().pixelColor(5, 5)
        assert pixel == QColor(colour_of(item.text()))


def test_ticking_tells(table, qtbot):
    number = table.shown.index(0)
    with qtbot.waitSignal(table.switched) as told:
        table.item(number, NAME).setCheckState(Qt.CheckState.Unchecked)
    assert told.args == [0, False]


def test_renaming_tells_and_a_name_that_is_refused_is_shown_as_it_was(table, qtbot, found):
    number = table.shown.index(0)
    with qtbot.waitSignal(table.renamed) as told:
        table.item(number, NAME).setText("vesicle")
    assert told.args == [0, "vesicle"]
    table.show_rows(rows(found, in_nm=True), None)
    assert table.item(number, NAME).text() == "1"


def test_clicking_a_row_chooses_its_pair(table, qtbot):
    with qtbot.waitSignal(table.chosen) as told:
        table.setCurrentCell(2, 1)
    assert told.args == [table.shown[2]]


def test_showing_what_is_chosen_tells_nothing(table, qtbot):
    with qtbot.assertNotEmitted(table.chosen):
        table.show_chosen(4)
        assert table.currentRow() == table.shown.index(4)
        table.show_chosen(None)
    assert not table.selectedItems()


def test_only_names_can_be_edited(table):
    editable = [
        bool(table.item(0, column).flags() & Qt.ItemFlag.ItemIsEditable)
        for column in range(table.columnCount())
    ]
    assert editable == [True, False, False, False, False]


def test_errors_are_shown_with_their_units(found, facts):
    row, col = found.pairing.landmarks.em[1]
    far = fit(found.pairing.moving(1, "em", (row + 600, col)), *facts)
    worst = rows(far, in_nm=True)[1]
    assert worst.pair == 1
    assert worst.texts[-1].endswith(" \u00b5m")
    assert next(row for row in rows(found, in_nm=True) if row.pair == 0).texts[-2].endswith(" nm")
    assert rows(far, in_nm=False)[1].texts[-1].endswith(" px")


def test_equal_errors_leave_the_pairs_in_their_order(spots, facts):
    from clem_retrace.registration.landmarks import Landmarks

    exact = fit(Pairing(Landmarks.of(*spots)), *facts)
    assert np.nanmax(exact.test) < 1e-6
    assert [row.pair for row in rows(exact, in_nm=True)] == [0, 1, 2, 3, 4]
