"""All that the project writes, each in versions that can be told apart when they are read."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import tifffile
from PIL import Image

from clem_retrace.batch.gallery import write_gallery
from clem_retrace.batch.outcomes import RECORD, Finding, Outcome, Record, RowOutcome
from clem_retrace.batch.results import write_results
from clem_retrace.batch.row_folders import row_folder
from clem_retrace.batch.rows import BadRow
from clem_retrace.geometry import translation
from clem_retrace.io.exports import write_candidates, write_json, write_overlay
from clem_retrace.io.figures import write_figure
from clem_retrace.io.napari_tables import move_table
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import Session, SessionRun, read_session, save_session
from clem_retrace.io.transforms import KINDS, read_transform, write_transform
from clem_retrace.io.warped_images import write_ome_tiff, write_ome_zarr
from clem_retrace.micrograph import ImageFacts, Micrograph
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, Warp, warp_onto
from clem_retrace.report.writing import write_report
from clem_retrace.result import Registration

__all__ = ["VERSIONS", "Output", "outputs"]

#: Versions are 1 to this; they are grey values too.
VERSIONS = 200

FACTS = ImageFacts("lm", (40, 60), 100.0), ImageFacts("em", (160, 240), 25.0)


@dataclass(frozen=True)
class Output:
    """One kind of what is written.

    Attributes
    ----------
    name : str
        Of the file or folder.
    save : callable
        Takes a path and a version.
    read : callable
        Takes a path; returns its version, after reading all that is there.
    """

    name: str
    save: Callable[[Path, int], object]
    read: Callable[[Path], int]


def outputs(registration: Registration, scratch: Path) -> list[Output]:
    """Return all outputs that need no window.

    Parameters
    ----------
    registration : Registration
        With 9 candidates or so.
    scratch : Path
        A folder for what they are made from.
    """
    return [
        Output("session.clem.json", partial(_save_session, registration), _read_session),
        *(_transform(name) for name, kind in KINDS.items() if kind.write is not None),
        Output("registration.json", partial(_save_registration, registration), _read_registration),
        Output("candidates.csv", partial(_save_candidates, registration), _read_candidates),
        Output("overlay.png", _save_overlay, _read_picture),
        Output("plain.ome.tif", partial(_save_tiff, side=40, compression="none"), _read_tiff),
        Output("zlib.ome.tif", partial(_save_tiff, side=40, compression="zlib"), _read_tiff),
        Output("pyramid.ome.tif", partial(_save_tiff, side=4200, compression="zlib"), _read_tiff),
        Output("image.ome.zarr", _save_zarr, _read_zarr),
        Output("figure.png", _save_figure, _read_figure_png),
        Output("figure.svg", _save_figure, _read_figure_svg),
        Output("report.html", partial(_save_report, registration), _read_html),
        Output("points.csv", partial(_save_points, scratch), _read_points),
        Output("results.csv", _save_results, _read_results),
        Output("gallery.html", _save_gallery, _read_html),
        Output("row", _save_row, _read_row),
    ]


def _session(registration: Registration, version: int) -> Session:
    image = SessionImage("a", (40, 60), 100.0)
    time = datetime(2026, 1, 2, tzinfo=UTC)
    return Session(runs=(SessionRun(image, image, (registration,), time=time),), name=f"v{version}")


def _save_session(registration: Registration, path: Path, version: int) -> None:
    save_session(path, _session(registration, version))


def _read_session(path: Path) -> int:
    session = read_session(path)
    assert len(session.runs) == 1
    return int(session.name.removeprefix("v"))


def _transform(name: str) -> Output:
    kind = KINDS[name]

    def save(path: Path, version: int) -> None:
        lm = np.array([[1.0, 1.0], [30.0, 2.0], [3.0, 50.0], [35.0, 55.0]])
        matrix = np.diag([0.25, 0.25, 1.0]) @ translation((4.0 * version, 0.0))
        em = 4 * lm - (4.0 * version, 0.0)
        transform = PairTransform(
            matrix, *FACTS, model="affine", origin="landmarks", landmarks=Landmarks.of(lm, em)
        )
        write_transform(path, transform, name)

    def read(path: Path) -> int:
        transform = read_transform(path, lm=FACTS[0], em=FACTS[1], model="affine")
        return round(float(transform.em_to_lm[0, 2]))

    return Output(f"{name}{kind.suffixes[0]}", save, read)


def _save_registration(registration: Registration, path: Path, version: int) -> None:
    facts = dataclasses.replace(registration.lm, name=f"v{version}")
    write_json(path, dataclasses.replace(registration, lm=facts))


def _read_registration(path: Path) -> int:
    found = Registration.from_dict(json.loads(path.read_bytes()))
    return int(found.lm.name.removeprefix("v"))


def _save_candidates(registration: Registration, path: Path, version: int) -> None:
    (match, *_) = registration.candidates.matches
    many = dataclasses.replace(registration.candidates, matches=(match,) * version)
    write_candidates(path, many)


def _read_candidates(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert path.read_bytes().endswith(b"\n")
    assert {len(row) for row in rows} == {len(header)}
    return len(rows)


def _save_overlay(path: Path, version: int) -> None:
    write_overlay(path, np.full((30, 40, 3), version, np.uint8))


def _read_picture(path: Path) -> int:
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (30, 40, 3)
    return _only(pixels)


def _only(pixels: Any) -> int:
    """Return the one value of an image, and fail where there is another."""
    assert np.min(pixels) == np.max(pixels)
    return int(np.max(pixels))


def _warp(version: int, side: int) -> Warp:
    image = Micrograph(np.full((20, side), version, np.uint8), 20.0, "same.tif")
    transform = PairTransform(np.eye(3), ImageFacts.of(image), ImageFacts.of(image))
    return warp_onto(Grid.on(transform, "lm"), image, "lm", transform)


def _save_tiff(path: Path, version: int, side: int, compression: Any) -> None:
    write_ome_tiff(path, _warp(version, side), compression=compression)


def _read_tiff(path: Path) -> int:
    with tifffile.TiffFile(path) as tif:
        assert tif.ome_metadata is not None
        levels = [level.asarray() for level in tif.series[0].levels]
    assert levels[0].shape[0] == 20
    return {_only(level) for level in levels}.pop()


def _save_zarr(path: Path, version: int) -> None:
    write_ome_zarr(path, _warp(version, 1100))


def _read_zarr(path: Path) -> int:
    import zarr

    scales = json.loads((path / ".zattrs").read_text())["multiscales"][0]["datasets"]
    # What lies outside the image is 0 in the last chunks, and not seen.
    found = {_only(zarr.open_array(path / scale["path"], mode="r")[:]) for scale in scales}
    assert len(found) == 1
    return found.pop()


def _save_figure(path: Path, version: int) -> None:
    lm = Micrograph(np.indices((40, 60)).sum(axis=0).astype(np.float32), 100.0, f"v{version}")
    em = Micrograph(np.indices((160, 240)).sum(axis=0).astype(np.float32), 25.0, "em")
    transform = PairTransform(np.diag([0.25, 0.25, 1.0]), ImageFacts.of(lm), ImageFacts.of(em))
    write_figure(path, lm, em, transform, width=20 + version, dpi=100)


def _read_figure_png(path: Path) -> int:
    with Image.open(path) as picture:
        picture.load()
        return round(picture.width / 100 * 25.4) - 20


def _read_figure_svg(path: Path) -> int:
    title = ET.parse(path).getroot().find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text is not None
    return int(title.text.partition(" ")[0].removeprefix("v"))


def _save_report(registration: Registration, path: Path, version: int) -> None:
    write_report(path, _session(registration, version), pictures=False)


def _read_html(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("</html>\n")
    found = re.search(r"\bv(\d+)\b", text)
    assert found is not None
    return int(found[1])


def _save_points(scratch: Path, path: Path, version: int) -> None:
    source = scratch / "points to move.csv"
    if not source.exists():
        source.write_text("index,axis-0,axis-1\n" + "0,1.0,2.0\n" * 20)
    move_table(source, path, lambda points: points + version)


def _read_points(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    return _only([float(row["axis-0"]) - 1 for row in rows])


def _outcomes(path: Path, version: int) -> list[RowOutcome]:
    row = BadRow(f"v{version}", "nothing is right", {"comment": "x" * 100})
    return [RowOutcome(0, row, Outcome("failed", "nothing is right"), path)] * 5


def _save_results(path: Path, version: int) -> None:
    write_results(path, _outcomes(path, version))


def _read_results(path: Path) -> int:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["comment"] for row in rows] == ["x" * 100] * 5
    return int(rows[-1]["name"].removeprefix("v"))


def _save_gallery(path: Path, version: int) -> None:
    write_gallery(path, _outcomes(path, version))


def _save_row(path: Path, version: int) -> None:
    finding = Finding(0.9, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0), 0.0, False, 1.0)
    with row_folder(path) as part:
        write_overlay(part / "overlay.png", np.full((30, 40, 3), version, np.uint8))
        outcome = Outcome("found", f"v{version}", 1.0, finding)
        files = ("overlay.png", RECORD)
        Record("a", "digest", "run", outcome, files).write(part)


def _read_row(path: Path) -> int:
    record = Record.read(path)
    assert record is not None
    version = int(record.outcome.message.removeprefix("v"))
    assert _read_picture(path / "overlay.png") == version
    return version
