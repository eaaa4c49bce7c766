"""Faults of the file system, made where Python asks it for something.

Python announces each opening, renaming and making of a file or folder to its audit hooks,
whatever library asks for it; an error that a hook raises is that of the call. A hook stays for
as long as the process lives, and does nothing but while `fault` is in force.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Calls", "at_call", "file_size_limit", "posix", "state"]

posix = pytest.mark.skipif(os.name != "posix", reason="faults are made as POSIX systems have them")

#: What is announced, and where the paths are among what is told of it.
EVENTS = {
    "open": (0,),
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.scandir": (0,),
    "os.listdir": (0,),
    "os.utime": (0,),
}


class Calls:
    """Calls of the file system about a folder, counted; what is to be done at one of them.

    Attributes
    ----------
    seen : list of str
        What was asked for.
    """

    def __init__(self, folder: Path, number: float, act: Callable[[str], None]) -> None:
        self.seen: list[str] = []
        self._folder, self._number, self._act = os.path.realpath(folder), number, act

    def note(self, what: str, path: str) -> None:
        """Count a call; act, if it is the one."""
        if not os.path.realpath(path).startswith(self._folder):
            return
        self.seen.append(what)
        if len(self.seen) == self._number:
            self._act(path)


_calls: Calls | None = None
_installed = False


def _hook(event: str, told: tuple[Any, ...]) -> None:
    if _calls is None or event not in EVENTS:
        return
    for place in EVENTS[event]:
        if isinstance(told[place], (str, bytes, os.PathLike)):
            _calls.note(event, os.fsdecode(told[place]))
            return


@contextmanager
def at_call(
    folder: Path, number: float = math.inf, act: Callable[[str], None] = lambda _: None
) -> Iterator[Calls]:
    """Do something before so-manieth call about a folder; putting files on the disk counts too.

    Parameters
    ----------
    folder : Path
    number : int
        From 1; infinity only counts.
    act : callable
        Takes the path; what it raises is raised by the call.
    """
    global _calls, _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    sync = os.fsync
    calls = _calls = Calls(folder, number, act)

    def noted(file: int) -> None:
        calls.note("fsync", str(folder))
        sync(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        try:
            yield calls
        finally:
            _calls = None


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def state(folder: Path) -> dict[str, str]:
    """Every file in a folder, hidden ones too, by a digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }
