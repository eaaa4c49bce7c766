"""`Pairing`, all that the user has set, and `Past`, what of it can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from clem_retrace.geometry import Matrix
from clem_retrace.registration.landmarks import Landmarks, Model, Which
from clem_retrace.registration.pair_transform import Origin

__all__ = ["Pairing", "Past"]

#: How many changes can be undone.
DEPTH = 200


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Pairs of points, what is fitted to them, and what was known before them.

    Attributes
    ----------
    landmarks : Landmarks
        A point that is not placed is one to be predicted, or one that is still to be clicked.
    model : {"rigid", "similarity", "affine", "thin-plate spline"}
    start : ndarray, shape (3, 3), or None
        From EM pixels to LM pixels, as it was before any pair; None when nothing is known.
    origin : {"automatic", "hand", "file"}
        Where the start comes from.
    as_predicted : tuple of bool
        Which pairs were confirmed where they were predicted, and not moved: they say nothing
        against what predicted them.
    """

    landmarks: Landmarks = dataclasses.field(default_factory=Landmarks.of)
    model: Model = "affine"
    start: Matrix | None = None
    origin: Origin = "automatic"
    as_predicted: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        """Take other pairs for placed by hand."""
        if len(self.as_predicted) != len(self.landmarks):
            object.__setattr__(self, "as_predicted", (False,) * len(self.landmarks))

    def __len__(self) -> int:
        return len(self.landmarks)

    def missing(self, pair: int) -> Which | None:
        """Return the image on which a pair has no point yet; None when it has both."""
        if np.isnan(self.landmarks.lm[pair]).any():
            return "lm"
        return "em" if np.isnan(self.landmarks.em[pair]).any() else None

    @property
    def unconfirmed(self) -> tuple[int, ...]:
        """The pairs that have one point only."""
        return tuple(pair for pair in range(len(self)) if self.missing(pair) is not None)

    def with_landmarks(self, landmarks: Landmarks) -> Self:
        """Return the same with other marks or names of the pairs, or with other pairs."""
        return dataclasses.replace(self, landmarks=landmarks)

    def _placed(self, landmarks: Landmarks, as_predicted: Iterable[bool]) -> Self:
        return dataclasses.replace(self, landmarks=landmarks, as_predicted=tuple(as_predicted))

    def adding(self, which: Which, point: ArrayLike) -> Self:
        """Return the pairs and one more, placed on one image."""
        placed = {"lm": point} if which == "lm" else {"em": point}
        return self._placed(self.landmarks.adding(**placed), (*self.as_predicted, False))

    def moving(
        self, pair: int, which: Which, point: ArrayLike, *, as_predicted: bool = False
    ) -> Self:
        """Return the pairs with a point of one placed elsewhere, or placed at last."""
        marks = [*self.as_predicted]
        marks[pair] = as_predicted
        return self._placed(self.landmarks.moving(pair, which, point), marks)

    def removing(self, pairs: Iterable[int]) -> Self:
        """Return the pairs without some."""
        landmarks, gone = self.landmarks, set(pairs)
        for pair in sorted(gone, reverse=True):
            landmarks = landmarks.removing(pair)
        marks = (mark for pair, mark in enumerate(self.as_predicted) if pair not in gone)
        return self._placed(landmarks, marks)

    def starting(self, start: Matrix | None, origin: Origin) -> Self:
        """Return the same pairs, begun from another transform."""
        return dataclasses.replace(self, start=start, origin=origin)


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A pairing, with those before it and those that were undone.

    Attributes
    ----------
    now : Pairing
    before, after : tuple of (str, Pairing)
        What can be undone and redone, the next one last, with the words for it.
    """

    now: Pairing = dataclasses.field(default_factory=Pairing)
    before: tuple[tuple[str, Pairing], ...] = ()
    after: tuple[tuple[str, Pairing], ...] = ()

    def changing(self, words: str, pairing: Pairing) -> Past:
        """Return what there is after a change, which `words` name for the user."""
        return Past(pairing, (*self.before, (words, self.now))[-DEPTH:])

    @property
    def undo_words(self) -> str:
        """What would be undone; empty when nothing can be."""
        return self.before[-1][0] if self.before else ""

    @property
    def redo_words(self) -> str:
        """What would be redone; empty when nothing can be."""
        return self.after[-1][0] if self.after else ""

    def undoing(self) -> Past:
        """Return what there was before the last change."""
        if not self.before:
            return self
        *before, (words, pairing) = self.before
        return Past(pairing, tuple(before), (*self.after, (words, self.now)))

    def redoing(self) -> Past:
        """Return what there was before it was undone."""
        if not self.after:
            return self
        *after, (words, pairing) = self.after
        return Past(pairing, (*self.before, (words, self.now)), tuple(after))
