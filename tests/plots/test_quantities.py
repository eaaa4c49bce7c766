"""Lengths and probabilities in words."""

from __future__ import annotations

import pytest

from clem_retrace.plots.quantities import (
    both_lengths,
    percent,
    physical,
    round_length,
    whole_percent,
)


@pytest.mark.parametrize(
    ("pixels", "size", "digits", "words"),
    [
        (1.73, 110.0, 3, "190 nm"),
        (1.7345, 110.0, 4, "190.8 nm"),
        (9.0909, 110.0, 3, "1 \u00b5m"),
        (9.07, 110.0, 3, "998 nm"),
        (100.0, 110.0, 3, "11 \u00b5m"),
        (-20.0, 110.0, 3, "-2.2 \u00b5m"),
        (0.0, 110.0, 3, "0 nm"),
        (185.345, 110.0, 3, "20.4 \u00b5m"),
        (9090.9, 110.0, 4, "1 mm"),
        (0.001, 110.0, 3, "0.11 nm"),
        (-1.7e-13, 110.0, 3, "0 nm"),
        (5.0, None, 3, ""),
    ],
)
def test_lengths_have_a_unit_that_suits_them(pixels, size, digits, words):
    assert physical(pixels, size, digits) == words


def test_a_length_without_a_pixel_size_is_in_pixels_only():
    assert both_lengths(2.0, 10.0) == "2.00 px = 20 nm"
    assert both_lengths(2.0, None) == "2.00 px"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "below 0.1 %"),
        (0.001, "0.1 %"),
        (0.5, "50 %"),
        (0.997, "99.7 %"),
        (0.9995, "above 99.9 %"),
        (1.0, "above 99.9 %"),
    ],
)
def test_nothing_is_certain(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("share", "text"), [(0.9967, "99%"), (0.9496, "94%"), (0.95, "95%"), (0.57, "57%"), (0, "0%")]
)
def test_whole_percent_claims_no_more_than_there_is(share, text):
    assert whole_percent(share) == text


@pytest.mark.parametrize(
    ("longest", "length"), [(1, 1), (1.99, 1), (2, 2), (4.9, 2), (700, 500), (0.03, 0.02)]
)
def test_lengths_are_round(longest: float, length: float) -> None:
    assert round_length(longest) == pytest.approx(length)
