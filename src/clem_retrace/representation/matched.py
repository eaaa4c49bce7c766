"""The physically matched representation: locally normalised LoG at the LM's resolution.

A few strong edges would outvote the layout of everything else in a plain correlation of
LoG images. Divided by its local energy, every structure has a voice, and the floor under
that energy keeps empty background silent.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.errors import BadImage

__all__ = ["normalised_log"]

#: Local root-mean-square energies below this share of the image's are background.
ENERGY_FLOOR = 0.2

#: Responses are limited to this many local standard deviations.
CLIP = 3.0


def normalised_log(
    image: NDArray[np.float32], sigma: float, window: float, *, name: str = "the image"
) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian divided by its local root-mean-square.

    Parameters
    ----------
    image : ndarray, shape (M, N)
        Missing pixels are NaN; they, and what the filter sees of them, come out as 0.
    sigma : float, pixels
        Of the Laplacian of Gaussian.
    window : float, pixels
        Standard deviation of the Gaussian window of the local energy.
    name : str
        For the message.

    Returns
    -------
    ndarray, shape (M, N), float32
        Within -3 to 3; negative on bright structures.

    Raises
    ------
    BadImage
        The image is constant, or holds no finite pixel.

    References
    ----------
    The paper, section 3.1, equation (1), for the LoG; the division is ours.
    """
    known = np.isfinite(image)
    if not known.any():
        raise BadImage(f"{name} holds no finite values")
    middle = np.median(image[known])
    largest = float(np.abs(image[known]).max())
    if not known.all():
        image = np.where(known, image, middle)
        known = ndimage.binary_erosion(known, iterations=max(1, round(2 * sigma)), border_value=1)
    # Counted from the middle: the truncated kernel leaves 1.5e-4 of a camera's offset. In
    # units of the largest difference: the squares of any values, however large or small,
    # have a place among the float32.
    image = image - middle
    unit = float(np.abs(image).max())
    image /= unit or 1.0
    response = ndimage.gaussian_laplace(image, sigma, output=np.float32, mode="nearest")
    response *= known
    energy = ndimage.gaussian_filter(response * response, window, mode="nearest")
    mean_energy = float(energy.mean(dtype=np.float64))
    # Rounding leaves a constant image differences of some 1e-7 of its values.
    if unit * min(1.0, math.sqrt(mean_energy)) <= 1e-6 * largest:
        raise BadImage(f"{name} is constant: there are no structures to compare")
    response /= np.sqrt(energy + ENERGY_FLOOR**2 * mean_energy)
    return np.clip(response, -CLIP, CLIP, out=response)  # type: ignore[no-any-return]
