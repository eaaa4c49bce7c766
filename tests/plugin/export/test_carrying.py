"""Other layers laid over the other image: where their pixels and points come to lie."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer, Points, Shapes

from clem_retrace.errors import BadImage
from clem_retrace.events import run
from clem_retrace.geometry import map_points
from clem_retrace.plugin import roles
from clem_retrace.plugin.export.carrying import (
    CARRIED,
    Bending,
    carried,
    carried_by_points,
    lies_on,
    others,
)
from clem_retrace.plugin.export.held import held_transforms
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.layers import image_source

#: Pixels of the target within which a point must lie by an affine transform: rounding.
EXACT = 1e-6

AT = np.array([[100.0, 150.0], [300.0, 400.0], [500.0, 200.0]])


def on_em(held, kind=Points, **keywords):
    """Points at `AT` of the EM, drawn there as napari does it."""
    em = held.layer("em")
    placed = {"scale": em.scale, "units": em.units, "translate": em.translate}
    return kind(AT, name="spots", **placed | keywords)


def laid(layer_data, held, target="lm"):
    """A layer, and the way from its pixels to those of an image."""
    layer = Layer.create(*layer_data)
    return layer, pixels_between(layer, held.layer(target))


def test_points_lie_where_the_transform_takes_them(held):
    points = on_em(held, features={"kind": ["a", "b", "c"]}, size=7)
    to_em, notes = lies_on(points, held, "em")
    layer, to_lm = laid(carried(points, to_em, held, "em"), held)
    assert notes == ()
    assert np.allclose(map_points(to_lm, layer.data), held.transform.to_lm(AT), atol=EXACT)
    assert layer.units == held.layer("lm").units
    assert list(layer.features["kind"]) == ["a", "b", "c"]
    assert layer.name == "spots on LM"
    assert layer.metadata[roles.KEY] == {
        "role": CARRIED,
        "image": held.layer("lm").unique_id,
        "of": points.unique_id,
    }


def test_what_belongs_to_the_lm_is_laid_over_the_em(held):
    lm = held.layer("lm")
    region = Shapes(
        [np.array([[10, 20], [10, 60], [50, 60], [50, 20]])],
        shape_type="ellipse", scale=lm.scale, units=lm.units, translate=lm.translate, name="cell",
    )  # fmt: skip
    to_lm, _ = lies_on(region, held, "lm")
    layer, to_em = laid(carried(region, to_lm, held, "lm"), held, "em")
    expected = held.transform.to_em(region.data[0])
    assert np.allclose(map_points(to_em, layer.data[0]), expected, atol=EXACT)
    assert layer.shape_type == ["ellipse"]
    assert layer.name == "cell on EM"


def test_another_channel_shares_its_data_wherever_it_is_drawn(held):
    channel = Image(np.arange(640 * 720).reshape(640, 720), name="second", colormap="magenta")
    to_em, _ = lies_on(channel, held, "em")
    layer, to_lm = laid(carried(channel, to_em, held, "em"), held)
    assert layer.data is channel.data
    assert layer.colormap.name == "magenta"
    assert np.allclose(to_lm, held.transform.em_to_lm, atol=EXACT)


def test_labels_of_another_binning(held):
    labels = Labels(np.arange(320 * 360).reshape(320, 360), name="granules")
    to_em, notes = lies_on(labels, held, "em")
    layer, to_lm = laid(carried(labels, to_em, held, "em"), held)
    # The centre of a binned pixel is that of 2 x 2 pixels of the EM.
    expected = held.transform.to_lm([[0.5, 0.5], [600.5, 700.5]])
    assert np.allclose(map_points(to_lm, [[0, 0], [300, 350]]), expected, atol=EXACT)
    assert isinstance(layer, Labels)
    assert "taken for another binning, by 2" in notes[0]


def test_a_stack_keeps_its_planes(held):
    stack = Image(np.zeros((3, 640, 720), np.uint8), name="z", scale=(5, 1, 1))
    to_em, _ = lies_on(stack, held, "em")
    layer = Layer.create(*carried(stack, to_em, held, "em"))
    assert layer.ndim == 3
    assert layer.scale[0] == 5
    world = np.array(layer.data_to_world((2, 100, 150)))
    flat = Layer.create(*carried(Image(np.zeros((640, 720))), to_em, held, "em"))
    assert world[0] == 10
    assert np.allclose(world[1:], flat.data_to_world((100, 150)), atol=EXACT)


def test_a_crop_belongs_where_it_is_drawn(held):
    em = held.layer("em")
    corner = np.array(em.translate) + 100 * np.array(em.scale)
    crop = Image(np.zeros((50, 60)), scale=em.scale, units=em.units, translate=corner, name="crop")
    to_em, notes = lies_on(crop, held, "em")
    assert np.allclose(map_points(to_em, [0, 0]), [100, 100], atol=EXACT)
    assert notes == ("'crop' was taken where it is drawn",)
    crop.translate = (1e9, 0)
    with pytest.raises(BadImage, match=r"'crop' has 50 x 60 pixels.*neither as many"):
        lies_on(crop, held, "em")


def test_points_that_are_not_drawn_there_are_in_pixels(held):
    """As napari's tables have them, read with no scale."""
    held.layer("em").translate = (0, 1e6)
    to_em, notes = lies_on(Points(AT, name="table"), held, "em")
    assert np.array_equal(to_em, np.eye(3))
    assert "'table' was taken to be in pixels of " in notes[0]


