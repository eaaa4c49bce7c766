from __future__ import annotations

import pytest

from clem_retrace.events import Progress
from clem_retrace.plugin.pace import Pace, in_words


def go(pace, *steps):
    """Feed (time, stage, done, total)."""
    for now, stage, done, total in steps:
        pace.saw(Progress(stage, done, total), now)


@pytest.fixture
def pace():
    pace = Pace()
    pace.begin("pair", 100.0)
    return pace


def test_nothing_is_said_before_the_speed_is_known(pace):
    go(pace, (100, "search", 0, 100), (101, "search", 50, 100))
    assert pace.text() == ""  # two seconds have not passed
    go(pace, (110, "search", 10, 100))
    assert pace.text() == ""  # a fifth has not been done
    go(pace, (110, "search", 0, 0))
    assert pace.text() == ""


def test_what_is_left_of_a_stage_by_its_speed(pace):
    go(pace, (100, "search", 0, 100), (130, "search", 25, 100))
    assert pace.stage_left == pytest.approx(90)
    assert pace.left is None
    assert pace.text() == "about 90 s left in this stage"


def test_a_new_total_is_a_new_start(pace):
    go(pace, (100, "search", 0, 10), (130, "search", 9, 10), (130, "search", 0, 1000))
    assert pace.stage_left is None


def test_an_earlier_run_of_the_kind_tells_of_the_stages_to_come(pace):
    stages = (100, "scale", 0, 2), (110, "search", 0, 4), (150, "registration", 0, 1)
    go(pace, *stages)
    pace.finished(170.0)
    pace.begin("pair", 200.0)
    go(pace, (200, "scale", 0, 2))
    assert pace.left == pytest.approx(10 + 40 + 20)
    assert pace.text() == "about 70 s left"
    go(pace, (205, "search", 0, 4), (209, "search", 1, 4))
    # The search runs at its own speed now; the rest as before.
    assert pace.left == pytest.approx(12 + 20)
    pace.begin("another pair", 300.0)
    go(pace, (300, "scale", 0, 2))
    assert pace.left is None


def test_a_stage_that_comes_twice_counts_as_a_whole(pace):
    steps = (100, "a", 0, 2), (110, "b", 0, 2), (115, "a", 0, 2)
    go(pace, *steps)
    pace.finished(120.0)
    pace.begin("pair", 200.0)
    go(pace, (200, "a", 0, 2))
    assert pace.left == pytest.approx(15 + 5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "a few seconds"), (7.4, "about 5 s"), (31, "about 30 s"), (62, "about 60 s"),
        (119, "about 2 min"), (1500, "about 25 min"),
    ],
)  # fmt: skip
def test_times_as_people_say_them(seconds, words):
    assert in_words(seconds) == words
