"""What the layers of ours are for, and which are none of ours."""

from __future__ import annotations

import numpy as np
from napari.layers import Image, Layer

from clem_retrace.plugin import outputs, roles


def test_results_say_what_they_are_and_whose(registration, lm, em):
    overlay = Layer.create(*outputs.overlay_layer(registration, em, lm))
    assert roles.role(overlay) == "overlay"
    assert roles.image_id(overlay) == lm.unique_id
    assert overlay.metadata["clem_retrace"]["registration"] is registration
    assert roles.role(em) is None
    assert roles.image_id(em) is None
    assert roles.image_id(Layer.create(*outputs.drawing_layer(lm, "roi"))) is None


def test_only_images_that_are_no_results_can_be_registered(registration, lm, em):
    overlay = Layer.create(*outputs.overlay_layer(registration, em, lm))
    colours = Image(np.zeros((4, 5, 3), np.uint8), rgb=True)
    layers = (lm, colours, overlay, Layer.create(*outputs.drawing_layer(lm, "roi")))
    assert [roles.is_input(layer) for layer in layers] == [True, True, False, False]
    assert [roles.is_single_input(layer) for layer in layers] == [True, False, False, False]
