"""Correlation of one template with one image, at every position and orientation.

The image's spectrum is made once; each turned template costs a quarter of a transform
and one inverse transform a map. Both signs of the correlation are read from one map: a
label that is bright in the LM may mark what is dark in the EM.

References
----------
D. Padfield, Masked object registration in the Fourier domain, IEEE Trans. Image Process.
21(5), 2012, doi:10.1109/TIP.2011.2181402: pixels outside the EM carry no weight. Here the
weights under the template are averaged over its angles, which costs three transforms in
all; the few candidates that matter are compared exactly afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from clem_retrace.alignment.interpolation import BLOCK, homogeneous, interpolate_block
from clem_retrace.errors import RoiError
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import invert, similarity
from clem_retrace.parallel import threads
from clem_retrace.retracing.orientations import Orientation, OrientationGrid, Turn

__all__ = ["Peak", "Sweep", "sweep_steps"]

#: Templates between two events; about 0.1 s of work.
BATCH = 8

#: So many peaks are given also where few orientations are asked for; those of one
#: orientation are not nearer to each other than this, pixels.
FEWEST_PEAKS, APART = 600, 3

#: The least share of the template's weight that must lie in the EM.
LEAST_COVERAGE = 0.35

#: Local energies below this share of the median are taken for it: no division by nothing.
LEAST_ENERGY = 0.1

#: A template whose root mean square is below this share of the image's has no structures:
#: there are only rounding errors in it.
FLAT = 1e-3


@dataclass(frozen=True, slots=True)
class Peak:
    """The best position of one orientation and one contrast sign.

    Attributes
    ----------
    score : float
        Correlation times root coverage.
    row, col : int
        Where the template's centre lies in the image.
    orientation : Orientation
    contrast : int
        1 or -1.
    """

    score: float
    row: int
    col: int
    orientation: Orientation
    contrast: int


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """All peaks, best first, and the best score at each position, shape (M, N)."""

    peaks: tuple[Peak, ...]
    similarity: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """The image's side of the correlation.

    Attributes
    ----------
    spectrum : ndarray, complex
        Of the representation.
    factor : ndarray, shape (M, N)
        What a raw correlation is multiplied by: one over the root of the energy under the
        template. With the template's whole energy in the denominator too, this gives the
        correlation over the overlap times root coverage, whose spread for unrelated images
        is the same everywhere.
    shape : (rows, cols)
        Of the transforms.
    """

    spectrum: NDArray[np.complex64]
    factor: NDArray[np.float32]
    shape: tuple[int, int]


def sweep_steps(
    template: NDArray[np.float32],
    weights: NDArray[np.float32],
    centre: tuple[float, float],
    image: NDArray[np.float32],
    known: NDArray[np.bool_],
    grid: OrientationGrid,
    *,
    contrasts: Sequence[int],
    stage: str,
    fewest_peaks: int = FEWEST_PEAKS,
) -> Steps[Sweep]:
    """Yield progress; return the peaks of every orientation.

    Parameters
    ----------
    template, weights : ndarray, shape (m, n), float32
        Representation of the LM, and how much each pixel counts.
    centre : (row, col)
        The point of the template whose position is sought.
    image : ndarray, shape (M, N), float32
        Representation of the EM on a grid of the same pixel size.
    known : ndarray, shape (M, N), bool
        False where the EM holds nothing.
    grid : OrientationGrid
    contrasts : sequence of 1 or -1
    stage : str
        Name under which progress is yielded.
    fewest_peaks : int
        One position of each orientation and contrast is a peak, or several of them where
        that makes fewer than this.

    Raises
    ------
    RoiError
        The template is flat where it counts.
    """
    turns = list(grid.turns())
    canvas = _Canvas.of(_half_side(weights, centre, max(grid.magnifications)))
    weighted = template * weights
    energy = float((template * weighted).sum(dtype=np.float64))
    if energy <= FLAT**2 * float(weights.sum(dtype=np.float64)):
        raise RoiError(
            "neither the region nor its surroundings show any structures: draw it where the LM "
            "image shows some, or let more surroundings count"
        )
    field = _field(image, known, _isotropic(weights, centre, canvas))
    best = np.full(image.shape, -1.0, np.float32)
    peaks: list[Peak] = []
    wanted = sum(len(turn.wanted) for turn in turns) * len(contrasts)
    positions = math.ceil(fewest_peaks / wanted)

    def found(turn: Turn) -> tuple[list[Peak], NDArray[np.float32]]:
        spectrum = _spectrum(canvas.turned(weighted, centre, turn), field.shape)
        highest = np.full(image.shape, -1.0, np.float32)
        of_turn: list[Peak] = []
        for orientation, maps in _maps(field, spectrum, turn):
            maps *= 1 / (math.sqrt(energy) * orientation.magnification)
            of_turn += _peaks(maps, orientation, contrasts, highest, positions)
        return of_turn, highest

    # On one thread: steps so short would wait for Python's lock on several, and take longer.
    for done, (of_turn, highest) in enumerate(map(found, turns)):
        if done % BATCH == 0:
            yield Progress(stage, done, len(turns))
        peaks += of_turn
        np.maximum(best, highest, out=best)
    yield Progress(stage, len(turns), len(turns))
    peaks.sort(key=lambda peak: -peak.score)
    return Sweep(tuple(peaks), np.where(field.factor > 0, best, np.nan))


def _half_side(
    weights: NDArray[np.float32], centre: tuple[float, float], magnification: float
) -> int:
    """Return half the side of a square that holds the template in any orientation."""
    rows, cols = np.nonzero(weights)
    farthest = float(np.hypot(rows - centre[0], cols - centre[1]).max())
    return math.ceil(farthest * magnification) + 1


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """A square on which a template is turned about the middle.

    Attributes
    ----------
    half : int
        Pixels from the middle to an edge.
    disc : ndarray of int, shape (P,)
        The pixels, counted row by row, where a turned template may lie.
    points : ndarray, shape (3, P)
        Their `homogeneous` coordinates.
    """

    half: int
    disc: NDArray[np.intp]
    points: NDArray[np.float32]

    @classmethod
    def of(cls, half: int) -> _Canvas:
        """Return the canvas of this size."""
        from_middle = np.arange(-half, half + 1)
        disc = np.flatnonzero(np.hypot(*np.meshgrid(from_middle, from_middle)) <= half)
        points = np.stack(np.divmod(disc, 2 * half + 1), axis=1).astype(np.float64)
        return cls(half, disc, homogeneous(points))

    def turned(
        self, image: NDArray[np.float32], centre: tuple[float, float], turn: Turn
    ) -> NDArray[np.float32]:
        """Return a template turned and magnified, its centre in the middle; 0 outside it."""
        middle = (self.half, self.half)
        placed = invert(similarity(turn.magnification, turn.angle, False, centre, middle))
        drawn = np.zeros((2 * self.half + 1,) * 2, np.float32)
        for first in range(0, len(self.disc), BLOCK):
            part = slice(first, first + BLOCK)
            values, _ = interpolate_block(image, placed[None], self.points[:, part])
            drawn.flat[self.disc[part]] = values[0]
        return drawn


def _isotropic(
    weights: NDArray[np.float32], centre: tuple[float, float], canvas: _Canvas
) -> NDArray[np.float32]:
    """Return the weights averaged over a circle of angles."""
    angles = np.arange(0.0, 360.0, 15.0).tolist()
    turned = [canvas.turned(weights, centre, Turn(angle, 1.0, ())) for angle in angles]
    return np.mean(turned, axis=0, dtype=np.float32)  # type: ignore[no-any-return]


def _spectrum(canvas: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Return the spectrum of a square canvas, its middle at the origin."""
    half = len(canvas) // 2
    padded = np.zeros(shape, np.float32)
    padded[: half + 1, : half + 1] = canvas[half:, half:]
    padded[: half + 1, -half:] = canvas[half:, :half]
    padded[-half:, : half + 1] = canvas[:half, half:]
    padded[-half:, -half:] = canvas[:half, :half]
    return fft.rfft2(padded)  # type: ignore[no-any-return]


