"""LoG bins and LDP codes against slow definitions; how codes turn with the image."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.events import Progress
from clem_retrace.retracing.descriptors import (
    LDP_BINS,
    LDP_CODES,
    ldp_codes,
    ldp_codes_steps,
    ldp_readings,
    ldp_turns,
    log_bins,
    log_turns,
    turned_ldp,
)

# Kirsch's masks in the order E, NE, N, NW, W, SW, S, SE
EAST = np.array([[-3, -3, 5], [-3, 0, 5], [-3, -3, 5]])
NORTH_EAST = np.array([[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]])
MASKS = [np.rot90(mask, turn) for turn in range(4) for mask in (EAST, NORTH_EAST)]


def slow_code(square: np.ndarray) -> int:
    """LDP with k = 3 of the middle pixel of 3 x 3, by its definition."""
    sizes = [abs(int((mask * square).sum())) for mask in MASKS]
    order = sorted(range(8), key=lambda i: (-sizes[i], i))
    return sum(1 << i for i in order[:3])


def integers(seed: int, shape: tuple[int, int] = (40, 50), high: int = 1 << 17) -> np.ndarray:
    """Values whose sums float32 holds exactly; ties are as rare as `high` is large."""
    return np.random.default_rng(seed).integers(-high, high, shape).astype(np.float32)


def mirrored(image: np.ndarray) -> np.ndarray:
    return image[:, ::-1]


def test_there_are_56_codes_of_three_bits() -> None:
    assert LDP_BINS == len(set(LDP_CODES.tolist())) == 56
    assert all(bin(code).count("1") == 3 for code in LDP_CODES.tolist())


@pytest.mark.parametrize("high", [1 << 17, 3])
def test_codes_are_those_of_the_definition_with_and_without_ties(high: int) -> None:
    image = integers(1, high=high)
    framed = np.pad(image, 1, mode="edge")
    expected = [
        [slow_code(framed[row : row + 3, col : col + 3]) for col in range(50)] for row in range(40)
    ]
    np.testing.assert_array_equal(LDP_CODES[ldp_codes(image)], expected)


def test_all_codes_occur_and_no_other() -> None:
    counts = np.bincount(ldp_codes(integers(2, (200, 200))).ravel(), minlength=LDP_BINS + 1)
    assert (counts[:LDP_BINS] > 0).all()
    assert counts[LDP_BINS] == 0


def test_a_vertical_edge_points_east_and_west() -> None:
    image = np.zeros((5, 6))
    image[:, 3:] = 1
    code = LDP_CODES[ldp_codes(image)[2, 2]]
    assert code & 1  # E; a negative of the image gives the same
    assert code == LDP_CODES[ldp_codes(-image)[2, 2]]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_codes_turn_with_the_image(turns: int, mirror: bool) -> None:
    image = integers(3)

    def lay(array: np.ndarray) -> np.ndarray:
        return np.rot90(mirrored(array) if mirror else array, turns)

    expected = turned_ldp(90.0 * turns, mirror)[lay(ldp_codes(image))]
    np.testing.assert_array_equal(ldp_codes(lay(image)), expected)


def test_a_quarter_turn_shifts_the_bits_by_two() -> None:
    codes = LDP_CODES.astype(int)
    shifted = (codes << 2 | codes >> 6) & 255
    np.testing.assert_array_equal(LDP_CODES[turned_ldp(90.0, False)], shifted)


def test_turns_of_codes_are_the_eight_symmetries_of_the_square() -> None:
    turns = ldp_turns()
    assert len({tuple(turn.order) for turn in turns}) == len(turns) == 8
    quarter, flip = turned_ldp(90.0, False), turned_ldp(0.0, True)
    np.testing.assert_array_equal(quarter[quarter[quarter[quarter]]], np.arange(LDP_BINS))
    np.testing.assert_array_equal(flip[flip], np.arange(LDP_BINS))
    np.testing.assert_array_equal(quarter[flip], turned_ldp(90.0, True))


def test_turns_reorder_a_histogram_as_the_image_turns() -> None:
    image = integers(4, (60, 60))
    histogram = np.bincount(ldp_codes(image).ravel(), minlength=LDP_BINS)
    for turn in ldp_turns():
        laid = np.rot90(mirrored(image) if turn.mirrored else image, round(turn.angle / 90))
        expected = np.bincount(ldp_codes(laid).ravel(), minlength=LDP_BINS)
        np.testing.assert_array_equal(histogram[turn.order], expected)
        assert turn.contrast == 0


def test_a_section_at_any_angle_has_one_reading_the_nearest() -> None:
    readings = ldp_readings()
    for angle in np.arange(-180, 180, 0.5):
        for mirror in (False, True):
            (reading,) = (one for one in readings if one.covers(angle, mirror))
            assert reading.mirrored is mirror
            assert reading.angle is not None
            assert abs((angle - reading.angle + 180) % 360 - 180) <= 22.5


def test_missing_pixels_have_no_code_nor_have_their_neighbours() -> None:
    image = integers(5)
    clean = ldp_codes(image)
    image[20, 30] = np.nan
    codes = ldp_codes(image)
    assert (codes[19:22, 29:32] == LDP_BINS).all()
    codes[19:22, 29:32] = clean[19:22, 29:32]
    np.testing.assert_array_equal(codes, clean)


def test_strips_do_not_show() -> None:
    image = integers(6, (70, 4000))
    steps = list(ldp_codes_steps(image, "LDP"))
    assert steps[0] == Progress("LDP", 0, 70)
    assert steps[-1] == Progress("LDP", 70, 70)
    assert len(steps) > 3
    np.testing.assert_array_equal(
        ldp_codes(image)[1:-1],
        np.concatenate([ldp_codes(image[r : r + 3])[1:2] for r in range(68)]),
    )


def test_bins_are_equal_and_cover_the_symmetric_range() -> None:
    values = np.array([[-9, -4, -3.99, -2.01, -1.99, -0.01, 0.01, 1.99, 2.01, 3.99, 4, 9, np.inf]])
    expected = [[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3]]
    index = log_bins(values, 4, 4.0)
    assert index.dtype == np.uint16
    np.testing.assert_array_equal(index, expected)


def test_bins_are_those_of_a_numpy_histogram() -> None:
    values = np.random.default_rng(7).normal(0, 1.5, (80, 90)).astype(np.float32)
    values = np.clip(values, -3.999, 3.999)
    counts = np.bincount(log_bins(values, 64, 4.0).ravel(), minlength=64)
    np.testing.assert_array_equal(counts, np.histogram(values, 64, (-4, 4))[0])


def test_missing_values_have_the_bin_after_the_last() -> None:
    np.testing.assert_array_equal(log_bins(np.array([[np.nan, 0.5]]), 8, 2.0), [[8, 5]])


def test_the_opposite_contrast_reverses_the_bins() -> None:
    values = np.random.default_rng(8).normal(0.3, 1, (60, 60))
    histogram = np.bincount(log_bins(values, 64, 4.0).ravel(), minlength=64)
    negative = np.bincount(log_bins(-values, 64, 4.0).ravel(), minlength=64)
    turns = log_turns(64)
    assert {(turn.angle, turn.contrast) for turn in turns} == {(0, 1), (0, -1), (90, 1), (90, -1)}
    for turn in turns:
        expected = histogram if turn.contrast == 1 else negative
        np.testing.assert_array_equal(histogram[turn.order], expected)
        assert not turn.mirrored
