"""What a run is given: the region that two images share, starts that reach nothing, the ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, InvalidOption, MissingPixelSize, RoiError, TransformError
from clem_retrace.geometry import Matrix, invert, map_points, similarity, translation
from clem_retrace.inputs import (
    check_magnification,
    check_reach,
    check_take,
    in_memory,
    overlap_region,
    resolve_ratio,
)
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions

LM_SHAPE, EM_SHAPE = (60, 90), (200, 160)


def placed(angle: float, row: float, col: float, mirrored: bool = False) -> Matrix:
    """An EM of four pixels per LM pixel, its centre at a place of the LM."""
    centre = Roi(0, 0, *EM_SHAPE).centre
    return similarity(0.25, angle, mirrored, centre, (row, col))


def shared(em_to_lm: Matrix, margin: float) -> NDArray[np.bool_]:
    """Which pixels of the LM have their centres in the EM, by a margin in EM pixels."""
    points = np.stack(np.meshgrid(*map(np.arange, LM_SHAPE), indexing="ij"), axis=-1)
    there = map_points(invert(em_to_lm), points)
    last = np.array(EM_SHAPE) - 0.5
    return np.asarray(((there > -0.5 + margin) & (there < last - margin)).all(axis=-1), bool)


@settings(max_examples=80, deadline=None)
@given(
    st.floats(-180, 180), st.floats(-20, 80), st.floats(-20, 110), st.booleans()
)  # fmt: skip
def test_the_overlap_holds_the_pixels_that_lie_in_both(
    angle: float, row: float, col: float, mirrored: bool
) -> None:
    em_to_lm = placed(angle, row, col, mirrored)
    # A pixel on the very edge, or off it by a turn of 1e-5 degrees, may fall to either side.
    surely, perhaps = shared(em_to_lm, 1e-3), shared(em_to_lm, -1e-3)
    if not surely.any():
        return
    region = overlap_region(LM_SHAPE, EM_SHAPE, em_to_lm)
    covered = region.mask(LM_SHAPE)
    assert covered[surely].all()
    assert not covered[~perhaps].any()
    assert region.clipped(LM_SHAPE, least=0).row == pytest.approx(max(region.row, 0))


def test_an_em_that_covers_all_of_the_lm_leaves_it_whole() -> None:
    covering = similarity(1.0, 0.0, False, (100, 80), (30, 45))
    assert overlap_region(LM_SHAPE, EM_SHAPE, covering) == Roi(0, 0, *LM_SHAPE)


@pytest.mark.parametrize("gap", [0.0, 0.1, 500.0])
def test_images_that_only_touch_share_nothing(gap: float) -> None:
    beside = translation((0.0, LM_SHAPE[1] + gap))
    with pytest.raises(RoiError, match="does not lie on the LM"):
        overlap_region(LM_SHAPE, EM_SHAPE, beside)


def test_a_region_that_does_not_reach_the_em_is_refused() -> None:
    roi = Roi(10, 20, 12, 16)
    check_reach(roi, EM_SHAPE, placed(20.0, 15.0, 50.0))
    # By its corner alone it still does.
    check_reach(roi, EM_SHAPE, placed(0.0, 16.0 + 24.5, 28.0 + 26.5))
    with pytest.raises(RoiError, match="outside the EM image of 200 x 160"):
        check_reach(roi, EM_SHAPE, placed(0.0, 16.0 + 32.0, 28.0 + 30.0))


def test_a_start_tells_the_ratio_where_pixel_sizes_do_not() -> None:
    data = np.zeros((9, 9), np.float32)
    options = RegistrationOptions()
    bare, sized = Micrograph(data), Micrograph(data, 100.0)
    assert resolve_ratio(bare, sized, options, otherwise=3.5) == 3.5
    assert math.isclose(resolve_ratio(sized, Micrograph(data, 25.0), options, otherwise=3.5), 4.0)
    typed = RegistrationOptions(pixel_size_ratio=6.0)
    assert resolve_ratio(bare, bare, typed, otherwise=3.5) == 6.0
    with pytest.raises(MissingPixelSize, match="LM and the EM"):
        resolve_ratio(bare, bare, options)
    with pytest.raises(MissingPixelSize, match="larger than the LM's"):
        resolve_ratio(sized, Micrograph(data, 200.0), options, otherwise=3.5)


@pytest.mark.parametrize("rank", [0, 4, -1, 1.0, True, "1", None])
def test_a_rank_that_is_not_listed_is_refused(rank: Any) -> None:
    with pytest.raises(InvalidOption, match="is to be taken"):
        check_take(rank, 3)


def test_an_image_of_digits_that_float32_does_not_hold_is_not_called_constant() -> None:
    counts = np.arange(30).reshape(5, 6)
    with pytest.raises(BadImage, match="digits that 32 bits do not hold"):
        in_memory(Micrograph(counts + 2**60, name="cell 7"))
    with pytest.raises(BadImage, match="cell 7 is"):
        in_memory(Micrograph(np.full((5, 6), 7), name="cell 7"))


def test_an_image_of_immense_values_is_refused_and_one_hot_pixel_is_missing() -> None:
    image = np.arange(30.0).reshape(5, 6)
    with pytest.raises(BadImage, match="no finite values"):
        in_memory(Micrograph((image + 1) * 1e300))
    image[2, 3] = 3e38
    seen = in_memory(Micrograph(image)).data
    assert np.isnan(seen[2, 3])
    assert np.isfinite(seen).sum() == 29


def test_places_at_the_end_of_all_numbers_have_an_overlap_or_none() -> None:
    far = similarity(1e-9, 0.0, False, (1e25, 0), (0, 0))
    with pytest.raises(RoiError, match="does not lie on the LM"):
        overlap_region(LM_SHAPE, EM_SHAPE, far)


@pytest.mark.parametrize("magnification", [0.2, 1e-6])
def test_a_matrix_the_other_way_round_is_refused(magnification: float) -> None:
    check_magnification(0.5)
    with pytest.raises(TransformError, match="the other way round"):
        check_magnification(magnification)


def test_an_overlap_lies_in_the_lm_however_far_the_em_reaches() -> None:
    flat = np.array([[-2.7e11, -1.5e16, -2.7e11], [9.0e15, -1.5e16, 4.2e7], [0, 0, 1]])
    region = overlap_region((1, 3), (1, 15), flat)
    assert region.row == pytest.approx(0, abs=1e-9)
    assert region.row + region.height <= 1 + 1e-9
    assert region.col + region.width <= 3 + 1e-9
