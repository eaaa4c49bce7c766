"""A generator of events is run to its end, and closed whatever happens."""

from __future__ import annotations

import pytest

from clem_retrace.events import Event, Progress, StageResult, Steps, run


class Work:
    """Three steps and a result; knows whether its generator was closed."""

    closed = False
    steps_done = 0

    def steps(self) -> Steps[str]:
        try:
            for done in range(3):
                self.steps_done = done + 1
                yield Progress("work", done, 3)
            yield StageResult("work", 42)
            return "result"
        finally:
            self.closed = True


def test_the_result_is_returned_and_events_passed_in_order() -> None:
    events: list[Event] = []
    assert run(Work().steps(), events.append) == "result"
    assert events[:3] == [Progress("work", done, 3) for done in range(3)]
    assert isinstance(events[3], StageResult)
    assert events[3].value == 42


def test_nobody_needs_to_listen() -> None:
    assert run(Work().steps()) == "result"


def test_a_listener_that_fails_stops_the_work_at_once() -> None:
    work = Work()

    def fail(event: Event) -> None:
        raise KeyboardInterrupt

    steps = work.steps()
    with pytest.raises(KeyboardInterrupt):
        run(steps, fail)
    assert work.closed
    assert work.steps_done == 1


def test_an_error_of_the_work_is_not_hidden() -> None:
    def broken() -> Steps[None]:
        yield Progress("work", 0, 1)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run(broken())


def test_a_generator_that_yields_nothing_returns_its_value() -> None:
    def idle() -> Steps[int]:
        return 7
        yield Progress("never", 0, 1)

    assert run(idle()) == 7
