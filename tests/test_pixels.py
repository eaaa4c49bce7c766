"""Pixels of any type become float32 or missing; numbers of any type become Python's."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadFile, BadImage
from clem_retrace.pixels import LARGEST_VALUE, as_float32, is_whole, plane_of, read, real_number


@pytest.mark.parametrize("kind", ["?", "u1", "<u2", ">u2", "i8", "f2", ">f4", "f8", "longdouble"])
def test_values_stay_what_they_are_whatever_their_type(kind: str) -> None:
    given = np.array([[0, 1, 1], [1, 0, 1]]).astype(kind)
    seen = as_float32(given)
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, given.astype(float))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3.4e38, -1e300, 2 * LARGEST_VALUE])
def test_what_is_infinite_or_too_large_is_missing(value: float) -> None:
    seen = as_float32(np.array([[1.0, value], [2.0, 3.0]]))
    np.testing.assert_array_equal(np.isnan(seen), [[False, True], [False, False]])


def test_pixels_that_need_no_change_are_not_copied() -> None:
    given = np.ones((3, 4), np.float32)
    assert as_float32(given) is given


def test_what_is_masked_is_missing() -> None:
    given = np.ma.masked_array([[1, 999], [3, 4]], [[False, True], [False, False]], dtype=np.uint16)
    np.testing.assert_array_equal(plane_of(given, "the EM"), [[1, np.nan], [3, 4]])
    assert given[0, 0] == 1


def test_a_mask_that_would_be_lost_is_refused() -> None:
    array = pytest.importorskip("dask.array")
    lazy = array.from_array(np.ma.masked_array(np.ones((4, 4)), np.eye(4) > 0), asarray=False)
    with pytest.raises(BadImage, match="the EM is masked, and not in memory"):
        plane_of(lazy, "the EM")


def test_an_image_of_unknown_shape_is_refused() -> None:
    array = pytest.importorskip("dask.array")
    lazy = array.ones((4, 5), chunks=2)
    with pytest.raises(BadImage, match="does not know its shape"):
        plane_of(lazy[lazy[:, 0] > 0], "the EM")


@pytest.mark.parametrize("rows", [[[1, 2], [3]], [[1, "a"], [2, 3]], object()])
def test_what_is_no_array_of_numbers_is_refused(rows: object) -> None:
    with pytest.raises(BadImage, match="the EM"):
        plane_of(rows, "the EM")


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (np.int16(3), 3.0), (np.float32(2.5), 2.5), (Fraction(7, 2), 3.5),
     (10**400, math.inf), (-(10**400), -math.inf)],
)  # fmt: skip
def test_a_number_of_any_type_becomes_pythons(value: Any, number: float) -> None:
    assert real_number(value) == number
    assert type(real_number(value)) in (int, float)


@pytest.mark.parametrize("value", [None, True, "3", b"3", 1j, (3,), np.array([3.0]), math.nan])
def test_what_is_no_number_is_nan(value: object) -> None:
    assert math.isnan(real_number(value))


@pytest.mark.parametrize(
    ("value", "whole"), [(3, True), (np.uint8(3), True), (3.0, False), (True, False), ("3", False)]
)
def test_whole_numbers(value: object, whole: bool) -> None:
    assert is_whole(value) == whole


class Failing:
    """Pixels that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, part: object) -> None:
        raise self.error


def test_what_a_codec_says_of_damaged_pixels_names_the_image() -> None:
    pixels = Failing(RuntimeError("invalid input data"))
    with pytest.raises(BadImage, match=r"the EM cannot be read: it is damaged.*invalid input"):
        read(pixels, slice(0, 3), slice(0, 3), name="the EM")


@pytest.mark.parametrize("error", [BadFile("em.mrc was changed"), FileNotFoundError(2, "gone")])
def test_what_a_file_or_a_drive_says_is_passed_on(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        read(Failing(error), slice(0, 3))
    assert raised.value is error
