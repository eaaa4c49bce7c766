"""Cells: wavy discs that flatten against their neighbours, each with a nucleus."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.synthetic.texture import Waves

__all__ = ["Cells", "draw_cells"]

Points = NDArray[np.float64]

#: Amplitude of the waves that bend outlines, and half the gap between cells that touch, in
#: units of the cells' diameter and in LM pixels.
WAVINESS, HALF_GAP = 0.05, 0.6

#: Some of the places where a cell could lie are empty.
VACANCY = 0.1


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells in LM pixel coordinates.

    Attributes
    ----------
    centres : ndarray, shape (n, 2)
    radius : float
        Of each, where no neighbour is in the way.
    nuclei : ndarray, shape (n, 2)
        Centres of the nuclei.
    nuclear_radii : ndarray, shape (n,)
    tone : ndarray, shape (n,)
        How strongly the cytoplasm takes stain, about 0.
    load : ndarray, shape (n,)
        How many structures the cell holds for its size, about 1.
    bend : pair of Waves
        Displacement of rows and columns that makes outlines wavy.
    amplitude : float
        Of `bend`.
    """

    centres: Points
    radius: float
    nuclei: Points
    nuclear_radii: NDArray[np.float64]
    tone: NDArray[np.float64]
    load: NDArray[np.float64]
    bend: tuple[Waves, Waves]
    amplitude: float

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.centres)

    def locate(self, points: Points) -> tuple[NDArray[np.intp], Points, Points]:
        """Return the nearest cell of each point, and how deep the point lies in it.

        Parameters
        ----------
        points : ndarray, shape (..., 2), LM pixels

        Returns
        -------
        cell : ndarray, shape (...), int
        depth : ndarray, shape (...), LM pixels
            Distance inside the cell's membrane, negative outside; continuous.
        nuclear_depth : ndarray, shape (...), LM pixels
            Distance inside the envelope of the cell's nucleus, negative outside.
        """
        bent = points + self.amplitude * np.stack([wave(points) for wave in self.bend], -1)
        distance, nearest = self._tree.query(bent, k=2, workers=-1)
        cell = nearest[..., 0]
        # Distance to the bisector with the second nearest cell: (d2^2 - d1^2) / (2 |c2 - c1|).
        apart = np.hypot(*np.moveaxis(self.centres[nearest[..., 1]] - self.centres[cell], -1, 0))
        to_neighbour = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * apart)
        depth = np.minimum(self.radius - distance[..., 0], to_neighbour - HALF_GAP)
        to_nucleus = np.hypot(*np.moveaxis(bent - self.nuclei[cell], -1, 0))
        return cell, depth, np.minimum(self.nuclear_radii[cell] - to_nucleus, depth - 2)


def draw_cells(
    rng: np.random.Generator,
    window: NDArray[np.float64],
    anchor: NDArray[np.float64],
    *,
    diameter: float,
    confluence: float,
    nuclear_radius: float,
    anchor_in_nucleus: bool,
) -> Cells:
    """Return cells on a jittered triangular lattice with gaps, one of them at the anchor.

    Parameters
    ----------
    rng : numpy.random.Generator
    window : ndarray, shape (2, 2), LM pixels
        First and last (row, col) to fill.
    anchor : (row, col), LM pixels
        A cell lies here: nobody draws a region on an empty place.
    diameter : float, LM pixels
        Mean distance of the cells' centres.
    confluence : float
        The cells' own diameter in units of that distance; from 1.2 or so they touch their
        neighbours everywhere.
    nuclear_radius : float
        Mean, in units of that distance.
    anchor_in_nucleus : bool
        Whether the anchor lies in the cell's nucleus or in its cytoplasm.
    """
    low, high = window[0] - 1.5 * diameter, window[1] + 1.5 * diameter
    rows = np.arange(low[0], high[0], diameter * np.sqrt(0.75))
    cols = np.arange(low[1], high[1], diameter)
    lattice = np.stack(np.meshgrid(rows, cols, indexing="ij"), -1)
    lattice[1::2, :, 1] += diameter / 2
    centres = lattice.reshape(-1, 2)
    centres = centres + rng.uniform(-0.28, 0.28, centres.shape) * diameter
    centres = centres[rng.random(len(centres)) > VACANCY]
    turn = rng.uniform(0, 2 * np.pi)
    aside = np.array([np.sin(turn), np.cos(turn)]) * diameter
    first = anchor + (0.08 if anchor_in_nucleus else 0.36) * aside
    crowding = np.linalg.norm(centres - first, axis=1) < 0.7 * diameter
    centres = np.concatenate([first[None], centres[~crowding]])
    n = len(centres)
    nuclei = centres + rng.uniform(-0.1, 0.1, (n, 2)) * diameter
    nuclei[0] = first + (0 if anchor_in_nucleus else 0.06) * aside
    load = rng.lognormal(-0.15, 0.55, n)
    load[0] = 1.2
    return Cells(
        centres=centres,
        radius=confluence * diameter / 2,
        nuclei=nuclei,
        nuclear_radii=nuclear_radius * diameter * rng.uniform(0.85, 1.15, n),
        tone=rng.normal(0, 1, n),
        load=load,
        bend=(Waves.draw(rng, diameter * 0.6), Waves.draw(rng, diameter * 0.6)),
        amplitude=WAVINESS * diameter,
    )
