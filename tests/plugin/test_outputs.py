from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Image, Layer

from clem_retrace.geometry import invert, map_points, similarity
from clem_retrace.plugin import outputs, regions
from clem_retrace.plugin.frames import pixels_between


def create(layer_data):
    return Layer.create(*layer_data)


@pytest.fixture
def em_to_lm():
    """A turn, a mirror and a little shear."""
    sheared = np.array([[1, 0.03, 0], [0, 1, 0], [0, 0, 1]])
    return similarity(1 / 9.7, 25, True, (200, 250), (30, 40)) @ sheared


@pytest.mark.parametrize(
    ("lm_units", "lm_scale", "em_units", "em_scale"),
    [
        (("nm", "nm"), 110.0, ("nm", "nm"), 11.3),
        (("um", "um"), 0.11, ("nm", "nm"), 11.3),
        (None, 1.0, None, 1.0),
        (("nm", "nm"), 110.0, None, 1.0),
    ],
)
def test_one_bright_em_pixel_lies_on_its_lm_pixel(
    registration, em_to_lm, lm_units, lm_scale, em_units, em_scale
):
    """Of the overlay, whatever the units of the two, and wherever the EM layer lies."""
    data = np.zeros((400, 500), np.float32)
    data[123, 45] = 1
    em = Image(data, scale=(em_scale,) * 2, units=em_units, translate=(5000, 7000), rotate=10)
    lm = Image(np.zeros((60, 80)), scale=(lm_scale,) * 2, units=lm_units, translate=(3, -2))
    moved = dataclasses.replace(registration, em_to_lm=em_to_lm, ratio=110 / 11.3)
    overlay = create(outputs.overlay_layer(moved, em, lm))
    (bright,) = np.argwhere(overlay.data == 1)
    expected = lm.data_to_world(map_points(em_to_lm, (123, 45)))
    np.testing.assert_allclose(overlay.data_to_world(bright), expected, rtol=1e-9)
    assert overlay.units == lm.units


def test_the_overlay_is_the_em_itself_at_its_own_pixel_size(registration, lm, em):
    em_to_lm = similarity(1 / 10, 25, False, (200, 250), (30, 40))
    registered = dataclasses.replace(registration, em_to_lm=em_to_lm, ratio=10.0)
    overlay = create(outputs.overlay_layer(registered, em, lm))
    assert overlay.data is em.data
    # 11 nm, in the LM's um; what is left to `affine` is the turn alone.
    np.testing.assert_allclose(overlay.scale, 0.011)
    turn = overlay.affine.linear_matrix
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-9)
    assert overlay.contrast_limits == em.contrast_limits


def test_the_overlay_of_a_multiscale_em(registration, lm):
    levels = [np.zeros((640, 720)), np.zeros((320, 360))]
    em = Image(levels, multiscale=True, contrast_limits=(0, 1))
    overlay = create(outputs.overlay_layer(registration, em, lm))
    assert overlay.multiscale
    assert overlay.data[0] is levels[0]


def test_a_result_that_is_not_sure_is_not_laid_over_the_lm_unasked(registration, lm, em):
    unsure = dataclasses.replace(registration, found=False)
    assert not create(outputs.overlay_layer(unsure, em, lm)).visible
    assert create(outputs.overlay_layer(dataclasses.replace(unsure, found=True), em, lm)).visible


def test_candidates_are_rectangles_on_the_em_with_a_table(registration, em):
    candidates = registration.candidates
    layer = create(outputs.candidates_layer(candidates, em))
    assert len(layer.data) == len(candidates.matches)
    assert set(layer.shape_type) == {"polygon"}
    np.testing.assert_allclose(layer.data[0], candidates.best.corners, atol=1e-3)
    np.testing.assert_allclose(pixels_between(layer, em), np.eye(3), atol=1e-9)
    assert layer.units == em.units
    table = layer.features
    assert list(table.columns) == [
        "rank", "search", "score", "confidence", "angle", "mirrored", "row", "col", "label",
    ]  # fmt: skip
    assert list(table["rank"]) == list(range(1, len(candidates.matches) + 1))
    assert (table["row"][0], table["col"][0]) == pytest.approx(candidates.best.centre)
    assert table["angle"][0] == pytest.approx(candidates.best.angle)


def test_the_candidate_that_is_shown_stands_out(registration, em):
    candidates = registration.candidates
    layer = create(outputs.candidates_layer(candidates, em, chosen=2))
    colours = [tuple(colour) for colour in layer.edge_color]
    assert colours.count(colours[2]) == 1
    assert np.argmax(layer.z_index) == 2
    # It and the first three bear their numbers.
    assert list(layer.features["label"][:4]) == ["1", "2", "3", ""]
    last = len(candidates.matches) - 1
    layer = create(outputs.candidates_layer(candidates, em, chosen=last))
    assert layer.features["label"][last] == str(last + 1)


def test_the_region_lies_on_the_em_where_it_was_found(registration, pair, lm, em):
    """One bright LM pixel of the region, and its place on the EM."""
    pixels = np.zeros(pair.lm.shape, np.float32)
    row, col = (int(part) for part in registration.roi.centre)
    pixels[row, col] = 1
    cut = pixels[regions.region_slices(registration.roi)]
    assert cut.shape == (70, 90)
    layer = create(outputs.region_layer(cut, registration, lm, em))
    (bright,) = np.argwhere(layer.data == 1)
    expected = em.data_to_world(map_points(registration.lm_to_em, (row, col)))
    np.testing.assert_allclose(layer.data_to_world(bright), expected, rtol=1e-9)
    assert layer.units == em.units


def test_similarity_map_lies_on_the_em(registration, em):
    candidates = registration.candidates
    layer = create(outputs.similarity_layer(candidates, em))
    point = (3, 5)
    expected = em.data_to_world(map_points(candidates.similarity_to_em, point))
    np.testing.assert_allclose(layer.data_to_world(point), expected)
    assert layer.units == em.units
    assert np.isfinite(layer.contrast_limits).all()


def test_log_image_lies_on_its_image(lm):
    image_to_log = similarity(0.5, 0, False, (0, 0), (-0.25, -0.25))
    log = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    layer = create(outputs.log_layer(log, image_to_log, lm, "LM"))
    expected = lm.data_to_world(map_points(invert(image_to_log), (7, 9)))
    np.testing.assert_allclose(layer.data_to_world((7, 9)), expected)
    assert layer.name == "LM LoG"
    assert not layer.visible


def test_warped_em_lies_on_the_lm_pixel_by_pixel(registration, lm):
    warped = np.full((60, 80), np.nan, np.float32)
    warped[10:20, 10:20] = np.arange(100).reshape(10, 10)
    layer = create(outputs.warped_layer(warped, registration, lm))
    np.testing.assert_allclose(pixels_between(layer, lm), np.eye(3), atol=1e-9)
    low, high = layer.contrast_limits
    assert 0 <= low < high <= 99


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_maps_without_contrast_can_be_shown(registration, em, value):
    flat = dataclasses.replace(
        registration.candidates, similarity=np.full((5, 6), value, np.float32)
    )
    low, high = create(outputs.similarity_layer(flat, em)).contrast_limits
    assert low < high
