"""A registration to the figures that say why: scales of the structures, scores of the places."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plots.figures import Axis, Figure, Guide, Look, Panel, Role, Series
from clem_retrace.plots.quantities import both_lengths, percent, physical
from clem_retrace.retracing.candidates import Candidates, Match, Search
from clem_retrace.retracing.confidence import FEWEST_RIVALS, confidences
from clem_retrace.stages import MATCHED_SIGMA

if TYPE_CHECKING:
    from clem_retrace.micrograph import ImageFacts
    from clem_retrace.representation import ScaleSelection
    from clem_retrace.result import Registration

__all__ = ["needed_score", "scale_figure", "score_figure"]

#: Diameter of the blob that a Laplacian of Gaussian responds to most, in sigmas.
BLOB_DIAMETER = 2 * math.sqrt(2)

#: Times the score span is halved to find the score that would do.
HALVINGS = 50


def scale_figure(registration: Registration) -> Figure:
    """Return the number of blobs against their scale, for both images."""
    given = registration.options.representation
    panels, rows, sizes = [], [], []
    for which, facts, selection, own in (
        ("LM", registration.lm, registration.lm_scale, given.lm_sigma),
        ("EM", registration.em, registration.em_scale, given.em_sigma),
    ):
        panels.append(_scale_panel(which, facts, selection, own is not None))
        rows += _scale_rows(which, facts, selection)
        diameter = BLOB_DIAMETER * selection.sigma
        size = physical(diameter, facts.pixel_size, digits=2) or f"{diameter:.1f} {which} px"
        sizes.append(f"{size} wide in the {which}")
    return Figure(
        name="blobs-by-scale",
        panels=tuple(panels),
        caption=f"Blobs of the marked scales are about {' and '.join(sizes)}. "
        + _use_of_scales(registration),
        header=(
            "image",
            "sigma_px",
            "sigma_nm",
            "blobs_beyond_noise",
            "all_blobs",
            "blobs_of_white_noise",
            "selected_sigma_px",
        ),
        rows=tuple(rows),
    )


def _use_of_scales(registration: Registration) -> str:
    """Return, in a sentence, what the selected scales were used for."""
    options = registration.options
    if options.search == "oriented":
        return "The oriented search does not use them: it has scales of its own."
    if options.histogram.matched:
        sigma = options.representation.lm_sigma or MATCHED_SIGMA
        return (
            f"For information: the histogram search compares both at \u03c3 = {sigma:g} LM px, "
            "unless \u201cmatched\u201d is off."
        )
    return "At these scales the histogram search compares the two."


def _scale_panel(which: str, facts: ImageFacts, selection: ScaleSelection, given: bool) -> Panel:
    role: Role = "lm" if which == "LM" else "em"
    sigmas = selection.sigmas
    low, high = min(sigmas[0], selection.sigma), max(sigmas[-1], selection.sigma)
    curves: tuple[tuple[str, NDArray[np.float64], Look, Role], ...] = (
        ("white noise", selection.reference_counts, "dotted", "reference"),
        ("all (paper)", selection.raw_counts, "dashed", role),
        ("beyond noise", selection.counts, "line", role),
    )
    series = tuple(
        Series(
            name, sigmas, np.asarray(counts, dtype=np.float64), look, colour,
            tuple(
                f"{which}, {name}: {count:.0f} blobs at \u03c3 = "
                f"{both_lengths(sigma, facts.pixel_size)}"
                for sigma, count in zip(sigmas, counts, strict=True)
            ),
        )
        for name, counts, look, colour in curves
    )  # fmt: skip
    top = max(float(one.y.max()) for one in series)
    selected = f"\u03c3 = {both_lengths(selection.sigma, facts.pixel_size)}"
    size = facts.pixel_size
    return Panel(
        title=f"{which}: {selected}{' (given)' if given else ''}",
        x=Axis(f"\u03c3 ({which} px)", low, high, log=True),
        y=Axis("blobs", 1.0, max(10.0, 2 * top), log=True),
        series=series,
        guides=(Guide(selection.sigma, "x", ""),),
        top=None if size is None else Axis("nm", low * size, high * size, log=True),
    )


def _scale_rows(
    which: str, facts: ImageFacts, selection: ScaleSelection
) -> list[tuple[float | str | None, ...]]:
    size = facts.pixel_size
    return [
        (
            which,
            float(sigma),
            None if size is None else float(sigma) * size,
            *(float(count) for count in counts),
            selection.sigma,
        )
        for sigma, *counts in zip(
            selection.sigmas,
            selection.counts,
            selection.raw_counts,
            selection.reference_counts,
            strict=True,
        )
    ]


def score_figure(registration: Registration) -> Figure:
    """Return the scores of the ranked candidates, each search's in a panel of its own."""
    matches = registration.candidates.matches
    taken = registration.rank
    needed = needed_score(registration)
    panels = [
        _score_panel(search, registration.candidates, taken, needed)
        for search in ("oriented", "histogram")
        if any(match.search == search for match in matches)
    ]
    return Figure(
        name="candidate-scores",
        panels=tuple(panels),
        caption=_score_caption(registration, needed),
        header=("rank", "search", "score", "confidence", "taken"),
        rows=tuple(
            (rank, match.search, match.score, match.confidence, "yes" if rank == taken else "no")
            for rank, match in enumerate(matches, start=1)
        ),
    )


