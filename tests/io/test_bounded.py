"""Files that are read whole, if they are no larger than they can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clem_retrace.errors import BadFile
from clem_retrace.io.bounded import read_bounded, size_in_words


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(tmp_path / "a", "thing", 5) == b"12345"
    with pytest.raises(BadFile, match=r"a is too large for a thing: more than 4 bytes$"):
        read_bounded(tmp_path / "a", "thing", 4)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux has such files")
def test_a_file_that_does_not_tell_its_size_is_bounded_too() -> None:
    assert os.path.getsize("/proc/self/status") == 0
    with pytest.raises(BadFile, match="too large"):
        read_bounded(Path("/proc/self/status"), "thing", 10)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for place, words in (
        (tmp_path, "is not a file"),
        (tmp_path / "gone", "does not exist"),
        (tmp_path / ("x" * 300), "does not exist"),
        (Path("a\0b"), "does not exist"),
    ):
        with pytest.raises(BadFile, match=words):
            read_bounded(place, "thing", 5)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a").chmod(0)
    with pytest.raises(BadFile, match="cannot be read: Permission denied"):
        read_bounded(tmp_path / "a", "thing", 5)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (999, "999 bytes"), (4_000_000, "4 MB"), (10**19, "10 EB")]
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert size_in_words(count) == words
