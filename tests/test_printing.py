"""What is printed, where it goes to a disk that is full or to a reader that has gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clem_retrace.printing import say, tell

COMMAND = [sys.executable, "-m", "clem_retrace.cli", "batch", "--template"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_a_full_disk_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("clem-retrace: error: No space left on device (free some space")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_where_nothing_can_be_told_the_work_is_done(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, str(tmp_path / "gone" / "a.csv")], stderr=full, check=False
        )
        assert done.returncode == 2
        done = subprocess.run([*COMMAND, str(tmp_path / "a.csv")], stderr=full, check=False)
    assert done.returncode == 0
    assert (tmp_path / "a.csv").exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise there")
def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            COMMAND, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_closed_streams_are_no_error(tmp_path: Path) -> None:
    closed = " ".join([*COMMAND, str(tmp_path / "a.csv"), ">&-", "2>&-"])
    assert subprocess.run(["sh", "-c", closed], check=False).returncode == 0
    assert (tmp_path / "a.csv").exists()


def test_what_cannot_be_printed_is_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    say("lm \ud800.tif\tand \x1b[2J \x9b\nand more")
    tell("em \udcff.tif")
    printed = capsys.readouterr()
    assert printed.out == "lm \\ud800.tif\tand \\x1b[2J \\x9b\nand more\n"
    assert printed.err == "em \\udcff.tif\n"
