"""What is fuzzed: files of a family, each read as the program reads it.

A target reads a file and returns nothing when that gives a right answer or a
`ClemRetraceError`; whatever else is raised is a fault, `Fault` if the answer is nonsense.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import seeds

from clem_retrace.batch.outcomes import Record
from clem_retrace.batch.rows import BadRow
from clem_retrace.batch.sheets import Dialect
from clem_retrace.batch.tables import read_table
from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.napari_tables import move_table
from clem_retrace.io.pixel_sizes import pixel_size_of
from clem_retrace.io.readout import readout
from clem_retrace.io.sessions import read_session, save_session
from clem_retrace.io.transforms import KINDS, read_transform, write_transform
from clem_retrace.snippets import command_line, way_taken

__all__ = ["FAMILIES", "LONGEST_MESSAGE", "Dialect", "Family", "Fault", "attempt"]

#: Letters of a message that people read to the end.
LONGEST_MESSAGE = 2000

#: EM pixels, for transforms.
EXTENT = 2000.0


class Fault(Exception):
    """An answer that no file can have."""


@dataclass(frozen=True)
class Family:
    """Files that are read by the same functions.

    Attributes
    ----------
    seeds : callable
        Returns whole ones.
    read : callable
        Reads one, whatever is in it.
    """

    seeds: Callable[[], seeds.Seeds]
    read: Callable[[Path], object]


def attempt(family: Family, path: Path, content: bytes) -> ClemRetraceError | None:
    """Return the error with which a file is refused, None when it is read.

    Raises
    ------
    Fault
        What was read, or how it was refused, is nonsense.
    Exception
        Whatever else is raised: a fault too.
    """
    # A new file: the last one may still be mapped.
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        family.read(path)
    except ClemRetraceError as error:
        cause = error.__cause__
        if isinstance(cause, MemoryError):
            raise Fault(f"memory was asked for before the file was refused: {error}") from error
        if not str(error).strip() or len(str(error)) > LONGEST_MESSAGE:
            raise Fault(f"a message of {len(str(error))} letters") from error
        return error
    return None


def read_image(path: Path) -> np.ndarray | None:
    """Return the pixels of an image; also ask for its pixel size by itself."""
    with contextlib.suppress(BadFile):
        size = pixel_size_of(path)
        if size is not None and not (0 < size.rows < np.inf and 0 < size.cols < np.inf):
            raise Fault(f"a pixel size of {size}")
    micrograph = read_micrograph(path, channel=0)
    pixels = np.asarray(micrograph.data)
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind not in "buif":
        raise Fault(f"an image of shape {pixels.shape} and type {pixels.dtype}")
    # All of it is there: a mapped file that is too short would crash.
    float(pixels[-1, -1])
    return pixels


def read_any_transform(path: Path) -> None:
    """Read a transform, without and with what is known; what was read can be written."""
    refused, ways = [], ({}, {"lm": seeds.LM, "em": seeds.EM}, {"model": "thin-plate spline"})
    for known in ways:
        try:
            transform = read_transform(path, **known)
        except ClemRetraceError as error:
            refused.append(error)
            continue
        corners = np.array([(0.0, 0.0), (EXTENT, 0.0), (0.0, EXTENT), (EXTENT, EXTENT)])
        there = transform.to_lm(corners)
        # Where a spline folds, it leads nowhere.
        whole = transform.spline is not None or np.isfinite(there).all()
        if not (np.isfinite(transform.em_to_lm).all() and whole):
            raise Fault(f"{transform.em_to_lm} takes points to {there}")
        for kind in KINDS.values():
            if kind.write is None:
                continue
            written = path.with_name(f"written{kind.suffixes[0]}")
            try:
                write_transform(written, transform, kind.name)
            except ClemRetraceError:
                continue  # such as lengths without a pixel size
            again = read_transform(written, lm=transform.lm, em=transform.em)
            apart = np.abs(again.to_lm(corners) - transform.to_lm(corners)).max()
            # Points of some kinds are fitted anew, with the model that they tell.
            kept = kind.name == "json" or not kind.keeps_pairs
            if (
                kept
                and transform.spline is None
                and not apart <= 1e-6 * max(1.0, np.abs(transform.em_to_lm).max()) * EXTENT
            ):
                raise Fault(f"{kind.name} gives back another transform, {apart} pixels off")
    if len(refused) == len(ways):
        raise refused[0]


def read_any_session(path: Path) -> None:
    """Read a session, tell it as `clem-retrace show` does, and save it again."""
    session = read_session(path)
    for run in session.runs:
        for result in run.results:
            if not all(line.strip() for line in readout(result)):
                raise Fault("an empty line in what is told of a result")
            try:
                command_line(run.lm, run.em, result.roi, result.options, **way_taken(result))
            except ClemRetraceError:
                continue
    if session.landmarks is not None and session.lm is not None and session.em is not None:
        facts = seeds.LM, seeds.EM
        session.landmarks.transform(*facts)
    again = read_session(save_session(path.with_name("saved.json"), session))
    if len(again.runs) != len(session.runs):
        raise Fault("runs were lost")


def read_any_table(path: Path) -> None:
    """Read a table of pairs, and one of napari, which is moved."""
    refused = None
    try:
        for row in read_table(path).rows:
            if isinstance(row, BadRow) and not row.problem.strip():
                raise Fault("a row is refused without a reason")
    except BadFile as error:
        refused = error
    try:
        moved = move_table(path, path.with_name("moved.csv"), lambda points: points + 1)
        if moved.count < moved.lost:
            raise Fault(f"{moved.lost} of {moved.count} points are lost")
    except BadFile as error:
        if refused is not None:
            raise error from refused


def read_record(path: Path) -> None:
    """Read the record of a row: one that is damaged is none."""
    if Record.read(path.parent) is None:
        raise BadFile("no record")


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "tiff": Family(seeds.tiff, read_image),
        "mrc": Family(seeds.mrc, read_image),
        "dm": Family(seeds.dm, read_image),
        "pictures": Family(seeds.pictures, read_image),
        "transforms": Family(seeds.transforms, read_any_transform),
        "sessions": Family(seeds.sessions, read_any_session),
        "tables": Family(seeds.tables, read_any_table),
        "records": Family(seeds.records, read_record),
    }
)
