"""A batch on the command line: what is printed while it runs, and at its end."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from clem_retrace.batch.batches import run_batch
from clem_retrace.batch.gallery import GALLERY
from clem_retrace.batch.outcomes import RowOutcome, Status
from clem_retrace.batch.results import RESULTS
from clem_retrace.batch.rows import BadRow
from clem_retrace.batch.tables import read_table
from clem_retrace.batch.template import template
from clem_retrace.errors import BadFile
from clem_retrace.events import Event, Progress, StageResult
from clem_retrace.io.writing import replacing
from clem_retrace.options import RegistrationOptions
from clem_retrace.printing import say, tell

__all__ = ["SOME_FAILED", "check_table", "run_table", "write_template"]

#: The exit code when rows could not be run; the others were.
SOME_FAILED = 1


def run_table(
    table: Path,
    out: Path,
    options: RegistrationOptions,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
) -> int:
    """Return the exit code of a batch: 0, or 1 when rows failed.

    Parameters
    ----------
    table, out : Path
        The table of pairs, and the folder for the results.
    options : RegistrationOptions
        For what the table leaves open.
    workers, scheduler, again
        As in `run_batch`.

    Raises
    ------
    ClemRetraceError
        The table cannot be read, or nothing can be run.
    KeyboardInterrupt
        Ctrl-C; what is done stays done.
    """
    _hush()
    pairs = read_table(table, options)
    with _Display(len(pairs.rows)) as display:
        outcomes = run_batch(
            pairs.rows, out, workers=workers, scheduler=scheduler, again=again,
            dialect=pairs.dialect, on_event=display,
        )  # fmt: skip
    say("\n".join(_summary(outcomes)))
    for name in (RESULTS, GALLERY):
        say(f"written  {out / name}")
    return SOME_FAILED if any(each.outcome.status == "failed" for each in outcomes) else 0


def check_table(table: Path, options: RegistrationOptions) -> int:
    """Return the exit code after telling what is wrong with a table: 0, or 1 when rows are bad.

    Raises
    ------
    BadFile
        It cannot be read at all.
    """
    _hush()
    rows = read_table(table, options).rows
    bad = [row for row in rows if isinstance(row, BadRow)]
    for row in bad:
        say(f"{row.name}: {row.problem}")
    say(f"{_rows(len(rows))}: {len(rows) - len(bad)} can be run, {len(bad)} cannot")
    return SOME_FAILED if bad else 0


def write_template(path: Path | None) -> None:
    """Print an example of a table, or write it to a file that is not there yet.

    Raises
    ------
    BadFile
        There is one, or it cannot be written.
    """
    if path is None:
        say(template(), end="")
        return
    if os.path.lexists(path):
        raise BadFile(f"{path} cannot be written: there is one already, which stays as it is")
    with replacing(path) as part:
        part.write_text(template(), encoding="utf-8", newline="")
    say(f"written  {path}")


def _hush() -> None:
    """Have distributed not print what is said in one line here: that a scheduler was lost."""
    logging.getLogger("distributed.client").addFilter(lambda _: False)


def _summary(outcomes: Sequence[RowOutcome]) -> list[str]:
    """Return what became of all rows, one line a fact."""
    lines = [f"{_rows(len(outcomes))}: {_counted(outcomes)}"]
    before = sum(each.before for each in outcomes)
    if before:
        lines.append(f"{before} of these done before, and not changed since (--again runs them)")
    return lines


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _counted(outcomes: Sequence[RowOutcome]) -> str:
    counts = Counter(each.outcome.status for each in outcomes)
    return ", ".join(f"{counts[status]} {status}" for status in get_args(Status) if counts[status])


class _Display:
    """A line for each row that ends, and, on a terminal, a bar below them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._outcomes: list[RowOutcome] = []
        self._bar: Any = None

    def __enter__(self) -> _Display:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._total,
                desc="rows",
                bar_format="{desc} {n_fmt} of {total_fmt} |{bar}| {elapsed}{postfix}",
                leave=False,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            done = sum(each.done for each in self._outcomes)
            tell(f"{done} of {_rows(self._total)} done; the same command goes on from there")

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, StageResult) and event.stage == "row":
            self._outcomes.append(event.value)
            self._tell(event.value)
        elif isinstance(event, StageResult) and event.stage == "remark":
            self._print(event.value)
        elif isinstance(event, Progress) and self._bar is not None:
            self._bar.update(event.done - self._bar.n)
            self._bar.refresh()

    def _tell(self, each: RowOutcome) -> None:
        """Print the line of a row, unless it was done before."""
        if self._bar is not None:
            self._bar.set_postfix_str(_counted(self._outcomes), refresh=False)
        if not each.before:
            self._print(f"{len(self._outcomes):>4}/{self._total}  {_line(each)}")

    def _print(self, line: str) -> None:
        if self._bar is None:
            tell(line)
        else:
            self._bar.write(line, file=sys.stderr)


def _line(each: RowOutcome) -> str:
    """Return what became of a row in one line."""
    outcome = each.outcome
    told = f"{each.row.name}: {outcome.status}"
    if outcome.finding is not None:
        told += f", confidence {outcome.finding.confidence:.3f}"
    if outcome.seconds is not None:
        told += f", {outcome.seconds:.1f} s"
    return told if outcome.status == "found" else f"{told}: {outcome.message}"
