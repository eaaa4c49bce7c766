"""Pixels in a file are those that NumPy maps, and are read when they become an array."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from clem_retrace.errors import BadFile
from clem_retrace.io import file_pixels
from clem_retrace.io.file_pixels import FilePixels, pixels_of
from clem_retrace.projections import project

VALUES = np.random.default_rng(3).integers(0, 60000, (3, 40, 50)).astype(">u2")


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_pixels, "SMALL", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.raw"
    path.write_bytes(b"head" + VALUES.tobytes())
    return path


def in_file(path: Path, shape: tuple[int, ...] = VALUES.shape) -> FilePixels:
    pixels = pixels_of(path, VALUES.dtype, shape, 4)
    assert isinstance(pixels, FilePixels)
    return pixels


@pytest.fixture
def pixels(path: Path) -> FilePixels:
    return in_file(path)


def test_they_are_as_an_array(pixels: FilePixels) -> None:
    read = np.asarray(pixels)
    assert read.dtype == VALUES.dtype == pixels.dtype
    np.testing.assert_array_equal(read, VALUES)
    assert np.asarray(pixels, np.float32).dtype == np.float32
    assert (len(pixels), pixels.ndim, pixels.shape) == (3, 3, VALUES.shape)
    assert (pixels.size, pixels.nbytes) == (VALUES.size, VALUES.nbytes)
    for plane, expected in zip(pixels, VALUES, strict=True):
        np.testing.assert_array_equal(plane, expected)
    assert pixels[1, 2, 3] == VALUES[1, 2, 3]
    assert np.ndim(pixels[1, 2, 3]) == 0


@hypothesis.given(st.data(), st.sampled_from([0, 1 << 20]))
@hypothesis.settings(
    deadline=None,
    derandomize=True,
    max_examples=200,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_every_part_is_that_of_an_array(
    pixels: FilePixels, data: st.DataObject, at_once: int
) -> None:
    part, expected = pixels, VALUES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_pixels, "AT_ONCE", at_once)
        for _ in range(2):
            key = data.draw(arrays.basic_indices(expected.shape, allow_newaxis=False))
            part, expected = part[key], expected[key]
            np.testing.assert_array_equal(np.asarray(part), expected)
            if not expected.ndim:
                return
            order = data.draw(st.permutations(range(expected.ndim)))
            part, expected = np.transpose(part, order), np.transpose(expected, order)
            np.testing.assert_array_equal(np.asarray(part), expected)


def test_other_ways_to_index_read_all(pixels: FilePixels) -> None:
    for key in ([0, 2], VALUES > 3000, (0, [1, 2], slice(3)), (None, 0), np.array([1])):
        np.testing.assert_array_equal(pixels[key], VALUES[key])


@pytest.mark.parametrize("key", [3, (0, 40), (0, 0, 0, 0), (..., ...), -4, "a"])
def test_what_is_not_there_is_no_part(pixels: FilePixels, key: Any) -> None:
    with pytest.raises(IndexError):
        pixels[key]


@pytest.mark.parametrize("shape", [(40, 50), (1, 40, 50), (3, 2, 20, 50), (3, 1, 2, 20, 50)])
def test_axes_before_rows_and_columns_become_one(path: Path, shape: tuple[int, ...]) -> None:
    pixels = in_file(path, shape)
    expected = VALUES.ravel()[: math.prod(shape)].reshape(-1, *shape[-2:])
    assert isinstance(pixels.as_stack(), FilePixels)
    np.testing.assert_array_equal(pixels.as_stack(), expected)
    other = np.moveaxis(np.asarray(pixels), 0, -1)
    turned = np.moveaxis(pixels, 0, -1)  # type: ignore[call-overload]
    np.testing.assert_array_equal(turned.as_stack(), other.reshape(-1, *other.shape[-2:]))


@pytest.mark.parametrize("projection", ["max", "mean", "min", "std"])
def test_a_stack_is_projected_to_the_same_bits(
    pixels: FilePixels, monkeypatch: pytest.MonkeyPatch, projection: Any
) -> None:
    monkeypatch.setattr("clem_retrace.projections.BAND_PIXELS", 3 * 50 * 7)
    found = project(pixels, projection)
    assert found.dtype == project(VALUES, projection).dtype
    np.testing.assert_array_equal(found, project(VALUES, projection))


def test_columns_may_be_one_after_the_other(path: Path) -> None:
    turned = pixels_of(path, VALUES.dtype, (50, 40), 4, (2, 100))
    np.testing.assert_array_equal(turned, VALUES[0].T)


def test_axes_that_do_not_follow_each_other_are_read_to_become_one(path: Path) -> None:
    turned = np.transpose(in_file(path, (3, 2, 20, 50)), (1, 0, 2, 3))
    assert isinstance(turned, FilePixels)
    expected = VALUES.reshape(3, 2, 20, 50).swapaxes(0, 1).reshape(6, 20, 50)
    np.testing.assert_array_equal(turned.as_stack(), expected)


@pytest.mark.parametrize("shape", [(), (0, 50), (3, -1)])
def test_a_header_that_tells_of_no_pixels_is_damaged(path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadFile, match=r"a\.raw holds no pixels, or its header is damaged"):
        pixels_of(path, VALUES.dtype, shape, 4)


def test_what_cannot_be_read_is_told(path: Path, pixels: FilePixels) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        pixels_of(path.parent, VALUES.dtype, VALUES.shape, 4)
    with pytest.raises(BadFile, match="cannot be read"):
        pixels_of(path.parent / "missing.raw", VALUES.dtype, VALUES.shape, 4)


def test_small_images_are_read_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_pixels, "SMALL", VALUES.nbytes)
    assert isinstance(pixels_of(path, VALUES.dtype, VALUES.shape, 4), np.ndarray)


def test_a_file_that_was_cut_short_is_told(path: Path, pixels: FilePixels) -> None:
    os.truncate(path, 500)
    with pytest.raises(BadFile, match=r"a\.raw was changed by another program since"):
        np.asarray(pixels[2])
    with pytest.raises(BadFile, match="open it again"):
        np.asarray(pixels[0, 0])


def test_a_file_that_was_written_over_is_told(path: Path, pixels: FilePixels) -> None:
    path.write_bytes(b"head" + VALUES[::-1].tobytes())
    later = path.stat().st_mtime + 10
    os.utime(path, (later, later))
    with pytest.raises(BadFile, match="changed by another program"):
        np.asarray(pixels)


@pytest.mark.skipif(os.name != "posix", reason="an open file stays there")
def test_a_file_that_was_deleted_or_replaced_is_still_read(path: Path, pixels: FilePixels) -> None:
    path.unlink()
    np.testing.assert_array_equal(pixels[1], VALUES[1])
    path.write_bytes(b"another")
    np.testing.assert_array_equal(pixels[2], VALUES[2])


def test_an_array_without_a_copy_is_refused(pixels: FilePixels) -> None:
    with pytest.raises(ValueError, match="cannot be had without a copy"):
        pixels.__array__(copy=False)
    assert repr(pixels) == "<FilePixels of a.raw, shape (3, 40, 50), >u2>"
