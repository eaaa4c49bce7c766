"""Oriented search: where, at which angle, how large and which way round the ROI lies.

A histogram has no layout; this search compares the layout, at any angle, in both mirrors
and contrasts, over a range of magnifications. Two steps:

1. *Sweep*: the ROI with its surroundings is correlated with the decimated EM at every
   position and orientation, at a coarse resolution.
2. *Growth*: the best places of the sweep are aligned over ever larger surroundings.

When the best place then does not stand out, both are repeated at a finer resolution, so
that the usual pair is quick and the hard one thorough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment import GrowthStep, Place, Scene, grow_steps
from clem_retrace.events import Steps, run
from clem_retrace.geometry import angle_between, invert, similarity
from clem_retrace.memory import Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.retracing.candidates import Candidates, Match, suppress
from clem_retrace.retracing.confidence import confidences
from clem_retrace.retracing.levels import LEVELS, Level
from clem_retrace.retracing.orientations import OrientationGrid, ratio_parts
from clem_retrace.retracing.sweep import Peak, Sweep, sweep_steps

__all__ = ["oriented_search", "oriented_search_steps"]

#: Sigma of the LoG, in pixels of the grid that is searched.
SIGMA = 1.0

#: Orientations differ by this many sigmas, to either side, at the template's radius.
TOLERANCE = 1.2

#: Regions with a diagonal beyond this are searched at a coarser grid: what counts is the
#: number of structures, not that of pixels. LM pixels.
USUAL_DIAGONAL = 200.0

#: From this confidence on no finer level is tried.
SURE = 0.99

#: Peaks of the sweep nearer than this lead to one alignment.
ALIKE_DISTANCE, ALIKE_ANGLE = 3.0, 8.0


def oriented_search(
    lm: Micrograph, em: Micrograph, roi: Roi, ratio: float, **keywords: object
) -> Candidates:
    """Return ranked places of an LM region in the EM; see `oriented_search_steps`."""
    return run(oriented_search_steps(lm, em, roi, ratio, **keywords))  # type: ignore[arg-type]


def oriented_search_steps(
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    ratio: float,
    *,
    ratio_uncertainty: float = 0.15,
    context: float = 150.0,
    mirror: Literal["either", "no", "yes"] = "either",
    contrast: Literal["either", "same", "inverted"] = "either",
    angle: float | None = None,
    angle_uncertainty: float = 10.0,
    limit: int = 10,
    stage: str = "oriented search",
    recall: Recall | None = None,
) -> Steps[Candidates]:
    """Yield progress; return ranked places of an LM region in the EM.

    Parameters
    ----------
    lm, em : Micrograph
        The LM, and the EM or a copy decimated to half an LM pixel or finer.
    roi : Roi
        In LM pixels.
    ratio : float
        EM pixels per LM pixel, as far as it is known.
    ratio_uncertainty : float
        The true ratio lies between 1 - it and 1 / (1 - it) times `ratio`.
    context : float, LM pixels
        Surroundings of the ROI that count as evidence.
    mirror, contrast : str
        Restrictions, where the user knows.
    angle : float or None, degrees
        None for any.
    angle_uncertainty : float, degrees
    limit : int
        How many places to return at most.
    stage : str
        Name under which progress is yielded.
    recall : Recall, optional
        Gives the images' representations, where an earlier search has left them.

    Returns
    -------
    Candidates
        Ranked by the correlation over ROI and surroundings; their confidences are set.

    Raises
    ------
    BadImage
        One of the images has no structures.
    """
    task = _Task(
        lm, em, roi,
        context=context,
        coarsening=max(1.0, math.hypot(roi.height, roi.width) / USUAL_DIAGONAL),
        contrasts={"either": (1, -1), "same": (1,), "inverted": (-1,)}[contrast],
        orientations={"mirror": mirror, "angle": angle, "angle_uncertainty": angle_uncertainty},
        recall=recall or Recall(),
    )  # fmt: skip
    parts = ratio_parts(ratio, ratio_uncertainty)
    scenes: list[dict[float, Scene]] = [{} for _ in parts]
    matches: tuple[Match, ...] = ()
    for number, level in enumerate(LEVELS):
        name = stage if number == 0 else f"{stage}, finer"
        sweeps = []
        for part, (part_ratio, uncertainty) in enumerate(parts):
            within = name if len(parts) == 1 else f"{name}, ratio {part + 1} of {len(parts)}"
            yield from _scenes_steps(task, level, part_ratio, scenes[part], within)
            places, sweep = yield from _level_steps(task, level, uncertainty, scenes[part], within)
            sweeps.append(sweep)
            matches += tuple(_match(place, roi) for place in places)
        matches = confidences(
            suppress(
                matches,
                distance=0.25 * ratio * min(roi.height, roi.width),
                angle=15.0,
                limit=max(limit, level.growth[-1].kept),
            )
        )
        if matches and matches[0].confidence >= SURE:
            break
    shown = _nearest_part(parts, matches[0].magnification)
    to_em = invert(scenes[shown][level.cell].em_to_grid)
    return Candidates(matches[:limit], sweeps[shown].similarity, to_em)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What every pass of a search is given."""

    lm: Micrograph
    em: Micrograph
    roi: Roi
    context: float
    coarsening: float
    contrasts: Sequence[int]
    orientations: Mapping[str, Any]
    recall: Recall

    def reach(self, wanted: float | None) -> float:
        """Return how far the surroundings count, LM pixels."""
        return self.context if wanted is None else min(self.context, wanted * self.coarsening)


