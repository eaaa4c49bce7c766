"""What to try when a run is not sure, from what the run itself tells.

The dock and the command line say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clem_retrace.registration.estimate import AffineEstimate
    from clem_retrace.result import Registration

__all__ = ["advice"]

#: Sides of a region, LM pixels, below which a larger one is the first thing to try.
SMALL = 40.0

#: Share of what the ratio may be off beyond which it is likely to be off by more.
AT_THE_EDGE = 0.8

#: Confidence from which a place is worth comparing with the others.
WORTH_A_LOOK = 0.05


def advice(registration: Registration) -> tuple[str, ...]:
    """Return what to try, the likeliest to help first.

    Empty when the region was found, or placed by hand and not in vain.
    """
    if registration.found:
        return ()
    if registration.match.search == "hand":
        return _by_hand(registration.estimate)
    options, roi = registration.options, registration.roi
    tips = _about_noise(registration)
    likely = [m for m in registration.candidates.matches if m.confidence >= WORTH_A_LOOK]
    if len(likely) > 1:
        tips.append(
            f"Look at the first {len(likely)} candidates: if one is right, register that one."
        )
    if min(roi.height, roi.width) < SMALL:
        tips.append(
            f"Draw a larger region: this one is {roi.height:.0f} x {roi.width:.0f} LM px, "
            "and shows few structures."
        )
    tips.extend(_about_the_ratio(registration))
    if options.search == "histogram":
        tips.append("Set Search to both: the histogram search alone cannot tell a place apart.")
    if options.context == 0:
        tips.append("Set Context to 100 LM px or more: what surrounds the region helps to find it.")
    if options.oriented.angle is not None or options.oriented.mirror != "either":
        tips.append("Set the angle to auto and the mirror to either: the true one may be left out.")
    elif len(tips) < 3:
        tips.append("If you know the angle or the mirror, set it among the advanced options.")
    tips.append("If the specimen was not imaged there at all, there is nothing to find.")
    return tuple(tips)


def _by_hand(estimate: AffineEstimate | None) -> tuple[str, ...]:
    """Return what to try when the registration from a place given by hand has failed."""
    if estimate is None or estimate:
        return ()
    return (
        "Move the EM closer by hand, to within 8 LM px, 5° and 5 %, and register from there again.",
        "Check whether the EM is mirrored: from a mirrored start the images never agree.",
        "Place some landmarks instead.",
    )


def _about_the_ratio(registration: Registration) -> list[str]:
    """Return what to try when the ratio of the pixel sizes may be wrong."""
    uncertainty = registration.options.ratio_uncertainty
    factor = registration.match.magnification / registration.ratio
    if uncertainty == 0:
        return [
            f"Check {_ratio(registration)}, or allow for a wrong ratio: set Ratio uncertainty to "
            "0.15."
        ]
    off = max(factor, 1 / factor) - 1
    if off > AT_THE_EDGE * (1 / (1 - uncertainty) - 1):
        return [
            f"Check {_ratio(registration)}: the best place has "
            f"{registration.match.magnification:.2f}, at the edge of what was allowed "
            f"(give or take {uncertainty:.0%})."
        ]
    return [
        f"Check {_ratio(registration)}, or allow a larger Ratio uncertainty: it is "
        f"{uncertainty:g}, and 0.5 allows for a factor of 2."
    ]


def _ratio(registration: Registration) -> str:
    """Return what the ratio was, and what it came from."""
    ratio = f"{registration.ratio:.3g} EM px per LM px"
    lm, em = registration.lm.pixel_size, registration.em.pixel_size
    if registration.options.pixel_size_ratio is not None or lm is None or em is None:
        return f"the ratio that was given ({ratio})"
    return f"the pixel sizes (LM {lm:.4g} nm, EM {em:.4g} nm, which is {ratio})"


def _about_noise(registration: Registration) -> list[str]:
    """Return what to try when an image shows next to nothing."""
    return [
        f"Look at the {which} image: hardly anything in it stands out of its noise. Is it the "
        "right file, channel and plane, and in focus?"
        for which, scale in (("LM", registration.lm_scale), ("EM", registration.em_scale))
        if not scale.stands_out
    ]
