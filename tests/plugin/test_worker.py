from __future__ import annotations

import threading
import time

import pytest

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
    with qtbot.waitSignal(runner.succeeded, timeout=5000):
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
    with qtbot.waitSignal(runner.failed, timeout=5000):
        runner.start(steps)
    assert told.failures == [error]
    assert not runner.running

    def good():
        yield Progress("two", 0, 1)
        return 2

    with qtbot.waitSignal(runner.succeeded, timeout=5000):
        runner.start(good)
    assert told.values == [2]


def test_a_failure_before_the_first_step_is_reported(runner, qtbot):
    def make_steps():
        raise RoiError("not even started")

    with qtbot.waitSignal(runner.failed, timeout=5000):
        runner.start(make_steps)


def test_cancel_ends_the_run_promptly_and_unseen(runner, qtbot):
    endless = Endless()
    told = Told(runner)
    with qtbot.waitSignal(runner.event_arrived, timeout=5000):
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
    with qtbot.waitSignal(runner.event_arrived, timeout=5000):
        runner.start(first)

    def second():
        yield Progress("second", 0, 1)
        return "second"

    seen = len(told.events)
    with qtbot.waitSignal(runner.succeeded, timeout=5000):
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
    with qtbot.waitSignal(runner.event_arrived, timeout=5000):
        runner.start(endless)
    runner.deleteLater()
    qtbot.waitUntil(endless.closed.is_set, timeout=2000)


def test_warnings_of_the_work_are_told(runner, qtbot):
    import warnings

    def steps():
        yield Progress("one", 0, 1)
        warnings.warn("look at this", stacklevel=1)

    with qtbot.waitSignal(runner.warned, timeout=5000) as told:
        runner.start(steps)
    assert "look at this" in str(told.args[0])
