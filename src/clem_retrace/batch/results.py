"""results.csv: a line for each row of a batch, in the table's order and its way of writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from clem_retrace.batch.outcomes import Finding, RowOutcome
from clem_retrace.batch.sheets import COMMAS, Dialect, written
from clem_retrace.io.writing import replacing

__all__ = ["COLUMNS", "RESULTS", "write_results"]

RESULTS = "results.csv"

#: What is told of each row, before the columns of its table.
COLUMNS = (
    "name",
    "status",
    "message",
    "confidence",
    "centre_row_em_px",
    "centre_col_em_px",
    "angle_degrees",
    "mirrored",
    "magnification_em_px_per_lm_px",
    "support",
    "expected_error_lm_px",
    "distance_em_px",
    "distance_nm",
    "distance_percent_of_diagonal",
    *(f"em_to_lm_{row}{col}" for row in range(2) for col in range(3)),
    "seconds",
    "folder",
)


def write_results(path: Path, outcomes: Sequence[RowOutcome], dialect: Dialect = COMMAS) -> Path:
    """Return the path after writing what became of each row.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    headings = list(dict.fromkeys(heading for each in outcomes for heading in each.row.cells))
    carried = [heading for heading in headings if heading.lower() != "name"]
    lines = [
        (*COLUMNS, *carried),
        *(
            (*_cells(each, dialect), *(each.row.cells.get(heading, "") for heading in carried))
            for each in outcomes
        ),
    ]
    with replacing(path) as part:
        part.write_bytes(written(lines, dialect))
    return path


def _cells(each: RowOutcome, dialect: Dialect) -> Iterator[str]:
    """Yield the cells of a row."""
    outcome = each.outcome
    yield from (each.row.name, outcome.status, outcome.message)
    numbers = [*_numbers(outcome.finding), _number(outcome.seconds, ".2f")]
    if dialect.decimal_comma:
        numbers = [number.replace(".", ",") for number in numbers]
    yield from numbers
    yield each.folder.name if each.done else ""


def _numbers(finding: Finding | None) -> Iterator[str]:
    """Yield the cells of what was found; empty ones where nothing was."""
    if finding is None:
        yield from [""] * (len(COLUMNS) - 5)
        return
    distance = finding.distance
    yield _number(finding.confidence, ".4f")
    yield from (_number(place, ".2f") for place in finding.centre)
    yield _number(finding.angle, ".3f")
    yield "yes" if finding.mirrored else "no"
    yield _number(finding.magnification, ".6g")
    yield _number(finding.support, ".3f")
    yield _number(finding.expected_error, ".3f")
    yield _number(distance.pixels if distance else None, ".2f")
    yield _number(distance.nm if distance else None, ".1f")
    yield _number(distance.percent if distance else None, ".3f")
    yield from (_number(element, ".10g") for element in finding.em_to_lm)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
