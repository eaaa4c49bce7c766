"""Growth: which of many rough places lasts when ever more surroundings must agree.

Each place is aligned by itself, first over the ROI and little round it, then over ever
larger surroundings, by an affine transform. A right place grows: more surroundings are
more evidence, while what a wrong one had by chance is diluted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment.gauss_newton import Alignments, align
from clem_retrace.alignment.scene import Scene
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import Matrix, decompose

__all__ = ["Place", "grow_steps"]

#: Surroundings at the first steps, LM pixels; the last step takes all that are allowed.
REACHES = (40.0, 80.0)

#: Sections and stages stretch one axis by a few percent; more is overfitting.
LARGEST_ANISOTROPY = 0.2

#: Places aligned between two events: some 0.1 s.
PORTION = 12


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in the EM that may be the ROI's.

    Attributes
    ----------
    lm_to_em : ndarray, shape (3, 3)
    contrast : int
        1 or -1.
    score : float
        Correlation times root coverage.
    """

    lm_to_em: Matrix
    contrast: int
    score: float = 0.0


def grow_steps(
    places: Sequence[Place],
    scene: Scene,
    *,
    context: float,
    kept: Sequence[int],
    stage: str,
) -> Steps[list[Place]]:
    """Yield progress; return the places that last, aligned, best first.

    Parameters
    ----------
    places : sequence of Place
        Best first; their scores do not matter.
    scene : Scene
    context : float, LM pixels
        Surroundings of the ROI that count in the last step.
    kept : sequence of int
        How many places go into each step.
    stage : str
        Name under which progress is yielded.
    """
    matrices = np.array([scene.onto_grids(place.lm_to_em) for place in places]).reshape(-1, 3, 3)
    contrasts = np.array([place.contrast for place in places], dtype=int)
    scores = np.array([place.score for place in places])
    reaches = [min(reach, context) for reach in REACHES] + [context]
    total = sum(min(count, len(places)) for count in kept)
    done = 0
    for reach, count in zip(reaches, kept, strict=True):
        matrices, contrasts = matrices[:count], contrasts[:count]
        result = Alignments(matrices.copy(), np.full(len(matrices), -1.0), np.zeros(len(matrices)))
        for chosen in _portions(contrasts):
            yield Progress(stage, done, total)
            template = scene.template(int(contrasts[chosen[0]]), reach)
            aligned = align(template, scene.em, matrices[chosen])
            result.matrices[chosen] = aligned.matrices
            result.correlation[chosen] = aligned.correlation
            result.coverage[chosen] = aligned.coverage
            done += len(chosen)
        order = np.argsort(-result.score, kind="stable")
        matrices, contrasts, scores = (
            result.matrices[order],
            contrasts[order],
            result.score[order],
        )
    yield Progress(stage, total, total)
    grown = [
        Place(scene.off_grids(matrix), int(contrast), float(score))
        for matrix, contrast, score in zip(matrices, contrasts, scores, strict=True)
    ]
    return [place for place in grown if _plausible(place.lm_to_em)]


def _portions(contrasts: NDArray[np.int_]) -> list[NDArray[np.intp]]:
    """Return indices in portions of one contrast each."""
    portions = []
    for contrast in (1, -1):
        chosen = np.flatnonzero(contrasts == contrast)
        portions += [chosen[i : i + PORTION] for i in range(0, len(chosen), PORTION)]
    return portions


def _plausible(lm_to_em: Matrix) -> bool:
    """Whether an alignment could be of two images of one section."""
    linear = lm_to_em[:2, :2]
    if not np.isfinite(lm_to_em).all() or abs(np.linalg.det(linear)) < 1e-9:
        return False
    return decompose(lm_to_em).anisotropy < LARGEST_ANISOTROPY
