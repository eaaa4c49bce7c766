"""Decimated images: places are kept, nothing is filled in, and they are read once, in strips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from clem_retrace import decimating, low_pass
from clem_retrace.decimating import decimate, decimate_steps
from clem_retrace.events import Progress
from clem_retrace.geometry import map_points
from clem_retrace.low_pass import STRIP_PIXELS
from clem_retrace.micrograph import Micrograph


def blob(shape: tuple[int, int], centre: tuple[float, float], size: float) -> np.ndarray:
    row, col = (np.arange(side) - at for side, at in zip(shape, centre, strict=True))
    return np.outer(np.exp(-(row**2) / (2 * size**2)), np.exp(-(col**2) / (2 * size**2)))


def centroid(image: np.ndarray) -> tuple[float, float]:
    row, col = np.indices(image.shape)
    return (row * image).sum() / image.sum(), (col * image).sum() / image.sum()


def halved(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks, the last ones filled up by their edges."""
    missing = [(0, -side % factor) for side in image.shape]
    blocks = np.pad(image, missing, mode="edge")
    rows, cols = (side // factor for side in blocks.shape)
    return blocks.reshape(rows, factor, cols, factor).mean(axis=(1, 3))


@settings(deadline=None, max_examples=60)
@given(
    st.floats(1, 12),
    st.tuples(st.floats(15, 25), st.floats(15, 35)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_a_blob_stays_where_it_is(
    factor: float, centre: tuple[float, float], more: tuple[int, int]
) -> None:
    shape = (int(40 * factor) + more[0], int(50 * factor) + more[1])
    at = (centre[0] * factor, centre[1] * factor)
    grid, to_grid = decimate(Micrograph(blob(shape, at, 1.5 * factor)), factor)
    assert grid.dtype == np.float32
    assert grid.shape == (round(shape[0] / factor), round(shape[1] / factor))
    assert centroid(grid) == pytest.approx(tuple(map_points(to_grid, at)), abs=0.05)


@pytest.mark.parametrize("factor", [2.0, 3.4, 9.734])
def test_what_the_grid_cannot_hold_is_removed(factor: float) -> None:
    # a stripe pattern 1.3 grid pixels long would show up as one 4.3 long
    row, col = np.indices((300, 300))
    stripes = np.sin(2 * np.pi * (row + 0.3 * col) / (1.3 * factor))
    grid, _ = decimate(Micrograph(stripes), factor)
    assert np.abs(grid[2:-2, 2:-2]).max() < 0.12


def test_coarse_structures_keep_their_amplitude() -> None:
    row, _ = np.indices((400, 300))
    waves = np.sin(2 * np.pi * row / 60)
    grid, to_grid = decimate(Micrograph(waves), 4.3)
    centre = map_points(np.linalg.inv(to_grid), np.stack(np.indices(grid.shape), axis=-1))
    expected = np.sin(2 * np.pi * centre[..., 0] / 60)
    np.testing.assert_allclose(grid[3:-3], expected[3:-3], atol=0.07)


def test_a_constant_stays_constant_up_to_the_border() -> None:
    for factor in (1.0, 1.5, 3.0, 7.3):
        grid, _ = decimate(Micrograph(np.full((100, 83), 1000, np.uint16)), factor)
        np.testing.assert_allclose(grid, 1000, rtol=1e-5)


def test_a_factor_of_one_changes_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 255, (30, 40)).astype(">u2")
    grid, to_grid = decimate(Micrograph(image), 1.0)
    np.testing.assert_array_equal(grid, image)
    np.testing.assert_array_equal(to_grid, np.eye(3))


@pytest.mark.parametrize("factor", [1.7, 4.0, 6.3])
def test_missing_pixels_stay_missing_and_do_not_spread(factor: float) -> None:
    image = np.full((200, 260), 50.0)
    image[:, :130] = np.nan
    image[100:] += 25
    grid, to_grid = decimate(Micrograph(image), factor)
    border = map_points(to_grid, (0, 129.5))[1]
    cols = np.arange(grid.shape[1])
    assert np.isnan(grid[:, cols < border - 1.5]).all()
    known = grid[:, cols > border + 1.5]
    assert np.isfinite(known).all()
    np.testing.assert_allclose(known[:3], 50, rtol=1e-5)
    np.testing.assert_allclose(known[-3:], 75, rtol=1e-5)


@pytest.mark.parametrize("shape", [(512, 640), (1001, 803)])
def test_levels_give_nearly_what_the_full_image_gives(shape: tuple[int, int]) -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal(shape), 6)
    pyramid = [halved(image, 2), halved(image, 4), halved(image, 64)]
    whole, to_whole = decimate(Micrograph(image), 9.734)
    fast, to_fast = decimate(Micrograph(image, levels=pyramid), 9.734)
    np.testing.assert_array_equal(to_whole, to_fast)
    np.testing.assert_allclose(fast, whole, atol=0.03 * image.std())


def test_only_the_level_that_is_needed_is_read_and_in_strips() -> None:
    class Reads:
        dtype = np.dtype(np.uint8)

        def __init__(self, shape: tuple[int, int]) -> None:
            self.shape, self.largest, self.total = shape, 0, 0

        def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
            part = np.zeros([side.stop - side.start for side in key], np.uint8)
            self.largest, self.total = max(self.largest, part.size), self.total + part.size
            return part

    full, level = Reads((16000, 8000)), Reads((4000, 2000))
    events = list(decimate_steps(Micrograph(full, levels=[level]), 10.0, "EM"))
    assert full.total == 0
    assert level.total == 4000 * 2000
    assert level.largest <= STRIP_PIXELS
    assert len(events) > 2
    assert all(isinstance(event, Progress) and event.stage == "EM" for event in events)
    assert events[-1].done == events[-1].total


def test_a_dask_array_gives_what_its_array_gives() -> None:
    dask_array = pytest.importorskip("dask.array")
    image = np.random.default_rng(3).integers(0, 255, (300, 410)).astype(np.uint8)
    lazy = dask_array.from_array(image, chunks=(97, 101))
    np.testing.assert_array_equal(
        decimate(Micrograph(lazy), 4.3)[0], decimate(Micrograph(image), 4.3)[0]
    )


@pytest.mark.parametrize("chunk", [700, 1000])
def test_no_chunk_is_read_twice(chunk: int) -> None:
    rng = np.random.default_rng(42)
    pixels = rng.integers(0, 255, (2500, 3100), dtype=np.uint8)

    class Chunked:
        shape, dtype, chunks = pixels.shape, pixels.dtype, (chunk, chunk)

        def __init__(self) -> None:
            self.rows: list[tuple[int, int]] = []

        def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
            self.rows.append((key[0].start, key[0].stop))
            return pixels[key]

    data = Chunked()
    image, _ = decimate(Micrograph(data), 6.0)
    np.testing.assert_array_equal(image, decimate(Micrograph(pixels), 6.0)[0])
    touched = [
        number for low, high in data.rows for number in range(low // chunk, -(-high // chunk))
    ]
    assert sorted(touched) == list(range(-(-2500 // chunk)))


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.7, 9.6, 25.0])
@pytest.mark.parametrize("missing", [False, True])
def test_an_image_decimated_in_bands_is_the_same(
    factor: float, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(42)
    pixels = rng.normal(100, 20, (907, 611)).astype(np.float32)
    if missing:
        pixels[300:420, 100:300] = np.nan
    whole, to_whole = decimate(Micrograph(pixels), factor)
    monkeypatch.setattr(low_pass, "STRIP_PIXELS", 611 * 30)
    monkeypatch.setattr(decimating, "BAND_PIXELS", 611 * 40)
    parts, to_parts = decimate(Micrograph(pixels), factor)
    np.testing.assert_array_equal(to_parts, to_whole)
    # Rounding of the places between which is interpolated, float32.
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
