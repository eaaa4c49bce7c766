"""Random fields of the plane and their sampling: what both images are painted with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Image", "Layer", "Waves", "coarse_grid", "grain", "smoothstep"]

#: float32; the wider type spares casts where a stub widens.
Image = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """A smooth random function of the plane: a sum of plane waves, of unit variance.

    It can be evaluated at any point, so that images on different grids see one field.

    Attributes
    ----------
    vectors : ndarray, shape (K, 2)
        Wave vectors in radians per LM pixel.
    phases : ndarray, shape (K,)
    """

    vectors: NDArray[np.float64]
    phases: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, wavelength: float, count: int = 12) -> Waves:
        """Return waves with lengths of 0.7 to 1.6 times `wavelength` (LM pixels)."""
        lengths = wavelength * rng.uniform(0.7, 1.6, count)
        angles = rng.uniform(0, 2 * math.pi, count)
        vectors = (2 * math.pi / lengths)[:, None] * np.stack([np.sin(angles), np.cos(angles)], 1)
        return cls(vectors, rng.uniform(0, 2 * math.pi, count))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the function's values at `points`, shape (..., 2) of (row, col)."""
        # float32 is five times as fast, and good to 1e-4 over thousands of pixels.
        rows, cols = (np.ascontiguousarray(points[..., axis], np.float32) for axis in (0, 1))
        total = np.zeros(rows.shape, np.float32)
        for (along, across), phase in zip(
            self.vectors.astype(np.float32), self.phases.astype(np.float32), strict=True
        ):
            total += np.cos(along * rows + across * cols + phase)
        return total * np.float64(math.sqrt(2 / len(self.phases)))


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A smooth field that is known every `step` pixels of an image.

    Attributes
    ----------
    samples : ndarray, shape (m, n)
        Sample (i, j) lies at pixel (i * step, j * step).
    step : float, pixels
    shape : (rows, cols)
        Of the image; the samples reach beyond its last pixel.
    """

    samples: Image
    step: float
    shape: tuple[int, int]

    def rows(self, first: int = 0, last: int | None = None) -> Image:
        """Return the field at every pixel of rows `first` to `last`, the last not included.

        Linear interpolation, one axis after the other.
        """
        last = self.shape[0] if last is None else last
        low, high = int(first / self.step), int((last - 1) / self.step) + 2
        part = np.ascontiguousarray(self.samples[low:high].T, dtype=np.float32)
        columns = np.arange(self.shape[1]) / self.step
        rows = np.arange(first, last) / self.step - low
        return _interpolated(np.ascontiguousarray(_interpolated(part, columns).T), rows)


def _interpolated(samples: Image, positions: NDArray[np.float64]) -> Image:
    """Return rows of `samples` at fractional positions."""
    first = np.minimum(positions.astype(np.intp), len(samples) - 2)
    weight = (positions - first).astype(np.float32)[:, None]
    result: Image = samples[first + 1]
    before = samples[first]
    result -= before
    result *= weight
    result += before
    return result


def coarse_grid(shape: tuple[int, int], step: float) -> NDArray[np.float64]:
    """Return the (row, col) of a Layer's samples, shape (m, n, 2)."""
    rows, cols = (np.arange(math.ceil((size - 1) / step) + 2) * step for size in shape)
    grid = np.meshgrid(rows, cols, indexing="ij")
    return np.moveaxis(np.array(grid), 0, -1)


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Layer:
    """Return Gaussian noise of unit variance, low-passed to a standard deviation in pixels.

    It is drawn on the coarsest grid that can hold it.
    """
    from scipy import ndimage

    step = max(1, int(sigma / 1.2))
    coarse = tuple(math.ceil((size - 1) / step) + 2 for size in shape)
    field = rng.standard_normal(coarse, dtype=np.float32)
    field = ndimage.gaussian_filter(field, sigma / step, mode="wrap", truncate=3)
    return Layer(field / field.std(), step, shape)


def smoothstep(values: Image, low: float, high: float) -> Image:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    ramp: Image = np.clip((values - low) * np.float32(1 / (high - low)), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)
