"""What a retrieval method is, what it answers, and the images that references compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.geometry import Matrix, invert, map_points
from tasks import Task

Image = NDArray[np.float32]

#: Sigma of the references' LoG, LM pixels.
LOG_SIGMA = 1.5


class MethodFailed(ValueError):
    """A method gives no answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method says.

    Attributes
    ----------
    centre : (row, col), EM pixels
        Of the ROI's place.
    em_to_lm : ndarray, shape (3, 3), or None
        None from a method that does not tell the angle or the mirror.
    match : ndarray, shape (3, 3), or None
        Of ours, the transform before the registration; None when there was none.
    magnification : float or None
        EM pixels per LM pixel, from a method that looks for it.
    confidence : float or None
    found : bool or None
    """

    centre: tuple[float, float]
    em_to_lm: Matrix | None = None
    match: Matrix | None = None
    magnification: float | None = None
    confidence: float | None = None
    found: bool | None = None


Method = Callable[[Task], Answer]


def answer_from(task: Task, em_to_lm: Matrix | None) -> Answer:
    """Return the answer of a method that tells a transform, or nothing.

    Raises
    ------
    MethodFailed
        There is no transform.
    """
    if em_to_lm is None:
        raise MethodFailed("nothing in the two images is consistent")
    row, col = map_points(invert(em_to_lm), task.roi.centre)
    return Answer((float(row), float(col)), em_to_lm)


def lm_pixels(task: Task) -> Image:
    """Return the LM as an array."""
    return np.asarray(task.lm.data, dtype=np.float32)


def intensities(image: Image) -> Image:
    """Return the image as it is."""
    return image


def laplacian(image: Image) -> Image:
    """Return the Laplacian of Gaussian at `LOG_SIGMA`."""
    return ndimage.gaussian_laplace(image, LOG_SIGMA)
