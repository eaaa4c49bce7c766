"""Distances in the three units that are quoted, and errors at targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import InvalidOption
from clem_retrace.evaluation import centre_distance, target_registration_error, targets
from clem_retrace.geometry import compose, invert, similarity, translation
from clem_retrace.micrograph import Roi

ROI = Roi(20, 30, 41, 61)
EM_TO_LM = invert(similarity(9.7, 73.0, True, ROI.centre, (1500.0, 1200.0)))


def test_the_papers_two_distances() -> None:
    """Section 4: 66 px in an EM of 4056 x 3970, and 17 px in one of 4008 x 2664."""
    first = centre_distance((1000, 1066), (1000, 1000), (3970, 4056))
    # printed as 1.18 %, which is an arithmetic slip
    assert first.percent == pytest.approx(1.163, abs=1e-3)
    assert first.nm is None
    second = centre_distance((0, 0), (8, 15), (2664, 4008), 11.3)
    assert second.pixels == pytest.approx(17)
    assert second.percent == pytest.approx(0.353, abs=1e-3)
    assert second.nm == pytest.approx(192.1)


def test_a_distance_reads_as_a_line() -> None:
    assert str(centre_distance((0, 0), (3, 4), (300, 400), 10.0)) == (
        "5.0 EM px = 50 nm = 1.00 % of the EM diagonal"
    )
    assert str(centre_distance((0, 0), (3, 4), (300, 400))) == (
        "5.0 EM px = 1.00 % of the EM diagonal"
    )


def test_a_right_registration_has_no_error() -> None:
    errors = target_registration_error(EM_TO_LM, EM_TO_LM, ROI)
    assert errors.shape == (25,)
    assert errors == pytest.approx(0, abs=1e-9)
    assert target_registration_error(EM_TO_LM, EM_TO_LM, ROI, points=3).shape == (9,)


def test_a_shift_is_the_same_everywhere_and_in_lm_pixels() -> None:
    shifted = compose(translation((0.6, -0.8)), EM_TO_LM)
    assert target_registration_error(shifted, EM_TO_LM, ROI) == pytest.approx(1.0)
    in_em = compose(EM_TO_LM, translation((9.7, 0)))
    assert target_registration_error(in_em, EM_TO_LM, ROI) == pytest.approx(1.0)


def test_a_turn_grows_with_the_distance_from_its_centre() -> None:
    turned = compose(similarity(1.0, 2.0, False, ROI.centre, ROI.centre), EM_TO_LM)
    errors = target_registration_error(turned, EM_TO_LM, ROI).reshape(5, 5)
    chord = 2 * np.sin(np.deg2rad(1.0))
    assert errors[2, 2] == pytest.approx(0, abs=1e-9)
    # the targets reach to the centres of the outermost pixels: 20 rows and 30 columns out
    assert errors[0, 0] == pytest.approx(chord * np.hypot(20, 30))
    assert errors[2, 4] == pytest.approx(chord * 30)
    assert errors[4, 2] == pytest.approx(chord * 20)


def test_the_share_of_an_em_of_unknown_size_is_not_told() -> None:
    distance = centre_distance((0, 0), (3, 4), (0, 0), 2.0)
    assert (distance.pixels, distance.nm) == (5, 10)
    assert str(distance) == "5.0 EM px = 10 nm"


@pytest.mark.parametrize(
    ("found", "size"), [((np.nan, 0), 1.0), ((0, np.inf), None), ((0, 0), -1.0), ((0, 0), "1")]
)
def test_no_distance_is_told_of_what_is_no_place(found: tuple[float, float], size: Any) -> None:
    with pytest.raises(InvalidOption, match="not known"):
        centre_distance(found, (3, 4), (10, 10), size)


def test_one_target_at_least_is_needed() -> None:
    with pytest.raises(InvalidOption, match="targets"):
        targets(Roi(0, 0, 10, 10), points=0)
