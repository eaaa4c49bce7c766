"""Robust standardisation."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.errors import BadImage
from clem_retrace.representation.standardise import standardise


def test_makes_median_zero_and_robust_deviation_one() -> None:
    values = np.random.default_rng(1).normal(300, 20, (200, 210))
    result = standardise(values)
    assert result.dtype == np.float32
    assert np.median(result) == pytest.approx(0, abs=1e-5)
    assert 1.4826 * np.median(np.abs(result)) == pytest.approx(1, rel=1e-4)
    assert result.std() == pytest.approx(1, rel=0.02)


def test_is_not_moved_by_outliers() -> None:
    values = np.random.default_rng(2).normal(0, 1, (200, 200))
    clean = standardise(values)
    values[:10] = 1e6  # 5 % of the pixels
    # the median moves by 0.07 and the deviation by 7 %, which is 0.3 for the value at 4
    assert np.abs(standardise(values)[10:] - clean[10:]).max() < 0.4


def test_is_the_same_for_any_gain_and_offset() -> None:
    values = np.random.default_rng(3).normal(0, 1, (60, 60))
    np.testing.assert_allclose(standardise(values), standardise(37 * values + 5), atol=1e-4)


def test_a_flat_bulk_falls_back_to_the_ordinary_deviation() -> None:
    values = np.zeros((100, 100))
    values[:30] = np.random.default_rng(4).normal(0, 5, (30, 100))
    np.testing.assert_allclose(standardise(values), values / values.std(), rtol=1e-5)


def test_clips_to_a_symmetric_range() -> None:
    result = standardise(np.random.default_rng(5).normal(0, 1, (100, 100)), clip=1.5)
    assert result.min() == -1.5
    assert result.max() == 1.5


def test_large_images_are_sampled_without_harm() -> None:
    values = np.random.default_rng(6).normal(10, 3, (1500, 2048)).astype(np.float32)
    values[:, ::2] += 4  # a stride of columns must not meet one half of them only
    middle, spread = np.median(values), 1.4826 * np.median(np.abs(values - np.median(values)))
    result = standardise(values)
    np.testing.assert_allclose(result, (values - middle) / spread, atol=0.02)


def test_missing_values_stay_missing_and_do_not_count() -> None:
    values = np.random.default_rng(7).normal(0, 1, (80, 80))
    holed = values.copy()
    holed[:40] = np.nan
    holed[40, 0] = np.inf
    result = standardise(holed)
    np.testing.assert_array_equal(np.isnan(result), ~np.isfinite(holed))
    np.testing.assert_allclose(
        result[41:], standardise(holed[np.isfinite(holed)])[79:].reshape(39, 80)
    )


@pytest.mark.parametrize(("value", "words"), [(3.0, "constant"), (np.nan, "no finite values")])
def test_refuses_what_has_no_contrast(value: float, words: str) -> None:
    with pytest.raises(BadImage, match=words):
        standardise(np.full((20, 20), value))
