"""The stages as the pipeline runs them: options unpacked, transforms brought to EM pixels.

Between the EM and the matched stages stands a working copy of two pixels per LM pixel, made
in one pass over the EM; what those stages find in it is returned in EM pixels.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.decimating import decimate_steps
from clem_retrace.errors import BadImage
from clem_retrace.events import StageResult, Steps
from clem_retrace.geometry import Matrix, compose, invert, magnification_of
from clem_retrace.memory import Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.pixels import as_float32, read
from clem_retrace.registration import standing
from clem_retrace.registration.affine import register_affine_steps
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.representation import (
    Representation,
    ScaleSelection,
    represent_steps,
    select_sigma_steps,
)
from clem_retrace.retracing import (
    LDP_BINS,
    Candidates,
    Match,
    cell_search_steps,
    histogram_search_steps,
    ldp_codes_steps,
    ldp_readings,
    ldp_turns,
    log_bins,
    log_readings,
    log_turns,
    oriented_search_steps,
)

__all__ = [
    "HISTOGRAM_LIMIT",
    "MATCHED_SIGMA",
    "Clock",
    "affine_steps",
    "binned_steps",
    "finest_ratio",
    "histogram_steps",
    "only",
    "oriented_steps",
    "scales_steps",
    "standing_steps",
    "work_steps",
]

#: EM pixels per LM pixel on which the matched stages work: enough for the finest of them.
WORKING_RATIO = 2.0

#: Sigma of the matched histogram search, LM pixels, when none is given.
MATCHED_SIGMA = 1.5

#: LoG values are counted within this many robust standard deviations.
HISTOGRAM_LIMIT = 6.0


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Keep how long takes what is done under it."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start


def only(options: RegistrationOptions, *names: str) -> RegistrationOptions:
    """Return the options of these names, and of these groups, with all others at their defaults.

    A stage that is given no more than it reads can be recalled when others change.
    """
    return RegistrationOptions(**{name: getattr(options, name) for name in names})


def scales_steps(
    lm: Micrograph, em: Micrograph, options: RegistrationOptions, recall: Recall
) -> Steps[tuple[ScaleSelection, ScaleSelection]]:
    """Yield events; return the sigmas of the LM and of the EM, selected or as given."""
    lm_scale = yield from _scale_steps(lm, "LM", options, recall)
    em_scale = yield from _scale_steps(em, "EM", options, recall)
    return lm_scale, em_scale


def _scale_steps(
    image: Micrograph, which: str, options: RegistrationOptions, recall: Recall
) -> Steps[ScaleSelection]:
    """Yield progress; return the sigma of one image."""
    given = options.representation
    lm = which == "LM"
    try:
        selection = yield from recall.steps(
            select_sigma_steps,
            image.data,
            structures=given.lm_structures if lm else given.em_structures,
            min_sigma=given.min_sigma,
            max_sigma=given.max_sigma,
            stage=f"{which} scale",
        )
    except BadImage as error:
        raise BadImage(f"{image.name or which}: {error}") from error
    sigma = given.lm_sigma if lm else given.em_sigma
    if sigma is not None:
        selection = dataclasses.replace(selection, sigma=sigma)
    yield StageResult(f"{which} scale", selection)
    return selection


def finest_ratio(ratio: float, options: RegistrationOptions) -> float:
    """Return the ratio that the working copy is made for, where it may be off.

    It is fine enough for the smallest that may be true, where that is far below.
    """
    return ratio * min(1.0, 2 * (1 - options.ratio_uncertainty))


def work_steps(
    em: Micrograph, ratio: float, stage: str, recall: Recall
) -> Steps[tuple[Micrograph, Matrix]]:
    """Yield progress; return the EM at two pixels per LM pixel, and the transform to it."""
    factor = max(1.0, ratio / WORKING_RATIO)
    if factor == 1.0:
        return Micrograph(as_float32(read(em.data, name=em.name)), None, em.name), np.eye(3)
    data, em_to_work = yield from recall.steps(decimate_steps, em, factor, stage)
    return Micrograph(data, None, em.name), em_to_work


def binned_steps(
    lm: Micrograph,
    em: Micrograph,
    em_to_source: Matrix,
    ratio: float,
    sigmas: tuple[float, float],
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[tuple[NDArray[Any], NDArray[Any], Matrix]]:
    """Yield events; return the bins of both images' pixels as they are counted for histograms.

    Parameters
    ----------
    lm, em : Micrograph
        For a matched comparison `em` is the working copy.
    em_to_source : ndarray, shape (3, 3)
        From EM pixels to those of `em`.
    ratio : float, EM pixels per LM pixel
    sigmas : (float, float), LM pixels and EM pixels
        Selected ones; a matched comparison has its own.
    options : RegistrationOptions
    recall : Recall

    Returns
    -------
    lm_bins : ndarray, shape of the LM
    em_bins : ndarray, shape (m, n)
    em_to_grid : ndarray, shape (3, 3)
        From EM pixels to those of `em_bins`.
    """
    chosen = options.histogram
    if chosen.matched:
        sigma = options.representation.lm_sigma or MATCHED_SIGMA
        sigmas = (sigma, sigma)
        # The grid of the comparison has the LM's pixel size.
        factor = max(1.0, _working_ratio(ratio, em_to_source))
        pixels, to_grid = yield from recall.steps(decimate_steps, em, factor, "histogram search")
        em, em_to_source = Micrograph(pixels), compose(to_grid, em_to_source)
    found: list[NDArray[Any]] = []
    for which, image, to_log, sigma in (
        ("LM", lm, np.eye(3), sigmas[0]),
        ("EM", em, em_to_source, sigmas[1]),
    ):
        stage = f"{which} representation"
        representation: Representation = yield from recall.steps(
            represent_steps, image.data, sigma, to_log, stage
        )
        yield StageResult(stage, representation)
        if chosen.descriptor == "ldp":
            found.append((yield from recall.steps(ldp_codes_steps, representation.log, stage)))
        else:
            found.append(log_bins(representation.log, chosen.bins, HISTOGRAM_LIMIT))
    return found[0], found[1], em_to_source


def histogram_steps(
    lm: Micrograph,
    em: Micrograph,
    em_to_source: Matrix,
    roi: Roi,
    ratio: float,
    sigmas: tuple[float, float],
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[Candidates]:
    """Yield events; return the histogram search's candidates."""
    chosen = options.histogram
    lm_bins, em_bins, em_to_grid = yield from binned_steps(
        lm, em, em_to_source, ratio, sigmas, options, recall
    )
    ldp = chosen.descriptor == "ldp"
    bins = LDP_BINS if ldp else chosen.bins
    if chosen.matched and chosen.cells and chosen.patch_height is None:
        return (
            yield from recall.steps(
                cell_search_steps, lm_bins, em_bins, roi, bins=bins,
                readings=ldp_readings() if ldp else log_readings(bins), cell=chosen.cell,
                em_to_grid=em_to_grid, similarity=chosen.similarity,
                limit=options.candidates, stage="histogram search",
            )
        )  # fmt: skip
    drawn = (
        None
        if chosen.patch_height is None or chosen.patch_width is None
        else (chosen.patch_height, chosen.patch_width)
    )
    return (
        yield from recall.steps(
            histogram_search_steps, lm_bins, em_bins, roi, bins=bins,
            turns=ldp_turns() if ldp else log_turns(bins),
            ratio=ratio, em_to_grid=em_to_grid, similarity=chosen.similarity,
            overlap=chosen.overlap, row_step=chosen.row_step, col_step=chosen.col_step,
            patch=drawn, limit=options.candidates, stage="histogram search",
        )
    )  # fmt: skip


