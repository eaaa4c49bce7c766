"""`replacing`: files and folders that take the place of old ones only when they are whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clem_retrace.errors import BadFile

__all__ = ["replacing"]

#: How many letters of a name the temporary one keeps: there is a limit to its length.
KEPT = 100


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write a file or a folder to, which then takes the place of `path`.

    What was written is put on the disk first, and then renamed: whenever the program is
    stopped, there is the old file or the new one, and after an error there is the old one.
    Of a folder nothing but the short moment between two renamings is not covered so: the
    old one then lies beside its place, under a name that ends with ``.old``. A link stays
    one, and the file that it leads to is replaced.

    Parameters
    ----------
    path : path
        In a folder that exists. An old folder is replaced by one of its kind only: it is
        empty, or has all the files that the new one has beside its subfolders.

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
        yield part
        _sync(part)
        if part.is_dir() and target.is_dir():
            _exchange(part, target, old)
        else:
            part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(part)


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another of its kind, which is deleted.

    Raises
    ------
    BadFile
        The other is of another kind, and stays.
    OSError
    """
    files = {entry.name for entry in new.iterdir() if entry.is_file()}
    found = {entry.name for entry in target.iterdir()}
    if found and not (files and files <= found):
        raise BadFile(
            f"{target} is a folder with other things in it, and stays as it is: choose another name"
        )
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir():
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
    handle = os.open(folder, os.O_RDONLY)
    # Some network drives refuse; the files themselves are on the disk by now.
    with contextlib.suppress(OSError):
        os.fsync(handle)
    os.close(handle)
