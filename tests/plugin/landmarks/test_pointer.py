from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plugin.sight import camera


@pytest.fixture
def placed(dock, spots):
    """Three pairs, so that the next are predicted; pairs are being added."""
    for lm, em in list(zip(*spots, strict=True))[:3]:
        dock.desk.click("lm", lm)
        dock.desk.click("em", em)
    dock.click("add_pairs")
    return dock


@pytest.mark.parametrize("which", ["lm", "em"])
def test_a_click_places_a_point_on_the_image_under_the_mouse(dock, images, which):
    dock.click("add_pairs")
    image = dict(zip(("lm", "em"), images, strict=True))[which]
    dock.mouse(image, (31.25, 42.5))
    assert len(dock.desk.pairing) == 1
    np.testing.assert_allclose(getattr(dock.desk.pairing.landmarks, which)[0], (31.25, 42.5))


def test_both_points_of_a_pair_are_clicked_without_choosing_a_layer(dock, images):
    dock.click("add_pairs")
    selected = set(dock.viewer.layers.selection)
    dock.mouse(images[0], (30, 40))
    dock.mouse(images[1], (300, 400))
    np.testing.assert_allclose(dock.desk.pairing.landmarks.em, [(300, 400)], atol=1e-6)
    assert set(dock.viewer.layers.selection) == selected


def test_without_adding_a_click_does_nothing(dock, images):
    dock.mouse(images[0], (30, 40))
    assert len(dock.desk.pairing) == 0


def test_moving_the_view_places_nothing(dock, images):
    dock.click("add_pairs")
    dock.mouse(images[0], (30, 40), (31, 40), (30, 60))
    assert len(dock.desk.pairing) == 0


def test_a_hand_that_shakes_still_clicks(dock, images):
    dock.click("add_pairs")
    dock.mouse(images[0], (30, 40), (30.2, 40.1))
    assert len(dock.desk.pairing) == 1


def test_a_click_beside_the_images_is_said_to_have_missed(dock, images, qtbot):
    dock.click("add_pairs")
    with qtbot.waitSignal(dock.canvas.pointer.missed):
        dock.mouse(images[0], (-40, -40))
    assert "neither image" in dock["told"].text()
    assert len(dock.desk.pairing) == 0


@pytest.mark.parametrize("point", [(-0.49, -0.49), (119.49, 159.49)])
def test_an_image_reaches_to_the_borders_of_its_pixels(dock, images, point):
    dock.click("add_pairs")
    dock.mouse(images[0], point)
    assert len(dock.desk.pairing) == 1


def test_where_the_em_lies_on_the_lm_the_lm_is_meant(dock, images):
    lm, em = images
    em.translate = (2000, -1000)
    dock.click("add_pairs")
    dock.mouse(lm, (30, 40))
    np.testing.assert_allclose(dock.desk.pairing.landmarks.lm, [(30, 40)])


def test_an_image_that_is_hidden_is_not_clicked(dock, images):
    images[0].visible = False
    dock.click("add_pairs")
    dock.mouse(images[0], (30, 40))
    assert len(dock.desk.pairing) == 0


def test_a_point_is_dragged_and_the_camera_stays(placed, images):
    lm, _ = images
    start = placed.desk.pairing.landmarks.lm[1]
    seen = []
    placed.desk.moved.connect(lambda: seen.append(camera(placed.viewer).mouse_pan))
    placed.mouse(lm, start, np.add(start, (2, 1)), np.add(start, (6, 3)))
    np.testing.assert_allclose(
        placed.desk.pairing.landmarks.lm[1], np.add(start, (6, 3)), atol=1e-9
    )
    assert seen == [False, False]
    assert camera(placed.viewer).mouse_pan
    assert placed.desk.past.undo_words == "a point moved"


def test_the_point_keeps_its_distance_from_the_mouse_that_caught_it(placed, images):
    _, em = images
    start = placed.desk.pairing.landmarks.em[0]
    placed.mouse(em, np.add(start, (5, -5)), np.add(start, (65, -5)))
    np.testing.assert_allclose(
        placed.desk.pairing.landmarks.em[0], np.add(start, (60, 0)), atol=1e-6
    )


def test_points_are_dragged_without_adding_too(placed, images):
    placed.click("add_pairs")
    start = placed.desk.pairing.landmarks.lm[1]
    placed.mouse(images[0], start, np.add(start, (6, 3)))
    np.testing.assert_allclose(
        placed.desk.pairing.landmarks.lm[1], np.add(start, (6, 3)), atol=1e-9
    )


