"""Both images are seen, whatever their units, and get the pixel sizes that become known."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.plugin.frames import overlap, pixels_between
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.sight import camera as camera_of


def image(name, shape, scale=1.0, units=None, **keywords):
    return Image(
        np.zeros(shape, np.float32), name=name, scale=(scale,) * 2, units=units, **keywords
    )


def seen(model, layer):
    """Where an image lies on the canvas: (top, left, bottom, right), in canvas pixels."""
    (top, left), (bottom, right) = layer.extent.world
    camera = camera_of(model)
    centre = np.asarray(camera.center)[-2:]
    unit = model.layers.units
    factor = 1.0
    if unit is not None:
        factor = float((1 * layer.units[-1]).to(unit[-1]).magnitude)
    corners = np.array([[top, left], [bottom, right]]) * factor
    return (corners - centre) * camera.zoom + np.asarray(model.canvas.size) / 2


SAME, NM, UM = None, ("nm", "nm"), ("um", "um")


@pytest.mark.usefixtures("canvas_is_known")
@pytest.mark.parametrize(
    ("lm", "em"),
    [
        ((110.0, NM), (11.0, NM)),
        ((0.11, UM), (11.0, NM)),
        ((0.11, UM), (1.0, SAME)),
        ((1.0, SAME), (11.0, NM)),
        ((1.0, SAME), (1.0, SAME)),
        ((110.0, NM), (0.000011, ("mm", "mm"))),
    ],
)
def test_both_are_in_view_and_none_is_a_speck(lm, em, drive, model):
    lm_layer = image("LM", (1000, 1300), *lm)
    em_layer = image("EM", (8000, 9000), *em)
    driver = drive(lm_layer, em_layer)
    driver.widget.opened()
    height, width = model.canvas.size
    for layer in (lm_layer, em_layer):
        (top, left), (bottom, right) = seen(model, layer)
        assert -1 <= top < bottom <= height + 1
        assert -1 <= left < right <= width + 1
        # An eighth of the canvas, along the longer side.
        assert max((bottom - top) / height, (right - left) / width) > 1 / 8
    assert not overlap(lm_layer, em_layer)


def test_an_image_without_unit_gets_the_size_that_is_typed(drive, model, draw):
    lm = image("LM", (100, 130), 0.11, UM)
    em = image("EM", (800, 900))
    driver = drive(lm, em)
    assert driver.primary() == {"em_pixel_size"}
    assert "EM" in driver.text("step_images_state")
    driver["em_pixel_size"].setValue(11)
    np.testing.assert_allclose(em.scale, 11)
    assert model.layers.units is not None
    assert driver.text("em_size_origin") == "typed in"
    assert not overlap(lm, em)
    # Corrected at once.
    driver["em_pixel_size"].setValue(12)
    np.testing.assert_allclose(em.scale, 12)


def test_an_image_with_its_own_unit_keeps_its_scale_until_asked(drive):
    lm = image("LM", (100, 130), 0.11, UM)
    em = image("EM", (800, 900), 11.0, NM)
    driver = drive(lm, em)
    driver["em_pixel_size"].setValue(12)
    np.testing.assert_allclose(em.scale, 11)
    driver.click("calibrate")
    np.testing.assert_allclose(em.scale, 12)
    assert not driver["calibrate"].isEnabled()


def test_what_lies_on_an_image_goes_along(drive, model, pair):
    lm = Image(pair.lm.data, name="LM")
    em = Image(pair.em.data, name="EM")
    driver = drive(lm, em)
    driver.click("draw_roi")
    (roi,) = driver.ours("roi")
    roi.add_rectangles(pair.roi.corners)
    driver["ratio"].setValue(4)
    driver.run()
    driver["lm_pixel_size"].setValue(110)
    driver["em_pixel_size"].setValue(27.5)
    (candidates,) = driver.ours("candidates")
    for layer, on in ((roi, lm), (candidates, em)):
        np.testing.assert_allclose(pixels_between(layer, on), np.eye(3), atol=1e-6)
        assert layer.units == on.units


def test_placed_images_are_left_where_they_are(drive):
    lm = image("LM", (100, 130), 110.0, NM)
    em = image("EM", (800, 900), 11.0, NM, translate=(500, 400))
    drive(lm, em)
    np.testing.assert_allclose(em.translate, (500, 400))


def test_the_larger_pixels_are_suspected_to_be_swapped(drive):
    first, second = image("a", (50, 60), 11.0, NM), image("b", (50, 60), 110.0, NM)
    driver = drive(first, second)
    driver.widget.images.choose(first, second)
    assert "swapped" in driver.text("step_images_state")
    driver.click("swap")
    assert (driver.widget.images.lm, driver.widget.images.em) == (second, first)
    assert driver.text("step_images_state").startswith("LM 110 nm/px")


def test_an_image_is_brought_into_view(drive, model):
    lm, em = image("LM", (100, 130), 110.0, NM), image("EM", (800, 900), 11.0, NM)
    driver = drive(lm, em)
    em.visible = False
    driver.click("view_em")
    assert em.visible
    np.testing.assert_allclose(
        np.asarray(camera_of(model).center)[-2:], em.extent.world.mean(axis=0)
    )


def test_where_napari_can_only_look_at_all_layers_the_view_is_computed(model):
    lm, em = image("LM", (100, 130), 0.11, UM), image("EM", (800, 900), 11.0, NM)
    em.translate = (5000, 20_000)
    for layer in (lm, em):
        model.add_layer(layer)
    view = camera_of(model)
    Scene(model)._view_as_before_napari_0_9_2([em], 0.05)
    np.testing.assert_allclose(view.center[-2:], em.extent.world.mean(axis=0))
    computed = view.zoom
    model.layers.remove(lm)
    model.reset_view()
    # All of it is seen, though it may be smaller than it could be.
    assert view.zoom / 4 < computed <= view.zoom * 1.01
