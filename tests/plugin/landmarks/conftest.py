"""Two images with a known way between them, pairs on it, and the dock on a viewer model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.geometry import map_points, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.landmarks.desk import Desk
from clem_retrace.plugin.landmarks.pairing import Pairing, Past
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.sight import camera, to_view
from clem_retrace.registration.landmarks import Landmarks

from ..conftest import Controls

LM = ImageFacts("LM", (120, 160), 110.0)
EM = ImageFacts("EM", (800, 1000), 11.0)
#: From EM pixels to LM pixels: mirrored, turned, and a tenth as large.
TRUTH = similarity(0.1, 30.0, True, (400, 500), (60, 80))
#: Places on the LM, well spread.
SPOTS = np.array([(45.0, 60.0), (44.0, 102.0), (78.0, 58.0), (80.0, 101.0), (61.0, 82.0)])


def partners(points=SPOTS):
    """The EM points that show the same as LM points."""
    return map_points(np.linalg.inv(TRUTH), points)


@pytest.fixture
def facts():
    return LM, EM


@pytest.fixture
def truth():
    return TRUTH


@pytest.fixture
def spots():
    """Five LM points, and the same on the EM."""
    return SPOTS, partners()


@pytest.fixture
def pairing(spots):
    """Five pairs, each off by a pixel of the EM or so."""
    lm, em = spots
    return Pairing(Landmarks.of(lm, em + np.random.default_rng(3).normal(size=em.shape)))


@pytest.fixture
def desk(qapp, facts):
    """An empty desk that knows its two images."""
    desk = Desk()
    desk.take_up(Past(), *facts)
    return desk


@pytest.fixture
def images():
    """An LM in um, and an EM in nm beside it."""
    rng = np.random.default_rng(5)
    lm = Image(
        rng.normal(size=LM.shape).astype(np.float32),
        name="LM", scale=(0.11, 0.11), units=("um", "um"), translate=(2.0, -1.0),
    )  # fmt: skip
    em = Image(
        rng.integers(0, 255, EM.shape).astype(np.uint8),
        name="EM", scale=(11, 11), units=("nm", "nm"), translate=(500, 21_000),
    )  # fmt: skip
    return lm, em


class Dock(Controls):
    """The dock on a viewer model, used by its controls and by the mouse in the canvas."""

    def __init__(self, widget, viewer, qtbot):
        super().__init__(widget, viewer, qtbot)
        self.viewer, self.desk, self.canvas = viewer, widget.desk, widget.canvas

    def layer(self, kind, image=None):
        """The layer of ours of a role, on an image."""
        (found,) = (
            layer for layer in self.viewer.layers
            if role(layer) == kind
            and (image is None or layer.metadata["clem_retrace"]["image"] == image.unique_id)
        )  # fmt: skip
        return found

    def event(self, kind, image, point, *, button=1, modifiers=()):
        """A mouse event at a point of an image, with napari's public fields."""
        world = map_points(to_view(self.viewer, image), np.asarray(point, float))
        view = camera(self.viewer)
        return SimpleNamespace(
            type=kind, button=button, modifiers=modifiers, handled=False, dims_displayed=[0, 1],
            position=tuple(world), pos=(world - np.asarray(view.center)[-2:])[::-1] * view.zoom,
        )  # fmt: skip

    def mouse(self, image, *points, **keywords):
        """Press at the first point, move over the others, and let go at the last."""
        event = self.event("mouse_press", image, points[0], **keywords)
        hands = [
            hand(self.viewer, event)
            for hand in self.viewer.mouse_drag_callbacks
            if hand.__module__.startswith("clem_retrace")
        ]
        running = [hand for hand in hands if next(hand, "over") != "over"]
        for number, point in enumerate((*points[1:], points[-1]), 1):
            kind = "mouse_release" if number == len(points) else "mouse_move"
            vars(event).update(vars(self.event(kind, image, point, **keywords)))
            running = [hand for hand in running if next(hand, "over") != "over"]
        return event


@pytest.fixture
def open_dock(model, qtbot):
    """Open the dock on a viewer model that holds some layers."""

    def make(*layers):
        for layer in layers:
            model.add_layer(layer)
        widget = LandmarksWidget(model)
        qtbot.addWidget(widget)
        widget.show()
        # As near as one places points: ten screen pixels are one LM pixel.
        camera(model).zoom = 10 / 110
        return Dock(widget, model, qtbot)

    return make


@pytest.fixture
def dock(open_dock, images):
    """The dock with two images and no pairs."""
    return open_dock(*images)
