"""Pairs of points on the two images, as a person places them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.errors import LandmarkError

__all__ = ["Landmarks", "Model", "Which"]

#: What is fitted to the pairs.
Model = Literal["rigid", "similarity", "affine", "thin-plate spline"]

#: The image that a point lies on.
Which = Literal["lm", "em"]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Pairs of points that show the same thing in the LM and in the EM.

    Attributes
    ----------
    lm, em : ndarray, shape (K, 2), float64
        (row, col) in pixels of each image; NaN where a point is not placed yet.
    active : ndarray, shape (K,), bool
        Whether a pair takes part in the fit; one that does not can be held back to measure
        the error at it.
    names : tuple of str

    Raises
    ------
    LandmarkError
        The four are not of one length, or a coordinate is infinite.
    """

    lm: NDArray[np.float64]
    em: NDArray[np.float64]
    active: NDArray[np.bool_]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check and freeze what was given."""
        for name in ("lm", "em"):
            points = np.array(getattr(self, name), dtype=np.float64).reshape(-1, 2)
            if np.isinf(points).any():
                raise LandmarkError("a landmark lies at infinity")
            # Half a point is none.
            points[np.isnan(points).any(axis=1)] = np.nan
            points.setflags(write=False)
            object.__setattr__(self, name, points)
        active = np.array(self.active, dtype=bool).reshape(-1)
        active.setflags(write=False)
        object.__setattr__(self, "active", active)
        object.__setattr__(self, "names", tuple(str(name) for name in self.names))
        lengths = {len(self.lm), len(self.em), len(self.active), len(self.names)}
        if len(lengths) > 1:
            raise LandmarkError(
                f"there are {len(self.lm)} points on the LM and {len(self.em)} on the EM, "
                f"{len(self.active)} marks and {len(self.names)} names: as many of each are needed"
            )

    @classmethod
    def of(cls, lm: ArrayLike = (), em: ArrayLike = ()) -> Self:
        """Return active pairs of points, shape (K, 2) each, with names of their own."""
        lm = np.asarray(lm, dtype=np.float64).reshape(-1, 2)
        names = tuple(str(number) for number in range(1, len(lm) + 1))
        return cls(lm, np.asarray(em, dtype=np.float64), np.ones(len(lm), bool), names)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which pairs have both points, shape (K,)."""
        return np.asarray(np.isfinite(np.hstack([self.lm, self.em])).all(axis=1), bool)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which pairs take part in a fit, shape (K,)."""
        return self.placed & self.active

    @property
    def held_back(self) -> NDArray[np.bool_]:
        """Which pairs are placed and take no part, shape (K,)."""
        return self.placed & ~self.active

    def adding(self, *, lm: ArrayLike | None = None, em: ArrayLike | None = None) -> Self:
        """Return the pairs and one more, with a name that none has yet; a point may be missing."""
        number = len(self) + 1
        while str(number) in self.names:
            number += 1
        points = [np.full(2, np.nan) if one is None else np.asarray(one, float) for one in (lm, em)]
        return type(self)(
            np.vstack([self.lm, points[0]]),
            np.vstack([self.em, points[1]]),
            np.append(self.active, True),
            (*self.names, str(number)),
        )

    def moving(self, pair: int, image: Which, point: ArrayLike | None) -> Self:
        """Return the pairs with a point of one placed elsewhere, or no longer placed."""
        points = np.array(getattr(self, image))
        points[pair] = np.nan if point is None else point
        changed: dict[str, Any] = {image: points}
        return dataclasses.replace(self, **changed)

    def switching(self, pair: int, active: bool) -> Self:
        """Return the pairs with one switched on or off."""
        switched = np.array(self.active)
        switched[pair] = active
        return dataclasses.replace(self, active=switched)

    def renaming(self, pair: int, name: str) -> Self:
        """Return the pairs with another name for one."""
        names = [*self.names]
        names[pair] = name
        return dataclasses.replace(self, names=tuple(names))

    def removing(self, pair: int) -> Self:
        """Return the pairs without one; the others keep their names."""
        kept = [number for number in range(len(self)) if number != pair]
        names = tuple(self.names[number] for number in kept)
        return type(self)(self.lm[kept], self.em[kept], self.active[kept], names)
