from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.landmarks.point_layers import CALM, DIAMETER
from clem_retrace.plugin.roles import LANDMARKS, role
from clem_retrace.plugin.sight import camera, to_view


@pytest.fixture
def placed(dock, pairing):
    """The dock with five pairs."""
    dock.desk.replace(pairing, "placed")
    return dock


def layers(dock, images):
    return [dock.layer(LANDMARKS, image) for image in images]


def test_there_are_no_layers_before_the_first_pair(dock):
    assert not [layer for layer in dock.viewer.layers if role(layer) == LANDMARKS]


def test_points_lie_on_their_images_in_the_viewers_units(placed, images, pairing):
    on_lm, on_em = layers(placed, images)
    np.testing.assert_array_equal(on_lm.data, pairing.landmarks.lm)
    np.testing.assert_array_equal(on_em.data, pairing.landmarks.em)
    for layer, image in zip((on_lm, on_em), images, strict=True):
        assert layer.units == placed.viewer.layers.units
        np.testing.assert_allclose(pixels_between(layer, image), np.eye(3), atol=1e-9)


def test_the_table_of_the_layer_tells_of_each_pair(placed, images):
    placed.desk.switch(1, False)
    placed.desk.click("lm", (100, 20))
    _, on_em = layers(placed, images)
    features = on_em.features
    assert list(features["name"]) == ["1", "2", "3", "4", "5", "6"]
    assert list(features["used"]) == [True, False, True, True, True, True]
    assert list(features["state"]) == ["placed"] * 5 + ["predicted"]
    assert list(on_em.text.values) == ["1", "2", "3", "4", "5", "6?"]


def test_partners_have_the_same_colour(placed, images):
    on_lm, on_em = layers(placed, images)
    np.testing.assert_array_equal(on_lm.face_color, on_em.face_color)
    assert len(np.unique(on_lm.face_color, axis=0)) == 5


def test_predictions_follow_while_a_point_is_dragged(placed, images):
    placed.desk.click("lm", (100, 20))
    _, on_em = layers(placed, images)
    before = np.array(on_em.data[5])
    placed.desk.drag("em", {0: placed.desk.pairing.landmarks.em[0] + 40})
    assert np.hypot(*(on_em.data[5] - before)) > 5
    np.testing.assert_array_equal(on_em.data, placed.desk.fit.points("em"))
    placed.desk.settle()
    np.testing.assert_array_equal(on_em.data, placed.desk.fit.points("em"))


def test_the_viewer_learns_of_a_move_at_its_end(placed, images):
    _, on_em = layers(placed, images)
    told = []
    on_em.events.data.connect(lambda event: told.append(str(event.action)))
    placed.desk.drag("em", {0: (10, 20)})
    assert told == []
    placed.desk.settle()
    assert told[-1] == "changed"


def test_napari_moves_points_and_the_pairs_follow(placed, images, qtbot):
    on_lm, _ = layers(placed, images)
    there = placed.desk.pairing.landmarks.lm[[1, 2]] + (3, 4)
    # As napari's own tool does it: within the array, telling at the end.
    for share in (0.5, 1.0):
        on_lm.data[[1, 2]] = placed.desk.past.now.landmarks.lm[[1, 2]] + np.array((3, 4)) * share
        on_lm.refresh()
    assert placed.desk.is_dragging
    np.testing.assert_allclose(placed.desk.pairing.landmarks.lm[[1, 2]], there)
    on_lm.events.data(value=on_lm.data, action="changed", data_indices=(1, 2))
    assert not placed.desk.is_dragging
    placed.desk.undo()
    np.testing.assert_allclose(placed.desk.pairing.landmarks.lm[[1, 2]], there - (3, 4))
    np.testing.assert_allclose(on_lm.data[[1, 2]], there - (3, 4))


def test_napari_deletes_points_and_their_pairs_go(placed, images, qtbot):
    on_lm, on_em = layers(placed, images)
    on_em.selected_data = {1, 3}
    on_em.remove_selected()
    qtbot.waitUntil(lambda: len(placed.desk.pairing) == 3)
    assert placed.desk.pairing.landmarks.names == ("1", "3", "5")
    assert len(on_lm.data) == len(on_em.data) == 3
    placed.desk.undo()
    assert len(on_lm.data) == len(on_em.data) == 5


