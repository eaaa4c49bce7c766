"""Confidences: probabilities that follow how far the best candidate stands out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clem_retrace.geometry import invert, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.retracing.candidates import Match
from clem_retrace.retracing.confidence import confidences, lead, surprise

ROI = Roi(10, 10, 60, 80)
FOUND = RegistrationOptions().confidence_threshold


def ranked(scores: list[float]) -> list[Match]:
    """Return matches of given scores, best first, each at a place of its own."""
    return [
        Match(
            ROI,
            invert(similarity(5.0, 40.0 * number, bool(number % 2), ROI.centre, (number * 400, 9))),
            score, 0.0, 1, "oriented",
        )
        for number, score in enumerate(sorted(scores, reverse=True))
    ]  # fmt: skip


def best_of(scores: list[float]) -> float:
    return confidences(ranked(scores))[0].confidence


SCORES = st.lists(st.floats(0.05, 0.9), min_size=1, max_size=16)


@settings(max_examples=100, deadline=None)
@given(SCORES)
def test_confidences_are_probabilities_in_the_order_of_the_matches(scores: list[float]) -> None:
    matches = ranked(scores)
    judged = confidences(matches)
    assert [one.score for one in judged] == [one.score for one in matches]
    for one, before in zip(judged, matches, strict=True):
        np.testing.assert_array_equal(one.em_to_lm, before.em_to_lm)
    values = [one.confidence for one in judged]
    assert all(0 <= value <= 1 for value in values)
    assert values == sorted(values, reverse=True)
    # the places are distinct: one of them at most is right
    assert sum(values) <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.1, 0.3), min_size=3, max_size=15), st.floats(0.3, 0.6), st.floats(0, 0.3)
)
def test_the_farther_the_best_stands_out_the_surer(
    rest: list[float], best: float, more: float
) -> None:
    assert best_of([*rest, best + more]) >= best_of([*rest, best]) - 1e-12


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 0.9), st.lists(st.floats(0.05, 0.09), min_size=1, max_size=14))
def test_two_places_that_are_equally_good_leave_it_open(score: float, rest: list[float]) -> None:
    first, second, *_ = confidences(ranked([score, score, *rest]))
    assert first.confidence <= 0.5
    assert second.confidence <= first.confidence


def test_one_that_stands_far_out_is_found() -> None:
    crowd = list(np.linspace(0.14, 0.18, 15))
    assert best_of([*crowd, 0.5]) >= FOUND
    assert best_of([*crowd, 0.19]) < FOUND
    assert best_of(crowd) < 0.5


def test_surprise_is_worked_out_from_the_rivals_alone() -> None:
    """Rivals at a mean of 0.095 above the last of them, and the best 0.3 above the first."""
    scores = [0.5, 0.2, 0.19, 0.1]
    expected = 2 * np.log(1 + 0.3 / 0.095 / 2)
    assert surprise(scores) == pytest.approx(expected)
    assert surprise([40 + 7 * score for score in scores]) == pytest.approx(expected)
    assert surprise([0.2, *scores[1:]]) == 0
    # nine rivals tell the scale, those after them do not
    crowd = [0.5, *np.linspace(0.2, 0.1, 9)]
    assert surprise([*crowd, 0.0, -9.0]) == surprise(crowd)
    assert surprise(crowd) != surprise(crowd[:-1])


def test_of_three_candidates_too_little_is_known() -> None:
    scores = [0.5, 0.2, 0.19, 0.1]
    assert surprise(scores[:3]) == lead(scores[:3]) == 0
    assert surprise(scores) > 0
    assert lead(scores) == pytest.approx(np.log(2.5))
    assert lead([0.5, 0.2, -0.1, -0.2]) == pytest.approx(np.log(2.5))


def test_what_is_left_is_shared_by_nearness_with_none_of_them() -> None:
    best, *rest = (match.confidence for match in confidences(ranked([0.5, 0.4, 0.3, 0.2])))
    assert 0.5 < best < FOUND
    assert sum(rest) == pytest.approx((1 - best) / 2)
    # a fifth of the best score is worth four powers of e
    assert np.log(rest[:2]) - np.log(rest[1:]) == pytest.approx(4)


def test_a_lone_candidate_has_nothing_to_stand_out_of() -> None:
    assert best_of([0.3]) < FOUND


def test_of_nothing_nothing_is_said() -> None:
    assert confidences([]) == ()


@pytest.mark.parametrize(
    "scores",
    [
        [0.2, 0.0], [0.0, 0.0], [0.2, -0.1, -0.2], [-0.1, -0.2], [0.2, 0.0, -0.1, -0.2, -0.3],
        [0.2, -0.1, -0.2, -0.3], [0.0, 0.0, 0.0, 0.0],
    ],
)  # fmt: skip
def test_scores_of_no_correlation_are_no_trouble(scores: list[float]) -> None:
    values = [one.confidence for one in confidences(ranked(scores))]
    assert all(0 <= value <= 1 for value in values)
    assert values == sorted(values, reverse=True)