def _nearest_part(parts: Sequence[tuple[float, float]], ratio: float) -> int:
    """Return the index of the part whose ratio is nearest to one."""
    return min(range(len(parts)), key=lambda part: abs(math.log(parts[part][0] / ratio)))


def _scenes_steps(
    task: _Task, level: Level, ratio: float, scenes: dict[float, Scene], stage: str
) -> Steps[None]:
    """Yield progress; make the scenes that a level needs and that are not there yet."""
    for size in sorted({level.cell, *(step.cell for step in level.growth)} - scenes.keys()):
        scenes[size] = yield from Scene.at_steps(
            task.lm, task.em, task.roi, ratio=ratio, cell=size * task.coarsening, sigma=SIGMA,
            recall=task.recall, stage=f"{stage}, representation",
        )  # fmt: skip


def _level_steps(
    task: _Task, level: Level, uncertainty: float, scenes: Mapping[float, Scene], stage: str
) -> Steps[tuple[list[Place], Sweep]]:
    """Yield progress; return the places that one sweep and its growth lead to."""
    scene = scenes[level.cell]
    weights = scene.weights(task.reach(level.reach))
    grid = OrientationGrid(
        radius=_radius(weights, scene.roi.centre),
        tolerance=TOLERANCE * SIGMA,
        ratio_uncertainty=uncertainty,
        **task.orientations,
    )
    sweep = yield from sweep_steps(
        scene.lm, weights, scene.roi.centre, scene.em, scene.known, grid,
        contrasts=task.contrasts, stage=stage,
    )  # fmt: skip
    schedule = [
        GrowthStep(
            scenes[step.cell],
            task.reach(step.reach),
            step.kept,
            step.iterations,
            step.model,
            step.spread,
        )
        for step in level.growth
    ]
    places = _starts(sweep, scene, level.growth[0].kept)
    grown = yield from grow_steps(places, schedule, f"{stage}, growth")
    # Where nothing plausible grew, the sweep's places are shown.
    return grown or places, sweep


def _match(place: Place, roi: Roi) -> Match:
    """Return a grown place as a match, its confidence still open."""
    return Match(roi, invert(place.lm_to_em), place.score, 0.0, place.contrast, "oriented")


def _radius(weights: NDArray[np.float32], centre: tuple[float, float]) -> float:
    """Return the weighted root-mean-square distance from the centre, pixels."""
    rows, cols = np.ogrid[: weights.shape[0], : weights.shape[1]]
    squared = (rows - centre[0]) ** 2 + (cols - centre[1]) ** 2
    return max(2.0, float(np.sqrt((weights * squared).sum() / weights.sum())))


def _starts(sweep: Sweep, scene: Scene, limit: int) -> list[Place]:
    """Return the sweep's distinct best places."""
    kept: list[Peak] = []
    for peak in sweep.peaks:
        if not any(_alike(peak, other) for other in kept):
            kept.append(peak)
            if len(kept) == limit:
                break
    return [_place(peak, scene) for peak in kept]


def _place(peak: Peak, scene: Scene) -> Place:
    """Return a peak of the sweep as a place in the images."""
    turned = peak.orientation
    onto_grid = similarity(
        turned.magnification,
        turned.angle,
        turned.mirrored,
        scene.roi.centre,
        (peak.row, peak.col),
    )
    return Place(scene.off_grids(onto_grid), peak.contrast, peak.score)


def _alike(peak: Peak, other: Peak) -> bool:
    """Whether two peaks of the sweep lead to one alignment."""
    one, two = peak.orientation, other.orientation
    return (
        peak.contrast == other.contrast
        and one.mirrored == two.mirrored
        and angle_between(one.angle, two.angle) < ALIKE_ANGLE
        and math.hypot(peak.row - other.row, peak.col - other.col) < ALIKE_DISTANCE
    )
