"""Pairs of points: added, moved, switched, removed; and which of them tell a transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.errors import LandmarkError
from clem_retrace.registration.landmarks import FEWEST, Landmarks, Model

SQUARE = np.array([[0.0, 0], [0, 100], [100, 0], [100, 100]])


def test_pairs_are_named_by_their_numbers() -> None:
    pairs = Landmarks.of(SQUARE, 20 * SQUARE)
    assert (len(pairs), pairs.names) == (4, ("1", "2", "3", "4"))
    assert pairs.used.all()
    assert len(Landmarks.of()) == 0


def test_half_a_point_is_none() -> None:
    pairs = Landmarks.of([[1, np.nan], [2, 3]], [[4, 5], [6, 7]])
    assert np.isnan(pairs.lm[0]).all()
    assert pairs.placed.tolist() == [False, True]


def test_a_pair_is_used_or_held_back_when_it_has_both_points() -> None:
    pairs = Landmarks.of(SQUARE, SQUARE).switching(1, False).moving(2, "em", None)
    assert pairs.used.tolist() == [True, False, False, True]
    assert pairs.held_back.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("lm", "em", "words"),
    [
        (SQUARE, SQUARE[:3], "4 points on the LM and 3 on the EM"),
        ([[np.inf, 0]], [[0, 0]], "infinity"),
        (np.zeros((2, 4)), np.zeros((4, 2)), "two coordinates"),
        (np.zeros((4, 2)), np.zeros(8), "two coordinates"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(lm: object, em: object, words: str) -> None:
    with pytest.raises(LandmarkError, match=words):
        Landmarks.of(lm, em)  # type: ignore[arg-type]


def test_pairs_never_change() -> None:
    given = SQUARE.copy()
    pairs = Landmarks.of(given, given)
    given[0] = 7
    pairs.moving(0, "lm", (5, 5)).switching(1, False).renaming(2, "corner").removing(3)
    np.testing.assert_array_equal(pairs.lm, SQUARE)
    assert pairs.active.all()
    assert pairs.names == ("1", "2", "3", "4")
    for array in (pairs.lm, pairs.em, pairs.active):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_point_is_added_and_its_partner_later() -> None:
    pairs = Landmarks.of().adding(lm=(3, 4))
    assert not pairs.placed.any()
    pairs = pairs.moving(0, "em", (30, 40))
    assert pairs.placed.all()
    assert pairs.em.tolist() == [[30, 40]]


def test_a_new_pair_has_a_name_that_none_has() -> None:
    pairs = Landmarks.of(SQUARE, SQUARE).removing(0)
    assert pairs.names == ("2", "3", "4")
    assert pairs.adding().names == ("2", "3", "4", "5")
    assert pairs.renaming(0, "nucleus").adding().names == ("nucleus", "3", "4", "5")


def test_one_pair_is_removed() -> None:
    pairs = Landmarks.of(SQUARE, 2 * SQUARE).switching(3, False)
    left = pairs.removing(1)
    np.testing.assert_array_equal(left.em, 2 * SQUARE[[0, 2, 3]])
    assert left.active.tolist() == [True, True, False]
    assert pairs.removing(-1).names == ("1", "2", "3")
    with pytest.raises(IndexError):
        pairs.removing(4)


@pytest.mark.parametrize("model", FEWEST)
def test_as_many_pairs_as_a_model_needs_will_do(model: Model) -> None:
    Landmarks.of(SQUARE[: FEWEST[model]], SQUARE[: FEWEST[model]]).require(model)
    with pytest.raises(LandmarkError, match=f"needs {FEWEST[model]} pairs.*place 1 more"):
        Landmarks.of(SQUARE[: FEWEST[model] - 1], SQUARE[: FEWEST[model] - 1]).require(model)


def test_it_is_said_why_a_pair_does_not_count() -> None:
    pairs = Landmarks.of(SQUARE, SQUARE).switching(0, False)
    pairs = pairs.moving(1, "em", None).moving(3, "lm", None).renaming(3, "nucleus")
    with pytest.raises(LandmarkError) as caught:
        pairs.require("affine")
    assert str(caught.value) == (
        "an affine transform needs 3 pairs, and one is placed and switched on (pair 1 is switched "
        "off; pair 2 has no point on the EM yet; pair nucleus has no point on the LM yet): place "
        "2 more"
    )
    with pytest.raises(LandmarkError, match="needs 2 pairs, and none is placed"):
        Landmarks.of().require("similarity")


@pytest.mark.parametrize("model", FEWEST)
@pytest.mark.parametrize("image", ["lm", "em"])
def test_two_pairs_in_one_place_are_named(model: Model, image: str) -> None:
    pairs = Landmarks.of(SQUARE, 20 * SQUARE).renaming(3, "nucleus")
    pairs = pairs.moving(3, image, getattr(pairs, image)[1])  # type: ignore[arg-type]
    words = f"pairs 2 and nucleus lie at the same place on the {image.upper()}"
    with pytest.raises(LandmarkError, match=words):
        pairs.require(model)
    pairs.switching(1, False).require(model)


def test_all_pairs_in_one_place_are_too() -> None:
    with pytest.raises(LandmarkError, match="pairs 1 and 2"):
        Landmarks.of(np.full((3, 2), 41234.5), SQUARE[:3]).require("rigid")
    # 1e-11 is the last digit of such coordinates: no distance
    with pytest.raises(LandmarkError, match="pairs 1 and 2"):
        Landmarks.of([[41234.5, 0], [41234.5 + 1e-11, 0]], SQUARE[:2]).require("rigid")


@pytest.mark.parametrize("image", ["lm", "em"])
@pytest.mark.parametrize("model", ["affine", "thin-plate spline"])
def test_pairs_on_a_line_are_told_how_near_it_they_are(image: str, model: Model) -> None:
    # 300 along, 0.8 across, at 45 degrees
    along, across = np.array([0, 100, 200, 300.0]), np.array([0.4, -0.4, -0.4, 0.4])
    line = np.stack([along + across, along - across], axis=1) / np.sqrt(2)
    points = {"lm": SQUARE, "em": SQUARE} | {image: line}
    pairs = Landmarks.of(**points)
    with pytest.raises(LandmarkError, match=f"on the {image.upper()}.*300 px along it, 0.8 px"):
        pairs.require(model)
    pairs.require("similarity")
    pairs.require("rigid")
    # ten times as far off the line is enough
    line = np.stack([along + 10 * across, along - 10 * across], axis=1)
    Landmarks.of(**(points | {image: line})).require(model)


@given(st.floats(1e-6, 1e6), st.floats(-180, 180), st.sampled_from([0.0, 1e-9, 1e-3, 0.3]))
def test_the_unit_and_the_turn_do_not_matter(unit: float, angle: float, across: float) -> None:
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    points = np.array([[0, 0], [across, 0.5], [0, 1.0]])
    pairs = Landmarks.of(SQUARE[:3], unit * points @ [[cos, -sin], [sin, cos]])
    if across < 0.01:
        with pytest.raises(LandmarkError, match="one line on the EM"):
            pairs.require("affine")
    else:
        pairs.require("affine")


@pytest.mark.parametrize("point", [3.0, (1, 2, 3), (1,), "ab", (), [(1, 2), (3, 4)], (1e40, 0)])
def test_what_is_no_point_is_refused(point: Any) -> None:
    pairs = Landmarks.of([(1, 2)], [(3, 4)])
    with pytest.raises(LandmarkError):
        pairs.moving(0, "lm", point)
    with pytest.raises(LandmarkError):
        pairs.adding(em=point)


@pytest.mark.parametrize("extent", [1e-160, 1e-40])
def test_pairs_nearer_than_digits_tell_are_in_one_place(extent: float) -> None:
    points = extent * np.array([(0, 0), (0, 1), (1, 0)])
    with pytest.raises(LandmarkError, match="same place"):
        Landmarks.of(points, 1e45 * points).require("affine")
