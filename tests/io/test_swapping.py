"""Two names change places at once, or not at all."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clem_retrace.io import swapping
from clem_retrace.io.swapping import swap


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Any], None]]:
    """Make this another system, with another library of C's."""
    swapping._renaming.cache_clear()

    def change(platform: str, library: Any) -> None:
        monkeypatch.setattr(swapping.sys, "platform", platform)
        monkeypatch.setattr(ctypes, "CDLL", lambda _: library)

    yield change
    swapping._renaming.cache_clear()


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


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_system_that_cannot_swap_leaves_both(
    system: str, on: Callable[[str, Any], None], tmp_path: Path
) -> None:
    on(system, SimpleNamespace())
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert not swap(tmp_path / "a", tmp_path / "b")
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["a", "b"]


def test_macos_is_asked_by_its_own_function(on: Callable[[str, Any], None]) -> None:
    asked: list[tuple[Any, ...]] = []

    def renamex_np(*arguments: Any) -> int:
        asked.append(arguments)
        return 0 if len(asked) == 1 else -1

    on("darwin", SimpleNamespace(renamex_np=renamex_np))
    one, other = Path("\u00b5"), Path("b")
    assert swap(one, other)
    assert not swap(one, other)  # such as on a disk that cannot
    # RENAME_SWAP of its stdio.h is 2.
    assert asked == [(os.fsencode(one), os.fsencode(other), 2)] * 2
    assert renamex_np.argtypes == (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint)  # type: ignore[attr-defined]
