"""From two images and a region to a registration: stages, mistakes, kinds of input, stops."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace import low_pass
from clem_retrace.decimating import decimate
from clem_retrace.errors import (
    BadImage,
    ClemRetraceError,
    InvalidOption,
    MissingPixelSize,
    PatchLargerThanEM,
    RoiError,
)
from clem_retrace.evaluation import target_registration_error
from clem_retrace.events import Event, Progress, StageResult
from clem_retrace.geometry import compose, decompose, invert, similarity
from clem_retrace.inputs import resolve_ratio
from clem_retrace.memory import Memory
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import PRESETS, RegistrationOptions
from clem_retrace.pipeline import refine, register, steps
from clem_retrace.representation import Representation, ScaleSelection
from clem_retrace.result import Registration
from clem_retrace.retracing import Candidates, Match
from clem_retrace.synthetic import Pair, simulate_pair

RATIO = 4.0

#: LM pixels; the issue's aim for a registration.
AIM = 0.3


def options(**paths: Any) -> RegistrationOptions:
    """Return options by full name, ``__`` for the dot, quick unless they say otherwise."""
    quick = {"search": "oriented", "ratio_uncertainty": 0.0, "context": 60.0}
    return RegistrationOptions.from_paths(
        quick | {name.replace("__", "."): value for name, value in paths.items()}
    )


def error(registration: Registration, pair: Pair) -> float:
    """Return the median target registration error, LM pixels."""
    assert pair.lm_to_em is not None
    found = target_registration_error(registration.em_to_lm, invert(pair.lm_to_em), pair.roi)
    return float(np.median(found))


def run(pair: Pair, chosen: RegistrationOptions | None = None, **changes: Any) -> Registration:
    changed = replace(pair, **changes)
    return register(changed.lm, changed.em, changed.roi, chosen or options())


def changed_em(pair: Pair, change: Callable[[NDArray[Any]], Any]) -> Micrograph:
    return Micrograph(change(np.array(pair.em.data)), pair.em.pixel_size, pair.em.name)


def changed_lm(pair: Pair, change: Callable[[NDArray[Any]], Any]) -> Micrograph:
    return Micrograph(change(np.array(pair.lm.data)), pair.lm.pixel_size, pair.lm.name)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulate_pair(
        4, lm_shape=(150, 170), em_shape=(560, 600), roi_size=(64, 80), ratio=RATIO, angle=33.0,
        shared=0.8,
    )  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Pair:
    return simulate_pair(
        5, lm_shape=(64, 70), em_shape=(210, 220), roi_size=(28, 32), ratio=RATIO, angle=33.0,
        shared=0.8,
    )  # fmt: skip


@pytest.fixture(scope="module")
def oriented(pair: Pair) -> Registration:
    """The quick run that the variations are compared with."""
    return run(pair)


@pytest.fixture(scope="module")
def default(pair: Pair) -> tuple[Registration, list[Event]]:
    """A run with the default options, and its events."""
    events: list[Event] = []
    return register(pair.lm, pair.em, pair.roi, on_event=events.append), events


# The stages ---------------------------------------------------------------------------------


def test_by_default_the_region_is_found_and_registered(
    default: tuple[Registration, list[Event]], pair: Pair
) -> None:
    registration, _ = default
    assert registration.found
    assert registration.estimate
    assert error(registration, pair) < AIM
    assert registration.options == RegistrationOptions()
    assert registration.ratio == pytest.approx(RATIO)
    assert {match.search for match in registration.candidates.matches} == {"oriented", "histogram"}
    assert registration.match is registration.candidates.best
    assert registration.confidence == registration.match.confidence
    assert "stands out" in registration.reason


RESULTS: dict[str, type] = {
    "LM scale": ScaleSelection,
    "EM scale": ScaleSelection,
    "LM representation": Representation,
    "EM representation": Representation,
    "histogram search": Candidates,
    "oriented search": Candidates,
    "candidates": Candidates,
    "registration": object,
}


def test_events_come_in_the_order_of_the_stages(default: tuple[Registration, list[Event]]) -> None:
    registration, events = default
    results = [event for event in events if isinstance(event, StageResult)]
    assert [event.stage for event in results] == list(RESULTS)
    for event in results:
        assert isinstance(event.value, RESULTS[event.stage])
    by_stage = {event.stage: event.value for event in results}
    assert by_stage["LM scale"] is registration.lm_scale
    assert by_stage["EM scale"] is registration.em_scale
    assert by_stage["candidates"] is registration.candidates
    assert by_stage["registration"] is registration.estimate
    assert events[-1] is results[-1]


def test_progress_is_within_its_bounds(default: tuple[Registration, list[Event]]) -> None:
    progress = [event for event in default[1] if isinstance(event, Progress)]
    assert len(progress) > 30
    assert all(0 <= event.done <= event.total for event in progress)
    for one, after in pairwise(progress):
        if one.stage == after.stage and one.total == after.total:
            assert one.done <= after.done


def test_the_seconds_of_each_stage_are_kept(default: tuple[Registration, list[Event]]) -> None:
    assert list(default[0].timings) == [
        "scale selection", "EM decimation", "histogram search", "oriented search", "registration",
    ]  # fmt: skip
    assert all(0 < seconds < 60 for seconds in default[0].timings.values())


def test_the_generator_returns_what_the_function_does(pair: Pair, oriented: Registration) -> None:
    events, generator = [], steps(pair.lm, pair.em, pair.roi, options())
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            result = stop.value
            break
    np.testing.assert_array_equal(result.em_to_lm, oriented.em_to_lm)
    assert result.confidence == oriented.confidence
    assert [event.stage for event in events if isinstance(event, StageResult)] == [
        "LM scale", "EM scale", "oriented search", "candidates", "registration",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["experiment 1", "experiment 2"])
def test_the_papers_searches_run_alone(name: str, pair: Pair) -> None:
    events: list[Event] = []
    registration = register(pair.lm, pair.em, pair.roi, PRESETS[name], on_event=events.append)
    assert {match.search for match in registration.candidates.matches} == {"histogram"}
    scores = [match.score for match in registration.candidates.matches]
    assert scores == sorted(scores, reverse=True)
    stages = [event.stage for event in events if isinstance(event, StageResult)]
    assert "oriented search" not in stages
    assert "histogram search" in stages
    # a histogram tells a quarter turn at most
    assert registration.match.angle % 90 == pytest.approx(0, abs=1e-6)
    # whether it is right is told by the other search; then the registration gets there
    if registration.found:
        assert error(registration, pair) < 1


def test_a_region_that_is_not_there_is_a_result_too() -> None:
    absent = simulate_pair(
        4, lm_shape=(150, 170), em_shape=(560, 600), roi_size=(64, 80), ratio=RATIO, angle=33.0,
        shared=0.8, present=False,
    )  # fmt: skip
    registration = run(absent)
    assert not registration.found
    assert len(registration.candidates.matches) > 3
    assert registration.reason
    assert "stands out from all others" not in registration.reason
    assert np.isfinite(registration.em_to_lm).all()


def test_a_sigma_that_was_typed_in_is_taken(pair: Pair, oriented: Registration) -> None:
    given = run(pair, options(representation__lm_sigma=1.44, representation__em_sigma=6.19))
    assert (given.lm_scale.sigma, given.em_scale.sigma) == (1.44, 6.19)
    np.testing.assert_array_equal(given.lm_scale.counts, oriented.lm_scale.counts)
    assert oriented.lm_scale.sigma != 1.44


# Registration, and what happens without it --------------------------------------------------


def test_a_failed_registration_falls_back_to_the_match_and_says_so(pair: Pair) -> None:
    registration = run(pair, options(affine__minimum_support=1.0))
    assert registration.estimate is not None
    assert not registration.estimate
    assert registration.found
    np.testing.assert_allclose(registration.em_to_lm, registration.match.em_to_lm, atol=1e-9)
    assert "registration failed" in registration.reason
    assert registration.estimate.message in registration.reason
    # the match alone is good to a pixel or two
    assert error(registration, pair) < 2


def test_without_registration_the_match_is_the_answer(pair: Pair, oriented: Registration) -> None:
    registration = run(pair, options(affine__enabled=False))
    assert registration.estimate is None
    np.testing.assert_array_equal(registration.em_to_lm, registration.match.em_to_lm)
    np.testing.assert_array_equal(registration.match.em_to_lm, oriented.match.em_to_lm)
    assert "registration" not in registration.timings


def test_the_registration_improves_on_the_match(pair: Pair, oriented: Registration) -> None:
    assert oriented.estimate
    # Tukey's weights leave out what a plain correlation counts.
    assert oriented.estimate.correlation > 0.95 * oriented.estimate.correlation_before
    np.testing.assert_array_equal(oriented.em_to_lm, oriented.estimate.matrix)
    assert error(oriented, pair) < AIM
    match = replace(oriented, em_to_lm=oriented.match.em_to_lm)
    assert error(oriented, pair) <= error(match, pair) + 0.02


@pytest.mark.parametrize("search", ["oriented", "histogram", "hand"])
def test_a_place_given_by_hand_is_refined(search: Any, pair: Pair) -> None:
    assert pair.lm_to_em is not None
    centre = np.array(pair.roi.centre)
    moved = similarity(1.03, 3.0, False, centre, np.add(centre, (4.0, -3.0)))
    if search == "histogram":  # which tells neither half turn nor mirror
        moved = compose(moved, similarity(1.0, 180.0, True, centre, centre))
    start = Match(pair.roi, invert(compose(pair.lm_to_em, moved)), 0.0, 0.0, 0, search)
    estimate = refine(pair.lm, pair.em, start)
    assert estimate
    found = target_registration_error(estimate.matrix, invert(pair.lm_to_em), pair.roi)
    assert np.median(found) < AIM
    assert estimate.gain < 0
    assert decompose(estimate.matrix).mirrored is False


def test_a_person_may_take_another_candidate(pair: Pair, oriented: Registration) -> None:
    registration = register(pair.lm, pair.em, pair.roi, options(), take=2)
    second = registration.candidates.matches[1]
    assert registration.match is second
    assert registration.confidence == second.confidence
    assert registration.found is (second.confidence >= 0.95)
    assert registration.reason.startswith(
        f"Candidate 2 of {len(registration.candidates.matches)} was taken by hand."
    )
    assert registration.estimate is not None
    assert ("registration failed" in registration.reason) is not bool(registration.estimate)
    np.testing.assert_array_equal(
        [match.em_to_lm for match in registration.candidates.matches],
        [match.em_to_lm for match in oriented.candidates.matches],
    )
    assert not np.allclose(registration.em_to_lm, oriented.em_to_lm)


@pytest.mark.parametrize("rank", [-1, 0, 11])
def test_a_candidate_that_cannot_be_listed_is_refused_at_once(rank: int, pair: Pair) -> None:
    generator = steps(pair.lm, pair.em, pair.roi, take=rank)
    with pytest.raises(InvalidOption, match=f"candidate {rank} is to be taken: there are 10"):
        next(generator)


def test_a_candidate_that_was_not_found_is_refused(pair: Pair) -> None:
    several = options(search="histogram", candidates=100, affine__enabled=False)
    count = len(run(pair, several).candidates.matches)
    assert count < 100
    with pytest.raises(InvalidOption, match=f"there are {count}"):
        register(pair.lm, pair.em, pair.roi, several, take=count + 1)


# With a memory ------------------------------------------------------------------------------

#: What each part of a run reports its progress as.
SCALES = {"LM scale", "EM scale"}
DECIMATION = {"EM decimation"}
REPRESENTATIONS = {"LM representation", "EM representation"}
SEARCHES = {"histogram search", "oriented search"}
REGISTRATION = {"registration"}
EVERYTHING = SCALES | DECIMATION | REPRESENTATIONS | SEARCHES | REGISTRATION

#: A second run, what it differs in from the first, and what it has to run again.
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "threshold": ({"confidence_threshold": 0.3}, set()),
    "given LM sigma": (
        {"representation__lm_sigma": 1.8},
        {"LM representation", "EM representation", "histogram search"},
    ),
    # the matched search is at the LM's sigma
    "given EM sigma": ({"representation__em_sigma": 5.0}, set()),
    "ladder": ({"representation__max_sigma": 8.0}, SCALES),
    "EM structures": ({"representation__em_structures": "dark"}, {"EM scale"}),
    "bins": ({"histogram__bins": 32}, {"histogram search"}),
    "mirror": ({"oriented__mirror": "no"}, {"oriented search"} | REGISTRATION),
    "context": ({"context": 50.0}, {"oriented search"} | REGISTRATION),
    "ratio": (
        {"pixel_size_ratio": 4.2},
        EVERYTHING - SCALES - {"LM representation"},
    ),
    "registration's sigma": ({"affine__sigma": 1.5}, REGISTRATION),
    "no registration": ({"affine__enabled": False}, set()),
    "one search": ({"search": "oriented"}, set()),
    "unmatched": ({"histogram__matched": False}, REPRESENTATIONS | {"histogram search"}),
}


def parts(events: list[Event]) -> set[str]:
    """Return what has run, as far as its progress tells."""
    stages = {event.stage.split(",")[0] for event in events if isinstance(event, Progress)}
    assert stages <= EVERYTHING
    return stages


def assert_same(one: Registration, other: Registration) -> None:
    """All but the seconds."""
    ones, others = one.to_dict(), other.to_dict()
    assert ones.pop("timings").keys() == others.pop("timings").keys()
    assert ones == others
    np.testing.assert_array_equal(one.candidates.similarity, other.candidates.similarity)


@pytest.fixture(scope="module")
def remembered(small: Pair) -> Memory:
    """The memory of one run of both searches."""
    memory = Memory()
    events: list[Event] = []
    register(
        small.lm, small.em, small.roi, options(search="both"), memory=memory,
        on_event=events.append,
    )  # fmt: skip
    assert parts(events) == EVERYTHING
    return memory


@pytest.mark.parametrize("change", CHANGES)
def test_what_did_not_change_is_not_run_again_and_the_result_is_the_same(
    change: str, small: Pair, remembered: Memory
) -> None:
    paths, again = CHANGES[change]
    chosen = options(**({"search": "both"} | paths))
    warm: list[Event] = []
    cold: list[Event] = []
    recalled = register(
        small.lm, small.em, small.roi, chosen, memory=remembered, on_event=warm.append
    )
    fresh = register(small.lm, small.em, small.roi, chosen, on_event=cold.append)
    assert parts(warm) == again
    assert_same(recalled, fresh)
    # intermediate results arrive all the same
    results = [[event for event in run if isinstance(event, StageResult)] for run in (warm, cold)]
    assert [event.stage for event in results[0]] == [event.stage for event in results[1]]
    for one, other in zip(*results, strict=True):
        assert type(one.value) is type(other.value)
        if isinstance(one.value, Representation):
            np.testing.assert_array_equal(one.value.log, other.value.log)


def test_another_region_and_another_candidate_reuse_what_they_can(small: Pair) -> None:
    memory, chosen = Memory(), options(search="both")
    first = register(small.lm, small.em, small.roi, chosen, memory=memory)
    events: list[Event] = []
    roi = Roi(small.roi.row + 2, small.roi.col - 1, small.roi.height, small.roi.width)
    moved = register(small.lm, small.em, roi, chosen, memory=memory, on_event=events.append)
    assert parts(events) == SEARCHES | REGISTRATION
    assert_same(moved, register(small.lm, small.em, roi, chosen))
    events.clear()
    found = [match.search for match in first.candidates.matches]
    rank = 2 + found[1:].index("oriented")  # one of the other search may be at the same place
    taken = register(
        small.lm, small.em, small.roi, chosen, take=rank, memory=memory, on_event=events.append
    )
    assert parts(events) == REGISTRATION
    assert_same(taken, register(small.lm, small.em, small.roi, chosen, take=rank))


@pytest.mark.parametrize("which", ["lm", "em"])
def test_an_image_changed_in_place_is_read_anew(which: str, small: Pair) -> None:
    memory, chosen = Memory(), options(search="both")
    lm, em = (replace(one, data=np.array(one.data)) for one in (small.lm, small.em))
    register(lm, em, small.roi, chosen, memory=memory)
    changed = {"lm": lm, "em": em}[which].data
    changed[20:40, 20:40] = changed[20:40, 20:40].T.copy()
    events: list[Event] = []
    warm = register(lm, em, small.roi, chosen, memory=memory, on_event=events.append)
    assert f"{which.upper()} scale" in parts(events)
    assert {"lm": "EM scale", "em": "LM scale"}[which] not in parts(events)
    assert_same(warm, register(lm, em, small.roi, chosen))


def test_a_lazy_em_is_not_read_to_know_it(small: Pair) -> None:
    memory, chosen = Memory(), options(search="both")
    watched = Watched(da.from_array(np.asarray(small.em.data), chunks=64))
    em = replace(small.em, data=watched)
    first = register(small.lm, em, small.roi, chosen, memory=memory)
    read = watched.read
    assert read > 0
    assert_same(register(small.lm, em, small.roi, chosen, memory=memory), first)
    assert watched.read == read


def test_a_place_given_by_hand_is_recalled_too(small: Pair) -> None:
    memory = Memory()
    match = run(small).match
    first = refine(small.lm, small.em, match, memory=memory)
    assert len(memory) == 2
    assert refine(small.lm, small.em, match, memory=memory) is first
    other = refine(small.lm, small.em, match, options(affine__sigma=1.5), memory=memory)
    assert len(memory) == 3
    np.testing.assert_array_equal(
        other.matrix, refine(small.lm, small.em, match, options(affine__sigma=1.5)).matrix
    )


def test_runs_that_are_stopped_anywhere_leave_whole_results_or_none(small: Pair) -> None:
    chosen = options(oriented__mirror="no", oriented__contrast="inverted", oriented__angle=33.0)
    expected = register(small.lm, small.em, small.roi, chosen)
    total = len(list(steps(small.lm, small.em, small.roi, chosen)))
    memory = Memory()
    kept = [0]
    for count in range(0, total, 7):
        # Each goes further than the last, and starts from what that has left.
        generator = steps(small.lm, small.em, small.roi, chosen, memory=memory)
        for event in islice(generator, count):
            assert event is not None
        generator.close()
        assert len(memory) >= kept[-1]
        kept.append(len(memory))
    assert len(set(kept)) > 3
    assert_same(register(small.lm, small.em, small.roi, chosen, memory=memory), expected)


def test_two_runs_at_once_share_a_memory(small: Pair) -> None:
    """Their events taken in turn, as two threads would."""
    memory, chosen = Memory(), options(search="both")
    generators = [steps(small.lm, small.em, small.roi, chosen, memory=memory) for _ in range(2)]
    results: list[Registration] = []
    while generators:
        for generator in list(generators):
            try:
                next(generator)
            except StopIteration as stop:
                generators.remove(generator)
                results.append(stop.value)
    assert_same(*results)
    assert_same(results[0], register(small.lm, small.em, small.roi, chosen))


# What the user knows ------------------------------------------------------------------------


def test_the_threshold_is_what_found_means(pair: Pair, oriented: Registration) -> None:
    assert oriented.found
    assert oriented.confidence < 1
    assert not run(pair, options(confidence_threshold=1.0)).found
    assert run(pair, options(confidence_threshold=oriented.confidence)).found


def test_restrictions_are_honoured(pair: Pair) -> None:
    wrong = run(
        pair, options(oriented__mirror="yes", oriented__contrast="same", oriented__angle=180.0)
    )
    assert all(match.mirrored and match.contrast == 1 for match in wrong.candidates.matches)
    # 10 degrees to either side by default; the growth may turn a place by some more
    assert all(abs(match.angle) > 140 for match in wrong.candidates.matches)
    assert not wrong.found


@pytest.mark.parametrize("uncertainty", [0.15, 0.0])
def test_to_know_the_orientation_does_not_lose_the_region(uncertainty: float, pair: Pair) -> None:
    told = options(
        oriented__mirror="no", oriented__contrast="inverted", oriented__angle=30.0,
        ratio_uncertainty=uncertainty,
    )  # fmt: skip
    registration = run(pair, told)
    assert error(registration, pair) < AIM
    assert registration.found


def test_without_context_the_region_alone_is_compared(pair: Pair) -> None:
    registration = run(pair, options(context=0.0))
    # 64 x 80 pixels, and a fifth of the structures in one image only
    assert error(registration, pair) < 1


def test_the_number_of_candidates_is_kept(pair: Pair) -> None:
    assert len(run(pair, options(candidates=2, search="both")).candidates.matches) == 2


def test_the_ratio_can_be_told(pair: Pair, oriented: Registration) -> None:
    unknown = {"lm": Micrograph(pair.lm.data), "em": Micrograph(pair.em.data)}
    registration = run(pair, options(pixel_size_ratio=RATIO), **unknown)
    np.testing.assert_allclose(registration.em_to_lm, oriented.em_to_lm)
    assert registration.em.pixel_size is None
    # it overrides pixel sizes
    assert resolve_ratio(pair.lm, pair.em, options(pixel_size_ratio=7.5)) == 7.5


# Mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["lm", "em"])
def test_an_unknown_pixel_size_is_named(which: str, pair: Pair) -> None:
    without = {which: Micrograph(getattr(pair, which).data)}
    with pytest.raises(MissingPixelSize, match=f"the {which.upper()} image is not known"):
        run(pair, **without)


def test_both_unknown(pair: Pair) -> None:
    with pytest.raises(MissingPixelSize, match="LM and the EM"):
        run(pair, lm=Micrograph(pair.lm.data), em=Micrograph(pair.em.data))


def test_swapped_pixel_sizes_are_noticed(pair: Pair) -> None:
    lm, em = pair.lm, pair.em
    with pytest.raises(MissingPixelSize, match="swapped"):
        run(pair, lm=Micrograph(lm.data, em.pixel_size), em=Micrograph(em.data, lm.pixel_size))


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        (Roi(400, 10, 40, 40), "outside"),
        (Roi(-39, 10, 40, 40), "1 x 40"),
        (Roi(9, 9, 5, 50), "5 x"),
    ],
)
def test_regions_that_cannot_be_searched_for(roi: Roi, words: str, pair: Pair) -> None:
    with pytest.raises(RoiError, match=words):
        run(pair, roi=roi)


def test_a_region_over_the_edge_is_clipped(pair: Pair) -> None:
    beyond = Roi(100, 120, 80, 90)
    registration = run(pair, options(affine__enabled=False), roi=beyond)
    assert registration.roi == Roi(100, 120, 50, 50)
    assert registration.match.roi == registration.roi


def test_a_patch_larger_than_the_em(pair: Pair) -> None:
    with pytest.raises(PatchLargerThanEM, match=re.escape("150 x 170 LM pixels")):
        run(pair, options(ratio_uncertainty=0.05), roi=Roi(0, 0, 150, 170))
    # the ratio may be smaller than it is said to be: then it may fit
    assert run(pair, options(ratio_uncertainty=0.15), roi=Roi(0, 0, 150, 170)).candidates.matches


@pytest.mark.parametrize("search", ["oriented", "histogram"])
@pytest.mark.parametrize("value", [0.0, 117.0, np.nan, np.inf])
@pytest.mark.parametrize("which", ["lm", "em"])
def test_constant_and_empty_images_are_refused_by_name(
    which: str, value: float, search: str, pair: Pair
) -> None:
    image = getattr(pair, which)
    flat = replace(image, data=np.full(image.shape, value, np.float32), name="section 7")
    with pytest.raises(BadImage, match="section 7"):
        run(pair, options(search=search), **{which: flat})


def test_every_mistake_is_an_error_of_ours() -> None:
    for error_type in (BadImage, MissingPixelSize, PatchLargerThanEM, RoiError):
        assert issubclass(error_type, ClemRetraceError)
        assert issubclass(error_type, ValueError)


# Kinds of input -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", ">i2", "float16", ">f8"])
def test_number_types_give_the_same_answer(dtype: str, pair: Pair, oriented: Registration) -> None:
    """Both images are rounded to 200 grey levels, which changes little."""

    def levels(image: NDArray[Any]) -> NDArray[Any]:
        low, high = np.percentile(image, (0.1, 99.9))
        return np.clip(np.round(200 * (image - low) / (high - low)), 0, 200).astype(dtype)

    registration = run(pair, lm=changed_lm(pair, levels), em=changed_em(pair, levels))
    assert registration.found
    assert error(registration, pair) < AIM
    apart = target_registration_error(registration.em_to_lm, oriented.em_to_lm, pair.roi)
    assert apart.max() < 0.1


def test_masks_are_images_too(pair: Pair) -> None:
    """The structures are the brightest fifth of the LM and the darkest of the EM."""
    registration = run(
        pair,
        lm=changed_lm(pair, lambda image: image > np.percentile(image, 80)),
        em=changed_em(pair, lambda image: image > np.percentile(image, 20)),
    )
    assert error(registration, pair) < 1


@pytest.mark.parametrize("search", ["both", "oriented"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parts_without_values_are_tolerated(value: float, search: str, pair: Pair) -> None:
    assert pair.ground_truth is not None
    truth = pair.ground_truth

    def em_with_holes(image: NDArray[Any]) -> NDArray[Any]:
        image = image.astype(np.float32)
        image[:, : int(truth.col + 0.2 * truth.width)] = value  # a fifth of the patch
        image[300:310, 400:410] = value
        return image

    def lm_with_holes(image: NDArray[Any]) -> NDArray[Any]:
        image = image.astype(np.float32)
        image[:12] = value
        image[80, 90] = value
        return image

    registration = run(
        pair, options(search=search), lm=changed_lm(pair, lm_with_holes),
        em=changed_em(pair, em_with_holes),
    )  # fmt: skip
    assert error(registration, pair) < 1
    assert registration.found


def test_an_em_hardly_finer_than_the_lm() -> None:
    """No decimation comes before the stages; what is not finite must be missing all the same."""
    coarse = simulate_pair(
        8, lm_shape=(150, 170), em_shape=(240, 260), roi_size=(64, 80), ratio=1.7, angle=-60.0,
        shared=0.9,
    )  # fmt: skip

    def holed(image: NDArray[Any]) -> NDArray[Any]:
        image = image.astype(np.float32)
        image[:, :9], image[:9] = np.inf, np.nan
        return image

    registration = run(coarse, options(search="both"), em=changed_em(coarse, holed))
    assert error(registration, coarse) < 1
    assert registration.ratio == pytest.approx(1.7)


def test_the_images_are_not_changed(pair: Pair) -> None:
    lm, em = np.array(pair.lm.data, np.float32), np.array(pair.em.data, np.float32)
    lm[3, 3] = em[3, 3] = np.nan
    before = lm.copy(), em.copy()
    lm.flags.writeable = em.flags.writeable = False
    run(pair, options(search="both"), lm=replace(pair.lm, data=lm), em=replace(pair.em, data=em))
    np.testing.assert_array_equal(lm, before[0])
    np.testing.assert_array_equal(em, before[1])


class Watched:
    """An image that is read in parts, and says how large they were."""

    def __init__(self, data: Any) -> None:
        self.data, self.shape, self.dtype = data, data.shape, data.dtype
        self.largest = self.read = 0

    def __getitem__(self, key: Any) -> Any:
        part = self.data[key]
        self.largest = max(self.largest, part.size)
        self.read += part.size
        return part

    def __array__(self, *args: Any, **keywords: Any) -> Any:
        raise AssertionError("the whole image was read at once")


@pytest.mark.parametrize("matched", [True, False])
def test_dask_gives_the_same_answer_and_is_read_in_parts(
    matched: bool, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = options(search="both", histogram__matched=matched)
    expected = run(pair, chosen)
    # The strips are as small for this image as they are for one of a hundred megapixels.
    monkeypatch.setattr(low_pass, "STRIP_PIXELS", 1 << 14)
    data = np.asarray(pair.em.data)
    watched = Watched(da.from_array(data, chunks=(128, 100)))
    registration = run(pair, chosen, em=replace(pair.em, data=watched))
    np.testing.assert_allclose(registration.em_to_lm, expected.em_to_lm, atol=1e-5)
    assert registration.confidence == pytest.approx(expected.confidence, abs=1e-4)
    assert watched.read > 0
    if matched:
        # the scale is chosen, and the image decimated, once each
        assert watched.read < 3 * data.size
    plain = run(pair, chosen, em=replace(pair.em, data=da.from_array(data, chunks=200)))
    np.testing.assert_allclose(plain.em_to_lm, expected.em_to_lm, atol=1e-5)


def test_a_dask_em_is_decimated_in_strips(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_pass, "STRIP_PIXELS", 1 << 14)
    watched = Watched(da.from_array(np.asarray(pair.em.data), chunks=(128, 100)))
    image, _ = decimate(replace(pair.em, data=watched), 2.0)
    whole, _ = decimate(pair.em, 2.0)
    np.testing.assert_allclose(image, whole, rtol=1e-6)
    assert watched.largest <= 1 << 14


def test_of_a_multiscale_em_the_level_that_is_needed_is_read(pair: Pair) -> None:
    # Magnified by 4 by repeating pixels: a ratio of 16, so that levels are of use.
    data = np.asarray(pair.em.data, np.float32)
    fine = np.kron(data, np.ones((4, 4), np.float32))
    half = fine.reshape(data.shape[0] * 2, 2, -1, 2).mean(axis=(1, 3))
    assert pair.em.pixel_size is not None
    finest, level = Watched(da.from_array(fine, chunks=512)), Watched(data)
    em = Micrograph(finest, pair.em.pixel_size / 4, levels=[half, level])
    chosen = options(representation__em_sigma=6.0)
    registration = run(pair, chosen, em=em)
    single = run(pair, chosen, em=Micrograph(fine, em.pixel_size))
    assert pair.lm_to_em is not None
    magnified = compose(similarity(4.0, 0.0, False, (-0.5, -0.5), (-0.5, -0.5)), pair.lm_to_em)
    for one in (registration, single):
        found = target_registration_error(one.em_to_lm, invert(magnified), pair.roi)
        assert np.median(found) < AIM
    apart = target_registration_error(registration.em_to_lm, single.em_to_lm, pair.roi)
    assert apart.max() < 0.05
    # 16 EM pixels an LM pixel, worked on at 2: read from the level that is 4 to a pixel
    assert level.read == data.size
    # the finest is only looked at to choose a scale, in tiles
    assert finest.read < 2.5 * fine.size


# Stops --------------------------------------------------------------------------------------


def test_a_stop_at_any_event_does_no_harm(small: Pair) -> None:
    chosen = options(oriented__mirror="no", oriented__contrast="inverted", oriented__angle=33.0)
    before = register(small.lm, small.em, small.roi, chosen)
    total = len(list(steps(small.lm, small.em, small.roi, chosen)))
    assert total > 20
    for count in range(total + 1):
        generator = steps(small.lm, small.em, small.roi, chosen)
        assert len(list(islice(generator, count))) == count
        generator.close()
        assert next(generator, None) is None
    after = register(small.lm, small.em, small.roi, chosen)
    np.testing.assert_array_equal(after.em_to_lm, before.em_to_lm)
    assert after.confidence == before.confidence


def test_a_stop_in_every_stage_of_both_searches_does_no_harm(small: Pair) -> None:
    chosen = options(search="both")
    stages = [(type(e), e.stage) for e in steps(small.lm, small.em, small.roi, chosen)]
    assert len(set(stages)) > 12
    for wanted in dict.fromkeys(stages):
        generator = steps(small.lm, small.em, small.roi, chosen)
        for event in generator:
            if (type(event), event.stage) == wanted:
                break
        generator.close()
        assert next(generator, None) is None


def test_a_listener_that_raises_stops_the_run(small: Pair) -> None:
    class Enough(Exception):
        pass

    seen = []

    def listen(event: Event) -> None:
        seen.append(event)
        if len(seen) == 5:
            raise Enough

    with pytest.raises(Enough):
        register(small.lm, small.em, small.roi, options(), on_event=listen)
    assert len(seen) == 5
