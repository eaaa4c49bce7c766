"""Responses without a unit: the amplitudes of the two modalities have none in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage

__all__ = ["standardise"]

#: Median and deviation are read from a lattice of about so many values: they are then good
#: to 0.2 % of the deviation, in a tenth of the time.
SAMPLE = 1 << 20


def standardise(values: NDArray[Any], clip: float | None = None) -> NDArray[np.float32]:
    """Return values less their median, over their robust standard deviation.

    Parameters
    ----------
    values : ndarray
        Missing ones (not finite) are left out of the statistics and become NaN.
    clip : float, standard deviations, optional
        Limit the result to -clip .. clip.

    Returns
    -------
    ndarray, float32
        The deviation is 1.4826 times the median absolute deviation; the ordinary standard
        deviation where more than half of the values are equal, as in fluorescence images
        with an empty background.

    Raises
    ------
    BadImage
        All values are equal.
    BadImage
        None is finite.
    """
    middle, deviation = _location_and_spread(values)
    result: NDArray[np.float32] = np.subtract(values, middle, dtype=np.float32)
    result /= np.float32(deviation)
    result[~np.isfinite(result)] = np.nan
    if clip is not None:
        np.clip(result, -clip, clip, out=result)
    return result


def _location_and_spread(values: NDArray[Any]) -> tuple[float, float]:
    """Return median and robust standard deviation of the finite values."""
    flat = np.asarray(values).ravel()
    # an odd stride that shares no factor with a row's length meets all columns
    sample = flat[:: max(1, flat.size // SAMPLE) | 1].astype(np.float64)
    known = sample[np.isfinite(sample)]
    if known.size == 0:
        known = flat[np.isfinite(flat)].astype(np.float64)
    if known.size == 0:
        raise BadImage("the image holds no finite values")
    middle = float(np.median(known))
    deviation = 1.4826 * float(np.median(np.abs(known - middle))) or float(known.std())
    if deviation == 0:
        raise BadImage("the image is constant: it has no structures to compare")
    return middle, deviation
