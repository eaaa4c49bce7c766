"""What a run has found, in words and in numbers with their units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from clem_retrace.evaluation import centre_distance
from clem_retrace.geometry import decompose, invert
from clem_retrace.plots.quantities import percent
from clem_retrace.registration.landmark_errors import landmark_errors, rms
from clem_retrace.report.markup import Content, Markup, element, joined, length, number
from clem_retrace.report.reported import ReportedRun
from clem_retrace.report.verdicts import verdict
from clem_retrace.result import Registration

__all__ = ["SEARCHES", "numbers"]

#: What light and dark are in both images, by the sign of the contrast.
CONTRASTS = {1: "bright in both", -1: "what is bright in the LM is dark in the EM", 0: "not told"}

#: Names of the searches, for people.
SEARCHES = {"oriented": "oriented search", "histogram": "histogram search", "hand": "by hand"}


class _Row(NamedTuple):
    """A quantity, its value in pixels and as it is on the specimen, and what it means."""

    name: str
    value: Content
    physical: Content = ""
    meaning: Content = ""


def numbers(reported: ReportedRun) -> Markup:
    """Return the table of a run's numbers."""
    sure = verdict(reported).kind != "unsure"
    corrected = reported.corrected
    groups: list[tuple[str, Iterable[_Row]]] = [
        ("Where the region lies" if sure else "Where the region may lie", _place_rows(reported)),
        ("How well it fits", _correction_rows(reported) if corrected else ()),
        ("How well the run itself fitted" if corrected else "How well it fits",
         _trust_rows(reported)),
        ("How far it is from the landmarks", _landmark_rows(reported)),
        ("How far it is from the ground truth", _distance_rows(reported)),
        ("What was looked for", _region_rows(reported.registration)),
    ]  # fmt: skip
    header = ("Quantity", "Value", "On the specimen", "Meaning")
    return element(
        "table",
        element("caption", "Numbers"),
        element("thead", element("tr", (element("th", title, scope="col") for title in header))),
        (
            element("tbody", _group(title), map(_row, listed))
            for title, rows in groups
            if (listed := list(rows))
        ),
        class_="numbers",
    )


def _group(title: str) -> Markup:
    """Return the row above a group."""
    return element("tr", element("th", title, scope="rowgroup", colspan=4), class_="group")


def _row(row: _Row) -> Markup:
    name, *cells = row
    return element("tr", element("th", name, scope="row"), (element("td", cell) for cell in cells))


def _place_rows(reported: ReportedRun) -> Iterator[_Row]:
    """Yield where the region lies in the EM."""
    registration = reported.registration
    lm_to_em = decompose(invert(reported.pair.em_to_lm))
    size = registration.em.pixel_size
    yield _Row(
        "Centre of the region in the EM: row, column",
        joined(_pair(*(number(value, f"{value:.2f}") for value in reported.centre)), " EM px"),
        _pair(*(length(value, size, 4) for value in reported.centre)),
        "From the centre of the first pixel.",
    )
    yield _Row(
        "Angle",
        joined(number(lm_to_em.angle, f"{lm_to_em.angle:.2f}"), "\u00b0"),
        meaning="By which the LM is turned to lie on the EM, counter-clockwise.",
    )
    mirrored = "The columns of the LM are flipped before it is turned."
    yield _Row(
        "Mirrored", "yes" if lm_to_em.mirrored else "no",
        meaning=mirrored if lm_to_em.mirrored else "",
    )  # fmt: skip
    magnification = lm_to_em.magnification
    yield _Row(
        "Magnification",
        joined(number(magnification, f"{magnification:.4f}"), " EM px per LM px"),
        meaning=joined(
            "The run started from ", number(registration.ratio, f"{registration.ratio:.4f}"),
            f" ({100 * (magnification / registration.ratio - 1):+.1f} %).",
        ),
    )  # fmt: skip
    stretch = 100 * lm_to_em.anisotropy
    yield _Row(
        "Stretch",
        joined(number(stretch, f"{stretch:.2f}"), " %"),
        meaning="Larger over smaller principal magnification, less 1.",
    )


def _trust_rows(reported: ReportedRun) -> Iterator[_Row]:
    """Yield how well the place fits, and how far off it is."""
    registration = reported.registration
    match, rank = registration.match, registration.rank
    if match.search != "hand":
        yield _Row(
            "Confidence",
            number(match.confidence, percent(match.confidence)),
            meaning="Probability that the place is the right one.",
        )
        yield _Row(
            "Score",
            number(match.score, f"{match.score:.4f}"),
            meaning=f"Of candidate {rank}, by the {SEARCHES[match.search]}; to be compared within "
            "one search only.",
        )
    yield _Row("Contrast", CONTRASTS[match.contrast])
    yield from _registration_rows(registration)
    error = registration.error
    if error is not None:
        yield _Row(
            "Expected error",
            joined(number(error, f"{error:.2f}"), " LM px"),
            length(error, registration.lm.pixel_size),
            "Root mean square over the region, if the place is the right one; what bends between "
            "the images comes on top.",
        )


