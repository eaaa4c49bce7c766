"""A viewer with two images, a box that moves the one on the other, and a mouse."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.geometry import map_points, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.moves.box import MovesBox
from clem_retrace.plugin.moves.handles import Handles
from clem_retrace.plugin.sight import camera, to_view

ROI = Roi(10, 20, 30, 40)
START = similarity(0.1, 12.0, False, (200, 250), (30, 40))


class Hand:
    """A box that is used by its controls and by the mouse in the viewer."""

    def __init__(self, model, box, lm, em):
        self.model, self.box, self.lm, self.em = model, box, lm, em
        self.moved, self.settled, self.asked, self.wanted = [], [], [], []
        box.moved.connect(self.moved.append)
        box.settled.connect(self.settled.append)
        box.register_asked.connect(self.asked.append)
        box.wanted.connect(self.wanted.append)

    def __getitem__(self, name):
        found = self.box.findChild(QWidget, name)
        assert found is not None, name
        return found

    def event(self, point, kind="mouse_press", button=1, modifiers=()):
        """A mouse event at a point of the LM."""
        position = map_points(to_view(self.model, self.lm), point)
        return SimpleNamespace(
            type=kind, button=button, modifiers=modifiers, handled=False,
            position=tuple(position), dims_displayed=[0, 1],
        )  # fmt: skip

    def drag(self, first, *points, modifiers=(), button=1):
        """Drag the mouse in the canvas; return whether anything took hold of it."""
        event = self.event(first, button=button, modifiers=modifiers)
        running = []
        for callback in self.model.mouse_drag_callbacks:
            generator = callback(self.model, event)
            if next(generator, "over") != "over":
                running.append(generator)
        for point in points:
            later = self.event(point, "mouse_move", button, modifiers)
            vars(event).update(vars(later))
            running = [one for one in running if next(one, "over") != "over"]
        event.type = "mouse_release"
        held = bool(running)
        for one in running:
            assert next(one, "over") == "over"
        return held

    @property
    def frame(self):
        """The frame as it is drawn."""
        return self.box.frame

    @property
    def followers(self):
        """Who of ours follows the mouse while it drags; napari has one of its own."""
        callbacks = self.model.mouse_drag_callbacks
        return [one for one in callbacks if isinstance(getattr(one, "__self__", None), Handles)]

    @property
    def frame_layers(self):
        return [layer for layer in self.model.layers if "Frame" in layer.name]


@pytest.fixture
def hand(model, lm, em, qtbot):
    """A box that is moving an EM about a region of the LM, half an LM pixel to a screen's."""
    model.add_layer(lm)
    model.add_layer(em)
    box = MovesBox(model)
    qtbot.addWidget(box)
    box.show()
    made = Hand(model, box, lm, em)
    view = to_view(model, lm)[:2, :2]
    camera(model).zoom = 4 / np.sqrt(abs(np.linalg.det(view)))
    box.start(START, lm, em, ROI)
    yield made
    box.stop()
