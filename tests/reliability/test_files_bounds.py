"""A small file that asks for much is refused before memory or time is spent on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clem_retrace.batch.tables import read_table
from clem_retrace.errors import BadFile
from clem_retrace.io.images import read_stack
from clem_retrace.io.napari_tables import move_table
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.sessions import read_session
from clem_retrace.io.transforms import read_transform

from .conftest import EFFORT

HERE = Path(__file__).parent

#: Of the description, not of an image: those of them that are right as they are.
HARMLESS = {"flat.tif", "below.tif"}

#: MB of memory beyond what was there before, and seconds of the processor: for images, whose
#: files are small, and for texts, of some megabytes.
MOST = {"images": (20, 1.0), "texts": (900, 20.0)}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells the peak of memory")
@pytest.mark.parametrize("which", MOST)
def test_what_asks_for_much_is_refused_at_once(which: str, tally: Callable) -> None:
    largest = 2_000_000 if EFFORT == 1 else 100_000_000
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "reading_nasty.py"), which, str(largest)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    # No crash, no traceback, and nothing from the libraries.
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    memory, seconds = MOST[which]
    for name, said, took, more in answers:
        assert said != "MemoryError", name
        assert said is None or 0 < len(said) < 1000, name
        assert took < seconds, f"{name} took {took} s"
        assert more < memory, f"{name} took {more} MB"
    refused = {name for name, said, *_ in answers if said is not None}
    assert {name for name, *_ in answers} - refused <= HARMLESS
    tally(
        files=len({name for name, *_ in answers}),
        most_MB=max(more for *_, more in answers),
        most_seconds=round(max(took for *_, took, _ in answers), 2),
    )


READERS = {
    "read_stack": ("a.tif", read_stack),
    "pixel_size_of": ("a.mrc", pixel_size_of),
    "read_transform": ("a.tfm", read_transform),
    "read_session": ("a.clem.json", read_session),
    "read_table": ("a.csv", read_table),
    "move_table": ("a.csv", lambda path: move_table(path, path.with_name("b"), lambda xy: xy)),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "long name", "no name"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, reader: str, kind: str) -> None:
    name, read = READERS[reader]
    path = tmp_path / name
    match kind:
        case "pipe" if hasattr(os, "mkfifo"):
            os.mkfifo(path)
        case "device" if os.path.exists("/dev/zero"):
            path.symlink_to("/dev/zero")
        case "loop" if os.name == "posix":
            path.symlink_to(path)
        case "folder":
            path.mkdir()
        case "long name":
            path = tmp_path / f"{'x' * 300}{name}"
        case "no name":
            path = tmp_path / f"\0\ud800{name}"
        case _:
            pytest.skip("this system has none")
    with pytest.raises(BadFile, match=r"is not a file|does not exist|is a folder"):
        read(path)
