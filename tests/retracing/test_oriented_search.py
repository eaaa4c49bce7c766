"""The oriented search finds a region at any angle, mirrored or not, in either contrast."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from clem_retrace.alignment import Scene
from clem_retrace.errors import BadImage
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import Matrix, compose, decompose, magnification_of, map_points
from clem_retrace.memory import Memory, Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.retracing.candidates import Candidates
from clem_retrace.retracing.orientations import OrientationGrid
from clem_retrace.retracing.oriented_search import oriented_search, oriented_search_steps
from clem_retrace.synthetic import Pair, simulate_pair

#: LM pixels by which a match may be off: the search ends at the LM's own resolution, but
#: only four fifths of the structures are in both images.
CLOSE = 1.0

RATIO = 4.0

#: From this confidence on a match counts as found.
FOUND = RegistrationOptions().confidence_threshold


def simulated(**keywords: Any) -> Pair:
    geometry: dict[str, Any] = {
        "seed": 4, "lm_shape": (170, 190), "em_shape": (600, 640), "roi_size": (64, 80),
        "ratio": RATIO, "shared": 0.8,
    }  # fmt: skip
    return simulate_pair(**geometry | keywords)


def search(pair: Pair, *, told: float = RATIO, **keywords: Any) -> Candidates:
    keywords = {"ratio_uncertainty": 0.0, "context": 60.0} | keywords
    return oriented_search(pair.lm, pair.em, pair.roi, told, **keywords)


def deviation(candidates: Candidates, pair: Pair) -> float:
    """Return the largest error of the best match at the ROI's corners, LM pixels."""
    assert pair.lm_to_em is not None
    apart = candidates.best.corners - map_points(pair.lm_to_em, pair.roi.corners)
    return float(np.linalg.norm(apart, axis=1).max()) / RATIO


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulated(angle=33.0)


@pytest.fixture(scope="module")
def found(pair: Pair) -> Candidates:
    return search(pair)


@pytest.mark.parametrize(
    ("angle", "mirrored", "contrast"),
    [
        (0.0, False, "inverted"),
        (171.3, True, "inverted"),
        (-94.0, False, "same"),
        (58.7, True, "same"),
    ],
)
def test_any_angle_both_mirrors_both_contrasts(angle: float, mirrored: bool, contrast: Any) -> None:
    turned = simulated(seed=7, angle=angle, mirrored=mirrored, contrast=contrast, shear=0.02)
    found = search(turned)
    best = found.best
    assert deviation(found, turned) < CLOSE
    assert best.mirrored is mirrored
    assert abs((best.angle - angle + 180) % 360 - 180) < 1.5
    assert best.contrast == (1 if contrast == "same" else -1)
    assert best.confidence >= FOUND


@pytest.mark.parametrize("told", [1 / 1.12, 1.12])
def test_a_ratio_that_is_wrong_by_an_eighth(pair: Pair, told: float) -> None:
    found = search(pair, told=RATIO * told, ratio_uncertainty=0.15)
    assert deviation(found, pair) < CLOSE
    assert found.best.magnification == pytest.approx(RATIO, rel=0.02)


@pytest.mark.parametrize("told", [0.55, 1.9])
def test_a_ratio_that_is_unknown_within_a_factor_of_two(pair: Pair, told: float) -> None:
    found = search(pair, told=RATIO * told, ratio_uncertainty=0.5)
    assert deviation(found, pair) < CLOSE
    assert found.best.magnification == pytest.approx(RATIO, rel=0.02)
    assert found.best.confidence >= FOUND


def test_a_place_that_is_there_twice_is_listed_twice_and_not_trusted(pair: Pair) -> None:
    twice = replace(pair, em=Micrograph(np.hstack([pair.em.data, pair.em.data])))
    first, second, *rest = search(twice).matches
    apart = np.abs(np.subtract(first.centre, second.centre))
    assert apart == pytest.approx([0, pair.em.shape[1]], abs=RATIO * CLOSE)
    assert second.score > 0.97 * first.score
    assert rest[0].score < 0.8 * first.score
    assert first.confidence <= 0.5


def test_a_region_that_is_not_there_is_not_found() -> None:
    absent = search(simulated(angle=33.0, present=False))
    assert absent.best.confidence < FOUND
    # and it is not for lack of candidates
    assert len(absent.matches) > 3


