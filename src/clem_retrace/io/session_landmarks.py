"""`SessionLandmarks`, the pairs of points that a session keeps."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Self, get_args

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import Matrix, as_transform
from clem_retrace.io.tables import Table
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks, Model
from clem_retrace.registration.pair_transform import Origin, PairTransform

__all__ = ["SessionLandmarks"]


@dataclass(frozen=True, slots=True, eq=False)
class SessionLandmarks:
    """Pairs of points on the images that are chosen, as they were left.

    Attributes
    ----------
    landmarks : Landmarks
    model : {"rigid", "similarity", "affine", "thin-plate spline"}
        What is fitted to them.
    start : ndarray, shape (3, 3), or None
        From EM to LM pixels, as it was before any pair.
    origin : {"automatic", "hand", "file"}
        Where the start comes from.
    """

    landmarks: Landmarks
    model: Model = "affine"
    start: Matrix | None = None
    origin: Origin = "automatic"

    def transform(self, lm: ImageFacts, em: ImageFacts) -> PairTransform | None:
        """Return what is fitted to the pairs; the start, with the pairs, where they are too few.

        None where there is no start either.
        """
        # Imported when needed: scipy is slow to come.
        from clem_retrace.registration.fits import fit_landmarks

        with contextlib.suppress(LandmarkError):
            return fit_landmarks(self.landmarks, self.model, lm=lm, em=em, start=self.start)
        if self.start is None:
            return None
        return PairTransform(self.start, lm, em, "affine", self.origin, self.landmarks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        # Imported when needed: it brings all kinds of transform files.
        from clem_retrace.io.transforms.own import pair_rows

        return {
            "landmarks": pair_rows(self.landmarks),
            "model": self.model,
            "start": None if self.start is None else self.start.tolist(),
            "origin": self.origin,
        }

    @classmethod
    def from_table(cls, table: Table) -> Self:
        """Return the pairs of a table.

        Raises
        ------
        ClemRetraceError
            Something is missing or of another kind.
        """
        from clem_retrace.io.transforms.own import read_pairs

        start = as_transform(table.values["start"]) if table.has("start") else None
        model: Model = table.text("model", get_args(Model))  # type: ignore[assignment]
        origin: Origin = table.text("origin", get_args(Origin))  # type: ignore[assignment]
        return cls(read_pairs(table), model, start, origin)
