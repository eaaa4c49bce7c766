"""Folders of rows: all of the results or none, and nothing of others is lost."""

from __future__ import annotations

import pytest

from clem_retrace.batch.outcomes import RECORD, Finding, Outcome, Record
from clem_retrace.batch.row_folders import check_free, remove_parts, row_folder
from clem_retrace.errors import BadFile

FINDING = Finding(0.9, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0), 0.0, False, 1.0)


def write(folder, *files, text="new"):
    with row_folder(folder) as part:
        for name in files:
            (part / name).write_text(text)
        Record("a", "d", "c", Outcome("found", "", 1.0, FINDING), (*files, RECORD)).write(part)


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_there_when_it_is_complete(tmp_path):
    with row_folder(tmp_path / "a") as part:
        (part / "one").write_text("1")
        assert not (tmp_path / "a").exists()
    assert listed(tmp_path) == ["a"]
    assert listed(tmp_path / "a") == ["one"]


def test_an_error_leaves_nothing_and_the_old(tmp_path):
    with pytest.raises(BadFile, match="cannot be written"):
        write(tmp_path / "a", "one", ".")
    assert listed(tmp_path) == []
    write(tmp_path / "a", "one", text="old")
    with pytest.raises(BadFile, match="cannot be written"):
        write(tmp_path / "a", "one", ".")
    assert listed(tmp_path) == ["a"]
    assert (tmp_path / "a" / "one").read_text() == "old"


def test_old_results_go_and_what_others_put_there_stays(tmp_path):
    folder = tmp_path / "a"
    write(folder, "one", "two", text="old")
    (folder / "notes.txt").write_text("mine")
    (folder / "more").mkdir()
    (folder / "more" / "deep").write_text("mine")
    # Another version may write other files.
    write(folder, "two", "three")
    assert listed(tmp_path) == ["a"]
    assert listed(folder) == ["more", "notes.txt", RECORD, "three", "two"]
    assert (folder / "two").read_text() == "new"
    assert (folder / "more" / "deep").read_text() == "mine"


def test_another_folder_is_left_alone(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    check_free(folder)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(BadFile, match="not of a batch"):
        check_free(folder)
    with pytest.raises(BadFile, match="stays as it is"):
        write(folder, "one")
    assert listed(tmp_path) == ["a"]
    assert listed(folder) == ["thesis.txt"]


def test_parts_of_killed_attempts_are_removed_and_nothing_else(tmp_path):
    for name in (".a.0123abcd.part", ".a.b.0123abcd.part", ".b.0123abcd.part", ".a.part",
                 ".a.0123abcd.old", "a"):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_text("1")
    remove_parts(tmp_path, {"a", "a.b"})
    assert listed(tmp_path) == [".a.0123abcd.old", ".a.part", ".b.0123abcd.part", "a"]


def test_a_link_in_the_place_of_a_row_is_refused(tmp_path):
    """What it leads to lies outside the batch's folder."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "row").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadFile, match="row is a link"):
        check_free(tmp_path / "row")
