"""The sweep is a weighted correlation, and finds what was put there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.errors import RoiError
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import similarity
from clem_retrace.resampling import warp
from clem_retrace.retracing.orientations import Orientation, OrientationGrid
from clem_retrace.retracing.sweep import Peak, Sweep, sweep_steps

Array = NDArray[np.float32]

CENTRE = (19.5, 23.0)
GRID = OrientationGrid(radius=9.0, tolerance=1.2, ratio_uncertainty=0.0)

#: Half the side of the square that the oracle looks at; the weights end 13 pixels out.
HALF = 18


def texture(seed: int, shape: tuple[int, int], sigma: float = 1.5) -> Array:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return (noise / noise.std()).astype(np.float32)


@pytest.fixture(scope="module")
def template() -> Array:
    return texture(1, (40, 48))


@pytest.fixture(scope="module")
def weights() -> Array:
    """Round weights: averaged over all angles, as the sweep does it, they are the same."""
    rows, cols = np.ogrid[:40, :48]
    distance = np.hypot(rows - CENTRE[0], cols - CENTRE[1])
    return np.clip(1 - distance / 13, 0, None).astype(np.float32)


@pytest.fixture(scope="module")
def image(template: Array) -> Array:
    """Unrelated texture with the template in it: mirrored, turned by 130 degrees, inverted."""
    background = texture(2, (84, 95))
    place = similarity(1.0, 130.0, True, CENTRE, (50, 37))
    put = warp(template, place, background.shape, fill=0.0)
    mask = warp(np.ones_like(template), place, background.shape, fill=0.0)
    return np.where(mask > 0.99, -0.7 * put, background).astype(np.float32)


@pytest.fixture(scope="module")
def known(image: Array) -> NDArray[np.bool_]:
    known = np.ones(image.shape, bool)
    known[:, :30] = False
    return known


def sweep(
    template: Array,
    weights: Array,
    image: Array,
    known: NDArray[np.bool_],
    grid: OrientationGrid = GRID,
    contrasts: tuple[int, ...] = (1, -1),
    fewest_peaks: int = 1,
) -> Sweep:
    return run(
        sweep_steps(
            template, weights, CENTRE, np.where(known, image, 0), known, grid,
            contrasts=contrasts, stage="sweep", fewest_peaks=fewest_peaks,
        )
    )  # fmt: skip


def correlation(
    template: Array,
    weights: Array,
    image: Array,
    known: NDArray[np.bool_],
    orientation: Orientation,
    row: int,
    col: int,
) -> tuple[float, float]:
    """Return correlation times root coverage, and coverage, by summing pixel by pixel.

    It is sum(w t v) / sqrt(sum(w t t) sum(w v v)) * sqrt(coverage), the template's energy in
    the overlap taken for its share of the whole; and, so that unrelated images score alike
    at each magnification, times the magnification, with the image's energy under the
    template as it is.
    """
    size, side = orientation.magnification, (2 * HALF + 1, 2 * HALF + 1)
    turned = similarity(size, orientation.angle, orientation.mirrored, CENTRE, (HALF, HALF))
    t = warp(template * weights, turned, side, fill=0.0)
    w = warp(weights, similarity(1.0, 0.0, False, CENTRE, (HALF, HALF)), side, fill=0.0)
    whole = float((template**2 * weights).sum())
    product = energy = covered = 0.0
    for (r, c), weight in np.ndenumerate(w):
        y, x = row + r - HALF, col + c - HALF
        if 0 <= y < image.shape[0] and 0 <= x < image.shape[1] and known[y, x]:
            product += float(t[r, c] * image[y, x])
            energy += float(weight * image[y, x] ** 2)
            covered += float(weight)
    score = product / (size * math.sqrt(whole * energy)) if energy > 0 else 0.0
    return score, covered / float(w.sum())


@pytest.mark.parametrize("uncertainty", [0.0, 0.2])
def test_scores_at_the_peaks_are_weighted_correlations(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_], uncertainty: float
) -> None:
    grid = replace(GRID, ratio_uncertainty=uncertainty)
    peaks = sweep(template, weights, image, known, grid).peaks
    steps = round(360 / grid.angle_step)
    assert len(peaks) == 2 * steps * 2 * len(grid.magnifications)
    # the best, the worst, and some between, of each half turn, mirror and contrast
    for half, mirrored, contrast in np.ndindex(2, 2, 2):
        some = [
            peak
            for peak in peaks
            if (peak.orientation.angle % 360 >= 180) == bool(half)
            and peak.orientation.mirrored == bool(mirrored)
            and peak.contrast == 2 * contrast - 1
        ]
        assert len(some) > 3
        for peak in (some[0], some[len(some) // 2], some[-1]):
            score, coverage = correlation(
                template, weights, image, known, peak.orientation, peak.row, peak.col
            )
            assert coverage > 0.35
            # the weights, averaged over 24 angles, are a little smoother than the round ones
            assert peak.score == pytest.approx(peak.contrast * score, abs=0.01)


def test_the_similarity_map_is_the_best_at_each_position(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    grid = replace(GRID, mirror="no", angle=40.0, angle_uncertainty=30.0)
    tried = [wanted for turn in grid.turns() for wanted, _, _ in turn.wanted]
    assert 2 < len(tried) < 12
    found = sweep(template, weights, image, known, grid, contrasts=(1,)).similarity
    rng = np.random.default_rng(3)
    for row, col in rng.integers((0, 0), image.shape, (12, 2)):
        scores = [correlation(template, weights, image, known, o, row, col) for o in tried]
        if scores[0][1] > 0.36:
            assert found[row, col] == pytest.approx(max(s for s, _ in scores), abs=0.015)
        elif scores[0][1] < 0.34:
            assert np.isnan(found[row, col])


def test_what_was_put_there_is_found(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    found = sweep(template, weights, image, np.ones_like(known))
    best = found.peaks[0]
    assert best.orientation.mirrored
    assert best.contrast == -1
    assert abs(best.orientation.angle - 130) <= GRID.angle_step / 2 + 1e-9
    assert (best.row, best.col) == (50, 37)
    assert best.score > 0.85  # up to half a step of angle, and bilinear interpolation
    others = [p for p in found.peaks if math.hypot(p.row - 50, p.col - 37) > 5]
    assert best.score > others[0].score + 0.2
    assert np.unravel_index(np.nanargmax(found.similarity), image.shape) == (50, 37)
    assert np.nanmax(found.similarity) == pytest.approx(best.score)


@pytest.mark.parametrize("magnification", [1 / 1.12, 1.12])
def test_what_lies_there_magnified_is_found(
    template: Array, weights: Array, magnification: float
) -> None:
    place = similarity(magnification, 70.0, False, CENTRE, (41, 52))
    image = texture(5, (84, 95))
    mask = warp(np.ones_like(template), place, image.shape, fill=0.0) > 0.99
    image[mask] = warp(template, place, image.shape, fill=0.0)[mask]
    grid = OrientationGrid(radius=9.0, tolerance=0.6, ratio_uncertainty=1 - 1 / 1.12)
    peaks = sweep(template, weights, image, np.ones(image.shape, bool), grid).peaks
    assert math.hypot(peaks[0].row - 41, peaks[0].col - 52) < 1.5
    assert abs(peaks[0].orientation.angle - 70) < grid.angle_step
    exact = next(p for p in peaks if p.orientation.magnification == pytest.approx(magnification))
    assert (exact.row, exact.col) == (41, 52)
    assert exact.score == pytest.approx(magnification, abs=0.1)


def test_peaks_are_ranked_and_one_for_each_orientation_and_contrast(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    peaks = sweep(template, weights, image, known).peaks
    assert [p.score for p in peaks] == sorted((p.score for p in peaks), reverse=True)
    assert len({(p.orientation, p.contrast) for p in peaks}) == len(peaks)


def test_one_contrast_alone_gives_its_peaks(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    both = sweep(template, weights, image, known).peaks
    one = sweep(template, weights, image, known, contrasts=(-1,)).peaks
    assert [p for p in both if p.contrast == -1] == list(one)
    inverted = sweep(template, weights, -image, known, contrasts=(1,)).peaks

    def place(peak: Peak) -> tuple[Orientation, int, int]:
        return peak.orientation, peak.row, peak.col

    assert {place(p) for p in inverted} == {place(p) for p in one}


def test_a_template_that_hangs_over_an_edge_does_not_come_in_at_the_other(
    template: Array, weights: Array
) -> None:
    image = texture(9, (60, 70))
    known = np.ones(image.shape, bool)
    grid = replace(GRID, mirror="no", angle=0.0, angle_uncertainty=0.0)
    found = sweep(template, weights, image, known, grid, contrasts=(1,)).similarity
    upright = Orientation(0.0, False, 1.0)
    for row, col in [(0, 35), (5, 35), (55, 35), (59, 35), (30, 0), (30, 5), (30, 64), (30, 69)]:
        score, coverage = correlation(template, weights, image, known, upright, row, col)
        assert 0.4 < coverage < 0.99
        assert found[row, col] == pytest.approx(score, abs=0.015)


def test_an_image_smaller_than_the_template_is_searched_where_it_covers_most(
    template: Array, weights: Array
) -> None:
    image = texture(6, (7, 10))
    known = np.ones(image.shape, bool)
    found = sweep(template, weights, image, known)
    assert np.isfinite(found.similarity).any()
    # Where nothing is alike in a contrast, its peak is anywhere.
    alike = [peak for peak in found.peaks if peak.score > 0]
    assert len(alike) > 40
    for peak in alike[::10]:
        score, coverage = correlation(
            template, weights, image, known, peak.orientation, peak.row, peak.col
        )
        assert coverage < 0.35
        # there the averaged weights differ most from the round ones
        assert peak.score == pytest.approx(peak.contrast * score, abs=0.02)


def test_where_the_em_is_flat_nothing_is_like_anything(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    flat = image.copy()
    flat[:, :60] *= 1e-3
    found = sweep(template, weights, flat, known)
    assert np.nanmax(found.similarity[:, :45]) < 0.02
    assert np.nanmax(found.similarity) > 0.3


def test_progress_counts_the_templates(
    template: Array, weights: Array, image: Array, known: NDArray[np.bool_]
) -> None:
    events: list[Event] = []
    steps = sweep_steps(
        template, weights, CENTRE, image, known, GRID, contrasts=(1,), stage="sweep"
    )
    run(steps, events.append)
    total = len(list(GRID.turns()))
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert events[-1] == Progress("sweep", total, total)
    assert max(np.diff(done)) <= 8


def test_few_orientations_give_several_peaks_each(template: Array, weights: Array) -> None:
    image = texture(9, (60, 70))
    known = np.ones(image.shape, bool)
    grid = replace(GRID, mirror="no", angle=0.0, angle_uncertainty=0.0)
    alone = sweep(template, weights, image, known, grid, contrasts=(1,))
    found = sweep(template, weights, image, known, grid, contrasts=(1,), fewest_peaks=40)
    assert len(alone.peaks) < 40 <= len(found.peaks)
    assert found.peaks[0] == alone.peaks[0]
    for index, peak in enumerate(found.peaks):
        assert peak.score <= found.similarity[peak.row, peak.col] + 1e-6
        for other in found.peaks[:index]:
            if other.orientation == peak.orientation:
                assert max(abs(other.row - peak.row), abs(other.col - peak.col)) > 3


@pytest.mark.parametrize("rounding", [0.0, 1e-5])
def test_a_flat_template_is_refused(image: Array, weights: Array, rounding: float) -> None:
    flat = rounding * texture(8, weights.shape)
    with pytest.raises(RoiError, match="show any structures"):
        sweep(flat, weights, image, np.ones(image.shape, bool))
