from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.form import Form
from clem_retrace.plugin.run_list import RunList, describe
from clem_retrace.plugin.runs import Run

FORM = Form("lm", "em", 110.0, 27.5, None, None, None, None, RegistrationOptions())


@pytest.fixture
def runs(registration):
    unsure = dataclasses.replace(registration, found=False, confidence=0.31)
    return [
        Run.of_search(1, ("a", "b"), registration, form=FORM, seconds=2.5),
        Run.of_search(2, ("a", "b"), unsure, form=FORM),
        Run.of_search(3, ("a", "b"), registration),
    ]


@pytest.fixture
def listed(qtbot, runs):
    listed = RunList(20)
    qtbot.addWidget(listed)
    listed.show_runs(runs, runs[1])
    listed.show()
    return listed


def control(parent, name):
    return parent.findChild(QWidget, name)


def test_the_newest_stands_first_and_the_one_shown_is_marked(listed):
    rows = control(listed, "run_list")
    assert [rows.item(row).text()[0] for row in range(3)] == ["3", "2", "1"]
    assert rows.currentRow() == 1
    assert "20 runs" in control(listed, "runs_kept").text()


def test_a_run_in_a_line(runs):
    line, tip = describe(runs[1])
    assert line == "2   ○ 31%   region 70 x 90 px, 2 options"
    assert "search = oriented" in tip
    assert "2.5 s" in describe(runs[0])[1]
    assert "candidate 3" in describe(runs[0].showing(2))[0]


def test_a_click_shows_a_run(listed, qtbot):
    with qtbot.waitSignal(listed.chosen) as told:
        control(listed, "run_list").setCurrentRow(2)
    assert told.args == [1]


def test_listing_chooses_nothing(listed, runs):
    told = []
    listed.chosen.connect(told.append)
    listed.show_runs(runs[:2], runs[0])
    assert told == []


def test_settings_are_restored_of_runs_that_have_some(listed, runs, qtbot):
    with qtbot.waitSignal(listed.restore) as told:
        control(listed, "restore_settings").click()
    assert told.args == [2]
    listed.show_runs(runs, runs[2])
    assert not control(listed, "restore_settings").isEnabled()


def test_without_runs_there_is_nothing_to_save_or_copy(listed):
    listed.show_runs([], None)
    for name in ("copy_command", "copy_python", "save_session", "restore_settings"):
        assert not control(listed, name).isEnabled(), name
    assert control(listed, "open_session").isEnabled()
