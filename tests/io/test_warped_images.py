"""Warped images as files: every tile, every level, every number read back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, BadImage, InvalidOption
from clem_retrace.events import Progress, run
from clem_retrace.geometry import invert, similarity
from clem_retrace.io import tile_stores, tiles, warped_images
from clem_retrace.io.images import read_stack
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.warped_images import (
    write_ome_tiff,
    write_ome_tiff_steps,
    write_ome_zarr,
    write_ome_zarr_steps,
)
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, Warp, warp_onto
from clem_retrace.resampling import Interpolation, sample_steps

#: An EM with 4 of its pixels on one of the LM's, turned and mirrored.
EM_TO_LM = invert(similarity(4.0, 25.0, True, (130, 140), (500, 550)))


def warp(
    data: NDArray[Any],
    *,
    pixel_size: float | None = 110.0,
    finer: float = 1.0,
    region: Roi | None = None,
    interpolation: Interpolation = "linear",
) -> Warp:
    """Return an EM to be drawn on an LM of 260 x 280 pixels."""
    em = Micrograph(data, name="em <1>.tif")
    transform = PairTransform(EM_TO_LM, ImageFacts("lm", (260, 280), pixel_size), ImageFacts.of(em))
    size = None if pixel_size is None else pixel_size / finer
    grid = Grid.on(transform, "lm", region=region, pixel_size=size)
    return warp_onto(grid, em, "em", transform, interpolation=interpolation)


def texture(dtype: str = "uint8") -> NDArray[Any]:
    rows, cols = np.indices((1000, 1100))
    return (100 + 60 * np.sin(rows / 19) * np.cos(cols / 31)).astype(dtype)


def same(data: NDArray[Any], *, interpolation: Interpolation = "linear") -> Warp:
    """Return an image to be drawn on its own grid."""
    image = Micrograph(data, 20.0, "same.tif")
    transform = PairTransform(np.eye(3), ImageFacts.of(image), ImageFacts.of(image))
    grid = Grid.on(transform, "lm")
    return warp_onto(grid, image, "lm", transform, interpolation=interpolation)


def rounded(drawing: Warp) -> NDArray[Any]:
    """Return what is drawn as it should be stored in whole numbers."""
    return np.round(np.nan_to_num(run(sample_steps(drawing, "whole"))))


def halved(image: NDArray[Any]) -> NDArray[np.float64]:
    padded = np.pad(image.astype(float), [(0, side % 2) for side in image.shape], mode="edge")
    rows, cols = (side // 2 for side in padded.shape)
    return padded.reshape(rows, 2, cols, 2).mean(axis=(1, 3))


@pytest.fixture
def tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of some hundred pixels are tiled, and have copies of a hundred."""
    monkeypatch.setattr(warped_images, "PLAIN", 500)
    monkeypatch.setattr(tiles, "SMALLEST", 200)
    for module in (tiles, tile_stores):
        monkeypatch.setattr(module, "TILE", 128)


# OME-TIFF -----------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["zlib", "none"])
def test_a_small_image_is_one_that_every_program_opens(tmp_path: Path, compression: Any) -> None:
    drawing = warp(texture())
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing, compression=compression)
    with tifffile.TiffFile(path) as tif:
        (page,) = tif.pages
        assert not page.is_tiled
        assert page.dtype == np.uint8
        # What is not compressed can be mapped.
        assert (page.is_memmappable) == (compression == "none")
    np.testing.assert_array_equal(tifffile.imread(path), rounded(drawing))


@pytest.mark.parametrize("compression", ["zlib", "none"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32"])
def test_a_large_image_is_tiled_and_has_smaller_copies(
    tmp_path: Path, tiled: None, dtype: str, compression: Any
) -> None:
    drawing = warp(texture(dtype), finer=2.83)
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing, compression=compression)
    expected = np.nan_to_num(run(sample_steps(drawing, "whole")))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        assert not tif.is_bigtiff
        (series,) = tif.series
        assert [level.shape for level in series.levels] == [(736, 792), (368, 396), (184, 198)]
        for level in series.levels:
            image = level.asarray()
            assert level.pages[0].is_tiled
            assert image.dtype == np.dtype(dtype).newbyteorder("=")
            # Whole numbers are rounded on each level.
            apart = 1e-4 if dtype == "float32" else 1.01
            np.testing.assert_allclose(image, expected, rtol=0, atol=apart)
            expected = halved(image)
    # Ours reads it as any other.
    np.testing.assert_array_equal(read_stack(path).data, tifffile.imread(path))


@pytest.mark.usefixtures("tiled")
def test_a_bright_pixel_is_in_its_place_on_all_levels(tmp_path: Path) -> None:
    image = np.zeros((1051, 1300), np.float32)
    image[807, 1111] = 4096
    path = write_ome_tiff(tmp_path / "a.ome.tif", same(image))
    with tifffile.TiffFile(path) as tif:
        assert len(tif.series[0].levels) == 4
        for number, level in enumerate(tif.series[0].levels):
            pixels = level.asarray()
            assert np.argwhere(pixels).tolist() == [[807 >> number, 1111 >> number]]
            assert pixels.max() == 4096 / 4**number


@pytest.mark.usefixtures("tiled")
def test_what_may_need_more_than_four_gigabytes_is_bigtiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_stores, "TIFF_BYTES", 1 << 19)
    drawing = warp(texture(), finer=2.83)
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_bigtiff
    np.testing.assert_array_equal(tifffile.imread(path), rounded(drawing))


