"""Laws of the transforms, and one bright pixel for each direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clem_retrace.errors import TransformError
from clem_retrace.geometry import (
    Matrix,
    as_transform,
    compose,
    decimation,
    decompose,
    invert,
    map_points,
    similarity,
    swap_axes,
    translation,
)
from clem_retrace.resampling import warp

coordinates = st.floats(-5000, 5000)
points = st.tuples(coordinates, coordinates)
magnifications = st.floats(0.02, 50)
angles = st.floats(-179.9, 180)


@st.composite
def transforms(draw: st.DrawFn) -> Matrix:
    """Any similarity with up to 1.5 times more stretch one way than the other."""
    turned = similarity(
        draw(magnifications), draw(angles), draw(st.booleans()), draw(points), draw(points)
    )
    return compose(turned, np.diag([draw(st.floats(1, 1.5)), 1.0, 1.0]))


def bright(matrix: Matrix, shape: tuple[int, int] = (9, 9)) -> tuple[int, int]:
    """Where the one bright pixel at row 2, column 3 goes when an image is warped."""
    image = np.zeros((9, 9))
    image[2, 3] = 1
    out = warp(image, matrix, shape, fill=0.0)
    row, col = np.unravel_index(int(out.argmax()), shape)
    assert out[row, col] == pytest.approx(1, abs=1e-6)
    return int(row), int(col)


def test_a_shift_moves_down_and_right() -> None:
    assert bright(translation((4, 1))) == (6, 4)


def test_a_quarter_turn_is_counter_clockwise_on_the_screen() -> None:
    # about the centre (4, 4): right of the centre goes above it; as numpy.rot90 has it
    assert bright(similarity(1, 90, False, (4, 4), (4, 4))) == (5, 2)
    image = np.zeros((9, 9))
    image[2, 3] = 1
    assert np.argwhere(np.rot90(image)).tolist() == [[5, 2]]


def test_a_mirror_flips_the_columns() -> None:
    assert bright(similarity(1, 0, True, (4, 4), (4, 4))) == (2, 5)


def test_a_mirror_comes_before_the_turn() -> None:
    image = np.zeros((9, 9))
    image[2, 3] = 1
    expected = np.argwhere(np.rot90(image[:, ::-1])).tolist()
    assert [list(bright(similarity(1, 90, True, (4, 4), (4, 4))))] == expected


def test_decimation_merges_blocks_into_pixels() -> None:
    to_grid = decimation((3, 2))
    # the centre of rows 3 .. 5, columns 4 .. 5
    assert map_points(to_grid, (4, 4.5)) == pytest.approx((1, 2))
    assert bright(invert(decimation(3)), (27, 27)) == (7, 10)


def test_axes_are_swapped_for_the_same_map() -> None:
    matrix = similarity(2, 30, True, (1, 2), (3, 4))
    row, col = map_points(matrix, (5, 7))
    x, y = map_points(swap_axes(matrix), (7, 5))
    assert (y, x) == pytest.approx((row, col))
    np.testing.assert_array_equal(swap_axes(swap_axes(matrix)), matrix)


@settings(deadline=None)
@given(magnifications, angles, st.booleans(), points, points)
def test_a_similarity_is_taken_apart_again(
    magnification: float,
    angle: float,
    mirrored: bool,
    source: tuple[float, float],
    target: tuple[float, float],
) -> None:
    matrix = similarity(magnification, angle, mirrored, source, target)
    parts = decompose(matrix)
    assert parts.magnification == pytest.approx(magnification, rel=1e-9)
    assert (parts.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert parts.mirrored is mirrored
    assert parts.anisotropy == pytest.approx(0, abs=1e-9)
    assert map_points(matrix, source) == pytest.approx(target, abs=1e-6)


@settings(deadline=None)
@given(transforms(), transforms(), st.lists(points, min_size=1, max_size=5))
def test_composing_is_mapping_twice(one: Matrix, other: Matrix, where: list) -> None:
    twice = map_points(one, map_points(other, where))
    np.testing.assert_allclose(map_points(compose(one, other), where), twice, rtol=1e-9, atol=1e-4)


@settings(deadline=None)
@given(transforms(), points)
def test_an_inverse_leads_back(matrix: Matrix, where: tuple[float, float]) -> None:
    inverse = invert(matrix)
    assert map_points(inverse, map_points(matrix, where)) == pytest.approx(where, abs=1e-4)
    np.testing.assert_array_equal(inverse[2], (0, 0, 1))


@settings(deadline=None)
@given(transforms())
def test_the_inverse_undoes_angle_mirror_and_magnification(matrix: Matrix) -> None:
    there, back = decompose(matrix), decompose(invert(matrix))
    assert back.magnification == pytest.approx(1 / there.magnification)
    assert back.mirrored is there.mirrored
    assert back.anisotropy == pytest.approx(there.anisotropy, abs=1e-6)
    assert there.anisotropy <= 0.5 + 1e-6


def test_the_angle_of_a_half_turn_is_positive() -> None:
    assert decompose(similarity(1, -180, False, (0, 0), (0, 0))).angle == pytest.approx(180)


def test_anisotropy_is_the_excess_of_the_larger_stretch() -> None:
    parts = decompose(compose(similarity(2, 25, True, (0, 0), (5, 5)), np.diag([1.2, 1.0, 1.0])))
    assert parts.anisotropy == pytest.approx(0.2)
    assert parts.magnification == pytest.approx(2 * np.sqrt(1.2))


def test_points_keep_their_leading_axes() -> None:
    assert map_points(translation((1, 2)), np.zeros((3, 4, 2))).shape == (3, 4, 2)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.eye(2), "3 x 3"),
        (np.full((3, 3), np.nan), "finite"),
        ([[1, 0, 0], [0, 1, 0], [0, 0.1, 1]], "last row"),
        (np.diag([1, 0, 1]), "inverted"),
        (np.diag([0, 0, 1]), "inverted"),
        (np.diag([1e-40, 1e-40, 1]), "inverted"),
        (translation((1e31, 0)), "no image is so large"),
        ([["a", 0, 0], [0, 1, 0], [0, 0, 1]], "of numbers"),
        ([[1, 0], [0, 1, 0]], "of numbers"),
    ],
)
def test_what_is_no_transform_is_refused(matrix: object, words: str) -> None:
    with pytest.raises(TransformError, match=words):
        as_transform(matrix)  # type: ignore[arg-type]


def test_a_checked_transform_is_a_copy() -> None:
    matrix = np.eye(3)
    as_transform(matrix)[0, 2] = 5
    np.testing.assert_array_equal(matrix, np.eye(3))


@pytest.mark.parametrize(
    ("magnification", "angle"), [(np.inf, 0), (1, np.inf), (np.nan, 0), (1, np.nan), (-1e308, 0)]
)
def test_a_similarity_of_no_numbers_is_refused(magnification: float, angle: float) -> None:
    with pytest.raises(TransformError, match="magnification of"):
        similarity(magnification, angle, False, (0, 0), (0, 0))
