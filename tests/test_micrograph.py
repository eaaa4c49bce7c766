"""Micrographs refuse what cannot be registered; ROIs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadImage, RoiError
from clem_retrace.geometry import map_points
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((5, 6, 3)), "RGB"),
        (np.zeros((5, 6, 4)), "RGB"),
        (np.zeros((7, 5, 6)), "3 dimensions"),
        (np.zeros(5), "1 dimensions"),
        (np.zeros((0, 5)), "empty"),
        (np.zeros((5, 6), complex), "complex"),
        (np.zeros((5, 6), "U3"), "real numbers"),
    ],
)
def test_images_that_cannot_be_used_are_refused_by_name(data: np.ndarray, words: str) -> None:
    with pytest.raises(BadImage, match=words) as caught:
        Micrograph(data, name="cell 7")
    assert "cell 7" in str(caught.value)


@pytest.mark.parametrize("size", [0, -1.5, np.nan, np.inf, 10**400, "30", (3, 3), True, 1j])
def test_impossible_pixel_sizes_are_refused(size: Any) -> None:
    with pytest.raises(BadImage, match="pixel size"):
        Micrograph(np.zeros((5, 6)), pixel_size=size)
    with pytest.raises(BadImage, match="pixel size"):
        ImageFacts("", (5, 6), size)


def test_lists_become_arrays() -> None:
    micrograph = Micrograph([[1, 2, 3], [4, 5, 6]], pixel_size=2)
    assert micrograph.shape == (2, 3)
    assert micrograph.diagonal == pytest.approx(np.sqrt(13))


def test_nothing_is_read_when_a_micrograph_is_made() -> None:
    class Unread:
        shape, dtype = (4000, 3000), np.dtype(">u2")

        def __getitem__(self, key: object) -> None:
            raise AssertionError("pixels were read")

        def __array__(self) -> None:
            raise AssertionError("pixels were read")

    assert Micrograph(Unread(), 1.0).shape == (4000, 3000)


def levels(shape: tuple[int, int], *factors: int) -> list[np.ndarray]:
    return [np.zeros(tuple(-(-side // factor) for side in shape)) for factor in factors]


@pytest.mark.parametrize(("limit", "chosen"), [(1, 1), (1.9, 1), (2, 2), (7, 4), (8, 8), (99, 8)])
def test_the_coarsest_level_allowed_is_chosen(limit: float, chosen: int) -> None:
    micrograph = Micrograph(np.zeros((256, 512)), levels=levels((256, 512), 2, 4, 8))
    level, to_level = micrograph.coarsest(limit)
    assert level.shape == (256 // chosen, 512 // chosen)
    # the middle of the first block of pixels is the level's first pixel
    assert map_points(to_level, ((chosen - 1) / 2,) * 2) == pytest.approx((0, 0))


@pytest.mark.parametrize("halved", [500, 501])
def test_a_level_of_an_odd_length_is_decimated_by_a_whole_number(halved: int) -> None:
    micrograph = Micrograph(np.zeros((1001, 1000)), levels=[np.zeros((halved, 500))])
    _, to_level = micrograph.coarsest(4)
    assert map_points(to_level, (998.5, 998.5)) == pytest.approx((499, 499))


def test_a_level_of_another_factor_is_taken_by_its_size() -> None:
    micrograph = Micrograph(np.zeros((1000, 1000)), levels=[np.zeros((400, 400))])
    _, to_level = micrograph.coarsest(4)
    assert map_points(to_level, (999.5, -0.5)) == pytest.approx((399.5, -0.5))


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 0, 0, 5), (0, 0, 5, -1), (np.nan, 0, 5, 5), (0, np.inf, 5, 5), (1e300, 0, 5, 5),
        (0, "1", 5, 5), (0, None, 5, 5), (0, 0, 10**400, 5),
    ],
)  # fmt: skip
def test_rois_without_an_area_are_refused(numbers: tuple[Any, ...]) -> None:
    with pytest.raises(RoiError):
        Roi(*numbers)


def test_corners_lie_half_a_pixel_outside_and_lead_back() -> None:
    roi = Roi(10, 20, 5, 8)
    assert roi.centre == (12, 23.5)
    assert roi.corners.tolist() == [[9.5, 19.5], [14.5, 19.5], [14.5, 27.5], [9.5, 27.5]]
    assert Roi.from_corners(roi.corners) == roi


def test_the_bounding_box_of_a_turned_outline() -> None:
    assert Roi.from_corners([(0, 5), (5, 0), (10, 5), (5, 10)]) == Roi(0.5, 0.5, 10, 10)


@pytest.mark.parametrize(
    "corners",
    [
        [(1, 2)], [1, 2, 3], np.zeros((4, 3)), [(1, 1), (1, 9)], ["ab", "cd"],
        [(0, 0), (np.nan, 4)], [(0, 0), (1e300, 4)],
    ],
)  # fmt: skip
def test_outlines_that_enclose_nothing_are_refused(corners: object) -> None:
    with pytest.raises(RoiError):
        Roi.from_corners(corners)


def test_a_roi_is_clipped_to_its_image() -> None:
    assert Roi(-5, 90, 20, 30).clipped((100, 110)) == Roi(0, 90, 15, 20)
    inside = Roi(3, 4, 20, 30)
    assert inside.clipped((100, 110)) == inside


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        (Roi(200, 0, 20, 20), "outside"),
        (Roi(0, -30, 20, 30), "outside"),
        (Roi(-15, 0, 20, 20), "5 x 20"),
        (Roi(0, 0, 7, 50), "7 x 50"),
    ],
)
def test_a_roi_outside_or_too_small_is_refused(roi: Roi, words: str) -> None:
    with pytest.raises(RoiError, match=words):
        roi.clipped((100, 110))


# Outlines -------------------------------------------------------------------------------------


def test_an_outline_has_the_rectangle_that_surrounds_it() -> None:
    roi = Roi.from_outline([(10, 20), (30, 20), (20, 50)])
    assert (roi.row, roi.col, roi.height, roi.width) == (10.5, 20.5, 20, 30)
    np.testing.assert_array_equal(roi.vertices, [(10, 20), (30, 20), (20, 50)])
    assert hash(roi) == hash(Roi.from_outline([(10, 20), (30, 20), (20, 50)]))


def test_an_upright_rectangle_needs_no_outline() -> None:
    roi = Roi(10, 20, 5, 8)
    assert Roi.from_outline(roi.corners) == roi
    np.testing.assert_array_equal(roi.vertices, roi.corners)


@pytest.mark.parametrize(
    "vertices", [[(0, 0), (5, 5), (9, 9)], [(0, 0), (9, 9)], [(0, 0), (4, np.nan), (9, 0)]]
)
def test_outlines_without_an_area_are_refused(vertices: list[tuple[float, float]]) -> None:
    with pytest.raises(RoiError):
        Roi.from_outline(vertices)


def test_the_mask_holds_the_pixels_whose_centres_lie_inside() -> None:
    mask = Roi(10, 20, 5, 8).mask((40, 50))
    assert mask.sum() == 40
    assert mask[10:15, 20:28].all()
    # a turned square of 200 square pixels
    turned = Roi.from_outline([(10, 20), (20, 30), (30, 20), (20, 10)]).mask((40, 50))
    assert turned.sum() == pytest.approx(200, abs=21)
    assert turned[20, 20]
    assert not turned[12, 12]
    # what hangs over the edge is left out
    assert Roi(-4, 46, 8, 8).mask((40, 50)).sum() == 4 * 4


def test_an_outline_goes_with_its_grid() -> None:
    roi = Roi.from_outline([(10, 20), (30, 20), (20, 50)])
    half = roi.scaled(np.diag([0.5, 0.5, 1.0]))
    np.testing.assert_allclose(half.vertices, roi.vertices / 2)
    assert Roi(10, 20, 5, 8).scaled(np.diag([0.5, 0.5, 1.0])).outline == ()


@pytest.mark.parametrize(
    "level", [np.zeros((3, 4, 3)), np.zeros((0, 4)), np.zeros((3, 4), complex)]
)
def test_levels_that_cannot_be_used_are_refused(level: np.ndarray) -> None:
    with pytest.raises(BadImage, match="a level of cell 7"):
        Micrograph(np.zeros((6, 8)), name="cell 7", levels=[level])


def test_pixel_sizes_and_regions_of_numpys_numbers_can_be_written_as_json() -> None:
    micrograph = Micrograph(np.zeros((5, 6)), np.float32(2.5))
    roi = Roi(np.int64(1), np.float32(2), np.int16(3), 4)
    assert json.loads(json.dumps([ImageFacts.of(micrograph).pixel_size, roi.row, roi.height])) == [
        2.5, 1, 3,
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(5,), (5, -1), (5, 6, 3), (2.5, 3), ("5", "6")])
def test_facts_have_a_shape(shape: Any) -> None:
    with pytest.raises(BadImage, match="a shape of"):
        ImageFacts("cell 7", shape, None)


def test_a_very_large_outline_keeps_its_area() -> None:
    roi = Roi.from_outline([(0, 0), (0, 1e20), (1e20, 0)])
    assert roi.outline
    assert Roi.from_outline([(0, 0), (0, 1e20), (1e20, 1e20), (1e20, 0)]).outline == ()
