"""Hostile inputs to whole runs: a result that holds together, or an error that says why."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.by_hand import register_from
from clem_retrace.events import StageResult
from clem_retrace.geometry import as_transform, similarity
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import refine, register
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.result import Registration
from clem_retrace.retracing import Match

from .conftest import cases
from .strategies import (
    HARMLESS,
    SPOILERS,
    TYPES,
    matrices,
    mostly,
    option_tables,
    outlines,
    pixel_sizes,
    specimen,
)
from .trials import Tried

#: Seconds of the processor that a run of a small pair may take; most take a quarter of one.
LONGEST = 60.0

LM_SHAPE, RATIO = (48, 56), 3

#: The searches and stages that are cheap enough for many runs; any option may change them.
QUICK = {"ratio_uncertainty": 0.0, "context": 12.0, "candidates": 3}


@pytest.fixture
def tried(tally: Callable[..., None]) -> Iterator[Tried]:
    """Count of the runs of a test, which it tells at the end."""
    count = Tried(LONGEST)
    yield count
    tally(**count)


#: What is hostile in a run: one of these, or all.
TROUBLES = ("images", "images", "region", "sizes", "options", "options", "all")


@st.composite
def runs(draw: st.DrawFn) -> tuple[tuple[Any, Any], Callable[[], Any]]:
    """Return two images, and what makes of them all that a run is given.

    Making it may be refused; so it is for the test to call.
    """
    trouble = draw(st.sampled_from(TROUBLES))
    images = draw(pairs()) if trouble in ("images", "all") else pair(draw(st.integers(0, 2)))
    true = (float(RATIO) * 10, 10.0)
    sizes = true
    if trouble in ("sizes", "all"):
        sizes = draw(
            st.sampled_from([true, (1.0, 1.0), (70.0, 10.0)]) | st.tuples(pixel_sizes, pixel_sizes)
        )
    region: Any = (14, 16, 20, 24)
    outline = trouble in ("region", "all") and draw(st.booleans())
    if trouble in ("region", "all"):
        region = draw(outlines() if outline else rectangles)
    table = draw(option_tables) if trouble in ("options", "all") else {}

    def made() -> tuple[Micrograph, Micrograph, Roi, RegistrationOptions]:
        lm, em = (Micrograph(image, size) for image, size in zip(images, sizes, strict=True))
        roi = Roi.from_outline(region) if outline else Roi(*region)
        return lm, em, roi, RegistrationOptions.from_paths(QUICK | table)

    return images, made


def pair(seed: int, shape: tuple[int, int] = LM_SHAPE, ratio: int = RATIO) -> tuple[Any, Any]:
    """Return an LM and the EM of it, by a whole ratio."""
    lm = specimen(seed, shape)
    return lm, np.kron(lm, np.ones((ratio, ratio), np.float32))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Return a pair of which one image is of any shape, type, layout, or spoilt."""
    shape = draw(mostly(st.just(LM_SHAPE), st.sampled_from([(8, 60), (1, 50), (30, 9)])))
    given = list(
        pair(draw(st.integers(0, 2)), shape, draw(mostly(st.just(RATIO), st.sampled_from([1, 9]))))
    )
    if draw(st.booleans()):
        given[1] = np.rot90(given[1])
    changes = draw(st.sampled_from([TYPES, HARMLESS, SPOILERS]))
    which = draw(st.integers(0, 1))
    given[which] = changes[draw(st.sampled_from(sorted(changes)))](given[which])
    return given[0], given[1]


rectangles = mostly(
    st.tuples(st.floats(-9, 30), st.floats(-9, 30), st.floats(9, 60), st.floats(9, 60)),
    st.tuples(*[st.floats()] * 4),
)


def copied(image: Any) -> Any:
    """A copy that shows whether the image was changed."""
    return np.array(image) if hasattr(image, "dask") else copy.deepcopy(image)


def check_unchanged(images: tuple[Any, Any], before: list[Any]) -> None:
    """Whatever became of a run, what it was given is as it was."""
    for image, copied_image in zip(images, before, strict=True):
        if isinstance(image, list) or image is None:
            assert image == copied_image
        else:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(copied_image))


def check(result: Registration, lm: Any, em: Any) -> None:
    """What holds for every result."""
    options = result.options
    assert np.isfinite(result.em_to_lm).all()
    np.testing.assert_allclose(result.em_to_lm @ result.lm_to_em, np.eye(3), atol=1e-6)
    assert 0 <= result.confidence <= 1
    by_hand = result.match.search == "hand"
    assert result.found == (not by_hand and result.confidence >= options.confidence_threshold)
    assert len(result.reason) > 10
    assert 0 < result.ratio < math.inf
    top, left = result.roi.row, result.roi.col
    assert min(top, left) >= 0
    assert top + result.roi.height <= lm.shape[0] + 1e-9
    assert left + result.roi.width <= lm.shape[1] + 1e-9
    assert 1 <= len(result.candidates.matches) <= options.candidates
    for match in (*result.candidates.matches, result.match):
        check_match(match, em.shape)
    if not by_hand:
        best_first = [match.confidence for match in result.candidates.matches]
        assert best_first == sorted(best_first, reverse=True)
        shown = result.candidates.similarity
        assert shown.dtype == np.float32
        assert not np.isinf(shown).any()
    for scale in (result.lm_scale, result.em_scale):
        assert 0 < scale.sigma < 1000
        assert np.isfinite(scale.counts).all()
    assert all(0 <= seconds < 1e6 for seconds in result.timings.values())
    if result.estimate is not None:
        check_estimate(result.estimate)
    assert result.error is None or (result.estimate and 0 <= result.error < math.inf)
    told = json.dumps(result.to_dict(), allow_nan=False)
    again = Registration.from_dict(json.loads(told))
    assert json.dumps(again.to_dict(), allow_nan=False) == told
    np.testing.assert_array_equal(again.em_to_lm, result.em_to_lm)
    em_points = np.array([[0.0, 0.0], [5.0, 7.0], result.centre])
    back = result.transform.to_em(result.transform.to_lm(em_points))
    np.testing.assert_allclose(back, em_points, atol=1e-5)


