from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Shapes

from clem_retrace.geometry import invert, map_points, similarity
from clem_retrace.plugin.frames import (
    calibrate,
    image_shape,
    overlap,
    pixel_size,
    pixels_between,
    place_beside,
    placement,
    to_world,
)


def image(shape=(20, 30), **keywords):
    return Image(np.zeros(shape, np.float32), **keywords)


@pytest.mark.parametrize(
    ("keywords", "nm"),
    [
        pytest.param({"scale": (110, 110), "units": ("nm", "nm")}, 110, id="nm"),
        pytest.param({"scale": (0.11, 0.11), "units": ("um", "um")}, 110, id="um"),
        pytest.param({"scale": (0.11, 110), "units": ("um", "nm")}, 110, id="two units"),
        pytest.param({"scale": (7, 7), "units": ("nm", "nm"), "rotate": 30}, 7, id="turned"),
        pytest.param(
            {"scale": (7, 7), "units": ("nm", "nm"), "affine": np.diag([2, 2, 1])}, 14, id="affine"
        ),
        pytest.param({"scale": (110, 110)}, None, id="no unit"),
        pytest.param({"scale": (110, 110), "units": ("s", "s")}, None, id="no length"),
        pytest.param({"scale": (100, 110), "units": ("nm", "nm")}, None, id="not square"),
    ],
)
def test_pixel_size_is_read_off_scale_and_units(keywords, nm):
    assert pixel_size(image(**keywords)).nm == (None if nm is None else pytest.approx(nm))


def test_pixel_size_of_a_stack_is_that_of_its_last_axes():
    stack = image((3, 20, 30), scale=(500, 110, 110), units=("nm", "nm", "nm"))
    assert pixel_size(stack).nm == 110


def test_a_missing_pixel_size_says_why():
    assert "no unit of length" in pixel_size(image()).origin
    assert "not square" in pixel_size(image(scale=(1, 2), units=("nm", "nm"))).origin


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (image((5, 20, 30)), (20, 30)),
        (Image([np.zeros((40, 60)), np.zeros((20, 30))], multiscale=True), (40, 60)),
        (Image(np.zeros((20, 30, 3), np.uint8), rgb=True), (20, 30)),
    ],
)
def test_image_shape(layer, shape):
    assert image_shape(layer) == shape


def test_to_world_agrees_with_the_layer(em):
    points = np.array([[0.0, 0.0], [12.5, 7.0], [-3.0, 400.0]])
    expected = [em.data_to_world(point) for point in points]
    np.testing.assert_allclose(map_points(to_world(em), points), expected)


def test_pixels_between_layers_of_other_units_and_positions(lm, em):
    """The LM pixel that lies where the EM pixel (100, 50) lies, by way of micrometres."""
    world_nm = np.array(em.data_to_world((100, 50)))
    expected = lm.world_to_data(world_nm / 1000)
    np.testing.assert_allclose(map_points(pixels_between(em, lm), (100, 50)), expected)


def test_pixels_between_takes_bare_numbers_when_a_unit_is_missing():
    """As napari then draws them."""
    shapes = Shapes(ndim=2, scale=(2, 2))
    np.testing.assert_allclose(
        map_points(pixels_between(shapes, image(scale=(4, 4), units=("nm", "nm"))), (6, 8)), (3, 4)
    )


@pytest.mark.parametrize("scale", [None, 0.02])
def test_placement_puts_new_data_on_the_image(lm, scale):
    """Each new pixel lies in the world where the image's pixel lies that it maps to."""
    to_image = similarity(0.1, 33, True, (10, 20), (30, 40))
    keywords = placement(lm, to_image, scale=scale)
    new = image((50, 50), **keywords)
    assert new.units == lm.units
    for point in ((0, 0), (10, 20), (49, 3)):
        expected = lm.data_to_world(map_points(to_image, point))
        np.testing.assert_allclose(new.data_to_world(point), expected)
    if scale is not None:
        np.testing.assert_allclose(new.scale, scale)


def test_placement_on_an_upright_image_is_scale_and_translate(lm):
    keywords = placement(lm)
    assert keywords.keys() == {"scale", "translate", "units"}
    np.testing.assert_allclose(keywords["scale"], lm.scale)
    np.testing.assert_allclose(keywords["translate"], lm.translate)


def test_placement_on_a_stack_is_two_dimensional():
    stack = image((3, 20, 30), scale=(500, 110, 110), units=("nm", "nm", "nm"))
    new = image((20, 30), **placement(stack))
    assert new.ndim == 2
    np.testing.assert_allclose(new.data_to_world((1, 2)), stack.data_to_world((0, 1, 2))[1:])


def test_place_beside_moves_the_image_and_what_lies_on_it(lm):
    em = image((400, 500), scale=(11, 11), units=("nm", "nm"))
    turned = np.array([[0, -1, 5], [1, 0, 7], [0, 0, 1.0]])
    follower = image((400, 500), scale=(11, 11), units=("nm", "nm"), affine=turned)
    lm.translate = (0, 0)
    assert overlap(lm, em)
    offset = np.subtract(follower.data_to_world((3, 4)), em.data_to_world((3, 4)))
    place_beside(em, lm, [follower])
    assert not overlap(lm, em)
    # The top edges are level and the gap is a twentieth of the LM's width of 8.8 um.
    top, left = em.data_to_world((-0.5, -0.5))
    assert top == pytest.approx(-0.5 * 110)
    assert left == pytest.approx(79.5 * 110 + 0.05 * 8800)
    now = np.subtract(follower.data_to_world((3, 4)), em.data_to_world((3, 4)))
    np.testing.assert_allclose(now, offset)


def test_calibrate_gives_a_pixel_size_and_keeps_things_in_place():
    em = image((400, 500), translate=(0, 100))
    follower = Shapes(ndim=2, **placement(em, similarity(1.0, 30, False, (0, 0), (5, 6))))
    before = map_points(pixels_between(follower, em), (10, 20))
    calibrate(em, 11.3, [follower])
    assert pixel_size(em).nm == pytest.approx(11.3)
    assert em.units == follower.units
    np.testing.assert_allclose(em.data_to_world((0, 0)), (0, 1130))
    np.testing.assert_allclose(map_points(pixels_between(follower, em), (10, 20)), before)


def test_calibrate_replaces_a_wrong_size(lm):
    calibrate(lm, 100, [])
    assert pixel_size(lm).nm == pytest.approx(100)


def test_transforms_there_and_back(lm, em):
    there = pixels_between(lm, em)
    np.testing.assert_allclose(there @ pixels_between(em, lm), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(invert(there), pixels_between(em, lm), atol=1e-9)
