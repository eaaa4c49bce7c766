"""What came of a method on a task, and the shares and quantiles of many as tables."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from answers import Answer, Method
from clem_retrace.evaluation import centre_distance, target_registration_error
from clem_retrace.geometry import Matrix, invert, map_points
from registration_methods import Registration
from tasks import Task

#: A place is retrieved when its centre is off by less than this, percent of the EM's diagonal.
RETRIEVED = 1.0

#: The true ratio is found when the match's is within this part of it.
RATIO_FOUND = 0.02

#: A registration that moves a match off by more than this, LM pixels, made it worse.
WORSE = 0.1

#: Edges of the reliability table's bins.
CONFIDENCES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What came of one method on one retrieval task.

    Attributes
    ----------
    method, task, kind : str
    present : bool
        Whether the ROI is in the EM.
    shared : float or None
    offset : float or None, % of the EM diagonal
        Of the centre; None without an answer or a truth.
    error, match_error : float or None, LM pixels
        Median target registration error over the ROI, and that of the match alone where a
        registration came after it.
    ratio_error : float or None
        Part by which the match's magnification differs from the true ratio.
    confidence : float or None
    found : bool or None
    seconds : float
    failure : str
        Why there is no answer.
    """

    method: str
    task: str
    kind: str
    present: bool
    shared: float | None
    offset: float | None
    error: float | None
    match_error: float | None
    ratio_error: float | None
    confidence: float | None
    found: bool | None
    seconds: float
    failure: str = ""

    @property
    def right(self) -> bool:
        """Whether the place was retrieved."""
        return self.offset is not None and self.offset < RETRIEVED


@dataclass(frozen=True, slots=True)
class Alignment:
    """What came of one registration from one start: errors in LM pixels, the start's too."""

    method: str
    task: str
    kind: str
    start_error: float
    error: float
    seconds: float
    failure: str = ""


Outcome = TypeVar("Outcome", Retrieval, Alignment)


@dataclass(frozen=True, slots=True)
class Table:
    """Titles of the columns, and rows of as many cells."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, all but its first column set to the right."""
        table = [self.titles, *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.titles))]
        lines = [
            " | ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        rule = "|".join("-" * (width + 1) + ("-:"[i > 0]) for i, width in enumerate(widths))
        return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])

    def to_dicts(self) -> list[dict[str, str]]:
        """Return each row as a dictionary by the titles."""
        return [dict(zip(self.titles, row, strict=True)) for row in self.rows]


def try_retrieval(name: str, method: Method, task: Task) -> Retrieval:
    """Return what came of a method; one that raises has failed, and the record says how."""
    begin = time.perf_counter()
    answer, failure = None, ""
    try:
        answer = method(task)
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begin
    offset = error_px = match_error = ratio_error = None
    if answer is not None and task.present:
        true_centre = map_points(task.truth, task.roi.centre)
        offset = centre_distance(answer.centre, true_centre, task.em.shape).percent
        error_px, match_error = _error(answer.em_to_lm, task), _error(answer.match, task)
        if answer.magnification is not None:
            ratio_error = abs(answer.magnification / task.true_ratio - 1)
    said = answer or Answer((math.nan, math.nan))
    return Retrieval(
        method=name, task=task.name, kind=task.kind, present=task.present, shared=task.shared,
        offset=offset, error=error_px, match_error=match_error, ratio_error=ratio_error,
        confidence=said.confidence, found=said.found, seconds=seconds, failure=failure,
    )  # fmt: skip


def try_alignment(name: str, register: Registration, task: Task, start: Matrix) -> Alignment:
    """Return what came of a registration; one that raises leaves the start as it is."""
    begin = time.perf_counter()
    matrix, failure = start, ""
    try:
        matrix = register(task, start)
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begin
    before, after = _error(start, task), _error(matrix, task)
    assert before is not None
    assert after is not None
    return Alignment(name, task.name, task.kind, before, after, seconds, failure)


def _error(em_to_lm: Matrix | None, task: Task) -> float | None:
    """Return the median target registration error over the ROI, LM pixels."""
    if em_to_lm is None:
        return None
    if not np.isfinite(em_to_lm).all() or abs(np.linalg.det(em_to_lm)) < 1e-12:
        return math.inf
    return float(np.median(target_registration_error(em_to_lm, invert(task.truth), task.roi)))


def retrieval_table(outcomes: Sequence[Retrieval]) -> Table:
    """Return the table of present tasks, a row a method."""
    titles = (
        "method", "tasks", "retrieved", "TRE median", "TRE 90 %", "made worse", "ratio to 2 %",
        "seconds", "right of found", "right, not found", "failed",
    )  # fmt: skip
    rows = []
    for method, some in by_method(outcomes).items():
        right = [one for one in some if one.right]
        sure = [one for one in some if one.found is not None]
        errors = _values(right, "error")
        registered = [one for one in right if one.match_error is not None]
        scaled = [one for one in right if one.ratio_error is not None]
        rows.append((
            method,
            str(len(some)),
            share([one.right for one in some]),
            quantile(errors, 0.5),
            quantile(errors, 0.9),
            share([_made_worse(one) for one in registered]),
            share([one.ratio_error <= RATIO_FOUND for one in scaled]),
            quantile(_values(some, "seconds"), 0.5),
            share([one.right for one in sure if one.found]),
            share([not one.found for one in sure if one.right]),
            str(sum(bool(one.failure) for one in some)),
        ))  # fmt: skip
    return Table(titles, tuple(rows))


