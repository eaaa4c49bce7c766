"""The frame: where its handles are, what is caught where, and that it is drawn there."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.geometry import map_points, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.moves.frame import CATCH, LEAST, STALK, Frame
from clem_retrace.plugin.moves.placed import Placed

EM_SHAPE = (400, 500)
ROI = Roi(20, 30, 40, 60)
PIXEL = 0.25
PLACED = Placed.at(similarity(0.2, 0.0, False, (200, 250), (50, 45)), EM_SHAPE, ROI)


@pytest.fixture
def frame():
    return Frame.round(PLACED, PIXEL)


def test_at_first_it_is_the_region(frame):
    np.testing.assert_allclose(frame.corners, ROI.corners)
    row, col = ROI.centre
    np.testing.assert_allclose(frame.top, (row - 20, col), atol=1e-9)
    np.testing.assert_allclose(frame.disc, (row - 20 - STALK * PIXEL, col), atol=1e-9)


def test_it_turns_and_grows_with_the_em_and_stays_when_that_is_shifted(frame):
    moved = Frame.round(PLACED.shifted((7, 5)).turned(30).magnified(1.5), PIXEL)
    change = similarity(1.5, 30.0, False, ROI.centre, ROI.centre)
    np.testing.assert_allclose(moved.corners, map_points(change, ROI.corners), atol=1e-9)
    np.testing.assert_allclose(Frame.round(PLACED.shifted((7, 5)), PIXEL).corners, frame.corners)


def test_without_a_region_it_is_the_em():
    placed = Placed.at(similarity(0.1, 70.0, True, (0, 0), (30, 40)), EM_SHAPE)
    frame = Frame.round(placed, PIXEL)
    outline = map_points(placed.now, Roi(0, 0, *EM_SHAPE).corners)
    for corner in frame.corners:
        assert np.hypot(*(outline - corner).T).min() < 1e-9
    shifted = Frame.round(placed.shifted((3, 4)), PIXEL)
    np.testing.assert_allclose(shifted.corners, np.add(frame.corners, (3, 4)))


def test_its_parts_are_caught(frame):
    assert frame.caught(frame.centre) == "shift"
    assert frame.caught(frame.disc) == "turn"
    for corner in frame.corners:
        assert frame.caught(corner) == "magnify"
        # half a handle outside it too
        outwards = (corner - frame.centre) / np.hypot(*(corner - frame.centre))
        assert frame.caught(corner + 0.9 * CATCH * PIXEL * outwards) == "magnify"
        assert frame.caught(corner + 1.1 * CATCH * PIXEL * outwards) is None
    assert frame.caught((0.0, 0.0)) is None


def test_a_turned_frame_is_caught_where_it_lies():
    frame = Frame.round(PLACED.turned(45), PIXEL)
    # inside the region as it was, outside the frame as it is
    assert frame.caught((ROI.row + 8, ROI.col + 1)) is None
    assert frame.caught(frame.corners[0]) == "magnify"
    assert frame.caught((frame.top + frame.centre) / 2) == "shift"


@pytest.mark.parametrize("pixel", [0.01, 1.0, 30.0])
def test_handles_do_not_hide_each_other_from_afar(pixel):
    frame = Frame.round(PLACED, pixel)
    assert (frame.half >= LEAST * pixel - 1e-9).all()
    points = np.array([*frame.corners, frame.disc, frame.centre])
    gaps = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    assert gaps[~np.eye(len(points), dtype=bool)].min() > 2 * CATCH * pixel


def test_it_is_drawn_with_the_same_triangles_whatever_it_is(frame):
    """So that the layer can be moved instead of made anew."""
    drawn = frame.drawing()
    other = Frame.round(PLACED.turned(50).magnified(3), 2.0).drawing()
    np.testing.assert_array_equal(drawn.faces, other.faces)
    np.testing.assert_array_equal(drawn.colours, other.colours)
    assert drawn.faces.max() == len(drawn.vertices) - 1
    assert np.isfinite(drawn.vertices).all()


def test_a_line_is_as_wide_on_the_screen_at_every_zoom():
    spans = []
    for pixel in (0.05, 0.2):
        drawn = Frame.round(PLACED, pixel).drawing()
        over = drawn.vertices.max(axis=0)[1] - (ROI.col + ROI.width - 0.5)
        spans.append(over / pixel)
    assert spans[0] == pytest.approx(spans[1])
    # half a corner's square, and its rim
    assert 5 < spans[0] < 9
