"""The picture: things lie where they should, and say what they should."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.geometry import compose, invert, map_points, similarity
from clem_retrace.io import overlays
from clem_retrace.micrograph import Micrograph, Roi


def spot_centre(image: NDArray[np.float32]) -> list[float]:
    """Return (row, col) of the middle of what is brighter than half."""
    bright = np.where(np.nan_to_num(image) > 0.5, image, 0)
    return [float((axis * bright).sum() / bright.sum()) for axis in np.indices(image.shape)]


@pytest.mark.parametrize("side", [40, 100, 333])
def test_a_whole_image_keeps_its_proportions_and_places(side: int) -> None:
    image = np.zeros((60, 100), np.float32)
    image[41:44, 72:75] = 1
    view = overlays._whole(Micrograph(image, pixel_size=50.0), side)
    assert view.grey.shape == (round(0.6 * side), side)
    assert view.nm == pytest.approx(50.0 * 100 / side)
    # A quarter of a pixel of the image, or of the view where that is coarser.
    expected = map_points(view.to_view, (42, 73))
    assert spot_centre(view.grey) == pytest.approx(expected, abs=0.25 * max(1.0, side / 100))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("magnification", [0.8, 4.0, 11.0])
def test_a_region_of_the_em_lies_on_the_lm(magnification: float, mirrored: bool) -> None:
    lm_point = (33.0, 47.0)
    lm_to_em = similarity(magnification, 40.0, mirrored, lm_point, (120.0, 210.0))
    rows, cols = np.indices((260, 400))
    spot = np.exp(-((rows - 120) ** 2 + (cols - 210) ** 2) / (2 * magnification**2))
    em = Micrograph(spot.astype(np.float32), pixel_size=10.0)
    view = overlays._region(em, Roi(20, 30, 30, 40), invert(lm_to_em), 110.0, 400)
    assert view.grey.shape == (300, 400)
    assert view.nm == pytest.approx(11.0)
    # 10 view pixels an LM pixel: a tenth of an LM pixel.
    expected = map_points(view.to_view, lm_point)
    assert spot_centre(view.grey) == pytest.approx(expected, abs=1.0)


def test_what_is_read_of_the_em_is_what_is_shown() -> None:
    class Watched:
        """An image that remembers the rows and columns asked for."""

        shape, dtype = (4000, 5000), np.dtype(np.uint8)

        def __init__(self) -> None:
            self.asked: list[tuple[slice, slice]] = []

        def __getitem__(self, key: tuple[slice, slice]) -> NDArray[np.uint8]:
            self.asked.append(key)
            return np.zeros((key[0].stop - key[0].start, key[1].stop - key[1].start), np.uint8)

    data = Watched()
    lm_to_em = similarity(10.0, 0.0, False, (0, 0), (2000, 3000))
    overlays._region(Micrograph(data), Roi(0, 0, 30, 40), invert(lm_to_em), None, 300)
    ((rows, cols),) = data.asked
    # The region's outer borders and some pixels for the low-pass.
    borders = np.array([[1995, 2295], [2995, 3395]])
    asked = np.array([[rows.start, rows.stop], [cols.start, cols.stop]])
    margins = (asked - borders) * (-1, 1)
    assert (margins >= 1).all()
    assert (margins <= 12).all()


def test_a_region_outside_the_em_is_unknown() -> None:
    em = Micrograph(np.ones((50, 50), np.uint8))
    to_lm = compose(similarity(1.0, 0.0, False, (0, 0), (500, 0)))
    view = overlays._region(em, Roi(0, 0, 30, 40), to_lm, None, 100)
    assert np.isnan(view.grey).all()


def test_lines_are_drawn_round_their_pixels() -> None:
    view = overlays._whole(Micrograph(np.zeros((60, 100), np.float32)), 1000)
    roi = Roi(20, 30, 10, 40)
    picture = np.asarray(overlays._draw_lm(view, roi.corners)).astype(int)
    orange = (np.abs(picture - overlays.ORANGE) < 30).all(axis=-1)
    rows, cols = np.nonzero(orange)
    # Ten view pixels a pixel; rows 20 to 29 reach from 200 to 300. Lines are 3 wide.
    assert (rows.min(), rows.max()) == pytest.approx((200, 300), abs=2)
    assert (cols.min(), cols.max()) == pytest.approx((300, 700), abs=2)


def test_the_overlay_is_white_where_both_are_bright() -> None:
    lm, em = np.zeros((2, 60, 100), np.float32)
    lm[:, :50] = 1
    em[:30] = 1
    views = [overlays._whole(Micrograph(image), 100) for image in (lm, em)]
    outside = np.array([[-10.0, -10], [-9, -10], [-9, -9], [-10, -9]])
    picture = np.asarray(overlays._draw_lm(views[0], outside, green=views[1]))
    level = round(255 * overlays.GREEN_LEVEL)
    assert tuple(picture[10, 20]) == (255, level, 255)
    assert tuple(picture[10, 80]) == (0, level, 0)
    assert tuple(picture[50, 20]) == (255, 0, 255)
    assert tuple(picture[50, 80]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("longest", "length"), [(1, 1), (1.99, 1), (2, 2), (4.9, 2), (700, 500), (0.03, 0.02)]
)
def test_scale_bars_have_round_lengths(longest: float, length: float) -> None:
    assert overlays._round_length(longest) == pytest.approx(length)


def test_a_scale_bar_is_as_long_as_it_says_and_absent_without_a_pixel_size() -> None:
    micrograph = Micrograph(np.zeros((60, 100), np.float32), pixel_size=30.0)
    view = overlays._whole(micrograph, 600)
    outside = np.array([[-10.0, -10], [-9, -10], [-9, -9], [-10, -9]])
    picture = np.asarray(overlays._draw_lm(view, outside))
    white = (picture[-16] == 255).all(axis=-1)
    # 5 nm a view pixel, 600 of them: at most 1000 nm.
    assert white.sum() == pytest.approx(1000 / 5, abs=2)
    bare = np.asarray(overlays._draw_lm(dataclasses.replace(view, nm=None), outside))
    assert bare.max() == 0


def test_a_constant_image_and_a_long_name_can_be_drawn() -> None:
    view = overlays._whole(Micrograph(np.full((20, 30), 7, np.uint16)), 300)
    assert np.isfinite(view.grey).all()
    picture = overlays._draw_lm(view, Roi(2, 2, 9, 9).corners)
    sheet = overlays._arrange(["headline"], [[("name " * 200, picture)]])
    # Nothing is written past the margin.
    assert (sheet[:, -overlays.GAP // 2 :] == overlays.PAPER).all()