def _score_panel(search: Search, candidates: Candidates, taken: int, needed: float | None) -> Panel:
    ranked = [
        (rank, match)
        for rank, match in enumerate(candidates.matches, start=1)
        if match.search == search
    ]
    # A legend of one entry says nothing that the tips do not.
    others = "other places" if any(rank == taken for rank, _ in ranked) else ""
    groups: tuple[tuple[str, Look, list[tuple[int, Match]]], ...] = (
        ("taken", "discs", [(rank, match) for rank, match in ranked if rank == taken]),
        (others, "rings", [(rank, match) for rank, match in ranked if rank != taken]),
    )
    series = tuple(
        Series(
            name,
            np.array([rank for rank, _ in group], dtype=np.float64),
            np.array([match.score for _, match in group], dtype=np.float64),
            look if search == "oriented" else "diamonds",
            "em" if name == "taken" else "reference",
            tuple(_candidate(rank, match) for rank, match in group),
            tuple(rank for rank, _ in group),
        )
        for name, look, group in groups
        if group
    )
    scores = [match.score for _, match in ranked]
    guides: tuple[Guide, ...] = ()
    if search == "oriented" and needed is not None:
        guides = (Guide(needed, "y", "enough to be sure"),)
        scores.append(needed)
    low, high = min(scores), max(scores)
    room = 0.15 * max(high - low, 1e-3 * abs(high), 1e-9)
    what = "correlation" if search == "oriented" else "similarity"
    return Panel(
        title=f"{search.capitalize()} search",
        x=Axis("rank of the candidate", 0.5, len(candidates.matches) + 0.5, whole=True),
        y=Axis(f"score ({what})", low - room, high + room),
        series=series,
        guides=guides,
    )


def _candidate(rank: int, match: Match) -> str:
    row, col = match.centre
    return (
        f"Candidate {rank}: score {match.score:.3f}, confidence {percent(match.confidence)}, "
        f"row {row:.0f}, col {col:.0f} EM px"
    )


def needed_score(registration: Registration) -> float | None:
    """Return the best score from which the region would count as found, its rivals as they are.

    Returns
    -------
    float or None
        None where the listed places of the oriented search do not tell: there are too few,
        or further ones decided.
    """
    oriented = [match for match in registration.candidates.matches if match.search == "oriented"]
    threshold = registration.options.confidence_threshold
    if len(oriented) <= FEWEST_RIVALS or not 0 < threshold < 1:
        return None

    def sure(score: float) -> bool:
        best = dataclasses.replace(oriented[0], score=score)
        return confidences([best, *oriented[1:]])[0].confidence >= threshold

    low = oriented[1].score
    high = low + max(oriented[0].score - low, abs(low), 1e-3) * 10
    if sure(low) or not sure(high):
        return None
    if sure(oriented[0].score) != (oriented[0].confidence >= threshold):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if sure(middle) else (middle, high)
    return high


def _score_caption(registration: Registration, needed: float | None) -> str:
    oriented = [match for match in registration.candidates.matches if match.search == "oriented"]
    threshold = percent(registration.options.confidence_threshold)
    if registration.match.search == "hand":
        return "The place was given by hand: nothing was searched for, and there are no scores."
    if not oriented:
        return (
            "The histogram search alone was listed: its scores do not tell a right place from a "
            "wrong one. The confidence is the oriented search's."
        )
    if needed is None:
        return (
            "The confidence comes from how far the best place of the oriented search stands above "
            "its rivals; too few of them are listed here to say how far is enough."
        )
    best = oriented[0].score
    told = "it stands out" if best >= needed else "it may be one of them by chance"
    return (
        f"The best place of the oriented search scores {best:.3f}. As its rivals scatter, "
        f"{needed:.3f} is enough for a confidence of {threshold}: {told}."
    )
