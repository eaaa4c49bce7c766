"""Layers and viewers to test the plugin with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer, Shapes
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QSettings
from qtpy.QtWidgets import QFileDialog, QWidget

from clem_retrace.plugin import preferences, samples
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.widget import RetraceWidget


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    """Keep what is remembered between sessions apart, for each test."""
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )
    FileDialogs.forget()
    yield
    FileDialogs.forget()


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """What the user answers in file dialogs, and what was asked."""

    class Chosen:
        path: Path | None = None
        asked: list[tuple[str, str, str]]

        def __init__(self):
            self.asked = []

        def answer(self, _parent, title, begin, filters):
            self.asked.append((title, begin, filters))
            return ("" if self.path is None else str(self.path)), ""

    chosen = Chosen()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", chosen.answer)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", chosen.answer)
    return chosen


@pytest.fixture
def model():
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def viewer(make_napari_viewer):
    """A window of the smallest size that is supported."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def canvas_is_known(model):
    """Skip where a viewer without a window does not know the size of its canvas."""
    if not hasattr(model, "canvas"):
        pytest.skip("the size of the canvas is known from napari 0.9 on")


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


@pytest.fixture
def pair_layers(pair):
    """The small pair as layers: LM, EM, ground truth, region."""
    return [Layer.create(*layer_data) for layer_data in samples.pair_layers(pair)]


@pytest.fixture
def notices():
    """What the user was told by notifications."""
    told = []

    def note(event):
        told.append((str(event.severity), event.message))

    notification_manager.notification_ready.connect(note)
    yield told
    notification_manager.notification_ready.disconnect(note)


class Controls:
    """A dock widget, used by its controls as a user does."""

    def __init__(self, widget, model, qtbot):
        self.widget, self.model, self.qtbot = widget, model, qtbot

    def __getitem__(self, name):
        """A control by its name as an object."""
        found = self.widget.findChild(QWidget, name)
        assert found is not None, name
        return found

    def text(self, name):
        """What a control says."""
        return self[name].text()

    def click(self, name):
        """Press a button."""
        assert self[name].isEnabled(), name
        self[name].click()


class Driver(Controls):
    """The dock that searches."""

    def idle(self):
        """Whether nothing is being run."""
        return not self["cancel"].isEnabled()

    def wait(self):
        """Wait for the end of what is being run."""
        self.qtbot.waitUntil(self.idle)

    def run(self, name="run"):
        """Press a button that runs something, and wait for the end."""
        self.click(name)
        assert not self.idle(), self.text("message")
        self.wait()

    def choose_run(self, title):
        """Choose a kind of run from the menu, and wait for the end."""
        (action,) = [one for one in self["run_menu"].menu().actions() if one.text() == title]
        assert action.isEnabled(), title
        action.trigger()
        self.wait()

    def ours(self, kind):
        """The layers of ours of a role."""
        return [layer for layer in self.model.layers if role(layer) == kind]

    def primary(self):
        """The names of the controls that are marked as the ones to use next."""
        children = self.widget.findChildren(QWidget)
        return {child.objectName() for child in children if child.property("primary")}

    @property
    def registration(self):
        """The result that is shown."""
        return self.widget.registration


@pytest.fixture
def drive(model, qtbot, quick):
    """Make the widget on a viewer that holds some layers, and drive it."""
    drivers = []

    def make(*layers, options=quick):
        for layer in layers:
            model.add_layer(layer)
        # The form starts with the options of last time.
        preferences.remember_options(options)
        widget = RetraceWidget(model)
        qtbot.addWidget(widget)
        widget.show()
        drivers.append(Driver(widget, model, qtbot))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.widget.cancel()


@pytest.fixture
def shown(drive, pair_layers):
    """The dock after a run of the small pair."""
    driver = drive(*pair_layers)
    driver.run()
    return driver
