from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Layer

from clem_retrace.errors import SampleUnavailable
from clem_retrace.evaluation import centre_distance
from clem_retrace.geometry import map_points
from clem_retrace.plugin import samples
from clem_retrace.plugin.frames import overlap, pixel_size
from clem_retrace.plugin.image_box import guess_pair
from clem_retrace.plugin.regions import lm_region, region
from clem_retrace.plugin.roles import role


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
    assert drawn.roi.outline == ()
    assert drawn.roi.corners == pytest.approx(pair.roi.corners)
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


@pytest.mark.parametrize(
    ("sample", "home", "maker", "colormap"),
    [
        (samples.melanosomes, "clem_retrace.synthetic", "melanosomes", "gray"),
        (samples.endosomes, "clem_retrace.synthetic", "endosomes", "green"),
        (samples.chromatin, "clem_retrace.io.samples", "real_pair", "green"),
    ],
)
def test_each_sample_opens_its_own_pair(sample, home, maker, colormap, pair, monkeypatch):
    """With a smaller pair in its place, to be quick and without network."""
    named = dataclasses.replace(pair, name=maker)
    monkeypatch.setattr(f"{home}.{maker}", lambda: named)
    (_, lm, _), (_, em, _), *_ = sample()
    assert (lm["name"], em["name"]) == (f"LM {maker}", f"EM {maker}")
    assert (lm["colormap"]["name"], em["colormap"]["name"]) == (colormap, "gray")


def test_a_sample_that_cannot_be_downloaded_says_so(monkeypatch):
    def offline():
        raise SampleUnavailable("no network")

    monkeypatch.setattr("clem_retrace.io.samples.real_pair", offline)
    with pytest.raises(SampleUnavailable):
        samples.chromatin()


def test_a_few_very_bright_pixels_do_not_spoil_the_contrast(pair):
    data = np.array(pair.lm.data, np.float32)
    usual = data.max()
    data[0, 0] = 1e6
    bright = dataclasses.replace(pair, lm=dataclasses.replace(pair.lm, data=data))
    lm = Layer.create(*samples.pair_layers(bright)[0])
    assert lm.contrast_limits[1] <= usual
