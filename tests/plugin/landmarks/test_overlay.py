from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.events import run
from clem_retrace.geometry import map_points, similarity
from clem_retrace.micrograph import ImageFacts, Micrograph
from clem_retrace.plugin import outputs, regions, roles
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.overlay import Overlay, bent_steps
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.plugin.roles import LANDMARK_OVERLAY, role
from clem_retrace.plugin.scene import Scene
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks


@pytest.fixture
def overlay(qapp, model, images):
    for image in images:
        model.add_layer(image)
    overlay = Overlay(model, Scene(model))
    yield overlay
    overlay.stop()


def shown(model):
    return [layer for layer in model.layers if role(layer) == LANDMARK_OVERLAY]


def test_the_em_lies_on_the_lm_by_its_own_pixels(model, overlay, images, pairing, facts):
    lm, em = images
    found = fit(pairing, *facts)
    overlay.show(found, lm, em)
    (layer,) = shown(model)
    assert layer.data is em.data
    np.testing.assert_allclose(pixels_between(layer, lm), found.transform.em_to_lm, atol=1e-9)
    assert layer.units == lm.units
    entry = layer.metadata[roles.KEY]
    assert entry["role"] == "landmark overlay"
    assert entry["image"] == lm.unique_id
    assert entry["transform"] is found.transform
    assert entry["outdated"] is False


def test_it_follows_and_keeps_its_looks(model, overlay, images, pairing, facts):
    lm, em = images
    overlay.show(fit(pairing, *facts), lm, em)
    (layer,) = shown(model)
    layer.opacity, layer.visible = 0.3, False
    moved = fit(pairing.moving(0, "em", (100, 100)), *facts)
    overlay.show(moved, lm, em)
    assert shown(model) == [layer]
    np.testing.assert_allclose(pixels_between(layer, lm), moved.transform.em_to_lm, atol=1e-9)
    assert (layer.opacity, layer.visible) == (0.3, False)
    assert layer.metadata[roles.KEY]["transform"] is moved.transform


def test_a_drag_spares_the_viewer_and_tells_it_at_the_end(model, overlay, images, pairing, facts):
    overlay.show(fit(pairing, *facts), *images)
    told = []
    for name in ("range", "point"):
        getattr(model.dims.events, name).connect(lambda event: told.append(event.type))
    # Far beyond all images.
    away = pairing.with_landmarks(
        dataclasses.replace(pairing.landmarks, lm=pairing.landmarks.lm - 5000)
    )
    moved = fit(away, *facts)
    overlay.show(moved, *images, moving=True)
    (layer,) = shown(model)
    np.testing.assert_allclose(
        pixels_between(layer, images[0]), moved.transform.em_to_lm, atol=1e-6
    )
    assert told == []
    overlay.show(moved, *images)
    assert told == ["range"]
    assert model.dims.range[0].start < -400  # micrometres, or more in nm


def test_one_of_earlier_pairs_says_so_until_it_belongs_again(
    model, overlay, images, pairing, facts
):
    good = fit(pairing, *facts)
    overlay.show(good, *images)
    overlay.show(fit(pairing.removing([2, 3, 4]), *facts, good), *images)
    (layer,) = shown(model)
    assert layer.name.endswith("(out of date)")
    assert layer.metadata[roles.KEY]["outdated"] is True
    overlay.show(good, *images)
    assert "out of date" not in layer.name
    assert layer.metadata[roles.KEY]["outdated"] is False


def test_without_a_transform_it_is_taken_away(model, overlay, images, pairing, facts):
    overlay.show(fit(pairing, *facts), *images)
    overlay.show(fit(Pairing(), *facts), *images)
    assert shown(model) == []


def test_it_takes_the_place_of_what_a_run_laid_over_the_images(
    model, overlay, pair_layers, registration
):
    for layer in pair_layers:
        model.add_layer(layer)
    lm, em = pair_layers[:2]
    scene = Scene(model)
    run_overlay = scene.put(outputs.overlay_layer(registration, em, lm))
    region = scene.put(
        outputs.region_layer(regions.cut_from(lm, registration.roi), registration, lm, em)
    )
    run_overlay.visible = region.visible = True
    run_overlay.opacity, run_overlay.colormap = 0.25, "magenta"
    found = fit(Pairing(start=registration.em_to_lm), registration.lm, registration.em)
    overlay.show(found, lm, em)
    (layer,) = shown(model)
    assert (layer.opacity, layer.colormap.name, layer.visible) == (0.25, "magenta", True)
    assert (run_overlay.visible, region.visible) == (False, False)
    # What the user shows again stays so.
    region.visible = True
    overlay.show(fit(found.pairing.adding("lm", (1, 2)), registration.lm, registration.em), lm, em)
    assert region.visible


