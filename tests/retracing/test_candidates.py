"""What is read off a match's transform, and how near matches become one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from clem_retrace.geometry import compose, decompose, invert, map_points, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.retracing.candidates import Candidates, Match, Search, suppress

ROI = Roi(10, 20, 30, 40)


def match(
    score: float = 0.5,
    centre: tuple[float, float] = (300, 400),
    angle: float = 0,
    mirrored: bool = False,
    ratio: float = 8,
) -> Match:
    lm_to_em = similarity(ratio, angle, mirrored, ROI.centre, centre)
    return Match(ROI, invert(lm_to_em), score, 0.0, 1, "histogram")


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [-130.0, 0.0, 90.0, 180.0])
def test_everything_is_read_off_the_transform(angle: float, mirrored: bool) -> None:
    one = match(centre=(301.5, 420.25), angle=angle, mirrored=mirrored, ratio=7.3)
    assert one.centre == pytest.approx((301.5, 420.25))
    assert one.angle == pytest.approx(angle)
    assert one.mirrored is mirrored
    assert one.magnification == pytest.approx(7.3)
    assert one.corners.mean(axis=0) == pytest.approx(one.centre)


def test_the_patch_of_a_quarter_turn_swaps_height_and_width() -> None:
    patch = match(angle=90, ratio=8).patch
    assert (patch.height, patch.width) == pytest.approx((320, 240))
    assert patch.centre == pytest.approx((300, 400))


def test_corners_follow_the_outline_of_the_roi() -> None:
    # the ROI's top left corner, turned by a quarter counter-clockwise, is the bottom left one
    corners = match(angle=90, ratio=8).corners
    assert corners[0] == pytest.approx((300 + 160, 400 - 120))


def test_to_dict_is_plain() -> None:
    values = json.loads(json.dumps(match(angle=90, mirrored=True).to_dict()))
    assert values["roi"] == [10, 20, 30, 40]
    assert values["angle"] == pytest.approx(90)
    assert values["mirrored"] is True
    assert values["search"] == "histogram"
    np.testing.assert_allclose(values["em_to_lm"], match(angle=90, mirrored=True).em_to_lm)


def test_suppress_keeps_the_better_of_two_that_are_one() -> None:
    near, best, far = match(0.7, (300, 404)), match(0.9), match(0.8, (300, 450))
    assert suppress([near, best, far], distance=20, angle=30, limit=9) == (best, far)


@pytest.mark.parametrize(
    "other",
    [match(0.4, (300, 421)), match(0.4, angle=31), match(0.4, mirrored=True)],
    ids=["place", "angle", "mirror"],
)
def test_suppress_tells_apart(other: Match) -> None:
    assert len(suppress([match(), other], distance=20, angle=30, limit=9)) == 2


def test_suppress_counts_angles_round_the_circle() -> None:
    pair = [match(0.9, angle=175), match(0.8, angle=-170)]
    assert len(suppress(pair, distance=20, angle=30, limit=9)) == 1


def test_suppress_returns_the_best_few_in_order() -> None:
    matches = [match(score, (300, 100 * score)) for score in (1, 5, 3, 4, 2)]
    kept = suppress(matches, distance=20, angle=30, limit=3)
    assert [one.score for one in kept] == [5, 4, 3]


def test_the_best_candidate_is_the_first() -> None:
    matches = (match(2), match(1, (0, 0)))
    assert Candidates(matches, np.zeros((2, 2), np.float32), np.eye(3)).best is matches[0]


def test_matches_agree_that_lie_within_a_quarter_of_the_shorter_side() -> None:
    # the ROI's shorter side is 30 LM pixels, 240 EM pixels at a ratio of 8
    here = match()
    assert here.agrees_with(match(centre=(300, 459)))
    assert not here.agrees_with(match(centre=(300, 461)))
    # neither angle nor mirror matters: a histogram does not tell them
    assert here.agrees_with(match(centre=(310, 410), angle=180, mirrored=True))
    assert here.agrees_with(here)


def test_a_histogram_match_may_be_half_a_turn_further_or_mirrored() -> None:
    one = match(angle=90, mirrored=False, ratio=7.5)
    ways = one.ways_round()
    np.testing.assert_allclose(ways[0], one.em_to_lm, atol=1e-9)
    facts = [decompose(invert(way)) for way in ways]
    assert {(round(fact.angle) % 360, fact.mirrored) for fact in facts} == {
        (90, False), (270, False), (90, True), (270, True),
    }  # fmt: skip
    for way, fact in zip(ways, facts, strict=True):
        assert map_points(way, one.centre) == pytest.approx(ROI.centre)
        assert fact.magnification == pytest.approx(7.5)
        # each lies on the same patch
        outline = map_points(invert(way), ROI.corners)
        assert Roi.from_corners(outline).centre == pytest.approx(one.patch.centre)
        assert Roi.from_corners(outline).height == pytest.approx(one.patch.height)


def test_the_ways_round_leave_the_content_of_the_region_where_the_region_is() -> None:
    one = match(angle=90)
    change = compose(one.ways_round()[1], one.lm_to_em)
    corners = map_points(change, ROI.corners)
    np.testing.assert_allclose(corners, np.roll(ROI.corners, 2, axis=0), atol=1e-9)


@pytest.mark.parametrize("search", ["oriented", "hand"])
def test_an_oriented_match_and_a_person_tell_which_way_round(search: Search) -> None:
    one = replace(match(angle=37, mirrored=True), search=search)
    (way,) = one.ways_round()
    np.testing.assert_array_equal(way, one.em_to_lm)
