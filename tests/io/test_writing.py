"""Files and folders take the place of old ones when they are whole, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io import writing
from clem_retrace.io.writing import replacing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_folder(part: Path, text: str = "new") -> None:
    """Write a folder such as an OME-Zarr is."""
    (part / "0").mkdir(parents=True)
    (part / "zarr.json").write_text(text)
    (part / "0" / "c").write_text(text)


@pytest.mark.parametrize("name", ["a.txt", "no suffix", ".hidden", "x" * 255, "\u00b5m.tfm"])
def test_what_was_written_takes_the_place(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for text in ("first", "second"):
        with replacing(path) as part:
            assert part.parent == tmp_path
            part.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_half_way_leaves_the_old_one(tmp_path: Path, kind: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stopped() -> None:
        with replacing(path) as part:
            part.write_text("half of the")
            raise kind("stopped")

    with pytest.raises(BadFile if kind is OSError else kind):
        stopped()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = r"a\.txt cannot be written: No space left on device"
    with pytest.raises(BadFile, match=message), replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.txt"
    message = r"a\.txt cannot be written: No such file"
    with pytest.raises(BadFile, match=message), replacing(path) as part:
        part.write_text("new")
    with pytest.raises(BadFile, match="cannot be written: No such file"), replacing(tmp_path / "b"):
        pass  # nothing is written
    (tmp_path / "folder").mkdir()
    message = "folder cannot be written"
    with pytest.raises(BadFile, match=message), replacing(tmp_path / "folder") as part:
        part.write_text("new")
    assert names(tmp_path) == ["folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path, link = tmp_path / "deep" / "a.txt", tmp_path / "link.txt"
    link.symlink_to(path)
    for text in ("first", "second"):
        with replacing(link) as part:
            part.write_text(text)
        assert link.is_symlink()
        assert path.read_text() == text
    assert (names(tmp_path), names(path.parent)) == (["deep", "link.txt"], ["a.txt"])


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_takes_the_place_of_one_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: bool
) -> None:
    if not swaps:
        monkeypatch.setattr(writing, "swap", lambda *_: False)
    path = tmp_path / "a.zarr"
    for text in ("first", "second"):
        with replacing(path) as part:
            write_folder(part, text)
            (part / text).mkdir()
        assert (path / "0" / "c").read_text() == text
        assert names(path) == sorted(["0", text, "zarr.json"])
    (tmp_path / "empty").mkdir()
    with replacing(tmp_path / "empty") as part:
        write_folder(part)
    assert names(tmp_path) == ["a.zarr", "empty"]
    assert names(tmp_path / "empty") == ["0", "zarr.json"]


def test_a_folder_with_other_things_in_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "documents"
    path.mkdir()
    (path / "thesis.txt").write_text("old")
    message = "documents is a folder with other things in it"
    with pytest.raises(BadFile, match=message), replacing(path) as part:
        write_folder(part)
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(BadFile, match="file cannot be written"), replacing(file) as part:
        write_folder(part)
    assert (path / "thesis.txt").read_text() == file.read_text() == "old"
    assert names(tmp_path) == ["documents", "file"]


def test_a_folder_that_cannot_be_replaced_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zarr"
    write_folder(path, "old")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(writing, "swap", lambda *_: False)
    with pytest.raises(BadFile, match="Permission denied"), replacing(path) as part:
        write_folder(part)
    assert (path / "zarr.json").read_text() == "old"
    assert names(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_program_that_is_killed_half_way_leaves_the_old_one(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.zarr"
    code = """
        import os, sys
        from clem_retrace.io.writing import replacing

        with replacing(sys.argv[1]) as part:
            if sys.argv[2] == "folder":
                part.mkdir()
                part = part / "zarr.json"
            part.write_text("half of the")
            os._exit(7)
    """
    if what == "folder":
        write_folder(path, "old")
    else:
        path.write_text("old")
    command = [sys.executable, "-c", textwrap.dedent(code), str(path), what]
    assert subprocess.run(command, check=False).returncode == 7
    kept = path / "zarr.json" if what == "folder" else path
    assert kept.read_text() == "old"
    # What is left of the new one is hidden, and does not stand in the way.
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["a.zarr"]
    with replacing(path) as part:
        if what == "folder":
            write_folder(part)
        else:
            part.write_text("new")
    assert kept.read_text() == "new"


def test_what_killed_programs_have_left_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    write_folder(tmp_path / ".a.zarr.0123abcd.old", "old")
    with pytest.raises(BadFile), replacing(path):
        raise OSError("stopped")
    # The program was killed between two renamings, and the old folder is back.
    assert (path / "zarr.json").read_text() == "old"
    yesterday = time.time() - writing.ABANDONED - 60
    for name in (".a.zarr.0123abcd.part", ".a.zarr.4567abcd.part", ".b.zarr.0123abcd.part"):
        (tmp_path / name).write_text("half")
    write_folder(tmp_path / ".a.zarr.89ababcd.part", "half")
    for name in (".a.zarr.0123abcd.part", ".b.zarr.0123abcd.part", ".a.zarr.89ababcd.part"):
        os.utime(tmp_path / name, (yesterday, yesterday))
    with replacing(path) as part:
        write_folder(part)
    # Another program may still write the younger ones.
    younger = [".a.zarr.4567abcd.part", ".a.zarr.89ababcd.part"]
    assert names(tmp_path) == [*younger, ".b.zarr.0123abcd.part", "a.zarr"]
    os.utime(tmp_path / younger[0], (yesterday, yesterday))
    with replacing(path) as part:
        write_folder(part)
    assert names(tmp_path) == [younger[1], ".b.zarr.0123abcd.part", "a.zarr"]


def test_the_old_folder_of_another_long_name_stays_its_own(tmp_path: Path) -> None:
    mine, others = "x" * 120 + "1", "x" * 120 + "2"
    (tmp_path / f".{others[: writing.KEPT]}.0123abcd.old").mkdir()
    with replacing(tmp_path / mine) as part:
        part.write_text("new")
    assert (tmp_path / mine).read_text() == "new"
    assert len(names(tmp_path)) == 2
