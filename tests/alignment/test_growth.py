"""Of many rough places, the right one lasts and is aligned."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.alignment import GrowthStep, Place, Scene, grow_steps
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import Matrix, compose, decompose, map_points, similarity
from clem_retrace.synthetic import Pair, simulate_pair

KEPT = (60, 20, 5)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return simulate_pair(
        6, lm_shape=(180, 200), em_shape=(640, 700), roi_size=(60, 70), ratio=4.0, angle=70.0,
        mirrored=True, shared=0.8,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scene(pair: Pair) -> Scene:
    return Scene.at(pair.lm, pair.em, pair.roi, ratio=4.0, cell=2.0, sigma=1.0)


def schedule(scene: Scene, reaches: tuple[float, ...] = (30.0, 60.0, 60.0)) -> list[GrowthStep]:
    return [GrowthStep(scene, reach, kept, 6) for reach, kept in zip(reaches, KEPT, strict=True)]


def truth(pair: Pair) -> Matrix:
    assert pair.lm_to_em is not None
    return pair.lm_to_em


def deviation(lm_to_em: Matrix, pair: Pair) -> float:
    """Return the largest error at the ROI's corners, LM pixels."""
    corners = pair.roi.corners
    apart = map_points(lm_to_em, corners) - map_points(truth(pair), corners)
    return float(np.linalg.norm(apart, axis=1).max()) / 4.0


def crowd(pair: Pair) -> list[Place]:
    """Return places all over the EM at any angle, of both contrasts, and one that is nearly right.

    The right one is 2.5 LM pixels, 2 degrees and 2 % off, the last but one, and has no head start.
    """
    rng = np.random.default_rng(1)
    centre = pair.roi.centre
    places = [
        Place(
            similarity(
                4.0, rng.uniform(0, 360), bool(rng.integers(2)), centre, rng.uniform(150, 500, 2)
            ),
            int(rng.choice([-1, 1])),
        )
        for _ in range(59)
    ]
    off = similarity(1.02, 2.0, False, centre, np.add(centre, (2.0, -1.5)))
    places.insert(-1, Place(compose(truth(pair), off), -1))
    return places


@pytest.fixture(scope="module")
def grown(pair: Pair, scene: Scene) -> tuple[list[Place], list[Event]]:
    events: list[Event] = []
    steps = grow_steps(crowd(pair), schedule(scene), "growth")
    return run(steps, events.append), events


def test_the_right_place_lasts_and_stands_out(
    grown: tuple[list[Place], list[Event]], pair: Pair
) -> None:
    places, _ = grown
    assert places[0].contrast == -1
    assert places[0].score > 1.2 * places[1].score
    # 3 LM pixels off at first; on a grid of 2 LM pixels a tenth of a cell is left
    assert deviation(crowd(pair)[-2].lm_to_em, pair) > 3
    assert deviation(places[0].lm_to_em, pair) < 0.4


def test_no_more_are_kept_than_asked_for_and_the_best_come_first(
    grown: tuple[list[Place], list[Event]],
) -> None:
    places, _ = grown
    scores = [place.score for place in places]
    assert 1 < len(places) <= KEPT[-1]
    assert scores == sorted(scores, reverse=True)


def test_what_no_section_can_be_is_dropped(grown: tuple[list[Place], list[Event]]) -> None:
    assert all(decompose(place.lm_to_em).anisotropy < 0.2 for place in grown[0])


def test_a_place_that_is_stretched_beyond_belief_does_not_come_back(
    pair: Pair, scene: Scene
) -> None:
    stretched = compose(truth(pair), np.diag([1.5, 1.0, 1.0]))
    starts = [Place(stretched, -1), Place(truth(pair), -1)]
    (place,) = run(grow_steps(starts, [GrowthStep(scene, 0.0, 2, 2)], "growth"))
    assert deviation(place.lm_to_em, pair) < 1


def test_a_place_that_shrinks_the_region_to_a_point_is_dropped(pair: Pair, scene: Scene) -> None:
    centre = pair.roi.centre
    point = compose(truth(pair), similarity(1e-6, 0.0, False, centre, centre))
    starts = [Place(point, -1), Place(truth(pair), -1)]
    (place,) = run(grow_steps(starts, [GrowthStep(scene, 0.0, 2, 0)], "growth"))
    assert deviation(place.lm_to_em, pair) < 1e-6


def test_progress_only_goes_on_and_comes_to_its_end(
    grown: tuple[list[Place], list[Event]],
) -> None:
    _, events = grown
    assert all(isinstance(event, Progress) and event.stage == "growth" for event in events)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert {event.total for event in events if isinstance(event, Progress)} == {sum(KEPT)}
    assert done[0] == 0
    assert done[-1] == sum(KEPT)
    # in portions: a stop does not wait for all
    assert np.diff(done).max() <= 40


def test_neighbours_of_places_count_as_progress(pair: Pair, scene: Scene) -> None:
    steps = [GrowthStep(scene, 0.0, 3, 1, spread=2), GrowthStep(scene, 0.0, 20, 1)]
    events: list[Event] = []
    run(grow_steps(crowd(pair), steps, "growth"), events.append)
    shares = [(event.done, event.total) for event in events if isinstance(event, Progress)]
    assert all(done <= total for done, total in shares)
    assert {total for _, total in shares} == {3 + 2 * 12 + 20}


def test_places_that_meet_become_one(pair: Pair, scene: Scene) -> None:
    centre = pair.roi.centre
    changes = [
        similarity(1.0, angle, False, centre, np.add(centre, shift))
        for angle, shift in ((0.0, (0.0, 0.0)), (2.0, (2.0, -2.0)), (-2.0, (-2.0, 2.0)))
    ]
    starts = [Place(compose(truth(pair), change), -1) for change in changes]
    assert len(run(grow_steps(starts, schedule(scene), "growth"))) == 1


def test_two_steps_in_a_row_judge_the_finer_one_the_more(pair: Pair, scene: Scene) -> None:
    starts = [Place(truth(pair), -1)]
    fine = Scene.at(pair.lm, pair.em, pair.roi, ratio=4.0, cell=1.0, sigma=1.0)

    def score(*steps: GrowthStep) -> float:
        return run(grow_steps(starts, steps, "growth"))[0].score

    # without iterations the place stays, and a step's score is that of the place alone
    near, far, finer = (
        GrowthStep(grid, reach, 9, 0) for grid, reach in ((scene, 0.0), (scene, 60.0), (fine, 60.0))
    )
    assert len({round(score(step), 2) for step in (near, far, finer)}) == 3
    assert score(near, far) == pytest.approx((score(near) + score(far)) / 2)
    assert score(near, far, far) == pytest.approx(score(far))
    # grids of 2 and of 1 LM pixel
    assert score(near, far, finer) == pytest.approx((score(far) + 2 * score(finer)) / 3)


def test_fewer_places_than_may_be_kept(pair: Pair, scene: Scene) -> None:
    start = [Place(truth(pair), -1)]
    events: list[Event] = []
    (place,) = run(grow_steps(start, schedule(scene), "growth"), events.append)
    assert deviation(place.lm_to_em, pair) < 0.4
    assert events[-1] == Progress("growth", 3, 3)


def test_from_no_places_none_grow(scene: Scene) -> None:
    assert run(grow_steps([], schedule(scene), "growth")) == []
