"""Lengths on the specimen, as they are shown to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["Length"]


@dataclass(frozen=True, slots=True)
class Length:
    """The unit in which lengths are shown, and what it is in the viewer's world.

    Attributes
    ----------
    unit : str
        "µm", or "px" where the viewer's world has no unit of length.
    size : float
        World units per `unit`.
    """

    unit: str
    size: float

    @classmethod
    def of(cls, viewer: Viewer) -> Length:
        """Return the unit that suits a viewer."""
        units = viewer.layers.units
        if units is None or not units[-1].is_compatible_with("um"):
            return cls("px", 1.0)
        return cls("µm", 1 / float((1 * units[-1]).to("um").magnitude))

    def shown(self, world: float) -> float:
        """Return a length of the world in `unit`."""
        return world / self.size

    def world(self, shown: float) -> float:
        """Return a length in `unit` as one of the world."""
        return shown * self.size
