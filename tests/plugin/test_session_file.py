"""The session as a file, and runs as commands: saved, opened, copied, by the dock's buttons."""

from __future__ import annotations

import dataclasses
import json
import shlex
import threading

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Layer
from napari.layers._source import Source
from qtpy.QtWidgets import QApplication, QFileDialog

from clem_retrace import cli, synthetic
from clem_retrace.geometry import map_points
from clem_retrace.io import sessions
from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.plugin.landmarks.kept import kept_pairs, lay_pairs
from clem_retrace.plugin.layers import Origin, origin
from clem_retrace.plugin.samples import pair_layers as layers_of_pair
from clem_retrace.plugin.scene import Scene
from clem_retrace.registration.landmarks import Landmarks


@pytest.fixture
def files(tmp_path, pair):
    """The small pair as files, and the layers that napari opens of them."""
    layers = []
    for name, image in (("LM", pair.lm), ("EM", pair.em)):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.asarray(image.data))
        layer = Image(
            tifffile.imread(path), name=name, scale=(image.pixel_size,) * 2, units=("nm", "nm")
        )
        layer._source = Source(path=str(path))
        layers.append(layer)
    roi = layers_of_pair(pair)[-1]
    return tmp_path, [*layers, type(layers[0]).create(*roi)]


@pytest.fixture
def saved(drive, files, monkeypatch):
    """A dock after a run, whose session was saved."""
    folder, layers = files
    driver = drive(*layers)
    driver.run()
    chosen = [folder / "mine"]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen[-1]), ""))
    driver.click("save_session")
    assert driver.text("message") == f"✔ Saved {folder / 'mine.clem.json'}"
    # The next time, its whole name is chosen.
    chosen.append(folder / "mine.clem.json")
    return driver, chosen[-1]


def open_in(driver, path, monkeypatch, *, asked=""):
    """Press Open, choose a file, and point to an image if that is asked for."""
    answers = [str(path), str(asked)]
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (answers.pop(0) if answers else "", "")
    )
    driver.click("open_session")
    driver.qtbot.waitUntil(lambda: not driver.widget._file.busy)


def test_a_session_is_opened_as_it_was(saved, drive, monkeypatch):
    before, path = saved
    registration = before.registration
    before.model.layers.clear()
    after = drive()
    open_in(after, path, monkeypatch)
    assert after.registration.found
    np.testing.assert_allclose(after.registration.em_to_lm, registration.em_to_lm)
    assert [layer.name for layer in (after.widget.images.lm, after.widget.images.em)] == [
        "LM", "EM",
    ]  # fmt: skip
    assert after.text("roi_size") == "70 x 90 LM px, 280 x 360 EM px"
    assert after["outdated"].isHidden()
    assert len(after.ours("overlay")) == len(after.ours("region")) == 1
    assert after.text("message") == "✔ Opened a session of 1 run"
    # It goes on from there, and can be saved again.
    after.run()
    assert after["run_list"].count() == 2
    after.click("save_session")
    assert len(sessions.read_session(path).runs) == 2


def test_images_that_are_open_are_not_opened_again(saved, monkeypatch):
    driver, path = saved
    images = driver.widget.images.offered
    open_in(driver, path, monkeypatch)
    assert driver.widget.images.offered == images
    assert driver["run_list"].count() == 2


def test_an_image_that_was_moved_is_asked_for(saved, drive, monkeypatch, notices):
    before, path = saved
    before.model.layers.clear()
    moved = path.parent / "elsewhere.tif"
    (path.parent / "EM.tif").rename(moved)
    after = drive()
    open_in(after, path, monkeypatch, asked=moved)
    after.qtbot.waitUntil(lambda: after.registration is not None)
    assert "EM.tif is missing" in notices[0][1]
    assert origin(after.widget.images.em).path == str(moved)


def test_a_missing_image_that_is_not_pointed_to_opens_nothing(saved, drive, monkeypatch, notices):
    before, path = saved
    before.model.layers.clear()
    (path.parent / "EM.tif").unlink()
    after = drive()
    open_in(after, path, monkeypatch)
    assert after.registration is None
    assert len(after.model.layers) == 0
    assert after.text("message") == "The session was not opened: its EM image is missing"


