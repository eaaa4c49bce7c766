"""Reports of sessions, and the command that writes them."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex

import numpy as np
import pytest
import tifffile

from clem_retrace.cli import main
from clem_retrace.geometry import map_points
from clem_retrace.io.session_images import describe
from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.io.sessions import Session, SessionRun, read_session, save_session
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.report.writing import report_steps, write_report


@pytest.fixture
def saved(tmp_path, pair, registration, rescored):
    """A session of two runs whose images are files beside it."""
    images = []
    for name, micrograph in (("lm", pair.lm), ("em", pair.em)):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.asarray(micrograph.data))
        images.append(dataclasses.replace(describe(micrograph), path=path))
    runs = (
        SessionRun(*images, results=(registration,)),
        SessionRun(*images, results=(rescored(0.104),), name="again"),
    )
    return save_session(
        tmp_path / "grid <3>.clem.json", Session(*images, runs=runs, name="grid <3>")
    )


@pytest.fixture
def written(tmp_path):
    from html import unescape

    def read(name="grid <3>.html"):
        return unescape((tmp_path / name).read_text(encoding="utf-8"))

    return read


def test_a_session_is_reported_with_its_images(saved, tmp_path, written):
    path = write_report(tmp_path / "a.html", read_session(saved))
    text = written("a.html")
    assert path == tmp_path / "a.html"
    assert text.count("<img ") == 14
    assert 'class="missing"' not in text
    for name in ("lm.tif", "em.tif"):
        assert str(tmp_path / name) in text
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() in text
    session = read_session(saved)
    assert session.runs[0].lm.digest in text
    assert "<b><bdi>grid <3></bdi></b>" in text


def test_a_file_of_many_runs_is_hashed_once(saved, tmp_path):
    events = list(report_steps(tmp_path / "a.html", read_session(saved), pictures=False))
    hashing = [event for event in events if getattr(event, "stage", "") == "hashing"]
    # That it begins, and its one part, of each of the two files.
    assert len(hashing) == 4


def test_how_to_do_it_again_is_what_the_project_says_elsewhere(saved, tmp_path, written, pair):
    write_report(tmp_path / "a.html", read_session(saved), only=1, pictures=False)
    text = written("a.html")
    command = text.partition("<pre><code>")[2].partition("</code>")[0]
    words = shlex.split(command)
    assert words[:4] == ["clem-retrace", "run", str(tmp_path / "lm.tif"), str(tmp_path / "em.tif")]
    assert words[words.index("--roi") + 1 :][:4] == [
        str(float(side)) for side in (pair.roi.row, pair.roi.col, pair.roi.height, pair.roi.width)
    ]
    assert "registration = register(lm, em, roi, options)" in text


def test_a_session_whose_images_are_gone_or_changed(saved, tmp_path, written, capsys):
    (tmp_path / "lm.tif").unlink()
    image = tifffile.imread(tmp_path / "em.tif")
    image[0, 0] += 1
    tifffile.imwrite(tmp_path / "em.tif", image)
    assert main(["report", str(saved)]) == 0
    told = capsys.readouterr()
    assert f"written       {tmp_path / 'grid <3>.html'}" in told.out
    text = written()
    assert text.count('class="missing"') == 6
    for problem in (
        f"{tmp_path / 'lm.tif'} is missing: say where the image is now",
        f"{tmp_path / 'em.tif'} has changed: its pixels are not those that were used",
    ):
        assert problem in text
        # Two runs of one image have one problem.
        assert told.err.count(f"no pictures   {problem}") == 1
    # The numbers are there all the same.
    assert "Centre of the region in the EM" in text


def test_the_command_with_all_its_flags(saved, tmp_path, written, capsys):
    out = tmp_path / "two.html"
    assert main(["report", str(saved), "--run", "2", "--no-pictures", "--out", str(out)]) == 0
    text = written("two.html")
    assert "<img " not in text
    assert 'id="run-2"' in text
    assert 'id="run-1"' not in text
    assert "Not sure" in text
    assert "not looked at for this report" in text
    assert "no pictures" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--run", "3"], "run 3 was asked for: the session has 2, from 1 on"),
        (["--run", "0"], "run 0 was asked for"),
        (["--out", "no/such/folder/a.html"], "cannot be written"),
    ],
)
def test_mistakes_are_told_in_one_line(saved, words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["report", str(saved), "--no-pictures", *words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("clem-retrace: error: ")
    assert told in error
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_no_session(tmp_path, capsys):
    (tmp_path / "a.json").write_text("{}")
    assert main(["report", str(tmp_path / "a.json")]) == 2
    assert "is no session" in capsys.readouterr().err
    empty = save_session(tmp_path / "empty.clem.json", Session())
    assert main(["report", str(empty)]) == 2
    assert "the session holds no runs" in capsys.readouterr().err
    assert not (tmp_path / "empty.html").exists()


def test_of_a_sample_the_distance_to_the_truth_is_told(
    tmp_path, pair, registration, monkeypatch, written
):
    """The region may also be one that the EM does not reach."""
    made = []

    def sample(name):
        made.append(name)
        return pair

    monkeypatch.setattr("clem_retrace.report.reported.sample_pair", sample)
    monkeypatch.setattr("clem_retrace.io.session_images.sample_pair", sample)
    images = [dataclasses.replace(describe(one), sample="endosomes") for one in (pair.lm, pair.em)]
    beyond = dataclasses.replace(
        registration, roi=dataclasses.replace(pair.roi, row=-4000.0, outline=())
    )
    runs = tuple(SessionRun(*images, results=(one,)) for one in (registration, beyond))
    write_report(tmp_path / "a.html", Session(*images, runs=runs))
    first, second = written("a.html").split('id="run-2"')
    distance = registration.distance_to(pair.ground_truth)
    assert f"{distance.percent:.3f}" in first
    assert "How far it is from the ground truth" in first
    assert "How far it is from the ground truth" not in second
    # Each image is looked for once, and so is the truth.
    assert len(made) == 3


def test_landmarks_of_the_session_are_told_of_its_last_run(saved, tmp_path, written, registration):
    lm_points = np.array([[20.0, 20], [20, 120], [110, 30], [100, 110], [60, 70]])
    em_points = map_points(
        registration.lm_to_em, lm_points + np.array([[0, 1], [1, 0], [0, 0], [1, 1], [0, 2]])
    )
    pairs = SessionLandmarks(Landmarks.of(lm_points, em_points), "affine", registration.em_to_lm)
    session = dataclasses.replace(read_session(saved), landmarks=pairs)
    write_report(tmp_path / "a.html", session, pictures=False)
    first, second = written("a.html").split('id="run-2"')
    assert "Left out" not in first
    assert "Left out" in second