@pytest.mark.parametrize(
    ("points", "message"),
    [(AT + 1e7, "does not lie on"), (np.empty((0, 2)), "is empty: there is nothing to lay")],
)
def test_what_lies_elsewhere_is_refused(held, points, message):
    with pytest.raises(BadImage, match=message):
        lies_on(Points(points, name="far"), held, "em")


@pytest.fixture
def bent_held(model, bent):
    return held_transforms(list(model.layers))[0]


def test_by_a_spline_points_are_moved_one_by_one(bent_held, spline):
    points = on_em(bent_held, size=8)
    to_em, _ = lies_on(points, bent_held, "em")
    layer, to_lm = laid(carried_by_points(points, to_em, bent_held, "em"), bent_held)
    assert np.allclose(map_points(to_lm, layer.data), spline.to_lm(AT), atol=1e-3)
    # An EM pixel is a quarter of an LM pixel.
    assert np.allclose(layer.size, 2, rtol=0.1)


def test_by_a_spline_rectangles_become_polygons(bent_held, spline):
    corners = np.array([[100, 100], [100, 500], [400, 500], [400, 100]], float)
    em = bent_held.layer("em")
    box = Shapes(
        [corners, corners[:2]], shape_type=["rectangle", "line"], name="box",
        scale=em.scale, units=em.units, translate=em.translate,
    )  # fmt: skip
    to_em, _ = lies_on(box, bent_held, "em")
    layer, to_lm = laid(carried_by_points(box, to_em, bent_held, "em"), bent_held)
    assert layer.shape_type == ["polygon", "line"]
    for vertices, moved in zip([corners, corners[:2]], layer.data, strict=True):
        assert np.allclose(map_points(to_lm, moved), spline.to_lm(vertices), atol=1e-3)


@pytest.mark.parametrize("source", ["em", "lm"])
def test_by_a_spline_labels_are_drawn_anew_and_stay_labels(bent_held, spline, source):
    values = np.zeros(bent_held.transform.facts(source).shape, np.int32)
    at = (200, 300) if source == "em" else (70, 90)
    values[at[0] - 3 : at[0] + 4, at[1] - 3 : at[1] + 4] = 777
    labels = Labels(values, name="one")
    bending = Bending(labels, image_source(labels, None), np.eye(3), bent_held, source)
    pixels, to_target = run(bending.steps())
    target = "lm" if source == "em" else "em"
    layer, to_other = laid(bending.layer_data(pixels, to_target), bent_held, target)
    assert isinstance(layer, Labels)
    assert set(np.unique(pixels)) == {0, 777}
    middle = map_points(to_other, np.argwhere(pixels == 777).mean(axis=0))
    expected = spline.to_lm(at) if source == "em" else spline.to_em(at)
    # Half a pixel of the target, or of the source where that is larger.
    assert np.allclose(middle, expected, atol=0.5 if source == "em" else 2.5)


def test_the_images_and_results_are_not_offered(model, overlay, held):
    mine = model.add_points(AT, name="mine")
    offered = others(model.layers, held)
    assert mine in offered
    names = {layer.name for layer in offered}
    assert names == {"mine", "Ground truth", "Region (ROI)"}
