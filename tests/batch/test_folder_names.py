"""Names of folders: safe on every system, and different."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.batch.folder_names import folder_name, folder_names


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("cell 1", "cell 1"),
        ("Zelle äöü 7", "Zelle äöü 7"),
        ("../../etc/passwd", "etc-passwd"),
        ("/absolute", "absolute"),
        ("C:\\Windows", "C-Windows"),
        ("..", "row"),
        ("", "row"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("a\nb\0c", "a-b-c"),
        ("NUL", "NUL-"),
        ("com1.tif", "com1.tif-"),
        ("results.csv", "results.csv-"),
        ("ends with a dot.", "ends with a dot"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_become_names_of_one_folder(name, folder):
    assert folder_name(name) == folder


@given(st.text(max_size=80))
def test_whatever_the_name_the_folder_lies_where_it_should(name):
    folder = folder_name(name)
    for path in (PurePosixPath(folder), PureWindowsPath(folder)):
        assert path.parts == (folder,)
        assert not path.is_absolute()
    assert folder not in (".", "..")
    assert not folder.startswith((".", "-", " "))
    assert not folder.endswith((".", " "))
    folder.encode()


@given(st.lists(st.sampled_from(["a", "A", "a/", "a-2", "b", "a:", "ß", "ss"]), max_size=8))
def test_folders_differ_also_where_capitals_do_not_count(names):
    folders = folder_names(names)
    assert len({folder.casefold() for folder in folders}) == len(names)


def test_later_names_that_give_the_same_get_numbers():
    assert folder_names(["a", "b", "A", "a?"]) == ["a", "b", "A-2", "a-3"]
