"""What became of a row: `Outcome`, kept as row.json among its results."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from clem_retrace.batch.rows import Row
from clem_retrace.errors import BadFile
from clem_retrace.evaluation import Distance
from clem_retrace.geometry import decompose
from clem_retrace.io.tables import Table, read_table
from clem_retrace.micrograph import Roi

if TYPE_CHECKING:
    from clem_retrace.result import Registration

__all__ = ["RECORD", "Finding", "Outcome", "Record", "RowOutcome", "Status"]

Status = Literal["found", "not sure", "failed", "not run yet"]

#: The file that says that a folder holds the results of a row, all of them.
RECORD = "row.json"

KIND, FORMAT = "clem-retrace batch row", 1

#: Bytes. Larger files are no records.
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """The numbers of a registration that a table of results has.

    Attributes
    ----------
    confidence : float
    em_to_lm : tuple of 6 floats
        The first two rows of the transform from EM pixels (row, col, 1) to LM pixels.
    centre : (row, col), EM pixels
    angle : float, degrees
        By which the LM is turned to lie on the EM, counter-clockwise.
    mirrored : bool
    magnification : float, EM pixels per LM pixel
    support, expected_error : float or None
        Share of pixels that agree; expected rms error over the region, LM pixels.
    distance : Distance or None
        From the truth, where that was given.
    """

    confidence: float
    em_to_lm: tuple[float, ...]
    centre: tuple[float, float]
    angle: float
    mirrored: bool
    magnification: float
    support: float | None = None
    expected_error: float | None = None
    distance: Distance | None = None

    @classmethod
    def of(cls, registration: Registration, truth: Roi | None = None) -> Finding:
        """Return the numbers of a registration."""
        lm_to_em = decompose(registration.lm_to_em)
        estimate = registration.estimate
        return cls(
            confidence=registration.confidence,
            em_to_lm=tuple(registration.em_to_lm[:2].ravel().tolist()),
            centre=registration.centre,
            angle=lm_to_em.angle,
            mirrored=lm_to_em.mirrored,
            magnification=lm_to_em.magnification,
            support=estimate.support if estimate else None,
            expected_error=registration.error,
            distance=None if truth is None else registration.distance_to(truth),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row.

    Attributes
    ----------
    status : {"found", "not sure", "failed", "not run yet"}
    message : str
        The reason, for people.
    seconds : float or None
    finding : Finding or None
        None where nothing was found out.
    """

    status: Status
    message: str = ""
    seconds: float | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """A row of a batch with its outcome.

    Attributes
    ----------
    index : int
        The row's place in the batch, from 0.
    row : BatchRow or BadRow
    outcome : Outcome
    folder : Path
        Where its results are, if it has any; see `done`.
    before : bool
        Whether it was done by an earlier call.
    """

    index: int
    row: Row
    outcome: Outcome
    folder: Path
    before: bool = False

    @property
    def done(self) -> bool:
        """Whether there are results."""
        return self.outcome.finding is not None


@dataclass(frozen=True, slots=True)
class Record:
    """What row.json holds.

    Attributes
    ----------
    name : str
        Of the row.
    digest : str
        Of all that the results depend on.
    run : str
        The call of the batch that made them.
    outcome : Outcome
    files : tuple of str
        All that was written, the record too.
    """

    name: str
    digest: str
    run: str
    outcome: Outcome
    files: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write it into a folder that nobody looks at yet."""
        values = {"kind": KIND, "format": FORMAT, **dataclasses.asdict(self)}
        # ASCII only: names of files need not be text that can be encoded.
        (folder / RECORD).write_text(json.dumps(values, indent=2) + "\n", encoding="ascii")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the record in a folder; None where there is none that can be read."""
        try:
            table = read_table(folder / RECORD, "record of a row", LARGEST)
            if table.values.get("kind") != KIND or table.values.get("format") != FORMAT:
                return None
            files = table.values.get("files")
            return cls(
                table.text("name"),
                table.text("digest"),
                table.text("run"),
                _outcome(table.table("outcome")),
                tuple(name for name in files if isinstance(name, str))
                if isinstance(files, list)
                else (),
            )
        except BadFile:
            return None


def _outcome(table: Table) -> Outcome:
    """Return an outcome.

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    finding = table.table("finding")
    rows = finding.numbers("centre", 2)
    return Outcome(
        table.text("status", get_args(Status)),  # type: ignore[arg-type]
        table.text("message"),
        table.positive("seconds"),
        Finding(
            confidence=_number(finding, "confidence"),
            em_to_lm=finding.numbers("em_to_lm", 6),
            centre=(rows[0], rows[1]),
            angle=_number(finding, "angle"),
            mirrored=finding.values.get("mirrored") is True,
            magnification=_number(finding, "magnification"),
            support=_perhaps(finding, "support"),
            expected_error=_perhaps(finding, "expected_error"),
            distance=_distance(finding.table("distance")) if finding.has("distance") else None,
        ),
    )


def _distance(table: Table) -> Distance:
    return Distance(_number(table, "pixels"), _perhaps(table, "nm"), _number(table, "percent"))


def _number(table: Table, name: str) -> float:
    """Return a number.

    Raises
    ------
    BadFile
        It is none.
    """
    number: Any = table.values.get(name)
    if type(number) not in (int, float):
        raise BadFile(f"{table.where} lacks {name!r}")
    return float(number)


def _perhaps(table: Table, name: str) -> float | None:
    return _number(table, name) if table.has(name) else None
