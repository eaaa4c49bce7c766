"""The sigma of an image, chosen by counting blobs (paper 3.1).

The paper takes the sigma with the most blobs. In any noisy image that is the smallest
one; so the count here is of the blobs that stand out of white noise, less those of white
noise that do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage
from clem_retrace.events import Progress, Steps, run
from clem_retrace.options import Structures
from clem_retrace.parallel import in_order
from clem_retrace.representation.blobs import blob_layers, halo_width, white_noise_counts
from clem_retrace.representation.log import read_padded

__all__ = ["ScaleSelection", "robust_deviation", "select_sigma", "select_sigma_steps"]

#: Ratio of neighbouring sigmas, about.
LADDER_STEP = 1.12

#: Below one pixel the grid does not carry the scale-space any more.
SMALLEST_SIGMA = 1.0

#: Side of the tiles in which blobs are counted, and the pixels that are looked at in all at
#: most: 9 tiles take 0.8 s on one core and hold thousands of blobs of the usual sigmas.
TILE = 512
AREA = 9 * TILE**2

#: A response is significant from this many standard deviations of the noise on ...
SIGNIFICANCE = 4.0

#: ... which this share of white noise's extrema reach (0.04 % at sigma 1, 0.13 % from 2 on).
NOISE_SHARE = 0.001

#: The stricter noise level is used if so many blobs stand out of it at some sigma, and this
#: share of those that stand out of the milder one.
FEWEST_BLOBS = 10
FEWEST_SHARE = 0.01

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class ScaleSelection:
    """The sigma that was selected, and the counts it was read from.

    Attributes
    ----------
    sigma : float, pixels
        The peak of `counts`, interpolated between the sigmas of the ladder; `raw_sigma`
        where nothing stands out of the noise.
    sigmas : ndarray, shape (K,), pixels
        The ladder: log-spaced.
    raw_counts : ndarray, shape (K,)
        All blobs at each sigma, as the paper counts them.
    reference_counts : ndarray, shape (K,)
        All blobs that white noise of the same area would show.
    counts : ndarray, shape (K,)
        Blobs that stand out of the noise, less the share of the reference that does.
    raw_sigma : float, pixels
        The sigma of the largest raw count: the paper's choice.
    """

    sigma: float
    sigmas: NDArray[np.float64]
    raw_counts: NDArray[np.float64]
    reference_counts: NDArray[np.float64]
    counts: NDArray[np.float64]
    raw_sigma: float

    @property
    def stands_out(self) -> bool:
        """Whether more than a few blobs stand out of the noise, at any one sigma."""
        return float(self.counts.max()) >= FEWEST_BLOBS


def select_sigma(
    image: Any,
    *,
    structures: Structures = "both",
    min_sigma: float = 1.0,
    max_sigma: float = 12.0,
) -> ScaleSelection:
    """Return the sigma at which an image shows the most blobs beyond noise.

    Parameters
    ----------
    image : array_like, shape (M, N)
        Anything with ``shape`` and slicing. Large images are read, and blobs counted, on
        a lattice of tiles of 2.4 megapixels in all.
    structures : {"both", "dark", "bright"}
        Which blobs count.
    min_sigma, max_sigma : float, pixels
        Ends of the ladder. The lower one is at least 1, the upper one at most an eighth of
        the image's shorter side.

    Raises
    ------
    BadImage
        The image is constant where it was looked at.
    BadImage
        It holds no finite values there.
    BadImage
        It is too small for the ladder.

    Notes
    -----
    White noise of standard deviation s has normalised responses of ``s / (sqrt(2 pi)
    sigma)``, so its level at any sigma can be told from the finest responses, by their
    median absolute deviation. Noise that was blurred by about a pixel is loudest one
    octave further up; the loudest level of the finest octave is therefore the threshold,
    unless hardly anything stands out of it: then structures fill the image, and the level
    at the smallest sigma is used.

    References
    ----------
    Paper, section 3.1. Basset, Boulanger, Salamero, Bouthemy, Kervrann: Adaptive spot
    detection with optimal scale selection in fluorescence microscopy images. IEEE
    Transactions on Image Processing 24(11), 2015.
    """
    return run(
        select_sigma_steps(
            image,
            structures=structures,
            min_sigma=min_sigma,
            max_sigma=max_sigma,
            stage="scale selection",
        )
    )


def select_sigma_steps(
    image: Any, *, structures: Structures, min_sigma: float, max_sigma: float, stage: str
) -> Steps[ScaleSelection]:
    """Yield progress of `select_sigma` under the name of `stage`; return its result."""
    sigmas = _ladder(image.shape, min_sigma, max_sigma)
    halo = halo_width(sigmas)
    tiles = _lattice(image.shape, max(TILE, 2 * halo))
    octave = int(np.searchsorted(sigmas, 2 * sigmas[0], side="right"))
    strengths: list[list[NDArray[np.float32]]] = [[] for _ in sigmas]
    finest: list[list[NDArray[np.float32]]] = [[] for _ in range(octave)]
    area = 0

    def counted(tile: tuple[NDArray[np.float32], NDArray[np.bool_] | None]) -> _Tile:
        return _Tile.of(*tile, sigmas, halo, structures, octave)

    read = (read_padded(image, rows, cols, halo) for rows, cols in tiles)
    for done, found in enumerate(in_order(counted, read)):
        yield Progress(stage, done, len(tiles))
        area += found.area
        for all_of_one, of_tile in zip(strengths, found.strengths, strict=False):
            all_of_one.append(of_tile)
        for all_of_one, of_tile in zip(finest, found.finest, strict=False):
            all_of_one.append(of_tile)
    yield Progress(stage, len(tiles), len(tiles))
    if area == 0:
        raise BadImage("the image holds no finite values: no sigma can be chosen for it")
    if not finest[0]:
        raise BadImage(
            "the image is blank, its values are constant: is it the right file, channel and plane?"
        )
    noise = [robust_deviation(np.concatenate(parts)) for parts in finest]
    levels = np.array(noise) * sigmas[:octave]
    blobs = [np.concatenate(parts) for parts in strengths]
    return _selection(sigmas, blobs, levels, white_noise_counts(sigmas, area, structures))


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """What one tile shows.

    Attributes
    ----------
    area : int
        Pixels with a value.
    strengths : list of ndarray
        Of its blobs at each sigma; none of a tile that is constant.
    finest : list of ndarray
        Some of the responses at the finest sigmas, from which the noise is told.
    """

    area: int
    strengths: list[NDArray[np.float32]]
    finest: list[NDArray[np.float32]]

    @classmethod
    def of(
        cls,
        part: NDArray[np.float32],
        known: NDArray[np.bool_] | None,
        sigmas: NDArray[np.float64],
        halo: int,
        structures: Structures,
        octave: int,
    ) -> Self:
        """Return what a tile with a halo round it shows."""
        rows, cols = (side - 2 * halo for side in part.shape)
        area = rows * cols if known is None else int(np.count_nonzero(known))
        tile = cls(area, [], [])
        if part.min() < part.max():
            for layer in blob_layers(part, sigmas):
                tile.strengths.append(layer.strengths(structures, known))
                if layer.index < octave:
                    tile.finest.append(layer.response[::4, ::4].ravel())
        return tile


def robust_deviation(responses: NDArray[np.float32]) -> float:
    """Return the robust standard deviation of responses."""
    middle = np.median(responses)
    return 1.4826 * float(np.median(np.abs(responses - middle)))


def _selection(
    sigmas: NDArray[np.float64],
    strengths: list[NDArray[np.float32]],
    levels: NDArray[np.float64],
    reference: NDArray[np.float64],
) -> ScaleSelection:
    """Return the decision.

    Parameters
    ----------
    sigmas, reference : ndarray, shape (K,)
    strengths : list of K arrays
        Of all blobs at each sigma.
    levels : ndarray
        Noise at the finest sigmas, times sigma: equal for white noise.
    """
    raw = np.array([len(found) for found in strengths], dtype=np.float64)

    def beyond(level: float) -> NDArray[np.float64]:
        thresholds = SIGNIFICANCE * level / sigmas
        pairs = zip(strengths, thresholds, strict=True)
        significant = [np.count_nonzero(found > threshold) for found, threshold in pairs]
        return np.maximum(np.array(significant) - NOISE_SHARE * reference, 0.0)

    counts = beyond(levels.max())
    milder = beyond(levels[0])
    if counts.max() < max(FEWEST_BLOBS, FEWEST_SHARE * milder.max()):
        counts = milder
    raw_sigma = float(sigmas[raw.argmax()])
    sigma = _peak(sigmas, counts) if counts.max() > 0 else raw_sigma
    return ScaleSelection(sigma, sigmas, raw, reference, counts, raw_sigma)


def _peak(sigmas: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Return the sigma of the peak of smoothed counts, by a parabola over log(sigma)."""
    smooth = np.convolve(np.pad(counts, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    top = int(smooth.argmax())
    offset = 0.0
    if 0 < top < len(smooth) - 1:
        before, peak, after = smooth[top - 1 : top + 2]
        offset = 0.5 * (before - after) / (before - 2 * peak + after)
    return float(sigmas[top] * (sigmas[1] / sigmas[0]) ** offset)


def _ladder(shape: Span, low: float, high: float) -> NDArray[np.float64]:
    """Return the log-spaced sigmas from `low` to `high`."""
    low, high = max(low, SMALLEST_SIGMA), min(high, min(shape) / 8)
    steps = round(math.log(high / low) / math.log(LADDER_STEP))
    if steps < 2:
        raise BadImage(
            f"no sigma from {low:g} px upwards can be chosen for an image of {shape[0]} x "
            f"{shape[1]} pixels up to {high:g} px: give the sigma, or widen the range"
        )
    return np.geomspace(low, high, steps + 1)


def _lattice(shape: Span, side: int) -> list[tuple[Span, Span]]:
    """Return (rows, cols) of tiles: all of a small image, evenly spread ones of a large."""
    if shape[0] * shape[1] <= AREA:
        spans = [_cover(length, side) for length in shape]
    else:
        allowed = max(1, AREA // side**2)
        most = [math.ceil(length / side) for length in shape]
        down = min(max(1, round(math.sqrt(allowed * shape[0] / shape[1]))), most[0], allowed)
        across = min(allowed // down, most[1])
        spans = [
            _spread(length, side, number)
            for length, number in zip(shape, (down, across), strict=True)
        ]
    return [(rows, cols) for rows in spans[0] for cols in spans[1]]


def _cover(length: int, side: int) -> list[Span]:
    """Return spans of about equal size, and at most about `side`, that cover an axis."""
    edges = np.linspace(0, length, math.ceil(length / side) + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _spread(length: int, side: int, number: int) -> list[Span]:
    """Return spans of `side`, each in the middle of its share of an axis."""
    side = min(side, length // number)
    firsts = [int((share + 0.5) * length / number - side / 2) for share in range(number)]
    return [(first, first + side) for first in firsts]