def _distance_rows(reported: ReportedRun) -> Iterator[_Row]:
    """Yield how far the region lies from its true place, where that is known."""
    if reported.truth is None:
        return
    registration, facts = reported.registration, reported.registration.em
    centres = [
        ("The match, before it was registered", registration.match.centre),
        ("As registered", registration.centre),
    ]
    if reported.corrected:
        centres.append(("As corrected", reported.centre))
    for which, centre in centres:
        distance = centre_distance(centre, reported.truth.centre, facts.shape, facts.pixel_size)
        yield _Row(
            which,
            joined(
                number(distance.pixels, f"{distance.pixels:.2f}"), " EM px = ",
                number(distance.percent, f"{distance.percent:.3f}"), " % of the EM's diagonal",
            ),
            length(distance.pixels, facts.pixel_size),
            "Between the centres of the two patches.",
        )  # fmt: skip


def _correction_rows(reported: ReportedRun) -> Iterator[_Row]:
    """Yield what a correction has done, and how far off it may be."""
    size = reported.pair.lm.pixel_size
    moved, error = _moved(reported), reported.expected_error
    yield _Row(
        "Correction",
        joined(number(moved, f"{moved:.2f}"), " LM px"),
        length(moved, size),
        "How far it has moved the region's corners, root mean square.",
    )
    if error is not None:
        yield _Row(
            "Expected error of the landmarks",
            joined(number(error, f"{error:.2f}"), " LM px"),
            length(error, size),
            "Root mean square over the region, by the scatter that the fit leaves.",
        )


def _landmark_rows(reported: ReportedRun) -> Iterator[_Row]:
    """Yield how far landmarks are off, together."""
    pair = reported.pair
    if pair.landmarks is None:
        return
    errors = landmark_errors(pair)
    for name, values, meaning in (
        ("Residuals", errors.residual, "Root mean square over those of the fit."),
        ("Left out", errors.left_out, "Root mean square of the errors at each by all the others."),
        ("Held back", errors.target, "Root mean square over those that took no part."),
    ):
        error = rms(values)
        if math.isfinite(error):
            shown = joined(number(error, f"{error:.2f}"), " LM px")
            yield _Row(name, shown, length(error, pair.lm.pixel_size), meaning)


def _registration_rows(registration: Registration) -> Iterator[_Row]:
    """Yield how the affine registration went."""
    estimate = registration.estimate
    if estimate is None:
        yield _Row("Registration", "none", meaning="The place is the match's.")
        return
    yield _Row(
        "Registration",
        "robust affine" if estimate else "failed",
        meaning="" if estimate else f"The place is the match's. {estimate.message}",
    )
    yield _Row(
        "Support",
        number(estimate.support, f"{100 * estimate.support:.0f} %"),
        meaning="Share of the pixels of the region and round it that agree.",
    )
    yield _Row(
        "Correlation",
        number(estimate.correlation, f"{estimate.correlation:.3f}"),
        meaning=joined(
            "Of the two representations; ",
            number(estimate.correlation_before, f"{estimate.correlation_before:.3f}"),
            " before the registration.",
        ),
    )
    yield _Row(
        "Gain",
        number(estimate.gain, f"{estimate.gain:.3f}"),
        meaning="Amplitude of the EM's structures over that of the LM's; negative when the "
        "contrast is inverted.",
    )


def _region_rows(registration: Registration) -> Iterator[_Row]:
    """Yield the region, and the scales that were selected."""
    roi, size = registration.roi, registration.lm.pixel_size
    shape = f"A polygon of {len(roi.outline)} vertices in it." if roi.outline else "A rectangle."
    yield _Row(
        "Region",
        joined(number(roi.height, f"{roi.height:g}"), " \u00d7 ",
               number(roi.width, f"{roi.width:g}"), " LM px"),
        joined(length(roi.height, size, 4), " \u00d7 ", length(roi.width, size, 4)),
        shape,
    )  # fmt: skip
    yield _Row(
        "Its first row and column",
        joined(number(roi.row, f"{roi.row:g}"), ", ", number(roi.col, f"{roi.col:g}"), " LM px"),
    )
    given = registration.options.representation
    for which, facts, selection, own in (
        ("LM", registration.lm, registration.lm_scale, given.lm_sigma),
        ("EM", registration.em, registration.em_scale, given.em_sigma),
    ):
        yield _Row(
            f"\u03c3 of the {which}",
            joined(number(selection.sigma, f"{selection.sigma:.2f}"), f" {which} px"),
            length(selection.sigma, facts.pixel_size),
            "Given." if own is not None else joined(
                "At which most blobs stand out of noise; the paper's count gives ",
                number(selection.raw_sigma, f"{selection.raw_sigma:.2f}"), " px.",
            ),
        )  # fmt: skip


def _pair(one: Content, other: Content) -> Markup:
    """Return two numbers, a comma between them."""
    return joined(one, ", ", other)


def _moved(reported: ReportedRun) -> float:
    """Return how far a correction has moved the region's corners, rms in LM pixels."""
    corners = reported.registration.roi.corners
    moved = reported.pair.to_lm(reported.registration.transform.to_em(corners))
    return math.sqrt(float(np.mean(np.sum((moved - corners) ** 2, axis=1))))
