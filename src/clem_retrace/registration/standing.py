"""How far a registration stands out from what the two images give where they do not fit.

Two images correlate a little wherever they are laid on one another, and a registration finds
the best of it. How much that is depends on their structures, on their size and on how much of
the one the other covers; so it is measured on these very images, a little away from the place.
"""

from __future__ import annotations

import numpy as np

from clem_retrace.alignment import Scene, align
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import Matrix, compose, decompose, invert, translation
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration.affine import LEVELS

__all__ = ["standing_steps"]

#: LM pixels to the places that are compared with, and how many there are at each distance.
#: Structures are some 5 pixels large: nearer the images would still agree in part.
DISTANCES, DIRECTIONS = (14.0, 22.0, 30.0, 38.0), 12


def standing_steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    em_to_lm: Matrix,
    *,
    contrast: int,
    sigma: float,
    context: float,
    stage: str,
) -> Steps[float]:
    """Yield progress; return how far a place stands out from its surroundings.

    Parameters
    ----------
    lm, em : Micrograph
    roi : Roi, LM pixels
    em_to_lm : ndarray, shape (3, 3)
    contrast : int
        1 or -1 as in `Match`.
    sigma, context : float, LM pixels
        As in `register_affine_steps`.
    stage : str
        Name under which progress is yielded.

    Returns
    -------
    float
        Correlation at the place, in root-mean-square correlations at places displaced from it.

    Raises
    ------
    BadImage
        One of the images has no structures.
    """
    cell, finer, _ = LEVELS[-1]
    lm_to_em = invert(em_to_lm)
    yield Progress(stage, 0, 2)
    ratio = decompose(lm_to_em).magnification
    scene = Scene.at(lm, em, roi, ratio=ratio, cell=cell, sigma=finer * sigma)
    yield Progress(stage, 1, 2)
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    places = [lm_to_em] + [
        compose(lm_to_em, translation(distance * np.array([np.cos(angle), np.sin(angle)])))
        for distance in DISTANCES
        for angle in angles
    ]
    onto = np.stack([scene.onto_grids(place) for place in places])
    here, *elsewhere = align(scene.template(contrast, context), scene.em, onto, iterations=0).score
    yield Progress(stage, 2, 2)
    return float(here / max(float(np.sqrt(np.mean(np.square(elsewhere)))), 1e-9))
