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
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment import GrowthStep, Model, Place, Scene, grow_steps
from clem_retrace.events import Progress, Steps, run
from clem_retrace.geometry import angle_between, invert, similarity
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.retracing.candidates import Candidates, Match, suppress
from clem_retrace.retracing.confidence import confidences
from clem_retrace.retracing.orientations import OrientationGrid
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of the growth: see `alignment.GrowthStep`.

    Attributes
    ----------
    cell : float, LM pixels
        Pixel size of the grid, for a ROI of usual size.
    reach : float or None, LM pixels
        For a ROI of usual size; None for all that is allowed.
    kept, iterations : int
    model : {"similarity", "affine"}
    spread : int
    """

    cell: float
    reach: float | None
    kept: int
    iterations: int
    model: Model
    spread: int = 0


@dataclass(frozen=True, slots=True)
class _Level:
    """One pass of sweep and growth.

    Attributes
    ----------
    cell : float, LM pixels
        Pixel size of the sweep's grid, for a ROI of usual size.
    reach : float, LM pixels
        Surroundings that the sweep uses, for a ROI of usual size. More are more evidence,
        though a few percent of shear have moved the outermost by more than their size.
    growth : tuple of _Step
        The first one's places are the sweep's.
    """

    cell: float
    reach: float
    growth: tuple[_Step, ...]


#: The quick pass and the thorough one. Coarse grids lead into the basin of an alignment, but
#: do not judge well: structures are few there, and a wrong place that was chosen from
#: hundreds for its likeness, and then aligned, is as like as the right one. So as many as
#: can be afforded are compared at the LM's own resolution, before the surroundings grow.
LEVELS = (
    _Level(
        3.0,
        120.0,
        (
            _Step(3.0, 80.0, 120, 4, "similarity"),
            _Step(2.0, 80.0, 60, 5, "similarity"),
            _Step(1.0, 80.0, 24, 3, "similarity"),
            _Step(2.0, 120.0, 16, 6, "affine", spread=1),
            _Step(2.0, None, 16, 8, "affine"),
            _Step(1.0, None, 16, 3, "affine"),
        ),
    ),
    _Level(
        2.0,
        150.0,
        (
            _Step(2.0, 80.0, 300, 4, "similarity"),
            _Step(2.0, 80.0, 160, 5, "similarity"),
            _Step(1.0, 80.0, 100, 5, "similarity"),
            _Step(2.0, 120.0, 48, 6, "affine", spread=8),
            _Step(2.0, None, 40, 8, "affine"),
            _Step(1.0, None, 32, 3, "affine"),
        ),
    ),
)


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

    Returns
    -------
    Candidates
        Ranked by the correlation over ROI and surroundings; their confidences are set.

    Raises
    ------
    BadImage
        One of the images has no structures.
    """
    contrasts = {"either": (1, -1), "same": (1,), "inverted": (-1,)}[contrast]
    coarsening = max(1.0, math.hypot(roi.height, roi.width) / USUAL_DIAGONAL)
    matches: tuple[Match, ...] = ()
    scenes: dict[float, Scene] = {}
    for number, level in enumerate(LEVELS):
        name = stage if number == 0 else f"{stage}, finer"
        missing = sorted({level.cell, *(step.cell for step in level.growth)} - scenes.keys())
        for done, size in enumerate(missing):
            yield Progress(f"{name}, representation", done, len(missing))
            scenes[size] = Scene.at(lm, em, roi, ratio=ratio, cell=size * coarsening, sigma=SIGMA)
        yield Progress(f"{name}, representation", len(missing), len(missing))
        scene = scenes[level.cell]
        weights = scene.weights(min(context, level.reach * coarsening))
        grid = OrientationGrid(
            radius=_radius(weights, scene.roi.centre),
            tolerance=TOLERANCE * SIGMA,
            ratio_uncertainty=ratio_uncertainty,
            mirror=mirror,
            angle=angle,
            angle_uncertainty=angle_uncertainty,
        )
        sweep = yield from sweep_steps(
            scene.lm, weights, scene.roi.centre, scene.em, scene.known, grid,
            contrasts=contrasts, stage=name,
        )  # fmt: skip
        schedule = [
            GrowthStep(
                scenes[step.cell],
                context if step.reach is None else min(context, step.reach * coarsening),
                step.kept,
                step.iterations,
                step.model,
                step.spread,
            )
            for step in level.growth
        ]
        places = _starts(sweep, scene, level.growth[0].kept)
        grown = yield from grow_steps(places, schedule, f"{name}, growth")
        matches = confidences(
            suppress(
                # Where nothing plausible grew, the sweep's places are shown.
                [*matches, *(_match(place, roi) for place in grown or places)],
                distance=0.25 * ratio * min(roi.height, roi.width),
                angle=15.0,
                limit=max(limit, level.growth[-1].kept),
            )
        )
        if matches and matches[0].confidence >= SURE:
            break
    return Candidates(matches[:limit], sweep.similarity, invert(scene.em_to_grid))


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
