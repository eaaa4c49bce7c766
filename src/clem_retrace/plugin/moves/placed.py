"""`Placed`: where the EM lies on the LM, by moves since it was first put there. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import (
    Decomposition,
    Matrix,
    as_transform,
    compose,
    decompose,
    invert,
    map_points,
    similarity,
    translation,
)
from clem_retrace.micrograph import ImageFacts, Roi

__all__ = ["Placed", "first_place"]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An EM on an LM, and how it came to lie there. Moves return another.

    All turns, all magnifications and mirrors leave `pivot` where it is: the centre of the
    region, so that what is looked at stays in sight, or without a region the EM's centre.

    Attributes
    ----------
    start, now : ndarray, shape (3, 3)
        From EM pixels to LM pixels, before all moves and after them.
    em_shape : (rows, cols)
    roi : Roi or None
        LM pixels.
    """

    start: Matrix
    now: Matrix
    em_shape: tuple[int, int]
    roi: Roi | None = None

    @classmethod
    def at(cls, em_to_lm: ArrayLike, em_shape: tuple[int, int], roi: Roi | None = None) -> Self:
        """Return an EM that has not been moved yet."""
        matrix = as_transform(em_to_lm)
        return cls(matrix, matrix, em_shape, roi)

    # What was done, in numbers

    @property
    def pivot(self) -> NDArray[np.float64]:
        """(row, col) in LM pixels about which the EM is turned and magnified."""
        if self.roi is not None:
            return np.asarray(self.roi.centre, dtype=np.float64)
        return map_points(self.now, Roi(0, 0, *self.em_shape).centre)

    @property
    def shift(self) -> NDArray[np.float64]:
        """(rows, cols) in LM pixels by which what was at the pivot at first has moved."""
        if self.roi is not None:
            return map_points(self._change, self.pivot) - self.pivot
        return self.pivot - map_points(self.start, Roi(0, 0, *self.em_shape).centre)

    @property
    def angle(self) -> float:
        """Degrees by which it was turned, counter-clockwise on the screen."""
        return self._taken_apart.angle

    @property
    def magnification(self) -> float:
        """By how much it was magnified."""
        return self._taken_apart.magnification

    @property
    def _change(self) -> Matrix:
        """From where LM pixels of the EM lay at first to where they lie now."""
        return compose(self.now, invert(self.start))

    @property
    def _taken_apart(self) -> Decomposition:
        return decompose(self._change)

    # Moves

    def moved_to(self, em_to_lm: ArrayLike) -> Self:
        """Return the same EM elsewhere."""
        return dataclasses.replace(self, now=as_transform(em_to_lm))

    def shifted(self, shift: ArrayLike) -> Self:
        """Return it shifted by (rows, cols), LM pixels."""
        return self._after(translation(shift))

    def turned(self, angle: float) -> Self:
        """Return it turned by degrees, counter-clockwise on the screen."""
        return self._after(similarity(1.0, angle, False, self.pivot, self.pivot))

    def magnified(self, factor: float) -> Self:
        """Return it larger by a factor."""
        return self._after(similarity(factor, 0.0, False, self.pivot, self.pivot))

    def mirrored_in(self, axis: int) -> Self:
        """Return it with its rows (0) or its columns (1) in reverse, as it lies on the LM."""
        half_turn = 180.0 if axis == 0 else 0.0
        return self._after(similarity(1.0, half_turn, True, self.pivot, self.pivot))

    def _after(self, change: Matrix) -> Self:
        return dataclasses.replace(self, now=compose(change, self.now))


def first_place(lm: ImageFacts, em: ImageFacts, centre: ArrayLike | None = None) -> Matrix:
    """Return where to put an EM of which nothing is known: upright, on the middle of the LM.

    Parameters
    ----------
    lm, em : ImageFacts
        With both pixel sizes known it has its true size, otherwise it fits into the LM.
    centre : (row, col), LM pixels, optional
        Where its centre is put; the LM's centre when not given.

    Returns
    -------
    ndarray, shape (3, 3)
        From EM pixels to LM pixels.
    """
    if lm.pixel_size is not None and em.pixel_size is not None:
        magnification = em.pixel_size / lm.pixel_size
    else:
        magnification = min(np.divide(lm.shape, em.shape))
    middle = Roi(0, 0, *lm.shape).centre if centre is None else centre
    return similarity(magnification, 0.0, False, Roi(0, 0, *em.shape).centre, middle)
