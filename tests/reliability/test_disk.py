"""Disks that are full, read-only or failing: the old file stays, and it is said why."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io import writing

from .conftest import EFFORT
from .faults import at_call, file_size_limit, posix, state
from .outputs import Output, outputs

#: What the system may say.
FAULTS = (
    errno.ENOSPC,
    errno.EACCES,
    errno.EROFS,
    errno.EIO,
    errno.ENOENT,
    errno.EMFILE,
    errno.EBUSY,
    getattr(errno, "EDQUOT", errno.ENOSPC),
    getattr(errno, "ESTALE", errno.EIO),
)


@pytest.fixture(scope="module")
def all_outputs(registration, tmp_path_factory) -> list[Output]:
    return outputs(registration, tmp_path_factory.mktemp("scratch"))


def check_message(error: BadFile, path: Path) -> None:
    """Fail unless people can make something of a message."""
    text = str(error)
    assert text.startswith(str(path)), text
    assert " cannot be written: " in text, text
    for noise in ("\n", "Errno", "Traceback", ".part", ".old"):
        assert noise not in text, text
    assert text.endswith(")"), "nothing is said of what helps"


def refused(
    output: Output,
    path: Path,
    version: int,
    fault: contextlib.AbstractContextManager[object] | None = None,
) -> bool:
    """Save; return whether it was refused, after checking what was said and what is there."""
    before = state(path.parent)
    try:
        with fault or contextlib.nullcontext():
            output.save(path, version)
    except BadFile as error:
        check_message(error, path)
        assert state(path.parent) == before, "the old one is not as it was"
        return True
    assert output.read(path) == version
    if hidden(path.parent):
        # What could not be deleted goes a day later.
        for name in hidden(path.parent):
            os.utime(path.parent / name, (0, 0), follow_symlinks=False)
        output.save(path, version)
        assert not hidden(path.parent)
    return False


def hidden(folder: Path) -> list[str]:
    return [name for name in state(folder) if name.startswith(".")]


@pytest.mark.parametrize("swaps", [True, False])
def test_every_call_of_the_file_system_may_fail(
    all_outputs, tmp_path, monkeypatch, tally, swaps
) -> None:
    if not swaps:
        monkeypatch.setattr(writing, "swap", lambda *_: False)
    tried = told = 0
    for output in all_outputs:
        folder = tmp_path / output.name.replace(".", "-")
        folder.mkdir()
        path = folder / output.name
        output.save(path, 1)
        if not swaps and path.is_file():
            continue  # files are never swapped
        with at_call(folder) as calls:
            output.save(path, 1)
        count = len(calls.seen)
        assert count >= 4, calls.seen
        # In a long run each error at each call; of many calls, most are alike.
        step = 1 if EFFORT > 1 or count < 20 else 3
        for number in range(1, count + 1, step):
            wanted = FAULTS if EFFORT > 1 else [FAULTS[number % len(FAULTS)]]
            for fault in wanted:

                def fail(_: str, fault: int = fault) -> None:
                    raise OSError(fault, os.strerror(fault), _)

                failed = refused(output, path, 2, at_call(folder, number, fail))
                tried, told = tried + 1, told + failed
                # And the next time it works.
                output.save(path, 1)
                assert output.read(path) == 1
    tally(faults=tried, told=told, harmless=tried - told, lost=0)


def largest(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return max(each.stat().st_size for each in files)


@posix
def test_files_may_stop_to_grow_at_any_byte(all_outputs, tmp_path, tally) -> None:
    rng = np.random.default_rng(7)
    tried = 0
    for output in all_outputs:
        folder = tmp_path / output.name.replace(".", "-")
        folder.mkdir()
        path = folder / output.name
        output.save(path, 1)
        output.save(path, 2)
        end = largest(path)
        sizes = {0, 1, end - 1, *rng.integers(0, end, round(3 * EFFORT)).tolist()}
        for size in sizes:
            assert refused(output, path, 2, file_size_limit(size)), size
            tried += 1
            output.save(path, 2)
            assert output.read(path) == 2
    tally(outputs=len(all_outputs), faults=tried, lost=0)


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory) -> Iterator[Path]:
    """A disk of 4 MB of its own."""
    place = tmp_path_factory.mktemp("disk")
    if not sys.platform.startswith("linux"):
        pytest.skip("a small disk is made as Linux makes one")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            yield place
            subprocess.run(["umount", str(place)], check=True)
            return
    pytest.skip("mounting a small disk needs the rights of root")


def fill(disk: Path, spare: int) -> Path:
    """Fill a disk but for some bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - spare))
    return filler


def test_a_disk_is_really_full(all_outputs, small_disk, tally) -> None:
    tried = told = 0
    for output in all_outputs:
        path = small_disk / output.name
        output.save(path, 1)
        for spare in (0, 4096, 16384, 65536):
            filler = fill(small_disk, spare)
            failed = refused(output, path, 2)
            assert failed or spare
            tried, told = tried + 1, told + failed
            filler.unlink()
            output.save(path, 1)
            assert output.read(path) == 1
        remove(path)
    tally(outputs=len(all_outputs), tried=tried, told=told, lost=0)


def remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_disk_that_is_read_only(all_outputs, small_disk, tally) -> None:
    for output in all_outputs:
        output.save(small_disk / output.name, 1)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    try:
        for output in all_outputs:
            with pytest.raises(BadFile, match="protected against writing"):
                output.save(small_disk / output.name, 2)
    finally:
        subprocess.run([*remount[:2], "remount,rw", str(small_disk)], check=True)
    for output in all_outputs:
        assert output.read(small_disk / output.name) == 1
        remove(small_disk / output.name)
    tally(outputs=len(all_outputs), lost=0)


def missing_folder(folder: Path, name: str) -> Path:
    return folder / "missing" / name


def folder_is_a_file(folder: Path, name: str) -> Path:
    (folder / "file").write_text("old")
    return folder / "file" / name


def name_too_long(folder: Path, name: str) -> Path:
    return folder / ("x" * 260 + name)


def others_folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "thesis.txt").write_text("old")
    return folder / name


PLACES = (missing_folder, folder_is_a_file, name_too_long, others_folder)


@posix
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_place_that_cannot_be_written_to(
    all_outputs, tmp_path, tally, place: Callable[[Path, str], Path]
) -> None:
    for number, output in enumerate(all_outputs):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = place(folder, output.name)
        before = sorted(folder.rglob("*"))
        with pytest.raises(BadFile) as caught:
            output.save(path, 2)
        assert "\n" not in str(caught.value)
        assert sorted(folder.rglob("*")) == before
        output.save(folder / f"good {output.name}", 3)
        assert output.read(folder / f"good {output.name}") == 3
    tally(outputs=len(all_outputs), lost=0)
