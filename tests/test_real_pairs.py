"""Real pairs beside the project: the region is retrieved at any angle, found, and registered.

The folder of pairs is no part of the project; without it the tests are skipped.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace import Registration, register
from clem_retrace.evaluation import centre_distance, target_registration_error
from clem_retrace.geometry import invert, map_points

ROOT = Path(__file__).parents[1]
PAIRS = ROOT.parent / "shared" / "pairs"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (PAIRS / "pairs.json").is_file(),
        reason="the folder shared/pairs does not lie beside the project",
    ),
]

#: LM pixels. The truth was registered by hand: to 4.4 EM px rms (1.5 LM px) for the worm, to
#: 4 EM px (1.3 LM px) for the pancreas, and a median over the region may be off by as much.
TRUTH_ERROR = {"celegans": 1.5, "pancreas": 1.3}

#: Numbers of the tasks: each specimen at an angle of its own, as it is and mirrored. The LM is
#: averaged down by 3 (celegans-s6) and by 2 (pancreas-s3).
TASKS = {"celegans-s6": (0, 5), "pancreas-s3": (4, 9)}


@pytest.fixture(scope="module")
def tasks() -> Iterator[Any]:
    """The benchmark's module that makes the tasks."""
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("tasks")
    sys.path.remove(folder)


@pytest.fixture(
    scope="module",
    params=[(pair, index) for pair, indices in TASKS.items() for index in indices],
    ids=lambda param: f"{param[0]}-{'mirrored' if param[1] >= 5 else 'turned'}",
)
def solved(request: pytest.FixtureRequest, tasks: Any) -> tuple[Any, Registration]:
    """A task and its solution by the default options."""
    pair, index = request.param
    task = tasks.real_task(PAIRS, index, seed=1)
    assert task.name.startswith(pair)
    assert ("mirrored" in task.name) == (index >= 5)
    return task, register(task.lm, task.em, task.roi)


def test_the_region_is_retrieved(solved: tuple[Any, Registration]) -> None:
    task, registration = solved
    true_centre = map_points(task.truth, task.roi.centre)
    distance = centre_distance(registration.match.centre, true_centre, task.em.shape)
    assert distance.percent < 1
    assert registration.match.mirrored == ("mirrored" in task.name)
    assert registration.match.contrast == task.contrast


def test_it_is_known_to_be_right(solved: tuple[Any, Registration]) -> None:
    assert solved[1].found


def test_it_is_registered(solved: tuple[Any, Registration]) -> None:
    task, registration = solved
    assert registration.estimate is not None
    assert registration.estimate, registration.estimate.message
    errors = target_registration_error(registration.em_to_lm, invert(task.truth), task.roi)
    # half a pixel for the registration itself, as much as the truth's own error for the truth
    assert np.median(errors) < TRUTH_ERROR[task.name.split("-")[0]] + 1.0
