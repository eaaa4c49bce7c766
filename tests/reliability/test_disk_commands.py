"""The command line on disks that fail: it is said why in a line, and nothing is spoilt."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest
import tifffile

from clem_retrace import cli, pipeline
from clem_retrace.io.exports import write_json
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import Session, SessionRun, save_session

from .faults import at_call, file_size_limit, posix, state


@pytest.fixture(scope="module")
def given(registration, pair, tmp_path_factory) -> Path:
    """A folder with what the commands read."""
    folder = tmp_path_factory.mktemp("given")
    image = SessionImage("a", (40, 60), 100.0)
    runs = (SessionRun(image, image, (registration,)),)
    save_session(folder / "s.clem.json", Session(runs=runs))
    write_json(folder / "registration.json", registration)
    (folder / "points.csv").write_text("index,axis-0,axis-1\n0,1.0,2.0\n")
    tifffile.imwrite(folder / "lm.tif", pair.lm.data)
    tifffile.imwrite(folder / "em.tif", pair.em.data)
    (folder / "pairs.csv").write_text("name,lm,em\nbad,missing.tif,em.tif\n")
    return folder


#: {given} and {out} are folders.
COMMANDS = {
    "run": "run {given}/lm.tif {given}/em.tif --roi 10 10 70 90 --lm-pixel-size 110 "
    "--em-pixel-size 27.5 --out {out}",
    "convert": "convert {given}/registration.json {out}/a.tfm",
    "apply points": "apply {given}/registration.json {given}/points.csv --out {out}",
    "apply tiff": "apply {given}/registration.json {given}/em.tif --out {out}",
    "apply zarr": "apply {given}/registration.json {given}/em.tif --format ome-zarr --out {out}",
    "report": "report {given}/s.clem.json --no-pictures --out {out}/r.html",
    "template": "batch --template {out}/t.csv",
}


@pytest.fixture
def command(given, tmp_path, monkeypatch, registration, capsys):
    """Run a command, with faults; return its exit code and the lines of its errors."""
    monkeypatch.setattr(pipeline, "register", lambda *_, **__: registration)
    (tmp_path / "out").mkdir()

    def run(text: str, fault: contextlib.AbstractContextManager[object]) -> tuple[int, list[str]]:
        with fault:
            code = cli.main(text.format(given=given, out=tmp_path / "out").split())
        lines = capsys.readouterr().err.splitlines()
        # Where stderr is no terminal, each stage is a line.
        return code, [line for line in lines if not line.endswith(" ...")]

    return run


@posix
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_failing_disk(command, tmp_path, tally, name: str) -> None:
    text, out = COMMANDS[name], tmp_path / "out"
    with at_call(out) as calls:
        assert command(text, contextlib.nullcontext()) == (0, [])
    count = len(calls.seen)
    whole = state(out)
    tried = 0
    for number in (1, count // 2, count - 1):

        def fail(path: str) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

        for fault in (at_call(out, number, fail), file_size_limit(100)):
            if name == "template":
                (out / "t.csv").unlink(missing_ok=True)
            before = state(out)
            code, lines = command(text, fault)
            tried += 1
            if code == 0:
                continue  # what failed was to put a folder's names on the disk
            assert code == 2
            assert lines
            for line in lines:
                assert line.startswith("clem-retrace: error: "), line
                assert "Errno" not in line
            assert any("cannot be " in line and line.endswith(")") for line in lines), lines
            assert before.keys() <= state(out).keys()
            assert not [path for path in state(out) if path.startswith(".")]
    if name == "template":
        (out / "t.csv").unlink(missing_ok=True)
    assert command(text, contextlib.nullcontext()) == (0, [])
    assert state(out).keys() == whole.keys()
    tally(faults=tried, lost=0)


@posix
def test_numbers_are_told_where_no_file_can_be_written(command, capsys, given, tmp_path) -> None:
    text = COMMANDS["run"].format(given=given, out=tmp_path / "out").split()
    with file_size_limit(0):
        code = cli.main(text)
    told = capsys.readouterr()
    assert code == 2
    assert "confidence" in told.out
    assert "cannot be written: File too large" in told.err
    assert not list((tmp_path / "out").iterdir())
