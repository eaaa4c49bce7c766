"""The docks on disks that fail: it is said in the dock, which goes on, and the next save works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QSettings
from qtpy.QtWidgets import QFileDialog, QWidget

from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.plugin import outputs
from clem_retrace.plugin.batch_dock.widget import BatchWidget
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.export.widget import ExportWidget
from clem_retrace.plugin.landmarks.files import Files
from clem_retrace.plugin.notices import warn
from clem_retrace.plugin.plots.why_box import WhyBox

from .faults import at_call, file_size_limit, posix, state
from .sitting import QUICK, Sitting, fresh_layers, small_pair, workers

pytestmark = posix


@pytest.fixture(scope="module")
def pair():
    """A small pair."""
    return small_pair()


@pytest.fixture(scope="module")
def registration(pair):
    """The small pair's registration."""
    return register(pair.lm, pair.em, pair.roi, RegistrationOptions.from_paths(QUICK))


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory):
    """Nothing is remembered from one test to the next."""
    folder = tmp_path_factory.mktemp("settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    FileDialogs.forget()
    yield
    FileDialogs.forget()


@pytest.fixture
def notices():
    """Severity and text of what napari showed."""
    told = []

    def note(event):
        told.append((str(event.severity), event.message))

    notification_manager.notification_ready.connect(note)
    yield told
    notification_manager.notification_ready.disconnect(note)


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    """The folder that every file dialog answers with; the name is what is suggested."""
    folder = tmp_path / "out"
    folder.mkdir()

    def answer(_parent, _title, begin, filters, *_):
        return str(folder / Path(begin).name), filters.split(";;")[0]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return folder


def fail(path: str) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def save_with_faults(save: Callable[[], object], out: Path, notices: list[tuple[str, str]]) -> int:
    """Save once, again with each of some faults, and once more; return how many there were."""
    save()
    assert state(out), notices
    assert [kind for kind, _ in notices if kind in ("error", "warning")] == []
    faults = (
        lambda: at_call(out, 1, fail),
        lambda: at_call(out, 2, fail),
        lambda: file_size_limit(10),
    )
    for make in faults:
        before = state(out)
        notices.clear()
        with make():
            save()
        assert [kind for kind, _ in notices] == ["warning"], notices
        assert "cannot be written: " in notices[0][1]
        assert state(out) == before
    notices.clear()
    save()
    assert notices == [] or {kind for kind, _ in notices} == {"info"}
    assert not [name for name in state(out) if name.startswith(".")]
    return len(faults)


def test_the_session(qtbot, pair, out, notices, tally) -> None:
    sitting = Sitting(ViewerModel(), pair, qtbot)
    try:
        sitting.run()
        save = sitting.control("save_session").click
        tried = save_with_faults(save, out, notices)
        assert sitting.message.startswith("\N{HEAVY CHECK MARK} Saved ")
        # The dock searches on.
        sitting.run()
        sitting.check_whole()
    finally:
        sitting.close()
    tally(faults=tried, lost=0)


def test_the_export_dock(qtbot, pair, registration, out, notices, tally) -> None:
    model = ViewerModel()
    lm, em, *others = fresh_layers(pair)
    for layer in (lm, em, *others):
        model.add_layer(layer)
    model.add_layer(Layer.create(*outputs.overlay_layer(registration, em, lm)))
    dock = ExportWidget(model)
    qtbot.addWidget(dock)
    dock.show()

    def control(name: str) -> QWidget:
        found = dock.findChild(QWidget, name)
        assert found is not None, name
        return found

    def done() -> bool:
        return not control("cancel").isEnabled() and not workers()

    tried = 0
    try:
        for name in ("save_transform", "save_image", "save_figure", "write_report"):

            def save(name: str = name) -> None:
                control(name).click()
                qtbot.waitUntil(done)
                qtbot.wait(30)

            tried += save_with_faults(save, out, notices)
            assert control("message").text().startswith("\N{HEAVY CHECK MARK} Saved "), name
    finally:
        dock.released()
    tally(faults=tried, lost=0)


def test_a_small_figure(qtbot, registration, out, notices, tally) -> None:
    box = WhyBox()
    qtbot.addWidget(box)
    box.show_registration(registration)
    box.failed.connect(warn)
    view = box.views["scores"]
    tried = 0
    for title in ("Save picture", "Save numbers"):
        (action,) = (one for one in view.menu.actions() if one.text().startswith(title))
        tried += save_with_faults(action.trigger, out, notices)
    tally(faults=tried, lost=0)


def test_landmarks(qtbot, registration, out, notices, tally) -> None:
    files = Files()
    tried = save_with_faults(lambda: files.save(registration.transform), out, notices)
    tally(faults=tried, lost=0)


def test_a_table_of_pairs(qtbot, out, notices, tally) -> None:
    dock = BatchWidget(ViewerModel())
    qtbot.addWidget(dock)
    dock.show()
    dock.pairs.add({"lm": "lm.tif", "em": "em.tif"})
    dock._gathering.changed.emit()
    button = dock.findChild(QWidget, "save_table")
    assert button is not None
    tried = save_with_faults(button.click, out, notices)
    dock.released()
    tally(faults=tried, lost=0)


def test_a_batch_whose_folder_cannot_be_written(qtbot, out, notices, tally) -> None:
    dock = BatchWidget(ViewerModel())
    qtbot.addWidget(dock)
    dock.show()
    dock.pairs.add({"lm": "lm.tif", "em": "em.tif"})
    dock._gathering.changed.emit()
    tried = 0
    for number in range(1, 14):
        notices.clear()
        dock.set_folder(out)
        with at_call(out, number, fail):
            dock.start()
            qtbot.waitUntil(lambda: not dock.run.running and not workers())
            qtbot.wait(20)
        assert {kind for kind, _ in notices} <= {"warning"}, notices
        assert not [name for name in state(out) if name.startswith(".")]
        tried += 1
    dock.start()
    qtbot.waitUntil(lambda: not dock.run.running and not workers())
    assert "results.csv" in state(out)
    dock.released()
    tally(faults=tried, lost=0)
