"""Retrace a light-microscopy region in an electron micrograph, and register the two."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clem_retrace.by_hand import register_from
    from clem_retrace.errors import ClemRetraceError
    from clem_retrace.events import Progress, StageResult
    from clem_retrace.memory import Memory
    from clem_retrace.micrograph import Micrograph, Roi
    from clem_retrace.options import PRESETS, RegistrationOptions
    from clem_retrace.pipeline import refine, register, steps
    from clem_retrace.result import Registration

__all__ = [
    "PRESETS",
    "ClemRetraceError",
    "Memory",
    "Micrograph",
    "Progress",
    "Registration",
    "RegistrationOptions",
    "Roi",
    "StageResult",
    "__version__",
    "refine",
    "register",
    "register_from",
    "steps",
]

# Imported when first asked for: the command line's help and napari's start need none of it.
_HOMES = {
    "PRESETS": "options",
    "ClemRetraceError": "errors",
    "Memory": "memory",
    "Micrograph": "micrograph",
    "Progress": "events",
    "Registration": "result",
    "RegistrationOptions": "options",
    "Roi": "micrograph",
    "StageResult": "events",
    "refine": "pipeline",
    "register": "pipeline",
    "register_from": "by_hand",
    "steps": "pipeline",
}


def __getattr__(name: str) -> Any:
    """Return a public name from its module, or the installed version."""
    if name == "__version__":
        from importlib.metadata import version

        return version("clem-retrace")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
