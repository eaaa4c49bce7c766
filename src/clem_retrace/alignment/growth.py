"""Growth: which of many rough places lasts when ever more must agree.

Each place is aligned by itself, first over the ROI and little round it, then over ever
larger surroundings, by an affine transform, and at last at the LM's full resolution. A
right place grows: more surroundings and finer structures are more evidence. What a wrong
one had by chance is diluted.

Places are ranked by the scores of two steps in a row, so that structures of two sizes have a
say. The scores of unrelated images spread in proportion to the size of the grid's pixels: by
its inverse they are weighted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment.gauss_newton import Alignments, align
from clem_retrace.alignment.scene import Scene
from clem_retrace.alignment.template import Model
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

#: The neighbours of a place: more and less of each of an affine's parameters.
NEIGHBOURS = 12

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
        Correlation times root coverage; after a growth, the weighted mean of its last two steps.
    """

    lm_to_em: Matrix
    contrast: int
    score: float = 0.0


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
    stage : str
        Name under which progress is yielded.
    """
    total = _most_aligned(len(places), schedule)
    done = 0
    current = list(places)
    before, weight_before = np.zeros(len(current)), 0.0
    for step in schedule:
        current = current[: step.kept]
        parents = list(range(len(current)))
        for parent, place in enumerate(current[: step.spread]):
            moved = _neighbours(place.lm_to_em, step.scene)
            current += [Place(neighbour, place.contrast) for neighbour in moved]
            parents += [parent] * len(moved)
        matrices = np.array([step.scene.onto_grids(place.lm_to_em) for place in current]).reshape(
            -1, 3, 3
        )
        contrasts = np.array([place.contrast for place in current], dtype=int)
        result = yield from _aligned_steps(matrices, contrasts, step, Progress(stage, done, total))
        done += len(current)
        weight = 1 / step.scene.cell
        scores = weight * result.score + weight_before * before[parents]
        scores /= weight + weight_before
        kept = _survivors(result.matrices, scores, step.scene)
        current = [
            Place(step.scene.off_grids(matrix), int(contrast), float(score))
            for matrix, contrast, score in zip(
                result.matrices[kept], contrasts[kept], scores[kept], strict=True
            )
        ]
        before, weight_before = result.score[kept], weight
    yield Progress(stage, total, total)
    return current


def _aligned_steps(
    matrices: NDArray[np.float64], contrasts: NDArray[np.int_], step: GrowthStep, begun: Progress
) -> Steps[Alignments]:
    """Yield progress from `begun` on, in portions; return the places' transforms aligned."""
    result = Alignments(matrices.copy(), np.full(len(matrices), -1.0), np.zeros(len(matrices)))
    done = begun.done
    upright = step.scene.template(1, step.reach)
    for contrast, template in ((1, upright), (-1, upright.negated())):
        size = max(1, PORTION // (len(template.points) * (step.iterations + 1)))
        same = np.flatnonzero(contrasts == contrast)
        for first in range(0, len(same), size):
            yield replace(begun, done=done)
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
    return result


def _survivors(
    matrices: NDArray[np.float64], scores: NDArray[np.float64], scene: Scene
) -> list[int]:
    """Return the indices of the plausible, distinct places, best first."""
    kept: list[int] = []
    corners: list[NDArray[np.float64]] = []
    near = ONE_PLACE / scene.cell
    for index in np.argsort(-scores, kind="stable"):
        if not _plausible(scene.off_grids(matrices[index])):
            continue
        mapped = map_points(matrices[index], scene.roi.corners)
        if corners and np.linalg.norm(np.array(corners) - mapped, axis=2).max(axis=1).min() < near:
            continue
        corners.append(mapped)
        kept.append(int(index))
    return kept


def _most_aligned(places: int, schedule: Sequence[GrowthStep]) -> int:
    """Return how many alignments there will be at most."""
    total = 0
    for step in schedule:
        places = min(places, step.kept)
        places += NEIGHBOURS * min(places, step.spread)
        total += places
    return total


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
    flat = abs(np.linalg.det(lm_to_em[:2, :2])) < 1e-9
    return not flat and decompose(lm_to_em).anisotropy < LARGEST_ANISOTROPY
