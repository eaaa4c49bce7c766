"""Registrations from places that were given by hand: from how far, and what is said of them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from clem_retrace import Memory, register_from
from clem_retrace.by_hand import register_from_steps
from clem_retrace.errors import RoiError, TransformError
from clem_retrace.evaluation import target_registration_error
from clem_retrace.events import Event, Progress, StageResult
from clem_retrace.geometry import Matrix, compose, decompose, invert, similarity
from clem_retrace.inputs import overlap_region
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.result import Registration
from clem_retrace.synthetic import Pair, simulate_pair

#: LM pixels; the issue's aim for a registration.
AIM = 0.3

SHAPES: dict[str, Any] = {
    "lm_shape": (150, 170), "em_shape": (560, 600), "roi_size": (64, 80), "ratio": 4.0,
    "angle": 33.0, "shared": 0.8,
}  # fmt: skip

QUICK = RegistrationOptions.from_paths({"context": 60.0})


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulate_pair(4, **SHAPES)


@pytest.fixture(scope="module")
def memory() -> Memory:
    """Sigmas and the decimated EM are those of one pair."""
    return Memory()


def truth(pair: Pair) -> Matrix:
    assert pair.lm_to_em is not None
    return invert(pair.lm_to_em)


def off(
    pair: Pair,
    shift: tuple[float, float] = (0.0, 0.0),
    angle: float = 0.0,
    magnification: float = 1.0,
    mirrored: bool = False,
) -> Matrix:
    """The true transform, moved on the LM about the region's centre."""
    centre = np.array(pair.roi.centre)
    return compose(
        similarity(magnification, angle, mirrored, centre, np.add(centre, shift)), truth(pair)
    )


def error(registration: Registration, pair: Pair) -> float:
    found = target_registration_error(registration.em_to_lm, truth(pair), pair.roi)
    return float(np.median(found))


def placed(
    pair: Pair, start: Matrix, options: RegistrationOptions = QUICK, **keywords: Any
) -> Registration:
    return register_from(pair.lm, pair.em, pair.roi, start, options, **keywords)


# From how far -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shift", "angle", "magnification"),
    [((0, 0), 0, 1), ((6, -5), 5, 1.05), ((-8, 0), -5, 0.95), ((22, -20), 15, 1.0)],
    ids=["right", "near", "near, too small", "far"],
)
def test_it_gets_there(
    shift: tuple[float, float], angle: float, magnification: float, pair: Pair, memory: Memory
) -> None:
    registration = placed(pair, off(pair, shift, angle, magnification), memory=memory)
    assert registration.estimate
    assert error(registration, pair) < AIM
    told = re.match(
        r"Placed by hand, and registered from there, ([\d.]+) LM px", registration.reason
    )
    assert told is not None
    # what lay at the centre goes back by the shift, and was that much larger
    away = np.hypot(*shift) / magnification
    assert float(told[1]) == pytest.approx(away, abs=AIM)


@pytest.mark.parametrize("start", ["80 pixels off", "mirrored"])
def test_where_the_images_do_not_agree_the_place_is_kept(
    start: str, pair: Pair, memory: Memory
) -> None:
    given = off(pair, (60, -50), 70) if start == "80 pixels off" else off(pair, mirrored=True)
    registration = placed(pair, given, memory=memory)
    assert registration.estimate is not None
    assert not registration.estimate
    assert registration.error is None
    np.testing.assert_array_equal(registration.em_to_lm, given)
    assert "by more than chance" in registration.reason
    assert registration.match.contrast == 0


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_an_em_of_another_place_is_not_registered(seed: int) -> None:
    other = simulate_pair(seed, present=False, **SHAPES)
    upright = similarity(0.25, 33.0, False, (280, 300), other.roi.centre)
    registration = placed(other, upright)
    assert not registration.estimate
    np.testing.assert_array_equal(registration.em_to_lm, upright)


def test_a_small_ratio_and_a_coarse_lm() -> None:
    coarse = simulate_pair(
        8, lm_shape=(150, 170), em_shape=(240, 260), roi_size=(64, 80), ratio=1.7, angle=-60.0,
        shared=0.9, mirrored=True,
    )  # fmt: skip
    registration = placed(coarse, off(coarse, (5, 4), 4))
    assert error(registration, coarse) < 1
    assert registration.match.mirrored


# What is told -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def near(pair: Pair, memory: Memory) -> Registration:
    return placed(pair, off(pair, (4, -3), 3, 1.03), memory=memory)


def test_it_is_not_called_found_and_has_no_confidence(near: Registration, pair: Pair) -> None:
    assert near.found is False
    assert near.confidence == 0
    assert near.candidates.matches == (near.match,)
    assert near.match.search == "hand"
    np.testing.assert_array_equal(near.match.em_to_lm, off(pair, (4, -3), 3, 1.03))
    assert near.estimate
    assert near.match.score == near.estimate.correlation_before
    # the simulated label is bright where the EM is dark
    assert near.match.contrast == -1
    assert near.transform.origin == "hand"
    never = replace(near.options, confidence_threshold=0.0)
    assert placed(pair, near.match.em_to_lm, never).found is False


def test_the_distance_to_the_truth_is_that_of_where_it_was_registered(
    near: Registration, pair: Pair
) -> None:
    assert pair.ground_truth is not None
    assert near.distance_to(pair.ground_truth).pixels < 4 * AIM
    unmoved = replace(near, em_to_lm=near.match.em_to_lm)
    assert unmoved.distance_to(pair.ground_truth).pixels == pytest.approx(4 * 5.0 / 1.03, rel=0.1)


