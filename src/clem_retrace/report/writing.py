"""`write_report`: runs as one HTML file that needs nothing else, and prints well."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from clem_retrace.errors import InvalidOption
from clem_retrace.events import Progress, StageResult, Steps, run
from clem_retrace.io.sessions import Session
from clem_retrace.io.writing import replacing
from clem_retrace.memory import Memory
from clem_retrace.report.image_table import KnownFiles
from clem_retrace.report.markup import Content, Markup, element
from clem_retrace.report.reported import FoundImages, ReportedRun
from clem_retrace.report.sections import appendix, head, run_section_steps, summary_row

__all__ = ["report_steps", "write_report"]


def write_report(
    path: str | os.PathLike[str],
    source: Session | Sequence[ReportedRun],
    *,
    name: str = "",
    only: int | None = None,
    pictures: bool = True,
    made: datetime | None = None,
) -> Path:
    """Return the path after writing a report to it, all of it or nothing.

    Parameters
    ----------
    path : path
        Of an HTML file.
    source : Session, or sequence of ReportedRun
        Of a session the images are looked for; what is not found is told in their place.
    name : str
        Stands under the title; by default the session's.
    only : int, optional
        The number of the one run that is wanted.
    pictures : bool
        Whether the images are read, for pictures and histograms.
    made : datetime, optional
        With its zone; by default now.

    Raises
    ------
    InvalidOption
        There is no run, or not the one that is wanted.
    BadFile
        The file cannot be written.
    """
    return run(report_steps(path, source, name=name, only=only, pictures=pictures, made=made))


def report_steps(
    path: str | os.PathLike[str],
    source: Session | Sequence[ReportedRun],
    *,
    name: str = "",
    only: int | None = None,
    pictures: bool = True,
    made: datetime | None = None,
) -> Steps[Path]:
    """Yield events of `write_report`; return the path. Closed before its end, it writes nothing.

    With `ReportedRun` of images in memory nothing is read but the files' bytes, for their
    digests. Beside progress there is a `StageResult` of each `ReportedRun`, which knows the
    problems with its images.
    """
    runs = _runs_of(source, only, pictures=pictures)
    known: KnownFiles = {}
    memory, rows, sections = Memory(), [], []
    for steps in runs:
        reported = yield from steps
        yield StageResult("run", reported)
        rows.append(summary_row(reported))
        sections.append((yield from run_section_steps(reported, known, memory, pictures=pictures)))
    yield Progress("writing", 0, 1)
    if isinstance(source, Session):
        name = name or source.name
    page = _page(name, made or datetime.now().astimezone(), rows, sections)
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8", newline="\n")
    return Path(path)


def _runs_of(
    source: Session | Sequence[ReportedRun], only: int | None, *, pictures: bool
) -> Iterator[Steps[ReportedRun]]:
    """Return what gives the runs that are wanted, one after the other.

    Raises
    ------
    InvalidOption
        There is none.
    """
    if isinstance(source, Session):
        images = FoundImages(source)
        numbers = images.numbers(only)
        return (images.run_steps(number, pixels=pictures) for number in numbers)
    if len({one.number for one in source}) < len(source):
        raise ValueError("two runs have one number")
    wanted = [one for one in source if only is None or one.number == only]
    if not wanted:
        raise InvalidOption("there is no run to report" if only is None else f"no run {only}")
    return (_given_steps(one) for one in wanted)


def _given_steps(reported: ReportedRun) -> Steps[ReportedRun]:
    """Yield that it begins; return what was given."""
    yield Progress("reading", 0, 1)
    return reported


def _page(name: str, made: datetime, rows: list[list[Content]], sections: list[Markup]) -> str:
    """Return the whole page."""
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    title = f"{name or 'Run'} \u2013 CLEM registration report"
    html = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="generator", content="clem-retrace"),
            element("title", title),
            element("style", Markup(style)),
        ),
        element("body", head(name, made, rows), element("main", sections, appendix())),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{html}\n"
