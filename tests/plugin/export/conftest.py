"""A viewer that holds transforms, and the dock that takes them elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt

from clem_retrace.plugin import outputs
from clem_retrace.plugin.export.held import held_transforms
from clem_retrace.plugin.export.widget import ExportWidget
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks

from ..conftest import Controls


@pytest.fixture
def images(model, pair_layers):
    """The LM and the EM layer of the small pair, in the viewer."""
    for layer in pair_layers:
        model.add_layer(layer)
    return pair_layers[0], pair_layers[1]


@pytest.fixture
def overlay(model, images, registration):
    """The EM laid over the LM by the small pair's registration, in the viewer."""
    lm, em = images
    layer = Layer.create(*outputs.overlay_layer(registration, em, lm))
    model.add_layer(layer)
    return layer


@pytest.fixture
def spline(images, registration):
    """A thin-plate spline of the small pair, which is its registration but for some pixels."""
    rng = np.random.default_rng(5)
    rows, cols = np.meshgrid(np.linspace(10, 620, 4), np.linspace(10, 700, 4), indexing="ij")
    em = np.column_stack([rows.ravel(), cols.ravel()])
    lm = registration.transform.to_lm(em) + rng.normal(0, 1.0, em.shape)
    return fit_landmarks(
        Landmarks.of(lm, em), "thin-plate spline", lm=registration.lm, em=registration.em
    )


@pytest.fixture
def bent(model, images, spline):
    """The EM laid over the LM by landmarks, bent, in the viewer."""
    lm, em = images
    data, keywords, kind = outputs.bent_overlay_layer(
        np.zeros((20, 30), np.float32), np.eye(3), spline, em, lm
    )
    layer = Layer.create(data, keywords, kind)
    model.add_layer(layer)
    return layer


@pytest.fixture
def held(model, overlay):
    """The transform of the small pair's registration, as the viewer holds it."""
    (held,) = held_transforms(list(model.layers))
    return held


class Driver(Controls):
    """The dock that exports."""

    _open = True

    def entries(self, name):
        """What can be chosen in a combo box."""
        return [self[name].itemText(at) for at in range(self[name].count())]

    def choose(self, name, text):
        """Choose what begins with a text in a combo box, as by the mouse."""
        (index,) = (at for at, one in enumerate(self.entries(name)) if one.startswith(text))
        self[name].setCurrentIndex(index)
        self[name].activated.emit(index)

    def tick(self, *names):
        """Tick layers in the list of others."""
        rows = self["other_layers"]
        for row in range(rows.count()):
            if rows.item(row).text().startswith(names):
                rows.item(row).setCheckState(Qt.CheckState.Checked)

    def click(self, name):
        """Press a button, and wait for the end of what it does."""
        super().click(name)
        self.wait()

    def wait(self):
        """Wait for the end of what is under way."""
        self.qtbot.waitUntil(lambda: not self["cancel"].isEnabled())

    @property
    def message(self):
        """What was done, or why it could not be."""
        return self.text("message")

    def close(self):
        """Let go of the viewer, as the dock does when it is closed."""
        if self._open:
            self._open = False
            self.widget.released()

    def settle(self):
        """Let the dock follow the layers."""
        self.qtbot.wait(200)


@pytest.fixture
def dock(model, qtbot):
    """Make the dock on the viewer."""
    drivers = []

    def make(parent=None):
        widget = ExportWidget(model, parent)
        qtbot.addWidget(widget)
        widget.show()
        drivers.append(Driver(widget, model, qtbot))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()