def check_match(match: Match, em_shape: tuple[int, int]) -> None:
    """What holds for every place: it is a place in the EM."""
    assert math.isfinite(match.score)
    assert 0 <= match.confidence <= 1
    assert match.contrast in (-1, 0, 1)
    assert np.isfinite(match.corners).all()
    assert match.magnification > 0
    low, high = match.corners.min(axis=0), match.corners.max(axis=0)
    assert (high >= -0.5).all()
    assert (low <= np.array(em_shape) - 0.5).all()


def check_estimate(estimate: AffineEstimate) -> None:
    """What holds for every registration, whether it succeeded or not."""
    assert np.isfinite(estimate.matrix).all()
    assert 0 <= estimate.support <= 1
    assert math.isfinite(estimate.gain)
    assert -1.001 <= estimate.correlation <= 1.001
    assert -1.001 <= estimate.correlation_before <= 1.001
    assert bool(estimate.message) != bool(estimate)
    errors = estimate.error_at(np.array([[0.0, 0.0], [20.0, 30.0]]))
    if estimate.covariance is not None:
        assert (errors >= 0).all()
        assert np.isfinite(errors).all()


@given(
    given_run=runs(), take=mostly(st.sampled_from([1, 2]), st.sampled_from([0, 4, -1, 1.0, None]))
)
@cases(25)
def test_searches(given_run: Any, take: Any, tried: Tried) -> None:
    images, made = given_run
    before = [copied(image) for image in images]
    events: list[Any] = []
    with tried.case():
        lm, em, roi, options = made()
        result = register(lm, em, roi, options, take=take, on_event=events.append)
        tried["ran to the end"] += 1
        tried["found"] += result.found
        check(result, lm, em)
        assert result.match is result.candidates.matches[take - 1]
    check_unchanged(images, before)
    for event in events:
        assert isinstance(event, StageResult) or 0 <= event.done <= event.total


@given(given_run=runs(), start=matrices(), near=st.sampled_from([True, True, False]))
@cases(6)
def test_places_by_hand(given_run: Any, start: Any, near: bool, tried: Tried) -> None:
    """Also without pixel sizes, and from starts that are turned, mirrored or far off."""
    images, made = given_run
    before = [copied(image) for image in images]
    with tried.case():
        lm, em, roi, options = made()
        if near:
            start = similarity(
                1 / RATIO, 2.0, False, np.divide(em.shape, 2), np.divide(lm.shape, 2)
            )
        result = register_from(lm, em, roi, start, options)
        tried["ran to the end"] += 1
        check(result, lm, em)
        if not result.estimate:
            np.testing.assert_array_equal(result.em_to_lm, np.asarray(start, float))
    check_unchanged(images, before)


@given(
    given_run=runs(),
    start=matrices(),
    contrast=st.sampled_from([-1, 0, 1]),
    search=st.sampled_from(["oriented", "histogram", "hand"]),
)
@cases(6)
def test_refinements(given_run: Any, start: Any, contrast: int, search: Any, tried: Tried) -> None:
    """Of matches that nothing has found: anywhere, of any size."""
    _, made = given_run
    with tried.case():
        lm, em, roi, options = made()
        match = Match(roi.clipped(lm.shape), as_transform(start), 0.0, 0.0, contrast, search)
        check_estimate(refine(lm, em, match, options))
        tried["ran to the end"] += 1


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize("which", ["lm", "em"])
def test_the_type_of_the_pixels_does_not_change_the_answer(kind: str, which: str) -> None:
    lm = specimen(1, (64, 72))
    em = np.kron(lm, np.ones((3, 3), np.float32))
    if which == "lm":
        lm = TYPES[kind](lm)
    else:
        em = TYPES[kind](em)
    options = RegistrationOptions.from_paths(QUICK | {"affine.enabled": False})
    roi = Roi(20, 20, 24, 28)
    result = register(Micrograph(lm, 30.0), Micrograph(em, 10.0), roi, options)
    assert result.found
    # 1 and 0 are less than what was blurred; the search's steps are 2 LM pixels.
    truth = 3 * (np.array(roi.centre) + 0.5) - 0.5
    assert np.linalg.norm(np.subtract(result.centre, truth)) < (9 if kind == "bool" else 4)
