"""Whether there is anything to look for in a region, told before the search.

A region of bare background can be placed by what surrounds it; but nothing in it says that
the place is right, and as a rule it was drawn by mistake.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import RoiError
from clem_retrace.micrograph import Micrograph, Roi

__all__ = ["check_content"]

#: The region is compared with what lies around it as far as this, LM pixels.
SURROUNDINGS = 250

#: A structure stands out of the noise by this many robust standard deviations, and has at
#: least this share of the root-mean-square response: what the searches keep silent has not.
SIGNIFICANCE, LEAST_SHARE = 4.0, 0.2

#: A region that responds by this share of its surroundings, or more, is no background:
#: textures of many small structures have none that stands out.
TEXTURE_SHARE = 0.5

#: What lies outside the region is seen so many sigmas inside it; but no more of a small region
#: is left out than this share of its shorter side.
SEEN_SIGMAS, MARGIN_SHARE = 4.0, 1 / 6


def check_content(lm: Micrograph, roi: Roi, sigma: float) -> None:
    """Refuse a region that shows nothing but background.

    Parameters
    ----------
    lm : Micrograph
        Read as floating point numbers, NaN where there is none.
    roi : Roi
        In the image.
    sigma : float, LM pixels
        Of the Laplacian of Gaussian that responds to the image's structures.

    Raises
    ------
    RoiError
        No structure in it stands out, while around it some do; or it holds no values.
    """
    name = lm.name or "the LM image"
    inside = roi.mask(lm.shape)
    if not (inside & np.isfinite(lm.data)).any():
        raise RoiError(f"there are no values of {name} in the region: draw it elsewhere")
    near = tuple(
        slice(max(int(held[0]) - SURROUNDINGS, 0), int(held[-1]) + SURROUNDINGS + 1)
        for held in (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    )
    response, inside = _response(lm.data[near], sigma), inside[near]
    noise = 1.4826 * float(np.median(np.abs(response - np.median(response))))
    usual = _root_mean_square(response)
    own = response[_core(inside, roi, sigma)]
    stands_out = float(np.abs(own).max()) > max(SIGNIFICANCE * noise, LEAST_SHARE * usual)
    if not (stands_out or _root_mean_square(own) > TEXTURE_SHARE * usual):
        raise RoiError(
            f"the region shows nothing but background in {name}: there is no structure in it "
            "that could be looked for. Draw it round structures, or so large that it holds some"
        )


def _core(inside: NDArray[np.bool_], roi: Roi, sigma: float) -> NDArray[np.bool_]:
    """Return the part of the region in which nothing is seen of what lies outside."""
    # Imported when needed: the command line checks tables without it.
    from scipy import ndimage

    margin = min(SEEN_SIGMAS * sigma, MARGIN_SHARE * min(roi.height, roi.width))
    core = ndimage.binary_erosion(inside, iterations=max(1, round(margin)), border_value=1)
    return core if core.any() else inside


def _response(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian, in units of the image's largest difference."""
    from scipy import ndimage

    known = np.isfinite(image)
    middle = np.median(image[known])
    image = np.where(known, image, middle) - middle
    # Squares have a place among the float32 then, and rounding leaves no blobs on a flat area.
    image /= float(np.abs(image).max()) or 1.0
    response: NDArray[np.float32] = ndimage.gaussian_laplace(image, sigma, mode="nearest")
    response[np.abs(response) < 1e-6] = 0
    return response


def _root_mean_square(values: NDArray[np.float32]) -> float:
    return math.sqrt(float(np.mean(values**2, dtype=np.float64)))
