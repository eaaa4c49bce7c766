"""What the dock says of a transform and of files. Pure: values in, texts out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from clem_retrace.errors import RoiError
from clem_retrace.geometry import decompose, invert, magnification_of
from clem_retrace.inputs import overlap_region
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plots.quantities import physical
from clem_retrace.plugin.notices import sentence
from clem_retrace.registration.landmark_errors import landmark_errors, rms
from clem_retrace.registration.pair_transform import Origin, PairTransform

if TYPE_CHECKING:
    from clem_retrace.plugin.export.held import Held

__all__ = ["KIND_NOTES", "describe", "doubt", "matrix_text"]

#: Which program reads a kind of file, and what the file does not keep.
KIND_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "json": "For this program, and your archive: keeps everything.",
        "ngff": "For OME-Zarr tools that know version 0.6. Keeps the matrix and the pixel unit; "
        "not the pairs.",
        "itk": "For SimpleITK, elastix, 3D Slicer. Keeps the matrix; not the pairs.",
        "ec-clem-matrix": "For Icy, to apply it to ROIs there. Keeps the matrix, shapes and pixel "
        "sizes; not the pairs.",
        "ec-clem": "For eC-CLEM in Icy. Keeps the pairs that are used, the model, pixel sizes; not "
        "the pairs' names.",
        "bigwarp": "For BigWarp in Fiji. Keeps the pairs; not the model: BigWarp chooses its own.",
        "matrix": "For napari, NumPy, affinder, a spreadsheet. Keeps nothing but the matrix.",
    }
)

#: What is said of where a transform comes from.
ORIGINS: Mapping[Origin, str] = MappingProxyType(
    {
        "automatic": "found automatically",
        "landmarks": "from landmarks",
        "hand": "placed by hand",
        "file": "from a file",
    }
)

#: By how much the magnification may differ from that of the pixel sizes before it is doubted.
DOUBTFUL = 1.5


def describe(held: Held) -> list[tuple[str, str]]:
    """Return what is to be known of a transform, each with a heading."""
    transform = held.transform
    does = decompose(invert(transform.em_to_lm))
    pairs = transform.landmarks
    count = "" if pairs is None or not len(pairs) else f", {pairs.used.sum()} pairs"
    turned = f"turned by {does.angle:.1f}\N{DEGREE SIGN}"
    mirrored = "mirrored" if does.mirrored else "not mirrored"
    about = " (its affine part)" if transform.spline is not None else ""
    rows = [
        ("Model", f"{sentence(transform.model)}{count}, {ORIGINS[transform.origin]}"),
        ("LM to EM", f"\N{MULTIPLICATION SIGN} {does.magnification:.4g}, {turned}, "
                     f"{mirrored}{about}"),
        ("LM", _image(transform.lm)),
        ("EM", _image(transform.em)),
    ]  # fmt: skip
    error = _error(held)
    return [*rows, ("Error", error)] if error else rows


def _image(facts: ImageFacts) -> str:
    rows, cols = facts.shape
    size = "unknown size" if facts.pixel_size is None else f"{facts.pixel_size:.5g} nm"
    return f"{facts.name}: {rows} \N{MULTIPLICATION SIGN} {cols} pixels of {size}"


def _error(held: Held) -> str:
    """Return the error that is known of a transform, in words; empty where none is."""
    size = held.transform.lm.pixel_size
    if held.registration is not None:
        error = held.registration.error
        return "" if error is None else f"{_length(error, size)} expected, if the place is right"
    if held.transform.origin != "landmarks":
        return ""
    errors = landmark_errors(held.transform)
    left_out = rms(errors.left_out)
    if math.isnan(left_out) or errors.is_exact:
        return ""
    return f"{_length(left_out, size)}, leave-one-out"


def _length(pixels: float, size: float | None) -> str:
    """Return a length on the LM, physical where that is known."""
    said = physical(pixels, size)
    return f"{pixels:.2f} LM pixels" + (f" = {said}" if said else "")


def doubt(transform: PairTransform) -> str:
    """Return why a transform from a file may have been read wrongly; empty when nothing says so."""
    lm, em = transform.lm, transform.em
    turn_it = "check the unit, and which image the file moves"
    if 0 not in (*lm.shape, *em.shape):
        try:
            overlap_region(lm.shape, em.shape, transform.em_to_lm)
        except RoiError:
            return f"By this file the EM does not lie on the LM at all: {turn_it}."
    if lm.pixel_size is not None and em.pixel_size is not None:
        expected = lm.pixel_size / em.pixel_size
        found = 1 / magnification_of(transform.em_to_lm)
        if max(found / expected, expected / found) > DOUBTFUL:
            return (
                f"By this file the LM is magnified {found:.3g} times to lie on the EM, and by the "
                f"pixel sizes {expected:.3g} times: {turn_it}."
            )
    return ""


def matrix_text(transform: PairTransform) -> str:
    """Return the matrix from EM to LM pixels, a row a line, to be pasted into a table."""
    return "\n".join("\t".join(repr(float(value)) for value in row) for row in transform.em_to_lm)
