"""A transform applied to files: images, labels, points and shapes, by function and by command."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from clem_retrace.applying import Target, another_binning, apply_steps
from clem_retrace.cli import main
from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.events import run
from clem_retrace.geometry import decimation, invert, map_points, similarity
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.transforms import write_transform
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate

#: 4 EM pixels on one of the LM's, turned and mirrored.
EM_TO_LM = invert(similarity(4.0, 25.0, True, (40, 45), (150, 160)))
LM, EM = ImageFacts("lm.tif", (80, 90), 100.0), ImageFacts("em.tif", (300, 320), 25.0)
TRANSFORM = PairTransform(EM_TO_LM, LM, EM)

Command = Callable[..., int]


def values_at(points: np.ndarray) -> np.ndarray:
    """Return the brightness of a smooth scene at (row, col) of the EM."""
    return 120 + 80 * np.sin(points[..., 0] / 23) * np.cos(points[..., 1] / 31)


def em_image(binning: float = 1.0) -> np.ndarray:
    shape = tuple(int(side / binning) for side in EM.shape)
    grid = np.stack(np.indices(shape), axis=-1)
    return np.round(values_at(map_points(invert(decimation(binning)), grid))).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a saved transform and files of the EM; it is the current one."""
    monkeypatch.chdir(tmp_path)
    write_transform("t.json", TRANSFORM)
    tifffile.imwrite("other.tif", em_image())
    tifffile.imwrite("binned.tif", em_image(2.0))
    labels = np.random.default_rng(1).choice([0, 3, 9000], EM.shape).astype(np.uint16)
    tifffile.imwrite("labels.tif", labels)
    Path("points.csv").write_text("index,axis-0,axis-1\n0,150,160\n1,nan,nan\n2,-100,0\n")
    return tmp_path


def points_of(path: str | Path) -> np.ndarray:
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row["axis-0"]), float(row["axis-1"])] for row in rows])


