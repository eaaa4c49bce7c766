from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.evaluation import Distance
from clem_retrace.pipeline import register
from clem_retrace.plugin.result_box import ROWS, ResultBox, verdict_text
from clem_retrace.plugin.runs import Run


@pytest.fixture
def box(qtbot):
    box = ResultBox()
    qtbot.addWidget(box)
    box.show()
    return box


def run_of(registration, **changes):
    return Run.of_search(1, ("a", "b"), dataclasses.replace(registration, **changes))


def control(box, name):
    return box.findChild(QWidget, name)


def text(box, name):
    return control(box, name).text()


def shown(box):
    return {name for name in ROWS if control(box, name).isVisible()}


def test_an_empty_box_says_what_will_be_here(box):
    assert "shown here" in text(box, "empty_result")
    assert shown(box) == set()
    for name in ("candidate_table", "next_candidate", "reason", "advice", "outdated"):
        assert not control(box, name).isVisible()


def test_a_result_in_words_and_numbers(box, registration):
    run = run_of(registration, found=True, confidence=0.987)
    box.show_run(run)
    assert verdict_text(run) == "✔ Found, 98% sure"
    assert text(box, "reason") == registration.reason
    assert "support" in text(box, "support")
    assert "px = " in text(box, "error")
    assert text(box, "ratio").endswith(f"({registration.ratio:.3f})")
    assert shown(box) == set(ROWS) - {"distance"}
    assert not control(box, "advice").isVisible()
    assert box.table.rowCount() == len(registration.candidates.matches)
    assert not control(box, "register_candidate").isEnabled()


def test_not_sure_is_said_in_words_with_what_to_try(box, registration):
    run = run_of(registration, found=False, confidence=0.43)
    box.show_run(run)
    assert verdict_text(run) == "? Not sure: 43%, and 95% are needed"
    assert control(box, "advice").isVisible()
    assert "<li>" in text(box, "advice")


def test_another_candidate_can_be_registered(box, registration, pair, quick):
    run = run_of(registration).showing(1)
    box.show_run(run)
    assert verdict_text(run).startswith("? Candidate 2: ")
    assert control(box, "register_candidate").isEnabled()
    assert "place alone" in text(box, "support")
    # The search itself has found the region: there is nothing to try.
    assert not control(box, "advice").isVisible()
    taken = run.adding(register(pair.lm, pair.em, pair.roi, quick, take=2))
    box.show_run(taken)
    assert "taken by hand" in verdict_text(taken)
    assert not control(box, "register_candidate").isEnabled()
    assert box.table.item(1, 0).text() == "2 ●"


def test_a_failed_or_missing_registration(box, registration):
    box.show_run(run_of(registration, estimate=None))
    assert text(box, "support") == "none: this is the place alone"
    failed = dataclasses.replace(
        registration.estimate, converged=False, message="too little agrees"
    )
    box.show_run(run_of(registration, estimate=failed))
    assert "too little agrees" in text(box, "support")
    assert "place is kept" in text(box, "support")


def test_next_goes_round(box, registration, qtbot):
    box.show_run(run_of(registration))
    count = box.table.rowCount()
    told = []
    box.chosen.connect(told.append)
    for _ in range(count):
        control(box, "next_candidate").click()
    assert told == [*range(1, count), 0]


def test_out_of_date_says_why_and_comes_and_goes(box, registration):
    box.show_run(run_of(registration))
    box.show_outdated("the region was moved")
    assert control(box, "outdated").isVisible()
    assert "the region was moved" in text(box, "outdated")
    box.show_outdated("")
    assert not control(box, "outdated").isVisible()


def test_distance_comes_and_goes(box, registration):
    box.show_run(run_of(registration))
    box.show_distance(Distance(66.0, 745.8, 1.16))
    assert text(box, "distance") == "66.0 EM px = 746 nm = 1.16 % of the EM diagonal"
    assert "distance" in shown(box)
    box.show_distance(None)
    assert "distance" not in shown(box)
    box.clear()
    assert shown(box) == set()
