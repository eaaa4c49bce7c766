"""The mouse on the frame, in a viewer whose LM lies off the origin, in another unit."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.geometry import compose, decompose, invert, map_points, similarity, translation
from clem_retrace.plugin.moves.handles import SNAP

from .conftest import ROI, START


def change(hand):
    """What the EM was moved by, as a transform of the LM."""
    return compose(hand.box.matrix, invert(START))


def test_inside_it_is_shifted_and_stays_under_the_mouse(hand):
    first, last = np.add(ROI.centre, (3, -4)), np.add(ROI.centre, (9, 8))
    assert hand.drag(first, np.add(ROI.centre, (5, 5)), last)
    np.testing.assert_allclose(change(hand), translation((6, 12)), atol=1e-9)
    assert len(hand.moved) == 2
    assert len(hand.settled) == 1
    np.testing.assert_array_equal(hand.settled[0], hand.box.matrix)


def test_by_the_disc_it_is_turned_about_the_region(hand):
    disc = hand.frame.disc
    target = map_points(similarity(2.0, 25.0, False, ROI.centre, ROI.centre), disc)
    assert hand.drag(disc, disc + 1, target)
    expected = similarity(1.0, 25.0, False, ROI.centre, ROI.centre)
    np.testing.assert_allclose(change(hand), expected, atol=1e-9)
    # The disc is where it was taken to, but for the distance.
    np.testing.assert_allclose(
        hand.frame.disc,
        map_points(similarity(1.0, 25.0, False, ROI.centre, ROI.centre), disc),
        atol=1e-9,
    )


def test_with_shift_the_turn_snaps(hand):
    hand.box.place(compose(similarity(1.0, 7.0, False, ROI.centre, ROI.centre), START))
    disc = hand.frame.disc
    target = map_points(similarity(1.0, 20.0, False, ROI.centre, ROI.centre), disc)
    hand.drag(disc, target, modifiers=("Shift",))
    assert decompose(change(hand)).angle == pytest.approx(2 * SNAP)


def test_by_a_corner_it_is_magnified_about_the_region(hand):
    corner = hand.frame.corners[2]
    target = ROI.centre + 1.4 * (corner - ROI.centre)
    assert hand.drag(corner, target)
    expected = similarity(1.4, 0.0, False, ROI.centre, ROI.centre)
    np.testing.assert_allclose(change(hand), expected, atol=1e-9)
    np.testing.assert_allclose(hand.frame.corners[2], target, atol=1e-9)


def test_a_corner_that_is_dragged_onto_the_centre_does_not_flatten_the_em(hand):
    corner = hand.frame.corners[0]
    hand.drag(corner, np.add(ROI.centre, 1e-6), ROI.centre)
    assert np.isfinite(hand.box.matrix).all()
    assert decompose(change(hand)).magnification == pytest.approx(0.05)


def test_outside_the_camera_has_the_mouse(hand):
    assert not hand.drag((1.0, 1.0), (5.0, 5.0))
    np.testing.assert_array_equal(hand.box.matrix, START)


@pytest.mark.parametrize("why", ["other button", "a tool in hand", "taken by another"])
def test_it_leaves_the_mouse_to_others(hand, draw, why):
    if why == "other button":
        assert not hand.drag(ROI.centre, (30, 30), button=2)
    elif why == "a tool in hand":
        shapes = hand.model.add_layer(draw(1, 1, 5, 5))
        hand.model.layers.selection.active = shapes
        shapes.mode = "add_rectangle"
        assert not hand.drag(ROI.centre, (30, 30))
    else:
        event = hand.event(ROI.centre)
        event.handled = True
        (callback,) = hand.followers
        assert next(callback(hand.model, event), "over") == "over"
    np.testing.assert_array_equal(hand.box.matrix, START)
    assert not hand.settled


def test_a_click_moves_nothing(hand):
    hand.drag(ROI.centre)
    assert not hand.moved
    assert not hand.settled


def test_the_cursor_shows_where_handles_are(hand):
    (hover,) = hand.model.mouse_move_callbacks
    hover(hand.model, hand.event(hand.frame.disc))
    assert hand.model.cursor.style == "pointing"
    hover(hand.model, hand.event(ROI.centre))
    assert hand.model.cursor.style == "standard"
    hover(hand.model, hand.event(hand.frame.corners[1]))
    hand.box.stop()
    assert hand.model.cursor.style == "standard"
