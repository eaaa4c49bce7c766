"""Transforms to files of other programs."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from clem_retrace.io.transforms import KINDS, read_transform
from clem_retrace.plugin.export.telling import KIND_NOTES


@pytest.mark.parametrize("name", KIND_NOTES)
def test_every_kind_comes_back_the_same(dock, overlay, chosen, tmp_path, registration, name):
    kind = KINDS[name]
    driver = dock()
    driver.choose("kind", kind.title)
    assert driver.text("kind_note") == KIND_NOTES[name]
    chosen.path = tmp_path / f"pair{kind.suffixes[0]}"
    driver.click("save_transform")
    assert driver.message == f"✔ Saved {chosen.path}"
    back = read_transform(chosen.path, lm=registration.lm, em=registration.em)
    corners = [[0, 0], [0, 700], [600, 0]]
    assert np.allclose(back.to_lm(corners), registration.transform.to_lm(corners), atol=1e-6)
    title, begin, filters = chosen.asked[0]
    assert title == "Save the transform"
    name = "simulated_granules_4_EM_on_simulated_granules_4_LM"
    assert begin.endswith(name + kind.suffixes[0])
    assert filters.startswith(kind.title)


def test_unit_and_moving_image_are_those_asked_for(dock, overlay, chosen, tmp_path):
    driver = dock()
    driver.choose("kind", KINDS["itk"].title)
    assert driver.entries("unit") == ["mm", "µm", "nm", "pixels"]
    driver.choose("unit", "nm")
    driver.choose("moving", "the LM")
    chosen.path = tmp_path / "a.tfm"
    driver.click("save_transform")
    assert "from em to lm, in nm" in chosen.path.read_text()
    driver.choose("kind", KINDS["json"].title)
    assert not driver["unit"].isEnabled()


def test_a_folder_that_is_not_there_is_told(dock, overlay, chosen, tmp_path, notices):
    driver = dock()
    chosen.path = tmp_path / "missing" / "a.json"
    driver.click("save_transform")
    assert driver.message.startswith("⚠ ")
    assert "cannot be written" in driver.message
    assert notices[0][0] == "warning"


def test_a_spline_is_not_offered_to_a_matrix(dock, bent):
    driver = dock()
    assert driver["save_transform"].isEnabled()
    driver.choose("kind", KINDS["itk"].title)
    assert not driver["save_transform"].isEnabled()
    assert "cannot hold a thin-plate spline" in driver.text("kind_note")
    driver.choose("kind", KINDS["bigwarp"].title)
    assert driver["save_transform"].isEnabled()


def test_the_matrix_is_on_the_clipboard(dock, overlay, registration):
    driver = dock()
    driver.click("copy_matrix")
    rows = QApplication.clipboard().text().splitlines()
    copied = np.array([[float(cell) for cell in row.split("\t")] for row in rows])
    assert np.array_equal(copied, registration.em_to_lm)
    assert "from EM pixels (row, col, 1) to LM pixels" in driver.message


def test_without_a_transform_there_is_nothing_to_save(dock, images):
    driver = dock()
    for name in ("save_transform", "copy_matrix", "save_image", "save_figure", "write_report"):
        assert not driver[name].isEnabled(), name
