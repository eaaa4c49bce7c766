"""Pairs of points on the two images, as a person places them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import LARGEST_ENTRY

__all__ = ["CALLED", "FEWEST", "ON_A_LINE", "Landmarks", "Model", "Which", "partner"]

#: What is fitted to the pairs.
Model = Literal["rigid", "similarity", "affine", "thin-plate spline"]

#: The image that a point lies on.
Which = Literal["lm", "em"]

#: How many pairs tell a transform.
FEWEST: dict[Model, int] = {"rigid": 2, "similarity": 2, "affine": 3, "thin-plate spline": 3}

#: Points are in one place when they are nearer than this share of the extent of all, and on
#: one line when they reach less than this to its sides.
SAME_PLACE = 1e-6
ON_A_LINE = 0.01

#: The models in a sentence.
CALLED: dict[Model, str] = {
    "rigid": "a rigid transform",
    "similarity": "a similarity",
    "affine": "an affine transform",
    "thin-plate spline": "a thin-plate spline",
}


def partner(which: Which) -> Which:
    """Return the other of the two images."""
    return "lm" if which == "em" else "em"


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
        The four are not of one length, a point has not two coordinates, or one of them is
        infinite.

    Examples
    --------
    >>> from clem_retrace.registration.landmarks import Landmarks
    >>> pairs = Landmarks.of(lm=[(60, 80), (60, 280)], em=[(100, 200), (100, 2200)])
    >>> pairs = pairs.adding(lm=(210, 80))  # its partner is not placed yet
    >>> len(pairs), pairs.placed.tolist()
    (3, [True, True, False])
    """

    lm: NDArray[np.float64]
    em: NDArray[np.float64]
    active: NDArray[np.bool_]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check and freeze what was given."""
        for name in ("lm", "em"):
            points = _points(getattr(self, name))
            if (np.abs(points) > LARGEST_ENTRY).any():
                raise LandmarkError("a landmark lies at infinity, or as good as there")
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
        lm = _points(lm)
        names = tuple(str(number) for number in range(1, len(lm) + 1))
        return cls(lm, _points(em), np.ones(len(lm), bool), names)

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
        return type(self)(
            np.vstack([self.lm, _point(lm)]),
            np.vstack([self.em, _point(em)]),
            np.append(self.active, True),
            (*self.names, str(number)),
        )

    def moving(self, pair: int, image: Which, point: ArrayLike | None) -> Self:
        """Return the pairs with a point of one placed elsewhere, or no longer placed."""
        points = np.array(getattr(self, image))
        points[pair] = _point(point)
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
        everyone = range(len(self))
        kept = [number for number in everyone if number != everyone[pair]]
        names = tuple(self.names[number] for number in kept)
        return type(self)(self.lm[kept], self.em[kept], self.active[kept], names)

    def require(self, model: Model) -> None:
        """Refuse pairs that do not tell a transform of a model.

        Raises
        ------
        LandmarkError
            Too few are used, two of them lie in one place, or, where it matters, all of them
            nearly on one line.
        """
        # Imported when needed: the package itself loads without scipy.
        from scipy.spatial import KDTree

        used = np.flatnonzero(self.used)
        if len(used) < FEWEST[model]:
            raise LandmarkError(self._too_few(model))
        for image, points in (("LM", self.lm[used]), ("EM", self.em[used])):
            away = points - points.mean(axis=0)
            # Digits that a coordinate far from 0 does not have tell no place.
            least = SAME_PLACE * np.hypot(*away.T).max() + 1e-12 * np.abs(points).max()
            least = max(least, 1 / LARGEST_ENTRY)
            together = sorted(KDTree(points).query_pairs(least))
            if together:
                one, other = (self.names[pair] for pair in used[list(together[0])])
                raise LandmarkError(
                    f"pairs {one} and {other} lie at the same place on the {image}: move, remove "
                    "or switch off one of them"
                )
            if FEWEST[model] > 2:
                _refuse_line(away, image, model)

    def _too_few(self, model: Model) -> str:
        """Return what is missing for a model, for people."""
        count, fewest = int(self.used.sum()), FEWEST[model]
        found = "none is" if count == 0 else "one is" if count == 1 else f"only {count} are"
        reasons = [
            f"pair {name} has no point on the {'LM' if np.isnan(lm).any() else 'EM'} yet"
            if not placed
            else f"pair {name} is switched off"
            for name, lm, placed, used in zip(
                self.names, self.lm, self.placed, self.used, strict=True
            )
            if not used
        ]
        because = f" ({'; '.join(reasons)})" if reasons else ""
        return (
            f"{CALLED[model]} needs {fewest} pairs, and {found} placed and switched on{because}: "
            f"place {fewest - count} more"
        )


def _points(values: ArrayLike) -> NDArray[np.float64]:
    """Return a copy as points, shape (K, 2)."""
    try:
        points = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise LandmarkError(f"landmarks are rows of two coordinates: {error}") from error
    if points.size == 0:
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:
        raise LandmarkError(f"landmarks are rows of two coordinates, not of shape {points.shape}")
    return points


def _point(value: ArrayLike | None) -> NDArray[np.float64]:
    """Return a point, shape (2,); NaN for none."""
    if value is None:
        return np.full(2, np.nan)
    points = _points(np.asarray(value, dtype=object)[None])
    if len(points) != 1:
        raise LandmarkError(f"a landmark has two coordinates, not {value!r}")
    return np.asarray(points[0])


def _refuse_line(away: NDArray[np.float64], image: str, model: Model) -> None:
    """Raise an error for points, less their centroid, that lie nearly on one line."""
    axes = np.linalg.svd(away, full_matrices=False)[2]
    along, across = (away @ axes.T).T
    if np.hypot.reduce(across) <= ON_A_LINE * np.hypot.reduce(along):
        raise LandmarkError(
            f"the {len(away)} pairs lie on one line on the {image}, or nearly: "
            f"{np.ptp(along):.3g} px along it, {np.ptp(across):.2g} px across; "
            f"{CALLED[model]} needs a pair away from the line, a similarity does not"
        )
