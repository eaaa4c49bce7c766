"""The form as one: undo and redo, from the dock's buttons."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from qtpy.QtCore import Qt


def undo(driver):
    driver.click("undo")


def test_a_moved_region_goes_back_and_forth(shown, pair_layers, pair):
    roi = pair_layers[3]
    drawn = roi.data[0].copy()
    shift = 4
    roi.data = [drawn + shift]
    assert shown["undo"].toolTip() == "Undo: the region was moved"
    undo(shown)
    np.testing.assert_allclose(roi.data[0], drawn, rtol=1e-5)
    assert shown["redo"].toolTip() == "Redo: the region was moved"
    shown.click("redo")
    np.testing.assert_allclose(roi.data[0], drawn + shift, rtol=1e-5)


def test_a_deleted_region_comes_back(drive, model, pair_layers):
    driver = drive(*pair_layers)
    roi = pair_layers[3]
    drawn = roi.data[0].copy()
    roi.selected_data = {0}
    roi.remove_selected()
    assert driver.primary() == {"draw_roi"}
    undo(driver)
    np.testing.assert_allclose(roi.data[0], drawn, rtol=1e-5)
    assert roi.shape_type == ["rectangle"]
    assert driver.primary() == {"run"}


def test_sizes_ratio_and_options_are_undone(drive, pair_layers, pair):
    driver = drive(*pair_layers)
    driver["em_pixel_size"].setValue(99)
    driver["ratio"].setValue(4.5)
    driver["context"].setValue(70)
    undo(driver)
    assert driver["context"].value() == 150
    assert driver["ratio"].value() == 4.5
    undo(driver)
    assert driver["em_pixel_size"].value() == 99
    assert driver.widget.images.typed_ratio is None
    undo(driver)
    assert driver["em_pixel_size"].value() == pair.em.pixel_size
    assert driver.text("em_size_origin") == "from the layer"
    assert not driver["undo"].isEnabled()


def test_a_typed_size_of_an_image_without_one_is_taken_back(drive, pair):
    lm = Image(pair.lm.data, name="LM", scale=(0.44, 0.44), units=("um", "um"))
    em = Image(pair.em.data, name="EM")
    driver = drive(lm, em)
    driver["em_pixel_size"].setValue(110)
    assert em.units == lm.units or str(em.units[0]) == "nanometer"
    undo(driver)
    assert driver["em_pixel_size"].value() == 0
    assert driver.primary() == {"em_pixel_size"}
    driver.click("redo")
    assert driver["em_pixel_size"].value() == 110
    np.testing.assert_allclose(em.scale, 110)


def test_the_choice_of_a_candidate_is_undone(shown):
    shown.click("next_candidate")
    shown.click("next_candidate")
    assert shown["candidate_table"].currentRow() == 2
    undo(shown)
    assert shown["candidate_table"].currentRow() == 1
    undo(shown)
    assert shown["candidate_table"].currentRow() == 0
    shown.click("redo")
    assert shown["candidate_table"].currentRow() == 1


def test_undo_by_keys_within_the_dock(drive, pair_layers, qtbot):
    driver = drive(*pair_layers)
    with qtbot.waitActive(driver.widget):
        driver.widget.activateWindow()
    driver["context"].setValue(70)
    button = driver["run"]
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert driver["context"].value() == 150
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(button, Qt.Key.Key_Z, both)
    assert driver["context"].value() == 70


def test_what_can_be_undone_begins_with_the_pair(drive, model, pair_layers):
    lm, em, *rest = pair_layers
    driver = drive(lm, em)
    assert not driver["undo"].isEnabled()
    for layer in rest:
        model.add_layer(layer)
    # A region that came with the layers was not drawn here.
    assert not driver["undo"].isEnabled()
    driver["context"].setValue(70)
    assert driver["undo"].isEnabled()
    model.layers.remove(em)
    assert not driver["undo"].isEnabled()


def test_a_search_is_one_change(shown):
    """Undone, its layers go; redone, they are there again, and nothing was run."""
    registration = shown.registration
    assert shown["undo"].toolTip() == "Undo: run 1 is shown"
    undo(shown)
    assert shown.registration is None
    assert shown.ours("overlay") == shown.ours("candidates") == []
    assert not shown["undo"].isEnabled()
    shown.click("redo")
    assert shown.registration is registration
    assert len(shown.ours("overlay")) == 1


def test_a_closed_dock_leaves_the_layers_alone(shown, pair_layers, qtbot):
    (candidates,) = shown.ours("candidates")
    shown.widget.released()
    candidates.selected_data = {2}
    pair_layers[3].data = [pair_layers[3].data[0] + 4]
    assert shown["candidate_table"].currentRow() == 0
    assert shown["outdated"].isHidden()
