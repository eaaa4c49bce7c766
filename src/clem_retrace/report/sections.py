"""The parts of a report: what stands before the runs, each run, and what stands after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clem_retrace.errors import BadImage
from clem_retrace.events import Steps
from clem_retrace.memory import Memory
from clem_retrace.plots.figures import Figure
from clem_retrace.plots.histogram_figure import histogram_figure
from clem_retrace.plots.histograms import compare_histograms_steps
from clem_retrace.plots.quantities import percent
from clem_retrace.plots.reasons import scale_figure, score_figure
from clem_retrace.plots.svg import as_svg
from clem_retrace.report.citation import citation
from clem_retrace.report.error_maps import error_picture
from clem_retrace.report.image_table import KnownFiles, image_table_steps
from clem_retrace.report.markup import Content, Markup, element, joined, named, number, table
from clem_retrace.report.numbers import numbers
from clem_retrace.report.pictures import pictures_steps
from clem_retrace.report.provenance import computer, versions
from clem_retrace.report.reported import ReportedRun
from clem_retrace.report.tables import (
    again,
    candidate_table,
    landmark_table,
    option_meanings,
    option_table,
    timings,
    transform_table,
)
from clem_retrace.report.verdicts import verdict, verdict_box

__all__ = ["appendix", "head", "run_section_steps", "summary_row", "told_time"]


def head(name: str, made: datetime, rows: Sequence[Sequence[Content]]) -> Markup:
    """Return the title, and an overview where there are several runs."""
    return element(
        "header",
        element("h1", "Registration of light and electron micrographs"),
        element("p", element("b", named(name))) if name else "",
        element(
            "p",
            f"Report made on {told_time(made)} by clem-retrace {versions()['clem-retrace']}.",
            class_="made",
        ),
        _overview(rows) if len(rows) > 1 else "",
    )


def _overview(rows: Sequence[Sequence[Content]]) -> Markup:
    """Return the runs in a table."""
    header = ("Run", "Outcome", "Confidence", "LM", "EM", "Centre in the EM: row, column [EM px]")
    return table(header, rows, caption="Runs", class_="overview")


def summary_row(reported: ReportedRun) -> list[Content]:
    """Return a run's row of the overview."""
    registration, told = reported.registration, verdict(reported)
    row, col = reported.centre
    hand = registration.match.search == "hand"
    title = [f"{reported.number}", [": ", named(reported.run.name)] if reported.run.name else ""]
    return [
        element("a", title, href=f"#run-{reported.number}"),
        f"{told.sign} {told.words}",
        "\u2013" if hand else number(registration.confidence, percent(registration.confidence)),
        named(registration.lm.name),
        named(registration.em.name),
        joined(number(row, f"{row:.1f}"), ", ", number(col, f"{col:.1f}")),
    ]


def run_section_steps(
    reported: ReportedRun, known: KnownFiles, memory: Memory, *, pictures: bool
) -> Steps[Markup]:
    """Yield progress; return all of a run.

    Parameters
    ----------
    reported : ReportedRun
    known : dict
        Files that were hashed already, for `image_table_steps`.
    memory : Memory
        So that what runs have in common is computed once.
    pictures : bool
        Whether to draw what needs the images.
    """
    run, registration = reported.run, reported.registration
    drawn: list[Content] = []
    if pictures:
        shown = yield from pictures_steps(reported)
        errors = error_picture(reported)
        drawn += [element("h3", "Pictures"), element("div", shown, errors or "", class_="pictures")]
    plots = yield from _plots_steps(reported, memory, pictures=pictures)
    images = yield from image_table_steps(reported, known)
    name = [": ", named(run.name)] if run.name else ""
    return element(
        "section",
        element("h2", f"Run {reported.number}", name),
        element(
            "p",
            named(registration.lm.name), " in ", named(registration.em.name),
            f". Made on {told_time(run.time)} with clem-retrace {registration.version}.",
            class_="made",
        ),
        verdict_box(reported),
        drawn,
        element("h3", "Numbers"),
        numbers(reported),
        landmark_table(reported),
        element("h3", "Candidates"),
        candidate_table(reported),
        element("h3", "Why"),
        plots,
        element("h3", "Transform"),
        transform_table(reported),
        element("h3", "Images"),
        images,
        element("h3", "Options"),
        option_table(registration.options),
        element("h3", "To do it again"),
        again(reported),
        timings(registration),
        class_="run",
        id=f"run-{reported.number}",
    )  # fmt: skip


def _plots_steps(reported: ReportedRun, memory: Memory, *, pictures: bool) -> Steps[Markup]:
    """Yield progress; return the figures that say why."""
    registration = reported.registration
    figures = [score_figure(registration)]
    left_out: Content = ""
    if not pictures:
        left_out = "The histograms were left out with the pictures."
    elif reported.pixels is None:
        left_out = f"No histograms: {' '.join(reported.problems) or 'the images are not at hand'}"
    else:
        try:
            comparison = yield from compare_histograms_steps(
                *reported.pixels, registration, None, memory
            )
        except BadImage as error:
            left_out = f"No histograms: {error}"
        else:
            figures.append(histogram_figure(comparison))
    figures.append(scale_figure(registration))
    return joined(
        element("div", (_plot(figure) for figure in figures), class_="plots"),
        element("p", left_out, class_="note") if left_out else "",
    )


def _plot(figure: Figure) -> Markup:
    """Return a figure with what it says."""
    drawn = Markup(as_svg(figure)) if figure.panels else ""
    return element("figure", drawn, element("figcaption", figure.caption))


def appendix() -> Markup:
    """Return what is the same for all runs: versions, what the options mean, how to cite."""
    found = versions()
    return element(
        "section",
        element("h2", "For all runs"),
        table(
            ("Software", "Version"),
            [*found.items(), ["System", computer()]],
            caption="Made with",
            class_="versions",
        ),
        element(
            "p",
            "These are of the computer that made this report. A run tells the version of "
            "clem-retrace that made it, and not those of the others.",
            class_="note",
        ),
        citation(found["clem-retrace"]),
        element("h3", "What the options mean"),
        option_meanings(),
        class_="all",
    )


def told_time(time: datetime) -> str:
    """Return a time with its zone, as it was in that zone."""
    zone = time.strftime("%z")
    return f"{time:%Y-%m-%d %H:%M:%S} (UTC{zone[:3]}:{zone[3:5]})"
