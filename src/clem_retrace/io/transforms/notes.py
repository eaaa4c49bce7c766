"""The comment line that says what a file of bare numbers means."""

from __future__ import annotations

import re
from typing import get_args

from clem_retrace.errors import BadFile
from clem_retrace.io.transforms.kind import UNITS, Asked, Unit
from clem_retrace.registration.landmarks import Which

__all__ = ["note", "noted"]

_NOTE = re.compile(r"^#\s*clem-retrace: from (\w+) to (\w+), in (\w+)\b", re.MULTILINE)


def note(source: Which, target: Which, unit: Unit, order: str) -> str:
    """Return a comment line: direction, unit, order of axes, and where 0 is."""
    origin = "first pixel centre at 0"
    return f"# clem-retrace: from {source} to {target}, in {unit}, ({order}), {origin}"


def noted(text: str, source: Which, unit: Unit, asked: Asked) -> tuple[Which, Unit]:
    """Return from which image a text's transform leads, and in which unit.

    Parameters
    ----------
    text : str
    source : {"em", "lm"}
        Where it leads from if it says nothing, and nothing else is asked for.
    unit : {"nm", "um", "mm", "px"}
        Likewise.
    asked : Asked
        What is asked for counts only where the text says nothing.

    Raises
    ------
    BadFile
        The line is there, and cannot be understood.
    """
    found = _NOTE.search(text)
    if found is None:
        return source, asked.unit or unit
    start, end, said = found.groups()
    if {start, end} != set(get_args(Which)) or said not in UNITS:
        raise BadFile(f"its note says {found.group()!r}: em, lm and {', '.join(UNITS)} are known")
    return start, said  # type: ignore[return-value]
