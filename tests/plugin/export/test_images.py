"""Images and figures, from the form to the file."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from clem_retrace.errors import RoiError
from clem_retrace.geometry import translation
from clem_retrace.plugin.export.orders import Order, part_of
from clem_retrace.registration.warping import overlay_on_lm


def size_of(path):
    """Pixel size of an OME-TIFF, nm."""
    with tifffile.TiffFile(path) as file:
        text = file.ome_metadata
    return 1000 * float(text.split('PhysicalSizeX="')[1].split('"')[0])


def test_the_em_on_the_pixels_of_the_lm(dock, overlay, chosen, tmp_path, pair, registration):
    driver = dock()
    driver.choose("part", "the whole image")
    told = driver.text("image_told")
    assert told.startswith("150 \N{MULTIPLICATION SIGN} 200 pixels of 110 nm: 30 kB uncompressed")
    assert told.endswith("The EM has pixels of 27.5 nm: what is finer is averaged")
    chosen.path = tmp_path / "em.ome.tif"
    driver.click("save_image")
    assert driver.message.startswith(f"✔ Saved {chosen.path} (")
    assert chosen.asked[0][1] == "simulated_granules_4_EM-on-lm.ome.tif"
    written = tifffile.imread(chosen.path)
    expected = overlay_on_lm(pair.em, registration.em_to_lm, (150, 200))
    covered = np.isfinite(expected)
    # Rounded to the EM's whole numbers.
    assert np.abs(written[covered] - expected[covered]).max() <= 0.51
    assert not written[~covered].any()
    assert size_of(chosen.path) == pytest.approx(110)


def test_the_region_of_the_lm_upright_like_the_em(dock, overlay, chosen, tmp_path, registration):
    driver = dock()
    for name, text in (("image", "the LM"), ("frame", "the EM"), ("part", "the region")):
        driver.choose(name, text)
    assert driver["pixels"].currentText() == "as large as the EM's"
    driver.choose("pixels", "of another size")
    driver["export_size"].setValue(55)
    chosen.path = tmp_path / "lm"
    driver.click("save_image")
    path = tmp_path / "lm.ome.tif"
    sides = np.ptp(registration.corners, axis=0) / 2
    assert tifffile.imread(path).shape == pytest.approx(tuple(sides), abs=2)
    assert size_of(path) == pytest.approx(55)


def test_a_folder_of_ome_zarr(dock, overlay, chosen, tmp_path):
    driver = dock()
    driver.choose("format", "OME-Zarr")
    chosen.path = tmp_path / "em.zarr"
    driver.click("save_image")
    attributes = json.loads((chosen.path / ".zattrs").read_text())
    scale = attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale == pytest.approx([0.11, 0.11])
    assert "kB)" in driver.message


def test_what_cannot_be_drawn_is_told_before(dock, model, overlay):
    driver = dock()
    driver.choose("pixels", "of another size")
    driver["export_size"].setValue(0.0001)
    assert driver.text("image_told").startswith("⚠ ")
    assert "No more than 262144 pixels a side" in driver.text("image_told")
    assert not driver["save_image"].isEnabled()
    driver["export_size"].setValue(0)
    assert "a positive one is needed" in driver.text("image_told")
    driver["export_size"].setValue(50)
    assert driver["save_image"].isEnabled()


def test_without_pixel_sizes_only_whole_pixels_can_be_had(held, registration):
    facts = {
        name: dataclasses.replace(getattr(held.transform, name), pixel_size=None)
        for name in ("lm", "em")
    }
    bare = dataclasses.replace(held, transform=dataclasses.replace(held.transform, **facts))
    assert Order(bare, "em", "lm", "all", None, "ome-tiff").grid().shape == (150, 200)


def test_what_both_show_is_cut_to_the_lm(held):
    roi = part_of(held, "both")
    assert (roi.row, roi.col, roi.height, roi.width) == pytest.approx((0, 0, 150, 200))
    away = dataclasses.replace(held.transform, em_to_lm=translation((9e5, 9e5)))
    with pytest.raises(RoiError, match="does not lie on the LM"):
        part_of(dataclasses.replace(held, transform=away), "both")
    with pytest.raises(RoiError, match="none was searched for"):
        part_of(dataclasses.replace(held, region=None), "region")


@pytest.mark.parametrize(
    ("style", "columns"),
    [("LM magenta, EM green", 591), ("side by side", 591), ("checkerboard", 591)],
)
def test_a_figure_is_as_wide_as_asked(dock, overlay, chosen, tmp_path, style, columns):
    driver = dock()
    driver.choose("style", style)
    driver["figure_width"].setValue(50)
    driver["figure_outline"].setChecked(True)
    chosen.path = tmp_path / "figure.png"
    driver.click("save_figure")
    with Picture.open(chosen.path) as picture:
        # 50 mm at 300 dpi; of two pictures, each is rounded.
        assert abs(picture.width - columns) <= 2
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    # The orange outline of the region, #e69f00.
    assert (np.abs(pixels - (0xE6, 0x9F, 0x00)).sum(axis=-1) < 30).any()
    assert chosen.asked[0][1].endswith("-figure.png")


def test_a_figure_in_svg(dock, overlay, chosen, tmp_path):
    driver = dock()
    chosen.path = tmp_path / "figure.svg"
    driver.click("save_figure")
    assert chosen.path.read_text().lstrip().startswith("<svg")


def test_a_figure_of_another_kind_is_given_the_suffix(dock, overlay, chosen, tmp_path):
    driver = dock()
    chosen.path = tmp_path / "figure.jpg"
    driver.click("save_figure")
    assert (tmp_path / "figure.jpg.png").exists()


def test_a_disk_that_is_full_is_told_and_the_old_file_stays(
    dock, overlay, chosen, tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    chosen.path = tmp_path / "em.ome.tif"
    chosen.path.write_bytes(b"old")
    monkeypatch.setattr(tifffile, "imwrite", full)
    driver = dock()
    driver.click("save_image")
    assert "No space left on device" in driver.message
    assert chosen.path.read_bytes() == b"old"
    assert list(tmp_path.glob(".*")) == []


def test_cancelling_leaves_the_old_file(dock, overlay, chosen, tmp_path):
    driver = dock()
    driver.choose("pixels", "of another size")
    driver["export_size"].setValue(2)
    chosen.path = tmp_path / "em.ome.tif"
    chosen.path.write_bytes(b"old")
    driver["save_image"].click()
    driver["cancel"].click()
    # It says what came of it when the worker has ended.
    driver.qtbot.waitUntil(lambda: driver.message == "Cancelled: nothing was changed.")
    assert list(tmp_path.glob(".*")) == []
    assert chosen.path.read_bytes() == b"old"
