"""`swap`: two names change places at once, where the operating system can do that."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["swap"]

#: From Linux' fcntl.h and fs.h, and from macOS' stdio.h.
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


def swap(one: Path, other: Path) -> bool:
    """Return whether two files or folders have changed places, at one instant.

    False where the system or the disk cannot do it, or one of them is not there: then both
    are where they were.

    References
    ----------
    renameat2(2) of Linux; renamex_np(2) of macOS.
    """
    rename = _renaming()
    return rename is not None and rename(os.fsencode(one), os.fsencode(other)) == 0


@functools.cache
def _renaming() -> Callable[[bytes, bytes], int] | None:
    """Return the system's function, None where it has none."""
    if sys.platform == "linux":
        # musl and old C libraries lack it.
        function = getattr(ctypes.CDLL(None), "renameat2", None)
        if function is None:
            return None
        place = (ctypes.c_int, ctypes.c_char_p)
        function.argtypes = (*place, *place, ctypes.c_uint)
        return lambda one, other: int(function(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE))
    elif sys.platform == "darwin":
        function = getattr(ctypes.CDLL(None), "renamex_np", None)
        if function is None:
            return None
        function.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint)
        return lambda one, other: int(function(one, other, _RENAME_SWAP))
    else:
        return None
