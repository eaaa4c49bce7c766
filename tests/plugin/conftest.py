"""Layers and viewers to test the plugin with."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer, Shapes

from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.plugin import samples
from clem_retrace.synthetic import simulate_pair


@pytest.fixture
def model():
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def lm():
    """An LM layer with pixels of 110 nm, off the origin of the world."""
    data = np.random.default_rng(1).normal(size=(60, 80)).astype(np.float32)
    return Image(data, name="LM", scale=(0.11, 0.11), units=("um", "um"), translate=(3.0, -2.0))


@pytest.fixture
def em():
    """An EM layer with pixels of 11 nm, turned in the world."""
    data = np.random.default_rng(2).integers(0, 255, (400, 500)).astype(np.uint8)
    return Image(data, name="EM", scale=(11.0, 11.0), units=("nm", "nm"), rotate=20.0)


def rectangle(top, left, bottom, right):
    """The corners of a rectangle as napari draws it."""
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]], float)


@pytest.fixture
def draw():
    """Make a shapes layer that holds one rectangle."""

    def _draw(top, left, bottom, right, **keywords):
        return Shapes([rectangle(top, left, bottom, right)], shape_type="rectangle", **keywords)

    return _draw


@pytest.fixture(scope="session")
def pair():
    """A small simulated pair, easy to register."""
    return simulate_pair(
        4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0, angle=33.0,
        shared=0.9,
    )  # fmt: skip


@pytest.fixture(scope="session")
def quick():
    """Options with which the small pair is done in a second or two."""
    return RegistrationOptions.from_paths({"search": "oriented", "ratio_uncertainty": 0.0})


@pytest.fixture(scope="session")
def registration(pair, quick):
    """The small pair's registration."""
    return register(pair.lm, pair.em, pair.roi, quick)


@pytest.fixture
def pair_layers(pair):
    """The small pair as layers: LM, EM, ground truth, region."""
    return [Layer.create(*layer_data) for layer_data in samples.pair_layers(pair)]
