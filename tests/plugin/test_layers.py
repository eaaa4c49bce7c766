from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Shapes

from clem_retrace.errors import BadImage, InvalidOption, RoiError
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.layers import (
    ImageSource,
    StackChoice,
    em_patch,
    image_source,
    lm_region,
    region,
)

RNG = np.random.default_rng(3)


class ReadOnce:
    """An array that tells whether it was read."""

    def __init__(self, data):
        self.data, self.shape, self.ndim, self.dtype = data, data.shape, data.ndim, data.dtype
        self.reads = []

    def __getitem__(self, key):
        self.reads.append(key)
        return self.data[key]

    def __array__(self, dtype=None, copy=None):
        self.reads.append("all")
        return self.data


def test_a_plain_image_is_passed_on_as_it_is(lm):
    micrograph = image_source(lm, 110.0).read()
    assert micrograph.data is lm.data
    assert (micrograph.pixel_size, micrograph.name) == (110.0, "LM")


@pytest.mark.parametrize("projection", ["max", "mean", "min", "std"])
def test_a_stack_is_projected(projection):
    stack = RNG.normal(size=(5, 6, 7)).astype(np.float32)
    source = image_source(Image(stack), None, StackChoice(projection=projection))
    expected = getattr(stack, projection)(axis=0)
    np.testing.assert_allclose(source.read().data, expected, rtol=1e-5)


@pytest.mark.parametrize("channel_axis", [0, 1])
def test_channel_and_plane_of_a_stack(channel_axis):
    stack = RNG.normal(size=(2, 5, 6, 7)) if channel_axis == 0 else RNG.normal(size=(5, 2, 6, 7))
    choice = StackChoice(channel_axis, channel=1, projection="plane", plane=3)
    expected = stack[1, 3] if channel_axis == 0 else stack[3, 1]
    np.testing.assert_array_equal(image_source(Image(stack), None, choice).read().data, expected)


def test_axes_of_length_one_count_for_nothing():
    data = RNG.normal(size=(1, 1, 6, 7))
    np.testing.assert_array_equal(image_source(Image(data), None).read().data, data[0, 0])


def test_a_plane_that_is_not_there():
    source = image_source(Image(np.zeros((5, 6, 7))), None, StackChoice(None, 0, "plane", 5))
    with pytest.raises(InvalidOption, match="5 planes"):
        source.read()


def test_a_dask_stack_stays_lazy():
    stack = da.from_array(RNG.normal(size=(3, 40, 50)), chunks=(1, 20, 25))
    data = image_source(Image(stack), None, StackChoice()).read().data
    assert isinstance(data, da.Array)
    np.testing.assert_allclose(data.compute(), stack.compute().max(axis=0))


def test_resolving_a_layer_reads_nothing():
    """All reading is the worker's."""
    full = ReadOnce(RNG.normal(size=(3, 64, 64)))
    layer = Image(full, contrast_limits=(0, 1))
    full.reads.clear()
    source = image_source(layer, None, StackChoice(projection="plane", plane=1))
    assert full.reads == []
    np.testing.assert_array_equal(source.read().data, full.data[1])


def test_levels_of_a_multiscale_image_are_handed_on():
    levels = [np.zeros((64, 96)), np.zeros((32, 48)), np.zeros((16, 24))]
    micrograph = image_source(Image(levels, multiscale=True), None).read()
    assert micrograph.data is levels[0]
    assert [level.shape for level in micrograph.levels] == [(32, 48), (16, 24)]


def test_levels_with_fewer_planes_are_left_out():
    """A plane of theirs is not the same plane."""
    levels = [np.zeros((8, 64, 96)), np.zeros((8, 32, 48)), np.zeros((4, 16, 24))]
    source = ImageSource(levels, (slice(None),), StackChoice(projection="plane", plane=7), None, "")
    micrograph = source.read()
    assert micrograph.shape == (64, 96)
    assert [level.shape for level in micrograph.levels] == [(32, 48)]


def test_rgb_is_refused():
    with pytest.raises(BadImage, match="Split RGB"):
        image_source(Image(np.zeros((20, 30, 3), np.uint8), rgb=True), None)


def test_a_stack_of_em_images_is_refused():
    with pytest.raises(BadImage, match="3 dimensions"):
        image_source(Image(np.zeros((5, 20, 30))), None)


