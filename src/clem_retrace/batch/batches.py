"""A batch: rows that are run, on cores or on a cluster, resumed, and told in table and gallery.

The folder of a batch holds a folder for each row that has been run, results.csv, gallery.html
and batch.json, which says by which call it was written last.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from clem_retrace.batch.cluster import CALL, run_on_cluster
from clem_retrace.batch.crews import Ended, Remark, Started
from clem_retrace.batch.folder_names import folder_names
from clem_retrace.batch.gallery import GALLERY, write_gallery
from clem_retrace.batch.outcomes import Outcome, Record, RowOutcome
from clem_retrace.batch.processes import run_on_cores
from clem_retrace.batch.results import RESULTS, write_results
from clem_retrace.batch.row_folders import remove_parts
from clem_retrace.batch.rows import BadRow, BatchRow, Row, installed, row_digest
from clem_retrace.batch.running_rows import Task
from clem_retrace.batch.sheets import COMMAS, Dialect
from clem_retrace.errors import BadFile
from clem_retrace.events import Event, Progress, StageResult, Steps, run
from clem_retrace.io.exports import make_folder
from clem_retrace.io.system_errors import in_words
from clem_retrace.io.writing import replacing

__all__ = ["batch_steps", "run_batch", "settled"]

#: Table and gallery are written this often at the most, seconds.
INTERVAL = 1.0


def run_batch(
    rows: Iterable[Row],
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
    dialect: Dialect = COMMAS,
    on_event: Callable[[Event], object] | None = None,
) -> tuple[RowOutcome, ...]:
    """Return what became of each row, after running those that were not done before.

    Parameters
    ----------
    rows : iterable of BatchRow or BadRow
        Such as those of `read_table`.
    out : path
        Folder for the results, made when there is none.
    workers : int, optional
        Processes that run rows side by side; one for each core when left out.
    scheduler : str, optional
        Address of a dask.distributed scheduler whose workers run the rows instead.
    again : bool
        Run rows that are done, too.
    dialect : Dialect
        How the table of results is written.
    on_event : callable, optional
        Called with each event of `batch_steps`.

    Raises
    ------
    BadFile
        The folder cannot be written to, or is not one of a batch.
    InvalidOption
        There is no such scheduler.
    ClemRetraceError
        No process can be started, or the scheduler was lost.
    """
    steps = batch_steps(
        rows, out, workers=workers, scheduler=scheduler, again=again, dialect=dialect
    )
    return run(steps, on_event)


def batch_steps(
    rows: Iterable[Row],
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
    dialect: Dialect = COMMAS,
) -> Steps[tuple[RowOutcome, ...]]:
    """Yield the events of a batch; return what `run_batch` returns.

    ``Progress("batch", done, total)`` comes ten times a second; ``StageResult("started",
    index)`` when a row is begun; ``StageResult("row", RowOutcome)`` once for each row that has
    ended, or had before; ``StageResult("remark", text)`` is for people. Closing stops what is
    being run: what is done stays done.
    """
    rows = tuple(rows)
    out = make_folder(os.path.abspath(out))
    call = _begin(out)
    book = _Book(rows, out, dialect)
    try:
        tasks = []
        for index, (row, folder) in enumerate(zip(rows, book.folders, strict=True)):
            digest, outcome = settled(row, folder, again=again)
            if outcome is not None:
                yield StageResult("row", book.note(index, outcome, before=bool(digest)))
            elif isinstance(row, BatchRow):
                tasks.append(Task(index, row, folder, digest, call, installed()))
            yield Progress("batch", book.done, len(rows))
        yield from _run(tasks, book, workers, scheduler)
    except BaseException:
        # What stopped the batch matters more than the table.
        with contextlib.suppress(BadFile):
            book.write()
        raise
    book.write()
    return tuple(book.outcomes)


def _begin(out: Path) -> str:
    """Return the name of this call, after writing it to the folder.

    Raises
    ------
    BadFile
        The folder cannot be written to, or has a table of results that is not of a batch, or
        links in the place of what is written.
    """
    for name in (RESULTS, GALLERY, CALL):
        if (out / name).is_symlink():
            raise BadFile(f"{out / name} is a link: the results stay in {out}, remove the link")
    if (out / RESULTS).exists() and not (out / CALL).exists():
        raise BadFile(
            f"{out} has a file {RESULTS} that is not of a batch, and stays as it is: choose "
            "another folder"
        )
    call = secrets.token_hex(8)
    values = {
        "kind": "clem-retrace batch",
        "version": installed(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": call,
    }
    with replacing(out / CALL) as part:
        part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return call


def settled(row: Row, folder: Path, *, again: bool = False) -> tuple[str, Outcome | None]:
    """Return a row's digest, and its outcome if it need not be run, or cannot."""
    if isinstance(row, BadRow):
        return "", Outcome("failed", row.problem)
    try:
        digest = row_digest(row)
    except OSError as error:
        return "", Outcome(
            "failed", f"{error.filename} cannot be read: {in_words(error, error.filename)}"
        )
    record = None if again else Record.read(folder)
    if record is None or record.digest != digest:
        return digest, None
    return digest, record.outcome


def _run(
    tasks: Sequence[Task], book: _Book, workers: int | None, scheduler: str | None
) -> Steps[None]:
    """Yield the events of rows that are run."""
    if not tasks:
        return
    names = {task.folder.name for task in tasks}
    remove_parts(book.out, names)
    crew = run_on_cluster(tasks, scheduler) if scheduler else run_on_cores(tasks, workers)
    try:
        for told in crew:
            if isinstance(told, Started):
                yield StageResult("started", told.index)
            elif isinstance(told, Ended):
                yield StageResult("row", book.note(told.index, told.outcome))
            elif isinstance(told, Remark):
                yield StageResult("remark", told.text)
            yield Progress("batch", book.done, len(book.outcomes))
    finally:
        crew.close()
        # Workers of a cluster may still be at work.
        if not scheduler:
            remove_parts(book.out, names)


class _Book:
    """What became of each row so far, and the files that tell it."""

    def __init__(self, rows: Sequence[Row], out: Path, dialect: Dialect) -> None:
        self.out = out
        self.folders = [out / name for name in folder_names(row.name for row in rows)]
        self.outcomes = [
            RowOutcome(index, row, Outcome("not run yet"), folder)
            for index, (row, folder) in enumerate(zip(rows, self.folders, strict=True))
        ]
        self.done = 0
        self._dialect = dialect
        self._written = -math.inf

    def note(self, index: int, outcome: Outcome, *, before: bool = False) -> RowOutcome:
        """Return what became of a row, after noting it."""
        noted = dataclasses.replace(self.outcomes[index], outcome=outcome, before=before)
        self.outcomes[index] = noted
        self.done += 1
        if time.monotonic() > self._written + INTERVAL:
            # A spreadsheet program may hold the table; there is another chance at the end.
            with contextlib.suppress(BadFile):
                self.write()
        return noted

    def write(self) -> None:
        """Write table and gallery.

        Raises
        ------
        BadFile
            They cannot be written.
        """
        self._written = time.monotonic()
        write_results(self.out / RESULTS, self.outcomes, self._dialect)
        write_gallery(self.out / GALLERY, self.outcomes)
