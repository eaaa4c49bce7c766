"""What histograms count: bins of LoG values, and codes of the Local Directional Pattern.

Both are index images: each pixel holds the number of its bin, 0 to bins - 1, or `bins`
where it has no value. A `Turn` says how the ROI's histogram reads when the section lies
turned by a quarter, mirrored, or with the opposite contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Progress, Steps, run

__all__ = [
    "LDP_BINS",
    "LDP_CODES",
    "Reading",
    "Turn",
    "ldp_codes",
    "ldp_codes_steps",
    "ldp_readings",
    "ldp_turns",
    "log_bins",
    "log_readings",
    "log_turns",
    "turned_ldp",
]

#: The codes that occur, ascending: 3 of 8 bits set.
LDP_CODES = np.array(
    sorted(sum(1 << bit for bit in bits) for bits in combinations(range(8), 3)), dtype=np.uint8
)
LDP_BINS = len(LDP_CODES)

#: Index of each code in `LDP_CODES`; LDP_BINS for the codes that do not occur.
_LDP_INDEX = np.full(256, LDP_BINS, dtype=np.uint8)
_LDP_INDEX[LDP_CODES] = np.arange(LDP_BINS)

#: The neighbour in each direction, E, NE, N, NW, W, SW, S, SE, as (row, col) of a 3 x 3 square.
_RING = ((1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2))

#: Pixels of a strip: its 8 responses then stay in the processor's cache.
_STRIP_PIXELS = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """How the ROI's histogram reads in the EM when the section lies in a certain way.

    Attributes
    ----------
    angle : float, degrees
        By which the LM is turned to lie on the EM, a multiple of 90, counter-clockwise
        on the screen.
    mirrored : bool
        Whether the LM's columns are flipped before.
    contrast : int
        1, -1, or 0 where the descriptor does not tell.
    order : ndarray of int, shape (bins,)
        The histogram to look for is ``lm_histogram[order]``.
    """

    angle: float
    mirrored: bool
    contrast: int
    order: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How histograms read in the EM at a range of angles.

    Attributes
    ----------
    contrast : int
        1, -1, or 0 where the descriptor does not tell.
    order : ndarray of int, shape (bins,)
        The histogram to look for is ``lm_histogram[order]``.
    angle : float, degrees, or None
        Middle of the range, 45 degrees wide; None for every angle and mirror.
    mirrored : bool
    """

    contrast: int
    order: NDArray[np.intp]
    angle: float | None = None
    mirrored: bool = False

    def covers(self, angle: float, mirrored: bool) -> bool:
        """Whether histograms read like this when the section lies so."""
        if self.angle is None:
            return True
        # half open: every angle belongs to one reading
        return mirrored == self.mirrored and -22.5 <= (angle - self.angle + 180) % 360 - 180 < 22.5


def log_bins(standardised: NDArray[Any], bins: int, limit: float) -> NDArray[np.uint16]:
    """Return the bin of each value of a standardised LoG image.

    Parameters
    ----------
    standardised : ndarray, shape (M, N)
        NaN where there is no value.
    bins : int
        Equal ones from -limit to limit; values beyond fall into the outer ones.
    limit : float, robust standard deviations

    Returns
    -------
    ndarray, shape (M, N), uint16
        `bins` where there is no value.
    """
    position = np.asarray(standardised, dtype=np.float32) + np.float32(limit)
    position *= np.float32(bins / (2 * limit))
    missing = np.isnan(position)
    position[missing] = 0
    index = np.clip(position, 0, bins - 1, out=position).astype(np.uint16)
    index[missing] = bins
    return index


def log_turns(bins: int) -> tuple[Turn, ...]:
    """Return the ways in which a histogram of LoG values can read.

    It is the same for every angle and mirror. Where a fluorescent label is bright and the
    EM dark, the LoG changes its sign: the bins are reversed.
    """
    same = np.arange(bins)
    return tuple(
        Turn(angle, False, contrast, same[::contrast])
        for angle in (0.0, 90.0)
        for contrast in (1, -1)
    )


def log_readings(bins: int) -> tuple[Reading, ...]:
    """Return the two readings of histograms of LoG values, one for each contrast."""
    return tuple(Reading(contrast, np.arange(bins)[::contrast]) for contrast in (1, -1))


