"""The image of an LM stack that is searched for, on the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.plugin.frames import pixels_between


@pytest.fixture
def stack():
    data = np.random.default_rng(5).integers(0, 200, (2, 4, 30, 40)).astype(np.uint8)
    return Image(
        data, name="LM stack", scale=(1, 1, 110, 110), units=("pixel", "pixel", "nm", "nm")
    )


def shown_image(driver, expected):
    """Wait until the preview shows some pixels, and return its layer."""

    def shows():
        layers = driver.ours("projection")
        return len(layers) == 1 and np.array_equal(layers[0].data, expected)

    driver.qtbot.waitUntil(shows)
    return driver.ours("projection")[0]


def test_it_shows_what_is_searched_for(drive, stack, em):
    driver = drive(stack, em)
    layer = shown_image(driver, stack.data[0].max(axis=0))
    np.testing.assert_allclose(pixels_between(layer, stack), np.eye(3), atol=1e-9)
    names = [one.name for one in driver.model.layers]
    assert names.index(layer.name) == names.index("LM stack") + 1
    driver["lm_projection"].setCurrentText("one plane")
    driver["lm_plane"].setValue(2)
    driver["lm_channel"].setValue(1)
    shown_image(driver, stack.data[1, 2])
    # It is no image to choose.
    combo = driver["lm_layer"]
    assert [combo.itemText(i) for i in range(1, combo.count())] == ["LM stack", "EM"]


def test_it_comes_and_goes(drive, stack, em, qtbot):
    driver = drive(stack, em)
    shown_image(driver, stack.data[0].max(axis=0))
    driver["lm_preview"].click()
    assert driver.ours("projection") == []
    driver["lm_preview"].click()
    shown_image(driver, stack.data[0].max(axis=0))
    driver.model.layers.remove(stack)
    assert driver.ours("projection") == []


def test_a_flat_image_needs_none(drive, lm, em, qtbot):
    driver = drive(lm, em)
    qtbot.wait(400)
    assert driver.ours("projection") == []


def test_a_stack_that_cannot_be_read_is_told(drive, em, notices, qtbot):
    class Stack:
        shape, ndim, dtype = (7, 30, 40), 3, np.dtype(np.uint8)
        broken = False

        def __getitem__(self, key):
            if self.broken and isinstance(key, tuple) and isinstance(key[0], slice):
                raise OSError("disk is gone")
            return np.ones(self.shape, np.uint8)[key]

        def __array__(self, dtype=None, copy=None):
            return self[...]

    data = Stack()
    stack = Image(data, name="LM stack", contrast_limits=(0, 9))
    driver = drive(stack, em)
    shown_image(driver, np.ones((30, 40), np.uint8))
    data.broken = True
    driver["lm_projection"].setCurrentText("mean")
    qtbot.waitUntil(lambda: bool(notices))
    assert "Disk is gone" in notices[-1][1]
    assert driver.ours("projection") == []
