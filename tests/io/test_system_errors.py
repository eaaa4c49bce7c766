"""Errors of the operating system, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from clem_retrace.io.system_errors import in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ENOSPC", "free some space"),
        ("EACCES", "no right"),
        ("EROFS", "protected against writing"),
        ("EIO", "disk or the network drive fails"),
        ("ENAMETOOLONG", "shorter name"),
        ("ENOENT", "drive and the folder are there"),
        ("EFBIG", "another disk"),
    ],
)
def test_it_is_said_what_helps(name: str, words: str) -> None:
    number = getattr(errno, name)
    said = in_words(OSError(number, os.strerror(number)))
    assert said.startswith(os.strerror(number))
    assert words in said
    assert "\n" not in said


def test_another_file_that_failed_is_named(tmp_path: Path) -> None:
    missing = FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "em.zarr" / "0"))
    assert in_words(missing).startswith(missing.filename)
    assert in_words(missing, tmp_path / "a.tif").startswith(missing.filename)
    for known in (tmp_path / "em.zarr", tmp_path / "em.zarr" / "0" / "chunk"):
        assert in_words(missing, tmp_path / "a.tif", known).startswith("No such file")


def test_errors_without_a_number_say_what_they_can() -> None:
    assert in_words(OSError("connection\nlost")) == "connection lost"
    assert in_words(TimeoutError()) == "TimeoutError"
