from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.plugin.layers import ImageSource, StackChoice, image_source

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
