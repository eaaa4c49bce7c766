"""What is written of a registration, read back."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.errors import BadFile
from clem_retrace.geometry import decompose, invert, map_points, similarity
from clem_retrace.io import exports
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.representation.scale_selection import ScaleSelection
from clem_retrace.result import Registration
from clem_retrace.retracing.candidates import Candidates, Match

RATIO, ROI = 4.0, Roi(20, 30, 24, 32)

#: The EM is larger than the LM's field, mirrored and turned, so that nothing fits by chance.
LM_TO_EM = similarity(RATIO, 25.0, True, ROI.centre, (210.0, 260.0))


def scene(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the brightness of a smooth scene at (row, col) of the LM."""
    row, col = points[..., 0], points[..., 1]
    return (np.sin(row / 5) * np.cos(col / 7) + 1).astype(np.float32)


def grid(shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.stack(np.indices(shape), axis=-1).astype(np.float64)


@pytest.fixture
def lm() -> Micrograph:
    return Micrograph(scene(grid((70, 90))), pixel_size=110.0, name="lm.tif")


@pytest.fixture
def em() -> Micrograph:
    points = map_points(invert(LM_TO_EM), grid((400, 520)))
    return Micrograph((100 * scene(points)).astype(np.uint8), pixel_size=27.5, name="em.tif")


@pytest.fixture
def registration(lm: Micrograph, em: Micrograph) -> Registration:
    em_to_lm = invert(LM_TO_EM)
    elsewhere = invert(similarity(RATIO, -70.0, False, ROI.centre, (120.0, 150.0)))
    matches = (
        Match(ROI, em_to_lm, 0.91, 0.987, 1, "oriented"),
        Match(ROI, elsewhere, 0.42, 0.01, 0, "histogram"),
    )
    no_counts = np.zeros(1)
    scale = ScaleSelection(1.5, np.array([1.5]), no_counts, no_counts, no_counts, 1.5)
    return Registration(
        lm=ImageFacts.of(lm),
        em=ImageFacts.of(em),
        roi=ROI,
        options=RegistrationOptions(),
        ratio=RATIO,
        lm_scale=scale,
        em_scale=scale,
        candidates=Candidates(matches, np.zeros((4, 5), np.float32), np.eye(3)),
        match=matches[0],
        estimate=None,
        em_to_lm=em_to_lm,
        found=True,
        confidence=0.987,
        reason="it stands out",
        timings={},
        version="1",
    )


def test_export_writes_its_four_files_and_leaves_nothing_else(
    tmp_path: Path, lm: Micrograph, em: Micrograph, registration: Registration
) -> None:
    folder = tmp_path / "deep" / "result"
    paths = exports.export(folder, lm, em, registration)
    assert sorted(folder.iterdir()) == sorted(paths)
    assert {path.name for path in paths} == {
        "registration.json", "candidates.csv", "overlay.png", "em-on-lm.ome.tif",
    }  # fmt: skip
    # A second export takes the place of the first.
    assert exports.export(folder, lm, em, registration) == paths


def test_json_holds_all_of_the_registration(tmp_path: Path, registration: Registration) -> None:
    path = exports.write_json(tmp_path / "registration.json", registration)
    read = Registration.from_dict(json.loads(path.read_text(encoding="utf-8")))
    assert read.to_dict() == registration.to_dict()
    np.testing.assert_array_equal(read.em_to_lm, registration.em_to_lm)


def test_candidates_as_a_table(tmp_path: Path, registration: Registration) -> None:
    path = exports.write_candidates(tmp_path / "candidates.csv", registration.candidates)
    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["rank"], first["search"], first["mirrored"]) == ("1", "oriented", "yes")
    assert (second["rank"], second["search"], second["mirrored"]) == ("2", "histogram", "no")
    # Two decimals are written.
    centre = float(first["centre_row_em_px"]), float(first["centre_col_em_px"])
    assert centre == pytest.approx((210.0, 260.0), abs=0.006)
    assert float(first["angle_degrees"]) == pytest.approx(25.0, abs=0.006)
    assert float(second["angle_degrees"]) == pytest.approx(-70.0, abs=0.006)
    assert float(first["magnification_em_px_per_lm_px"]) == pytest.approx(RATIO)
    assert float(first["confidence"]) == pytest.approx(0.987)
    corner = float(first["corner3_row_em_px"]), float(first["corner3_col_em_px"])
    expected = map_points(LM_TO_EM, (ROI.row + ROI.height - 0.5, ROI.col + ROI.width - 0.5))
    assert corner == pytest.approx(tuple(expected), abs=0.006)


