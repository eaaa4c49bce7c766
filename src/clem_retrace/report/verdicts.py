"""How a run ended, in a word or two and with the reasons."""

from __future__ import annotations

from typing import Literal, NamedTuple

from clem_retrace.geometry import decompose, invert
from clem_retrace.plots.quantities import percent
from clem_retrace.report.markup import Markup, element, joined, length, number
from clem_retrace.report.reported import ReportedRun

__all__ = ["Verdict", "verdict", "verdict_box"]

#: What the origins of a transform are called that is not the run's own.
CORRECTIONS = {"landmarks": "landmarks", "hand": "hand", "file": "a transform from a file"}


class Verdict(NamedTuple):
    """How a run ended: its kind, the sign that stands for it, and a word or two."""

    kind: Literal["found", "unsure", "hand"]
    sign: str
    words: str


def verdict(reported: ReportedRun) -> Verdict:
    """Return how a run ended, in a word or two."""
    registration = reported.registration
    if reported.corrected:
        return Verdict("hand", "\u270e", f"Corrected by {CORRECTIONS[reported.pair.origin]}")
    if registration.match.search == "hand":
        if registration.estimate is not None and not registration.estimate:
            return Verdict("unsure", "?", "Placed by hand: the registration from there failed")
        return Verdict("hand", "\u270e", "Placed by hand")
    rank = registration.rank
    taken = f"Candidate {rank}, taken by hand: " if rank > 1 else ""
    if registration.found:
        return Verdict("found", "\u2714", f"{taken}found" if taken else "Found")
    return Verdict("unsure", "?", f"{taken}not sure" if taken else "Not sure")


def verdict_box(reported: ReportedRun) -> Markup:
    """Return the verdict with the confidence, and the reason that the run gave."""
    registration, told = reported.registration, verdict(reported)
    sure = ""
    if registration.match.search != "hand":
        sure = joined(
            "Confidence ",
            number(registration.confidence, percent(registration.confidence)),
            f"; a place counts as found from {percent(registration.options.confidence_threshold)}"
            " on.",
        )
    looked_at = ""
    if reported.run.shown != registration.rank and registration.match.search != "hand":
        looked_at = (
            f"Candidate {reported.run.shown} was being looked at when the session was saved. It "
            "was not registered, and this is about the one that was."
        )
    return element(
        "div",
        element("p", element("span", told.sign, aria_hidden="true"), f" {told.words}", class_="is"),
        element("p", _summary(reported)),
        element("p", ["The search: " if reported.corrected else "", sure]) if sure else "",
        element("p", registration.reason),
        element("p", looked_at) if looked_at else "",
        class_=f"verdict {told.kind}",
    )


def _summary(reported: ReportedRun) -> Markup:
    """Return how the region lies, in a line."""
    lm_to_em = decompose(invert(reported.pair.em_to_lm))
    error, size = reported.expected_error, reported.pair.lm.pixel_size
    unsure = verdict(reported).kind == "unsure"
    place = (
        f"{'At the likeliest place it is turned' if unsure else 'Turned'} by "
        f"{lm_to_em.angle:.1f}\u00b0, {'' if lm_to_em.mirrored else 'not '}mirrored, "
        f"{lm_to_em.magnification:.2f} EM px per LM px"
    )
    # An error is expected of the right place only.
    told = error is not None and size is not None and not unsure
    return joined(place, ["; expected error ", length(error or 0.0, size)] if told else "", ".")
