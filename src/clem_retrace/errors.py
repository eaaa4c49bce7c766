"""Typed errors: what was found, what was needed, what the user can change.

All derive from `ValueError`: the thread worker of napari's Qt layer swallows a
`RuntimeError` that is raised in a generator, and reports a `ValueError`.
"""

from __future__ import annotations

__all__ = [
    "BadFile",
    "BadImage",
    "ClemRetraceError",
    "InvalidOption",
    "LandmarkError",
    "MissingPixelSize",
    "PatchLargerThanEM",
    "RoiError",
    "SampleUnavailable",
    "TransformError",
    "shown",
]


class ClemRetraceError(ValueError):
    """Base of every error that a user can cause and mend."""


class BadImage(ClemRetraceError):
    """An image cannot be used: wrong dimension, type, size, or no contrast."""


class BadFile(ClemRetraceError):
    """A file cannot be read: missing, damaged, or of an unknown kind."""


class InvalidOption(ClemRetraceError):
    """An option is out of its bounds, unknown, or contradicts another."""


class LandmarkError(ClemRetraceError):
    """Pairs of points do not tell a transform: too few, on one line, or in one place."""


class MissingPixelSize(ClemRetraceError):
    """Neither two pixel sizes nor a ratio of them is known."""


class PatchLargerThanEM(ClemRetraceError):
    """The ROI, magnified to EM pixels, does not fit into the EM image."""


class RoiError(ClemRetraceError):
    """The region of interest is missing, empty, or outside the LM image."""


class SampleUnavailable(ClemRetraceError):
    """Sample data could not be downloaded or failed its checksum."""


class TransformError(ClemRetraceError):
    """A matrix is not an invertible, finite 3 x 3 transform."""


def shown(value: object) -> str:
    """Return a value for a message, cut off where it is long."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of some {value.bit_length() * 0.30103:.0f} digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
