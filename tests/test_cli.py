"""The command line: what it writes, prints and returns, and each way to use it wrongly."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio.v3
import numpy as np
import pytest
import tifffile

from clem_retrace import synthetic
from clem_retrace.cli import main
from clem_retrace.evaluation import target_registration_error
from clem_retrace.geometry import compose, invert, translation
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import Session, SessionRun, save_session
from clem_retrace.io.transforms import write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.options import PRESETS, declarations
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.result import Registration
from clem_retrace.synthetic import Pair

Files = tuple[str, str]

OUTPUTS = {"registration.json", "overlay.png", "em-on-lm.ome.tif", "candidates.csv"}

#: Fewer than the default, to be quick; oriented search alone finds the pair.
QUICK = ["--search", "oriented", "--ratio-uncertainty", "0.03"]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return synthetic.simulate_pair(
        3, lm_shape=(120, 150), em_shape=(600, 640), roi_size=(50, 60), ratio=5.0,
        angle=20.0, shared=0.8,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The pair as files that tell their pixel sizes."""
    folder = tmp_path_factory.mktemp("pair")
    for name, micrograph in (("lm", pair.lm), ("em", pair.em)):
        metadata: dict[str, Any] = {"axes": "YX"}
        for axis in "XY":
            metadata |= {
                f"PhysicalSize{axis}": micrograph.pixel_size,
                f"PhysicalSize{axis}Unit": "nm",
            }
        tifffile.imwrite(
            folder / f"{name}.ome.tif", np.asarray(micrograph.data), ome=True, metadata=metadata
        )
    return str(folder / "lm.ome.tif"), str(folder / "em.ome.tif")


def roi_of(pair: Pair) -> list[str]:
    roi = pair.roi
    return ["--roi", *(str(number) for number in (roi.row, roi.col, roi.height, roi.width))]


