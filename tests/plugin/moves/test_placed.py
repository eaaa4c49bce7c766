"""Moves of an EM on an LM: what they leave in place, and what is told of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clem_retrace.geometry import decompose, invert, map_points, similarity
from clem_retrace.micrograph import ImageFacts, Roi
from clem_retrace.plugin.moves.placed import Placed, first_place

EM_SHAPE = (400, 500)
ROI = Roi(20, 30, 40, 60)
START = similarity(0.2, 33.0, True, (200, 250), (50, 45))


@pytest.fixture(params=["region", "no region"])
def placed(request):
    return Placed.at(START, EM_SHAPE, ROI if request.param == "region" else None)


def centre_of(placed):
    """What everything turns about, in LM pixels: told another way than `pivot` does."""
    if placed.roi is not None:
        return np.array(ROI.centre)
    return map_points(placed.now, ((EM_SHAPE[0] - 1) / 2, (EM_SHAPE[1] - 1) / 2))


def is_mirrored(placed):
    """Whether it lies the other way round than at first."""
    return decompose(placed.now).mirrored != decompose(placed.start).mirrored


MOVES = {
    "turned": lambda em: em.turned(20.0),
    "turned far": lambda em: em.turned(-170.0),
    "magnified": lambda em: em.magnified(1.3),
    "columns": lambda em: em.mirrored_in(1),
    "rows": lambda em: em.mirrored_in(0),
}


@pytest.mark.parametrize("name", MOVES)
def test_all_but_shifts_leave_the_pivot_where_it_is(placed, name):
    before = placed.shifted((3.0, -4.0))
    point = map_points(invert(before.now), centre_of(before))
    after = MOVES[name](before)
    np.testing.assert_allclose(map_points(after.now, point), centre_of(before), atol=1e-9)


def test_nothing_is_told_of_an_em_that_was_not_moved(placed):
    np.testing.assert_allclose(placed.shift, 0, atol=1e-9)
    assert placed.angle == pytest.approx(0, abs=1e-9)
    assert placed.magnification == pytest.approx(1)
    assert not is_mirrored(placed)


def test_each_move_is_told_by_its_number(placed):
    np.testing.assert_allclose(placed.shifted((3.0, -4.0)).shift, (3, -4), atol=1e-9)
    assert placed.turned(20.0).angle == pytest.approx(20)
    assert placed.magnified(1.25).magnification == pytest.approx(1.25)
    for axis in (0, 1):
        assert is_mirrored(placed.mirrored_in(axis))
        assert not is_mirrored(placed.mirrored_in(axis).mirrored_in(axis))


def test_a_turn_is_counter_clockwise_and_a_mirror_goes_by_its_axis():
    """One point to the right of the centre."""
    placed = Placed.at(np.eye(3), EM_SHAPE, ROI)
    row, col = ROI.centre
    right = (row, col + 10)
    np.testing.assert_allclose(map_points(placed.turned(90).now, right), (row - 10, col), atol=1e-9)
    np.testing.assert_allclose(map_points(placed.mirrored_in(1).now, right), (row, col - 10))
    np.testing.assert_allclose(map_points(placed.mirrored_in(0).now, right), right, atol=1e-9)
    assert map_points(placed.shifted((0, 5)).now, right)[1] == col + 15
    assert map_points(placed.magnified(2).now, right)[1] == col + 20


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("shifted"), st.tuples(st.floats(-50, 50), st.floats(-50, 50))),
            st.tuples(st.just("turned"), st.floats(-180, 180)),
            st.tuples(st.just("magnified"), st.floats(0.5, 2)),
            st.tuples(st.just("mirrored_in"), st.integers(0, 1)),
        ),
        max_size=8,
    )
)
def test_any_moves_are_told_rightly(moves):
    """The numbers make the place again, and moves keep angles and shapes."""
    placed = Placed.at(START, EM_SHAPE, ROI)
    for name, value in moves:
        placed = getattr(placed, name)(value)
    there = ROI.centre + placed.shift
    again = similarity(placed.magnification, placed.angle, is_mirrored(placed), ROI.centre, there)
    np.testing.assert_allclose(again @ START, placed.now, atol=1e-6)
    assert decompose(placed.now).anisotropy == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(placed.moved_to(placed.start).now, START)


def test_an_em_of_which_nothing_is_known_lies_upright_on_the_middle():
    lm, em = ImageFacts("lm", (100, 120), 100.0), ImageFacts("em", EM_SHAPE, 20.0)
    place = first_place(lm, em)
    assert decompose(place).magnification == pytest.approx(0.2)
    assert decompose(place).angle == pytest.approx(0)
    np.testing.assert_allclose(map_points(place, (199.5, 249.5)), (49.5, 59.5))
    np.testing.assert_allclose(map_points(first_place(lm, em, (9, 8)), (199.5, 249.5)), (9, 8))
    # Without pixel sizes it fits into the LM: 500 columns into 120.
    fitted = first_place(ImageFacts("lm", (100, 120), None), em)
    assert decompose(fitted).magnification == pytest.approx(120 / 500)