def offset_table(outcomes: Sequence[Retrieval]) -> Table:
    """Return the table of how far the centres are off, a row a method and specimen."""
    titles = (
        "method", "specimen", "tasks", "median % off", "90th % off", "retrieved", "seconds",
        "failed",
    )  # fmt: skip
    rows = []
    for method, some in by_method(outcomes).items():
        for specimen in dict.fromkeys(one.task.split()[0] for one in some):
            ones = [one for one in some if one.task.startswith(specimen)]
            offsets = _values(ones, "offset")
            rows.append((
                method,
                specimen,
                str(len(ones)),
                quantile(offsets, 0.5),
                quantile(offsets, 0.9),
                share([one.right for one in ones]),
                quantile(_values(ones, "seconds"), 0.5),
                str(sum(bool(one.failure) for one in ones)),
            ))  # fmt: skip
    return Table(titles, tuple(rows))


def _made_worse(one: Retrieval) -> bool:
    assert one.error is not None
    assert one.match_error is not None
    return one.error > one.match_error + WORSE


def absent_table(outcomes: Sequence[Retrieval]) -> Table:
    """Return the table of absent ROIs: how many are refused, and how surely."""
    titles = ("method", "tasks", "refused", "highest confidence", "seconds", "failed")
    rows = []
    for method, some in by_method(outcomes).items():
        said = [one for one in some if one.found is not None]
        rows.append((
            method,
            str(len(some)),
            share([not one.found for one in said]),
            quantile(_values(said, "confidence"), 1.0),
            quantile(_values(some, "seconds"), 0.5),
            str(sum(bool(one.failure) for one in some)),
        ))  # fmt: skip
    return Table(titles, tuple(rows))


def confidence_table(groups: Mapping[str, Sequence[Retrieval]]) -> Table:
    """Return the table of what the word "found" is worth, a row a group of present and absent."""
    titles = ("runs", "called found", "of these right", "right, not found", "absent refused")
    rows = []
    for name, outcomes in groups.items():
        said = [one for one in outcomes if one.found is not None]
        rows.append((
            name,
            share([bool(one.found) for one in said]),
            share([one.right for one in said if one.found]),
            share([not one.found for one in said if one.right]),
            share([not one.found for one in said if not one.present]),
        ))  # fmt: skip
    return Table(titles, tuple(rows))


def reliability_table(groups: Mapping[str, Sequence[Retrieval]]) -> Table:
    """Return the table of confidence against the share that is right, by group."""
    titles = ("confidence", *(f"{name}: mean, right" for name in groups))
    rows = []
    for low, high in itertools.pairwise(CONFIDENCES):
        last = high == CONFIDENCES[-1]
        cells = [f"{low:.2f} to {high:.2f}"]
        for outcomes in groups.values():
            some = [
                one
                for one in outcomes
                if one.confidence is not None
                and low <= one.confidence
                and (last or one.confidence < high)
            ]
            mean = f"{np.mean(_values(some, 'confidence')):.3f}, " if some else ""
            cells.append(mean + share([one.right for one in some]))
        rows.append(tuple(cells))
    return Table(titles, tuple(rows))


def alignment_table(outcomes: Sequence[Alignment]) -> Table:
    """Return the table of registrations from a start, a row a method."""
    titles = (
        "method", "starts", "under 1 px", "under 2 px", "TRE median", "TRE 90 %", "seconds",
        "worse than start", "failed",
    )  # fmt: skip
    rows = []
    for method, some in by_method(outcomes).items():
        errors = _values(some, "error")
        rows.append((
            method,
            str(len(some)),
            share(errors < 1),
            share(errors < 2),
            quantile(errors, 0.5),
            quantile(errors, 0.9),
            quantile(_values(some, "seconds"), 0.5),
            share([one.error > one.start_error for one in some]),
            str(sum(bool(one.failure) for one in some)),
        ))  # fmt: skip
    return Table(titles, tuple(rows))


def by_method(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return the outcomes of each method, in the order of the methods' first."""
    grouped: dict[str, list[Outcome]] = {}
    for one in outcomes:
        grouped.setdefault(one.method, []).append(one)
    return grouped


def share(flags: Sequence[bool] | NDArray[np.bool_]) -> str:
    """Return how many of the flags are set, in percent and in numbers; a dash for none at all."""
    if len(flags) == 0:
        return "-"
    return f"{np.mean(flags):.1%} ({int(np.sum(flags))}/{len(flags)})"


def quantile(values: NDArray[np.float64], at: float) -> str:
    """Return a quantile; a dash for that of none at all."""
    if len(values) == 0:
        return "-"
    # An infinite error is a value too, and cannot be interpolated.
    method = "linear" if np.isfinite(values).all() else "higher"
    return f"{np.quantile(values, at, method=method):.3g}"


def _values(outcomes: Sequence[Retrieval | Alignment], name: str) -> NDArray[np.float64]:
    """Return an attribute of the outcomes that have it."""
    values = [getattr(one, name) for one in outcomes]
    return np.array([value for value in values if value is not None], dtype=np.float64)