def _field(
    image: NDArray[np.float32],
    known: NDArray[np.bool_],
    weights: NDArray[np.float32],
) -> _Field:
    """Return the spectrum of the image, and the normalisation at each position."""
    rows, cols = image.shape
    half = len(weights) // 2
    # Wide enough that a template which hangs over one edge does not wrap to the other. What does
    # not fit in of one larger than the image is farther from its centre than any two pixels.
    shape = (
        fft.next_fast_len(rows + half, real=True),
        fft.next_fast_len(cols + half, real=True),
    )
    under = np.conj(_spectrum(weights, shape))
    layers = np.zeros((3, *shape), np.float32)
    layers[0, :rows, :cols] = image
    layers[1, :rows, :cols] = image * image
    layers[2, :rows, :cols] = known
    spectra = fft.rfft2(layers, axes=(1, 2), workers=threads())
    energy, covered = fft.irfft2(spectra[1:] * under, s=shape, axes=(1, 2), workers=threads())[
        :, :rows, :cols
    ]
    coverage = np.clip(covered / weights.sum(dtype=np.float64), 0, 1)
    searched = coverage >= LEAST_COVERAGE
    if not searched.any():
        searched = coverage >= coverage.max() * 0.999
    floor = LEAST_ENERGY * np.median(energy[searched])
    factor = np.where(searched, 1 / np.sqrt(np.maximum(energy, max(floor, 1e-9))), 0)
    return _Field(spectra[0], factor.astype(np.float32), shape)


def _maps(
    field: _Field, spectrum: NDArray[np.complex64], turn: Turn
) -> Iterator[tuple[Orientation, NDArray[np.float32]]]:
    """Yield each wanted orientation with its map of normalised correlations."""
    rows, cols = field.factor.shape
    reverse = -np.arange(field.shape[0]) % field.shape[0]
    for orientation, half_turn, flipped in turn.wanted:
        # Half a turn conjugates the spectrum; flipped columns reverse its rows and
        # conjugate it, by the symmetry of a real image's spectrum.
        variant = spectrum[reverse] if flipped else spectrum
        if half_turn == flipped:
            variant = np.conj(variant)
        maps = fft.irfft2(field.spectrum * variant, s=field.shape, overwrite_x=True)
        yield orientation, maps[:rows, :cols] * field.factor


def _peaks(
    scores: NDArray[np.float32],
    orientation: Orientation,
    contrasts: Sequence[int],
    best: NDArray[np.float32],
    positions: int,
) -> Iterator[Peak]:
    """Yield the highest positions for each contrast; raise `best` to the scores in place."""
    for contrast in contrasts:
        signed = scores if contrast > 0 else -scores
        np.maximum(best, signed, out=best)
        if positions > 1:
            signed = signed.copy()
        for index in range(positions):
            row, col = divmod(int(signed.argmax()), scores.shape[1])
            score = float(signed[row, col])
            if index and score <= 0:
                break
            yield Peak(score, row, col, orientation, contrast)
            if positions > 1:
                signed[
                    max(row - APART, 0) : row + APART + 1, max(col - APART, 0) : col + APART + 1
                ] = 0