def test_candidates_are_ranked_and_distinct(found: Candidates, pair: Pair) -> None:
    scores = [match.score for match in found.matches]
    assert 3 < len(scores) <= 10
    assert scores == sorted(scores, reverse=True)
    assert all(match.search == "oriented" and match.roi == pair.roi for match in found.matches)
    confidences = [match.confidence for match in found.matches]
    assert confidences == sorted(confidences, reverse=True)
    least = 0.25 * RATIO * min(pair.roi.height, pair.roi.width)
    for number, one in enumerate(found.matches):
        for other in found.matches[number + 1 :]:
            near = math.dist(one.centre, other.centre) < least
            turned = abs((one.angle - other.angle + 180) % 360 - 180) >= 15
            assert not near or turned or one.mirrored != other.mirrored


def test_the_limit_of_candidates_is_kept_and_changes_none(pair: Pair, found: Candidates) -> None:
    three = search(pair, limit=3).matches
    assert len(three) == 3
    for one, other in zip(three, found.matches[:3], strict=True):
        assert one.score == pytest.approx(other.score)
        assert one.confidence == pytest.approx(other.confidence)


def test_the_similarity_map_peaks_at_the_match(found: Candidates, pair: Pair) -> None:
    peak = np.unravel_index(np.nanargmax(found.similarity), found.similarity.shape)
    at = map_points(found.similarity_to_em, peak)
    # the map's pixels are 3 LM pixels wide
    assert magnification_of(found.similarity_to_em) == pytest.approx(3 * RATIO)
    assert math.dist(at, found.best.centre) < 3 * RATIO * 1.5
    last = map_points(found.similarity_to_em, np.subtract(found.similarity.shape, 1))
    assert last == pytest.approx(np.subtract(pair.em.shape, 1), abs=3 * RATIO)


# What is done to the EM is done to the answer -------------------------------------------------

