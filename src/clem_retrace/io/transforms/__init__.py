"""Transforms between the two images, in and out of the files of other programs."""

from clem_retrace.io.transforms.exchange import KINDS, kind_for, read_transform, write_transform
from clem_retrace.io.transforms.kind import UNITS, Kind, Unit

__all__ = ["KINDS", "UNITS", "Kind", "Unit", "kind_for", "read_transform", "write_transform"]