@pytest.fixture(scope="module")
def finished(pair: Pair, files: Files, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One run through the command line: its folder, exit code, output."""
    assert pair.ground_truth is not None
    truth = pair.ground_truth
    out = tmp_path_factory.mktemp("run") / "result"
    numbers = [str(number) for number in (truth.row, truth.col, truth.height, truth.width)]
    command = ["run", *files, *roi_of(pair), "--ground-truth", *numbers, "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "clem_retrace.cli", *command, *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    return SimpleNamespace(out=out, code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def test_a_run_writes_its_files_and_reads_them_out(finished: SimpleNamespace) -> None:
    assert finished.code == 0, finished.stderr
    assert {path.name for path in finished.out.iterdir()} == OUTPUTS
    for name in OUTPUTS:
        assert f"written       {finished.out / name}" in finished.stdout
    for fact in (
        "LM pixel size 110 nm (OME-XML of the file)",
        "EM pixel size 22 nm (OME-XML of the file)",
        "confidence",
        "centre        row",
        "degrees, counter-clockwise",
        "mirrored      no",
        "EM px per LM px (started from 5.000)",
        "registration  ",
    ):
        assert fact in finished.stdout


@pytest.mark.parametrize("kind", ["numbers", "file"])
def test_a_run_starts_from_a_place_given_by_hand(
    kind: str, pair: Pair, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pair.lm_to_em is not None
    start = compose(translation((3.0, -2.0)), invert(pair.lm_to_em))
    words = [str(number) for number in start[:2].flat]
    if kind == "file":
        facts = ImageFacts.of(pair.lm), ImageFacts.of(pair.em)
        transform = PairTransform(start, *facts, origin="hand")
        words = [str(write_transform(tmp_path / "start.tfm", transform))]
    arguments = ["run", *files, *roi_of(pair), "--out", str(tmp_path / "out"), "--start", *words]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "BY HAND       Placed by hand, and registered from there, 3.6 LM px away" in told
    assert "confidence    none is known: placed by hand" in told
    text = (tmp_path / "out" / "registration.json").read_text(encoding="utf-8")
    registration = Registration.from_dict(json.loads(text))
    np.testing.assert_allclose(registration.match.em_to_lm, start, rtol=1e-9, atol=1e-9)
    found = target_registration_error(registration.em_to_lm, invert(pair.lm_to_em), pair.roi)
    assert np.median(found) < 0.3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["1", "2", "3"], "--start has 3 words: give six numbers"),
        (["1", "0", "0", "0", "1", "north"], "--start has 6 words: give six numbers"),
        (["1", "0", "0", "2", "0", "0"], "flattens the plane"),
        (["nowhere.tfm"], "nowhere.tfm"),
        (["1", "0", "9999", "0", "1", "0"], "outside the EM image"),
    ],
)
def test_a_start_that_is_none_is_told(
    words: list[str],
    told: str,
    pair: Pair,
    files: Files,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = str(tmp_path / "out")
    assert main(["run", *files, *roi_of(pair), "--out", out, "--start", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_start_needs_no_candidate(files: Files, pair: Pair) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", *files, *roi_of(pair), "--take", "2", "--start", *"100010"])
    assert stop.value.code == 2


def test_a_run_finds_the_pair(finished: SimpleNamespace, pair: Pair) -> None:
    assert pair.ground_truth is not None
    text = (finished.out / "registration.json").read_text(encoding="utf-8")
    registration = Registration.from_dict(json.loads(text))
    distance = registration.distance_to(pair.ground_truth)
    # Half an LM pixel.
    assert distance.pixels < 2.5
    assert f"to the truth  {distance}" in finished.stdout
    assert f"{distance.pixels:.1f} EM px" in finished.stdout
    assert registration.options.search == "oriented"
    assert registration.options.ratio_uncertainty == 0.03
    with (finished.out / "candidates.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(registration.candidates.matches)
    warped = tifffile.imread(finished.out / "em-on-lm.ome.tif")
    assert warped.shape == pair.lm.shape
    assert warped.dtype == pair.em.data.dtype


def test_progress_goes_to_stderr_one_line_a_stage_where_there_is_no_terminal(
    finished: SimpleNamespace,
) -> None:
    lines = finished.stderr.splitlines()
    assert "oriented search ..." in lines
    assert len(lines) == len(set(lines))
    assert "..." not in finished.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_control_c_stops_with_one_line_and_no_files(
    pair: Pair, files: Files, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "clem_retrace.cli", "run", *files, *roi_of(pair)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs, and so their children, deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert first.endswith(" ...\n")
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "clem-retrace: stopped"
    assert "Traceback" not in stderr
    assert stdout == ""
    assert list((tmp_path / "clem-retrace-out").iterdir()) == []


def test_not_found_is_an_answer(
    pair: Pair, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (600, 640), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "noise.tif", noise)
    # By the ratio alone: the EM has no pixel size.
    command = ["run", files[0], str(tmp_path / "noise.tif"), *roi_of(pair), *QUICK]
    assert main([*command, "--ratio", "5", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "NOT FOUND" in printed
    assert "EM pixel size unknown" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS


#: Arguments after ``run``, and a part of what is said about them.
BAD = {
    "no such file": ("{missing} {em} --roi 0 0 50 50", "does not exist"),
    "a folder": ("{folder} {em} --roi 0 0 50 50", "is a folder"),
    "damaged": ("{text} {em} --roi 0 0 50 50", "cannot be read as TIFF"),
    "unknown kind": ("{czi} {em} --roi 0 0 50 50", "export it as OME-TIFF"),
    "colour": ("{colour} {em} --roi 0 0 50 50", "--channel"),
    "no such channel": ("{lm} {em} --roi 0 0 50 50 --channel 2", "no channel 2"),
    "no such plane": (
        "{lm} {em} --roi 0 0 50 50 --em-projection plane --em-plane 4",
        "no plane 4",
    ),
    "region outside": ("{lm} {em} --roi 500 0 50 50", "outside the LM image"),
    "region without area": ("{lm} {em} --roi 5 5 0 50", "draw one with an area"),
    "region not finite": ("{lm} {em} --roi nan 5 50 50", "no number"),
    "region too large": ("{lm} {em} --roi 0 0 110 140 --ratio 40", "EM"),
    "truth without area": (
        "{lm} {em} --roi 5 5 50 50 --ground-truth 0 0 -1 5",
        "draw one with an area",
    ),
    "no pixel size": ("{bare} {em} --roi 5 5 50 50", "pixel size"),
    "impossible pixel size": (
        "{lm} {em} --roi 5 5 50 50 --em-pixel-size -2",
        "pixel size of -2",
    ),
    "option out of bounds": ("{lm} {em} --roi 5 5 50 50 --histogram-overlap 1.5", "overlap is 1.5"),
    "no such candidate": ("{lm} {em} --roi 5 5 50 50 --take 11", "candidate 11 is to be taken"),
    "options that contradict": (
        "{lm} {em} --roi 5 5 50 50 --histogram-patch-height 50",
        "needs both patch_height and patch_width",
    ),
    "results where a file is": (
        "{lm} {em} --roi 5 5 50 50 --out {text}",
        "cannot be made a folder",
    ),
}


@pytest.fixture(scope="module")
def places(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("bad")
    rng = np.random.default_rng(2)
    imageio.v3.imwrite(folder / "colour.png", rng.integers(0, 255, (60, 60, 3), dtype=np.uint8))
    imageio.v3.imwrite(folder / "bare.png", rng.integers(0, 255, (60, 60), dtype=np.uint8))
    (folder / "text.tif").write_text("no image")
    (folder / "a.czi").write_bytes(b"ZISRAWFILE")
    names = {"colour": "colour.png", "bare": "bare.png", "text": "text.tif", "czi": "a.czi"}
    return {
        "lm": files[0],
        "em": files[1],
        "folder": str(folder),
        "missing": str(folder / "missing.tif"),
        **{name: str(folder / file) for name, file in names.items()},
    }


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_line(
    case: str, places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line, message = BAD[case]
    arguments = [text.format(**places) for text in line.split()]
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]
    code = main(["run", *arguments, *out])
    printed = capsys.readouterr()
    errors = [line for line in printed.err.splitlines() if not line.endswith(" ...")]
    assert code == 2
    assert len(errors) == 1
    assert errors[0].startswith("clem-retrace: error: ")
    assert message in errors[0]
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["run"], "LM, EM"),
        (["run", "a", "b"], "--roi"),
        (["run", "a", "b", "--roi", "1", "2", "3"], "--roi: expected 4 arguments"),
        (["run", "a", "b", "--roi", "1", "2", "3", "x"], "invalid float value: 'x'"),
        (["run", "a", "b", "--roi", "1", "2", "3", "4", "--search", "best"], "--search"),
        (["run", "a", "b", "--roi", "1", "2", "3", "4", "--preset", "mine"], "--preset"),
        # No guessing at what --rat could be short for.
        (["run", "a", "b", "--roi", "1", "2", "3", "4", "--rat", "5"], "--rat"),
        (["demo", "--sample", "cells"], "--sample"),
    ],
)
def test_arguments_that_cannot_be_parsed_are_told_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    printed = capsys.readouterr().err
    assert left.value.code == 2
    assert printed.count("\n") == 1
    assert message in printed
    assert "--help" in printed


def test_help_names_every_option_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert "clem-retrace run lm.tif em.tif --roi" in printed
    for declared in declarations():
        assert declared.flag in printed
    for name in PRESETS:
        assert name.replace(" ", "-") in printed
    # A percent sign in a unit must survive argparse.
    assert "[% of its height]" in " ".join(printed.split())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"clem-retrace {version('clem-retrace')}\n"


def test_another_candidate_can_be_taken(
    pair: Pair, files: Files, finished: SimpleNamespace, tmp_path: Path
) -> None:
    command = ["run", *files, *roi_of(pair), *QUICK, "--take", "2", "--out", str(tmp_path)]
    assert main(command) == 0
    one, two = (
        json.loads((folder / "registration.json").read_text(encoding="utf-8"))
        for folder in (finished.out, tmp_path)
    )
    assert two["candidates"] == one["candidates"]
    assert two["match"] == one["candidates"][1]
    assert two["reason"].startswith("Candidate 2 of ")


# Sessions -----------------------------------------------------------------------------------


@pytest.fixture
def session(finished: SimpleNamespace, files: Files, tmp_path: Path) -> Path:
    """A session of one run of the files, and of one that cannot be done again."""
    text = (finished.out / "registration.json").read_text(encoding="utf-8")
    result = Registration.from_dict(json.loads(text))
    lm, em = (
        SessionImage(facts.name, facts.shape, facts.pixel_size, path=Path(path))
        for facts, path in zip((result.lm, result.em), files, strict=True)
    )
    time = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    runs = (
        SessionRun(lm, em, (result,), name="first try", time=time),
        SessionRun(SessionImage("Layer", (9, 9)), em.at(tmp_path / "gone.tif"), (result,)),
    )
    return save_session(tmp_path / "s.json", Session(runs=runs, name="Grid 7"))


def test_a_session_is_told(
    session: Path, pair: Pair, files: Files, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["show", str(session)]) == 0
    told = capsys.readouterr().out
    first, second = told.split("\n\n")[1:]
    assert told.startswith("session       Grid 7, ")
    assert "run 1         first try, 2024-05-06 07:08 UTC" in first
    assert f"LM image      {files[0]}\n" in first
    assert "confidence" in first
    assert "LM image      not on disk\n" in second
    assert f"EM image      {tmp_path / 'gone.tif'} (missing)\n" in second
    assert "command       none: the LM image 'Layer' is not on disk" in second


def test_the_command_that_a_session_tells_does_the_run_again(
    session: Path, finished: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["show", str(session)]) == 0
    command = capsys.readouterr().out.split("command       ")[1].splitlines()[0]
    assert main([*shlex.split(command)[1:], "--out", str(tmp_path / "again")]) == 0
    one, two = (
        json.loads((folder / "registration.json").read_text(encoding="utf-8"))
        for folder in (finished.out, tmp_path / "again")
    )
    assert one.pop("timings").keys() == two.pop("timings").keys()
    assert one == two


def test_a_session_that_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.json").write_text("{")
    for name, words in (("s.json", "no session, or is damaged"), ("t.json", "does not exist")):
        assert main(["show", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("clem-retrace: error: ")
        assert words in error
        assert error.count("\n") == 1


Demo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def demo(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pair: Pair,
) -> Demo:
    """Run the demo on the small pair, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic, "endosomes", lambda: pair)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["demo", *arguments])
        return code, *capsys.readouterr()

    return run


