from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Layer

from clem_retrace.evaluation import centre_distance
from clem_retrace.geometry import map_points
from clem_retrace.plugin import samples
from clem_retrace.plugin.frames import overlap, pixel_size
from clem_retrace.plugin.image_box import guess_pair
from clem_retrace.plugin.layers import lm_region, region
from clem_retrace.plugin.outputs import role


def test_a_pair_opens_as_calibrated_layers_side_by_side(pair, pair_layers):
    lm, em, *_ = pair_layers
    assert (pixel_size(lm).nm, pixel_size(em).nm) == (pair.lm.pixel_size, pair.em.pixel_size)
    assert lm.visible
    assert em.visible
    assert not overlap(lm, em)
    assert [role(layer) for layer in pair_layers] == [None, None, "ground truth", "roi"]
    assert {layer.units for layer in pair_layers} == {lm.units}
    assert guess_pair([em, lm]) == (lm, em)


def test_region_and_truth_come_back_as_they_were(pair, pair_layers):
    lm, em, truth, roi = pair_layers
    drawn = lm_region(roi, lm)
    assert drawn.notes == ()
    assert dataclasses.astuple(drawn.roi) == pytest.approx(dataclasses.astuple(pair.roi))
    centre = map_points(pair.lm_to_em, pair.roi.centre)
    # Shapes are float32: a hundredth of a pixel is far below what is read out.
    assert centre_distance(region(truth, em).roi.centre, centre, em.data.shape).pixels < 0.01


def test_an_uncalibrated_pair_keeps_the_unit_pixel(pair):
    bare = dataclasses.replace(
        pair,
        lm=dataclasses.replace(pair.lm, pixel_size=None),
        em=dataclasses.replace(pair.em, pixel_size=None),
        lm_to_em=None,
    )
    layers = [Layer.create(*layer_data) for layer_data in samples.pair_layers(bare)]
    assert [role(layer) for layer in layers] == [None, None, "roi"]
    assert pixel_size(layers[0]).nm is None
    np.testing.assert_array_equal(layers[0].scale, 1)


@pytest.mark.parametrize("sample", [samples.melanosomes, samples.endosomes])
def test_synthetic_samples_have_the_papers_geometry(sample):
    lm, em, *_ = sample()
    shapes = {
        samples.melanosomes: ((383, 512), (3970, 4056)),
        samples.endosomes: ((1040, 1392), (2664, 4008)),
    }
    assert (lm[0].shape, em[0].shape) == shapes[sample]