#: With the transform from pixels of the EM, whose last row and column are (599, 639), to those
#: of the changed array.
CHANGES: dict[str, tuple[Any, Any]] = {
    "quarter turn": (np.rot90, [[0, -1, 639], [1, 0, 0], [0, 0, 1]]),
    "flipped rows": (np.flipud, [[-1, 0, 599], [0, 1, 0], [0, 0, 1]]),
    "transposed": (np.transpose, [[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
    "inverted": (lambda image: 255 - image, np.eye(3)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_answer_moves_with_the_em(name: str, pair: Pair, found: Candidates) -> None:
    change, matrix = CHANGES[name]
    data = np.asarray(pair.em.data, np.float32)
    # one bright pixel tells that the matrix of the change is the right one
    pixel = np.zeros(data.shape)
    pixel[20, 300] = 1
    to_changed: Matrix = np.array(matrix, float)
    if name != "inverted":
        moved = np.argwhere(change(pixel))[0]
        assert map_points(to_changed, (20, 300)) == pytest.approx(moved)
    changed = replace(pair, em=Micrograph(np.ascontiguousarray(change(data))))
    best = search(changed).best
    expected = compose(to_changed, found.best.lm_to_em)
    apart = best.corners - map_points(expected, pair.roi.corners)
    # the grids lie otherwise on the EM, and the angles of the sweep otherwise on the LM
    assert np.linalg.norm(apart, axis=1).max() < 0.3 * RATIO
    assert best.contrast == (-found.best.contrast if name == "inverted" else found.best.contrast)
    assert best.mirrored == decompose(expected).mirrored
    assert best.score == pytest.approx(found.best.score, abs=0.02)


# What the user knows --------------------------------------------------------------------------


def test_restrictions_are_kept_even_where_they_are_wrong(pair: Pair) -> None:
    wrong = search(pair, mirror="yes", contrast="same")
    assert {(match.mirrored, match.contrast) for match in wrong.matches} == {(True, 1)}
    assert wrong.best.confidence < FOUND


def test_a_known_angle_is_searched_alone(pair: Pair) -> None:
    right = search(pair, angle=33.0 + 360, angle_uncertainty=5.0, mirror="no", contrast="inverted")
    assert deviation(right, pair) < CLOSE
    wrong = search(pair, angle=180.0, angle_uncertainty=20.0)
    # the growth may turn a place by some degrees more
    assert all(abs((m.angle - 180 + 180) % 360 - 180) < 45 for m in wrong.matches)
    assert wrong.best.confidence < FOUND


def test_without_context_the_region_speaks_alone(pair: Pair) -> None:
    alone = search(pair, context=0.0)
    assert deviation(alone, pair) < CLOSE
    blank = np.full(pair.lm.shape, np.nan, np.float32)
    roi = pair.roi
    rows = slice(max(int(roi.row) - 12, 0), int(roi.row + roi.height) + 12)
    cols = slice(max(int(roi.col) - 12, 0), int(roi.col + roi.width) + 12)
    blank[rows, cols] = pair.lm.data[rows, cols]
    cut = search(replace(pair, lm=Micrograph(blank)), context=0.0)
    # what lies beyond is at most in the window of the local energy
    assert cut.best.corners == pytest.approx(alone.best.corners, abs=0.5 * RATIO)


def test_a_region_with_an_outline_is_found(pair: Pair) -> None:
    top, left = pair.roi.corners.min(axis=0)
    drawn = Roi.from_outline([(top, left), (top + 64, left), (top + 64, left + 80)])
    found = search(replace(pair, roi=drawn))
    assert found.best.roi == drawn
    apart = found.best.outline - map_points(pair.lm_to_em, drawn.vertices)
    assert np.linalg.norm(apart, axis=1).max() / RATIO < CLOSE


def test_an_em_that_ends_in_the_region(pair: Pair) -> None:
    """A fifth of the patch is outside: masked correlation finds it all the same."""
    assert pair.ground_truth is not None
    truth = pair.ground_truth
    data = np.array(pair.em.data, np.float32)
    data[: int(truth.row + 0.2 * truth.height)] = np.nan
    found = search(replace(pair, em=Micrograph(data)))
    assert deviation(found, pair) < 2 * CLOSE
    assert np.isfinite(found.similarity).any()


@pytest.mark.parametrize("which", ["lm", "em"])
def test_images_without_structures_are_refused(pair: Pair, which: str) -> None:
    flat = Micrograph(np.full((200, 240), 40.0, np.float32))
    with pytest.raises(BadImage, match=f"the {which.upper()} image is constant"):
        search(replace(pair, **{which: flat}))


def test_progress_goes_on_within_each_stage(pair: Pair) -> None:
    events: list[Event] = []
    steps = oriented_search_steps(
        pair.lm, pair.em, pair.roi, RATIO, ratio_uncertainty=0.0, stage="here"
    )
    run(steps, events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) == len(events)
    # What is sure at once is not looked at again.
    assert {event.stage for event in progress} == {"here", "here, representation", "here, growth"}
    assert all(event.done <= event.total for event in progress)
    for one, after in pairwise(progress):
        if (one.stage, one.total) == (after.stage, after.total):
            assert one.done <= after.done
        else:
            assert after.done == 0


def test_angles_are_as_fine_as_region_and_surroundings_are_wide(pair: Pair) -> None:
    scene = Scene.at(pair.lm, pair.em, pair.roi, ratio=RATIO, cell=3.0, sigma=1.0)
    weights = scene.weights(60.0)
    from_centre = np.moveaxis(np.indices(weights.shape), 0, -1) - scene.roi.centre
    radius = np.sqrt(np.average((from_centre**2).sum(axis=-1), weights=weights))
    grid = OrientationGrid(radius=float(radius), tolerance=1.2, ratio_uncertainty=0.0)
    steps = oriented_search_steps(
        pair.lm, pair.em, pair.roi, RATIO, ratio_uncertainty=0.0, context=60.0, stage="here"
    )
    total = next(event.total for event in steps if event.stage == "here")
    steps.close()
    assert total == len(list(grid.turns()))


def test_another_region_of_the_same_images_is_compared_on_the_same_representations(
    pair: Pair,
) -> None:
    memory = Memory()
    moved = replace(pair.roi, row=pair.roi.row + 4, col=pair.roi.col - 3)

    def stages(roi: Roi) -> tuple[Candidates, set[str]]:
        events: list[Event] = []
        steps = oriented_search_steps(
            pair.lm, pair.em, roi, RATIO, ratio_uncertainty=0.0, context=60.0,
            recall=Recall(memory),
        )  # fmt: skip
        found = run(steps, events.append)
        return found, {event.stage for event in events}

    first, made = stages(pair.roi)
    second, made_again = stages(moved)
    assert any("representation" in stage for stage in made)
    assert not any("representation" in stage for stage in made_again)
    alone = oriented_search(pair.lm, pair.em, moved, RATIO, ratio_uncertainty=0.0, context=60.0)
    np.testing.assert_array_equal(second.best.em_to_lm, alone.best.em_to_lm)
    assert second.best.score != first.best.score
