"""One table from both searches, and the decision in words."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.geometry import invert, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.retracing.candidates import Candidates, Match, Search
from clem_retrace.retracing.verdict import merge, verdict

ROI = Roi(10, 20, 30, 40)


def match(
    row: float, confidence: float = 0.0, search: Search = "oriented", score: float = 0.5
) -> Match:
    em_to_lm = invert(similarity(8.0, 0.0, False, ROI.centre, (row, 400)))
    return Match(ROI, em_to_lm, score, confidence, 1, search)


def candidates(*matches: Match, value: float = 0.0) -> Candidates:
    return Candidates(matches, np.full((2, 3), value, np.float32), np.eye(3))


def rows(found: Candidates) -> list[tuple[str, int]]:
    return [(one.search, round(one.centre[0])) for one in found.matches]


ORIENTED = candidates(match(1000, 0.9), match(3000, 0.05), match(5000, 0.01), value=1)
HISTOGRAM = candidates(
    match(7000, search="histogram", score=0.99),
    match(3010, search="histogram", score=0.98),
    match(1010, search="histogram", score=0.97),
    value=2,
)


def test_both_searches_are_ranked_by_confidence_in_one_table() -> None:
    merged = merge([ORIENTED, HISTOGRAM], ORIENTED, limit=10)
    assert rows(merged) == [
        ("oriented", 1000), ("histogram", 1010), ("oriented", 3000), ("histogram", 3010),
        ("oriented", 5000), ("histogram", 7000),
    ]  # fmt: skip
    assert [one.confidence for one in merged.matches] == [0.9, 0.9, 0.05, 0.05, 0.01, 0.0]
    assert (merged.similarity == 1).all()


def test_histogram_matches_alone_keep_their_order_and_are_judged() -> None:
    """The paper's own search decides where; how sure that is, its scores do not tell."""
    merged = merge([HISTOGRAM], ORIENTED, limit=10)
    assert rows(merged) == [("histogram", 7000), ("histogram", 3010), ("histogram", 1010)]
    assert [one.confidence for one in merged.matches] == [0.0, 0.05, 0.9]
    assert (merged.similarity == 2).all()
    assert merge([HISTOGRAM], candidates(), limit=10).best.confidence == 0


def test_oriented_matches_alone_stay_as_they_are() -> None:
    assert merge([ORIENTED], ORIENTED, limit=10).matches == ORIENTED.matches


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_no_more_are_listed_than_asked_for(limit: int) -> None:
    everything = merge([ORIENTED, HISTOGRAM], ORIENTED, limit=10)
    assert merge([ORIENTED, HISTOGRAM], ORIENTED, limit=limit).matches[0] is everything.matches[0]
    assert rows(merge([ORIENTED, HISTOGRAM], ORIENTED, limit=limit)) == rows(everything)[:limit]


def test_the_nearest_of_several_agreeing_places_does_not_lower_the_confidence() -> None:
    two = candidates(match(1000, 0.9), match(1030, 0.02))
    merged = merge([candidates(match(1035, search="histogram"))], two, limit=3)
    assert merged.best.confidence == 0.9


def test_what_is_found_is_said() -> None:
    alone = candidates(match(1000, 0.97), match(3000, 0.01))
    assert "stands out" in verdict(alone, "", 0.95)
    assert "both searches" not in verdict(alone, "", 0.95)
    agreed = candidates(match(1000, 0.97), match(1010, 0.97, "histogram"))
    assert "both searches agree" in verdict(agreed, "", 0.95)
    elsewhere = candidates(match(1000, 0.97), match(9010, 0.0, "histogram"))
    assert "both searches" not in verdict(elsewhere, "", 0.95)


def test_the_threshold_decides() -> None:
    same = candidates(match(1000, 0.9), match(3000, 0.01))
    assert "One place stands out from all others" in verdict(same, "", 0.9)
    assert "not by enough" in verdict(same, "", 0.91)


@pytest.mark.parametrize("take", [1, 2, 3])
def test_what_was_taken_by_hand_is_said(take: int) -> None:
    found = candidates(match(1000, 0.2), match(3000, 0.19), match(5000, 0.18))
    told = verdict(found, "", 0.95, take=take)
    assert (f"Candidate {take} of 3 was taken by hand" in told) is (take > 1)


def test_what_is_not_found_is_said_with_what_to_try() -> None:
    lost = verdict(candidates(match(1000, 0.2), match(3000, 0.19)), "", 0.95)
    assert "may not be in this EM" in lost
    assert "larger region" in lost
    assert "stands out from all others" not in lost
    # Also where no more than one is listed.
    assert verdict(candidates(match(1000, 0.2)), "", 0.95) == lost


def test_images_of_noise_are_named() -> None:
    lost, sure = candidates(match(1000, 0.2)), candidates(match(1000, 0.97))
    assert "Hardly anything in the EM image stands out" in verdict(lost, "", 0.95, noisy=["EM"])
    assert "in the LM and in the EM image" in verdict(lost, "", 0.95, noisy=["LM", "EM"])
    assert "noise" not in verdict(sure, "", 0.95, noisy=["EM"])


def test_a_failed_registration_is_told_with_its_reason() -> None:
    for confidence in (0.2, 0.8, 0.99):
        told = verdict(candidates(match(1000, confidence)), "it moved too far", 0.95)
        assert "registration failed (it moved too far)" in told
        assert "overlay shows the match" in told
    assert "registration" not in verdict(candidates(match(1000, 0.99)), "", 0.95)
