"""A specimen: cells with nuclei, and structures in them, in LM pixel coordinates.

Everything is analytic (seeds, radii, waves), so that the light and the electron microscope
draw the same object on their own grids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from clem_retrace.synthetic.cells import Cells, draw_cells
from clem_retrace.synthetic.texture import Waves

__all__ = ["DEFOCUS_SIGMA", "Layout", "Specimen", "Structures", "draw_specimen"]

Points = NDArray[np.float64]

#: Structures near the focus and farther from it: share of those that only the LM shows, and
#: the standard deviation that defocus adds to the point spread function, LM pixels.
DEFOCUS_SHARE = (0.55, 0.25, 0.20)
DEFOCUS_SIGMA = (0.0, 0.9, 1.8)

#: Of the bystanders, the rest being mitochondria.
DROPLET_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class Layout:
    """How the structures of one kind lie and look, lengths in LM pixels.

    Attributes
    ----------
    radius : float
        Median; sizes are log-normal about it.
    per_area : float
        Structures per LM pixel squared of the region that can hold them.
    clustering : float
        0 spreads them evenly; 1 gathers them so that the density varies by a factor of
        three or so to either side.
    cell_diameter : float
        Mean distance of the cells' centres.
    confluence : float
        The cells' own diameter in units of their distance, see `draw_cells`.
    nuclear_radius : float
        Mean, in units of the cells' distance.
    nuclear : bool
        Whether the structures are in the nuclei, or in the cytoplasm.
    irregularity : float
        Ripple of their outlines, in units of the radius.
    """

    radius: float
    per_area: float
    clustering: float
    cell_diameter: float
    confluence: float
    nuclear_radius: float
    nuclear: bool
    irregularity: float


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Structures of one kind: where they are, how they look, and which image shows them.

    Attributes
    ----------
    centres : ndarray, shape (n, 2), LM pixels
    radii : ndarray, shape (n,), LM pixels
        In projection, as the LM sees them.
    section_radii : ndarray, shape (n,), LM pixels
        As the section cuts them: not more than `radii`.
    elongation : ndarray, shape (n,)
        Ratio of the axes, 1 or more.
    direction : ndarray, shape (n,), radians
        Of the long axis.
    ripple : ndarray, shape (n, H), complex
        Fourier coefficients, harmonics 2 to H + 1, of the outline's deviation from the
        ellipse, in units of the radius.
    strength : ndarray, shape (n,)
        Amount of pigment or label, about 1.
    defocus : ndarray, shape (n,), int
        Index into DEFOCUS_SIGMA.
    in_lm, in_em : ndarray, shape (n,), bool
    """

    centres: Points
    radii: NDArray[np.float64]
    section_radii: NDArray[np.float64]
    elongation: NDArray[np.float64]
    direction: NDArray[np.float64]
    ripple: NDArray[np.complex128]
    strength: NDArray[np.float64]
    defocus: NDArray[np.intp]
    in_lm: NDArray[np.bool_]
    in_em: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.centres)

    def where(self, chosen: NDArray[np.bool_]) -> Structures:
        """Return the chosen ones."""
        return Structures(*(getattr(self, column.name)[chosen] for column in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """What both microscopes look at.

    Attributes
    ----------
    cells : Cells
    structures : Structures
        Those of interest: the ones whose shared fraction is defined.
    mitochondria, droplets : Structures
        Bystanders: the EM alone shows them.
    """

    cells: Cells
    structures: Structures
    mitochondria: Structures
    droplets: Structures


def draw_specimen(
    rng: np.random.Generator,
    layout: Layout,
    window: NDArray[np.float64],
    anchor: NDArray[np.float64],
    *,
    shared: float,
) -> Specimen:
    """Return a random specimen that fills a window of the plane.

    Parameters
    ----------
    rng : numpy.random.Generator
    layout : Layout
    window : ndarray, shape (2, 2), LM pixels
        First and last (row, col) that an image will look at.
    anchor : (row, col), LM pixels
        A cell lies here: nobody draws a region on an empty place.
    shared : float
        Fraction of the structures in one image that the other shows too.
    """
    cells = draw_cells(
        rng,
        window,
        anchor,
        diameter=layout.cell_diameter,
        confluence=layout.confluence,
        nuclear_radius=layout.nuclear_radius,
        anchor_in_nucleus=layout.nuclear,
    )
    gather = Waves.draw(rng, layout.cell_diameter * 0.45)
    section = _spaced(_positions(rng, layout, cells, gather, window), 2.3 * layout.radius)
    both = np.zeros(len(section), bool)
    both[: round(shared * len(section))] = True
    # The LM shows as many as the EM does, so that the fraction holds for either.
    hidden = _positions(rng, layout, cells, gather, window, at_least=len(section))
    hidden = hidden[: len(section) - int(both.sum())]
    n_hidden = len(hidden)
    structures = _draw_structures(
        rng,
        layout,
        np.concatenate([section, hidden]),
        in_lm=np.concatenate([both, np.ones(n_hidden, bool)]),
        in_em=np.concatenate([np.ones(len(section), bool), np.zeros(n_hidden, bool)]),
    )
    return Specimen(cells, structures, *_draw_bystanders(rng, layout, cells, section, window))


def _positions(
    rng: np.random.Generator,
    layout: Layout,
    cells: Cells,
    gather: Waves,
    window: NDArray[np.float64],
    at_least: int = 0,
) -> Points:
    """Return random positions of a log-Gaussian Cox process in the cells, in random order."""
    extent = window[1] - window[0]
    # Uniform candidates, thinned by the relative intensity, which is cut off at 3.
    expected = 3 * layout.per_area * float(np.prod(extent))
    accepted = np.empty((0, 2))
    while True:
        points = window[0] + rng.random((rng.poisson(expected), 2)) * extent
        cell, depth, nuclear_depth = cells.locate(points)
        crowd = layout.clustering * gather(points)
        intensity = cells.load[cell] * np.exp(crowd - layout.clustering**2 / 2)
        if layout.nuclear:
            # Heterochromatin lines the envelope.
            allowed = nuclear_depth > 0.3 * layout.radius
            intensity = 0.5 + 1.8 * np.exp(-((nuclear_depth / (2 * layout.radius)) ** 2))
        else:
            allowed = (depth > 1.3 * layout.radius) & (nuclear_depth < -1.3 * layout.radius)
        kept = points[allowed & (rng.random(len(points)) < intensity / 3)]
        accepted = np.concatenate([accepted, kept])
        if len(accepted) >= at_least:
            return accepted


def _spaced(points: Points, least: float) -> Points:
    """Return the points that are not closer than `least` to one before them."""
    from scipy.spatial import cKDTree

    kept = np.ones(len(points), bool)
    pairs = cKDTree(points).query_pairs(least, output_type="ndarray")
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        if kept[first]:
            kept[second] = False
    return points[kept]


def _draw_structures(
    rng: np.random.Generator,
    layout: Layout,
    centres: Points,
    *,
    in_lm: NDArray[np.bool_],
    in_em: NDArray[np.bool_],
) -> Structures:
    """Return structures of one kind at given places."""
    n = len(centres)
    radii = layout.radius * rng.lognormal(0, 0.2, n)
    # A section that shows a sphere cuts it at a height uniform over most of its diameter.
    section = radii * np.sqrt(1 - rng.uniform(0, 0.75, n) ** 2)
    harmonics = np.arange(2, 6)
    ripple = rng.normal(0, 1, (n, len(harmonics), 2)) @ np.array([1, 1j])
    defocus = rng.choice(len(DEFOCUS_SHARE), n, p=DEFOCUS_SHARE)
    return Structures(
        centres=centres,
        radii=radii,
        section_radii=section,
        elongation=1 + rng.gamma(2, 0.12, n),
        direction=rng.uniform(0, math.pi, n),
        ripple=layout.irregularity * ripple / harmonics,
        strength=rng.lognormal(0, 0.3, n),
        defocus=np.where(in_em, 0, defocus),
        in_lm=in_lm,
        in_em=in_em,
    )


def _draw_bystanders(
    rng: np.random.Generator,
    layout: Layout,
    cells: Cells,
    section: Points,
    window: NDArray[np.float64],
) -> tuple[Structures, Structures]:
    """Return mitochondria and droplets, which the EM alone shows, beside the structures."""
    from scipy.spatial import cKDTree

    radius = 0.03 * layout.cell_diameter
    kind = replace(
        layout,
        radius=radius,
        per_area=46.0 / layout.cell_diameter**2,
        clustering=0.4,
        nuclear=False,
        irregularity=0.09,
    )
    gather = Waves.draw(rng, layout.cell_diameter * 0.3)
    centres = _spaced(_positions(rng, kind, cells, gather, window), 3.2 * radius)
    if len(section) and len(centres):
        centres = centres[cKDTree(section).query(centres)[0] > 1.5 * radius + layout.radius]
    shown = np.ones(len(centres), bool)
    all_round = _draw_structures(rng, kind, centres, in_lm=~shown, in_em=shown)
    droplet = rng.random(len(centres)) < DROPLET_SHARE
    long = replace(all_round, elongation=1 + rng.gamma(2.5, 0.5, len(centres)))
    return long.where(~droplet), all_round.where(droplet)