def test_more_axes_than_channel_and_planes_are_refused():
    with pytest.raises(BadImage, match="4 dimensions"):
        image_source(Image(np.zeros((4, 5, 20, 30))), None, StackChoice())


def test_region_in_pixels_of_an_image_in_other_units(lm, draw):
    """Drawn in nm over an image in um that lies off the origin."""
    shapes = draw(9.5, 19.5, 29.5, 59.5, **placement(lm))
    in_nm = Shapes(
        [1000 * np.array([lm.data_to_world(corner) for corner in shapes.data[0]])],
        units=("nm", "nm"),
    )
    for layer in (shapes, in_nm):
        drawn = region(layer, lm)
        assert drawn.notes == ()
        roi = drawn.roi
        np.testing.assert_allclose((roi.row, roi.col, roi.height, roi.width), (10, 20, 20, 40))


def test_a_region_drawn_on_a_stack(draw):
    """napari adds the slider's position to what is drawn on a stack."""
    corners = np.array([[2, 5, 5], [2, 5, 25], [2, 15, 25], [2, 15, 5.0]])
    roi = region(Shapes([corners]), Image(np.zeros((4, 20, 30)))).roi
    assert (roi.height, roi.width) == (10, 20)


@pytest.mark.parametrize(
    ("shape_type", "corners", "note"),
    [
        ("ellipse", [[10, 10], [10, 30], [20, 30], [20, 10]], "an ellipse"),
        ("polygon", [[10, 10], [10, 30], [20, 20]], "a polygon"),
        ("path", [[10, 10], [20, 30], [10, 25]], "a path"),
        ("rectangle", [[15, 10], [10, 20], [15, 30], [20, 20]], "a turned rectangle"),
    ],
)
def test_other_shapes_give_their_bounding_box_and_say_so(shape_type, corners, note):
    shapes = Shapes([np.array(corners, float)], shape_type=shape_type)
    drawn = region(shapes, Image(np.zeros((60, 80))))
    assert note in drawn.notes[0]
    assert "bounding box" in drawn.notes[0]
    roi = drawn.roi
    np.testing.assert_allclose((roi.row, roi.col, roi.height, roi.width), (10.5, 10.5, 10, 20))


def test_of_several_shapes_the_selected_or_the_last_counts(draw):
    shapes = draw(0, 0, 10, 10)
    shapes.add_rectangles(np.array([[20, 20], [20, 40], [40, 40], [40, 20]]))
    image = Image(np.zeros((60, 80)))
    last = region(shapes, image)
    assert last.roi.height == 20
    assert "last" in last.notes[0]
    shapes.selected_data = {0}
    chosen = region(shapes, image)
    assert chosen.roi.height == 10
    assert "selected" in chosen.notes[0]


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((5, 5, 5, 30), "0 x 25"),
        ((-40, -40, -10, -10), "outside the LM"),
        ((10, 10, 13, 40), "at least 8 x 8"),
    ],
)
def test_regions_that_cannot_be_used(draw, corners, message):
    with pytest.raises(RoiError, match=message):
        lm_region(draw(*corners), Image(np.zeros((60, 80))))


def test_no_region():
    with pytest.raises(RoiError, match="press Draw"):
        lm_region(None, Image(np.zeros((60, 80))))
    with pytest.raises(RoiError, match="is empty"):
        lm_region(Shapes(ndim=2), Image(np.zeros((60, 80))))


def test_a_patch_on_the_em(em, draw):
    """Drawn over an EM image that is turned in the world, and over its edge."""
    drawn = em_patch(draw(-9.5, 19.5, 89.5, 69.5, **placement(em)), em)
    assert drawn.notes == ()
    np.testing.assert_allclose((drawn.roi.height, drawn.roi.width), (99, 50))


def test_no_patch(em):
    assert em_patch(None, em) is None
    assert em_patch(Shapes(ndim=2), em) is None


def test_a_patch_without_area_is_told_by_its_layer(draw):
    with pytest.raises(RoiError, match="in 'flat', the region is 0 x 25"):
        em_patch(draw(5, 5, 5, 30, name="flat"), Image(np.zeros((60, 80))))


def test_a_region_across_the_border_is_clipped_and_says_so(draw):
    drawn = lm_region(draw(-10, 20, 29.5, 50), Image(np.zeros((60, 80))))
    assert (drawn.roi.row, drawn.roi.height) == (0, 30)
    assert "left out" in drawn.notes[-1]