def test_the_warped_em_lies_on_the_lm_and_is_calibrated(
    tmp_path: Path, lm: Micrograph, em: Micrograph, registration: Registration
) -> None:
    exports.export(tmp_path, lm, em, registration)
    path = tmp_path / "em-on-lm.ome.tif"
    warped = tifffile.imread(path)
    assert warped.dtype == np.uint8
    assert warped.shape == lm.shape
    size = pixel_size_of(path)
    assert size is not None
    assert (size.source, size.nm) == ("OME-XML", pytest.approx(110.0))
    inside = grid(lm.shape)
    edges = map_points(LM_TO_EM, inside)
    far_in = ((edges > 20) & (edges < np.array(em.shape) - 21)).all(axis=-1)
    assert far_in.mean() > 0.5
    # One grey level of rounding twice, and the low-pass over 4 EM pixels.
    np.testing.assert_allclose(warped[far_in], 100 * scene(inside)[far_in], atol=4)
    assert (warped[((edges < -8) | (edges > np.array(em.shape) + 8)).any(axis=-1)] == 0).all()


@pytest.mark.parametrize(
    ("lm_size", "em_size", "expected"),
    [(110.0, None, 110.0), (None, 27.5, 110.0), (None, None, None), (100.0, 27.5, 100.0)],
)
def test_the_warped_em_has_the_lms_pixel_size_or_one_from_the_ems(
    tmp_path: Path,
    lm: Micrograph,
    em: Micrograph,
    registration: Registration,
    lm_size: float | None,
    em_size: float | None,
    expected: float | None,
) -> None:
    changed = dataclasses.replace(
        registration,
        lm=dataclasses.replace(registration.lm, pixel_size=lm_size),
        em=dataclasses.replace(registration.em, pixel_size=em_size),
    )
    exports.export(tmp_path, lm, em, changed)
    size = pixel_size_of(tmp_path / "em-on-lm.ome.tif")
    assert (None if size is None else size.nm) == (
        None if expected is None else pytest.approx(expected)
    )


Writer = Callable[[Path, Registration], object]

WRITERS: dict[str, Writer] = {
    "json": lambda path, registration: exports.write_json(path, registration),
    "csv": lambda path, registration: exports.write_candidates(path, registration.candidates),
    "png": lambda path, _: exports.write_overlay(path, np.zeros((4, 4, 3), np.uint8)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_where_nothing_can_be_written(
    tmp_path: Path, registration: Registration, kind: str
) -> None:
    with pytest.raises(BadFile, match="cannot be written: "):
        WRITERS[kind](tmp_path / "missing" / "file", registration)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "by something").touch()
    with pytest.raises(BadFile, match="taken cannot be written: "):
        WRITERS[kind](tmp_path / "taken", registration)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path, registration: Registration) -> None:
    path = tmp_path / "candidates.csv"
    path.write_text("old")

    class Broken:
        @property
        def matches(self) -> Any:
            yield registration.match
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exports.write_candidates(path, Broken())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadFile, match="file cannot be made a folder: "):
        exports.make_folder(tmp_path / "file")


def test_the_picture_is_a_png_of_three_colours(
    tmp_path: Path, lm: Micrograph, em: Micrograph, registration: Registration
) -> None:
    exports.export(tmp_path, lm, em, registration, truth=Roi(150, 180, 120, 160))
    with Image.open(tmp_path / "overlay.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.width == 1600
    assert decompose(registration.lm_to_em).mirrored