@pytest.mark.parametrize("finer", [1.0, 2.83])
@pytest.mark.parametrize("pixel_size", [0.8, 11.3, 110.0, 4321.0])
def test_the_pixel_size_comes_back_from_ome_and_from_the_tags(
    tmp_path: Path, tiled: None, pixel_size: float, finer: float
) -> None:
    drawing = warp(texture(), pixel_size=pixel_size, finer=finer)
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing)
    read = pixel_size_of(path)
    assert read is not None
    assert (read.source, read.nm) == ("OME-XML", pytest.approx(pixel_size / finer, rel=1e-9))
    with tifffile.TiffFile(path) as tif:
        pixels, units = tif.pages.first.tags["XResolution"].value
        assert tif.pages.first.tags["ResolutionUnit"].value == 3
    assert 1e7 * units / pixels == pytest.approx(pixel_size / finer, rel=1e-6)


@pytest.mark.parametrize("finer", [1.0, 2.83])
def test_the_xml_is_ome(tmp_path: Path, tiled: None, finer: float) -> None:
    ome_types = pytest.importorskip("ome_types")
    drawing = warp(texture("uint16"), finer=finer, region=Roi(3, 7, 230, 250))
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing)
    (image,) = ome_types.from_tiff(path).images
    assert image.name == "em <1>.tif"
    assert "LM" in image.description
    pixels = image.pixels
    assert (pixels.size_y, pixels.size_x) == drawing.shape
    assert pixels.type.value == "uint16"
    assert pixels.physical_size_x_quantity.to("nm").magnitude == pytest.approx(110 / finer)
    assert pixels.physical_size_x == pixels.physical_size_y


def test_without_a_pixel_size_none_is_written(tmp_path: Path) -> None:
    path = write_ome_tiff(tmp_path / "a.ome.tif", warp(texture(), pixel_size=None))
    assert pixel_size_of(path) is None


def test_the_description_says_where_a_crop_lies(tmp_path: Path) -> None:
    drawing = warp(texture(), region=Roi(30, 41, 50, 60))
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawing)
    with tifffile.TiffFile(path) as tif:
        assert "first pixel's centre is at row 30, column 41 of the LM" in str(tif.ome_metadata)


# Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "written", "values"),
    [
        ("uint8", "uint8", [9, 7, 3, 255]),
        (">u2", "uint16", [9, 7, 3, 300]),
        ("int16", "int16", [9, -7, 3, 300]),
        ("float32", "float32", [9, -7, 2.6, 300]),
        ("float64", "float64", [9, -7, 2.6, 300]),
        ("float16", "float32", [9, -7, 2.6, 300]),
        ("int64", "float32", [9, -7, 3, 300]),
    ],
)
def test_types_are_kept_where_the_format_has_them(
    tmp_path: Path, dtype: str, written: str, values: list[float]
) -> None:
    given = np.array([[0, 7 if dtype in ("uint8", ">u2") else -7, 2.6, 300]])
    image = given if "f" in dtype else np.round(given)
    if dtype == "uint8":
        image = np.minimum(image, 255)
    drawing = same(image.astype(dtype))
    hidden = Warp(drawing.sampling, drawing.grid, "a", Roi(0, 1, 1, 3))
    read = tifffile.imread(write_ome_tiff(tmp_path / "a.ome.tif", hidden, outside=9))
    assert read.dtype == written
    np.testing.assert_allclose(read.ravel(), values, rtol=2e-3)


@pytest.mark.parametrize("dtype", ["uint32", "int32"])
def test_the_largest_integers_do_not_wrap_round(tmp_path: Path, dtype: str) -> None:
    largest = np.iinfo(dtype).max
    path = write_ome_tiff(tmp_path / "a.ome.tif", same(np.full((3, 4), largest, dtype)))
    assert (tifffile.imread(path) == largest).all()