def inner(shape: tuple[int, int], to_lm: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return where LM pixels lie in the EM, and which of them lie well inside."""
    grid = np.stack(np.indices(shape), axis=-1).astype(float)
    places = TRANSFORM.to_em(grid if to_lm is None else map_points(to_lm, grid))
    inside = ((places > 10) & (places < np.array(EM.shape) - 11)).all(axis=-1)
    assert inside.mean() > 0.3
    return places, inside


@pytest.mark.parametrize("name", ["other.tif", "binned.tif"])
def test_an_image_comes_to_lie_on_the_other(folder: Path, name: str) -> None:
    applied = run(apply_steps(name, Target(TRANSFORM), folder))
    assert applied.path == folder / name.replace(".tif", "-on-lm.ome.tif")
    image = tifffile.imread(applied.path)
    assert (image.shape, image.dtype) == (LM.shape, np.uint8)
    places, inside = inner(LM.shape)
    # Rounded twice, and low-passed over four EM pixels.
    np.testing.assert_allclose(image[inside], values_at(places)[inside], atol=3)
    size = pixel_size_of(applied.path)
    assert size is not None
    assert size.nm == pytest.approx(100.0)
    if name == "binned.tif":
        (note,) = applied.notes
        assert note == (
            "binned.tif has 150 x 160 pixels, and the EM that was registered has 300 x 320: "
            "taken for another binning, by 2"
        )
    else:
        assert applied.notes == ()


def test_from_the_lm_to_the_em_and_into_a_zarr(folder: Path) -> None:
    zarr = pytest.importorskip("zarr")
    tifffile.imwrite("lm.ome.tif", np.indices(LM.shape)[0].astype(np.float32))
    target = Target(TRANSFORM, "lm", Roi(100, 120, 60, 80))
    applied = run(apply_steps("lm.ome.tif", target, folder, kind="ome-zarr", interpolation="cubic"))
    assert applied.path.name == "lm-on-em.ome.zarr"
    image = zarr.open_group(applied.path, mode="r")["0"][:]
    assert image.shape == (60, 80)
    grid = np.stack(np.mgrid[100:160, 120:200], axis=-1)
    np.testing.assert_allclose(image, TRANSFORM.to_lm(grid)[..., 0], atol=1e-3)


def test_labels_keep_their_numbers(folder: Path) -> None:
    applied = run(apply_steps("labels.tif", Target(TRANSFORM), folder, labels=True))
    image = tifffile.imread(applied.path)
    assert image.dtype == np.uint16
    labels = tifffile.imread("labels.tif")
    places, inside = inner(LM.shape)
    row, col = np.floor(places[inside] + 0.5).astype(int).T
    np.testing.assert_array_equal(image[inside], labels[row, col])


@pytest.mark.parametrize(
    ("data", "message"),
    [(np.zeros(EM.shape, np.float32), "whole numbers"), (np.zeros((3, *EM.shape), int), "a stack")],
)
def test_what_holds_no_labels_is_refused(folder: Path, data: np.ndarray, message: str) -> None:
    tifffile.imwrite(
        "wrong.tif", data, metadata={"axes": "ZYX"[-data.ndim :]}, photometric="minisblack"
    )
    with pytest.raises(BadImage, match=message):
        run(apply_steps("wrong.tif", Target(TRANSFORM), folder, labels=True))


def test_points_are_in_the_pixels_of_what_is_written(folder: Path) -> None:
    applied = run(apply_steps("points.csv", Target(TRANSFORM), folder))
    outside = TRANSFORM.to_lm((-100.0, 0))
    np.testing.assert_allclose(points_of(applied.path), [(40, 45), (np.nan, np.nan), outside])
    crop = Target(TRANSFORM, "em", Roi(30, 20, 40, 50), pixel_size=50.0)
    applied = run(apply_steps("points.csv", crop, folder))
    # From row 30 and column 20 on, twice as many pixels, with the same outer borders.
    np.testing.assert_allclose(points_of(applied.path)[0], (2 * 10 + 0.5, 2 * 25 + 0.5))
    np.testing.assert_allclose(crop.grid().shape, (80, 100))


def test_a_spline_is_followed(folder: Path) -> None:
    pairs = np.array([(10.0, 10), (10, 80), (70, 10), (70, 80), (40, 45)])
    on_em = TRANSFORM.to_em(pairs)
    on_em[-1] += 7
    plate = ThinPlate.fit(pairs, on_em)
    landmarks = Landmarks.of(pairs, on_em)
    bent = PairTransform(plate.affine, LM, EM, "thin-plate spline", "landmarks", landmarks, plate)
    write_transform("spline.json", bent)
    Path("p.csv").write_text(f"index,axis-0,axis-1\n0,{on_em[-1, 0]},{on_em[-1, 1]}\n")
    assert main(["apply", "spline.json", "p.csv", "other.tif", "--out", "out"]) == 0
    np.testing.assert_allclose(points_of("out/p-on-lm.csv"), [(40, 45)], atol=1e-6)
    image = tifffile.imread("out/other-on-lm.ome.tif")
    grid = np.stack(np.mgrid[30:50, 35:55], axis=-1)
    np.testing.assert_allclose(image[30:50, 35:55], values_at(bent.to_em(grid)), atol=3)


# Another binning ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((150, 160), 2.0), ((75, 80), 4.0), ((600, 640), 0.5), ((200, 213), 1.5), ((100, 106), 3.0)],
)
def test_a_binning_is_recognised(shape: tuple[int, int], factor: float) -> None:
    image = Micrograph(np.zeros(shape, np.uint8), None, "a.tif")
    to_image, notes = another_binning(image, EM, "em")
    assert to_image is not None
    # 320 / 213 is not quite 1.5: half a pixel at the far corner.
    corners = [(0, 0), EM.shape]
    expected = map_points(decimation(factor), corners)
    np.testing.assert_allclose(map_points(to_image, corners), expected, atol=0.5)
    assert len(notes) == 1


def test_an_odd_side_halved_is_a_binning_either_way() -> None:
    facts = ImageFacts("em.tif", (1001, 801), None)
    for shape in ((500, 400), (501, 401)):
        to_image, _ = another_binning(Micrograph(np.zeros(shape), None, "a"), facts, "em")
        np.testing.assert_array_equal(to_image, decimation(2))


@pytest.mark.parametrize(
    ("shape", "pixel_size", "message"),
    [
        ((300, 300), None, "neither as many, nor another binning"),
        ((320, 300), None, "neither as many, nor another binning"),
        # A quarter of the image, and not all of it at half the resolution.
        ((150, 160), 25.0, "of 25 and 25 nm: it shows another extent"),
    ],
)
def test_another_extent_is_refused(
    shape: tuple[int, int], pixel_size: float | None, message: str
) -> None:
    image = Micrograph(np.zeros(shape, np.uint8), pixel_size, "a.tif")
    with pytest.raises(BadImage, match=message):
        another_binning(image, EM, "em")


def test_the_same_pixels_and_unknown_ones_are_taken_as_they_are() -> None:
    image = Micrograph(np.zeros(EM.shape, np.uint8), 25.0, "a.tif")
    assert another_binning(image, EM, "em") == (None, ())
    to_image, (note,) = another_binning(image, ImageFacts("", (0, 0), None), "em")
    assert to_image is None
    assert "not known" in note


# The command --------------------------------------------------------------------------------


def test_one_file_that_fails_does_not_stop_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite("cropped.tif", em_image()[:100, :90])
    Path("broken.tif").write_bytes(b"II*\0nothing")
    files = ["missing.tif", "other.tif", "cropped.tif", "broken.tif", "points.csv"]
    assert main(["apply", "t.json", *files, "--out", "out"]) == 2
    written = sorted(path.name for path in Path("out").iterdir())
    assert written == ["other-on-lm.ome.tif", "points-on-lm.csv"]
    printed = capsys.readouterr()
    assert f"written       {Path('out', 'other-on-lm.ome.tif')}" in printed.out
    errors = [line for line in printed.err.splitlines() if "error" in line]
    assert len(errors) == 4
    for line, name in zip(errors, ("missing", "cropped", "broken"), strict=False):
        assert line.startswith("clem-retrace: error: ")
        assert line.count(f"{name}.tif") == 1
    assert errors[-1] == "clem-retrace: error: 3 of 5 files could not be used"


def test_its_flags_reach_what_is_written(folder: Path) -> None:
    flags = ["--crop-to", "30", "20", "40", "50", "--pixel-size", "50", "--out", "out"]
    flags += ["--interpolation", "cubic"]
    assert main(["apply", "t.json", "other.tif", *flags]) == 0
    image = tifffile.imread("out/other-on-lm.ome.tif")
    assert image.shape == (80, 100)
    size = pixel_size_of("out/other-on-lm.ome.tif")
    assert size is not None
    assert size.nm == pytest.approx(50.0)
    to_lm = np.array([[0.5, 0, 29.75], [0, 0.5, 19.75], [0, 0, 1]])
    places, inside = inner((80, 100), to_lm)
    np.testing.assert_allclose(image[inside], values_at(places)[inside], atol=3)
    assert main(["apply", "t.json", "labels.tif", "--labels", "--format", "ome-zarr"]) == 0
    array = json.loads(Path("clem-retrace-out/labels-on-lm.ome.zarr/0/.zarray").read_text())
    assert (array["dtype"], array["shape"]) == ("<u2", [80, 90])


def test_a_matrix_needs_to_be_told_the_image(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_transform("t.matrix.csv", TRANSFORM)
    assert main(["apply", "t.matrix.csv", "points.csv", "--out", "out"]) == 0
    np.testing.assert_allclose(points_of("out/points-on-lm.csv")[0], (40, 45))
    assert main(["apply", "t.matrix.csv", "other.tif", "--out", "out"]) == 2
    assert "give its file by --lm, or its size by --lm-shape" in capsys.readouterr().err
    metadata: dict[str, Any] = {"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
    tifffile.imwrite("lm.ome.tif", np.zeros(LM.shape, np.uint8), ome=True, metadata=metadata)
    for told in (["--lm", "lm.ome.tif"], ["--lm-shape", "80", "90", "--lm-pixel-size", "100"]):
        assert main(["apply", "t.matrix.csv", "other.tif", "--out", "out", *told]) == 0
        size = pixel_size_of("out/other-on-lm.ome.tif")
        assert size is not None
        assert size.nm == pytest.approx(100.0)
        assert tifffile.imread("out/other-on-lm.ome.tif").shape == LM.shape
    assert "not known" in capsys.readouterr().out
    # What is told goes before what the file says.
    given = ["--lm", "lm.ome.tif", "--lm-shape", "40", "45", "--lm-pixel-size", "200"]
    assert main(["apply", "t.matrix.csv", "other.tif", "--out", "out", *given]) == 0
    size = pixel_size_of("out/other-on-lm.ome.tif")
    assert size is not None
    assert size.nm == pytest.approx(200.0)
    assert tifffile.imread("out/other-on-lm.ome.tif").shape == (40, 45)


def test_two_files_of_one_name_are_not_written_over_each_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("more").mkdir()
    tifffile.imwrite("more/other.tif", em_image())
    assert main(["apply", "t.json", "other.tif", "more/other.tif", "--out", "out"]) == 2
    assert "is written of another file" in capsys.readouterr().err
    assert len(list(Path("out").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.json", "other.tif"], "missing.json does not exist"),
        (["other.tif", "other.tif"], "is no transform"),
        (["t.json", "other.tif", "--lm-shape", "20", "30"], "80 x 90"),
        (["t.json", "other.tif", "--crop-to", "0", "0", "0", "5"], "draw one with an area"),
        (["t.json", "other.tif", "--pixel-size", "0"], "positive"),
        (["t.json", "other.tif", "--crop-to", "200", "0", "5", "5"], "outside lm.tif"),
    ],
)
def test_bad_input_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["apply", *arguments, "--out", "out"]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert message in lines[0]
    assert all(len(line) < 300 for line in lines)


def test_the_size_of_the_other_image_is_needed_for_a_crop_only() -> None:
    unknown = PairTransform(EM_TO_LM, ImageFacts("", (0, 0), None), EM)
    np.testing.assert_allclose(Target(unknown).move(np.array([[150.0, 160]])), [(40, 45)])
    with pytest.raises(InvalidOption, match="how large the LM image is"):
        Target(unknown, crop=Roi(0, 0, 5, 5)).move(np.array([[150.0, 160]]))


def test_the_pages_example_runs(folder: Path) -> None:
    page = Path(__file__).parents[1] / "docs" / "images-out.md"
    (example,) = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.DOTALL)
    lm = ImageFacts("lm.tif", (300, 600), 100.0)
    to_lm = invert(similarity(4.0, 25.0, True, (160, 415), (150, 160)))
    tifffile.imwrite("lm.tif", np.random.default_rng(2).integers(0, 99, lm.shape, np.uint16))
    tifffile.imwrite("em.tif", em_image())
    Path("result").mkdir()
    write_transform("result/registration.json", PairTransform(to_lm, lm, EM))
    exec(example, {})
    image = tifffile.imread("lm-on-em.ome.tif")
    assert image.dtype == np.uint16
    assert 0.3 < (image > 0).mean() < 0.95
    assert Path("figure.svg").is_file()
