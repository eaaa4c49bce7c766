"""`Sitting`: the dock that searches, on a viewer without a window, while things happen to it."""

from __future__ import annotations

import threading

import numpy as np
from napari.layers import Layer
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QWidget

from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import preferences, samples
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.roles import image_id, role
from clem_retrace.plugin.widget import RetraceWidget
from clem_retrace.synthetic import simulate_pair

#: What makes a run quick.
QUICK = {
    "search": "oriented",
    "ratio_uncertainty": 0.0,
    "oriented.angle": 20.0,
    "oriented.mirror": "no",
    "oriented.contrast": "inverted",
}

#: Events of a run from scratch of `small_pair`, about.
EVENTS = 46


def small_pair():
    """A pair that is registered in a third of a second."""
    return simulate_pair(
        3, lm_shape=(80, 90), em_shape=(300, 320), roi_size=(40, 50), ratio=4.0, angle=20.0,
        shared=0.9,
    )  # fmt: skip


def fresh_layers(pair):
    """LM, EM, ground truth and region, of arrays of their own."""
    layers = [Layer.create(*layer_data) for layer_data in samples.pair_layers(pair)]
    for layer in layers[:2]:
        layer.data = layer.data.copy()
    return layers


def workers():
    """The threads of the dock's runs that are alive."""
    return [one for one in threading.enumerate() if one.name == "clem-retrace"]


class Sitting:
    """One dock on one viewer model, its runs and what befalls them.

    Attributes
    ----------
    faults : list of str
        Faults of the program that were shown to the user.
    """

    def __init__(self, model, pair, qtbot, options=None):
        self.model, self.pair, self.qtbot = model, pair, qtbot
        self.faults, self.warnings = [], []
        self.lm, self.em, self.truth, self.region = fresh_layers(pair)
        for layer in (self.lm, self.em, self.truth, self.region):
            model.add_layer(layer)
        preferences.remember_options(RegistrationOptions.from_paths(options or QUICK))
        self.widget = RetraceWidget(model)
        qtbot.addWidget(self.widget)
        self.widget.show()
        self._count, self._at, self._do = 0, None, None
        self.widget.event_arrived.connect(self._on_event)
        notification_manager.notification_ready.connect(self._on_notice)

    def close(self):
        """End the sitting, as closing the dock does."""
        notification_manager.notification_ready.disconnect(self._on_notice)
        self.widget.released()

    def _on_notice(self, event):
        kind = self.faults if str(event.severity) == "error" else self.warnings
        kind.append(event.message)

    def _on_event(self, _event):
        self._count += 1
        if self._count == self._at:
            self._at = None
            self._do()

    def control(self, name):
        """A control by its name as an object."""
        found = self.widget.findChild(QWidget, name)
        assert found is not None, name
        return found

    def start(self, title="Search from scratch"):
        """Choose a kind of run from the menu."""
        actions = self.control("run_menu").menu().actions()
        (action,) = [one for one in actions if one.text() == title]
        action.trigger()

    def run(self, do=None, at=0, title="Search from scratch"):
        """Run to the end; at an event, 0 for before the first, do something."""
        self._count, self._at, self._do = 0, at, do
        self.start(title)
        assert not self.idle() or self.warnings, self.message
        if do is not None and at == 0:
            do()
        self.wait()
        reached, self._at = self._at is None, None
        return reached

    def idle(self):
        """Whether nothing is being run."""
        return not self.control("cancel").isEnabled()

    def wait(self):
        """Wait until nothing is being run, and no thread works any more."""
        self.qtbot.waitUntil(self.idle)
        self.qtbot.waitUntil(lambda: not workers())

    def cancel(self):
        """Press Cancel."""
        self.control("cancel").click()

    @property
    def message(self):
        """The line below the buttons."""
        return self.control("message").text()

    @property
    def verdict(self):
        """What the head of the last step says."""
        return self.control("step_check_state").text()

    @property
    def shown(self):
        """The result that is shown."""
        return self.widget.registration

    def ours(self):
        """Role, image and identity of the layers of ours, without what the user draws."""
        return {
            (role(layer), image_id(layer), layer.unique_id)
            for layer in self.model.layers
            if role(layer) is not None and image_id(layer) is not None
        }

    def check_whole(self):
        """Check that what is shown belongs together, and that nothing went wrong unseen."""
        assert self.faults == []
        assert workers() == []
        here = {layer.unique_id for layer in self.model.layers}
        roles = [role(layer) for layer in self.model.layers if role(layer) is not None]
        assert len(roles) == len(set(roles)), roles
        if self.shown is None:
            return
        (overlay,) = (layer for layer in self.model.layers if role(layer) == "overlay")
        assert image_id(overlay) in here
        assert overlay.metadata["clem_retrace"]["registration"] is self.shown

    def check_lies_right(self):
        """Check that the overlay lies on the LM where the result says."""
        (overlay,) = (layer for layer in self.model.layers if role(layer) == "overlay")
        lm = next(one for one in self.model.layers if one.unique_id == image_id(overlay))
        np.testing.assert_allclose(
            pixels_between(overlay, lm), self.shown.em_to_lm, atol=1e-5, rtol=1e-5
        )

    def renew(self):
        """Begin again with images as they were, as a user does who has spoilt something."""
        self.model.layers.clear()
        self.lm, self.em, self.truth, self.region = fresh_layers(self.pair)
        for layer in (self.lm, self.em, self.truth, self.region):
            self.model.add_layer(layer)
        images = self.widget.images
        images.choose(self.lm, self.em)
        images.keep()
