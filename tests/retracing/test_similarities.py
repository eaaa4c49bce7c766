"""The seven similarities against their formulas, written out bin by bin."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clem_retrace.errors import InvalidOption
from clem_retrace.options import Similarity
from clem_retrace.retracing.similarities import EPSILON, similarity

NAMES = get_args(Similarity)


def slow(name: str, q: list[float], p: list[float]) -> float:
    """One pair of histograms, as the formula says; p is the ROI's."""
    pairs = list(zip(p, q, strict=True))
    match name:
        case "cosine":
            return sum(a * b for a, b in pairs) / (math.hypot(*p) * math.hypot(*q))
        case "intersection":
            return sum(min(pair) for pair in pairs)
        case "kullback-leibler":
            whole = 1 + len(p) * EPSILON
            smooth = [((a + EPSILON) / whole, (b + EPSILON) / whole) for a, b in pairs]
            return -sum(a * math.log(a / b) for a, b in smooth)
        case "jeffrey":
            terms = [x * math.log(2 * x / (a + b)) for a, b in pairs for x in (a, b) if x > 0]
            return -sum(terms)
        case "chi-squared":
            return -sum((a - b) ** 2 / (a + b) for a, b in pairs if a + b > 0) / 2
        case "bhattacharyya":
            return math.log(min(1, max(EPSILON, sum(math.sqrt(a * b) for a, b in pairs))))
        case "kolmogorov-smirnov":
            return -max(abs(sum(p[: i + 1]) - sum(q[: i + 1])) for i in range(len(p)))
    raise AssertionError(name)


def histograms(seed: int, shape: tuple[int, ...], *, empty: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 100, shape) * (rng.random(shape) > empty)
    counts[..., 0] += 1
    return counts / counts.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("name", NAMES)
def test_is_its_formula_for_any_leading_axes(name: Similarity) -> None:
    windows, reference = histograms(1, (4, 5, 16)), histograms(2, (16,))
    expected = [
        [slow(name, window.tolist(), reference.tolist()) for window in row] for row in windows
    ]
    np.testing.assert_allclose(similarity(name, windows, reference), expected, rtol=1e-9)
    in_float32 = similarity(name, windows.astype(np.float32), reference.astype(np.float32))
    assert in_float32.dtype == np.float32
    np.testing.assert_allclose(in_float32, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_is_greatest_for_the_histogram_itself(name: Similarity) -> None:
    reference = histograms(3, (32,))
    windows = np.vstack([histograms(4, (50, 32)), reference])
    scores = similarity(name, windows, reference)
    assert scores.argmax() == 50
    best = 1.0 if name in ("cosine", "intersection") else 0.0
    assert scores[50] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(
    counts=hnp.arrays(np.int64, (2, 8), elements=st.integers(0, 50)).filter(
        lambda counts: counts.sum(axis=1).all()
    )
)
def test_is_finite_and_never_better_than_perfect(name: Similarity, counts: np.ndarray) -> None:
    windows = counts / counts.sum(axis=1, keepdims=True)
    score = float(similarity(name, windows[0], windows[1]))
    best = 1.0 if name in ("cosine", "intersection") else 0.0
    assert math.isfinite(score)
    assert score <= best + 1e-9


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"kullback-leibler"}))
def test_is_symmetric_but_for_kullback_and_leibler(name: Similarity) -> None:
    one, other = histograms(5, (2, 24))
    assert similarity(name, one, other) == pytest.approx(similarity(name, other, one))


@pytest.mark.parametrize("name", NAMES)
def test_of_histograms_without_a_common_bin(name: Similarity) -> None:
    one, other = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.5, 0.5])
    worst = {
        "cosine": 0,
        "intersection": 0,
        "jeffrey": -2 * math.log(2),
        "chi-squared": -1,
        "bhattacharyya": math.log(EPSILON),
        "kolmogorov-smirnov": -1,
        "kullback-leibler": slow("kullback-leibler", one.tolist(), other.tolist()),
    }
    assert similarity(name, one, other) == pytest.approx(worst[name])


def test_only_kolmogorov_and_smirnov_see_the_order_of_bins() -> None:
    windows, reference = histograms(6, (5, 12)), histograms(7, (12,))
    order = np.random.default_rng(8).permutation(12)
    for name in NAMES:
        same = np.allclose(
            similarity(name, windows, reference),
            similarity(name, windows[:, order], reference[order]),
        )
        assert same == (name != "kolmogorov-smirnov")


def test_an_empty_window_is_like_nothing() -> None:
    assert similarity("cosine", np.zeros((1, 4)), np.full(4, 0.25)) == 0


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidOption, match="'cosin'"):
        similarity("cosin", np.ones(2) / 2, np.ones(2) / 2)  # type: ignore[arg-type]
