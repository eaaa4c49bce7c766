"""One run, resolved: what the GUI thread hands to the worker, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace import pipeline
from clem_retrace.events import Progress, Steps
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import Registration
from clem_retrace.plugin.layers import ImageSource
from clem_retrace.registration.warping import overlay_on_lm_steps

__all__ = ["Answer", "Job"]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a job returns.

    Attributes
    ----------
    registration : Registration
    warped : ndarray, shape (M, N) of the LM, float32, or None
        The EM on the LM's pixels, when it was asked for.
    """

    registration: Registration
    warped: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything a run needs; no layer, no widget.

    Attributes
    ----------
    lm, em : ImageSource
    roi : Roi
    options : RegistrationOptions
    warp : bool
        Whether the EM is also wanted on the LM's pixels.
    """

    lm: ImageSource
    em: ImageSource
    roi: Roi
    options: RegistrationOptions
    warp: bool = False

    def steps(self) -> Steps[Answer]:
        """Yield the run's events; return its `Answer`."""
        yield Progress("reading", 0, 1)
        lm, em = self.lm.read(), self.em.read()
        registration = yield from pipeline.steps(lm, em, self.roi, self.options)
        if not self.warp:
            return Answer(registration, None)
        warped = yield from overlay_on_lm_steps(em, registration.em_to_lm, lm.shape, "overlay")
        return Answer(registration, warped)
