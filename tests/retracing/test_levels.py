"""The passes of the oriented search are what they say: quick, then thorough."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from clem_retrace.alignment import Model
from clem_retrace.options import RegistrationOptions
from clem_retrace.retracing.levels import LEVELS, Level

levels = pytest.mark.parametrize("level", LEVELS, ids=["quick", "thorough"])


@levels
def test_grids_are_the_lms_own_or_coarser_and_surroundings_are_many_of_their_pixels(
    level: Level,
) -> None:
    for part in (level, *level.growth):
        assert 1 <= part.cell <= 3
        assert part.reach is None or part.reach >= 25 * part.cell
    assert level.growth[0].cell == level.cell
    # Coarse grids lead into the basin; the LM's own judges.
    for model in get_args(Model):
        cells = [step.cell for step in level.growth if step.model == model]
        assert cells == sorted(cells, reverse=True)
        assert cells[-1:] in ([], [1.0])


@levels
def test_from_step_to_step_fewer_places_are_compared_over_more(level: Level) -> None:
    limits = [float("inf") if step.reach is None else step.reach for step in level.growth]
    assert limits == sorted(limits)
    assert limits[-1] == float("inf")
    for step, after in pairwise(level.growth):
        assert after.kept <= step.kept
    # An affine finds a likeness anywhere, with little to go by.
    models = [step.model for step in level.growth]
    assert models == sorted(models, reverse=True)
    assert all(step.spread == 0 for step in level.growth if step.model == "similarity")


@levels
def test_as_many_places_last_as_are_listed(level: Level) -> None:
    assert level.growth[-1].kept >= RegistrationOptions().candidates


def test_what_is_left_open_is_looked_at_on_a_finer_grid_farther_and_in_more_places() -> None:
    quick, thorough = LEVELS
    assert thorough.cell < quick.cell
    assert thorough.reach > quick.reach
    for step, more in zip(quick.growth, thorough.growth, strict=True):
        assert more.kept > step.kept
        assert more.iterations >= step.iterations
