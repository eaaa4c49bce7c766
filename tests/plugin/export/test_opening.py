"""Transforms from files, as layers."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.io.transforms import write_transform
from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.roles import FROM_FILE, role


def from_files(model):
    return [layer for layer in model.layers if role(layer) == FROM_FILE]


@pytest.fixture
def tfm(tmp_path, registration):
    return write_transform(tmp_path / "pair.tfm", registration.transform)


def test_a_file_lays_the_em_over_the_lm(dock, model, images, chosen, tfm, registration):
    driver = dock()
    assert "There is no transform yet" in driver.text("transform_told")
    chosen.path = tfm
    driver.click("open_transform")
    (layer,) = from_files(model)
    lm, em = images
    assert layer.data is em.data
    assert layer.name == "EM on LM (pair.tfm)"
    assert np.allclose(pixels_between(layer, lm), registration.em_to_lm, atol=1e-9)
    assert driver.entries("transform_choice") == ["File pair.tfm"]
    assert driver.message == "✔ Opened as the layer 'EM on LM (pair.tfm)'"
    assert layer.metadata[roles.KEY]["transform"].origin == "file"


def test_it_looks_like_the_overlay_that_it_hides(dock, model, overlay, chosen, tfm):
    overlay.colormap, overlay.opacity = "red", 0.4
    driver = dock()
    chosen.path = tfm
    driver.click("open_transform")
    (layer,) = from_files(model)
    assert (layer.colormap.name, layer.opacity) == ("red", 0.4)
    assert layer.visible
    assert not overlay.visible
    driver.settle()
    assert driver.entries("transform_choice") == ["File pair.tfm", "Automatic result"]


def test_the_same_file_again_takes_its_place(dock, model, images, chosen, tfm):
    driver = dock()
    chosen.path = tfm
    driver.click("open_transform")
    driver.click("open_transform")
    assert len(from_files(model)) == 1


def test_what_the_file_does_not_say_is_asked(dock, model, images, chosen, tmp_path, registration):
    path = tmp_path / "table.csv"
    size = registration.lm.pixel_size
    nm = np.diag([size, size, 1]) @ registration.em_to_lm
    nm = nm @ np.diag([1 / registration.em.pixel_size] * 2 + [1])
    np.savetxt(path, np.linalg.inv(nm), delimiter=",", fmt="%.17g")
    driver = dock()
    chosen.path = path
    driver.choose("file_moving", "the LM")
    driver.choose("file_unit", "nm")
    driver.click("open_transform")
    (layer,) = from_files(model)
    found = layer.metadata[roles.KEY]["transform"].em_to_lm
    assert np.allclose(found, registration.em_to_lm, atol=1e-6)


def test_a_wrong_unit_is_doubted(dock, model, images, chosen, tmp_path, registration):
    path = write_transform(tmp_path / "a.tfm", registration.transform, unit="nm")
    lines = [line for line in path.read_text().splitlines() if "clem-retrace" not in line]
    path.write_text("\n".join(lines))
    driver = dock()
    chosen.path = path
    driver.click("open_transform")
    assert driver.message.startswith("⚠ By this file the EM does not lie on the LM")


@pytest.mark.parametrize("content", ["", "#Insight Transform File V1.0\n#Transform 0\nTransform:"])
def test_a_bad_file_changes_nothing(
    dock, model, overlay, chosen, tmp_path, notices, content, registration
):
    path = tmp_path / "bad.tfm"
    path.write_text(content)
    before = list(model.layers)
    driver = dock()
    chosen.path = path
    driver.click("open_transform")
    assert driver.message.startswith("⚠ ")
    assert "bad.tfm" in driver.message
    assert [severity for severity, _ in notices] == ["warning"]
    assert list(model.layers) == before
    assert driver.widget.held.registration is registration


def test_a_spline_is_bent_in_a_worker(dock, model, images, chosen, tmp_path, spline):
    chosen.path = write_transform(tmp_path / "spline.json", spline)
    driver = dock()
    driver.click("open_transform")
    (layer,) = from_files(model)
    held = driver.widget.held
    assert held.overlay is layer
    assert held.title == "File spline.json"
    at = np.array([[300.0, 300.0]])
    assert np.allclose(held.transform.to_lm(at), spline.to_lm(at), atol=1e-6)
    assert np.isfinite(layer.data).any()


def test_nothing_is_opened_without_images_or_a_file(dock, model, images, chosen):
    driver = dock()
    driver.click("open_transform")
    assert not from_files(model)
    for image in images:
        model.layers.remove(image)
    driver.settle()
    assert not driver["open_transform"].isEnabled()
