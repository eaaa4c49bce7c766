"""Where files go."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.errors import BadFile
from clem_retrace.plugin.dialogs import FileDialogs, stem


@pytest.fixture
def dialogs(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    return FileDialogs(parent)


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("cell 1.ome.tif", "cell_1"),
        ("stack.MRC", "stack"),
        ("EM [3] / left", "EM_3_left"),
        ("grid.2.zarr", "grid.2"),
        ("Zelle_Übersicht", "Zelle_Übersicht"),
        (" ", "image"),
        ("...", "image"),
    ],
)
def test_names_of_files_begin_like_the_image(name, begin):
    assert stem(name) == begin


def test_a_suffix_is_added_where_none_is_typed(dialogs, chosen, tmp_path):
    chosen.path = tmp_path / "a"
    assert dialogs.save("Save", "x", {"Text": (".one", ".two")}) == tmp_path / "a.one"
    chosen.path = tmp_path / "a.TWO"
    assert dialogs.save("Save", "x", {"Text": (".one", ".two")}) == chosen.path
    assert chosen.asked[0] == ("Save", "x.one", "Text (*.one *.two)")


def test_a_file_that_was_not_asked_about_is_not_replaced(dialogs, chosen, tmp_path):
    (tmp_path / "a.one").write_text("mine")
    chosen.path = tmp_path / "a"
    with pytest.raises(BadFile, match="give its whole name to replace it"):
        dialogs.save("Save", "x", {"Text": (".one",)})
    chosen.path = tmp_path / "a.one"
    assert dialogs.save("Save", "x", {"Text": (".one",)}) == chosen.path


def test_the_last_folder_is_remembered_and_the_images_only_at_first(dialogs, chosen, tmp_path):
    FileDialogs.begin_in(Path("/images"))
    assert dialogs.open("Open", "all") is None
    chosen.path = tmp_path / "a.one"
    dialogs.open("Open", "all")
    FileDialogs.begin_in(Path("/images"))
    dialogs.save("Save", "x", {"Text": (".one",)})
    assert [begin for _, begin, _ in chosen.asked] == [
        str(Path("/images")),
        str(Path("/images")),
        str(tmp_path / "x.one"),
    ]
