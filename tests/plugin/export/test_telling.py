"""What is said of transforms and files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.geometry import invert
from clem_retrace.io.transforms import KINDS
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.export.held import held_transforms
from clem_retrace.plugin.export.telling import (
    KIND_NOTES,
    describe,
    doubt,
    matrix_text,
)
from clem_retrace.registration.pair_transform import PairTransform

LM, EM = ImageFacts("lm", (300, 400), 100.0), ImageFacts("em", (2000, 2400), 10.0)


def test_every_kind_that_is_written_has_a_note():
    assert set(KIND_NOTES) == {kind.name for kind in KINDS.values() if kind.write is not None}


def test_what_a_note_says_of_pairs_is_so():
    for name, note in KIND_NOTES.items():
        kept = KINDS[name].keeps_pairs
        assert kept == ("not the pairs." not in note and "nothing but" not in note), name


def test_a_result_is_described(held):
    told = dict(describe(held))
    assert told["Model"] == "Affine, found automatically"
    assert told["LM to EM"].startswith("\N{MULTIPLICATION SIGN} 3.999, ")
    assert told["LM to EM"].endswith("turned by 33.0°, not mirrored")
    assert told["LM"].endswith("150 \N{MULTIPLICATION SIGN} 200 pixels of 110 nm")
    assert "LM pixels = " in told["Error"]
    assert told["Error"].endswith("nm expected, if the place is right")


def test_landmarks_are_described_with_their_error(model, bent):
    told = dict(describe(held_transforms(list(model.layers))[0]))
    assert told["Model"] == "Thin-plate spline, 16 pairs, from landmarks"
    assert told["LM to EM"].endswith("(its affine part)")
    assert told["Error"].endswith("nm, leave-one-out")


def test_unknown_pixel_sizes_are_said_to_be(held):
    unknown = dataclasses.replace(held.transform.lm, pixel_size=None)
    transform = dataclasses.replace(held.transform, lm=unknown)
    told = dict(describe(dataclasses.replace(held, transform=transform)))
    assert told["LM"].endswith("pixels of unknown size")
    assert told["Error"].split(" LM pixels ")[1] == "expected, if the place is right"


def transform(magnification, shift=(100, 100)):
    """That which magnifies the LM, and shifts it by EM pixels."""
    to_em = np.array([[magnification, 0, shift[0]], [0, magnification, shift[1]], [0, 0, 1]])
    return PairTransform(invert(to_em), LM, EM)


@pytest.mark.parametrize(
    ("magnification", "shift", "said"),
    [
        (10, (0, 0), ""),
        (10, (1e6, 0), "does not lie on the LM at all"),
        (100, (0, 0), "100 times to lie on the EM, and by the pixel sizes 10 times"),
    ],
)
def test_what_does_not_fit_the_images_is_doubted(magnification, shift, said):
    told = doubt(transform(magnification, shift))
    assert said in told
    assert bool(said) == bool(told)


def test_without_shapes_nothing_is_doubted():
    nothing = ImageFacts("", (0, 0), None)
    assert doubt(PairTransform(np.eye(3), nothing, nothing)) == ""


def test_the_matrix_survives_the_clipboard():
    text = matrix_text(transform(7.3))
    back = np.array([[float(cell) for cell in row.split("\t")] for row in text.splitlines()])
    assert np.array_equal(back, transform(7.3).em_to_lm)
