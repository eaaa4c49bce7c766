"""A small pair in files, and the dock that runs batches beside the one that shows results."""

from __future__ import annotations

from pathlib import Path

import pytest
import tifffile
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from clem_retrace.plugin import preferences
from clem_retrace.plugin.batch_dock.tables import region_cells
from clem_retrace.plugin.batch_dock.widget import BatchWidget
from clem_retrace.plugin.widget import RetraceWidget
from clem_retrace.synthetic import simulate_pair

from ..conftest import Controls

#: What makes a run quick.
QUICK = {
    "search": "oriented",
    "ratio_uncertainty": "0",
    "oriented.angle": "20",
    "oriented.mirror": "no",
    "oriented.contrast": "inverted",
}


@pytest.fixture(scope="session")
def small():
    """A pair of small images."""
    return simulate_pair(
        3, lm_shape=(110, 130), em_shape=(420, 460), roi_size=(50, 60), ratio=4.0, angle=20.0,
        shared=0.9,
    )  # fmt: skip


@pytest.fixture
def images(small, tmp_path):
    """The files of the pair; they do not tell their pixel sizes."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in (("lm.tif", small.lm), ("em.tif", small.em)):
        tifffile.imwrite(folder / name, image.data)
    return folder


@pytest.fixture
def cells(small, images):
    """The cells of the pair, which is done in a second; others may be given."""

    def make(**others):
        return {
            "lm": str(images / "lm.tif"),
            "em": str(images / "em.tif"),
            "lm_pixel_size": "100",
            "em_pixel_size": "25",
            **region_cells(small.roi),
            **QUICK,
            **others,
        }

    return make


@pytest.fixture
def asked(monkeypatch):
    """What the user answers in dialogs, the next first; and what was opened outside."""

    class Asked:
        def __init__(self):
            self.answers: list[Path | None] = []
            self.opened: list[str] = []

        def answer(self, *_):
            path = self.answers.pop(0)
            return ("" if path is None else str(path)), ""

        def folder(self, *_):
            return self.answer()[0]

        def open(self, url: QUrl):
            self.opened.append(url.toLocalFile())

    asked = Asked()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", asked.answer)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked.answer)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", asked.folder)
    monkeypatch.setattr(QDesktopServices, "openUrl", asked.open)
    return asked


class Driver(Controls):
    """The dock that runs batches, beside the one that shows results."""

    def __init__(self, widget, retrace, model, qtbot):
        super().__init__(widget, model, qtbot)
        self.retrace = retrace

    def type(self, name, text):
        """Type into a field, and leave it."""
        field = self[name]
        assert not field.isReadOnly()
        field.setText(text)
        field.setModified(True)
        field.editingFinished.emit()

    def add(self, *cells):
        """Add pairs as they are added from files or layers."""
        for each in cells:
            self.widget.pairs.add(each)
        self.widget._gathering.changed.emit()

    def choose(self, row):
        """Choose a pair by its place."""
        self["batch_table"].selectRow(row)

    def kinds(self):
        """The states of the pairs."""
        return [state.kind for state in self.widget.states()]

    def wait(self, until=None):
        """Wait for something, or for the end of the batch."""
        self.qtbot.waitUntil(until or (lambda: not self.widget.run.running))

    def run(self):
        """Press Run, and wait for the end."""
        self.click("run_batch")
        assert self.widget.run.running, self["batch_message"].text()
        self.wait()


@pytest.fixture
def batch(model, qtbot, quick):
    """The dock, in a window with the dock that shows results."""
    preferences.remember_options(quick)
    window = QWidget()
    qtbot.addWidget(window)
    retrace, widget = RetraceWidget(model), BatchWidget(model)
    layout = QHBoxLayout(window)
    layout.addWidget(retrace)
    layout.addWidget(widget)
    window.show()
    yield Driver(widget, retrace, model, qtbot)
    widget.run.stop()
    retrace.cancel()
