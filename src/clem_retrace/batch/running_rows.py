"""One row, run: what a process, here or on a cluster, does with it."""

from __future__ import annotations

import contextlib
import os
import platform
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from clem_retrace.batch.outcomes import RECORD, Finding, Outcome, Record
from clem_retrace.batch.row_folders import check_free, row_folder
from clem_retrace.batch.rows import BatchRow, ImageFile, installed
from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.io.system_errors import in_words
from clem_retrace.io.writing import replacing
from clem_retrace.micrograph import Micrograph

__all__ = ["THUMBNAIL", "Task", "run_task"]

#: The small picture of a row, its longest side in pixels, and how many colours it has.
THUMBNAIL, THUMBNAIL_SIDE, COLOURS = "thumbnail.png", 560, 128


@dataclass(frozen=True, slots=True)
class Task:
    """A row to be run.

    Attributes
    ----------
    index : int
        Its place in the batch.
    row : BatchRow
    folder : Path
        For its results, absolute.
    digest : str
        Of all that they depend on.
    run : str
        This call of the batch: results of an earlier one are made anew.
    version : str
        Of this package, where the batch was called.
    """

    index: int
    row: BatchRow
    folder: Path
    digest: str
    run: str
    version: str

    @property
    def report(self) -> Path:
        """Where the details of a fault of the program go."""
        return self.folder.with_name(f"{self.folder.name}.error.txt")


def run_task(task: Task) -> Outcome:
    """Return what became of a row; its results are in its folder, all of them or none.

    A row that another attempt of the same call has done is not done again.

    Raises
    ------
    MemoryError
        The row needs more than there is.
    """
    start = time.monotonic()
    try:
        _check_version(task)
        record = Record.read(task.folder)
        if record is not None and (record.digest, record.run) == (task.digest, task.run):
            return record.outcome
        return _run(task, start)
    except ClemRetraceError as error:
        return Outcome("failed", " ".join(str(error).split()), time.monotonic() - start)
    except OSError as error:
        return Outcome("failed", in_words(error), time.monotonic() - start)
    except MemoryError:
        raise
    # The others are to be run all the same; what went wrong is told and kept in full.
    except Exception as fault:
        kept = _keep(task.report, traceback.format_exc())
        return Outcome(
            "failed",
            f"a fault of clem-retrace ({type(fault).__name__}: {fault}), please report it{kept}",
            time.monotonic() - start,
        )


def _keep(report: Path, text: str) -> str:
    """Return how people are led to a report, after writing it; nothing if it cannot be."""
    try:
        with replacing(report) as part:
            part.write_text(text, encoding="utf-8", errors="replace")
    except BadFile:
        return ""
    return f" with {report.name}"


def _run(task: Task, start: float) -> Outcome:
    """Return the outcome of a run, with its results written.

    Raises
    ------
    ClemRetraceError
        The row cannot be run, or its results cannot be written.
    """
    from clem_retrace.io.exports import OVERLAY, export
    from clem_retrace.pipeline import register

    row = task.row
    check_free(task.folder)
    lm, em = _read(row.lm), _read(row.em)
    registration = register(lm, em, row.roi, row.options, take=row.take)
    with row_folder(task.folder) as part:
        written = export(part, lm, em, registration, truth=row.truth)
        _write_thumbnail(part / OVERLAY, part / THUMBNAIL)
        outcome = Outcome(
            "found" if registration.found else "not sure",
            registration.reason,
            time.monotonic() - start,
            Finding.of(registration, row.truth),
        )
        files = (*(path.name for path in written), THUMBNAIL, RECORD)
        Record(row.name, task.digest, task.run, outcome, files).write(part)
    with contextlib.suppress(OSError):
        task.report.unlink()
    return outcome


def _check_version(task: Task) -> None:
    """Refuse to run a row with another version than the batch was called with.

    Raises
    ------
    ClemRetraceError
    """
    if installed() != task.version:
        raise ClemRetraceError(
            f"{platform.node()} has clem-retrace {installed()}, and the batch was started by "
            f"{task.version}: install the same version everywhere"
        )


def _read(image: ImageFile) -> Micrograph:
    """Return an image of a row.

    Raises
    ------
    BadFile
        It is not there, or damaged.
    ClemRetraceError
        It cannot be used as the row says.
    """
    from clem_retrace.io.images import read_micrograph

    if not os.access(image.path, os.R_OK):
        raise BadFile(f"{image.path} is not there, or not readable, on {platform.node()}")
    return read_micrograph(
        image.path,
        channel=image.channel,
        projection=image.projection,
        plane=image.plane,
        pixel_size=image.pixel_size,
    )


def _write_thumbnail(picture: Path, small: Path) -> None:
    """Write a picture once more, smaller."""
    from PIL import Image

    with Image.open(picture) as image:
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        # Half as large as in all colours, and no eye sees it at this size.
        image.quantize(COLOURS).save(small, format="PNG", optimize=True)
