"""Two names change places at once, or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clem_retrace.io.swapping import swap


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system cannot swap")
def test_files_and_folders_change_places(tmp_path: Path) -> None:
    one, other = tmp_path / "\u00b5", tmp_path / "b"
    one.mkdir()
    (one / "inside").write_text("1")
    other.write_text("2")
    if not swap(one, other):
        pytest.skip("the disk of the temporary files cannot swap")
    assert one.read_text() == "2"
    assert (other / "inside").read_text() == "1"


def test_what_is_not_there_is_not_swapped(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert not swap(tmp_path / "a", tmp_path / "b")
    assert not swap(tmp_path / "b", tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
