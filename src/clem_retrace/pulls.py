"""Transforms from a grid back to an image, evaluated at nodes and linear between these."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["NODE_STEP", "Nodes", "Pull", "Window", "coarseness"]

Pull = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From points of a grid, shape (..., 2), to those of a micrograph; NaN where there is none."""

Window = tuple[slice, slice]
"""Rows and columns of a grid, from a start to a stop."""

#: A transform is evaluated at every eighth pixel of a grid, and is linear between these: a
#: bend that shifts by 20 pixels and back over 1000 is followed to 0.01 pixels.
NODE_STEP = 8


#: No grid is finer than this.
LEAST_COARSENESS = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Where the nodes in and around a window of a grid lie on the image.

    They are the same for all windows of a grid: neighbours fit together.

    Attributes
    ----------
    window : (slice, slice)
    places : ndarray, shape (K, L, 2), float64
        (row, col) of the image.
    """

    window: Window
    places: NDArray[np.float64]

    @classmethod
    def of(cls, pull: Pull, window: Window) -> Self:
        """Return the nodes of a window."""
        lines = [_lines(side) for side in window]
        return cls(window, pull(np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)))

    @property
    def known(self) -> NDArray[np.float64]:
        """The places of the nodes that have one, shape (K, 2)."""
        return self.places[np.isfinite(self.places).all(axis=-1)]

    def positions(self) -> NDArray[np.float64]:
        """Return where the window's pixels lie on the image, shape (2, m, n); NaN if nowhere."""
        # No matrix product: several threads would each start those of the linear algebra.
        lower, weight = _weights(self.window[0])
        rows = self.places[lower] * (1 - weight)[:, None, None]
        rows += self.places[lower + 1] * weight[:, None, None]
        lower, weight = _weights(self.window[1])
        rows = np.moveaxis(rows, 2, 0)
        positions: NDArray[np.float64] = rows[..., lower] * (1 - weight)
        positions += rows[..., lower + 1] * weight
        return positions


def coarseness(pull: Pull, shape: tuple[int, int]) -> float:
    """Return the micrograph's pixels a grid pixel, the median of places all over the grid."""
    lines = [np.linspace(0, side - 1, 9) for side in shape]
    places = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    down, right = (pull(places + half) - pull(places - half) for half in ((0.5, 0.0), (0.0, 0.5)))
    areas = np.abs(down[..., 0] * right[..., 1] - down[..., 1] * right[..., 0])
    known = areas[np.isfinite(areas)]
    # Of places that differ in digits that they do not have, 0 would remain.
    return max(math.sqrt(float(np.median(known))), LEAST_COARSENESS) if len(known) else 1.0


def _lines(side: slice) -> NDArray[np.float64]:
    """Return the rows or columns of nodes round a window, the same for all windows of a grid."""
    first = side.start // NODE_STEP * NODE_STEP
    return np.arange(first, side.stop + NODE_STEP, NODE_STEP, dtype=np.float64)


def _weights(side: slice) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return which line of nodes each row or column comes after, and how much the next counts."""
    lower, beyond = np.divmod(np.arange(side.start, side.stop), NODE_STEP)
    return lower - lower[0], beyond / NODE_STEP
