from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Shapes

from clem_retrace.errors import RoiError
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.regions import em_patch, lm_region, region, region_slices


def test_region_in_pixels_of_an_image_in_other_units(lm, draw):
    """Drawn in nm over an image in um that lies off the origin."""
    shapes = draw(9.5, 19.5, 29.5, 59.5, **placement(lm))
    in_nm = Shapes(
        [1000 * np.array([lm.data_to_world(corner) for corner in shapes.data[0]])],
        units=("nm", "nm"),
    )
    for layer in (shapes, in_nm):
        drawn = region(layer, lm)
        assert drawn.notes == ()
        roi = drawn.roi
        np.testing.assert_allclose((roi.row, roi.col, roi.height, roi.width), (10, 20, 20, 40))


def test_a_region_drawn_on_a_stack(draw):
    """napari adds the slider's position to what is drawn on a stack."""
    corners = np.array([[2, 5, 5], [2, 5, 25], [2, 15, 25], [2, 15, 5.0]])
    roi = region(Shapes([corners]), Image(np.zeros((4, 20, 30)))).roi
    assert (roi.height, roi.width) == (10, 20)


@pytest.mark.parametrize(
    ("shape_type", "corners", "area"),
    [
        ("ellipse", [[10, 10], [10, 30], [20, 30], [20, 10]], np.pi * 5 * 10),
        ("polygon", [[10, 10], [10, 30], [20, 20]], 100),
        ("path", [[10, 10], [20, 30], [10, 25]], 75),
        ("rectangle", [[15, 10], [10, 20], [15, 30], [20, 20]], 100),
    ],
)
def test_other_shapes_count_as_they_are_drawn(shape_type, corners, area):
    shapes = Shapes([np.array(corners, float)], shape_type=shape_type)
    drawn = region(shapes, Image(np.zeros((60, 80))))
    assert drawn.notes == ()
    roi = drawn.roi
    np.testing.assert_allclose((roi.row, roi.col, roi.height, roi.width), (10.5, 10.5, 10, 20))
    rows, cols = roi.vertices.T
    found = abs(rows @ np.roll(cols, 1) - cols @ np.roll(rows, 1)) / 2
    # A polygon stands for the ellipse: a seven-hundredth of its area is missing.
    assert found == pytest.approx(area, rel=2e-3)


def test_a_turned_ellipse():
    """Half axes of 10 and 5, turned by 45 degrees: its box has the half side sqrt(62.5)."""
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    corners = np.array([[-10, -5], [-10, 5], [10, 5], [10, -5]]) @ turn.T + 30
    roi = region(Shapes([corners], shape_type="ellipse"), Image(np.zeros((60, 80)))).roi
    assert roi.height == pytest.approx(2 * np.sqrt(62.5), rel=2e-3)
    # Its ends lie on its long axis, 10 from the centre.
    distances = np.linalg.norm(roi.vertices - 30, axis=1)
    assert (distances.min(), distances.max()) == pytest.approx((5, 10), rel=2e-3)


def test_a_rectangle_that_is_hardly_turned_is_one():
    corners = np.array([[10, 10], [10.02, 30], [20.02, 30], [20, 10]])
    assert region(Shapes([corners]), Image(np.zeros((60, 80)))).roi.outline == ()


def test_of_several_shapes_the_selected_or_the_last_counts(draw):
    shapes = draw(0, 0, 10, 10)
    shapes.add_rectangles(np.array([[20, 20], [20, 40], [40, 40], [40, 20]]))
    image = Image(np.zeros((60, 80)))
    last = region(shapes, image)
    assert last.roi.height == 20
    assert "last" in last.notes[0]
    shapes.selected_data = {0}
    chosen = region(shapes, image)
    assert chosen.roi.height == 10
    assert "selected" in chosen.notes[0]


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((5, 5, 5, 30), "0 x 25"),
        ((-40, -40, -10, -10), "outside the LM"),
        ((10, 10, 13, 40), "at least 8 x 8"),
    ],
)
def test_regions_that_cannot_be_used(draw, corners, message):
    with pytest.raises(RoiError, match=message):
        lm_region(draw(*corners), Image(np.zeros((60, 80))))


def test_no_region():
    with pytest.raises(RoiError, match="press 'Draw the region'"):
        lm_region(None, Image(np.zeros((60, 80))))
    with pytest.raises(RoiError, match="is empty"):
        lm_region(Shapes(ndim=2), Image(np.zeros((60, 80))))


def test_a_patch_on_the_em(em, draw):
    """Drawn over an EM image that is turned in the world, and over its edge."""
    drawn = em_patch(draw(-9.5, 19.5, 89.5, 69.5, **placement(em)), em)
    assert drawn.notes == ()
    np.testing.assert_allclose((drawn.roi.height, drawn.roi.width), (99, 50))


def test_of_a_patch_that_is_no_rectangle_the_box_counts_which_is_told(draw):
    corners = np.array([[15, 10], [10, 20], [15, 30], [20, 20.0]])
    drawn = em_patch(Shapes([corners]), Image(np.zeros((60, 80))))
    np.testing.assert_allclose((drawn.roi.height, drawn.roi.width), (10, 20))
    assert drawn.notes == ("of the EM patch, the box round it is used",)


def test_no_patch(em):
    assert em_patch(None, em) is None
    assert em_patch(Shapes(ndim=2), em) is None


def test_a_patch_without_area_is_told_by_its_layer(draw):
    with pytest.raises(RoiError, match="in 'flat', the region is 0 x 25"):
        em_patch(draw(5, 5, 5, 30, name="flat"), Image(np.zeros((60, 80))))


def test_a_region_across_the_border_is_clipped_and_says_so(draw):
    drawn = lm_region(draw(-10, 20, 29.5, 50), Image(np.zeros((60, 80))))
    assert (drawn.roi.row, drawn.roi.height) == (0, 30)
    assert "left out" in drawn.notes[-1]


@pytest.mark.parametrize(
    ("roi", "rows", "cols"),
    [
        (Roi(10, 20, 5, 8), slice(10, 15), slice(20, 28)),
        (Roi(10.4, 19.6, 5, 8), slice(10, 15), slice(20, 28)),
        (Roi(0, 0, 1, 1), slice(0, 1), slice(0, 1)),
    ],
)
def test_whole_pixels_of_a_region(roi, rows, cols):
    assert region_slices(roi) == (rows, cols)
