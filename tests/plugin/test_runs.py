from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.plugin.form import Form
from clem_retrace.plugin.runs import Run, Runs
from clem_retrace.result import Registration

FORM = Form("lm", "em", 440.0, 110.0, None, None, None, None, RegistrationOptions())


@pytest.fixture
def run(registration):
    return Run.of_search(1, ("a", "b"), registration, form=FORM, seconds=4.2)


@pytest.fixture(scope="module")
def second(pair, quick):
    """The small pair's registration with its second candidate taken."""
    return register(pair.lm, pair.em, pair.roi, quick, take=2)


def test_a_run_shows_what_the_search_has_taken(run, registration):
    assert run.shown is registration
    assert run.chosen == 0
    assert run.is_registered(0)
    assert not run.taken_by_hand
    assert run.candidates is registration.candidates
    assert run.summary == f"{len(registration.candidates.matches)} candidates in 4 s"


def test_another_candidate_is_shown_as_its_match(run):
    other = run.showing(1)
    match = run.candidates.matches[1]
    assert other.shown.match is match
    assert other.shown.estimate is None
    np.testing.assert_array_equal(other.shown.em_to_lm, match.em_to_lm)
    assert other.shown.confidence == match.confidence
    assert other.shown.found == (match.confidence >= 0.95)
    assert "not registered yet" in other.shown.reason
    assert not other.taken_by_hand
    # The run itself is what it was.
    assert run.shown.match is run.candidates.best


def test_a_candidate_that_was_registered_is_taken_by_hand(run, second):
    taken = run.adding(second)
    assert taken.chosen == 1
    assert taken.shown is second
    assert taken.taken_by_hand
    assert taken.showing(0).shown is run.shown
    assert not taken.is_registered(2)


def test_a_result_from_a_file_knows_which_candidate_it_took(second):
    read = Registration.from_dict(second.to_dict())
    assert Run.of_search(1, ("a", "b"), read).chosen == 1


def test_a_run_is_outdated_by_another_form(run):
    assert run.outdated_by(FORM, "") == ""
    other = dataclasses.replace(FORM, ratio=5.0, em_pixel_size=100.0)
    words = "the EM pixel size was changed and the ratio was changed"
    assert run.outdated_by(other, "") == words
    more = dataclasses.replace(other, lm="x", lm_pixel_size=1.0)
    assert run.outdated_by(more, "") == "another LM image is chosen, and 3 more changes"
    assert run.outdated_by(None, "min_sigma is too large") == "min_sigma is too large"
    # Nothing is known of how a result from elsewhere came about.
    assert dataclasses.replace(run, form=None).outdated_by(other, "") == ""


def test_candidates_stay_when_only_the_registration_changes(run):
    options = RegistrationOptions.from_paths({"affine.sigma": 3.0})
    assert run.has_candidates_of(dataclasses.replace(FORM, options=options))
    assert not run.has_candidates_of(dataclasses.replace(FORM, ratio=5.0))


def test_the_list_keeps_the_newest(registration):
    runs = Runs(limit=3)
    for _ in range(5):
        runs.keep(Run.of_search(runs.next_number, ("a", "b"), registration))
    assert [run.number for run in runs] == [3, 4, 5]
    assert runs.next_number == 6
    assert runs.numbered(1) is None
    runs.keep(runs.numbered(4).showing(2))
    assert [run.chosen for run in runs] == [0, 2, 0]
    assert len(runs) == 3
