"""Lines on standard output and standard error, of which a disk or a reader may take no more."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

__all__ = ["print_no_more", "say", "tell"]

#: What is no letter, but tabs and the ends of lines.
_COMMANDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def say(text: str, end: str = "\n") -> None:
    """Print what was asked for.

    Raises
    ------
    OSError
        It cannot be printed: the disk is full that it goes to, or who reads it has gone.
    """
    # There is none where it was closed, and for programs without a console on Windows.
    if sys.stdout is not None:
        sys.stdout.write(_printable(text, sys.stdout) + end)
        sys.stdout.flush()


def tell(text: str) -> None:
    """Print a line beside what was asked for; if it cannot be, the work goes on without it."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(_printable(text, sys.stderr) + "\n")
            sys.stderr.flush()
        except OSError:
            _let_go(sys.stderr)


def print_no_more() -> None:
    """Let go of what could not be printed: at its end Python would try once more, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        _let_go(sys.stdout)


def _printable(text: str, stream: TextIO) -> str:
    """Return a text as a stream can print it: names of files, and of sessions, may hold anything.

    What it has no letters for is spelled out, and so are the signs by which a terminal is
    commanded.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    plain = _COMMANDS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def _let_go(stream: TextIO) -> None:
    """Send what a stream still holds, and all that comes, nowhere."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
