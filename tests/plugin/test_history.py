from __future__ import annotations

import dataclasses

import pytest

from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import history as module
from clem_retrace.plugin.form import Form, Outline
from clem_retrace.plugin.history import History, Moment

SQUARE = Outline("rectangle", ((0.0, 0.0), (0.0, 50.0), (20.0, 50.0), (20.0, 0.0)))
START = Moment(Form("lm", "em", 110.0, 11.0, None, None, SQUARE, None, RegistrationOptions()))


@pytest.fixture
def clock(monkeypatch):
    """A clock to set."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def history(qapp, clock):
    made = History()
    made.told, made.back = [], []
    made.changed.connect(lambda *texts: made.told.append(texts))
    made.restored.connect(made.back.append)
    made.note(START)
    return made


def sized(nm):
    return dataclasses.replace(START, form=dataclasses.replace(START.form, em_pixel_size=nm))


def drawn(offset):
    roi = Outline("rectangle", tuple((row + offset, col) for row, col in SQUARE.vertices))
    return dataclasses.replace(START, form=dataclasses.replace(START.form, roi=roi))


def test_back_and_forth(history):
    history.note(drawn(10))
    assert history.told[-1] == ("the region was moved", "")
    history.note(dataclasses.replace(drawn(10), run=1))
    history.note(dataclasses.replace(drawn(10), run=1, candidate=2))
    assert history.told[-1] == ("candidate 3 is shown", "")
    history.undo()
    assert history.back[-1] == dataclasses.replace(drawn(10), run=1)
    assert history.told[-1] == ("run 1 is shown", "candidate 3 is shown")
    history.undo()
    history.undo()
    assert history.back[-1] == START
    assert history.told[-1] == ("", "the region was moved")
    history.undo()
    assert len(history.back) == 3
    history.redo()
    assert history.back[-1] == drawn(10)


def test_nothing_new_is_no_change(history):
    history.note(START)
    assert history.told[-1] == ("", "")


def test_a_change_after_an_undo_leaves_nothing_to_redo(history):
    history.note(drawn(10))
    history.undo()
    history.note(drawn(20))
    assert history.told[-1] == ("the region was moved", "")
    history.redo()
    assert history.back == [START]


def test_a_number_that_is_spun_is_one_change(history, clock):
    for step in range(1, 6):
        clock[0] += 0.5
        history.note(sized(11.0 + step))
    history.undo()
    assert history.back == [START]
    history.redo()
    assert history.back[-1] == sized(16.0)


def test_later_changes_and_drawings_stand_alone(history, clock):
    history.note(sized(12.0))
    clock[0] += 10
    history.note(sized(13.0))
    history.undo()
    assert history.back[-1] == sized(12.0)
    history.begin()
    history.note(START)
    history.note(drawn(10))
    history.note(drawn(20))
    history.undo()
    assert history.back[-1] == drawn(10)


def test_what_is_noted_while_it_restores_is_no_change(history):
    history.restored.connect(lambda _: history.note(sized(99.0)))
    history.note(drawn(10))
    history.undo()
    assert history.told[-1] == ("", "the region was moved")


def test_what_another_layer_brings_along_is_no_change(history):
    history.rebase(drawn(10))
    assert history.told[-1] == ("", "")
    history.note(drawn(20))
    history.undo()
    assert history.back == [drawn(10)]


def test_it_does_not_grow_for_ever(history, monkeypatch):
    monkeypatch.setattr(module, "DEPTH", 3)
    for offset in range(1, 10):
        history.note(drawn(offset))
    for _ in range(10):
        history.undo()
    assert [moment.form.roi.vertices[0][0] for moment in history.back] == [8, 7, 6]