def test_a_press_on_a_point_chooses_its_pair_and_moves_nothing(placed, images):
    past = placed.desk.past
    placed.mouse(images[0], placed.desk.pairing.landmarks.lm[1])
    assert placed.desk.chosen == 1
    assert placed.desk.past is past


def test_a_predicted_point_can_be_dragged_to_its_spot(placed, images, spots):
    lm, em = images
    placed.mouse(lm, spots[0][3])
    ring = placed.desk.fit.points("em")[3]
    placed.mouse(em, ring, np.add(ring, (30, 30)))
    np.testing.assert_allclose(
        placed.desk.pairing.landmarks.em[3], np.add(ring, (30, 30)), atol=1e-6
    )
    assert placed.desk.pairing.unconfirmed == ()


def test_a_click_on_the_ring_of_the_last_pair_places_its_point(placed, images, spots):
    lm, em = images
    placed.mouse(lm, spots[0][3])
    ring = placed.desk.fit.points("em")[3]
    placed.mouse(em, np.add(ring, (4, 3)))
    np.testing.assert_allclose(placed.desk.pairing.landmarks.em[3], np.add(ring, (4, 3)), atol=1e-6)
    assert placed.desk.pairing.as_predicted == (False,) * 4


def test_a_click_on_another_ring_only_chooses_it(placed, images, spots):
    lm, em = images
    placed.mouse(lm, spots[0][3])
    placed.mouse(lm, spots[0][4])
    placed.mouse(em, placed.desk.fit.points("em")[3])
    assert placed.desk.chosen == 3
    assert placed.desk.pairing.unconfirmed == (3, 4)


def test_without_adding_a_click_on_a_ring_confirms_nothing(placed, images, spots):
    placed.mouse(images[0], spots[0][3])
    placed.click("add_pairs")
    placed.mouse(images[1], placed.desk.fit.points("em")[3])
    assert placed.desk.pairing.unconfirmed == (3,)


def test_the_nearest_point_is_caught(placed, images):
    lm, _ = images
    # Half a pixel apart: five on the screen.
    placed.desk.drag("lm", {2: placed.desk.pairing.landmarks.lm[1] + (0.5, 0)})
    placed.desk.settle()
    placed.mouse(lm, placed.desk.pairing.landmarks.lm[2] + (0.1, 0))
    assert placed.desk.chosen == 2


@pytest.mark.parametrize("away", [(1.0, True), (1.2, False)])
def test_points_are_caught_by_their_distance_on_the_screen(placed, images, away):
    distance, caught = away
    placed.click("add_pairs")
    placed.desk.choose(None)
    placed.mouse(images[0], placed.desk.pairing.landmarks.lm[1] + (0, distance))
    assert placed.desk.chosen == (1 if caught else None)


@pytest.mark.parametrize("keywords", [{"button": 2}, {"modifiers": ("Shift",)}])
def test_other_buttons_and_keys_are_left_to_napari(placed, images, keywords):
    placed.mouse(images[0], (30, 40), **keywords)
    assert len(placed.desk.pairing) == 3


def test_a_tool_of_napari_in_hand_is_left_alone(placed, images):
    shapes = placed.viewer.add_shapes(name="drawing", ndim=2, units=("nm", "nm"))
    shapes.mode = "add_rectangle"
    placed.mouse(images[0], (30, 40))
    assert len(placed.desk.pairing) == 3
    # Add pairs takes it out of the hand.
    placed.click("add_pairs")
    placed.click("add_pairs")
    placed.mouse(images[0], (30, 40))
    assert len(placed.desk.pairing) == 4


def test_what_another_hand_has_taken_is_left_to_it(placed, images):
    event = placed.event("mouse_press", images[0], (30, 40))
    event.handled = True
    assert next(placed.canvas.pointer.follow(placed.viewer, event), "over") == "over"


def test_in_three_dimensions_nothing_is_placed(placed, images):
    event = placed.event("mouse_press", images[0], (30, 40))
    event.dims_displayed = [0, 1, 2]
    assert next(placed.canvas.pointer.follow(placed.viewer, event), "over") == "over"


def test_the_mouse_is_let_go_with_the_dock(dock):
    follow = dock.canvas.pointer.follow
    assert follow in dock.viewer.mouse_drag_callbacks
    dock.widget.released()
    assert follow not in dock.viewer.mouse_drag_callbacks
