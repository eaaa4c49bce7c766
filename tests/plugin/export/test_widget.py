"""The dock follows the viewer, and lets go of it."""

from __future__ import annotations

import numpy as np
from napari.layers import Layer

from clem_retrace.geometry import compose, translation
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.export.carrying import CARRIED
from clem_retrace.plugin.landmarks.lying import lay
from clem_retrace.plugin.roles import role


def test_the_newest_transform_is_chosen_until_the_user_chooses(
    dock, overlay, model, images, spline
):
    driver = dock()
    assert driver.entries("transform_choice") == ["Automatic result"]
    lm, em = images
    layer = Layer.create(*outputs.landmark_overlay_layer(spline, em, lm))
    model.add_layer(layer)
    # Where it lies in the list does not make it older.
    model.layers.move(model.layers.index(layer), 0)
    driver.settle()
    assert driver.entries("transform_choice")[0].startswith("Landmarks: ")
    assert driver.widget.held.transform is spline
    driver.choose("transform_choice", "Automatic")
    model.layers.move(0, len(model.layers))
    model.add_image(np.zeros((4, 4)))
    driver.settle()
    assert driver.widget.held.overlay is overlay
    model.layers.remove(overlay)
    driver.settle()
    assert driver.widget.held.transform is spline


def test_an_overlay_that_is_moved_is_followed(dock, model, images, overlay, registration):
    lm, em = images
    driver = dock()
    transform = registration.transform
    moved = type(transform)(
        compose(translation((3, 4)), transform.em_to_lm), transform.lm, transform.em, "affine",
        "hand",
    )  # fmt: skip
    layer = Layer.create(*outputs.landmark_overlay_layer(transform, em, lm))
    model.add_layer(layer)
    driver.settle()
    layer.metadata[roles.KEY]["transform"] = moved
    lay(layer, outputs.landmark_overlay_layer(moved, em, lm)[1])
    driver.settle()
    assert driver.widget.held.transform is moved


def test_layers_are_laid_over_the_other_image_once(dock, model, overlay, held):
    em = held.layer("em")
    channel = model.add_image(np.zeros((640, 720)), name="channel")
    spots = model.add_points(
        [[100, 100], [300, 300]], name="spots", scale=em.scale, units=em.units,
        translate=em.translate,
    )  # fmt: skip
    strange = model.add_image(np.zeros((7, 5000)), name="strange", translate=(1e9, 1e9))
    driver = dock()
    assert not driver["lay"].isEnabled()
    assert driver.text("lay") == "Lay them over the LM"
    driver.tick("channel", "spots", "strange")
    for _ in range(2):
        driver.click("lay")
        driver.settle()
    laid = [layer for layer in model.layers if role(layer) == CARRIED]
    assert [layer.name for layer in laid] == ["channel on LM", "spots on LM"]
    assert laid[0].data is channel.data
    assert driver.message.startswith("✔ 2 layers laid over the LM. ⚠ 'strange' has")
    assert all(layer in model.layers for layer in (channel, spots, strange))
    driver.choose("belongs_to", "the LM")
    assert driver.text("lay") == "Lay them over the EM"


def test_by_a_spline_layers_are_bent_in_a_worker(dock, model, bent, images):
    _, em = images
    labels = np.zeros((640, 720), int)
    labels[200:240, 300:340] = 5
    model.add_labels(labels, name="granule")
    model.add_points([[220, 320]], name="spot", scale=em.scale, units=em.units,
                     translate=em.translate)  # fmt: skip
    driver = dock()
    driver.tick("granule", "spot")
    driver.click("lay")
    laid = {layer.name: layer for layer in model.layers if role(layer) == CARRIED}
    assert set(laid) == {"granule on LM", "spot on LM"}
    granule, spot = laid["granule on LM"], laid["spot on LM"]
    middle = granule.data_to_world(np.argwhere(granule.data == 5).mean(axis=0))
    # Within an LM pixel, in its world of micrometres or nanometres.
    assert np.allclose(middle, spot.data_to_world(spot.data[0]), atol=spot.scale[0])
    assert driver.message == "✔ 2 layers laid over the LM"


def test_while_something_runs_nothing_else_is_begun(dock, overlay, chosen, tmp_path):
    driver = dock()
    chosen.path = tmp_path / "report.html"
    driver["write_report"].click()
    assert not driver["save_image"].isEnabled()
    assert driver["cancel"].isEnabled()
    driver["cancel"].click()
    driver.wait()
    assert driver.message == "Cancelled: nothing was changed."
    assert driver["save_image"].isEnabled()
    assert not chosen.path.exists()


def test_closed_it_stops_and_lets_go_of_the_viewer(dock, overlay, model, chosen, tmp_path, qtbot):
    driver = dock()
    chosen.path = tmp_path / "report.html"
    driver["write_report"].click()
    driver.close()
    model.add_image(np.zeros((4, 4)))
    overlay.affine = np.eye(3)
    qtbot.wait(500)
    assert not chosen.path.exists()
    assert not driver["cancel"].isEnabled()
