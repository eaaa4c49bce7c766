"""What is read off a match's transform, and how near matches become one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clem_retrace.geometry import invert, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.retracing.candidates import Candidates, Match, suppress

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
