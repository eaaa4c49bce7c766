"""Outlines of an image's structures: zero crossings of its Laplacian of Gaussian.

A zero crossing is drawn where the image is steep, and as far along as it stays steeper
than usual, so that an organelle keeps its whole outline and noise has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Steps, run

__all__ = ["STRONG", "Steepness", "outlines", "outlines_steps", "steepness"]

#: How far above the usual steepness, in robust standard deviations, an outline goes on that
#: is somewhere as steep as was asked for.
FAINT = 1.5
#: How far above it, in the same unit, an outline is somewhere: noise has one outline of a few
#: thousand places that could have one.
STRONG = 4.0
#: Length of the shortest outline, in sigmas: half that of the smallest blob, whose radius is
#: the square root of 2.
SHORTEST = 4.4


@dataclass(frozen=True, slots=True)
class Steepness:
    """How steep an image usually is, per standard deviation of the Gaussian.

    Attributes
    ----------
    usual, spread : float
        Median and robust standard deviation of the gradient's magnitude.
    """

    usual: float
    spread: float


def steepness(samples: Iterable[NDArray[Any]], sigma: float) -> Steepness:
    """Return the usual steepness of an image from samples of it.

    Parameters
    ----------
    samples : iterable of ndarray, shape (m, n)
        Parts of the image; NaN where it does not reach.
    sigma : float, pixels

    Returns
    -------
    Steepness
        The same for an image and for its decimation, with the sigma that goes with it.
    """
    slopes = [_slope(*_known(sample), sigma) for sample in samples]
    values = np.concatenate([slope[np.isfinite(slope)] for slope in slopes])
    if values.size == 0:
        return Steepness(0.0, 1.0)
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    return Steepness(middle, spread or float(values.std()) or 1.0)


def outlines(
    image: Any, sigma: float, usual: Steepness, strength: float = STRONG
) -> NDArray[np.bool_]:
    """Return where the outlines of structures run.

    Parameters
    ----------
    image : array_like, shape (M, N)
        NaN where it does not reach.
    sigma : float, pixels
        Of the Gaussian: the size below which detail is smoothed away.
    usual : Steepness
        Of the image that this is a part of: outlines do not depend on the part.
    strength : float
        How far above the usual steepness, in robust standard deviations, the steepest
        place of an outline must be.

    Returns
    -------
    ndarray of bool, shape (M, N)
        True on lines two pixels wide, along the zero crossings.

    References
    ----------
    Marr, D. and Hildreth, E., Theory of edge detection, Proc. R. Soc. Lond. B 207 (1980),
    doi:10.1098/rspb.1980.0020; the two thresholds are those of Canny, J., A computational
    approach to edge detection, IEEE TPAMI 8 (1986), doi:10.1109/TPAMI.1986.4767851.
    """
    return run(outlines_steps(image, sigma, usual, strength, "outlines"))


def outlines_steps(
    image: Any, sigma: float, usual: Steepness, strength: float, stage: str
) -> Steps[NDArray[np.bool_]]:
    """Yield progress of `outlines` under the name of `stage`; return its result."""
    # Imported when needed, in the worker: the dock opens without scipy.
    from scipy import ndimage

    from clem_retrace.representation.log import laplacian_of_gaussian_steps

    filled, known = _known(image)
    response = yield from laplacian_of_gaussian_steps(filled, sigma, stage)
    with np.errstate(invalid="ignore"):
        above = (_slope(filled, known, sigma) - usual.usual) / usual.spread
        lines = _sign_changes(response) & (above >= FAINT)
    labels, count = ndimage.label(lines, np.ones((3, 3)))
    steep = np.zeros(count + 1, np.bool_)
    steep[labels[lines & (above >= strength)]] = True
    # Lines are two pixels wide.
    long = np.bincount(labels.ravel(), minlength=count + 1) >= 2 * SHORTEST * sigma
    kept = steep & long
    kept[0] = False
    return kept[labels]  # type: ignore[no-any-return]


def _known(image: Any) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return an image without gaps, and where it was known if there were any."""
    from clem_retrace.representation.log import read_padded

    rows, cols = image.shape
    return read_padded(image, (0, rows), (0, cols), 0)


def _slope(
    image: NDArray[np.float32], known: NDArray[np.bool_] | None, sigma: float
) -> NDArray[np.float32]:
    """Return the gradient's magnitude per sigma; NaN where the image is not known."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.0)
    slope = sigma * np.hypot(*np.gradient(smooth))
    if known is not None:
        slope[~known] = np.nan
    return slope  # type: ignore[no-any-return]


def _sign_changes(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels on both sides of a change of sign."""
    positive = values > 0
    changes = np.zeros(values.shape, np.bool_)
    down, right = positive[:-1] != positive[1:], positive[:, :-1] != positive[:, 1:]
    changes[:-1] |= down
    changes[1:] |= down
    changes[:, :-1] |= right
    changes[:, 1:] |= right
    return changes
