"""Which ways round the region is tried: angles, mirrors, magnifications."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clem_retrace.geometry import angle_between

__all__ = ["Orientation", "OrientationGrid", "Turn", "ratio_parts"]

Mirror = Literal["either", "no", "yes"]

#: A ratio that is less certain is searched in parts, each this wide to either side of its
#: middle, as a logarithm.
WIDEST_PART = -math.log(0.8)


@dataclass(frozen=True, slots=True)
class Orientation:
    """One way round: mirror first, then turn and magnify (see `geometry.similarity`)."""

    angle: float
    mirrored: bool
    magnification: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One template to be made, and the up to four orientations that its spectrum serves.

    A template turned half round, or with its columns flipped, is the same numbers in
    another order: its spectrum needs no transform of its own. Flipping the columns of a
    template turned by a gives one mirrored and turned by -a.

    Attributes
    ----------
    angle, magnification : float
        Of the template that is made.
    wanted : tuple of (Orientation, half_turn, flipped)
    """

    angle: float
    magnification: float
    wanted: tuple[tuple[Orientation, bool, bool], ...]


@dataclass(frozen=True, slots=True)
class OrientationGrid:
    """Orientations so close that none is missed.

    Neighbours differ by `tolerance` pixels, to either side, at `radius` pixels from the
    centre: the weighted root-mean-square radius of what is compared.

    Attributes
    ----------
    radius, tolerance : float, pixels
    ratio_uncertainty : float
        The magnification runs from 1 - it to 1 / (1 - it).
    mirror : {"either", "no", "yes"}
    angle : float or None, degrees
        None stands for any.
    angle_uncertainty : float, degrees
    """

    radius: float
    tolerance: float
    ratio_uncertainty: float
    mirror: Mirror = "either"
    angle: float | None = None
    angle_uncertainty: float = 180.0

    @property
    def magnifications(self) -> tuple[float, ...]:
        """The magnifications tried, 1 among them."""
        reach = -math.log1p(-self.ratio_uncertainty)
        steps = math.ceil(reach * self.radius / (2 * self.tolerance) - 0.05)
        if steps <= 0:
            return (1.0,)
        return tuple(math.exp(reach * step / steps) for step in range(-steps, steps + 1))

    @property
    def angle_step(self) -> float:
        """Degrees between neighbours; an even number of steps makes the circle."""
        step = math.degrees(2 * self.tolerance / self.radius)
        return 360 / (2 * max(2, math.ceil(180 / step)))

    def _wants(self, orientation: Orientation) -> bool:
        """Whether an orientation is among those asked for."""
        if (self.mirror == "no" and orientation.mirrored) or (
            self.mirror == "yes" and not orientation.mirrored
        ):
            return False
        if self.angle is None:
            return True
        apart = angle_between(orientation.angle, self.angle)
        # A hair more: half-way between two orientations rounding must not lose both.
        return apart <= self.angle_uncertainty + self.angle_step / 2 + 1e-6

    def turns(self) -> Iterator[Turn]:
        """Yield the templates to be made, each with the orientations it serves."""
        step = self.angle_step
        half_circle = round(180 / step)
        for magnification in self.magnifications:
            for index in range(half_circle):
                angle = index * step
                variants = (
                    (Orientation(angle, False, magnification), False, False),
                    (Orientation(angle - 180, False, magnification), True, False),
                    (Orientation(-angle, True, magnification), False, True),
                    (Orientation(180 - angle, True, magnification), True, True),
                )
                wanted = tuple(variant for variant in variants if self._wants(variant[0]))
                if wanted:
                    yield Turn(angle, magnification, wanted)


def ratio_parts(ratio: float, uncertainty: float) -> list[tuple[float, float]]:
    """Return ratios, each with an uncertainty, that together cover those that may be true.

    The LoG of both images is taken at one physical scale, so that a ratio which is far off
    makes unlike representations of them.
    """
    reach = -math.log1p(-uncertainty)
    count = max(1, math.ceil(reach / WIDEST_PART - 1e-9))
    return [
        (ratio * math.exp((2 * part + 1 - count) / count * reach), -math.expm1(-reach / count))
        for part in range(count)
    ]
