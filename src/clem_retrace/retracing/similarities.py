"""The paper's seven ways to compare histograms (3.2), greater being better.

Histograms sum to 1 along their last axis. `similarity` returns a similarity as it is and
the negative of a distance; the formulas are those of the references, with p the ROI's
histogram and q the window's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import InvalidOption
from clem_retrace.options import Similarity

__all__ = [
    "bhattacharyya",
    "chi_squared",
    "cosine",
    "intersection",
    "jeffrey",
    "kolmogorov_smirnov",
    "kullback_leibler",
    "similarity",
]

Array = NDArray[np.floating]

#: Added to every bin before a logarithm of a ratio is taken: less than one pixel in a window
#: of 300 x 300. Without it one empty bin would outvote all others.
EPSILON = 1e-5


def similarity(name: Similarity, histograms: Array, reference: Array) -> Array:
    """Return how similar histograms are to one, greater being better.

    Parameters
    ----------
    name : str
        "cosine" or "intersection", similarities from 0 to 1; or "kullback-leibler",
        "jeffrey", "chi-squared", "bhattacharyya" or "kolmogorov-smirnov", whose distance
        is negated.
    histograms : ndarray, shape (..., bins)
        Each sums to 1.
    reference : ndarray, shape (bins,)
        The ROI's; sums to 1.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    InvalidOption
        The name is unknown.
    """
    if name in _SIMILARITIES:
        return _SIMILARITIES[name](histograms, reference)
    if name in _DISTANCES:
        return -_DISTANCES[name](histograms, reference)
    known = ", ".join((*_SIMILARITIES, *_DISTANCES))
    raise InvalidOption(f"similarity {name!r} is unknown: choose one of {known}")


def cosine(histograms: Array, reference: Array) -> Array:
    """Return ``sum(p q) / (|p| |q|)``, a similarity; 0 for an empty histogram.

    References
    ----------
    Paper, equation (2), d_cos.
    """
    norms = np.sqrt(np.einsum("...i,...i->...", histograms, histograms))
    norms = norms * np.sqrt(reference @ reference)
    products = histograms @ reference
    result: Array = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    return result


def intersection(histograms: Array, reference: Array) -> Array:
    """Return ``sum(min(p, q))``, a similarity.

    References
    ----------
    Paper, equation (2), d_hi. Swain, Ballard: Color indexing. International Journal of
    Computer Vision 7(1), 1991.
    """
    shared: Array = np.minimum(histograms, reference).sum(axis=-1)
    return shared


def kullback_leibler(histograms: Array, reference: Array) -> Array:
    """Return ``sum(p ln(p / q))``, a distance: what is lost by describing the ROI by a window.

    Both are smoothed: `EPSILON` is added to each bin and the sum made 1 again.

    References
    ----------
    Kullback, Leibler: On information and sufficiency. Annals of Mathematical Statistics
    22(1), 1951.
    """
    bins = reference.shape[-1]
    p = (reference + EPSILON) / (1 + bins * EPSILON)
    q = (histograms + EPSILON) / (1 + bins * EPSILON)
    divergence: Array = (p * np.log(p)).sum() - np.log(q) @ p
    return divergence


def jeffrey(histograms: Array, reference: Array) -> Array:
    """Return ``sum(p ln(p / m) + q ln(q / m))`` with ``m = (p + q) / 2``, a distance.

    The symmetric and bounded form that is used for images; an empty bin adds 0.

    References
    ----------
    Puzicha, Hofmann, Buhmann: Non-parametric similarity measures for unsupervised texture
    segmentation and image retrieval. CVPR 1997.
    """
    middle = (histograms + reference) / 2
    terms = _entropy_terms(histograms, middle) + _entropy_terms(reference, middle)
    divergence: Array = terms.sum(axis=-1)
    return divergence


def chi_squared(histograms: Array, reference: Array) -> Array:
    """Return ``sum((p - q)^2 / (p + q)) / 2``, a distance; a bin empty in both adds 0.

    References
    ----------
    Puzicha, Hofmann, Buhmann, CVPR 1997, with the mean as expectation.
    """
    total = histograms + reference
    squares = (histograms - reference) ** 2
    terms = np.divide(squares, total, out=np.zeros_like(total), where=total > 0)
    distance: Array = terms.sum(axis=-1) / 2
    return distance


def bhattacharyya(histograms: Array, reference: Array) -> Array:
    """Return ``-ln(sum(sqrt(p q)))``, a distance; `EPSILON` bounds the sum from below.

    References
    ----------
    Bhattacharyya: On a measure of divergence between two statistical populations defined
    by their probability distributions. Bulletin of the Calcutta Mathematical Society 35,
    1943.
    """
    overlap = np.sqrt(histograms) @ np.sqrt(reference)
    distance: Array = -np.log(np.clip(overlap, EPSILON, 1.0))
    return distance


def kolmogorov_smirnov(histograms: Array, reference: Array) -> Array:
    """Return the largest difference of the cumulative histograms, a distance.

    The order of the bins counts, so that it says little of LDP codes.

    References
    ----------
    Geman, Geman, Graffigne, Dong: Boundary detection by constrained optimization. IEEE
    Transactions on Pattern Analysis and Machine Intelligence 12(7), 1990.
    """
    apart = np.cumsum(histograms - reference, axis=-1)
    distance: Array = np.abs(apart).max(axis=-1)
    return distance


def _entropy_terms(values: Array, middle: Array) -> Array:
    """Return ``values ln(values / middle)``, 0 where a value is 0."""
    values = np.broadcast_to(values, middle.shape)
    ratio = np.divide(values, middle, out=np.ones_like(middle), where=values > 0)
    terms: Array = values * np.log(ratio)
    return terms


_SIMILARITIES: dict[str, Callable[[Array, Array], Array]] = {
    "cosine": cosine,
    "intersection": intersection,
}

_DISTANCES: dict[str, Callable[[Array, Array], Array]] = {
    "kullback-leibler": kullback_leibler,
    "jeffrey": jeffrey,
    "chi-squared": chi_squared,
    "bhattacharyya": bhattacharyya,
    "kolmogorov-smirnov": kolmogorov_smirnov,
}