def test_it_comes_back_from_its_dictionary(near: Registration) -> None:
    again = Registration.from_dict(near.to_dict())
    assert again.match.search == "hand"
    assert again.to_dict() == near.to_dict()
    np.testing.assert_array_equal(again.em_to_lm, near.em_to_lm)


def test_without_registration_the_place_is_the_answer(pair: Pair, memory: Memory) -> None:
    given = off(pair, (20, 30), 12, mirrored=True)
    options = RegistrationOptions.from_paths({"affine.enabled": False})
    registration = placed(pair, given, options, memory=memory)
    np.testing.assert_array_equal(registration.em_to_lm, given)
    assert registration.estimate is None
    assert (registration.match.score, registration.match.contrast) == (0, 0)
    assert registration.reason.startswith("Placed by hand, and not registered.")
    assert "registration" not in registration.timings


def test_pixel_sizes_need_not_be_known(near: Registration, pair: Pair) -> None:
    bare = replace(pair, lm=replace(pair.lm, pixel_size=None), em=replace(pair.em, pixel_size=None))
    start = off(pair, (4, -3), 3, 1.03)
    registration = placed(bare, start)
    assert registration.ratio == pytest.approx(decompose(invert(start)).magnification)
    assert error(registration, pair) < AIM
    assert near.ratio == pytest.approx(4.0)


def test_a_ratio_that_is_far_off_does_no_harm(pair: Pair) -> None:
    """The working copy of the EM is made for the start, where the ratio would make it coarse."""
    wrong = replace(QUICK, pixel_size_ratio=9.0)
    registration = placed(pair, off(pair, (4, -3), 3), wrong)
    assert registration.ratio == 9.0
    assert error(registration, pair) < AIM


def test_all_that_both_images_show_is_a_region_too(pair: Pair, memory: Memory) -> None:
    start = off(pair, (5, -4), 3)
    region = overlap_region(pair.lm.shape, pair.em.shape, start)
    assert region.outline
    registration = placed(replace(pair, roi=region), start, memory=memory)
    assert registration.roi.outline == region.outline
    assert error(registration, pair) < AIM


def test_a_large_region_is_registered_from_its_middle_and_then_whole() -> None:
    """At 5 degrees its corners are 20 LM pixels off."""
    large = simulate_pair(
        6, lm_shape=(300, 380), em_shape=(960, 1020), roi_size=(230, 300), ratio=2.5, angle=33.0,
        shared=0.8,
    )  # fmt: skip
    registration = placed(large, off(large, (5, -4), 5))
    assert error(registration, large) < AIM
    # The estimate is that of all of it: its corners fit too.
    found = target_registration_error(registration.em_to_lm, truth(large), large.roi)
    assert found.max() < 2 * AIM
    assert registration.estimate is not None
    assert registration.match.score == registration.estimate.correlation_before


def test_a_sliver_of_the_em_over_a_large_region_is_no_place(pair: Pair, memory: Memory) -> None:
    """Less than a row of the EM, and none of its working copy, which ends before it."""
    em = replace(pair.em, data=np.asarray(pair.em.data)[:557])
    start = np.diag([0.25, 0.25, 1.0])
    start[0, 2] = -0.5 + 0.2 - 556.5 / 4
    large = replace(pair, em=em, roi=Roi(0, 0, *pair.lm.shape))
    registration = placed(large, start, memory=memory)
    assert not registration.estimate
    np.testing.assert_array_equal(registration.em_to_lm, start)


def test_mistakes_are_told(pair: Pair) -> None:
    for wrong in (np.zeros((3, 3)), np.eye(2), np.full((3, 3), np.nan)):
        with pytest.raises(TransformError):
            placed(pair, wrong)
    with pytest.raises(RoiError, match="outside the EM image"):
        placed(pair, off(pair, (400, 0)))
    with pytest.raises(RoiError, match="outside the LM image"):
        placed(replace(pair, roi=replace(pair.roi, row=900.0)), truth(pair))


# Events, memory, stops ----------------------------------------------------------------------


def test_events_tell_of_no_search(pair: Pair) -> None:
    events: list[Event] = []
    registration = placed(pair, off(pair, (25, 0), 10), on_event=events.append)
    results = [event for event in events if isinstance(event, StageResult)]
    assert [event.stage for event in results] == ["LM scale", "EM scale", "registration"]
    assert results[-1].value is registration.estimate
    stages = {event.stage for event in events if isinstance(event, Progress)}
    assert "registration from farther away" in stages
    assert all(0 <= e.done <= e.total for e in events if isinstance(e, Progress))


def test_the_memory_spares_the_same_work(pair: Pair) -> None:
    memory, start = Memory(), off(pair, (5, 5), 2)
    first = placed(pair, start, memory=memory)
    events: list[Event] = []
    again = placed(pair, start, memory=memory, on_event=events.append)
    assert not any(isinstance(event, Progress) for event in events)
    np.testing.assert_array_equal(again.em_to_lm, first.em_to_lm)
    # Another start needs no other sigma, and no other copy of the EM.
    placed(pair, off(pair, (4, 5), 2), memory=memory, on_event=events.append)
    assert {e.stage for e in events if isinstance(e, Progress)} == {"registration"}


def test_a_stop_in_any_stage_does_no_harm(pair: Pair) -> None:
    arguments = (pair.lm, pair.em, pair.roi, off(pair, (20, 0), 8), QUICK)
    events = [(type(event), event.stage) for event in register_from_steps(*arguments)]
    wanted = dict.fromkeys(events)
    assert len(wanted) > 5
    for kind in wanted:
        generator = register_from_steps(*arguments)
        list(islice(generator, events.index(kind) + 1))
        generator.close()
        assert next(generator, None) is None
