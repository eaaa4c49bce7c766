"""Whether there is anything to look for in a region, told before the search.

A region of bare background can be placed by what surrounds it; but nothing in it says that
the place is right, and as a rule it was drawn by mistake.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.errors import RoiError
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.representation.log import filled
from clem_retrace.representation.scale_selection import robust_deviation

__all__ = ["check_content"]

#: The region is compared with what lies around it as far as this, LM pixels.
SURROUNDINGS = 250

#: A structure stands out of the noise by this many robust standard deviations, and has at
#: least this share of the root-mean-square response: what the searches keep silent has not.
SIGNIFICANCE, LEAST_SHARE = 4.0, 0.2

#: A region that responds by this share of its surroundings, or more, is no background:
#: textures of many small structures have none that stands out.
TEXTURE_SHARE = 0.5


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
    inside = roi.mask(lm.shape) & np.isfinite(lm.data)
    if not inside.any():
        raise RoiError(f"there are no values of {name} in the region: draw it elsewhere")
    near = _box(inside, SURROUNDINGS)
    image, inside = _in_units(lm.data[near]), inside[near]
    response = _response(image, sigma)
    noise = robust_deviation(response)
    usual = _root_mean_square(response)
    own = _response(_alone(image, inside), sigma)[inside[_box(inside)]]
    stands_out = float(np.abs(own).max()) > max(SIGNIFICANCE * noise, LEAST_SHARE * usual)
    if not (stands_out or _root_mean_square(own) > TEXTURE_SHARE * usual):
        raise RoiError(
            f"the region shows nothing but background in {name}: there is no structure in it "
            "that could be looked for. Draw it round structures, or so large that it holds some"
        )


def _box(inside: NDArray[np.bool_], reach: int = 0) -> tuple[slice, slice]:
    """Return the rows and columns of a region, and as many around it as the reach."""
    held = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    rows, cols = (slice(max(int(at[0]) - reach, 0), int(at[-1]) + reach + 1) for at in held)
    return rows, cols


def _in_units(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image in units of its largest difference; 0 where it is missing.

    Squares have a place among the float32 then.
    """
    known = np.isfinite(image)
    middle = np.median(image[known])
    image = np.where(known, image, middle) - middle
    image /= float(np.abs(image).max()) or 1.0
    return image


def _alone(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the region's rectangle; what is not inside takes the value of the nearest that is.

    So nothing is seen of structures that lie beside it.
    """
    image, inside = image[_box(inside)], inside[_box(inside)]
    return image if inside.all() else filled(image, inside)


def _response(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian; 0 where it is but rounding."""
    response: NDArray[np.float32] = ndimage.gaussian_laplace(image, sigma, mode="reflect")
    response[np.abs(response) < 1e-6] = 0
    return response


def _root_mean_square(values: NDArray[np.float32]) -> float:
    return math.sqrt(float(np.mean(values**2, dtype=np.float64)))
