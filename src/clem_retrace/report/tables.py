"""The tables of a run besides its numbers: candidates, landmarks, the transform, options."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from clem_retrace.declaring import Declaration
from clem_retrace.errors import ClemRetraceError
from clem_retrace.options import RegistrationOptions, declarations
from clem_retrace.plots.quantities import percent
from clem_retrace.registration.landmark_errors import landmark_errors
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.report.markup import (
    Content,
    Markup,
    element,
    joined,
    length,
    named,
    number,
    table,
)
from clem_retrace.report.numbers import SEARCHES
from clem_retrace.report.reported import ReportedRun
from clem_retrace.result import Registration
from clem_retrace.snippets import command_line, python_snippet, way_taken

__all__ = [
    "again",
    "candidate_table",
    "landmark_table",
    "option_meanings",
    "option_table",
    "timings",
    "transform_table",
]

#: Titles of the groups of options.
GROUPS = {
    "": "All searches",
    "representation": "Common representation (paper 3.1)",
    "histogram": "Histogram search (paper 3.2)",
    "oriented": "Oriented search",
    "affine": "Affine registration (paper 3.3)",
}


def candidate_table(reported: ReportedRun) -> Markup:
    """Return the ranked candidates; those that were registered as they were registered."""
    results = {result.rank: result for result in reported.run.results}
    shown = reported.registration.rank

    def row(rank: int) -> Iterator[Content]:
        match = reported.registration.candidates.matches[rank - 1]
        place = results[rank].place if rank in results else match
        mark = "\u25cf" if rank == shown else "\u25cb" if rank in results else ""
        yield f"{rank} {mark}".strip()
        yield number(match.confidence, percent(match.confidence))
        yield number(match.score, f"{match.score:.4f}")
        yield SEARCHES[match.search]
        yield joined(
            number(place.centre[0], f"{place.centre[0]:.1f}"), ", ",
            number(place.centre[1], f"{place.centre[1]:.1f}"),
        )  # fmt: skip
        yield joined(number(place.angle, f"{place.angle:.1f}"), "\u00b0")
        yield "yes" if place.mirrored else "no"
        yield number(place.magnification, f"{place.magnification:.3f}")

    header = (
        "Rank", "Confidence", "Score", "Found by", "Centre: row, column [EM px]", "Angle",
        "Mirrored", "EM px per LM px",
    )  # fmt: skip
    return joined(
        table(
            header,
            (
                list(row(rank))
                for rank in range(1, len(reported.registration.candidates.matches) + 1)
            ),
            caption="Candidates",
            class_="candidates",
        ),
        element(
            "p",
            "\u25cf the one this is about; \u25cb others that were registered. The others are as "
            "the search left them. Scores are to be compared within one search only.",
            class_="note",
        ),
    )


def landmark_table(reported: ReportedRun) -> Markup:
    """Return the errors at the landmarks, worst first; nothing where there are none."""
    pair = reported.pair
    if pair.landmarks is None or not len(pair.landmarks):
        return joined()
    errors, size = landmark_errors(pair), pair.lm.pixel_size
    landmarks: Landmarks = pair.landmarks

    def row(index: int) -> Iterator[Content]:
        yield named(landmarks.names[index])
        for points in (landmarks.lm, landmarks.em):
            yield _point(*points[index]) if math.isfinite(points[index][0]) else "not placed"
        for kind in (errors.residual, errors.left_out, errors.target):
            yield _error(float(kind[index]), size, "px")

    header = (
        "Landmark", "LM: row, column [px]", "EM: row, column [px]", "Residual [LM px]",
        "Left out [LM px]", "Held back [LM px]",
    )  # fmt: skip
    summary = [
        f"{np.isfinite(errors.residual).sum()} pairs in the fit ({pair.model}), "
        f"{np.isfinite(errors.target).sum()} held back. Residuals, root mean square: ",
        _error(errors.rms, size), ". Localisation error of a pair, estimated: ",
        _error(errors.localisation, size), ".",
    ]  # fmt: skip
    return element(
        "section",
        element("h3", "Landmarks"),
        element("p", summary),
        table(
            header,
            (list(row(int(index))) for index in errors.worst_first()),
            caption="Errors at the landmarks, worst first",
            class_="landmarks",
        ),
        element(
            "p",
            "Residual: what the fit leaves. Left out: the error at a landmark of a fit to all the "
            "others, which is fairer. Held back: at landmarks that took no part in the fit.",
            class_="note",
        ),
    )


def transform_table(reported: ReportedRun) -> Markup:
    """Return the matrix, and how it is to be read."""
    pair = reported.pair
    rows = [
        element("tr", (element("td", number(value, repr(float(value)))) for value in line))
        for line in pair.em_to_lm
    ]
    spline = (
        " The transform is a thin-plate spline: this is its affine part only."
        if pair.spline is not None
        else ""
    )
    return joined(
        element(
            "table",
            element("caption", "em_to_lm, from EM pixels to LM pixels"),
            element("tbody", rows),
            class_="matrix",
        ),
        element(
            "p",
            "(row, col, 1) of LM pixels = em_to_lm \u00d7 (row, col, 1) of EM pixels, as column "
            "vectors. Rows run down; the centre of the first pixel is at 0, 0. On the specimen, "
            f"position = (row, col) \u00d7 pixel size.{spline}",
            class_="note",
        ),
    )


def option_table(options: RegistrationOptions) -> Markup:
    """Return every option with its value; those that are not at their defaults are marked."""
    changed = options.changed()
    said = (
        ["Changed: ", ", ".join(changed), "."] if changed else "All options are at their defaults."
    )
    groups = []
    for group, declared in groupby(declarations(), key=lambda one: one.group):
        rows = [_option_row(one, options, one.path in changed) for one in declared]
        groups.append(
            element(
                "table",
                element("caption", GROUPS.get(group, group)),
                element("tbody", rows),
                class_="options",
            )
        )
    return joined(element("p", said), element("div", groups, class_="columns"))


def option_meanings() -> Markup:
    """Return what every option means."""
    return element(
        "dl",
        (
            joined(element("dt", one.path), element("dd", _worded(one.help), " ", _bounds(one)))
            for one in declarations()
        ),
        class_="meanings",
    )


def timings(registration: Registration) -> Markup:
    """Return how long each stage took."""
    total = sum(registration.timings.values())
    each = (
        [stage, " ", number(seconds, f"{seconds:.2f}"), " s, "]
        for stage, seconds in registration.timings.items()
    )
    return element("p", "Time taken: ", each, "together ", number(total, f"{total:.2f}"), " s.")


def again(reported: ReportedRun) -> Markup:
    """Return the command and the script that do a run again, or why there are none."""
    run, result = reported.run, reported.registration
    parts = []
    for title, write in (("As a command", command_line), ("As a Python script", python_snippet)):
        try:
            code = write(run.lm, run.em, result.roi, result.options, **way_taken(result))
        except ClemRetraceError as error:
            parts.append(element("p", f"{title}: none. {error}"))
        else:
            parts += [element("p", f"{title}:"), element("pre", element("code", code.rstrip()))]
    if reported.corrected:
        parts.append(element("p", "These give the run's own result, without the correction."))
    return joined(parts)


def _point(row: float, col: float) -> Markup:
    return joined(number(row, f"{row:.2f}"), ", ", number(col, f"{col:.2f}"))


def _error(pixels: float, size: float | None, unit: str = "LM px") -> Markup:
    """Return an error in LM pixels and on the specimen; a dash where there is none."""
    if not math.isfinite(pixels):
        return joined("\u2013")
    shown = joined(number(pixels, f"{pixels:.2f}"), f" {unit}")
    return shown if size is None else joined(shown, " = ", length(pixels, size))


def _option_row(declared: Declaration, options: RegistrationOptions, changed: bool) -> Markup:
    """Return an option's row."""
    owner = getattr(options, declared.group) if declared.group else options
    value = _shown(getattr(owner, declared.name))
    unit = f" {declared.unit}" if declared.unit and value != "open" else ""
    default = f"default {_shown(declared.default)}" if changed else ""
    name = f"\u25b6 {declared.name}" if changed else declared.name
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", value, unit),
        element("td", default),
        class_="changed" if changed else None,
    )


def _shown(value: object) -> str:
    """Return an option's value for people."""
    if value is None:
        return "open"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _worded(text: str) -> Markup:
    """Return a text of the declarations: what stands in backticks is code."""
    parts = text.split("`")
    return joined(element("code", part) if place % 2 else part for place, part in enumerate(parts))


def _bounds(declared: Declaration) -> str:
    """Return the values that an option may have."""
    if declared.choices:
        return f"One of {', '.join(declared.choices)}."
    unit = f" {declared.unit}" if declared.unit else ""
    if declared.minimum is None:
        return ""
    if declared.maximum is None:
        return f"At least {declared.minimum:g}{unit}."
    return f"{declared.minimum:g} to {declared.maximum:g}{unit}."