def ldp_codes(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the Local Directional Pattern, k = 3, of each pixel.

    Parameters
    ----------
    image : ndarray, shape (M, N)
        The LoG image; NaN where there is no value. It is continued by its edge pixels.

    Returns
    -------
    ndarray, shape (M, N), uint8
        Index into `LDP_CODES`; LDP_BINS where one of the 3 x 3 pixels has no value.

    Notes
    -----
    ``LDP_k = sum_i b(|m_i| - |m_k-th largest|) 2^i`` over the responses to Kirsch's masks,
    i = 0 to 7 for E, NE, N, NW, W, SW, S, SE. Of equal responses the first direction
    counts as the larger, so that three bits are set always. The codes are the same for an
    image and its negative.

    References
    ----------
    Paper, section 3.2. Jabid, Kabir, Chae: Robust facial expression recognition based on
    Local Directional Pattern. ETRI Journal 32(5), 2010. Kirsch: Computer determination of
    the constituent structure of biological images. Computers and Biomedical Research
    4(3), 1971.
    """
    return run(ldp_codes_steps(image, "Local Directional Pattern"))


def ldp_codes_steps(image: NDArray[Any], stage: str) -> Steps[NDArray[np.uint8]]:
    """Yield progress of `ldp_codes` under the name of `stage`; return its result."""
    rows, cols = image.shape
    padded = np.pad(np.asarray(image, dtype=np.float32), 1, mode="edge")
    result = np.empty((rows, cols), np.uint8)
    strip = max(1, _STRIP_PIXELS // cols)
    for first in range(0, rows, strip):
        yield Progress(stage, first, rows)
        last = min(first + strip, rows)
        result[first:last] = _codes(padded[first : last + 2])
    yield Progress(stage, rows, rows)
    return result


def _codes(framed: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the index of the code of each pixel but those of the frame."""
    rows, cols = framed.shape[0] - 2, framed.shape[1] - 2
    ring = [framed[row : row + rows, col : col + cols] for row, col in _RING]
    # Kirsch's masks weigh three neighbours by 5 and the other five by -3: 8 t - 3 sum.
    total = 3 * sum(ring[1:], start=ring[0])
    size = [np.abs(8 * (ring[i - 1] + ring[i] + ring[(i + 1) % 8]) - total) for i in range(8)]
    beaten = np.zeros((8, rows, cols), np.uint8)
    for i, j in combinations(range(8), 2):
        first_wins = size[i] >= size[j]
        beaten[j] += first_wins
        beaten[i] += ~first_wins
    bits = np.zeros((rows, cols), np.uint8)
    for i in range(8):
        bits |= (beaten[i] < 3).view(np.uint8) << np.uint8(i)
    index = _LDP_INDEX[bits]
    index[~np.isfinite(total + framed[1:-1, 1:-1])] = LDP_BINS
    return index


def turned_ldp(angle: float, mirrored: bool) -> NDArray[np.intp]:
    """Return which code each code becomes when the image is mirrored, then turned.

    Parameters
    ----------
    angle : float, degrees
        A multiple of 90 (of 45 for the masks alone), counter-clockwise on the screen.
    mirrored : bool
        Flip the columns first.

    Returns
    -------
    ndarray of int, shape (56,)
        Indices into `LDP_CODES`.
    """
    shift = round(angle / 45)
    directions = [((4 - i if mirrored else i) + shift) % 8 for i in range(8)]
    codes = LDP_CODES.astype(np.intp)
    turned = np.zeros_like(codes)
    for source, target in enumerate(directions):
        turned |= (codes >> source & 1) << target
    return _LDP_INDEX[turned].astype(np.intp)


def ldp_turns() -> tuple[Turn, ...]:
    """Return the eight ways, four quarter turns and their mirrors, in which LDP can read.

    The codes turn with the patch, so a histogram of them is not invariant to rotation: a
    quarter turn shifts the bits by two.
    """
    return tuple(
        Turn(angle, mirrored, 0, np.argsort(turned_ldp(angle, mirrored)))
        for mirrored in (False, True)
        for angle in (0.0, 90.0, 180.0, -90.0)
    )


def ldp_readings() -> tuple[Reading, ...]:
    """Return the sixteen readings of LDP: the bits shift by one with each 45 degrees."""
    return tuple(
        Reading(0, np.argsort(turned_ldp(angle, mirrored)), angle, mirrored)
        for mirrored in (False, True)
        for angle in np.arange(0.0, 360.0, 45.0)
    )
