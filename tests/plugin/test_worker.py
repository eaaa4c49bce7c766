from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings

import pytest
from qtpy.QtCore import QThreadPool

from clem_retrace.errors import RoiError
from clem_retrace.events import Progress, StageResult
from clem_retrace.plugin.worker import Runner

#: Seconds in which a run that yields every few milliseconds must have ended after a cancel.
PROMPT = 0.5


@pytest.fixture
def runner(qtbot):
    runner = Runner()
    yield runner
    runner.cancel()


class Told:
    """Everything that a runner tells."""

    def __init__(self, runner):
        self.events, self.values, self.failures, self.running = [], [], [], []
        runner.event_arrived.connect(self.events.append)
        runner.succeeded.connect(self.values.append)
        runner.failed.connect(self.failures.append)
        runner.running_changed.connect(self.running.append)


class Endless:
    """Steps that go on until they are closed."""

    def __init__(self):
        self.started, self.closed = threading.Event(), threading.Event()
        self.thread = None

    def __call__(self):
        self.thread = threading.get_ident()
        try:
            while True:
                self.started.set()
                yield Progress("endless", 0, 1)
                time.sleep(0.005)
        finally:
            self.closed.set()


def test_events_and_value_arrive_in_order_on_the_gui_thread(runner, qtbot):
    threads = {"gui": threading.get_ident()}

    def steps():
        threads["work"] = threading.get_ident()
        yield Progress("one", 1, 2)
        yield StageResult("one", 42)
        return "value"

    told = Told(runner)
    runner.event_arrived.connect(lambda _: threads.update(slot=threading.get_ident()))
    with qtbot.waitSignal(runner.succeeded):
        runner.start(steps)
        assert runner.running
    assert [event.stage for event in told.events] == ["one", "one"]
    assert told.values == ["value"]
    assert told.running == [True, False]
    assert threads["work"] != threads["gui"] == threads["slot"]


@pytest.mark.parametrize("error", [RoiError("too small"), RuntimeError("stray"), KeyError("bug")])
@pytest.mark.parametrize("at_once", [True, False])
def test_every_failure_is_reported_and_the_runner_usable_again(runner, qtbot, error, at_once):
    """A RuntimeError too, which superqt would swallow."""

    def steps():
        if not at_once:
            yield Progress("one", 0, 1)
        raise error
        yield

    told = Told(runner)
    with qtbot.waitSignal(runner.failed):
        runner.start(steps)
    assert told.failures == [error]
    assert not runner.running

    def good():
        yield Progress("two", 0, 1)
        return 2

    with qtbot.waitSignal(runner.succeeded):
        runner.start(good)
    assert told.values == [2]


def test_a_failure_before_the_first_step_is_reported(runner, qtbot):
    def make_steps():
        raise RoiError("not even started")

    with qtbot.waitSignal(runner.failed):
        runner.start(make_steps)


def test_cancel_ends_the_run_promptly_and_unseen(runner, qtbot):
    endless = Endless()
    told = Told(runner)
    with qtbot.waitSignal(runner.event_arrived):
        runner.start(endless)
    runner.cancel()
    assert not runner.running
    count = len(told.events)
    assert endless.closed.wait(PROMPT)
    qtbot.wait(50)
    assert len(told.events) == count
    assert told.values == told.failures == []
    assert told.running == [True, False]


def test_a_second_run_replaces_the_first(runner, qtbot):
    first = Endless()
    told = Told(runner)
    with qtbot.waitSignal(runner.event_arrived):
        runner.start(first)

    def second():
        yield Progress("second", 0, 1)
        return "second"

    seen = len(told.events)
    with qtbot.waitSignal(runner.succeeded):
        runner.start(second)
    assert told.values == ["second"]
    assert [event.stage for event in told.events[seen:]] == ["second"]
    assert first.closed.wait(PROMPT)


def test_a_cancelled_run_that_never_started_does_nothing(runner, qtbot):
    told = Told(runner)
    runner.start(Endless())
    runner.cancel()
    qtbot.wait(50)
    assert told.events == told.values == told.failures == []


def test_deleting_the_runner_ends_the_run(qtbot):
    endless = Endless()
    runner = Runner()
    with qtbot.waitSignal(runner.event_arrived):
        runner.start(endless)
    runner.deleteLater()
    qtbot.waitUntil(endless.closed.is_set)


def test_warnings_go_where_all_go_also_when_runs_overlap(qtbot):
    """Each run leaves Python's handling of warnings alone, which is one for all threads."""
    before = warnings.showwarning, list(warnings.filters)
    runners = Runner(), Runner()
    for _ in range(3):
        works = Endless(), Endless()
        for runner, work in zip(runners, works, strict=True):
            runner.start(work)
            assert work.started.wait(PROMPT)
        for runner, work in zip(runners, works, strict=True):
            runner.cancel()
            assert work.closed.wait(PROMPT)
    assert (warnings.showwarning, list(warnings.filters)) == before


def test_runs_do_not_wait_for_runs_of_others(qtbot):
    """However few cores there are: a batch may take hours."""
    crowd = [Runner() for _ in range(QThreadPool.globalInstance().maxThreadCount() + 3)]
    works = [Endless() for _ in crowd]
    for runner, work in zip(crowd, works, strict=True):
        runner.start(work)
    assert all(work.started.wait(PROMPT) for work in works)
    for runner in crowd:
        runner.cancel()
    assert all(work.closed.wait(PROMPT) for work in works)


def test_a_run_that_is_asked_to_stop_is_running_until_it_has(runner, qtbot):
    endless, stopped = Endless(), []
    told = Told(runner)
    runner.stopped.connect(lambda: stopped.append(endless.closed.is_set()))
    with qtbot.waitSignal(runner.event_arrived):
        runner.start(endless)
    with qtbot.waitSignal(runner.stopped):
        runner.stop_soon()
        assert runner.running
    assert stopped == [True]
    assert told.running == [True, False]
    assert told.values == told.failures == []


def test_a_run_that_is_asked_to_stop_too_late_has_succeeded(runner, qtbot):
    asked = threading.Event()

    def steps():
        yield Progress("one", 0, 1)
        assert asked.wait(5)
        return "done"

    told = Told(runner)
    with qtbot.waitSignal(runner.event_arrived):
        runner.start(steps)
    # The last step is under way by now, or is not begun at all.
    qtbot.wait(50)
    with qtbot.waitSignal(runner.succeeded):
        runner.stop_soon()
        asked.set()
    assert told.values == ["done"]


def test_a_run_cancelled_by_whom_it_is_told_to_does_nothing(runner, qtbot):
    endless = Endless()
    runner.running_changed.connect(lambda running: running and runner.cancel())
    runner.start(endless)
    qtbot.wait(50)
    assert not runner.running
    assert not endless.started.is_set()


def test_a_run_ends_with_the_program(tmp_path):
    """Also when nobody has told it to stop; what it leaves behind is cleared away."""
    program = """
import sys, time
from qtpy.QtCore import QCoreApplication
from clem_retrace.events import Progress
from clem_retrace.plugin.worker import Runner
app, runner = QCoreApplication([]), Runner()

def steps():
    try:
        while True:
            yield Progress("endless", 0, 1)
            time.sleep(0.01)
    finally:
        print("closed")

runner.event_arrived.connect(app.quit)
runner.start(steps)
app.exec()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "closed", "")
