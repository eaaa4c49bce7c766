"""What the operating system refuses, in words that say what can be done about it."""

from __future__ import annotations

import errno
import os

__all__ = ["in_words"]

#: What an error number means, and what helps. Some are not on every system.
_ADVICE = {
    "ENOSPC": "free some space on the disk, or choose another folder",
    "EDQUOT": "delete some of your files there, or choose another folder",
    "EFBIG": "the disk holds no file as large as this, choose another disk",
    "EACCES": "you have no right to do that there, or another program has the file open",
    "EPERM": "you have no right to do that there, or another program has the file open",
    "EBUSY": "another program has the file open, close it there",
    "ETXTBSY": "another program has the file open, close it there",
    "EROFS": "it is protected against writing, choose another folder",
    "EIO": "the disk or the network drive fails, check it, and choose another folder",
    "ESTALE": "the network drive has gone, or was connected anew: open the folder again",
    "ENAMETOOLONG": "choose a shorter name",
    "ENOENT": "check that the drive and the folder are there",
    "ENOTDIR": "a file has the name of a folder on the way there",
    "EISDIR": "a folder has this name, choose another",
    "EMFILE": "close some windows or programs",
    "ENFILE": "close some windows or programs",
}

_BY_NUMBER = {
    getattr(errno, name): advice for name, advice in _ADVICE.items() if hasattr(errno, name)
}

#: Windows' own number of "another program has the file open", which errno does not know.
_SHARING_VIOLATION = 32


def in_words(error: OSError, *known: str | os.PathLike[str]) -> str:
    """Return what the system says, and what helps, in a line.

    Parameters
    ----------
    error : OSError
    known : paths
        Files and folders that people are told of anyway; another that failed is named.
    """
    said = " ".join(str(error.strerror or error).split()) or type(error).__name__
    advice = _BY_NUMBER.get(error.errno or 0, "")
    if getattr(error, "winerror", None) == _SHARING_VIOLATION:
        advice = "another program has the file open, close it there"
    failed = error.filename
    if isinstance(failed, (str, os.PathLike)) and not any(_is_in(failed, one) for one in known):
        said = f"{os.fspath(failed)}: {said}"
    return f"{said} ({advice})" if advice else said


def _is_in(failed: str | os.PathLike[str], known: str | os.PathLike[str]) -> bool:
    """Whether a file is one that is known, or the folder that it is in, or lies in it."""
    path, place = os.path.realpath(failed), os.path.realpath(known)
    return path in (place, os.path.dirname(place)) or path.startswith(place + os.sep)
