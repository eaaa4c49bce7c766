"""`PairTransform`: the way from an EM image to an LM image, with what other tools ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clem_retrace.geometry import Matrix, as_transform, invert, map_points
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks, Model, Which
from clem_retrace.registration.thin_plate import ThinPlate

__all__ = ["Origin", "PairTransform"]

#: Where a transform comes from.
Origin = Literal["automatic", "landmarks", "hand", "file"]


@dataclass(frozen=True, slots=True, eq=False)
class PairTransform:
    """The way from an EM image to an LM image.

    Attributes
    ----------
    em_to_lm : ndarray, shape (3, 3), float64
        From EM pixels to LM pixels, (row, col, 1). With a thin-plate spline its affine part.
    lm, em : ImageFacts
        Shapes and pixel sizes are needed where coordinates are physical.
    model : {"rigid", "similarity", "affine", "thin-plate spline"}
    origin : {"automatic", "landmarks", "hand", "file"}
    landmarks : Landmarks or None
        The pairs it was fitted to, of the origin "landmarks"; of another, pairs that it can be
        checked with.
    spline : ThinPlate or None
        Of the model "thin-plate spline".

    Raises
    ------
    TransformError
        The matrix is not an invertible affine transform.

    Examples
    --------
    >>> from clem_retrace.micrograph import ImageFacts
    >>> from clem_retrace.registration.pair_transform import PairTransform
    >>> lm = ImageFacts("lm", shape=(300, 400), pixel_size=100.0)
    >>> em = ImageFacts("em", shape=(2000, 2400), pixel_size=10.0)
    >>> transform = PairTransform([[0.1, 0, 50], [0, 0.1, 60], [0, 0, 1]], lm, em)
    >>> transform.to_lm((1000, 1000)).tolist()
    [150.0, 160.0]
    """

    em_to_lm: Matrix
    lm: ImageFacts
    em: ImageFacts
    model: Model = "affine"
    origin: Origin = "automatic"
    landmarks: Landmarks | None = None
    spline: ThinPlate | None = None

    def __post_init__(self) -> None:
        """Refuse what is no transform, or a spline under another name."""
        object.__setattr__(self, "em_to_lm", as_transform(self.em_to_lm))
        if (self.spline is not None) != (self.model == "thin-plate spline"):
            raise ValueError(
                f"a transform of the model {self.model!r} and a spline exclude "
                "each other, or need each other"
            )

    def facts(self, which: Which) -> ImageFacts:
        """Return what is known of the LM or of the EM."""
        return self.lm if which == "lm" else self.em

    def to_lm(self, em_points: ArrayLike) -> NDArray[np.float64]:
        """Return EM points, shape (..., 2), in LM pixels."""
        if self.spline is not None:
            return self.spline.to_lm(em_points)
        return map_points(self.em_to_lm, em_points)

    def to_em(self, lm_points: ArrayLike) -> NDArray[np.float64]:
        """Return LM points, shape (..., 2), in EM pixels."""
        if self.spline is not None:
            return self.spline.to_em(lm_points)
        return map_points(invert(self.em_to_lm), lm_points)
