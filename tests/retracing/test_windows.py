"""One-pass histograms against a loop over bincount."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clem_retrace.retracing import windows
from clem_retrace.retracing.windows import window_histograms, window_starts


def slow(
    index: np.ndarray, bins: int, window: tuple[int, int], rows: np.ndarray, cols: np.ndarray
) -> np.ndarray:
    """Every window cut out and counted by itself."""
    height, width = window
    return np.array(
        [
            [
                np.bincount(index[r : r + height, c : c + width].ravel(), minlength=bins)[:bins]
                for c in cols
            ]
            for r in rows
        ]
    )


def collected(
    index: np.ndarray, bins: int, window: tuple[int, int], rows: np.ndarray, cols: np.ndarray
) -> np.ndarray:
    result = np.full((len(rows), len(cols), bins), -1)
    for row, columns, counts in window_histograms(index, bins, window, rows, cols):
        assert (result[row, columns] == -1).all(), "a window was counted twice"
        result[row, columns] = counts
    return result


@st.composite
def searches(draw: st.DrawFn) -> tuple[np.ndarray, int, tuple[int, int], np.ndarray, np.ndarray]:
    """An index image with unknown pixels, a window, and any ascending starts, gaps included."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    bins = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    index = rng.integers(0, bins + 1, shape).astype(draw(st.sampled_from([np.uint8, np.uint16])))
    window = tuple(draw(st.integers(1, length)) for length in shape)
    starts = [
        np.array(sorted(draw(st.sets(st.integers(0, length - side), min_size=1))))
        for length, side in zip(shape, window, strict=True)
    ]
    return index, bins, window, starts[0], starts[1]


@settings(deadline=None)
@given(searches())
def test_are_exact_for_any_geometry(search: tuple) -> None:
    np.testing.assert_array_equal(collected(*search), slow(*search))


@settings(deadline=None)
@given(searches(), st.integers(1, 4000), st.integers(1, 40))
def test_are_exact_in_batches_and_strips(search: tuple, memory: int, strip: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "MEMORY", memory)
        patch.setattr(windows, "_STRIP_PIXELS", strip)
        np.testing.assert_array_equal(collected(*search), slow(*search))


def test_memory_bounds_the_sums_that_wait() -> None:
    index = np.random.default_rng(1).integers(0, 4, (60, 300)).astype(np.uint8)
    rows, cols = np.arange(0, 31), np.arange(0, 271)
    with pytest.MonkeyPatch.context() as patch:
        # 30 rows of windows wait, with two cells a column, 5 bins of 8 bytes
        patch.setattr(windows, "MEMORY", 100 * 30 * 2 * 5 * 8)
        batches = {
            (columns.start, columns.stop)
            for _, columns, _ in window_histograms(index, 4, (30, 30), rows, cols)
        }
    assert sorted(batches) == [(0, 100), (100, 200), (200, 271)]


def test_rows_come_in_order_as_they_end() -> None:
    index = np.zeros((50, 20), np.uint8)
    rows = window_starts(50, 10, 7)
    found = [row for row, _, _ in window_histograms(index, 1, (10, 20), rows, [0])]
    assert found == list(range(len(rows)))


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_starts_are_a_step_apart_and_reach_the_end(length: int, data: st.DataObject) -> None:
    window = data.draw(st.integers(1, length))
    step = data.draw(st.integers(1, length))
    starts = window_starts(length, window, step)
    assert starts[0] == 0
    assert starts[-1] == length - window
    gaps = np.diff(starts)
    assert (gaps[:-1] == step).all()
    assert (gaps[-1:] <= step).all()
    assert (gaps > 0).all()
