"""Transforms as OME-NGFF (OME-Zarr) coordinate transformations, version 0.6.

What is written is the metadata of a *scene*: two coordinate systems, of the EM and of the LM,
and the affine transformation from the one to the other. Versions up to 0.5 have none: they
scale and shift one image.

References
----------
OME-NGFF specification 0.6, sections "coordinateSystems", "coordinateTransformations" and
"scene"; https://ngff.openmicroscopy.org
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.geometry import Matrix
from clem_retrace.io.tables import Table
from clem_retrace.io.transforms.coordinates import from_file, in_file, pixel_frame
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.parsing import in_plane, matrix_of
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["NGFF"]

VERSION = "0.6"

_NAMES: dict[Unit, str] = {"nm": "nanometer", "um": "micrometer", "mm": "millimeter"}

_ENDS = ("input", "output")

#: As the specification has it.
MOST_AXES = 5

#: How deep sequences may lie in sequences.
_DEEPEST = 8


def _write(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return a zarr.json whose scene leads from the moving image to the fixed one."""
    fixed = partner(moving)
    axes = [{"name": name, "type": "space", "unit": _NAMES[unit]} for name in "yx"]
    scene = {
        "coordinateSystems": [{"name": which, "axes": axes} for which in (moving, fixed)],
        "coordinateTransformations": [
            {
                "type": "affine",
                "name": f"{moving} to {fixed}",
                "affine": in_file(transform, moving, unit)[:2].tolist(),
                "input": {"name": moving},
                "output": {"name": fixed},
            }
        ],
    }
    ome = {"version": VERSION, "scene": scene}
    values = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def _read(content: Content, asked: Asked) -> PairTransform:
    """Return the transform between the EM's coordinate system and the LM's.

    Raises
    ------
    BadFile
        There is none, or more than one, or it is not linear.
    MissingPixelSize
        A pixel size is not known.
    TransformError
        It cannot be inverted.
    """
    scene = _scene(content.table())
    table, source = _chosen(scene, asked)
    rows = scene.tables("coordinateSystems") if scene.has("coordinateSystems") else []
    systems = {system.text("name"): system for system in rows}
    start, end = (_end(systems.get(_reference(table, name)[0]), asked) for name in _ENDS)
    matrix = _linear(table, 2 if start.axes is None else start.axes, 0)
    if start.axes not in (None, matrix.shape[1] - 1) or end.axes not in (None, len(matrix) - 1):
        raise BadFile("its transformation has not as many numbers as its systems have axes")
    if min(matrix.shape) < 3:
        raise BadFile("its transformation is one of less than two axes")
    plane = in_plane(matrix, start.plane(matrix.shape[1] - 1), end.plane(len(matrix) - 1))
    lm, em = asked.image("lm"), asked.image("em")
    ends = {source: start, partner(source): end}
    frames: dict[Which, Matrix] = {
        "lm": pixel_frame(lm, "lm", ends["lm"].unit),
        "em": pixel_frame(em, "em", ends["em"].unit),
    }
    return from_file(plane, source, frames, lm, em)


def _scene(table: Table) -> Table:
    """Return the part of a file that holds the transformations."""
    for name in ("attributes", "ome"):
        if table.has(name):
            table = table.table(name)
    if table.has("scene"):
        return table.table("scene")
    if table.has("multiscales"):
        images = table.tables("multiscales")
        if len(images) != 1 or not images[0].has("coordinateTransformations"):
            raise BadFile(
                "it holds the scales of an image, and no transformation to another one: up to "
                "version 0.5 OME-NGFF has none"
            )
        return images[0]
    return table


def _chosen(scene: Table, asked: Asked) -> tuple[Table, Which]:
    """Return the transformation between EM and LM, and which of them it leads from."""
    tables = scene.tables("coordinateTransformations")
    sides = [[_side(table, end) for end in _ENDS] for table in tables]
    between = [index for index, pair in enumerate(sides) if set(pair) == {"em", "lm"}]
    if len(between) == 1:
        source: Any = sides[between[0]][0]
        return tables[between[0]], source
    if between or len(tables) != 1:
        raise BadFile(
            f"it holds {len(tables)} transformations, {len(between)} of them between systems named "
            "em and lm: one is needed"
        )
    return tables[0], asked.moving or "em"


def _reference(table: Table, end: str) -> tuple[str, str]:
    """Return name and path of the system that a transformation leads from or to."""
    value = table.values.get(end)
    if isinstance(value, str):
        return value, ""
    if isinstance(value, Mapping):
        name, path = (value.get(key) or "" for key in ("name", "path"))
        if isinstance(name, str) and isinstance(path, str):
            return name, path
    raise BadFile(f"a transformation does not say its {end}")


def _side(table: Table, end: str) -> str | None:
    """Return which image a system is named for, if for one of them."""
    words = set(re.split(r"[^a-z]+", " ".join(_reference(table, end)).lower()))
    named = words & {"em", "lm"}
    return named.pop() if len(named) == 1 else None