def test_a_mask_becomes_grey_levels(tmp_path: Path) -> None:
    drawing = warp(np.ones((1000, 1100), bool))
    image = tifffile.imread(write_ome_tiff(tmp_path / "a.ome.tif", drawing))
    assert image.dtype == np.uint8
    assert set(np.unique(image)) == {0, 255}


def test_outside_there_is_what_was_asked_for(tmp_path: Path) -> None:
    inside = np.isfinite(run(sample_steps(warp(texture("float32")), "whole")))
    assert 0.3 < inside.mean() < 0.99
    for value in (np.nan, -5.0):
        path = write_ome_tiff(tmp_path / "a.ome.tif", warp(texture("float32")), outside=value)
        np.testing.assert_array_equal(tifffile.imread(path)[~inside], value)
    with pytest.raises(InvalidOption, match="uint8, which has no NaN"):
        write_ome_tiff(tmp_path / "b.ome.tif", warp(texture()), outside=np.nan)


@pytest.mark.usefixtures("tiled")
def test_the_border_to_nothing_stays_where_it_is_on_all_levels(tmp_path: Path) -> None:
    image = np.full((600, 640), 7.0, np.float32)
    image[:, :321] = np.nan
    path = write_ome_tiff(tmp_path / "a.ome.tif", same(image), outside=np.nan)
    with tifffile.TiffFile(path) as tif:
        for number, level in enumerate(tif.series[0].levels):
            pixels = level.asarray()
            # A pixel that holds a part of what is known is known.
            assert np.isnan(pixels[:, : 321 >> number]).all()
            assert (pixels[:, 321 >> number :] == 7).all()


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize("writer", [write_ome_tiff, write_ome_zarr])
def test_labels_are_never_blended(tmp_path: Path, writer: Callable[..., Path]) -> None:
    labels = np.random.default_rng(3).choice([0, 5, 70_000], (1000, 1100)).astype(np.int64)
    path = writer(tmp_path / "labels", warp(labels, finer=2.83, interpolation="nearest"))
    if writer is write_ome_tiff:
        with tifffile.TiffFile(path) as tif:
            levels = [level.asarray() for level in tif.series[0].levels]
    else:
        zarr = pytest.importorskip("zarr")
        levels = [zarr.open_group(path, mode="r")[str(number)][:] for number in range(3)]
    # OME-TIFF has no 64 bits.
    assert levels[0].dtype == ("int32" if writer is write_ome_tiff else "int64")
    for level in levels:
        assert set(np.unique(level)) == {0, 5, 70_000}


def test_labels_too_large_for_the_format_are_refused(tmp_path: Path) -> None:
    labels = same(np.full((4, 4), 1 << 40), interpolation="nearest")
    with pytest.raises(BadImage, match="label 1099511627776, more than int32 can hold"):
        write_ome_tiff(tmp_path / "a.ome.tif", labels)
    assert list(tmp_path.iterdir()) == []


# OME-Zarr -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize("compression", ["zlib", "none"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float64"])
def test_zarr_reads_what_was_written(tmp_path: Path, dtype: str, compression: Any) -> None:
    zarr = pytest.importorskip("zarr")
    drawing = warp(texture(dtype), finer=2.83)
    path = write_ome_zarr(tmp_path / "a.ome.zarr", drawing, compression=compression)
    group = zarr.open_group(path, mode="r")
    assert sorted(group.array_keys()) == ["0", "1", "2"]
    expected = np.nan_to_num(run(sample_steps(drawing, "whole")))
    for number in range(3):
        array = group[str(number)]
        assert array.metadata.zarr_format == 2
        assert array.dtype == np.dtype(dtype).newbyteorder("=")
        image = array[:]
        apart = 1e-4 if dtype == "float64" else 1.01
        np.testing.assert_allclose(image, expected, rtol=0, atol=apart)
        expected = halved(image)


