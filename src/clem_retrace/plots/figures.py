"""What a figure shows, as values: axes, series of points, guides, and the table behind them.

Nothing here knows of Qt: a figure is made of a registration, and painted, saved or read out
by others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Figure", "Guide", "Look", "Panel", "Role", "Series"]

#: How a series is drawn. Those of "area" and "steps" have one value for each bin.
Look = Literal["line", "dashed", "dotted", "area", "steps", "discs", "rings", "diamonds"]

#: What a series stands for, which gives its colour.
Role = Literal["lm", "em", "reference"]

#: Of a decade, from few to many.
LOG_TICKS: tuple[tuple[float, ...], ...] = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))
ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis with its label, unit included.

    Attributes
    ----------
    label : str
    low, high : float
        Its ends; those of a logarithmic axis are positive.
    log : bool
    whole : bool
        Whether only whole numbers make sense on it.
    """

    label: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def share(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return where values lie, from 0 at the low end to 1 at the high one; no further."""
        inside = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        if self.log:
            shares = np.log(inside / self.low) / math.log(self.high / self.low)
        else:
            shares = (inside - self.low) / (self.high - self.low)
        return np.asarray(shares, dtype=np.float64)

    def ticks(self, most: int) -> list[float]:
        """Return round values on the axis, at most so many."""
        return self._log_ticks(most) if self.log else self._linear_ticks(most)

    def _log_ticks(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        slack = 1e-9
        chosen: list[float] = []
        for steps in LOG_TICKS:
            found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
            found = [
                tick for tick in found if self.low * (1 - slack) <= tick <= self.high * (1 + slack)
            ]
            if len(found) <= most or not chosen:
                chosen = found
        # Of many decades every second, third, ...
        return chosen[:: -(-len(chosen) // most)] if chosen else [self.low]

    def _linear_ticks(self, most: int) -> list[float]:
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(size * power for size in ROUND_STEPS if size * power >= rough * (1 - 1e-9))
        if self.whole:
            step = max(1.0, math.ceil(step))
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + number) * step, 12) for number in range(count)]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points, or bins, that belong together.

    Attributes
    ----------
    name : str
        For the legend; empty when it needs none.
    x : ndarray, shape (K,), or (K + 1,) for bins
        Edges of the bins, for looks with bins.
    y : ndarray, shape (K,)
    look : Look
    role : Role
    tips : tuple of str
        One for each value, with units; empty when a series has none.
    keys : tuple of int
        What the points stand for, one each: ranks of candidates; empty otherwise.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    look: Look
    role: Role
    tips: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()

    @property
    def binned(self) -> bool:
        """Whether the values are those of bins."""
        return self.look in ("area", "steps")

    @property
    def centres(self) -> NDArray[np.float64]:
        """Where the values lie on the horizontal axis, shape (K,)."""
        return (self.x[1:] + self.x[:-1]) / 2 if self.binned else self.x


@dataclass(frozen=True, slots=True)
class Guide:
    """A line across a panel with a label: vertical at a value of x, or level at one of y."""

    value: float
    along: Literal["x", "y"]
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    title : str
    x, y : Axis
    series : tuple of Series
        The first is drawn first.
    guides : tuple of Guide
    top : Axis, optional
        The horizontal axis in another unit, drawn along the upper edge.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    guides: tuple[Guide, ...] = ()
    top: Axis | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """Panels below each other, what they say in words, and the numbers behind them.

    Attributes
    ----------
    name : str
        For files.
    panels : tuple of Panel
    caption : str
        What is to be seen, in a sentence or two.
    header : tuple of str
        Names of the table's columns, with units.
    rows : tuple of tuple
        Numbers and texts.
    """

    name: str
    panels: tuple[Panel, ...]
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[float | int | str | None, ...], ...]
