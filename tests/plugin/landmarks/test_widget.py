"""The dock as a user sees it: on a viewer without a window."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QShortcut

from clem_retrace.geometry import map_points
from clem_retrace.io.transforms import read_transform
from clem_retrace.plots.quantities import physical
from clem_retrace.plugin import outputs, regions, roles
from clem_retrace.plugin.compare.keys import KEYS as KEYS_OF_COMPARE
from clem_retrace.plugin.frames import overlap, pixels_between
from clem_retrace.plugin.landmarks import ending
from clem_retrace.plugin.landmarks.keys import KEYS
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.roles import LANDMARK_ERROR, LANDMARK_OVERLAY, LANDMARKS, role
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.sight import camera


def place(dock, spots, count):
    for lm, em in list(zip(*spots, strict=True))[:count]:
        dock.desk.click("lm", lm)
        dock.desk.click("em", em)


@pytest.fixture
def found(open_dock, pair_layers, registration, model):
    """The dock on images that a run has registered."""
    for layer in pair_layers:
        model.add_layer(layer)
    lm, em = pair_layers[:2]
    Scene(model).put(outputs.overlay_layer(registration, em, lm))
    return open_dock()


# The whole way


def test_from_nothing_by_the_mouse_alone(dock, images, spots, truth):
    lm, em = images
    assert "Press Add pairs" in dock["comes_next"].text()
    dock.click("add_pairs")
    assert "Click something on the LM" in dock["comes_next"].text()
    for number, (here, there) in enumerate(zip(*spots, strict=True)):
        dock.mouse(lm, here)
        if number < 3:
            assert "same spot on the EM" in dock["comes_next"].text()
            dock.mouse(em, there)
        else:
            assert "1 ring is predicted" in dock["comes_next"].text()
            dock.mouse(em, np.add(there, (1, -1)))
    corners = np.array([(0, 0), (800, 1000)])
    overlay = dock.layer(LANDMARK_OVERLAY)
    away = map_points(pixels_between(overlay, lm), corners) - map_points(truth, corners)
    assert np.hypot(*away.T).max() < 0.5
    assert "5 pairs, affine: rms" in dock["errors_summary"].text()


def test_it_begins_with_the_automatic_result(found, registration):
    assert "automatic result" in found["step_start_state"].text()
    overlay = found.layer(LANDMARK_OVERLAY)
    np.testing.assert_array_equal(
        overlay.metadata[roles.KEY]["transform"].em_to_lm, registration.em_to_lm
    )
    assert not found["undo"].isEnabled()


def test_it_begins_with_a_result_that_comes_later(
    open_dock, pair_layers, registration, model, qtbot
):
    dock = open_dock(*pair_layers)
    assert dock.desk.pairing.start is None
    lm, em = pair_layers[:2]
    scene = Scene(model)
    scene.put(outputs.overlay_layer(registration, em, lm))
    region = scene.put(
        outputs.region_layer(regions.cut_from(lm, registration.roi), registration, lm, em)
    )
    qtbot.waitUntil(lambda: dock.desk.fit.source == "start")
    # What the run laid over the EM, and would not follow, makes way.
    assert not region.visible


def test_it_does_so_after_all_has_been_undone(open_dock, pair_layers, registration, model, qtbot):
    dock = open_dock(*pair_layers)
    dock.desk.click("lm", (30, 40))
    dock.desk.undo()
    lm, em = pair_layers[:2]
    Scene(model).put(outputs.overlay_layer(registration, em, lm))
    qtbot.waitUntil(lambda: dock.desk.fit.source == "start")


def test_pairs_are_not_given_up_for_a_result_that_comes_later(
    open_dock, pair_layers, registration, model, qtbot
):
    dock = open_dock(*pair_layers)
    dock.desk.click("lm", (30, 40))
    lm, em = pair_layers[:2]
    Scene(model).put(outputs.overlay_layer(registration, em, lm))
    qtbot.wait(50)
    assert dock.desk.pairing.start is None
    dock.click("start_result")
    np.testing.assert_array_equal(dock.desk.pairing.start, registration.em_to_lm)
    assert len(dock.desk.pairing) == 1
    dock.click("start_nothing")
    assert dock.desk.fit.transform is None


def test_proposed_pairs_are_checked_one_after_the_other(found, registration):
    found.click("propose")
    assert "5 rings are predicted" in found["comes_next"].text()
    assert found.desk.chosen == 0
    for left in (4, 3, 2, 1, 0):
        found.click("confirm")
        assert len(found.desk.pairing.unconfirmed) == left
    roi = registration.roi
    inside = found.desk.pairing.landmarks.lm - (roi.row, roi.col)
    assert ((inside >= 0) & (inside < (roi.height, roi.width))).all()
    # Whoever confirms all of them has tested nothing.
    assert "5 pairs confirmed where predicted" in found["errors_warnings"].text()
    assert not found["confirm"].isEnabled()


# Readouts


def test_the_steps_open_that_can_be_worked_on(open_dock, images, spots):
    dock = open_dock()

    def unfolded():
        return {name for name, step in dock.widget._steps.items() if step.is_open}

    assert unfolded() == {"images"}
    for image in images:
        dock.viewer.add_layer(image)
    assert unfolded() == {"start", "pairs", "errors", "take"}
    place(dock, spots, 1)
    assert unfolded() == {"pairs", "errors", "take"}


def test_numbers_follow_in_the_course_of_a_drag(dock, spots, qtbot):
    place(dock, spots, 5)
    table = dock["pair_table"]
    order = table.shown
    before = dock["errors_summary"].text()
    dock.desk.drag("em", {3: spots[1][3] + 200})
    qtbot.waitUntil(lambda: dock["errors_summary"].text() != before)
    assert table.shown == order
    dock.desk.settle()
    assert table.shown != order


def test_the_unit_of_the_table(dock, spots):
    place(dock, spots, 3)
    dock.desk.click("lm", spots[0][3])
    dock.desk.click("em", spots[1][3] + (20, 20))
    table, unit = dock["pair_table"], dock["error_unit"]
    in_nm, nm = table.item(0, 3).text().split()
    assert nm == "nm"
    unit.setCurrentIndex(1)
    unit.activated.emit(1)
    in_px, px = table.item(0, 3).text().split()
    assert px == "px"
    assert float(in_px) * 110 == pytest.approx(float(in_nm), rel=0.02)


def test_without_pixel_sizes_errors_are_in_pixels(open_dock, spots):
    rng = np.random.default_rng(0)
    dock = open_dock(Image(rng.normal(size=(120, 160)), name="LM"),
                     Image(rng.normal(size=(800, 1000)), name="EM"))  # fmt: skip
    place(dock, spots, 5)
    assert not dock["error_unit"].isEnabled()
    assert "nm" not in dock["errors_summary"].text()
    assert "unknown pixel size" in dock["step_images_state"].text()


def test_pairs_that_tell_nothing_are_told_and_nothing_stale_is_offered(dock, spots):
    place(dock, spots, 3)
    dock.desk.drag("lm", {1: spots[0][0]})
    dock.desk.settle()
    assert "same place" in dock["step_pairs_state"].text()
    assert "does not belong" in dock["errors_summary"].text()
    assert dock.layer(LANDMARK_OVERLAY).name.endswith("(out of date)")
    for name in ("take", "refine", "save_landmarks", "error_map"):
        assert not dock[name].isEnabled()
    assert "give no transform" in dock["take_hint"].text()
    dock.click("undo")
    assert "out of date" not in dock.layer(LANDMARK_OVERLAY).name
    assert dock["take"].isEnabled()


def test_the_error_map_and_what_its_colours_mean(dock, spots):
    place(dock, spots, 3)
    assert not dock["error_map"].isEnabled()
    dock.desk.click("lm", spots[0][3])
    dock.desk.click("em", spots[1][3] + (20, 20))
    dock.click("error_map")
    layer = dock.layer(LANDMARK_ERROR)
    assert dock["error_legend"].isVisibleTo(dock.widget)
    low, high = layer.contrast_limits
    said = dock["error_legend"].accessibleDescription()
    assert said == f"dark is {physical(low, 1.0)}, bright is {physical(high, 1.0)}"
    dock.click("error_map")
    assert not [one for one in dock.viewer.layers if role(one) == LANDMARK_ERROR]
    assert not dock["error_legend"].isVisibleTo(dock.widget)


def test_other_models_are_fitted(dock, spots):
    place(dock, spots, 5)
    model = dock["model"]
    said = {}
    for index in range(3):
        model.setCurrentIndex(index)
        model.activated.emit(index)
        said[model.itemData(index)] = dock["errors_summary"].text()
    assert all(f"5 pairs, {name}" in text for name, text in said.items())
    dock.click("undo")
    dock.click("undo")
    assert model.currentData() == "rigid"


# Table, buttons, keys


def press(dock, key):
    """Press a key of the dock, as it is bound to the viewer."""
    (shortcut,) = (
        one for one in dock.widget.findChildren(QShortcut)
        if one.key() == QKeySequence(key.replace("-", "+"))
    )  # fmt: skip
    shortcut.activated.emit()


def test_a_row_is_clicked_and_its_pair_looked_at(dock, images, spots):
    place(dock, spots, 5)
    dock["pair_table"].setCurrentCell(2, 1)
    pair = dock["pair_table"].shown[2]
    assert dock.desk.chosen == pair
    assert set(dock.layer(LANDMARKS, images[1]).selected_data) == {pair}
    centre = np.asarray(camera(dock.viewer).center)[-2:]
    here = dock.event("mouse_move", images[0], dock.desk.pairing.landmarks.lm[pair]).position
    np.testing.assert_allclose(centre, here)


def test_ticks_and_names_in_the_table(dock, spots):
    place(dock, spots, 5)
    table = dock["pair_table"]
    table.item(table.shown.index(2), 0).setCheckState(Qt.CheckState.Unchecked)
    assert not dock.desk.pairing.landmarks.active[2]
    table.item(table.shown.index(1), 0).setText("vesicle")
    assert dock.desk.pairing.landmarks.names[1] == "vesicle"


def test_keys_go_through_the_pairs(dock, images, spots):
    place(dock, spots, 4)
    order = dock["pair_table"].shown
    dock.desk.choose(None)
    seen = []
    for _ in range(5):
        press(dock, "J")
        seen.append(dock.desk.chosen)
    assert seen == [*order, order[0]]
    press(dock, "Shift-J")
    assert dock.desk.chosen == order[-1]


def test_the_camera_goes_to_what_is_to_be_checked_and_to_its_partner(dock, images, spots):
    place(dock, spots, 3)
    dock.desk.click("lm", spots[0][3])
    lm, em = images

    def looks_at(image, point):
        here = dock.event("mouse_move", image, point).position
        return np.allclose(np.asarray(camera(dock.viewer).center)[-2:], here)

    dock["pair_table"].setCurrentCell(1, 1)
    dock["pair_table"].setCurrentCell(0, 1)
    assert looks_at(em, dock.desk.fit.points("em")[3])
    press(dock, "H")
    assert looks_at(lm, spots[0][3])
    dock.click("hop")
    assert looks_at(em, dock.desk.fit.points("em")[3])


def test_looking_never_zooms_out(dock, spots):
    place(dock, spots, 4)
    view = camera(dock.viewer)
    view.zoom = 1e-6
    press(dock, "J")
    near = view.zoom
    assert near > 1e-6
    view.zoom = 10 * near
    press(dock, "J")
    assert view.zoom == 10 * near


def test_keys_confirm_switch_and_delete(dock, spots):
    place(dock, spots, 3)
    dock.desk.click("lm", spots[0][3])
    press(dock, "G")
    assert dock.desk.pairing.unconfirmed == ()
    press(dock, "U")
    assert not dock.desk.pairing.landmarks.active[3]
    press(dock, "Delete")
    assert len(dock.desk.pairing) == 3
    press(dock, "Ctrl-Z")
    assert len(dock.desk.pairing) == 4
    press(dock, "Ctrl-Shift-Z")
    assert len(dock.desk.pairing) == 3


def test_keys_add_pairs_and_hide_the_overlay(dock, spots):
    place(dock, spots, 3)
    press(dock, "Shift-H")
    assert dock.canvas.pointer.adding
    assert dock["add_pairs"].isChecked()
    overlay = dock.layer(LANDMARK_OVERLAY)
    press(dock, "Shift-G")
    assert not overlay.visible
    press(dock, "Shift-G")
    assert overlay.visible


def test_keys_are_free_and_are_given_back(dock):
    assert not KEYS.keys() & KEYS_OF_COMPARE.keys()
    theirs = {str(key) for bindings in default_shortcuts.values() for key in bindings}
    # To delete is what the key does in napari's own layers of points too.
    assert theirs & {key.replace("-", "+") for key in KEYS} == {"Delete"}
    assert "Used by something else" not in dock["keys"].text()
    bound = {str(key) for key in dock.viewer.keymap}
    assert {"J", "H", "G", "U"} <= bound
    dock.widget.released()
    assert not {"J", "H", "G", "U"} & {str(key) for key in dock.viewer.keymap}


def test_the_page_of_shortcuts_lists_the_keys():
    page = (Path(__file__).parents[3] / "docs" / "shortcuts.md").read_text(encoding="utf-8")
    for key, what in KEYS.items():
        assert f"| `{key}` | {what} |" in page


def test_keys_that_are_taken_are_said_to_be(model, qtbot):
    model.bind_key("J", lambda _viewer: None)
    widget = LandmarksWidget(model)
    qtbot.addWidget(widget)
    assert "Used by something else: J" in widget._bar._keys.text()


def test_every_control_has_a_name_and_a_tool_tip(dock):
    for control in (*dock.widget.findChildren(QAbstractButton),
                    *dock.widget.findChildren(QComboBox)):  # fmt: skip
        if control.objectName().startswith("qt_") or control.parent() is dock["pair_table"]:
            continue
        assert control.accessibleName() or control.text(), control.objectName()
        assert control.toolTip(), control.objectName()


# What happens to layers


def test_without_images_it_says_what_is_missing(open_dock, images):
    dock = open_dock()
    assert "Open an LM and an EM image" in dock["comes_next"].text()
    assert not dock["add_pairs"].isEnabled()
    dock.viewer.add_layer(images[0])
    assert "No EM image is chosen" in dock["step_images_state"].text()
    dock.viewer.add_layer(images[1])
    assert dock["add_pairs"].isEnabled()


def test_images_are_set_apart(open_dock, images):
    lm, em = images
    lm.translate = em.translate = (0, 0)
    open_dock(lm, em)
    assert not overlap(lm, em)


def test_pairs_survive_the_dock(dock, images, spots, model, qtbot):
    place(dock, spots, 4)
    dock.desk.switch(2, False)
    dock.desk.use_model("similarity")
    dock.widget.released()
    again = LandmarksWidget(model)
    qtbot.addWidget(again)
    assert again.images.pair == images
    assert again.desk.pairing.landmarks.names == ("1", "2", "3", "4")
    assert not again.desk.pairing.landmarks.active[2]
    assert again.desk.pairing.model == "similarity"
    again.desk.undo()
    again.desk.undo()
    assert again.desk.pairing.landmarks.active.all()
    assert len([one for one in model.layers if role(one) == LANDMARKS]) == 2


def test_an_image_that_goes_is_missed_and_its_pairs_go_on_with_it(dock, images, spots):
    _, em = images
    place(dock, spots, 4)
    dock.viewer.layers.remove(em)
    assert "No EM image" in dock["comes_next"].text()
    assert not dock["add_pairs"].isEnabled()
    # Opened again: another layer of the same shape.
    dock.viewer.add_layer(Image(em.data, name="EM", scale=em.scale, units=em.units,
                                translate=em.translate))  # fmt: skip
    assert dock.desk.pairing.landmarks.names == ("1", "2", "3", "4")
    assert dock.desk.fit.source == "pairs"


def test_an_image_of_another_shape_has_no_part_in_the_pairs(dock, images, spots):
    _, em = images
    place(dock, spots, 4)
    dock.viewer.layers.remove(em)
    dock.viewer.add_layer(Image(em.data[:500], name="EM", scale=em.scale, units=em.units))
    assert len(dock.desk.pairing) == 0


def test_each_pair_of_images_has_its_own_landmarks(dock, images, spots):
    lm, em = images
    place(dock, spots, 4)
    tile = Image(em.data[:500], name="EM tile", scale=em.scale, units=em.units,
                 translate=(0, 80_000))  # fmt: skip
    dock.viewer.add_layer(tile)
    dock.widget.images.choose(lm, tile)
    assert len(dock.desk.pairing) == 0
    dock.desk.click("lm", (5, 6))
    dock.widget.images.choose(lm, em)
    assert len(dock.desk.pairing) == 4
    dock.widget.images.choose(lm, tile)
    assert len(dock.desk.pairing) == 1


def test_one_image_for_both_is_refused(dock, images):
    dock.widget.images.choose(images[0], images[0])
    assert "choose two" in dock["comes_next"].text()
    dock["lm_layer"].setCurrentIndex(0)
    assert "No LM image" in dock["comes_next"].text()


def test_swapping(dock, images):
    dock.click("swap")
    assert dock.widget.images.pair == images[::-1]


def test_other_pixels_of_an_image_are_followed(dock, images, spots):
    _, em = images
    place(dock, spots, 4)
    em.data = np.zeros(em.data.shape, np.uint8)
    assert dock.layer(LANDMARK_OVERLAY).data is em.data


def test_after_the_dock_nothing_is_followed_any_more(dock, images, spots, qtbot):
    place(dock, spots, 4)
    dock.widget.released()
    past = dock.desk.past
    on_lm = dock.layer(LANDMARKS, images[0])
    on_lm.add((1, 2))
    on_lm.selected_data = {0}
    images[0].scale = (1, 1)
    dock.viewer.add_layer(Image(np.zeros((5, 5)), name="another"))
    dock.viewer.layers.remove(images[1])
    camera(dock.viewer).zoom = 3
    qtbot.wait(150)
    assert dock.desk.past is past


# Moves by hand


def test_the_em_is_moved_by_hand_from_nothing(dock, images):
    lm, _ = images
    dock.click("move_em")
    assert dock.desk.pairing.origin == "hand"
    overlay = dock.layer(LANDMARK_OVERLAY)
    before = pixels_between(overlay, lm)
    dock.click("turn_left")
    after = pixels_between(overlay, lm)
    np.testing.assert_allclose(after[:2, :2], [[0, -1], [1, 0]] @ before[:2, :2], atol=1e-9)
    assert dock.desk.past.undo_words == "a move by hand"
    dock.click("undo")
    np.testing.assert_allclose(pixels_between(overlay, lm), before, atol=1e-9)
    np.testing.assert_allclose(dock.widget._begin._moves.matrix, before, atol=1e-9)


def test_moves_and_adding_take_turns(dock):
    dock.click("add_pairs")
    dock.click("move_em")
    assert not dock["add_pairs"].isChecked()
    assert dock.canvas.pointer.resting
    dock.click("add_pairs")
    assert not dock.widget._begin._moves.active
    assert not dock.canvas.pointer.resting


def test_pairs_that_tell_enough_leave_nothing_to_move(dock, spots):
    dock.click("move_em")
    dock.desk.use_model("similarity")
    place(dock, spots, 2)
    assert dock.desk.fit.source == "pairs"
    assert not dock.widget._begin._moves.active
    assert not dock["move_em"].isEnabled()
    assert "pairs decide" in dock["move_em"].toolTip()
    dock.click("undo")
    dock.click("move_em")
    assert dock.widget._begin._moves.active


# Files


@pytest.fixture
def choose(monkeypatch):
    """Let file dialogs answer with a path."""

    def make(path, chosen=""):
        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, lambda *_, **__: (str(path), chosen))

    return make


@pytest.mark.parametrize("name", ["pairs.json", "pairs.landmarks.csv"])
def test_landmarks_are_saved_and_loaded(dock, spots, tmp_path, choose, name):
    place(dock, spots, 5)
    dock.desk.switch(1, False)
    path = tmp_path / name
    from clem_retrace.io.transforms import kind_for

    kind = kind_for(path) if name.endswith("csv") else None
    title = "" if kind is None else f"{kind.title} ({' '.join(f'*{s}' for s in kind.suffixes)})"
    choose(path, title)
    dock.click("save_landmarks")
    assert dock["told"].text() == f"✔ Saved {path}"
    saved = dock.desk.pairing
    lm, em = dock.desk.fit.transform.lm, dock.desk.fit.transform.em
    assert len(read_transform(path, lm=lm, em=em).landmarks) == 5
    dock.desk.remove([0, 1, 2])
    dock.click("load_landmarks")
    np.testing.assert_allclose(dock.desk.pairing.landmarks.em, saved.landmarks.em, atol=1e-6)
    np.testing.assert_array_equal(dock.desk.pairing.landmarks.active, saved.landmarks.active)
    assert "undo brings back" in dock["told"].text()
    dock.click("undo")
    assert len(dock.desk.pairing) == 2


def test_a_bad_file_is_told_and_changes_nothing(dock, spots, tmp_path, choose, notices):
    place(dock, spots, 3)
    path = tmp_path / "bad.json"
    path.write_text("{")
    past = dock.desk.past
    choose(path)
    dock.click("load_landmarks")
    assert dock.desk.past is past
    assert str(path) in notices[-1][1]
    # It is still read in the dock when the notification has gone.
    assert dock["told"].text() == f"⚠ {notices[-1][1]}"


def test_a_file_that_cannot_be_written_is_told(dock, spots, tmp_path, choose, notices):
    place(dock, spots, 3)
    choose(tmp_path / "nowhere" / "pairs.json")
    dock.click("save_landmarks")
    assert "cannot be written" in notices[-1][1]
    assert dock["told"].text() == f"⚠ {notices[-1][1]}"


def test_a_dialog_that_is_cancelled_does_nothing(dock, spots, choose):
    place(dock, spots, 3)
    past = dock.desk.past
    choose("")
    for name in ("save_landmarks", "load_landmarks", "start_file"):
        dock[name].click()
    assert dock.desk.past is past


def test_a_transform_from_a_file_is_begun_with(dock, spots, truth, tmp_path, choose):
    place(dock, spots, 4)
    path = tmp_path / "transform.json"
    choose(path)
    dock.click("save_landmarks")
    dock.desk.remove([0, 1, 2, 3])
    dock.click("start_file")
    assert (dock.desk.pairing.origin, dock.desk.fit.source) == ("file", "start")
    np.testing.assert_allclose(dock.desk.fit.transform.em_to_lm, truth, atol=1e-6)


# Results


@pytest.fixture
def retrace(drive, monkeypatch):
    """The dock that results are shown in, opened when it is asked for."""
    driver = drive()

    def open_dock(viewer, name):
        assert name == "Retrace and register"
        return driver.widget

    monkeypatch.setattr(ending, "open_dock", open_dock)
    return driver


@pytest.mark.parametrize("button", ["take", "refine"])
def test_the_transform_becomes_a_run_of_the_other_dock(
    found, retrace, registration, quick, pair, button
):
    found.click("propose")
    for _ in range(5):
        found.click("confirm")
    found.click(button)
    retrace.wait()
    assert retrace.widget.images.pair() == found.widget.images.pair
    (run,) = retrace.widget.results.runs
    assert run.by_hand
    result = run.shown
    assert (result.estimate is None) == (button == "take")
    assert result.roi == pair.roi
    assert result.options.affine == dataclasses.replace(quick.affine, enabled=button == "refine")
    corners = registration.corners
    away = map_points(result.em_to_lm, corners) - map_points(registration.em_to_lm, corners)
    assert np.hypot(*away.T).max() < (1e-6 if button == "take" else 1.0)
    assert "see 'Retrace and register'" in found["told"].text()


def test_a_spline_that_becomes_a_result_is_said_to_lose_its_bend(found, retrace):
    found.click("propose")
    for _ in range(5):
        found.click("confirm")
    pairing = found.desk.past.now
    bent = dataclasses.replace(pairing, model="thin-plate spline")
    found.desk.replace(bent, "another model")
    found.click("take")
    assert found["told"].text().endswith("Of the spline it has the affine part.")
    retrace.wait()
    np.testing.assert_array_equal(retrace.registration.em_to_lm, found.desk.fit.transform.em_to_lm)


def test_what_cannot_be_a_result_is_told(dock, retrace, spots, notices):
    place(dock, spots, 3)
    # The EM far beside the LM.
    far = dataclasses.replace(dock.desk.pairing.landmarks, lm=np.array(spots[0][:3]) + 10_000)
    dock.desk.replace(dock.desk.pairing.with_landmarks(far), "moved away")
    dock.click("take")
    assert "does not lie on the LM" in notices[-1][1]
    assert retrace.idle()