def test_demo_writes_files_and_the_distance_to_the_truth(demo: Demo, tmp_path: Path) -> None:
    code, out, err = demo("--no-gui")
    assert code == 0
    assert "to the truth" in out
    assert "no display" not in err
    assert {path.name for path in (tmp_path / "clem-retrace-demo").iterdir()} == OUTPUTS


def test_demo_takes_a_region_options_and_a_candidate(demo: Demo, pair: Pair) -> None:
    sizes = ["--lm-pixel-size", "100", "--em-pixel-size", "20"]
    code, out, _ = demo("--no-gui", *roi_of(pair), *QUICK, *sizes, "--take", "3", "--out", "here")
    assert code == 0
    assert "Candidate 3 of " in out
    values = json.loads(Path("here/registration.json").read_text(encoding="utf-8"))
    assert values["options"]["search"] == "oriented"
    assert (values["lm"]["pixel_size"], values["em"]["pixel_size"]) == (100.0, 20.0)
    assert values["match"] == values["candidates"][2]


def test_demo_without_a_display_says_so_and_writes_files(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = demo("--out", "here")
    assert code == 0
    assert "no display" in err
    assert {path.name for path in (tmp_path / "here").iterdir()} == OUTPUTS


def test_demo_with_a_display_shows_the_result_and_writes_nothing_unasked(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    pytest.importorskip("napari")
    shown: list[tuple[Any, Any]] = []
    window = SimpleNamespace(show=lambda *values: shown.append(values))
    # Only the window is replaced: it would wait for someone to close it.
    monkeypatch.setitem(sys.modules, "clem_retrace.plugin.demo", window)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(os.environ, "DISPLAY", ":1234")
    code, _, _ = demo()
    assert code == 0
    ((shown_pair, registration),) = shown
    assert shown_pair is pair
    assert isinstance(registration, Registration)
    assert list(tmp_path.iterdir()) == []
