"""`Fit`: the transform that a pairing gives, or why it gives none, and the errors at its pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import LandmarkError, TransformError
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmark_errors import LandmarkErrors, landmark_errors
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["Fit", "Source", "fit"]

#: What the transform that is shown was made of.
Source = Literal["nothing", "start", "pairs", "earlier pairs"]


@dataclass(frozen=True, eq=False)
class Fit:
    """What a pairing gives.

    Without slots, for the sake of what is worked out when it is first asked for: a point that
    is dragged asks for a transform at each step, and for errors now and then.

    Attributes
    ----------
    pairing : Pairing
    transform : PairTransform or None
        What predicts partners, and lays the EM over the LM.
    source : {"nothing", "start", "pairs", "earlier pairs"}
        With "earlier pairs" the transform no longer belongs to the pairing.
    fault : str
        Why the pairs give no transform; empty when they do, or when none is to be used.
    """

    pairing: Pairing
    transform: PairTransform | None = None
    source: Source = "nothing"
    fault: str = ""

    @cached_property
    def errors(self) -> LandmarkErrors | None:
        """The errors at the pairs, of a transform that belongs to them."""
        if self.transform is None or not self.is_current:
            return None
        return landmark_errors(self.transform)

    @property
    def is_current(self) -> bool:
        """Whether the transform is that of the pairing as it stands."""
        return self.source in ("start", "pairs")

    def points(self, which: Which) -> NDArray[np.float64]:
        """Return the points on an image, shape (K, 2): placed, predicted, or NaN."""
        landmarks = self.pairing.landmarks
        placed, partners = landmarks.lm, landmarks.em
        if which == "em":
            placed, partners = partners, placed
        points = np.array(placed)
        missing = np.isnan(placed).any(axis=1) & ~np.isnan(partners).any(axis=1)
        if self.transform is not None and missing.any():
            to_image = self.transform.to_lm if which == "lm" else self.transform.to_em
            points[missing] = to_image(partners[missing])
        return points

    @property
    def residual(self) -> NDArray[np.float64]:
        """Distance of the used pairs from their fit, shape (K,), LM px; NaN for the others."""
        return self._unknown() if self.errors is None else self.errors.residual

    @property
    def test(self) -> NDArray[np.float64]:
        """Error at each pair of a transform that has not seen it, shape (K,), LM px.

        That is the leave-one-out error of the pairs used, and the target error of those held
        back; of all pairs the latter, as long as the transform is the one begun with.
        """
        if self.errors is None:
            return self._unknown()
        return np.where(np.isnan(self.errors.target), self.errors.left_out, self.errors.target)

    def _unknown(self) -> NDArray[np.float64]:
        return np.full(len(self.pairing), np.nan)


def fit(pairing: Pairing, lm: ImageFacts, em: ImageFacts, before: Fit | None = None) -> Fit:
    """Return what a pairing gives.

    Parameters
    ----------
    pairing : Pairing
    lm, em : ImageFacts
    before : Fit, optional
        Where the pairs give no transform, and an earlier state of them did, that one is
        kept, as such.
    """
    fault = ""
    if pairing.landmarks.used.any():
        try:
            transform = fit_landmarks(
                pairing.landmarks, pairing.model, lm=lm, em=em, start=pairing.start
            )
            return Fit(pairing, transform, "pairs")
        except (LandmarkError, TransformError) as error:
            fault = str(error)
        if before is not None and before.source in ("pairs", "earlier pairs"):
            return Fit(pairing, before.transform, "earlier pairs", fault)
    if pairing.start is None:
        return Fit(pairing, fault=fault)
    # Only an affine transform can be begun with, whatever is to be fitted.
    transform = PairTransform(pairing.start, lm, em, "affine", pairing.origin, pairing.landmarks)
    return Fit(pairing, transform, "start", fault)
