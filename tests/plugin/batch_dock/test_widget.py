"""The dock as a user works with it: pairs added, run, cancelled, opened."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from clem_retrace.batch import read_table
from clem_retrace.plugin.batch_dock.widget import TABLE, BatchWidget
from clem_retrace.plugin.outputs import drawing_layer
from clem_retrace.plugin.roles import role


def test_a_batch_with_a_pair_that_fails_and_one_to_mend(batch, cells, images, tmp_path, asked):
    damaged = images / "damaged.tif"
    damaged.write_bytes((images / "lm.tif").read_bytes()[:200])
    batch.add(cells(), cells(name="cut short", lm=str(damaged)), cells(roi_row=""))
    assert batch.kinds() == ["waiting", "waiting", "to mend"]
    asked.answers = [tmp_path / "out"]
    batch.run()
    # The folder was asked for, as none was chosen.
    assert asked.answers == []
    assert batch.kinds() == ["found", "failed", "to mend"]
    assert batch["batch_message"].text() == "Done. 3 pairs: 1 to mend, 1 found, 1 failed"
    batch.choose(1)
    assert "damaged.tif" in batch["pair_message"].text()
    batch.choose(2)
    assert "Region, row: it is empty" in batch["pair_message"].text()
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    assert statuses == ["found", "failed", "failed"]
    batch.click("open_gallery")
    batch.click("open_folder")
    assert asked.opened == [
        str(tmp_path / "out" / "gallery.html"),
        str(tmp_path / "out"),
    ]


def test_what_was_done_before_is_marked_and_passed_by(batch, cells, tmp_path, asked, qtbot):
    out = tmp_path / "out"
    batch.add(cells())
    batch.widget.set_folder(out)
    batch.run()
    record = out / "lm" / "row.json"
    written = record.stat().st_mtime_ns
    other = BatchWidget(ViewerModel())
    qtbot.addWidget(other)
    asked.answers = [out / TABLE]
    other.pairs_box.open_table.emit()
    qtbot.waitUntil(lambda: [state.kind for state in other.states()] == ["found"])
    assert "before" in other.states()[0].message
    assert other.folder == out
    other.start()
    qtbot.waitUntil(lambda: not other.run.running)
    assert record.stat().st_mtime_ns == written
    # A pair that was changed is to be run anew.
    other.pairs_box.table.selectRow(0)
    other.pairs_box.form.changed.emit({"context": "20"})
    assert [state.kind for state in other.states()] == ["waiting"]
    other.pairs_box.form.changed.emit({"context": ""})
    qtbot.waitUntil(lambda: [state.kind for state in other.states()] == ["found"])


def test_all_again_runs_what_is_done_once_more(batch, cells, tmp_path):
    batch.add(cells())
    batch.widget.set_folder(tmp_path / "out")
    batch.run()
    record = tmp_path / "out" / "lm" / "row.json"
    written = record.stat().st_mtime_ns
    batch.click("batch_again")
    batch.run()
    assert record.stat().st_mtime_ns > written
    assert not batch["batch_again"].isChecked()


def test_cancel_keeps_what_is_done_and_run_goes_on(batch, cells, tmp_path):
    batch["batch_workers"].setValue(1)
    batch.add(*(cells(name=f"cell {number}") for number in range(3)))
    batch.widget.set_folder(tmp_path / "out")
    batch.click("run_batch")
    batch.wait(lambda: "found" in batch.kinds() and "running" in batch.kinds())
    batch.click("cancel_batch")
    assert not batch.widget.run.running
    assert "running" not in batch.kinds()
    assert "Run goes on" in batch["batch_message"].text()
    done = batch.kinds().count("found")
    assert 1 <= done < 3
    # At once: the one before has to come to its end first.
    batch.run()
    assert batch.kinds() == ["found"] * 3
    before = [batch.widget.run.outcomes[pair.key].before for pair in batch.widget.pairs]
    assert sum(before) >= done
    assert not list((tmp_path / "out").glob(".*"))


def test_closing_the_dock_stops_the_batch(model, qtbot, cells, tmp_path):
    window, dock = QMainWindow(), QDockWidget()
    qtbot.addWidget(window)
    widget = BatchWidget(model)
    dock.setWidget(widget)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    widget.pairs.add(cells())
    widget.set_folder(tmp_path / "out")
    widget.start()
    run = widget.run
    qtbot.waitUntil(lambda: bool(run._started))
    widget.setParent(None)
    assert not run.running
    # The folder has no parts of results once the worker has let go.
    qtbot.waitUntil(lambda: (tmp_path / "out" / "results.csv").exists())


def test_a_result_is_opened_with_its_images_region_and_overlay(batch, cells, small, tmp_path):
    batch.add(cells())
    batch.widget.set_folder(tmp_path / "out")
    batch.run()
    batch["batch_table"].opened.emit(batch.widget.pairs_box.table._key(0))
    batch.wait(lambda: batch.retrace.registration is not None)
    layers = {role(layer): layer for layer in batch.model.layers}
    assert {"overlay", "region", "candidates", "roi"} <= set(layers)
    assert [layer.name for layer in batch.model.layers if role(layer) is None] == ["lm", "em"]
    lm, em = batch.retrace.images.pair()
    assert (lm.name, em.name) == ("lm", "em")
    np.testing.assert_allclose(lm.scale, 100)
    assert batch.retrace.registration.distance_to(small.ground_truth).pixels < 4
    drawn = layers["roi"].data[0]
    np.testing.assert_allclose(drawn.min(axis=0), small.roi.corners.min(axis=0), atol=1e-3)
    # Once more: what is open is not opened again.
    count = len(batch.model.layers)
    batch.choose(0)
    batch.click("open_pair")
    batch.wait(lambda: "Opened the result" in batch["batch_message"].text())
    assert len(batch.model.layers) == count


def test_a_second_result_hides_the_first_and_closes_nothing(batch, cells, images, tmp_path):
    other = images / "other.tif"
    other.write_bytes((images / "em.tif").read_bytes())
    batch.add(cells(), cells(name="second", em=str(other)))
    batch.widget.set_folder(tmp_path / "out")
    batch.run()
    for row, name in enumerate(("lm", "second")):
        batch.choose(row)
        batch.click("open_pair")
        wanted = f"Opened the result of {name}:"
        batch.wait(lambda wanted=wanted: batch["batch_message"].text().startswith(wanted))
    visible = {layer.name: layer.visible for layer in batch.model.layers if not role(layer)}
    assert visible == {"lm": True, "em": False, "other": True}


def test_the_pair_in_the_viewer_is_added_with_what_the_dock_knows(batch, images, small, tmp_path):
    layers = [
        Image(np.asarray(image.data), name=name, scale=(nm, nm), units=("nm", "nm"))
        for name, image, nm in (("LM", small.lm, 100), ("EM", small.em, 25))
    ]
    for layer, name in zip(layers, ("lm.tif", "em.tif"), strict=True):
        batch.model.add_layer(layer)
        layer._source = layer.source.model_copy(update={"path": str(images / name)})
    shapes = batch.model._add_layer_from_data(*drawing_layer(layers[0], "roi", small.roi.corners))
    assert shapes
    batch.click("add_layers")
    (pair,) = batch.widget.pairs
    assert pair.problem == ""
    assert pair.row.roi == small.roi
    assert (pair.row.lm.pixel_size, pair.row.em.pixel_size) == (100, 25)
    # The options are those of the other dock, as it was the first pair.
    assert pair.row.options == batch.retrace.options.options()
    assert pair.row.options.changed()
    assert "same as in the dock" in batch["batch_options"].text()


def test_layers_without_a_file_are_refused_in_words(batch, pair_layers, notices):
    for layer in pair_layers:
        batch.model.add_layer(layer)
    batch.click("add_layers")
    assert len(batch.widget.pairs) == 0
    assert "Save the layer as TIFF" in batch["batch_message"].text()
    assert any("Save the layer as TIFF" in text for _, text in notices)


def test_files_are_added_first_and_their_region_later(batch, images, small, asked):
    asked.answers = [images / "lm.tif", images / "em.tif"]
    batch.click("add_files")
    assert batch.kinds() == ["to mend"]
    assert "no region yet" in batch["pair_message"].text()
    batch.click("take_region")
    assert "Open in the viewer" in batch["batch_message"].text()
    batch.type("pair_roi_row", "10")
    assert "Region, column: it is empty" in batch["pair_message"].text()
    batch.type("pair_roi_row", "")
    batch.click("open_pair")
    batch.wait(lambda: batch["batch_message"].text() == "Opened lm")
    lm, _ = batch.retrace.images.pair()
    batch.model._add_layer_from_data(*drawing_layer(lm, "roi", small.roi.corners))
    batch.click("take_region")
    assert "pixel size" in batch["pair_message"].text()
    batch.type("pair_lm_pixel_size", "100")
    batch.type("pair_em_pixel_size", "25")
    assert batch.kinds() == ["waiting"]
    (pair,) = batch.widget.pairs
    assert pair.row.roi == small.roi


def test_names_are_told_apart(batch, cells):
    batch.add(cells(), cells())
    assert [pair.name for pair in batch.widget.pairs] == ["lm", "lm-2"]
    batch.choose(1)
    batch.type("pair_name", "lm")
    assert batch.kinds() == ["waiting", "to mend"]
    batch.type("pair_name", "")
    assert [pair.name for pair in batch.widget.pairs] == ["lm", "lm-2"]


def test_a_table_that_is_saved_is_read_by_the_command(batch, cells, images, asked):
    batch.add(cells(), cells(name="second", take="2"))
    asked.answers = [images / "pairs.csv"]
    batch.click("save_table")
    table = read_table(images / "pairs.csv")
    assert [row.name for row in table.rows] == ["lm", "second"]
    for row, pair in zip(table.rows, batch.widget.pairs, strict=True):
        # The cells differ: those of the file say the options of the dock, too.
        assert dataclasses.replace(row, cells=pair.row.cells) == pair.row
    assert table.rows[0].cells["lm"] == "lm.tif"


def test_nothing_can_be_run_without_pairs_or_folder(batch, cells, asked):
    batch.click("run_batch")
    assert "dd a pair" in batch["batch_message"].text()
    batch.add(cells())
    asked.answers = [None]
    batch.click("run_batch")
    assert "hoose a folder" in batch["batch_message"].text()
    assert not batch.widget.run.running


def test_a_folder_with_results_of_others_is_left_alone(batch, cells, tmp_path):
    (tmp_path / "results.csv").write_text("mine")
    batch.add(cells())
    batch.widget.set_folder(tmp_path)
    batch.run()
    assert "choose another folder" in batch["batch_message"].text()
    assert (tmp_path / "results.csv").read_text() == "mine"


def test_removing_takes_pairs_out_of_the_table_only(batch, cells):
    batch.add(cells(), cells(), cells())
    batch.choose(1)
    batch.click("remove_pairs")
    assert [pair.name for pair in batch.widget.pairs] == ["lm", "lm-3"]


def test_nothing_is_changed_while_a_batch_runs(batch, cells, tmp_path):
    batch.add(cells())
    batch.widget.set_folder(tmp_path / "out")
    batch.choose(0)
    batch.click("run_batch")
    assert batch["pair_name"].isReadOnly()
    for name in ("remove_pairs", "open_table", "batch_folder", "batch_again", "run_batch"):
        assert not batch[name].isEnabled(), name
    batch.wait()
    assert not batch["pair_name"].isReadOnly()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_style_follows_the_theme(batch, theme):
    batch.model.theme = theme
    assert batch.widget.styleSheet()