def test_an_image_that_has_changed_is_told(saved, drive, monkeypatch, notices):
    before, path = saved
    before.model.layers.clear()
    changed = tifffile.imread(path.parent / "EM.tif")
    changed[:50] = 7
    tifffile.imwrite(path.parent / "EM.tif", changed)
    after = drive()
    open_in(after, path, monkeypatch)
    assert "has changed" in notices[0][1]
    assert after.registration is not None


def test_a_file_that_is_no_session_is_told(drive, tmp_path, monkeypatch, notices):
    path = tmp_path / "no.clem.json"
    path.write_text("{}")
    driver = drive()
    open_in(driver, path, monkeypatch)
    assert notices[0][0] == "warning"
    assert driver.text("message") == f"⚠ {notices[0][1]}"
    assert len(driver.model.layers) == 0


def test_a_session_is_read_beside_the_gui(saved, monkeypatch):
    driver, path = saved
    read, threads = sessions.read_session, []

    def noted(file):
        threads.append(threading.current_thread())
        return read(file)

    monkeypatch.setattr(sessions, "read_session", noted)
    open_in(driver, path, monkeypatch)
    assert threads
    assert threads[0] is not threading.main_thread()


def test_where_a_session_was_saved_stays_no_longer_than_it_is_true(saved, monkeypatch, notices):
    driver, path = saved
    assert driver.text("message") == f"✔ Saved {path}"
    gone = path.parent / "gone" / "session.clem.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(gone), ""))
    driver.click("save_session")
    assert driver.text("message") == f"⚠ {notices[-1][1]}"
    assert "cannot be written" in notices[-1][1]


def test_nothing_is_saved_where_no_file_is_chosen(saved, monkeypatch):
    driver, path = saved
    path.unlink()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    driver.click("save_session")
    assert not path.exists()


def test_the_copied_command_does_the_run_again(saved, capsys, tmp_path):
    driver, _ = saved
    driver.click("next_candidate")
    driver.run("register_candidate")
    driver.click("copy_command")
    words = shlex.split(QApplication.clipboard().text())
    assert words[:2] == ["clem-retrace", "run"]
    assert "--take" in words or any(word.startswith("--take=") for word in words)
    assert cli.main([*words[1:], "--out", str(tmp_path / "out")]) == 0
    row, col = driver.registration.centre
    assert f"row {row:.1f}, column {col:.1f}" in capsys.readouterr().out


def test_the_copied_script_does_the_run_again(saved):
    driver, _ = saved
    driver.click("copy_python")
    names = {}
    exec(QApplication.clipboard().text(), names)
    np.testing.assert_allclose(names["registration"].em_to_lm, driver.registration.em_to_lm)


def test_a_place_given_by_hand_is_saved_opened_and_copied(
    saved, drive, monkeypatch, pair, tmp_path, model
):
    driver, path = saved
    shift = np.array([[1, 0, 2.0], [0, 1, -1.5], [0, 0, 1]])
    driver.widget.register_from(shift @ np.linalg.inv(pair.lm_to_em))
    driver.wait()
    placed = driver.registration
    driver.click("save_session")
    driver.click("copy_command")
    words = shlex.split(QApplication.clipboard().text())
    assert cli.main([*words[1:], "--out", str(tmp_path / "out")]) == 0
    values = json.loads((tmp_path / "out" / "registration.json").read_text(encoding="utf-8"))
    assert values["em_to_lm"] == placed.em_to_lm.tolist()
    driver.click("copy_python")
    names = {}
    exec(QApplication.clipboard().text(), names)
    np.testing.assert_array_equal(names["registration"].em_to_lm, placed.em_to_lm)
    driver.widget.cancel()
    model.layers.clear()
    again = drive()
    open_in(again, path, monkeypatch)
    assert again["run_list"].count() == 2
    again["run_list"].setCurrentRow(0)
    np.testing.assert_array_equal(again.registration.em_to_lm, placed.em_to_lm)
    assert again.text("step_check_state") == "✎ Placed by hand, and registered from there"
    assert again["outdated"].isHidden()