@pytest.mark.usefixtures("tiled")
def test_the_metadata_are_those_of_ome_zarr(tmp_path: Path) -> None:
    drawing = warp(texture(), finer=2.0, region=Roi(30, 41, 200, 230))
    path = write_ome_zarr(tmp_path / "a.ome.zarr", drawing)
    attributes = json.loads((path / ".zattrs").read_text(encoding="utf-8"))
    (multiscales,) = attributes["multiscales"]
    assert multiscales["version"] == "0.4"
    assert multiscales["axes"] == [
        {"name": name, "type": "space", "unit": "micrometer"} for name in "yx"
    ]
    shapes = []
    for number, level in enumerate(multiscales["datasets"]):
        assert level["path"] == str(number)
        scale, shift = level["coordinateTransformations"]
        assert (scale["type"], shift["type"]) == ("scale", "translation")
        assert scale["scale"] == pytest.approx([0.055 * 2**number] * 2)
        array = json.loads((path / str(number) / ".zarray").read_text(encoding="utf-8"))
        shapes.append(tuple(array["shape"]))
        # The outer border of the first pixel is that of LM pixel (30, 41) on all levels.
        border = np.array(shift["translation"]) - np.array(scale["scale"]) / 2
        np.testing.assert_allclose(border, (29.5 * 0.11, 40.5 * 0.11))
    assert shapes == [(400, 460), (200, 230), (100, 115)]
    assert (multiscales["name"], multiscales["type"]) == ("em <1>.tif", "mean")


def test_without_a_pixel_size_lengths_are_in_pixels(tmp_path: Path) -> None:
    drawing = warp(texture(), pixel_size=None, region=Roi(30, 41, 20, 30))
    path = write_ome_zarr(tmp_path / "a.ome.zarr", drawing)
    (multiscales,) = json.loads((path / ".zattrs").read_text(encoding="utf-8"))["multiscales"]
    assert multiscales["axes"] == [{"name": name, "type": "space"} for name in "yx"]
    (level,) = multiscales["datasets"]
    scale, shift = level["coordinateTransformations"]
    assert (scale["scale"], shift["translation"]) == ([1.0, 1.0], [30.0, 41.0])


@pytest.mark.usefixtures("tiled")
def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    write_ome_zarr(path, warp(texture(), finer=2.83))
    assert (path / "2").is_dir()
    write_ome_zarr(path, warp(texture()))
    assert not (path / "2").exists()
    assert list(tmp_path.iterdir()) == [path]


# On the way ---------------------------------------------------------------------------------

STEPS = {"tiff": write_ome_tiff_steps, "zarr": write_ome_zarr_steps}


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize("kind", STEPS)
def test_progress_goes_to_the_end(tmp_path: Path, kind: str) -> None:
    events = list(STEPS[kind](tmp_path / "a", warp(texture(), finer=2.83), stage="export"))
    assert all(isinstance(event, Progress) and event.stage == "export" for event in events)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 736 * 792
    # At least one for every tile.
    assert len(done) > 42


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize("finer", [1.0, 2.83])
@pytest.mark.parametrize("kind", STEPS)
def test_stopped_half_way_it_leaves_what_was_there(tmp_path: Path, kind: str, finer: float) -> None:
    path = tmp_path / "a"
    list(STEPS[kind](path, warp(texture())))
    before = sorted(one.name for one in tmp_path.rglob("*"))
    steps = STEPS[kind](path, warp(texture("float32"), finer=finer))
    next(steps)
    steps.close()
    assert sorted(one.name for one in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", STEPS)
def test_where_nothing_can_be_written(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadFile, match="cannot be written: "):
        list(STEPS[kind](tmp_path / "missing" / "a", warp(texture())))
    assert list(tmp_path.iterdir()) == []


#: Draws an EM of 16 384 x 16 384 pixels that is nowhere in memory, and tells how much that took.
MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from clem_retrace.geometry import invert, similarity
from clem_retrace.io.warped_images import write_ome_tiff, write_ome_zarr
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, warp_onto

class Lazy:
    shape, dtype = (16384, 16384), np.dtype(np.uint16)
    def __getitem__(self, key):
        rows, cols = (np.arange(side.start, side.stop, dtype=np.uint16) for side in key)
        return rows[:, None] ^ cols

em = Micrograph(Lazy(), 10.0, "em")
lm = ImageFacts("lm", (1640, 1640), 100.0)
matrix = invert(similarity(10, 30, True, (820, 820), (8192, 8192)))
transform = PairTransform(matrix, lm, ImageFacts.of(em))
grid = Grid.on(transform, "lm", region=Roi(600, 0, 500, 1640), pixel_size=36.0)
drawing = warp_onto(grid, em, "em", transform)
write = write_ome_tiff if sys.argv[2] == "tiff" else write_ome_zarr
write(sys.argv[1], drawing)
# Not ru_maxrss, which begins with that of the process that started this one.
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())
print(drawing.shape, peak[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells the peak")
@pytest.mark.parametrize("kind", STEPS)
def test_memory_stays_bounded(tmp_path: Path, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "a"), kind],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shape, _, kilobytes = done.stdout.strip().rpartition(" ")
    assert shape == "(1389, 4556)"
    # The EM alone would take 512 MB, and Python with its libraries takes 90.
    assert int(kilobytes) < 350_000