def test_napari_adds_a_point_and_its_partner_is_predicted(placed, images, qtbot):
    on_lm, on_em = layers(placed, images)
    on_lm.add((100, 20))
    qtbot.waitUntil(lambda: len(placed.desk.pairing) == 6)
    assert placed.desk.pairing.missing(5) == "em"
    np.testing.assert_array_equal(on_lm.data[5], (100, 20))
    np.testing.assert_array_equal(on_em.data[5], placed.desk.fit.points("em")[5])


def test_napari_selects_a_point_and_its_pair_is_worked_on(placed, images):
    on_lm, on_em = layers(placed, images)
    on_em.selected_data = {3}
    assert placed.desk.chosen == 3
    assert set(on_lm.selected_data) == {3}


def test_points_follow_an_image_that_is_moved(placed, images, qtbot):
    _, em = images
    em.translate = (100, 50_000)
    em.scale = (20, 20)
    qtbot.wait(20)
    _, on_em = layers(placed, images)
    np.testing.assert_allclose(pixels_between(on_em, em), np.eye(3), atol=1e-9)


def test_points_follow_when_an_image_and_what_lies_on_it_are_calibrated(
    placed, images, qtbot, facts
):
    lm, _ = images
    placed.widget._scene.calibrate(lm, 55.0, [])
    qtbot.wait(20)
    on_lm, _ = layers(placed, images)
    np.testing.assert_allclose(pixels_between(on_lm, lm), np.eye(3), atol=1e-9)
    overlay = placed.layer(roles.LANDMARK_OVERLAY)
    np.testing.assert_allclose(
        pixels_between(overlay, lm), placed.desk.fit.transform.em_to_lm, atol=1e-9
    )
    assert placed.desk.fit.transform.lm.pixel_size == 55.0


def test_points_are_as_large_in_their_pixels_as_on_the_screen(placed, images, qtbot):
    on_lm, on_em = layers(placed, images)
    camera(placed.viewer).zoom = 0.02
    qtbot.wait(3 * CALM)
    for layer in (on_lm, on_em):
        side = np.sqrt(abs(np.linalg.det(to_view(placed.viewer, layer)[:2, :2])))
        np.testing.assert_allclose(layer.size * side * 0.02, DIAMETER, rtol=1e-6)


def test_labels_can_be_read_on_dark_and_on_bright_images(open_dock, pairing):
    values = np.random.default_rng(0).integers(180, 255, (800, 1000)).astype(np.uint8)
    bright = Image(values, name="EM", contrast_limits=(0, 255), scale=(11, 11), units=("nm", "nm"))
    dark = Image(255 - values[:120, :160], name="LM", contrast_limits=(0, 255),
                 scale=(110, 110), units=("nm", "nm"))  # fmt: skip
    dock = open_dock(dark, bright)
    dock.desk.replace(pairing, "placed")
    on_lm, on_em = layers(dock, (dark, bright))
    np.testing.assert_allclose(on_lm.text.color.constant[:3], 1)
    np.testing.assert_allclose(on_em.text.color.constant[:3], 0)


def test_layers_that_are_removed_come_back_with_the_next_change(placed, images):
    on_lm, _ = layers(placed, images)
    placed.viewer.layers.remove(on_lm)
    assert "on the LM were removed" in placed["told"].text()
    assert len(placed.desk.pairing) == 5
    placed.desk.switch(0, False)
    on_lm, _ = layers(placed, images)
    assert len(on_lm.data) == 5


def test_renamed_and_reordered_layers_are_still_the_ones(placed, images):
    on_lm, _ = layers(placed, images)
    on_lm.name = "my points"
    placed.viewer.layers.move(placed.viewer.layers.index(on_lm), 0)
    placed.desk.click("lm", (100, 20))
    assert len(on_lm.data) == 6
