"""The pictures of a run: a PNG each, with lines and letters over it that stay sharp in print.

Lines differ by their width and dashes, not by their colour alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Steps
from clem_retrace.io.annotations import (
    BLUISH_GREEN,
    ORANGE,
    SKY_BLUE,
    draw_outline,
    draw_plate,
    draw_scale_bar,
)
from clem_retrace.io.session_images import FoundImage
from clem_retrace.io.views import (
    View,
    as_bytes,
    fitted_grid,
    overlaid,
    png_address,
    surroundings,
    view_steps,
)
from clem_retrace.micrograph import Micrograph
from clem_retrace.plots.svg import FONT, SvgSurface
from clem_retrace.registration.warping import region_on
from clem_retrace.report.markup import Markup, element, named
from clem_retrace.report.reported import ReportedRun
from clem_retrace.report.verdicts import verdict

__all__ = ["LONG", "REGION_SIDE", "picture", "pictures_steps"]

#: Pixels along the longer side of a whole image, and of a region.
WHOLE_SIDE, REGION_SIDE = 800, 560

#: That side in the units that lines and letters are drawn in.
LONG = 400.0


def pictures_steps(reported: ReportedRun) -> Steps[list[Markup]]:
    """Yield progress; return the pictures of a run, as far as its images are there."""
    figures: list[Markup] = []
    pair, unit = reported.pair, WHOLE_SIDE / LONG
    if (lm := _as_it_was(reported.lm)) is None:
        figures.append(_missing("the whole LM image", reported.lm.problem))
    else:
        grid = fitted_grid(pair, "lm", WHOLE_SIDE)
        view = yield from view_steps(lm, "lm", pair, grid, "picture of the LM", unit)
        figures.append(_lm_whole(view, reported))
    if (em := _as_it_was(reported.em)) is None:
        figures.append(_missing("the whole EM image", reported.em.problem))
    else:
        grid = fitted_grid(pair, "em", WHOLE_SIDE)
        view = yield from view_steps(em, "em", pair, grid, "picture of the EM", unit)
        figures.append(_em_whole(view, reported))
    if lm is None or em is None:
        both = " ".join(reported.problems)
        figures.append(_missing("the overlay, nor of the region in both", both))
    else:
        figures += yield from _region_steps(lm, em, reported)
    return figures


def _as_it_was(found: FoundImage) -> Micrograph | None:
    """Return an image; None where it is not as it was, or not to be had."""
    return None if found.problem else found.micrograph


def _region_steps(lm: Micrograph, em: Micrograph, reported: ReportedRun) -> Steps[list[Markup]]:
    """Yield progress; return the pictures of the region."""
    pair, stage = reported.pair, "pictures of the region"
    grid = fitted_grid(pair, "lm", REGION_SIDE, surroundings(reported.registration.roi))
    unit = REGION_SIDE / LONG
    below = yield from view_steps(lm, "lm", pair, grid, stage, unit)
    above = yield from view_steps(em, "em", pair, grid, stage, unit)
    squares = "LM and EM alternate in squares: structures must run on from one to the next."
    both = "LM magenta, EM green; what is bright in both is white."
    reach = " Black where the EM does not reach." if np.isnan(above.grey).any() else ""
    return [
        _with_region(below, pixels, reported, title, told)
        for pixels, title, told in (
            (as_bytes(below.grey), "The region in the LM", "Outlined, with what surrounds it."),
            (as_bytes(above.grey), "The region in the EM",
             f"Laid over the LM by the transform.{reach}"),
            (overlaid(below, above, "merge"), "Both over each other", both),
            (overlaid(below, above, "checkerboard"), "Checkerboard", squares),
        )
    ]  # fmt: skip


def _lm_whole(view: View, reported: ReportedRun) -> Markup:
    """Return the LM with the region."""
    name = reported.registration.lm.name
    return _with_region(view, as_bytes(view.grey), reported, "LM", "The region is outlined.", name)


def _with_region(
    view: View, pixels: NDArray[np.uint8], reported: ReportedRun, title: str, told: str,
    name: str = "",
) -> Markup:  # fmt: skip
    """Return a picture on the LM's pixels with the outline of the region."""
    surface = SvgSurface()
    draw_outline(surface, view.places(reported.registration.roi.vertices), ORANGE, 2.0)
    return picture(view, pixels, surface, title, told, name)


def _em_whole(view: View, reported: ReportedRun) -> Markup:
    """Return the EM with the ranked candidates, the place that was taken, and the true one."""
    registration, surface = reported.registration, SvgSurface()
    taken = registration.rank
    ranked = list(enumerate(registration.candidates.matches, start=1))
    for rank, match in reversed(ranked):
        if rank != taken:
            draw_outline(surface, view.places(match.outline), SKY_BLUE, 1.2)
            draw_plate(surface, view.place(match.centre), SKY_BLUE, str(rank), view.box)
    unsure = verdict(reported).kind == "unsure"
    told = ["Thick: ", "the likeliest place, not sure" if unsure else "where the region lies"]
    told.append(f" (candidate {taken})." if taken and len(ranked) > 1 else ".")
    if len(ranked) > 1:
        told.append(" Thin: the other candidates by rank.")
    if reported.truth is not None:
        draw_outline(surface, view.places(reported.truth.corners), BLUISH_GREEN, 2.0, "dashed")
        told.append(" Dashed: the rectangle round its true place.")
    place = region_on(reported.pair, registration.roi, "em").vertices
    draw_outline(surface, view.places(place), ORANGE, 2.6)
    if taken and len(ranked) > 1:
        draw_plate(surface, view.place(place[0]), ORANGE, str(taken), view.box)
    return picture(view, as_bytes(view.grey), surface, "EM", "".join(told), registration.em.name)


def picture(
    view: View, pixels: NDArray[np.uint8], surface: SvgSurface, title: str, told: str,
    name: str = "",
) -> Markup:  # fmt: skip
    """Return a picture with what is drawn over it, a scale bar, and what it shows.

    Parameters
    ----------
    view : View
        Says where what is drawn lies, and how long the bar is.
    pixels : ndarray, shape (m, n, 3), uint8
    surface : SvgSurface
        What is drawn; the scale bar is added.
    title, told : str
    name : str
        Of the image, as its user calls it.
    """
    draw_scale_bar(surface, view.box, view.nm)
    if view.nm is None:
        told += " No scale bar: the pixel size is not known."
    (rows, cols, _), box = pixels.shape, view.box
    over = Markup(
        f'<svg viewBox="0 0 {box.width:.6g} {box.height:.6g}" aria-hidden="true" {FONT}>'
        f"{''.join(surface.elements)}</svg>"
    )
    alt = f"{title}{f' {name}' if name else ''}. {told}"
    image = element("img", src=png_address(pixels), alt=alt, width=cols, height=rows)
    return element(
        "figure",
        element("div", image, over, class_="picture"),
        element("figcaption", element("b", title), [" ", named(name)] if name else "", ". ", told),
    )


def _missing(what: str, problem: str) -> Markup:
    """Return what stands in the place of a picture that cannot be drawn."""
    return element(
        "figure",
        element("p", f"No picture of {what}: {problem or 'the image is not at hand'}"),
        class_="missing",
    )
