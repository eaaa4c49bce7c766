"""Blocks and blur: a part is what the whole has there, and their variance is the right one."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.low_pass import LOW_PASS, LowPass
from clem_retrace.micrograph import Micrograph


@pytest.mark.parametrize("factor", [1.0, 2.5, 4.0, 9.7])
def test_a_part_is_what_the_whole_has_there(factor: float) -> None:
    image = np.random.default_rng(1).random((203, 310)).astype(np.float32)
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
