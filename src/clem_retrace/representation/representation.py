"""`Representation`: an image as structures of one size, in units of their spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Steps, run
from clem_retrace.geometry import Matrix
from clem_retrace.representation.log import laplacian_of_gaussian_steps
from clem_retrace.representation.standardise import standardise

__all__ = ["Representation", "represent", "represent_steps"]


@dataclass(frozen=True, slots=True, eq=False)
class Representation:
    """The Laplacian of Gaussian of an image, standardised.

    Attributes
    ----------
    log : ndarray, shape (M, N), float32
        In robust standard deviations; negative on bright structures; NaN where the image
        holds nothing.
    sigma : float
        In pixels of the grid of `log`.
    image_to_log : ndarray, shape (3, 3)
        From the image's pixels to those of `log`.
    """

    log: NDArray[np.float32]
    sigma: float
    image_to_log: Matrix


def represent(image: Any, sigma: float) -> Representation:
    """Return the representation of an image on its own grid.

    Raises
    ------
    BadImage
        The image is constant, or holds no finite values.

    References
    ----------
    The paper, section 3.1, equation (1).
    """
    return run(represent_steps(image, sigma, np.eye(3), "representation"))


def represent_steps(
    image: Any, sigma: float, image_to_log: Matrix, stage: str
) -> Steps[Representation]:
    """Yield progress of `represent`; return the representation with its grid's transform."""
    log = yield from laplacian_of_gaussian_steps(image, sigma, stage)
    return Representation(standardise(log), sigma, image_to_log)
