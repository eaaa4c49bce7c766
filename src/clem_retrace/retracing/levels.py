"""The passes of the oriented search: a quick one, and a thorough one for what it leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from clem_retrace.alignment import Model

__all__ = ["LEVELS", "Level", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the growth: see `alignment.GrowthStep`.

    Attributes
    ----------
    cell : float, LM pixels
        Pixel size of the grid, for a ROI of usual size.
    reach : float or None, LM pixels
        For a ROI of usual size; None for all that is allowed.
    kept, iterations : int
    model : {"similarity", "affine"}
    spread : int
    """

    cell: float
    reach: float | None
    kept: int
    iterations: int
    model: Model
    spread: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One pass of sweep and growth.

    Attributes
    ----------
    cell : float, LM pixels
        Pixel size of the sweep's grid, for a ROI of usual size.
    reach : float, LM pixels
        Surroundings that the sweep uses, for a ROI of usual size. More are more evidence,
        though a few percent of shear have moved the outermost by more than their size.
    growth : tuple of Step
        The first one's places are the sweep's.
    """

    cell: float
    reach: float
    growth: tuple[Step, ...]


#: The quick pass and the thorough one. Coarse grids lead into the basin of an alignment, but
#: do not judge well: structures are few there, and a wrong place that was chosen from
#: hundreds for its likeness, and then aligned, is as like as the right one. So as many as
#: can be afforded are compared at the LM's own resolution, before the surroundings grow.
LEVELS = (
    Level(
        3.0,
        120.0,
        (
            Step(3.0, 80.0, 120, 4, "similarity"),
            Step(2.0, 80.0, 60, 5, "similarity"),
            Step(1.0, 80.0, 24, 3, "similarity"),
            Step(2.0, 120.0, 16, 6, "affine", spread=1),
            Step(2.0, None, 16, 8, "affine"),
            Step(1.0, None, 16, 3, "affine"),
        ),
    ),
    Level(
        2.0,
        150.0,
        (
            Step(2.0, 80.0, 300, 4, "similarity"),
            Step(2.0, 80.0, 160, 5, "similarity"),
            Step(1.0, 80.0, 100, 5, "similarity"),
            Step(2.0, 120.0, 48, 6, "affine", spread=8),
            Step(2.0, None, 40, 8, "affine"),
            Step(1.0, None, 32, 3, "affine"),
        ),
    ),
)
