from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.geometry import map_points, similarity
from clem_retrace.plugin.frames import pixels_between, placement, to_world
from clem_retrace.plugin.landmarks.lying import covered, for_tools, lay
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.registration.pair_transform import PairTransform


@pytest.mark.parametrize("turned", [False, True])
def test_a_layer_lies_where_it_is_put_whatever_it_lay_on_before(lm, em, turned):
    first, then = (em, lm) if turned else (lm, em)
    layer = Image(np.zeros((4, 5)), **placement(first))
    lay(layer, placement(then))
    np.testing.assert_allclose(to_world(layer), to_world(then), atol=1e-9)
    assert layer.units == then.units


@pytest.mark.parametrize("turned", [False, True])
def test_in_the_viewers_units_a_layer_lies_where_it_lay(model, lm, em, turned):
    image = Image(np.zeros((60, 80)), scale=(0.11, 0.11), units=("um", "um"), translate=(3, -2),
                  rotate=25 if turned else 0)  # fmt: skip
    model.add_layer(image)
    model.add_layer(em)
    layer = Image(np.zeros((60, 80)), **for_tools(model, placement(image)))
    assert layer.units == em.units
    np.testing.assert_allclose(pixels_between(layer, image), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(to_world(layer)[:2], 1000 * to_world(image)[:2], rtol=1e-9)


def test_without_common_units_a_layer_has_those_of_its_image(model, lm):
    model.add_layer(lm)
    model.add_layer(Image(np.zeros((3, 3))))
    assert for_tools(model, placement(lm)) == placement(lm)


def test_nothing_is_set_again_that_is_as_it_was(em):
    layer = Image(np.zeros((4, 5)), **placement(em))
    told = []
    for name in ("scale", "translate", "affine", "units"):
        getattr(layer.events, name).connect(lambda event: told.append(event.type))
    lay(layer, placement(em))
    assert told == []


def test_the_grid_covers_the_em_and_ends_at_the_lm(facts, truth):
    lm, em = facts
    to_lm, shape = covered(PairTransform(truth, lm, em), 10_000)
    assert np.prod(shape) <= 10_000 * 1.05
    edges = map_points(to_lm, [(-0.5, -0.5), np.array(shape) - 0.5])
    there = map_points(truth, [(-0.5, -0.5), (-0.5, 999.5), (799.5, -0.5), (799.5, 999.5)])
    low, high = np.maximum(there.min(0), -0.5), np.minimum(there.max(0), (119.5, 159.5))
    step = np.hypot(*(to_lm[:2, 0]))
    np.testing.assert_allclose(edges[0], low, atol=1e-9)
    assert ((edges[1] >= high - 1e-9) & (edges[1] < high + step)).all()


def test_the_grid_is_not_finer_than_the_em(facts):
    lm, em = facts
    small = PairTransform(similarity(0.1, 0, False, (0, 0), (20, 30)), lm,
                          dataclasses.replace(em, shape=(40, 50)))  # fmt: skip
    to_lm, shape = covered(small, 1 << 22)
    assert shape == (40, 50)
    np.testing.assert_allclose(to_lm[:2, :2], 0.1 * np.eye(2), atol=1e-9)


def test_the_selection_stays_while_layers_are_added(model, lm, em):
    model.add_layer(lm)
    with selection_kept(model):
        model.add_layer(em)
    assert set(model.layers.selection) == {lm}
    with selection_kept(model):
        model.layers.remove(lm)
    assert set(model.layers.selection) == set()
