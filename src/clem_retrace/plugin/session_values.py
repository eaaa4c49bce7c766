"""Runs, forms and images, as a session file keeps them and as they are opened again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from clem_retrace.io import sessions
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import SessionRun
from clem_retrace.plugin import regions
from clem_retrace.plugin.form import Form, Outline, image_key
from clem_retrace.plugin.frames import image_shape
from clem_retrace.plugin.layers import StackChoice, origin
from clem_retrace.plugin.runs import Run
from clem_retrace.snippets import rank_taken

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.options import RegistrationOptions

__all__ = [
    "chosen_image",
    "opened_form",
    "opened_outline",
    "opened_run",
    "same_image",
    "saved_outline",
    "saved_run",
    "stack_of",
]


def same_image(image: SessionImage, chosen: SessionImage | None) -> bool:
    """Whether a run's image is one that is opened, whatever its pixel size was said to be."""
    return chosen is not None and (image.digest, image.shape) == (chosen.digest, chosen.shape)


def stack_of(image: SessionImage) -> StackChoice | None:
    """Return what was taken of an image's file; None of a plain one."""
    if image.channel is None and image.projection == "max":
        return None
    axis = None if image.channel is None else 0
    return StackChoice(axis, image.channel or 0, image.projection, image.plane)


def chosen_image(layer: Image, nm: float | None) -> SessionImage:
    """Return what a session says of an image that was not run yet."""
    known = origin(layer)
    path = None if known.path is None else Path(known.path)
    return SessionImage(layer.name, image_shape(layer), nm, "", path, known.sample)


def saved_outline(drawn: Outline | None) -> sessions.Outline | None:
    """Return a drawn shape as a session keeps it."""
    return None if drawn is None else sessions.Outline(drawn.kind, drawn.vertices)


def opened_outline(drawn: sessions.Outline | None) -> Outline | None:
    """Return a drawn shape of a session as the form has it."""
    return None if drawn is None else Outline(drawn.kind, drawn.vertices)


def saved_run(run: Run) -> SessionRun:
    """Return a run as a session keeps it."""
    lm, em = run.described or tuple(
        SessionImage(facts.name, facts.shape, facts.pixel_size)
        for facts in (run.shown.lm, run.shown.em)
    )
    return SessionRun(
        lm,
        em,
        results=tuple(run.results.values()),
        shown=run.chosen + 1,
        roi=None if run.form is None else saved_outline(run.form.roi),
        patch=None if run.form is None else saved_outline(run.form.patch),
        time=run.ended,
    )


def opened_form(
    options: RegistrationOptions,
    roi: Outline | None,
    patch: Outline | None,
    lm: Image,
    em: Image,
    sizes: tuple[float | None, float | None],
) -> Form:
    """Return the form that some settings make, with layers chosen."""
    ratio = options.pixel_size_ratio
    own = dataclasses.replace(options, pixel_size_ratio=None)
    if patch is not None:
        # It is read from what is drawn.
        histogram = dataclasses.replace(own.histogram, patch_height=None, patch_width=None)
        own = dataclasses.replace(own, histogram=histogram)
    return Form(image_key(lm), image_key(em), *sizes, ratio, None, roi, patch, own)


def opened_run(saved: SessionRun, number: int, lm: Image, em: Image, *, is_open: bool) -> Run:
    """Return a run of a session; without layers where its images are not open."""
    first = saved.results[0]
    form = opened_form(
        first.options, opened_outline(saved.roi), opened_outline(saved.patch), lm, em,
        (first.lm.pixel_size, first.em.pixel_size),
    )  # fmt: skip
    return Run(
        number,
        (lm.unique_id, em.unique_id) if is_open else ("", ""),
        MappingProxyType({rank_taken(result) - 1: result for result in saved.results}),
        saved.shown - 1,
        form=form if is_open else None,
        region=regions.cut_from(lm, first.roi) if is_open else None,
        described=(saved.lm, saved.em),
        ended=saved.time,
    )
