"""Structures on an image's grid: where each lies, and how far inside its outline a pixel is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, invert, magnification_of, map_points
from clem_retrace.synthetic.specimen import Structures
from clem_retrace.synthetic.texture import Image

__all__ = ["Stamp", "stamps"]

#: Pixels round an outline that belong to its stamp, for soft edges, and a part of its size
#: more, for halos.
MARGIN, HALO = 3.0, 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """One structure on the pixels round it.

    Attributes
    ----------
    index : int
        Which structure.
    window : pair of slice
        Its pixels in the image.
    along, across : ndarray, shape (m, n), float32
        Coordinates in the structure's own frame, in units of its radius, along its long
        axis and across.
    reach : ndarray, shape (m, n), float32
        Distance from the centre; 1 at the outline, whatever its shape.
    radius : float, pixels
        Of a circle with the structure's area.
    """

    index: int
    window: tuple[slice, slice]
    along: Image
    across: Image
    reach: Image
    radius: float

    def coverage(self, limit: float = 1.0, *, edge: float = 1.0) -> Image:
        """Return how much of each pixel lies within `limit`, 0 to 1.

        `edge` is the width of the rise in pixels.
        """
        rise = np.float32(self.radius / edge)
        inside: Image = np.clip((limit - self.reach) * rise + 0.5, 0, 1)
        return inside

    def ring(self, width: float) -> Image:
        """Return a line along the outline, `width` pixels wide, 0 to 1."""
        distance = np.abs(self.reach - 1) * np.float32(self.radius)
        line: Image = np.clip(width / 2 + 0.5 - distance, 0, 1)
        return line


def stamps(
    structures: Structures,
    radii: NDArray[np.float64],
    lm_to_image: Matrix,
    shape: tuple[int, ...],
) -> Iterator[Stamp]:
    """Yield the structures that touch an image.

    Parameters
    ----------
    structures : Structures
    radii : ndarray, shape (n,), LM pixels
        Which of their radii to draw.
    lm_to_image : ndarray, shape (3, 3)
    shape : (rows, cols)
    """
    linear = lm_to_image[:2, :2]
    to_lm = invert(lm_to_image)[:2, :2]
    magnification = magnification_of(lm_to_image)
    centres = map_points(lm_to_image, structures.centres)
    # The ripple's harmonics add up to this much at the most.
    bulge = HALO + np.abs(structures.ripple).sum(axis=1)
    half = np.linalg.norm(linear, 2) * radii * np.sqrt(structures.elongation) * bulge + MARGIN
    low = np.maximum(np.ceil(centres - half[:, None]), 0).astype(int)
    high = np.minimum(np.floor(centres + half[:, None]) + 1, shape).astype(int)
    for index in np.flatnonzero((high > low).all(axis=1)):
        axes = _axes(structures, int(index), to_lm / radii[index])
        (top, left), (bottom, right) = low[index], high[index]
        rows = (np.arange(top, bottom) - centres[index, 0]).astype(np.float32)[:, None]
        cols = (np.arange(left, right) - centres[index, 1]).astype(np.float32)
        along = axes[0, 0] * rows + axes[0, 1] * cols
        across = axes[1, 0] * rows + axes[1, 1] * cols
        yield Stamp(
            index=int(index),
            window=(slice(top, bottom), slice(left, right)),
            along=along,
            across=across,
            reach=_reach(along, across, structures.ripple[index]),
            radius=magnification * float(radii[index]),
        )


def _axes(structures: Structures, index: int, to_radii: NDArray[np.float64]) -> Image:
    """Return the (2, 2) matrix from image offsets to a structure's own frame."""
    direction = structures.direction[index]
    sin, cos = np.sin(direction), np.cos(direction)
    stretch = np.sqrt(structures.elongation[index])
    frame = np.array([[sin / stretch, cos / stretch], [cos * stretch, -sin * stretch]])
    return (frame @ to_radii).astype(np.float32)


def _reach(along: Image, across: Image, ripple: NDArray[np.complex128]) -> Image:
    """Return the distance from the centre in units of the outline's, direction by direction."""
    position = along + 1j * across
    distance = np.abs(position)
    unit = position / np.maximum(distance, 1e-6)
    outline = np.ones_like(distance)
    harmonic = unit
    for coefficient in ripple.astype(np.complex64):
        harmonic = harmonic * unit
        outline += (coefficient.conjugate() * harmonic).real
    return distance / np.maximum(outline, 0.3)