@dataclass(frozen=True, slots=True)
class _End:
    """A coordinate system that a transformation leads from or to.

    Attributes
    ----------
    axes : int or None
        How many; None where the system is described elsewhere.
    named : (int, int) or None
        Which are rows and columns, where they are named y and x.
    unit : {"nm", "um", "mm", "px"}
    """

    axes: int | None
    named: tuple[int, int] | None
    unit: Unit

    def plane(self, count: int) -> tuple[int, int]:
        """Return which of so many axes are rows and columns, by default the last two."""
        return self.named or (count - 2, count - 1)


def _end(system: Table | None, asked: Asked) -> _End:
    """Return what is known of a coordinate system.

    Raises
    ------
    BadFile
        It has less than two axes, or a unit that is not read, or none.
    """
    if system is None:
        if asked.unit is None:
            raise BadFile("it does not describe its coordinate systems: give their unit")
        return _End(None, None, asked.unit)
    axes = system.tables("axes")
    if not 2 <= len(axes) <= MOST_AXES:
        raise BadFile(f"{system.where} has {len(axes)} axes: 2 to {MOST_AXES} are read")
    names = [axis.values.get("name") for axis in axes]
    named = (names.index("y"), names.index("x")) if "y" in names and "x" in names else None
    end = _End(len(axes), named, "px")
    return replace(end, unit=_unit([axes[axis] for axis in end.plane(len(axes))], asked))


def _unit(axes: list[Table], asked: Asked) -> Unit:
    """Return the unit of two axes."""
    if all(axis.values.get("type") == "array" for axis in axes):
        return "px"
    names = [axis.values.get("unit") for axis in axes]
    if names == [None, None] and asked.unit is not None:
        return asked.unit
    for unit, name in _NAMES.items():
        if names == [name, name]:
            return unit
    known = ", ".join(_NAMES.values())
    raise BadFile(f"its axes are in {names[0]!r} and {names[1]!r}: one of {known} is needed")


def _linear(table: Table, axes: int, depth: int) -> NDArray[np.float64]:
    """Return the matrix, last row included, of a transformation that is linear.

    Parameters
    ----------
    table : Table
    axes : int
        Of the input, for the identity, which does not tell it.
    depth : int
        How many others it lies in.

    Raises
    ------
    BadFile
        It is of another type, or its numbers do not fit together.
    """
    kind = table.text("type")
    if depth > _DEEPEST:
        raise BadFile("its sequences lie too deep in each other")
    if kind == "identity":
        return np.eye(axes + 1)
    if kind == "bijection":
        return _linear(table.table("forward"), axes, depth + 1)
    if kind == "sequence":
        total = np.eye(axes + 1)
        for part in table.tables("transformations"):
            matrix = _linear(part, len(total) - 1, depth + 1)
            if matrix.shape[1] != len(total):
                raise BadFile("the parts of a sequence are of different dimensions")
            total = matrix @ total
        return total
    if kind not in _MATRICES:
        raise BadFile(f"a transformation is of the type {kind[:40]!r}: only linear ones are read")
    if kind not in table.values:
        raise BadFile(f"a transformation of the type {kind} does not hold its numbers itself")
    values = table.values[kind]
    numbers = matrix_of(values if kind in _TABLES else [values], kind)
    if max(numbers.shape) > MOST_AXES + 1:
        raise BadFile(f"a transformation has more than {MOST_AXES} axes")
    return _MATRICES[kind](numbers)


def _affine(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([matrix, np.eye(matrix.shape[1])[-1:]])


def _bordered(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a linear part as a transform that shifts nothing."""
    if linear.shape[0] != linear.shape[1]:
        raise BadFile("its matrix is not square")
    matrix = np.eye(len(linear) + 1)
    matrix[:-1, :-1] = linear
    return matrix


def _shift(row: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(row.size + 1)
    matrix[:-1, -1] = row[0]
    return matrix


def _permutation(row: NDArray[np.float64]) -> NDArray[np.float64]:
    if sorted(row[0]) != list(range(row.size)):
        raise BadFile("mapAxis is no order of the axes")
    return _bordered(np.eye(row.size)[row[0].astype(int)])


#: From the numbers of each type, those of a list as one row, to its matrix.
_MATRICES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "affine": _affine,
    "rotation": _bordered,
    "scale": lambda row: _bordered(np.diag(row[0])),
    "translation": _shift,
    "mapAxis": _permutation,
}

#: Those whose numbers are lists of rows.
_TABLES = ("affine", "rotation")

NGFF = Kind(
    name="ngff",
    title="OME-NGFF 0.6 transform, JSON",
    suffixes=(".ngff.json", "zarr.json", ".zattrs"),
    keeps_pairs=False,
    keeps_spline=False,
    units=("um", "nm", "mm"),
    recognises=lambda text: '"coordinateTransformations"' in text or '"multiscales"' in text,
    read=_read,
    write=_write,
)
