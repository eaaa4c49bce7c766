"""Two real pairs, turned, mirrored and inverted; and the one's LM with the other's EM, refused.

The folder of pairs is no part of the project, and the runs are long: without the one, or
without an effort, the tests are skipped.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import RoiError
from clem_retrace.geometry import map_points
from clem_retrace.micrograph import Roi
from clem_retrace.pipeline import register

from .conftest import EFFORT, times

ROOT = Path(__file__).parents[2]
PAIRS = ROOT.parent / "shared" / "pairs"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (PAIRS / "pairs.json").is_file(),
        reason="the folder shared/pairs does not lie beside the project",
    ),
    pytest.mark.skipif(EFFORT <= 1, reason="long: CLEM_RETRACE_EFFORT is 1"),
]

#: LM pixels by which the answer may miss the moved one at the region's corners. The truth of
#: these pairs is good to 1.3 to 1.5 px, their registrations to about as much.
TOLERANCE = 1.5


@pytest.fixture(scope="module")
def tasks() -> Iterator[Any]:
    """The benchmark's module that makes the tasks."""
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("tasks")
    sys.path.remove(folder)


@pytest.mark.parametrize("index", [0, 4], ids=["worm", "pancreas"])
def test_the_answer_moves_with_a_real_em(
    index: int, tasks: Any, tally: Callable[..., None]
) -> None:
    task = tasks.real_task(PAIRS, index, seed=1)
    before = register(task.lm, task.em, task.roi)
    em = np.asarray(task.em.data)
    rows, cols = em.shape
    turned = np.array([[0, -1.0, cols - 1], [1, 0, 0], [0, 0, 1]])
    mirrored = np.array([[-1.0, 0, rows - 1], [0, 1, 0], [0, 0, 1]])
    off = []
    for data, moved in (
        (np.rot90(em), turned),
        (em[::-1], mirrored),
        (em.max() - em, np.eye(3)),
        (em * 0.25 - 3.0, np.eye(3)),
    ):
        after = register(task.lm, replace(task.em, data=data), task.roi)
        assert after.found is before.found
        there = map_points(after.em_to_lm, map_points(moved, before.corners))
        off.append(float(np.hypot(*(there - task.roi.corners).T).max()))
    tally(tried=len(off), most_px=round(max(off), 3))
    assert before.found
    assert max(off) < TOLERANCE


def test_the_lm_of_one_is_not_found_in_the_em_of_the_other(
    tasks: Any, tally: Callable[..., None]
) -> None:
    """By turns another specimen, and another part of the same section."""
    refused = 0
    for index in range(times(0.2)):
        task = tasks.real_absent_task(PAIRS, index, seed=3)
        registration = register(task.lm, task.em, task.roi)
        assert not registration.found, task.name
        assert registration.reason
        refused += 1
    tally(tried=refused, refused=refused, wrong=0)


def test_a_region_between_the_nuclei_is_refused(tasks: Any) -> None:
    """Of the worm's LM, dark but for the chromatin."""
    task = tasks.real_task(PAIRS, 0, seed=1)
    data = np.asarray(task.lm.data)
    sums = np.lib.stride_tricks.sliding_window_view(data, (60, 60))[::10, ::10].max(axis=(2, 3))
    row, col = np.argwhere(sums == sums.min())[0] * 10
    with pytest.raises(RoiError, match="nothing but background"):
        register(task.lm, task.em, Roi(float(row), float(col), 60, 60))
