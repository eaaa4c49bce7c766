"""The transforms that a viewer holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Image, Layer

from clem_retrace.errors import BadImage
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.export.held import held_transforms
from clem_retrace.registration.pair_transform import PairTransform


def entry_of(layer):
    return layer.metadata[roles.KEY]


def test_an_automatic_result(held, overlay, images, registration):
    assert held.overlay is overlay
    assert held.images == images
    assert held.title == "Automatic result"
    assert np.array_equal(held.transform.em_to_lm, registration.em_to_lm)
    assert held.registration is registration
    assert held.region is registration.roi


def test_landmarks_above_an_automatic_result_come_first(model, overlay, bent, spline):
    first, second = held_transforms(list(model.layers))
    assert first.title == "Landmarks: thin-plate spline, 16 pairs"
    assert first.transform is spline
    assert first.registration is None
    assert second.title == "Automatic result"


def test_what_has_changed_since_says_so(model, bent):
    entry_of(bent)["outdated"] = True
    assert held_transforms(list(model.layers))[0].title.endswith("16 pairs, out of date")


def test_a_place_by_hand_is_called_so(model, images, registration):
    lm, em = images
    match = dataclasses.replace(registration.match, search="hand")
    by_hand = dataclasses.replace(registration, match=match)
    model.add_layer(Layer.create(*outputs.overlay_layer(by_hand, em, lm)))
    assert held_transforms(list(model.layers))[0].title == "Placed by hand"


@pytest.mark.parametrize("gone", [0, 1])
def test_none_without_its_images(model, overlay, bent, images, gone):
    model.layers.remove(images[gone])
    assert held_transforms(list(model.layers)) == []


def test_pixel_sizes_that_were_given_since_are_taken(model, images):
    lm, em = images
    unknown = (ImageFacts("a", (150, 200), None), ImageFacts("b", (640, 720), None))
    transform = PairTransform(np.diag([0.25, 0.25, 1]), *unknown)
    keywords = {
        "metadata": {
            roles.KEY: {
                "role": roles.LANDMARK_OVERLAY,
                "image": lm.unique_id,
                "em": em.unique_id,
                "transform": transform,
            }
        }
    }
    model.add_layer(Image(np.zeros((4, 4)), **keywords))
    (held,) = held_transforms(list(model.layers))
    assert (held.transform.facts("lm").pixel_size, held.transform.facts("em").pixel_size) == (
        110.0,
        27.5,
    )
    assert held.title == "Landmarks dock: as begun with"


def test_an_image_of_other_pixels_by_now_is_refused(held):
    lm = held.layer("lm")
    assert held.source("lm").read().shape == (150, 200)
    lm.data = lm.data[:100]
    with pytest.raises(BadImage, match=r"has 100 x 200 pixels.*LM of 150 x 200"):
        held.source("lm")


def test_of_a_stack_the_projection_is_read(model, held):
    lm = held.layer("lm")
    projected = np.array(lm.data) + 1
    lm.data = np.stack([lm.data, lm.data])
    entry = {"role": "projection", "image": lm.unique_id}
    model.add_layer(Image(projected, metadata={roles.KEY: entry}))
    (held,) = held_transforms(list(model.layers))
    assert np.array_equal(held.source("lm").read().data, projected)
