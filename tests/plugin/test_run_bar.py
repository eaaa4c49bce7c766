from __future__ import annotations

import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.events import Progress
from clem_retrace.plugin import run_bar as module
from clem_retrace.plugin.run_bar import RUNS, RunBar


@pytest.fixture
def clock(monkeypatch):
    """A clock to set."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def bar(qtbot, clock):
    bar = RunBar()
    qtbot.addWidget(bar)
    bar.show()
    return bar


def control(bar, name):
    return bar.findChild(QWidget, name)


def test_the_button_and_the_menu_ask_for_runs(bar):
    asked = []
    bar.run.connect(asked.append)
    bar.show_searched(True)
    control(bar, "run").click()
    for action in control(bar, "run_menu").menu().actions():
        action.trigger()
    assert asked == ["search", *RUNS]


def test_progress_with_the_time_that_is_left(bar, clock):
    bar.begin("pair")
    bar.show_running(True)
    assert control(bar, "progress").isVisible()
    bar.show_progress(Progress("oriented search", 0, 100))
    assert control(bar, "message").text() == "Oriented search …"
    clock[0] += 20
    bar.show_progress(Progress("oriented search", 50, 100))
    assert control(bar, "message").text() == "Oriented search … about 20 s left in this stage"
    assert control(bar, "progress").value() == 50
    bar.finished()
    bar.show_running(False)
    assert not control(bar, "progress").isVisible()
    bar.begin("pair")
    bar.show_running(True)
    bar.show_progress(Progress("oriented search", 0, 100))
    assert control(bar, "message").text() == "Oriented search … about 20 s left"


def test_events_that_come_too_soon_are_left_out(bar, clock):
    bar.show_running(True)
    bar.show_progress(Progress("search", 1, 10))
    bar.show_progress(Progress("search", 2, 10))
    assert control(bar, "progress").value() == 1
    clock[0] += 0.2
    bar.show_progress(Progress("search", 3, 10))
    assert control(bar, "progress").value() == 3
    # Another stage is always shown.
    bar.show_progress(Progress("registration", 0, 2))
    assert control(bar, "message").text() == "Registration …"


def test_what_can_be_undone_is_named(bar):
    assert not control(bar, "undo").isEnabled()
    bar.undoing.show("the region was moved", "")
    assert control(bar, "undo").isEnabled()
    assert control(bar, "undo").toolTip() == "Undo: the region was moved"
    assert not control(bar, "redo").isEnabled()
    assert control(bar, "redo").toolTip() == "Nothing to redo"
