"""Blocks and blur: a part is what the whole has there, and their variance is the right one."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.decimating import decimate
from clem_retrace.errors import BadImage
from clem_retrace.low_pass import LOW_PASS, LowPass
from clem_retrace.micrograph import Micrograph


@pytest.mark.parametrize("shape", [(203, 310), (310, 203)])
@pytest.mark.parametrize("factor", [1.0, 2.5, 4.0, 9.7])
def test_a_part_is_what_the_whole_has_there(factor: float, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    low_pass = LowPass.towards(Micrograph(image), factor)
    rows, cols = low_pass.shape
    whole = np.concatenate(list(low_pass.means(slice(0, rows), slice(0, cols))))
    assert whole.shape == low_pass.shape
    window = slice(rows // 3, rows), slice(cols // 4, cols)
    np.testing.assert_array_equal(np.concatenate(list(low_pass.means(*window))), whole[window])


@pytest.mark.parametrize("factor", [2.0, 3.3, 6.0, 9.7, 20.0])
def test_blocks_and_blur_have_the_variance_of_the_low_pass(factor: float) -> None:
    low_pass = LowPass.towards(Micrograph(np.zeros((400, 400), np.float32)), factor)
    of_blocks = (low_pass.block**2) / 12 if low_pass.block > 1 else 0
    variance = of_blocks + (low_pass.sigma * low_pass.block) ** 2
    assert variance == pytest.approx((LOW_PASS * factor) ** 2)


def test_nothing_is_blurred_that_is_not_coarsened() -> None:
    image = np.random.default_rng(2).random((20, 30)).astype(np.float32)
    low_pass = LowPass.towards(Micrograph(image), 1.0)
    assert (low_pass.block, low_pass.sigma, low_pass.reach) == (1, 0, 0)
    assert low_pass.blurred(image) is image


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 3e38])
def test_a_few_missing_pixels_leave_no_holes(missing: float) -> None:
    image = np.random.default_rng(3).random((64, 80)).astype(np.float32)
    spoilt = np.where(
        np.random.default_rng(4).random(image.shape) < 0.05, np.float32(missing), image
    )
    low_pass = LowPass.towards(Micrograph(spoilt), 16.0)
    assert low_pass.block == 8
    (seen,) = low_pass.means(slice(0, 8), slice(0, 10))
    whole = image.reshape(8, 8, 10, 8).mean((1, 3))
    # The mean of the 61 that are left of 64 values of a spread of 0.29.
    np.testing.assert_allclose(seen, whole, atol=0.05)


def test_a_block_of_which_more_is_missing_than_known_is_missing() -> None:
    image = np.ones((16, 32), np.float32)
    image[:, 8:13] = np.nan
    image[:, 16:20] = np.nan
    (seen,) = LowPass.towards(Micrograph(image), 16.0).means(slice(0, 2), slice(0, 4))
    np.testing.assert_array_equal(seen, [[1, np.nan, 1, 1]] * 2)


def test_a_grid_far_coarser_than_the_image_is_refused_and_looks_no_further() -> None:
    image = Micrograph(np.random.default_rng(5).random((9, 13)).astype(np.float32), name="cell 7")
    small, _ = decimate(image, 17.0)
    assert small.shape == (1, 1)
    assert small[0, 0] == pytest.approx(image.data.mean(), abs=0.05)
    with pytest.raises(BadImage, match="cell 7 has 9 x 13 pixels: nothing is left"):
        decimate(image, 1e25)
    assert LowPass.towards(image, 1e25).reach < 100


def test_an_image_does_not_grow_beyond_measure() -> None:
    with pytest.raises(BadImage, match="1e\\+05 times as large"):
        decimate(Micrograph(np.zeros((9, 13), np.float32)), 1e-5)
