"""Files of text read whole, and never more of them than such a file can have."""

from __future__ import annotations

import os
from pathlib import Path

from clem_retrace.errors import BadFile
from clem_retrace.io.system_errors import in_words

__all__ = ["check_is_file", "read_bounded", "size_in_words"]


def check_is_file(path: Path) -> None:
    """Refuse what is no file: a folder, a device, a pipe that would never end, or nothing.

    Raises
    ------
    BadFile
    """
    # Not pathlib's, which raise errors for names that the system does not allow.
    if not os.path.isfile(path):
        raise BadFile(f"{path} {'is not a file' if os.path.exists(path) else 'does not exist'}")


def read_bounded(path: Path, what: str, largest: int) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path : Path
    what : str
        It should be, for messages: "transform".
    largest : int, bytes
        Of a larger file no more than this is read.

    Raises
    ------
    BadFile
        There is no such file, it is too large, or cannot be read.
    """
    check_is_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {in_words(error, path)}") from error
    if len(content) > largest:
        raise BadFile(f"{path} is too large for a {what}: more than {size_in_words(largest)}")
    return content


def size_in_words(count: float) -> str:
    """Return a number of bytes for people: "1.5 GB"."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB", "EB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"
