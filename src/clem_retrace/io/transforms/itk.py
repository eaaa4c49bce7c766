"""Transforms as text of ITK: SimpleITK, elastix, 3D Slicer.

ITK resamples, so its transforms lead from the fixed image to the moving one, in lengths,
(x, y). A file may hold one transform, or a composite of several, of which the last is
applied first.

References
----------
ITK's itkTxtTransformIO.cxx, for the form; itkMatrixOffsetTransformBase.h, for the centre.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, TransformError
from clem_retrace.geometry import swap_axes
from clem_retrace.io.transforms.coordinates import from_file, in_file, pixel_frames
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.notes import note, noted
from clem_retrace.io.transforms.parsing import in_plane, numbers, written
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["ITK"]

_HEAD = "#Insight Transform File V1.0"

_Vector = NDArray[np.float64]


def _write(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return an affine transform from the fixed image to the moving one."""
    fixed = partner(moving)
    matrix = swap_axes(in_file(transform, fixed, unit))
    parameters = (*matrix[:2, :2].ravel(), *matrix[:2, 2])
    lines = (
        _HEAD,
        note(fixed, moving, unit, "x, y"),
        "#Transform 0",
        "Transform: AffineTransform_double_2_2",
        f"Parameters: {' '.join(map(written, parameters))}",
        "FixedParameters: 0 0",
    )
    return "\n".join(lines) + "\n"


def _read(content: Content, asked: Asked) -> PairTransform:
    """Return the transform of a file.

    Raises
    ------
    BadFile
        It is damaged, or not linear.
    MissingPixelSize
        A pixel size is not known.
    TransformError
        It cannot be inverted.
    """
    if not content.text.lstrip().startswith(_HEAD):
        raise BadFile(f"it does not begin with {_HEAD!r}")
    source, unit = noted(content.text, partner(asked.moving or "em"), "mm", asked)
    blocks = list(_blocks(content.text))
    if not blocks:
        raise BadFile("it holds no transform: it may be cut short")
    if blocks[0][0].startswith("CompositeTransform_"):
        blocks = blocks[1:]
    elif len(blocks) > 1:
        raise BadFile(f"it holds {len(blocks)} transforms, and does not say how they combine")
    matrices = [_matrix(*block) for block in blocks]
    if not matrices or len({len(matrix) for matrix in matrices}) > 1:
        raise BadFile("its composite transform is empty, or of parts of different dimensions")
    total = matrices[0]
    for matrix in matrices[1:]:
        total = total @ matrix
    lm, em = asked.image("lm"), asked.image("em")
    matrix = swap_axes(in_plane(total, (0, 1)))
    return from_file(matrix, source, pixel_frames(lm, em, unit), lm, em)


def _blocks(text: str) -> Iterator[tuple[str, _Vector, _Vector]]:
    """Yield name, parameters and fixed parameters of each transform in a file."""
    found: dict[str, str] = {}
    for line in [*text.splitlines(), "Transform:"]:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        label, colon, value = line.partition(":")
        label = label.strip()
        if not colon or label not in ("Transform", "Parameters", "FixedParameters"):
            raise BadFile(f"it holds a line that ITK does not write: {line.strip()[:40]!r}")
        if label == "Transform":
            if found:
                yield _block(found)
            found = {}
        elif label in found or "Transform" not in found:
            raise BadFile(f"it holds {label} where a transform is to begin")
        found[label] = value.strip()


def _block(found: dict[str, str]) -> tuple[str, _Vector, _Vector]:
    name = found["Transform"]
    if name.startswith("CompositeTransform_"):
        return name, np.empty(0), np.empty(0)
    if "Parameters" not in found or "FixedParameters" not in found:
        raise BadFile(f"the parameters of {name} are missing: it may be cut short")
    parameters, fixed = (
        numbers(found[label], label) for label in ("Parameters", "FixedParameters")
    )
    return name, parameters, fixed


def _matrix(name: str, parameters: _Vector, fixed: _Vector) -> NDArray[np.float64]:
    """Return the matrix, shape (N + 1, N + 1), of a linear transform."""
    parts = re.fullmatch(r"(\w+)_(?:double|float)_([23])_\2", name)
    if parts is None or (parts[1], int(parts[2])) not in _LINEAR:
        raise BadFile(
            f"{name[:60]} is not among the transforms that are read, the linear ones of a plane: "
            "save it as an AffineTransform, or as BigWarp landmarks where it bends"
        )
    n = int(parts[2])
    count, shift_at, linear_of = _LINEAR[parts[1], n]
    centred = parts[1] not in ("TranslationTransform", "IdentityTransform")
    if len(parameters) != count or len(fixed) not in ((n,) if centred else (0, n)):
        raise BadFile(
            f"{name} has {count} parameters and {n} fixed ones, not {len(parameters)} and "
            f"{len(fixed)}: the file may be cut short"
        )
    centre = fixed if centred else np.zeros(n)
    shift = parameters[shift_at : shift_at + n] if shift_at is not None else np.zeros(n)
    matrix = np.eye(n + 1)
    matrix[:n, :n] = linear_of(parameters)
    matrix[:n, n] = shift + centre - matrix[:n, :n] @ centre
    if not np.isfinite(matrix).all():
        raise TransformError("a transform must hold finite numbers only")
    return matrix


def _turn(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _square(n: int) -> Callable[[_Vector], NDArray[np.float64]]:
    return lambda values: values[: n * n].reshape(n, n)


#: For each transform and dimension: how many parameters, where the shift begins, the linear part.
_LINEAR: dict[tuple[str, int], tuple[int, int | None, Callable[[_Vector], NDArray[np.float64]]]] = {
    ("Euler2DTransform", 2): (3, 1, lambda values: _turn(values[0])),
    ("Rigid2DTransform", 2): (3, 1, lambda values: _turn(values[0])),
    ("Similarity2DTransform", 2): (4, 2, lambda values: values[0] * _turn(values[1])),
}
for _n in (2, 3):
    for _name in ("AffineTransform", "MatrixOffsetTransformBase"):
        _LINEAR[_name, _n] = (_n * _n + _n, _n * _n, _square(_n))
    _LINEAR["ScaleTransform", _n] = (_n, None, np.diag)
    _LINEAR["TranslationTransform", _n] = (_n, 0, lambda values: np.eye(len(values)))
    _LINEAR["IdentityTransform", _n] = (0, None, lambda _, n=_n: np.eye(n))  # type: ignore[misc]

ITK = Kind(
    name="itk",
    title="ITK transform, text",
    suffixes=(".tfm", ".txt"),
    keeps_pairs=False,
    keeps_spline=False,
    units=("mm", "um", "nm", "px"),
    recognises=lambda text: "#Insight Transform" in text,
    read=_read,
    write=_write,
)
