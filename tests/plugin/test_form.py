from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.form import Form, Outline, image_key, outline, put_outline
from clem_retrace.plugin.frames import pixels_between

SQUARE = Outline("rectangle", ((0.0, 0.0), (0.0, 50.0), (20.0, 50.0), (20.0, 0.0)))


@pytest.fixture
def form():
    return Form("lm", "em", 110.0, 11.0, None, None, SQUARE, None, RegistrationOptions())


def moved(drawn, rows, cols):
    return Outline(drawn.kind, tuple((row + rows, col + cols) for row, col in drawn.vertices))


def stretched(drawn):
    return Outline(drawn.kind, tuple((row * 2, col) for row, col in drawn.vertices))


def with_options(form, **values):
    return dataclasses.replace(form, options=RegistrationOptions.from_paths(values))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lm": "other"}, "another LM image is chosen"),
        ({"em_pixel_size": 12.0}, "the EM pixel size was changed"),
        ({"ratio": 9.7}, "the ratio was changed"),
        ({"roi": None}, "the region was removed"),
        ({"roi": moved(SQUARE, 3, 0)}, "the region was moved"),
        ({"roi": stretched(SQUARE)}, "the region was changed"),
        ({"patch": SQUARE}, "the EM patch was drawn"),
    ],
)
def test_changes_in_words(form, change, words):
    assert dataclasses.replace(form, **change).changes(form) == (words,)


def test_changes_of_options_by_name(form):
    one = with_options(form, **{"oriented.mirror": "no"})
    assert one.changes(form) == ("the option 'mirror' was changed",)
    two = with_options(form, **{"oriented.mirror": "no", "context": 0.0})
    assert two.changes(form) == ("2 options were changed",)
    assert set(two.changed_options(form)) == {"oriented.mirror", "context"}


def test_dragged_back_to_within_half_a_pixel_is_no_change(form):
    near = dataclasses.replace(form, roi=moved(SQUARE, 0.4, -0.3))
    assert near.changes(form) == ()
    assert near.changed_fields(form) == ("roi",)  # but it can be undone
    assert dataclasses.replace(form, roi=moved(SQUARE, 0.6, 0)).changes(form)


def test_a_registration_alone_is_enough_after_changes_of_its_own_options(form):
    assert with_options(form, **{"affine.sigma": 2.0}).needs_registration_only(form)
    both = with_options(form, **{"affine.sigma": 2.0, "context": 0.0})
    assert not both.needs_registration_only(form)
    moved_too = dataclasses.replace(
        with_options(form, **{"affine.sigma": 2.0}), roi=moved(SQUARE, 5, 0)
    )
    assert not moved_too.needs_registration_only(form)


def test_an_outline_is_in_pixels_of_its_image(lm, draw):
    # In the LM's micrometres, off by its place in the world.
    shapes = draw(3.11, -1.78, 4.21, -0.68, units=("um", "um"))
    drawn = outline(shapes, lm)
    assert drawn.kind == "rectangle"
    np.testing.assert_allclose(drawn.vertices, [(1, 2), (1, 12), (11, 12), (11, 2)], atol=2e-3)
    assert outline(None, lm) is None
    assert outline(shapes, None) is None


def test_an_outline_is_put_back_where_it_was(lm, draw):
    shapes = draw(3.11, -1.78, 4.21, -0.68, units=("um", "um"))
    before = outline(shapes, lm)
    shapes.data = [shapes.data[0] + 1]
    assert outline(shapes, lm) != before
    put_outline(before, shapes, lm)
    # Shapes are float32.
    assert outline(shapes, lm).is_close_to(before)
    np.testing.assert_allclose(outline(shapes, lm).vertices, before.vertices, atol=2e-3)
    put_outline(None, shapes, lm)
    assert len(shapes.data) == 0
    ellipse = Outline("ellipse", SQUARE.vertices)
    put_outline(ellipse, shapes, lm)
    assert outline(shapes, lm) == ellipse
    assert pixels_between(shapes, lm).shape == (3, 3)


def test_of_several_shapes_only_the_one_that_counts_is_put_back(lm, draw):
    shapes = draw(0, 0, 1, 1, units=("um", "um"))
    shapes.add_ellipses([[2, 2], [2, 3], [3, 3], [3, 2.0]])
    shapes.selected_data = {0}
    kept = shapes.data[1].copy()
    put_outline(SQUARE, shapes, lm)
    assert shapes.shape_type == ["rectangle", "ellipse"]
    np.testing.assert_array_equal(shapes.data[1], kept)
    assert outline(shapes, lm).is_close_to(SQUARE)


def test_an_image_is_known_by_its_layer_and_its_pixels(lm):
    key = image_key(lm)
    assert image_key(lm) == key
    lm.data = lm.data.copy()
    assert image_key(lm) != key
    assert image_key(None) == ""
