"""`replacing`: files and folders that take the place of old ones only when they are whole."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clem_retrace.errors import BadFile
from clem_retrace.io.swapping import swap
from clem_retrace.io.system_errors import in_words

__all__ = ["replacing"]

#: How many letters of a name the temporary one keeps: there is a limit to its length.
KEPT = 100

#: How long nothing is written to a part before it is taken for one that a program left which
#: was killed, seconds.
ABANDONED = 24 * 3600.0


@contextmanager
def replacing(path: str | os.PathLike[str], *, any_folder: bool = False) -> Iterator[Path]:
    """Give a path to write a file or a folder to, which then takes the place of `path`.

    What was written is put on the disk first, and then renamed: whenever the program is
    stopped, there is the old file or the new one, and after an error there is the old one.
    So it is with folders where the system can swap two names: Linux and macOS, on their own
    disks. Elsewhere, between two renamings, the old one lies beside its place for a moment,
    under a name that ends with ``.old``; the next call puts it back. A link stays one, and
    the file that it leads to is replaced.

    A program that is killed leaves a hidden file that ends with ``.part``, which is removed
    by a call a day later.

    Parameters
    ----------
    path : path
        In a folder that exists. An old folder is replaced by one of its kind only: it is
        empty, or has all the files that the new one has beside its subfolders.
    any_folder : bool
        Whether an old folder is replaced whatever it holds.

    Yields
    ------
    Path
        A new name beside the old one.

    Raises
    ------
    BadFile
        It cannot be written.
    """
    target = Path(os.path.realpath(path))
    name = f".{target.name[:KEPT]}.{secrets.token_hex(4)}"
    part, old = target.with_name(f"{name}.part"), target.with_name(f"{name}.old")
    try:
        _tidy(target)
        yield part
        _sync(part)
        if part.is_dir() and target.is_dir():
            if not any_folder:
                _check_kind(part, target)
            _exchange(part, target, old)
        else:
            part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {in_words(error, target, part)}") from error
    finally:
        # What was swapped is the old folder by now.
        with contextlib.suppress(OSError):
            _remove(part)


def _check_kind(new: Path, target: Path) -> None:
    """Refuse to put a folder in the place of one that is not of its kind.

    Raises
    ------
    BadFile
        It is not, and stays.
    """
    files = {entry.name for entry in new.iterdir() if entry.is_file()}
    found = {entry.name for entry in target.iterdir()}
    if found and not (files and files <= found):
        raise BadFile(
            f"{target} is a folder with other things in it, and stays as it is: choose another name"
        )


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another, which is deleted, or is then at `new`.

    Raises
    ------
    OSError
        It cannot be; the other is where it was.
    """
    if swap(new, target):
        return
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _tidy(target: Path) -> None:
    """Put right what programs have left that were killed while they wrote to a target.

    Raises
    ------
    OSError
        The folder cannot be looked into.
    """
    name = re.compile(rf"\.{re.escape(target.name[:KEPT])}\.[0-9a-f]{{8}}\.(part|old)")
    with os.scandir(target.parent) as entries:
        left = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    for path in left:
        # What cannot be put right now stands in nobody's way.
        with contextlib.suppress(OSError):
            # Of a name that was cut short it may be another's.
            if path.suffix == ".old" and not target.exists() and len(target.name) <= KEPT:
                path.rename(target)
            elif _last_written(path) < time.time() - ABANDONED:
                _remove(path)


def _last_written(path: Path) -> float:
    """Return when a file, or something in a folder, was last written, seconds since 1970."""
    inside = path.iterdir() if path.is_dir() else ()
    times: list[float] = [each.stat().st_mtime for each in (path, *inside)]
    return max(times)


def _remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Put a file, or a folder with all that is in it, on the disk."""
    if path.is_dir():
        for folder, _, names in os.walk(path):
            for name in names:
                _sync(Path(folder, name))
            _sync_folder(Path(folder))
        return
    # Windows puts on the disk only what may be written to.
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    # Some network drives refuse; the files themselves are on the disk by now.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
