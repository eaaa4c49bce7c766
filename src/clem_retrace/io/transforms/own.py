"""Transforms as JSON of our own, which keeps all of them, and those of registration.json."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.io.tables import Table
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.pairs import fitted
from clem_retrace.io.transforms.parsing import matrix_of
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks, Model, Which
from clem_retrace.registration.pair_transform import Origin, PairTransform

__all__ = ["OWN", "REGISTRATION", "pair_rows", "read_pairs"]

#: What tells the file from other JSON, and its form; raised when an old reader would misread it.
KIND, FORMAT = "clem-retrace transform", 1

_CONVENTION = (
    "(row, col, 1) of LM pixels = em_to_lm @ (row, col, 1) of EM pixels; pixel centres at "
    "integers, first pixel 0; pixel sizes in nm. A thin-plate spline is the one through the "
    "landmarks, of which em_to_lm is the affine part."
)


def _write(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return a transform as JSON; its form leaves open neither the direction nor the unit."""
    del moving, unit
    pairs = transform.landmarks
    values = {
        "kind": KIND,
        "format": FORMAT,
        "version": version("clem-retrace"),
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "convention": _CONVENTION,
        "em_to_lm": transform.em_to_lm.tolist(),
        "lm": dataclasses.asdict(transform.lm),
        "em": dataclasses.asdict(transform.em),
        "model": transform.model,
        "origin": transform.origin,
        "landmarks": None if pairs is None else pair_rows(pairs),
    }
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def pair_rows(pairs: Landmarks) -> list[dict[str, Any]]:
    """Return pairs as plain values, for JSON."""
    columns = zip(pairs.names, pairs.active, pairs.lm, pairs.em, strict=True)
    return [
        {"name": name, "active": bool(active), "lm": _plain(lm), "em": _plain(em)}
        for name, active, lm, em in columns
    ]


def _plain(point: NDArray[np.float64]) -> list[float] | None:
    """Return a point as a list, None where it is not placed."""
    return None if np.isnan(point).any() else [float(value) for value in point]


def _read(content: Content, asked: Asked) -> PairTransform:
    """Return the transform of a file of ours.

    Raises
    ------
    BadFile
        Something is missing or of another kind, or the form is a newer one.
    LandmarkError
        Its landmarks do not tell its spline.
    TransformError
        Its matrix is none.
    """
    table = content.table()
    if table.values.get("format") != FORMAT:
        raise BadFile(
            f"the file has the format {table.values.get('format')!r}, and this version of "
            f"clem-retrace reads {FORMAT}: it was saved by version {table.values.get('version')!r}"
        )
    lm, em = (asked.image(which, _facts(table.table(which))) for which in get_args(Which))
    pairs = read_pairs(table) if table.has("landmarks") else None
    model: Model = table.text("model", get_args(Model))  # type: ignore[assignment]
    origin: Origin = table.text("origin", get_args(Origin))  # type: ignore[assignment]
    matrix = matrix_of(table.values.get("em_to_lm"), "em_to_lm")
    if pairs is None:
        if model == "thin-plate spline":
            raise BadFile("the file lacks the landmarks of its thin-plate spline")
        return PairTransform(matrix, lm, em, model, origin)
    if asked.model not in (None, model):
        return fitted(pairs, asked, lm, em)
    if model == "thin-plate spline":
        return dataclasses.replace(fitted(pairs, asked, lm, em, model), origin=origin)
    return PairTransform(matrix, lm, em, model, origin, pairs)


def _facts(table: Table) -> ImageFacts:
    """Return what is written of an image.

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    rows, cols = table.numbers("shape", 2)
    if not (0 <= rows < 1e9 and 0 <= cols < 1e9 and rows.is_integer() and cols.is_integer()):
        raise BadFile(f"{table.where}.shape is ({rows:g}, {cols:g}): rows and columns are needed")
    size = table.positive("pixel_size") if table.has("pixel_size") else None
    return ImageFacts(table.text("name"), (int(rows), int(cols)), size)


def read_pairs(table: Table) -> Landmarks:
    """Return the pairs of a table's entry "landmarks".

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    rows = table.tables("landmarks")
    points = {
        which: np.array(
            [row.numbers(which, 2) if row.has(which) else (np.nan, np.nan) for row in rows],
            dtype=np.float64,
        ).reshape(-1, 2)
        for which in get_args(Which)
    }
    active = [row.values.get("active") for row in rows]
    if not all(isinstance(one, bool) for one in active):
        raise BadFile("a landmark does not say whether it is active: true or false is needed")
    names = tuple(row.text("name") for row in rows)
    return Landmarks(points["lm"], points["em"], np.array(active, bool), names)


def _read_registration(content: Content, asked: Asked) -> PairTransform:
    """Return the transform of a run's registration.json.

    Raises
    ------
    BadFile
        Something is missing or of another kind.
    """
    # Imported when needed: it brings scipy.
    from clem_retrace.result import Registration

    transform = Registration.from_dict(content.table().values).transform
    return dataclasses.replace(
        transform, lm=asked.image("lm", transform.lm), em=asked.image("em", transform.em)
    )


OWN = Kind(
    name="json",
    title="clem-retrace transform, JSON",
    suffixes=(".json",),
    keeps_pairs=True,
    keeps_spline=True,
    units=("px",),
    recognises=lambda text: f'"{KIND}"' in text,
    read=_read,
    write=_write,
)

REGISTRATION = Kind(
    name="registration",
    title="registration.json of a run",
    suffixes=(),
    keeps_pairs=False,
    keeps_spline=False,
    units=("px",),
    # A session has both, of each run.
    recognises=lambda text: (
        '"em_to_lm"' in text and '"candidates"' in text and '"clem-retrace session"' not in text
    ),
    read=_read_registration,
    write=None,
)