def oriented_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    roi: Roi,
    ratio: float,
    options: RegistrationOptions,
    recall: Recall,
) -> Steps[Candidates]:
    """Yield progress; return the oriented search's candidates, in EM pixels."""
    chosen = options.oriented
    found = yield from oriented_search_steps(
        lm, work, roi, _working_ratio(ratio, em_to_work),
        ratio_uncertainty=options.ratio_uncertainty, context=options.context,
        mirror=chosen.mirror, contrast=chosen.contrast, angle=chosen.angle,
        angle_uncertainty=chosen.angle_uncertainty, limit=options.candidates,
        stage="oriented search", recall=recall,
    )  # fmt: skip
    return Candidates(
        tuple(
            dataclasses.replace(match, em_to_lm=compose(match.em_to_lm, em_to_work))
            for match in found.matches
        ),
        found.similarity,
        compose(invert(em_to_work), found.similarity_to_em),
    )


def _working_ratio(ratio: float, em_to_work: Matrix) -> float:
    """Return working pixels per LM pixel."""
    return ratio * magnification_of(em_to_work)


def affine_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    start: Match,
    rough: bool,
    options: RegistrationOptions,
    others: tuple[Matrix, ...] = (),
) -> Steps[AffineEstimate]:
    """Yield progress; return the affine registration from a start, or others, in EM pixels."""
    work_to_em = invert(em_to_work)
    starts = (*start.ways_round(), *others)
    estimate = yield from register_affine_steps(
        lm, work, start.roi, [compose(one, work_to_em) for one in starts],
        contrast=start.contrast, sigma=options.affine.sigma, context=options.context, rough=rough,
        robust=options.affine.robust, minimum_support=options.affine.minimum_support,
        stage="registration",
    )  # fmt: skip
    return dataclasses.replace(estimate, matrix=compose(estimate.matrix, em_to_work))


def standing_steps(
    lm: Micrograph,
    work: Micrograph,
    em_to_work: Matrix,
    place: Match,
    options: RegistrationOptions,
) -> Steps[float]:
    """Yield progress; return how far a place stands out from its surroundings."""
    return (
        yield from standing.standing_steps(
            lm, work, place.roi, compose(place.em_to_lm, invert(em_to_work)),
            contrast=place.contrast, sigma=options.affine.sigma, context=options.context,
            stage="registration",
        )
    )  # fmt: skip
