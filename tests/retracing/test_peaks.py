"""The highest places of a map."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.retracing.peaks import peaks


def within(shape: tuple[int, int], distance: float):  # type: ignore[no-untyped-def]
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return lambda row, col: np.hypot(rows - row, cols - col) < distance


def test_peaks_are_the_highest_and_apart() -> None:
    rng = np.random.default_rng(42)
    scores = rng.random((40, 50), dtype=np.float32)
    found = peaks(scores, within(scores.shape, 6), 12)
    assert len(found) == 12
    values = [scores[place] for place in found]
    assert values == sorted(values, reverse=True)
    assert values[0] == scores.max()
    for number, place in enumerate(found):
        # Nothing higher was left out but what is near to one that is given.
        near = [np.hypot(*np.subtract(place, other)) for other in found[:number]]
        assert min(near, default=6) >= 6


def test_every_place_higher_than_the_last_is_near_to_a_peak() -> None:
    rng = np.random.default_rng(42)
    scores = rng.random((40, 50), dtype=np.float32)
    found = peaks(scores, within(scores.shape, 6), 12)
    covered = np.any([within(scores.shape, 6)(*place) for place in found], axis=0)
    assert (scores[~covered] <= scores[found[-1]]).all()


def test_places_without_a_value_are_none() -> None:
    scores = np.full((4, 5), np.nan, np.float32)
    assert peaks(scores, within(scores.shape, 2), 3) == []
    scores[1, 2] = -3.0
    assert peaks(scores, within(scores.shape, 2), 3) == [(1, 2)]


@pytest.mark.parametrize("distance", [0.0, 1.0])
def test_each_place_is_given_once(distance: float) -> None:
    scores = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert peaks(scores, within(scores.shape, distance), 10) == [
        (1, 2), (1, 1), (1, 0), (0, 2), (0, 1), (0, 0),
    ]  # fmt: skip
