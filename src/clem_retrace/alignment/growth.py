"""Growth: which of many rough places lasts when ever more must agree.

Each place is aligned by itself, first over the ROI and little round it, then over ever
larger surroundings, by an affine transform, and at last at the LM's full resolution. A
right place grows: more surroundings and finer structures are more evidence. What a wrong
one had by chance is diluted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment.gauss_newton import Alignments, Model, align
from clem_retrace.alignment.scene import Scene
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import (
    Matrix,
    compose,
    decompose,
    invert,
    map_points,
    translation,
)

__all__ = ["GrowthStep", "Place", "grow_steps"]

#: Sections and stages stretch one axis by a few percent; more is overfitting.
LARGEST_ANISOTROPY = 0.2

#: Places whose corners of the ROI are nearer than this have become one; LM pixels.
ONE_PLACE = 4.0

#: Neighbours of a place are displaced by this, LM pixels, at this distance from the ROI's
#: centre.
SPREAD, SPREAD_RADIUS = 4.0, 60.0

#: Values sampled between two events: some 0.1 s.
PORTION = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in the EM that may be the ROI's.

    Attributes
    ----------
    lm_to_em : ndarray, shape (3, 3)
    contrast : int
        1 or -1.
    score : float
        Correlation times root coverage, the mean of the last two steps of a growth.
    latest : float
        That of the last step alone.
    """

    lm_to_em: Matrix
    contrast: int
    score: float = 0.0
    latest: float = 0.0
    cell: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class GrowthStep:
    """One step of a growth.

    Attributes
    ----------
    scene : Scene
    reach : float, LM pixels
        Surroundings of the ROI that count.
    kept : int
        How many places take part, the best of the step before.
    iterations : int
    model : {"similarity", "affine"}
        With little to go by, an affine finds a likeness anywhere.
    spread : int
        So many of the best places take part with their neighbours too: an alignment may
        have settled a few pixels away from the right one.
    """

    scene: Scene
    reach: float
    kept: int
    iterations: int
    model: Model = "affine"
    spread: int = 0


def grow_steps(
    places: Sequence[Place], schedule: Sequence[GrowthStep], stage: str
) -> Steps[list[Place]]:
    """Yield progress; return the places that last, aligned, best first.

    Parameters
    ----------
    places : sequence of Place
        Best first; their scores do not matter.
    schedule : sequence of GrowthStep
        The last two judge: the ranking is by the mean of their scores, so that structures
        of two sizes have a say.
    stage : str
        Name under which progress is yielded.
    """
    total = sum(min(step.kept, len(places)) for step in schedule)
    done = 0
    current = list(places)
    for step in schedule:
        current = current[: step.kept]
        current += [
            Place(neighbour, place.contrast, place.score, place.latest, place.cell)
            for place in current[: step.spread]
            for neighbour in _neighbours(place.lm_to_em, step.scene)
        ]
        matrices = np.array([step.scene.onto_grids(place.lm_to_em) for place in current]).reshape(
            -1, 3, 3
        )
        contrasts = np.array([place.contrast for place in current], dtype=int)
        result = Alignments(matrices.copy(), np.full(len(matrices), -1.0), np.zeros(len(matrices)))
        for contrast in (1, -1):
            template = step.scene.template(contrast, step.reach)
            size = max(1, PORTION // (len(template.points) * (step.iterations + 1)))
            same = np.flatnonzero(contrasts == contrast)
            for first in range(0, len(same), size):
                yield Progress(stage, done, total)
                chosen = same[first : first + size]
                aligned = align(
                    template,
                    step.scene.em,
                    matrices[chosen],
                    model=step.model,
                    iterations=step.iterations,
                )
                result.matrices[chosen] = aligned.matrices
                result.correlation[chosen] = aligned.correlation
                result.coverage[chosen] = aligned.coverage
                done += len(chosen)
        latest = [place.latest for place in current]
        cells = np.array([place.cell for place in current])
        current = _survivors(result, contrasts, latest, cells, step.scene)
    yield Progress(stage, total, total)
    return current


def _survivors(
    result: Alignments, contrasts: NDArray[np.int_], before: Sequence[float], cells, scene: Scene
) -> list[Place]:
    """Return the plausible, distinct places, best first."""
    kept: list[Place] = []
    corners: list[NDArray[np.float64]] = []
    near = ONE_PLACE / scene.cell
    matrices, latest = result.matrices, result.score
    scores = (latest / scene.cell + np.divide(before, cells)) / (1 / scene.cell + 1 / cells)
    for index in np.argsort(-scores, kind="stable"):
        lm_to_em = scene.off_grids(matrices[index])
        if not _plausible(lm_to_em):
            continue
        mapped = map_points(matrices[index], scene.roi.corners)
        if corners and np.linalg.norm(np.array(corners) - mapped, axis=2).max(axis=1).min() < near:
            continue
        corners.append(mapped)
        kept.append(
            Place(lm_to_em, int(contrasts[index]), float(scores[index]), float(latest[index]), scene.cell)
        )
    return kept


def _neighbours(lm_to_em: Matrix, scene: Scene) -> list[Matrix]:
    """Return transforms that differ in one of the six parameters of an affine."""
    onto = scene.onto_grids(lm_to_em)
    radius = SPREAD_RADIUS / scene.cell
    centre = translation(scene.roi.centre)
    neighbours = []
    for row, col in np.ndindex(2, 3):
        for sign in (-1, 1):
            change = np.eye(3)
            change[row, col] += sign * SPREAD / scene.cell / (1 if col == 2 else radius)
            moved = compose(onto, centre, change, invert(centre))
            neighbours.append(scene.off_grids(moved))
    return neighbours


def _plausible(lm_to_em: Matrix) -> bool:
    """Whether an alignment could be of two images of one section."""
    linear = lm_to_em[:2, :2]
    if not np.isfinite(lm_to_em).all() or abs(np.linalg.det(linear)) < 1e-9:
        return False
    return decompose(lm_to_em).anisotropy < LARGEST_ANISOTROPY
