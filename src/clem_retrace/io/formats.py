"""Kinds of image files, and one way to say that a file cannot be read."""

from __future__ import annotations

import os
import struct
import tokenize
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.io.bounded import check_is_file
from clem_retrace.io.system_errors import in_words

__all__ = ["Kind", "kind_of", "reading", "recognise"]

#: Of what a library says of a damaged file.
MOST_LETTERS = 300

Kind = Literal["TIFF", "PNG", "JPEG", "MRC", "DM3/DM4", "NPY"]

_SUFFIXES: dict[str, Kind] = {
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".btf": "TIFF",
    ".lsm": "TIFF",
    ".stk": "TIFF",
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".mrc": "MRC",
    ".mrcs": "MRC",
    ".rec": "MRC",
    ".st": "MRC",
    ".ali": "MRC",
    ".map": "MRC",
    ".dm3": "DM3/DM4",
    ".dm4": "DM3/DM4",
    ".npy": "NPY",
}

#: What the libraries raise on files that are cut short or hold something else. Pillow has
#: its own way of saying so: a SyntaxError. tifffile computes with tags as they come, be they
#: 0, of another type than they should be, or the sizes of an image that no memory holds.
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    EOFError,
    SyntaxError,
    struct.error,
    zlib.error,
    ArithmeticError,
    TypeError,
    MemoryError,
    AssertionError,
    RuntimeError,
    tokenize.TokenError,
)


def recognise(path: str | os.PathLike[str]) -> Kind | None:
    """Return the kind of an image file by its name, or None when it is not one that is read."""
    return _SUFFIXES.get(Path(path).suffix.lower())


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Return the kind of an image file that exists.

    Raises
    ------
    BadFile
        There is no such file, it is a folder, or it is of a kind that is not read.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise BadFile(f"{path} is a folder: name the image file in it")
    check_is_file(path)
    kind = recognise(path)
    if kind is None:
        raise BadFile(
            f"{path} is of an unknown kind, {path.suffix or 'without a suffix'}: "
            f"{', '.join(get_args(Kind))} are read; export it as OME-TIFF"
        )
    return kind


@contextmanager
def reading(path: str | os.PathLike[str], kind: Kind) -> Iterator[None]:
    """Run the body; what it raises on a damaged file becomes `BadFile`.

    Raises
    ------
    BadFile
        The file is damaged, cannot be opened, is not of its kind, or needs a package
        that is not installed.
    """
    try:
        yield
    except ClemRetraceError:
        raise
    except ImportError as error:
        raise _needs(path, error.name or str(error)) from error
    except _DAMAGE as error:
        # tifffile leaves most compressions to this package.
        if "imagecodecs" in str(error):
            raise _needs(path, "imagecodecs") from error
        said = " ".join(str(error).split())[:MOST_LETTERS]
        reason = in_words(error, path) if isinstance(error, OSError) else said
        raise BadFile(f"{path} cannot be read as {kind}: {reason or 'it is damaged'}") from error


def _needs(path: str | os.PathLike[str], package: str) -> BadFile:
    return BadFile(f"{path} needs the package {package}: pip install {package}")
