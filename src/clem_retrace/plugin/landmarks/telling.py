"""What the dock says of a fit, in words and numbers. Pure: a fit in, texts out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clem_retrace.geometry import decompose
from clem_retrace.plots.quantities import both_lengths, physical
from clem_retrace.plugin.landmarks.fitting import Fit
from clem_retrace.registration.landmark_errors import PARAMETERS, predicted_error, rms
from clem_retrace.registration.landmarks import FEWEST, Model, Which

__all__ = [
    "CALLED",
    "Errors",
    "begun_with",
    "comes_next",
    "count_pairs",
    "error_text",
    "errors",
    "summary",
    "warnings",
]

#: The models, and what each allows.
CALLED: dict[Model, tuple[str, str]] = {
    "rigid": ("Rigid", "Shift, turn and mirror; the magnification is that of the pixel sizes"),
    "similarity": ("Similarity", "Shift, turn, mirror and magnification"),
    "affine": ("Affine", "Shear and unequal stretch too: what sections suffer when they are cut"),
    "thin-plate spline": (
        "Thin-plate spline",
        "Bends so that all pairs meet exactly: for a section that is warped, and pairs you trust",
    ),
}


#: Points a side at which the error is expected in the box round the pairs.
BOX_POINTS = 5


def error_text(lm_pixels: float, nm: float | None) -> str:
    """Return an error as a length, in LM pixels without their nm; a dash where there is none."""
    if not math.isfinite(lm_pixels):
        return "-"
    return physical(lm_pixels, nm) or both_lengths(lm_pixels, None)


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of a fit in one number each, LM pixels; NaN where there is none.

    Attributes
    ----------
    used, held : int
        Pairs that the fit uses, and that are held back.
    rms, left_out, target, region : float
        Of the residuals; root mean squares of the leave-one-out errors and of those at pairs
        that are held back, and of the error that is expected in the box round the pairs.
    """

    used: int
    held: int
    rms: float
    left_out: float
    target: float
    region: float


def errors(fit: Fit) -> Errors:
    """Return the errors of a fit in one number each."""
    landmarks = fit.pairing.landmarks
    used, held = int(landmarks.used.sum()), int(landmarks.held_back.sum())
    found, transform = fit.errors, fit.transform
    if found is None or transform is None:
        return Errors(used, held, math.nan, math.nan, math.nan, math.nan)
    region = math.nan
    if fit.source == "pairs":
        used_points = landmarks.lm[landmarks.used]
        sides = np.linspace(used_points.min(axis=0), used_points.max(axis=0), BOX_POINTS).T
        box = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)
        region = rms(predicted_error(transform, box, localisation=found.localisation))
    # What fits exactly has residuals of rounding: a spline, few pairs, pairs that were computed.
    shows = found.freedom > 0 and not found.is_exact
    residual = found.rms if shows and transform.spline is None else math.nan
    left_out = rms(found.left_out) if shows else math.nan
    return Errors(used, held, residual, left_out, rms(found.target), region)


def begun_with(fit: Fit) -> str:
    """Return what the pairs were begun with."""
    if fit.pairing.start is None:
        return "Begun with nothing: the first pairs are clicked on one image after the other"
    said = {"automatic": "the automatic result", "hand": "a move by hand", "file": "a file"}
    return f"Begun with {said.get(fit.pairing.origin, 'other pairs')}"


def summary(fit: Fit) -> str:
    """Return what is known of the transform that is shown, in a line or two."""
    if fit.transform is None:
        return ""
    nm = fit.transform.lm.pixel_size
    found = errors(fit)
    if fit.source == "earlier pairs":
        return "The overlay is that of the pairs before: it does not belong to what is shown here."
    if fit.source == "start":
        begun = "The overlay is what was begun with, no pair has changed it yet."
        if math.isfinite(found.target):
            begun += f" It is off by {both_lengths(found.target, nm)} at the pairs placed."
        return begun
    parts = [f"{count_pairs(found.used)}, {CALLED[fit.pairing.model][0].lower()}"]
    if math.isfinite(found.rms):
        parts.append(f"rms {both_lengths(found.rms, nm)}")
    for title, value in (
        ("leave-one-out", found.left_out),
        (f"at {found.held} held back", found.target),
        ("expected in their region", found.region),
    ):
        if math.isfinite(value):
            parts.append(f"{title} {both_lengths(value, nm)}")
    mirrored = decompose(fit.transform.em_to_lm).mirrored
    told = f"{parts[0]}: {'; '.join(parts[1:])}" if parts[1:] else parts[0]
    return f"{told}. {'Mirrored' if mirrored else 'Not mirrored'}."


def warnings(fit: Fit) -> list[str]:
    """Return what should be known of a fit before it is used."""
    transform = fit.transform
    told: list[str] = []
    if fit.source != "pairs" or transform is None:
        return told
    used = int(fit.pairing.landmarks.used.sum())
    more = math.ceil((PARAMETERS[fit.pairing.model] + 1) / 2) - used
    if more > 0:
        told.append(
            f"So few pairs always fit exactly: {count_pairs(more)} more would show an error"
        )
    marks = np.array(fit.pairing.as_predicted, bool)
    unmoved = int((marks & fit.pairing.landmarks.used).sum())
    if unmoved:
        told.append(
            f"{count_pairs(unmoved)} confirmed where predicted, and not moved: the errors look "
            "smaller than they are"
        )
    elif more <= 0 and fit.errors is not None and fit.errors.is_exact:
        told.append(
            "The pairs fit exactly, as none that were placed by hand do: they tell nothing of "
            "the error"
        )
    if transform.spline is not None and transform.spline.folds(transform.lm.shape) > 0:
        told.append("The spline folds over itself: a pair is misplaced, or two are swapped")
    start = fit.pairing.start
    if start is not None and decompose(start).mirrored != decompose(transform.em_to_lm).mirrored:
        told.append(
            "The pairs mirror the EM the other way round than what was begun with: "
            "two of them may be swapped"
        )
    return told


def comes_next(fit: Fit, due: Which | None, *, adding: bool) -> str:
    """Return what the user does next, in a sentence."""
    pairing = fit.pairing
    used, fewest = int(pairing.landmarks.used.sum()), FEWEST[pairing.model]
    if due is not None:
        return f"Now click the same spot on the {due.upper()}."
    if pairing.unconfirmed and fit.transform is not None:
        count = len(pairing.unconfirmed)
        rings = "1 ring is" if count == 1 else f"{count} rings are"
        return (
            f"{rings} predicted, and not used yet: drag {'it' if count == 1 else 'each'} to its "
            "spot, or confirm it where it is right."
        )
    if fit.fault and used >= fewest:
        return "Move, delete or switch off a pair: why is said at Pairs."
    if not adding and not len(pairing):
        if fit.transform is not None:
            return "Press Propose pairs to check this, or Add pairs to place your own."
        return "Press Add pairs to place points."
    if not adding and used >= fewest:
        return "Check the worst pairs, or add more, far from each other."
    if not adding:
        return f"Press Add pairs: {count_pairs(fewest - used)} more needed."
    if used < fewest:
        where = "the LM" if fit.transform is None else "the LM or the EM"
        more = fewest - used
        left = f" {count_pairs(more)} more {'is' if more == 1 else 'are'} needed." if used else ""
        return f"Click something on {where} that is seen on both.{left}"
    return "Click more spots, far from each other, or check the ones there are."


def count_pairs(count: int) -> str:
    """Return a number of pairs in words."""
    return "1 pair" if count == 1 else f"{count} pairs"
