"""What a batch is made of: `BatchRow`, one pair with all that its run is given; `BadRow`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.projections import Projection

__all__ = ["BadRow", "BatchRow", "ImageFile", "Row", "installed", "row_digest"]

#: Of what a row leaves behind; raised when rows that are done are to be done anew for it.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image of a row: its file, and what is taken of it.

    Attributes
    ----------
    path : Path
        Absolute.
    pixel_size : float or None, nm
        Instead of the one in the file.
    channel, projection, plane
        As `clem_retrace.io.images.read_micrograph` takes them.
    """

    path: Path
    pixel_size: float | None = None
    channel: int | None = None
    projection: Projection = "max"
    plane: int = 0


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One pair of a batch.

    Attributes
    ----------
    name : str
        For people; the folder of the results is called after it.
    lm, em : ImageFile
    roi : Roi, LM pixels
    options : RegistrationOptions
    take : int
        Rank of the candidate that is taken, 1 for the best.
    truth : Roi or None
        Where the region is known to lie, in EM pixels.
    cells : mapping of str to str
        The row as it stands in a table; all of it comes back in the table of results.
    """

    name: str
    lm: ImageFile
    em: ImageFile
    roi: Roi
    options: RegistrationOptions = RegistrationOptions()
    take: int = 1
    truth: Roi | None = None
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be run: it is told with the others, and does not stop them.

    Attributes
    ----------
    name : str
    problem : str
        What is wrong and where, for people.
    cells : mapping of str to str
    """

    name: str
    problem: str
    cells: Mapping[str, str] = field(default_factory=dict)


Row = BatchRow | BadRow


@cache
def installed() -> str:
    """Return the version of this package that is installed here."""
    return version("clem-retrace")


def row_digest(row: BatchRow) -> str:
    """Return a digest of all that a row's results depend on: equal ones need not be run again.

    Of the files it takes name, size and time of change, not where they lie: a folder with
    table, images and results may be moved.

    Raises
    ------
    OSError
        A file cannot be looked at.
    """
    values = {
        "format": FORMAT,
        "version": installed(),
        "lm": _facts(row.lm),
        "em": _facts(row.em),
        "roi": dataclasses.asdict(row.roi),
        "truth": None if row.truth is None else dataclasses.asdict(row.truth),
        "options": row.options.to_dict(),
        "take": row.take,
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _facts(image: ImageFile) -> dict[str, Any]:
    """Return what is known of a file without reading it, and what is taken of it.

    Raises
    ------
    OSError
        It cannot be looked at.
    """
    found = image.path.stat()
    return {
        **dataclasses.asdict(image),
        "path": image.path.name,
        "size": found.st_size,
        "changed": found.st_mtime_ns,
    }
