"""Shapes of the ROI in the EM, and matches made of windows."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.errors import PatchLargerThanEM, RoiError
from clem_retrace.geometry import decimation, invert, map_points
from clem_retrace.micrograph import Roi
from clem_retrace.retracing.descriptors import ldp_turns, log_turns
from clem_retrace.retracing.patches import Patch, Place, fitting_patches, roi_histogram

ROI = Roi(5, 6, 20, 30)
UNIFORM = np.full(8, 1 / 8, np.float32)


def patches(roi: Roi = ROI, **changes: object) -> list[Patch]:
    arguments = {
        "ratio": 4.0,
        "drawn": None,
        "grid_to_em": np.eye(3),
        "grid_shape": (400, 500),
        **changes,
    }
    turns = arguments.pop("turns", log_turns(8))
    return fitting_patches(roi, UNIFORM, turns, **arguments)  # type: ignore[arg-type]


def sizes(found: list[Patch]) -> list[tuple[int, int]]:
    return [(patch.height, patch.width) for patch in found]


def test_the_patch_is_upright_and_turned_by_a_quarter() -> None:
    upright, turned = patches()
    assert sizes([upright, turned]) == [(80, 120), (120, 80)]
    assert {turn.angle for turn in upright.turns} == {0}
    assert {turn.angle for turn in turned.turns} == {90}
    assert upright.stretch == turned.stretch == (4, 4)


def test_codes_lie_in_four_ways_in_each_shape() -> None:
    upright, turned = fitting_patches(
        ROI, np.full(56, 1 / 56, np.float32), ldp_turns(), ratio=4.0, drawn=None,
        grid_to_em=np.eye(3), grid_shape=(400, 500),
    )  # fmt: skip
    assert {(turn.angle, turn.mirrored) for turn in upright.turns} == {
        (angle, mirrored) for angle in (0, 180) for mirrored in (False, True)
    }
    assert {turn.angle for turn in turned.turns} == {90, -90}
    assert turned.references.shape == (4, 56)


def test_a_square_is_searched_once_for_all_turns() -> None:
    (square,) = patches(Roi(5, 6, 20, 20))
    assert [turn.angle for turn in square.turns] == [0, 0, 90, 90]


def test_only_what_fits_is_searched() -> None:
    assert sizes(patches(grid_shape=(100, 500))) == [(80, 120)]
    assert sizes(patches(grid_shape=(500, 100))) == [(120, 80)]


def test_sides_are_those_on_the_grid() -> None:
    grid_to_em = invert(decimation(4.0))
    assert sizes(patches(grid_to_em=grid_to_em, grid_shape=(100, 100))) == [(20, 30), (30, 20)]


def test_a_patch_as_large_as_the_em_fits_though_the_grid_was_rounded() -> None:
    assert sizes(patches(Roi(0, 0, 20.6, 30), ratio=1.0, grid_shape=(20, 29))) == [(20, 29)]


def test_a_patch_that_does_not_fit_is_refused_with_numbers() -> None:
    with pytest.raises(PatchLargerThanEM, match=r"20 x 30 LM.* 80 x 120 EM.* 70 x 90"):
        patches(grid_shape=(70, 90))


def test_a_drawn_patch_is_taken_as_it_is_drawn() -> None:
    (upright,) = patches(drawn=(100.0, 120.0))
    assert sizes([upright]) == [(100, 120)]
    assert {turn.angle for turn in upright.turns} == {0}
    assert upright.stretch == pytest.approx((5, 4))
    (turned,) = patches(drawn=(120.0, 100.0))
    assert sizes([turned]) == [(120, 100)]
    assert {turn.angle for turn in turned.turns} == {90}
    assert turned.stretch == pytest.approx((5, 4))


@pytest.mark.parametrize("drawn", [None, (100.0, 120.0), (120.0, 100.0)])
def test_a_match_lays_the_roi_on_the_window(drawn: tuple[float, float] | None) -> None:
    grid_to_em = invert(decimation(2.0))
    for patch in patches(drawn=drawn, grid_to_em=grid_to_em, grid_shape=(200, 250)):
        for number in range(len(patch.turns)):
            match = patch.match(Place(30, 40, 0.5, number), ROI, grid_to_em)
            found = match.patch
            # rows 30 .. of the grid begin at the edge of EM row 60
            assert (found.row, found.col) == pytest.approx((60, 80))
            assert (found.height, found.width) == pytest.approx((2 * patch.height, 2 * patch.width))
            assert match.angle == pytest.approx(patch.turns[number].angle)
            assert match.contrast == patch.turns[number].contrast
            assert (match.search, match.score, match.confidence) == ("histogram", 0.5, 0.0)


def test_a_match_turns_points_as_its_turn_says() -> None:
    found = fitting_patches(
        ROI, np.full(56, 1 / 56, np.float32), ldp_turns(), ratio=4.0, drawn=None,
        grid_to_em=np.eye(3), grid_shape=(400, 500),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    lm = rng.random((20, 30))
    for patch in found:
        for number, turn in enumerate(patch.turns):
            # the ROI's pixels, laid on the EM as arrays and by the transform
            laid = np.rot90(lm[:, ::-1] if turn.mirrored else lm, round(turn.angle / 90))
            match = patch.match(Place(0, 0, 0.5, number), ROI, np.eye(3))
            row, col = np.mgrid[:20, :30]
            to = map_points(match.lm_to_em, np.stack([row + 5, col + 6], axis=-1))
            pixel = ((to + 0.5) // 4).astype(int)
            np.testing.assert_array_equal(laid[pixel[..., 0], pixel[..., 1]], lm)


def test_compare_takes_the_best_turn_and_leaves_out_unknown_windows() -> None:
    histogram = np.array([0.7, 0.2, 0.1, 0], np.float32)
    (patch,) = fitting_patches(
        Roi(0, 0, 2, 5), histogram, log_turns(4), ratio=1.0, drawn=(2.0, 5.0),
        grid_to_em=np.eye(3), grid_shape=(9, 9),
    )  # fmt: skip
    counts = np.array([[7, 2, 1, 0], [0, 1, 2, 7], [3, 1, 0, 0]])
    scores, turns = patch.compare(counts, "cosine")
    assert scores[:2] == pytest.approx([1, 1])
    assert np.isnan(scores[2])  # 4 of 10 pixels known
    assert [patch.turns[turn].contrast for turn in turns[:2]] == [1, -1]


def test_the_rois_histogram_is_that_of_its_pixels() -> None:
    index = np.arange(48).reshape(6, 8) % 5
    expected = np.bincount(index[1:4, 2:7].ravel(), minlength=5) / 15
    np.testing.assert_allclose(roi_histogram(index, Roi(1.2, 1.9, 3, 5), 5), expected, rtol=1e-6)


def test_unknown_pixels_are_not_in_the_rois_histogram() -> None:
    index = np.array([[0, 1, 3, 3]])
    np.testing.assert_allclose(roi_histogram(index, Roi(0, 0, 1, 4), 3), [0.5, 0.5, 0])


@pytest.mark.parametrize("roi", [Roi(0, 2, 1, 2), Roi(50, 50, 9, 9), Roi(-9, -9, 3, 3)])
def test_a_roi_without_values_is_refused(roi: Roi) -> None:
    with pytest.raises(RoiError, match="no values"):
        roi_histogram(np.array([[0, 1, 3, 3]]), roi, 3)
