"""``clem-retrace convert``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clem_retrace import cli
from clem_retrace.geometry import decompose
from clem_retrace.io.exports import write_json
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform


def test_a_run_becomes_whatever_is_needed(
    tmp_path: Path, registration, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_json(tmp_path / "registration.json", registration)
    does = decompose(registration.em_to_lm)
    for name in ("a.tfm", "a.landmarks.csv", "a.xml", "a.ngff.json", "a.matrix.csv", "a.json"):
        assert cli.main(["convert", str(source), str(tmp_path / name)]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[-1] == f"written       {tmp_path / name}"
        assert f"x {does.magnification:.6g}, turned by {does.angle:.2f} degrees" in printed[1]
        read = read_transform(tmp_path / name, lm=registration.lm, em=registration.em)
        np.testing.assert_allclose(read.em_to_lm, registration.em_to_lm, atol=1e-6)


def test_what_a_file_does_not_say_is_said_by_flags(
    tmp_path: Path, transform: PairTransform, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_transform(tmp_path / "in.landmarks.csv", transform, unit="nm", moving="lm")
    target = tmp_path / "out"
    arguments = ["--unit-in", "nm", "--moving-in", "lm", "--moving-out", "lm", "--unit-out", "um",
                 "--lm-pixel-size", "110", "--em-pixel-size", "11.3", "--model", "spline",
                 "--lm-shape", "300", "420", "--to", "bigwarp"]  # fmt: skip
    assert cli.main(["convert", str(source), str(target), *arguments]) == 0
    assert capsys.readouterr().out.startswith("model         thin-plate spline, 5 pairs\n")
    read = read_transform(target, lm=transform.lm, em=transform.em, moving="lm")
    np.testing.assert_allclose(read.em_to_lm, transform.em_to_lm, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.tfm", "a.json"], "missing.tfm does not exist"),
        (["in.tfm", "a.json"], "pixel size of the LM image is not known"),
        (["in.csv", "a.csv"], "the name of a.csv does not tell the kind of file"),
        (["in.csv", "a.json", "--to", "word"], "not written as 'word'"),
        (["in.csv", "a.json", "--lm-pixel-size", "-1"], "--lm-pixel-size is -1"),
        (["in.csv", "a.json", "--em-pixel-size", "nan"], "--em-pixel-size is nan"),
        (["in.csv", "a.json", "--em-shape", "0", "7"], "--em-shape is 0 7"),
        (["in.csv", "missing/a.json"], "cannot be written: No such file"),
    ],
)
def test_mistakes_take_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    facts = ImageFacts("", (9, 9), 5.0)
    transform = PairTransform(np.eye(3), facts, facts)
    write_transform("in.tfm", transform)
    write_transform("in.csv", transform, "matrix")
    assert cli.main(["convert", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "in.tfm"]


def test_pairs_that_tell_nothing(
    tmp_path: Path, transform: PairTransform, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Landmarks.of([(0, 0), (1, 1), (2, 2)], [(0, 0), (9, 9), (18, 18)])
    table = PairTransform(transform.em_to_lm, transform.lm, transform.em, landmarks=line)
    source = write_transform(tmp_path / "a.landmarks.csv", table)
    sizes = ["--lm-pixel-size", "110", "--em-pixel-size", "11.3"]
    assert cli.main(["convert", str(source), str(tmp_path / "a.json"), *sizes]) == 2
    assert "lie on one line" in capsys.readouterr().err
