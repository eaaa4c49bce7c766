"""The EM laid over the LM: resampled once, on the LM's grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Steps, run
from clem_retrace.geometry import Matrix, compose, decompose, invert
from clem_retrace.micrograph import Micrograph
from clem_retrace.resampling import decimate_steps, warp

__all__ = ["overlay_on_lm", "overlay_on_lm_steps"]


def overlay_on_lm(
    em: Micrograph, em_to_lm: Matrix, lm_shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the EM, decimated and warped onto the grid of the LM.

    Parameters
    ----------
    em : Micrograph
    em_to_lm : ndarray, shape (3, 3)
    lm_shape : (rows, cols)

    Returns
    -------
    ndarray, shape `lm_shape`, float32
        NaN where the EM does not reach.
    """
    return run(overlay_on_lm_steps(em, em_to_lm, lm_shape, "overlay"))


def overlay_on_lm_steps(
    em: Micrograph, em_to_lm: Matrix, lm_shape: tuple[int, int], stage: str
) -> Steps[NDArray[np.float32]]:
    """Yield progress of `overlay_on_lm` under the name of `stage`; return its result."""
    factor = max(1.0, decompose(invert(em_to_lm)).magnification)
    small, em_to_small = yield from decimate_steps(em, factor, stage)
    return warp(small, compose(em_to_lm, invert(em_to_small)), lm_shape)