def test_what_is_not_on_disk_cannot_be_copied_which_is_told(shown, notices):
    QApplication.clipboard().setText("as before")
    shown.click("copy_command")
    assert "not on disk" in notices[-1][1]
    assert QApplication.clipboard().text() == "as before"


def test_a_sample_is_known_by_its_name(pair):
    images = [Image(data, **keywords) for data, keywords, _ in layers_of_pair(
        pair, sample="endosomes")[:2]]  # fmt: skip
    assert [origin(image) for image in images] == [
        Origin(sample="endosomes", which="lm"), Origin(sample="endosomes", which="em")
    ]  # fmt: skip


def test_a_session_of_a_sample_opens_both_of_its_images(drive, pair, monkeypatch, tmp_path):
    monkeypatch.setattr(synthetic, "endosomes", lambda: pair)
    layers = [Layer.create(*data) for data in layers_of_pair(pair, sample="endosomes")]
    driver = drive(*layers)
    driver.run()
    path = tmp_path / "sample.clem.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    driver.click("save_session")
    # Where they are open they are found again, each for itself.
    open_in(driver, path, monkeypatch)
    images = driver.widget.images
    assert (images.lm, images.em) == tuple(layers[:2])
    driver.model.layers.clear()
    after = drive()
    open_in(after, path, monkeypatch)
    images = after.widget.images
    np.testing.assert_array_equal(images.lm.data, pair.lm.data)
    np.testing.assert_array_equal(images.em.data, pair.em.data)


def test_a_stack_of_a_file_is_found_again(drive, files, monkeypatch, pair):
    folder, (_, em, roi) = files
    planes = np.stack([np.asarray(pair.lm.data) // 2, np.asarray(pair.lm.data)])
    tifffile.imwrite(folder / "stack.tif", planes, metadata={"axes": "ZYX"}, ome=True)
    lm = Image(planes, name="stack", scale=(1, 110, 110), units=("pixel", "nm", "nm"))
    lm._source = Source(path=str(folder / "stack.tif"))
    driver = drive(lm, em, roi)
    driver["lm_channel_axis"].setCurrentIndex(0)
    driver["lm_projection"].setCurrentText("minimum")
    driver.run()
    session = driver.widget._file.session()
    assert session.lm.projection == "min"
    path = folder / "stack.clem.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    driver.click("save_session")
    driver.model.layers.clear()
    after = drive()
    open_in(after, path, monkeypatch)
    np.testing.assert_array_equal(after.widget.images.lm.data, planes.min(axis=0))
    # Saved once more, it still knows what was taken of the file.
    after.run()
    again = dataclasses.replace(after.widget._file.session().lm, name="stack")
    assert again == dataclasses.replace(session.lm, name="stack")


def test_landmarks_are_saved_and_opened(saved, drive, monkeypatch, model, pair):
    driver, path = saved
    lm, em = driver.widget.images.lm, driver.widget.images.em
    points = np.array([[20.0, 30], [90, 40], [60, 100], [70, 70]])
    pairs = Landmarks.of(points, map_points(pair.lm_to_em, points)).switching(3, False)
    kept = SessionLandmarks(pairs.moving(2, "em", None), "similarity", None, "hand")
    lay_pairs(model, Scene(model), lm, em, kept)
    driver.click("save_session")
    driver.widget.cancel()
    model.layers.clear()
    again = drive()
    open_in(again, path, monkeypatch)
    back = kept_pairs(Scene(model), again.widget.images.lm, again.widget.images.em)
    np.testing.assert_array_equal(back.landmarks.lm, points)
    np.testing.assert_array_equal(back.landmarks.em, kept.landmarks.em)
    assert back.landmarks.active.tolist() == [True, True, True, False]
    assert (back.model, back.start, back.origin) == ("similarity", None, "hand")
