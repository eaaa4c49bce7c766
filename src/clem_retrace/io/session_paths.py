"""The paths that a session keeps of a file: seen from the session, and in full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from clem_retrace.errors import BadFile
from clem_retrace.io.tables import Table

__all__ = ["Place", "paths_in", "place_of", "places_of"]

#: Returns where a file is now, from its path seen from the session and its absolute path.
Place = Callable[[str, str], Path]


def places_of(path: Path, folder: Path) -> dict[str, str]:
    """Return where a file is: seen from a folder, where there is a way, and in full."""
    try:
        # The file itself may be a link to somewhere else: it is found by the link.
        relative = os.path.relpath(Path(os.path.realpath(path.parent), path.name), folder)
    except ValueError:  # on another drive
        relative = ""
    return {"relative": Path(relative).as_posix() if relative else "", "absolute": str(path)}


def place_of(folder: Path, relative: str, absolute: str) -> Path:
    """Return where a file is now: where it was seen from the session's folder, if it is there.

    A session that was moved together with its images finds them; if they are not there, they
    may not have been moved.
    """
    near, far = Path(os.path.normpath(folder / relative)), Path(absolute)
    if not relative:
        return far
    # A path of another system is not absolute here.
    if os.path.isfile(near) or not (far.is_absolute() and os.path.isfile(far)):
        return near
    return far


def paths_in(table: Table) -> tuple[str, str]:
    """Return the relative and the absolute path of a file.

    Raises
    ------
    BadFile
        They are none.
    """
    relative, absolute = table.text("relative"), table.text("absolute")
    for text in (relative, absolute):
        if any(ord(letter) < 32 for letter in text) or "://" in text:
            raise BadFile(f"{table.where} is {text!r}: the path of a file is needed")
    if _is_absolute(relative):
        raise BadFile(f"{table.where}.relative is {relative!r}: a relative path is needed")
    if not _is_absolute(absolute):
        raise BadFile(f"{table.where}.absolute is {absolute!r}: an absolute path is needed")
    return relative, absolute


def _is_absolute(text: str) -> bool:
    """Whether a path is absolute on any system."""
    windows = PureWindowsPath(text)
    return PurePosixPath(text).is_absolute() or bool(windows.drive or windows.root)