def test_the_selection_stays(model, overlay, images, pairing, facts):
    model.layers.selection = {images[0]}
    overlay.show(fit(pairing, *facts), *images)
    assert set(model.layers.selection) == {images[0]}


def test_other_pixels_of_the_em_are_shown(model, overlay, images, pairing, facts):
    lm, em = images
    found = fit(pairing, *facts)
    overlay.show(found, lm, em)
    em.data = np.zeros(em.data.shape, np.uint8)
    overlay.renew(lm)
    overlay.show(found, lm, em)
    (layer,) = shown(model)
    assert layer.data is em.data


def test_a_multiscale_em_is_laid_over_whole(model, overlay, images, pairing, facts):
    lm, em = images
    levels = [em.data, em.data[::2, ::2]]
    pyramid = Image(levels, multiscale=True, name="EM pyramid", scale=em.scale, units=em.units)
    model.add_layer(pyramid)
    overlay.show(fit(pairing, *facts), lm, pyramid)
    (layer,) = shown(model)
    assert layer.multiscale
    moved = fit(pairing.moving(0, "em", (100, 100)), *facts)
    overlay.show(moved, lm, pyramid)
    assert shown(model) == [layer]
    np.testing.assert_allclose(pixels_between(layer, lm), moved.transform.em_to_lm, atol=1e-9)


def test_a_bright_pixel_of_the_em_is_bent_onto_its_place():
    lm, em = ImageFacts("LM", (60, 70), 100.0), ImageFacts("EM", (240, 280), 25.0)
    rng = np.random.default_rng(1)
    on_lm = np.array([(8, 9), (9, 60), (50, 8), (52, 61), (30, 35), (20, 40)], float)
    on_em = map_points(similarity(4, 12, False, (30, 35), (120, 140)), on_lm)
    pairs = Landmarks.of(on_lm, on_em + rng.normal(scale=4, size=on_em.shape))
    transform = fit_landmarks(pairs, "thin-plate spline", lm=lm, em=em)
    pixels = np.zeros(em.shape, np.float32)
    there = np.round(transform.to_em((33.0, 41.0))).astype(int)
    pixels[tuple(there)] = 1
    bent = run(bent_steps(Micrograph(pixels), transform))
    brightest = np.unravel_index(np.nanargmax(bent.pixels), bent.pixels.shape)
    # The EM's pixel is rounded by half of one at most, a quarter of which is one of the LM.
    away = map_points(bent.to_lm, brightest) - (33.0, 41.0)
    assert np.hypot(*away) < 0.4
    assert np.isnan(bent.pixels).any()


def test_a_spline_is_shown_when_it_has_been_bent(model, overlay, images, pairing, facts, qtbot):
    lm, em = images
    overlay.show(fit(pairing, *facts), lm, em)
    (before,) = shown(model)
    before.opacity = 0.4
    bent = fit(dataclasses.replace(pairing, model="thin-plate spline"), *facts)
    with qtbot.waitSignal(overlay.busy_changed, check_params_cb=lambda busy: not busy):
        overlay.show(bent, lm, em)
        # The one before is what is seen until then, and does not claim to be the spline.
        assert before.metadata[roles.KEY]["transform"] is not bent.transform
    qtbot.waitUntil(lambda: shown(model) != [before])
    (layer,) = shown(model)
    assert layer.metadata[roles.KEY]["transform"] is bent.transform
    assert layer.opacity == 0.4
    assert layer.data.dtype == np.float32
    overlay.show(fit(pairing, *facts), lm, em)
    (layer,) = shown(model)
    assert layer.data is em.data


def test_a_spline_that_was_replaced_is_not_shown(model, overlay, images, pairing, facts, qtbot):
    spline = dataclasses.replace(pairing, model="thin-plate spline")
    overlay.show(fit(spline, *facts), *images)
    overlay.stop()
    qtbot.wait(400)
    assert shown(model) == []
