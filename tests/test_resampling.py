"""Images on other grids: places are kept, labels stay labels, and they are read in parts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.events import Progress, run
from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity, translation
from clem_retrace.low_pass import LOW_PASS
from clem_retrace.micrograph import Micrograph
from clem_retrace.resampling import (
    READ_SIDE,
    Interpolation,
    Sampling,
    sample,
    sample_steps,
    warp,
)


def test_warping_puts_a_point_where_the_transform_says() -> None:
    row, col = np.indices((90, 100))
    image = np.exp(-((row - 40) ** 2 + (col - 55) ** 2) / 18)
    matrix = compose(translation((7.3, -4.6)), similarity(1.3, 33, True, (40, 55), (60, 70)))
    out = warp(image, matrix, (130, 140), order=3, fill=0.0)
    assert out.dtype == np.float32
    centroid = (np.indices(out.shape) * out).sum(axis=(1, 2)) / out.sum()
    assert centroid == pytest.approx(map_points(matrix, (40, 55)), abs=0.02)


def test_warping_fills_what_lies_outside() -> None:
    out = warp(np.ones((10, 10)), translation((5, 0)), (20, 10))
    assert np.isnan(out[:5]).all()
    assert (out[5:15] == 1).all()
    assert np.isnan(out[15:]).all()
    assert (warp(np.ones((10, 10)), translation((5, 0)), (20, 10), fill=-7)[:5] == -7).all()


# Sampling -----------------------------------------------------------------------------------


def texture(shape: tuple[int, int], smooth: float = 3.0) -> np.ndarray:
    noise = np.random.default_rng(5).standard_normal(shape)
    return ndimage.gaussian_filter(noise, smooth).astype(np.float32)


def places_of(to_grid: Matrix, shape: tuple[int, int]) -> np.ndarray:
    """Where the pixels of a grid lie on the image, shape (2, m, n)."""
    grid = np.stack(np.indices(shape), axis=-1)
    return np.moveaxis(map_points(invert(to_grid), grid), -1, 0)


@pytest.mark.parametrize(("interpolation", "order"), [("linear", 1), ("cubic", 3)])
def test_a_finer_grid_is_interpolated(interpolation: Interpolation, order: int) -> None:
    image = texture((90, 120))
    to_grid = similarity(7.3, 33, True, (40, 55), (330, 290))
    shape = (700, 640)
    out = sample(Micrograph(image), to_grid, shape, interpolation=interpolation)
    places = places_of(to_grid, shape)
    expected = ndimage.map_coordinates(image, places, order=order, mode="nearest")
    inside = ((places >= -0.5) & (places < np.reshape(image.shape, (2, 1, 1)) - 0.5)).all(axis=0)
    assert 0.2 < inside.mean() < 0.9
    assert out.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(out), inside)
    # float32 of an image with a contrast of 0.1
    np.testing.assert_allclose(out[inside], expected[inside], atol=1e-5)


# Linear interpolation blurs a little more; the cubic spline shows that nothing else does.
@pytest.mark.parametrize(("interpolation", "apart"), [("linear", 0.1), ("cubic", 0.02)])
@pytest.mark.parametrize("factor", [1.3, 2.7, 6.0, 9.734])
def test_a_coarser_grid_is_low_passed_once(
    factor: float, interpolation: Interpolation, apart: float
) -> None:
    image = texture((900, 1000), 2.0)
    to_grid = similarity(1 / factor, -40, False, (450, 500), (60, 55))
    shape = (120, 110)
    out = sample(Micrograph(image), to_grid, shape, interpolation=interpolation)
    blurred = ndimage.gaussian_filter(image, LOW_PASS * factor, mode="nearest")
    places = places_of(to_grid, shape)
    expected = ndimage.map_coordinates(blurred, places, order=3, mode="nearest")
    far = np.reshape(image.shape, (2, 1, 1)) - 3 * factor
    inner = ((places > 3 * factor) & (places < far)).all(axis=0)
    assert inner.sum() > 1000
    assert (out - expected)[inner].std() < apart * expected[inner].std()


@pytest.mark.parametrize("factor", [0.31, 1.0, 2.6, 11.3])
@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_pieces_fit_together_without_seams(factor: float, interpolation: Interpolation) -> None:
    image = texture((1500, 1400))
    shape = (150, 170)
    pull = partial(map_points, similarity(factor, 25, False, (70, 80), (700, 650)))
    sampling = Sampling(Micrograph(image), pull, shape, interpolation)
    whole = run(sample_steps(sampling, "whole"))
    assert np.isfinite(whole).mean() > 0.5
    parts = np.full(shape, -7, np.float32)
    for rows in (slice(0, 37), slice(37, 150)):
        for cols in (slice(0, 5), slice(5, 91), slice(91, 170)):
            for place, values in sampling.pieces((rows, cols)):
                parts[place] = values
    # A cubic spline's filter has no end: 13 pixels on, 4e-8 of it are left.
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-6 * np.nanstd(whole))


def test_labels_are_picked_and_keep_64_bits() -> None:
    labels = np.random.default_rng(6).integers(1 << 60, (1 << 60) + 50, (300, 280))
    to_grid = similarity(0.37, 61, True, (150, 140), (70, 60))
    shape = (140, 130)
    out = sample(Micrograph(labels), to_grid, shape, interpolation="nearest")
    assert out.dtype == np.int64
    row, col = np.floor(places_of(to_grid, shape) + 0.5).astype(int)
    inside = (row >= 0) & (row < 300) & (col >= 0) & (col < 280)
    assert 0.3 < inside.mean() < 0.95
    np.testing.assert_array_equal(out[inside], labels[row[inside], col[inside]])
    assert (out[~inside] == 0).all()


def test_pixels_are_shown_up_to_their_outer_borders() -> None:
    out = sample(Micrograph(np.full((3, 4), 5.0)), np.diag([10.0, 10, 1]), (60, 80))
    # Grid pixel 10 p lies on pixel p: the borders at -0.5 and 2.5 are at -5 and 25.
    assert np.isfinite(out[:25, :35]).all()
    assert np.isnan(out[25:]).all()
    assert np.isnan(out[:, 35:]).all()
    assert (out[:25, :35] == 5).all()


def test_a_bend_is_followed_between_its_nodes() -> None:
    rows, cols = np.indices((1000, 1000), dtype=np.float32)

    def pull(points: np.ndarray) -> np.ndarray:
        shift = 20 * np.sin(2 * np.pi * points[..., ::-1] / 1000)
        return points * 0.9 + 45 + shift

    grid = np.stack(np.indices((1000, 1000)), axis=-1).astype(float)
    for axis, ramp in enumerate((rows, cols)):
        out = run(sample_steps(Sampling(Micrograph(ramp), pull, (1000, 1000)), "bent"))
        inner = np.isfinite(out)
        assert inner.mean() > 0.9
        # 8 pixels from node to node: 8^2 / 8 times the curvature, 20 (2 pi / 1000)^2
        np.testing.assert_allclose(out[inner], pull(grid)[inner][:, axis], atol=0.0075)


def test_where_a_transform_leads_nowhere_there_is_nothing() -> None:
    def pull(points: np.ndarray) -> np.ndarray:
        return np.where(points[..., 1:] > 100, np.nan, points)

    out = run(sample_steps(Sampling(Micrograph(np.ones((200, 200))), pull, (200, 200)), "folded"))
    # At most the pixels up to the next node are lost with it.
    assert (out[:, :96] == 1).all()
    assert np.isnan(out[:, 105:]).all()


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
@pytest.mark.parametrize("magnification", [5.0, 1.0, 0.4])
def test_missing_pixels_take_no_part(interpolation: Interpolation, magnification: float) -> None:
    image = np.full((300, 300), 50.0)
    image[:, :130] = np.nan
    to_grid = similarity(magnification, 0, False, (0, 0), (0, 0))
    side = int(300 * magnification)
    out = sample(Micrograph(image), to_grid, (side, side), interpolation=interpolation)
    border = 129.5 * magnification
    cols = np.arange(side)
    reach = max(1.0, magnification)
    assert np.isnan(out[:, cols < border - reach]).all()
    known = out[: side - 5, (cols > border + reach) & (cols < side - 5)]
    # The cubic spline's numerator and denominator are rounded apart.
    np.testing.assert_allclose(known, 50, rtol=1e-4)


class Reads:
    """An image that remembers which pixels it was asked for."""

    dtype = np.dtype(np.uint8)

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape, self.asked = shape, []

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        self.asked.append([(side.start, side.stop) for side in key])
        return np.zeros([side.stop - side.start for side in key], np.uint8)


def test_what_is_read_is_what_is_shown() -> None:
    data = Reads((4000, 5000))
    to_grid = similarity(0.1, 0.0, False, (2000, 3000), (0, 0))
    sample(Micrograph(data), to_grid, (30, 40))
    ((rows, cols),) = data.asked
    # 30 x 40 grid pixels of ten, and what the low-pass and the interpolation look further.
    first, last = map_points(invert(to_grid), [(0, 0), (29, 39)]).round()
    for (start, stop), low, high in zip((rows, cols), first, last, strict=True):
        assert 5 <= low - start <= 60
        assert 5 <= stop - high <= 60


def test_a_level_is_read_that_will_do_and_never_much_at_a_time() -> None:
    full, level = Reads((40_000, 32_000)), Reads((10_000, 8000))
    to_grid = similarity(0.1, 30.0, False, (20_000, 16_000), (1500, 1500))
    sampling = Sampling(
        Micrograph(full, levels=[level]), partial(map_points, invert(to_grid)), (3000, 3000)
    )
    window = (slice(1024, 1536), slice(512, 1536))
    places = [place for place, _ in sampling.pieces(window)]
    assert sum((rows.stop - rows.start) * (cols.stop - cols.start) for rows, cols in places) == (
        512 * 1024
    )
    assert full.asked == []
    sizes = [(rows[1] - rows[0]) * (cols[1] - cols[0]) for rows, cols in level.asked]
    assert max(sizes) < 2 * READ_SIDE**2
    # Turned pieces are read with the corners around them, but not much more.
    assert sum(sizes) < 4 * 512 * 1024 * 2.5**2


def test_progress_goes_to_the_end_and_can_be_stopped() -> None:
    sampling = Sampling(Micrograph(np.ones((900, 900))), lambda points: points, (900, 900))
    steps = sample_steps(sampling, "drawing")
    first = next(steps)
    assert isinstance(first, Progress)
    assert 0 < first.done < first.total
    *_, last = steps
    assert (last.stage, last.done) == ("drawing", last.total)
    stopped = sample_steps(sampling, "drawing")
    next(stopped)
    stopped.close()
