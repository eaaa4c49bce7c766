"""The orientations that are tried leave no gap, and each is tried once."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clem_retrace.retracing.orientations import (
    WIDEST_PART,
    Mirror,
    Orientation,
    OrientationGrid,
    ratio_parts,
)


def orientations(grid: OrientationGrid) -> list[Orientation]:
    return [wanted for turn in grid.turns() for wanted, _, _ in turn.wanted]


def apart(one: float, other: float) -> float:
    """Return the angle between two directions, degrees, 0 to 180."""
    return abs((one - other + 180) % 360 - 180)


@settings(max_examples=25, deadline=None)
@given(
    radius=st.floats(2, 80),
    tolerance=st.floats(0.5, 4),
    uncertainty=st.floats(0, 0.6),
    angle=st.floats(-180, 180),
    mirrored=st.booleans(),
    part=st.floats(-1, 1),
)
def test_no_orientation_is_farther_than_the_tolerance(
    radius: float, tolerance: float, uncertainty: float, angle: float, mirrored: bool, part: float
) -> None:
    grid = OrientationGrid(radius, tolerance, uncertainty)
    magnification = (1 - uncertainty) ** part
    nearest = min(
        (o for o in orientations(grid) if o.mirrored == mirrored),
        key=lambda o: apart(o.angle, angle) + 100 * abs(math.log(o.magnification / magnification)),
    )
    # 5 % more than the tolerance is granted, so that a round uncertainty needs no extra step
    reach = tolerance + 0.05 * 2 * tolerance
    assert math.radians(apart(nearest.angle, angle)) * radius <= reach + 1e-6
    assert abs(math.log(nearest.magnification / magnification)) * radius <= reach + 1e-6


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(5, 60),
    mirror=st.sampled_from(["either", "no", "yes"]),
    angle=st.none() | st.floats(-360, 360),
    uncertainty=st.floats(0, 180),
)
def test_every_orientation_asked_for_is_tried_once(
    radius: float, mirror: Mirror, angle: float | None, uncertainty: float
) -> None:
    def tried(mirror: Mirror, angle: float | None) -> Counter[tuple[int, bool]]:
        grid = OrientationGrid(radius, 1.2, 0.0, mirror, angle, uncertainty)
        step = grid.angle_step
        return Counter(
            (round(o.angle / step) % round(360 / step), o.mirrored) for o in orientations(grid)
        )

    everything, asked = tried("either", None), tried(mirror, angle)
    assert set(asked.values()) <= {1}
    step = OrientationGrid(radius, 1.2, 0.0).angle_step
    assert len(everything) == 2 * round(360 / step)
    for index, mirrored in everything:
        wanted = mirror == "either" or mirrored == (mirror == "yes")
        distance = 0.0 if angle is None else apart(index * step, angle)
        if abs(distance - uncertainty - step / 2) > 1e-6:  # not on the very edge
            assert ((index, mirrored) in asked) == (wanted and distance < uncertainty + step / 2)


def test_a_known_angle_is_reached_even_without_tolerance() -> None:
    for angle in np.linspace(-400, 400, 81):
        grid = OrientationGrid(20.0, 1.2, 0.0, "no", float(angle), 0.0)
        tried = orientations(grid)
        assert 1 <= len(tried) <= 2
        assert all(apart(o.angle, angle) <= grid.angle_step / 2 + 1e-9 for o in tried)


@pytest.mark.parametrize("radius", [2.0, 17.3, 60.0, 400.0])
def test_a_half_turn_is_a_whole_number_of_steps(radius: float) -> None:
    step = OrientationGrid(radius, 1.2, 0.0).angle_step
    assert 180 / step == pytest.approx(round(180 / step), abs=1e-9)
    assert step <= math.degrees(2 * 1.2 / radius) + 1e-9


def test_magnifications_reach_both_ends_and_hold_the_ratio_itself() -> None:
    tried = OrientationGrid(25.0, 1.2, 0.15).magnifications
    assert tried[0] == pytest.approx(0.85)
    assert tried[-1] == pytest.approx(1 / 0.85)
    assert 1.0 in tried
    assert list(tried) == sorted(tried)
    assert OrientationGrid(25.0, 1.2, 0.0).magnifications == (1.0,)


def test_four_orientations_share_a_template() -> None:
    turns = list(OrientationGrid(20.0, 1.2, 0.1).turns())
    assert all(len(turn.wanted) == 4 for turn in turns)
    for turn in turns:
        assert 0 <= turn.angle < 180
        assert {(half, flipped) for _, half, flipped in turn.wanted} == {
            (False, False), (True, False), (False, True), (True, True),
        }  # fmt: skip
        assert {o.magnification for o, _, _ in turn.wanted} == {turn.magnification}


@settings(max_examples=60, deadline=None)
@given(ratio=st.floats(1, 60), uncertainty=st.floats(0, 0.75))
def test_the_parts_of_a_range_of_ratios_join_and_cover_it(ratio: float, uncertainty: float) -> None:
    parts = ratio_parts(ratio, uncertainty)
    ends = [(middle * (1 - part), middle / (1 - part)) for middle, part in parts]
    assert ends[0][0] == pytest.approx(ratio * (1 - uncertainty))
    assert ends[-1][1] == pytest.approx(ratio / (1 - uncertainty))
    for (_, end), (start, _) in pairwise(ends):
        assert end == pytest.approx(start)
    assert all(-math.log1p(-part) <= WIDEST_PART * (1 + 1e-6) for _, part in parts)


def test_a_ratio_that_is_nearly_known_is_one_part() -> None:
    assert ratio_parts(9.7, 0.15) == [(9.7, pytest.approx(0.15))]
