"""How far each step of the dock is. Pure: a fit in, a state for each step out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.guide import Mark, StepState
from clem_retrace.plugin.landmarks.fitting import Fit
from clem_retrace.plugin.landmarks.telling import begun_with, count_pairs, warnings
from clem_retrace.plugin.notices import sentence
from clem_retrace.registration.landmarks import FEWEST

__all__ = ["STEPS", "states"]

#: The steps in their order, with their titles.
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "images": "Images",
        "start": "Start",
        "pairs": "Pairs",
        "errors": "Errors",
        "take": "Take it",
    }
)


def states(
    fit: Fit, images: tuple[ImageFacts, ImageFacts] | None, images_fault: str
) -> dict[str, StepState]:
    """Return how far each step is.

    Parameters
    ----------
    fit : Fit
    images : (LM, EM) or None
    images_fault : str
        Why there are none.
    """
    if images is None:
        later = StepState(Mark.LATER, "")
        return dict.fromkeys(STEPS, later) | {"images": StepState(Mark.NEXT, images_fault)}
    return {
        "images": StepState(Mark.DONE, ", ".join(map(_said, ("LM", "EM"), images))),
        "start": StepState(Mark.DONE, begun_with(fit)),
        "pairs": _pairs(fit),
        "errors": _errors(fit),
        "take": StepState(Mark.LATER if not fit.is_current else Mark.NEXT, ""),
    }


def _said(which: str, image: ImageFacts) -> str:
    size = "unknown pixel size" if image.pixel_size is None else f"{image.pixel_size:.4g} nm/px"
    return f"{which} {size}"


def _pairs(fit: Fit) -> StepState:
    landmarks, unconfirmed = fit.pairing.landmarks, len(fit.pairing.unconfirmed)
    used, fewest = int(landmarks.used.sum()), FEWEST[fit.pairing.model]
    parts = [f"{count_pairs(used)} used"]
    if landmarks.held_back.any():
        parts.append(f"{int(landmarks.held_back.sum())} held back")
    if unconfirmed:
        due = "without partner" if fit.transform is None else "to be confirmed"
        parts.append(f"{unconfirmed} {due}")
    text = ", ".join(parts) if len(landmarks) else "No pairs yet"
    if used < fewest:
        return StepState(Mark.NEXT, f"{text}; the fit needs {count_pairs(fewest)}")
    if fit.fault:
        return StepState(Mark.DOUBT, sentence(fit.fault))
    return StepState(Mark.NEXT if unconfirmed else Mark.DONE, text)


def _errors(fit: Fit) -> StepState:
    if fit.source == "earlier pairs":
        return StepState(Mark.DOUBT, "")
    if fit.source != "pairs":
        return StepState(Mark.LATER, "" if fit.transform is not None else "After the pairs")
    return StepState(Mark.DOUBT if warnings(fit) else Mark.DONE, "")
