"""Micrographs on the paper: in their places, and in the colours that are said."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.events import run
from clem_retrace.geometry import invert, similarity
from clem_retrace.io import views
from clem_retrace.io.views import View, as_bytes, fitted_grid, overlaid, surroundings, view_steps
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid


def pair(magnification: float = 4.0, mirrored: bool = False) -> PairTransform:
    lm_to_em = similarity(magnification, 40.0, mirrored, (33.0, 47.0), (120.0, 210.0))
    lm, em = ImageFacts("lm", (60, 100), 110.0), ImageFacts("em", (260, 400), 27.0)
    return PairTransform(invert(lm_to_em), lm, em)


def spot_centre(image: NDArray[np.float32]) -> tuple[float, float]:
    """Return (x, y), from the picture's corner, of the middle of what is brighter than half."""
    bright = np.where(np.nan_to_num(image) > 0.5, image, 0)
    row, col = (float((axis * bright).sum() / bright.sum()) for axis in np.indices(image.shape))
    return col + 0.5, row + 0.5


def view_of(grey: NDArray[np.floating]) -> View:
    rows, cols = grey.shape
    return View(grey.astype(np.float32), Grid("lm", (rows, cols), np.eye(3), None))


@pytest.mark.parametrize("side", [40, 100, 333])
def test_a_whole_image_keeps_its_proportions_and_places(side: int) -> None:
    image = np.zeros((60, 100), np.float32)
    image[41:44, 72:75] = 1
    grid = fitted_grid(pair(), "lm", side)
    assert grid.shape == (round(0.6 * side), side)
    assert grid.pixel_size == pytest.approx(110.0 * 100 / side)
    view = run(view_steps(Micrograph(image), "lm", pair(), grid, "view"))
    # A quarter of a pixel of the image, or of the view where that is coarser.
    expected = view.place((42, 73))
    assert spot_centre(view.grey) == pytest.approx(expected, abs=0.25 * max(1.0, side / 100))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("magnification", [0.8, 4.0, 11.0])
def test_the_em_lies_on_a_region_of_the_lm(magnification: float, mirrored: bool) -> None:
    transform = pair(magnification, mirrored)
    rows, cols = np.indices((260, 400))
    spot = np.exp(-((rows - 120) ** 2 + (cols - 210) ** 2) / (2 * magnification**2))
    grid = fitted_grid(transform, "lm", 400, Roi(20, 30, 30, 40))
    assert (grid.shape, grid.pixel_size) == ((300, 400), pytest.approx(11.0))
    view = run(view_steps(Micrograph(spot), "em", transform, grid, "view", unit=2.0))
    # 10 view pixels an LM pixel: a tenth of an LM pixel. Places are in units of two pixels.
    x, y = spot_centre(view.grey)
    assert view.place((33.0, 47.0)) == pytest.approx((x / 2, y / 2), abs=0.5)
    assert (view.box.width, view.box.height) == (200, 150)
    assert view.nm == pytest.approx(22.0)


def test_a_region_may_reach_beyond_the_image() -> None:
    grid = fitted_grid(pair(), "lm", 100, Roi(-30, 0, 50, 50))
    view = run(view_steps(Micrograph(np.ones((60, 100))), "lm", pair(), grid, "view"))
    assert np.isnan(view.grey[:60]).all()
    assert np.isfinite(view.grey[60:]).all()


def test_surroundings_are_a_quarter_of_the_longer_side() -> None:
    assert surroundings(Roi(20, 30, 10, 40)) == Roi(10, 20, 30, 60)


def test_merged_they_are_white_where_both_are_bright() -> None:
    lm, em = np.zeros((2, 60, 100))
    lm[:, :50] = 1
    em[:30] = 1
    picture = overlaid(view_of(lm), view_of(em), "merge")
    level = round(255 * views.GREEN_LEVEL)
    assert picture[10, 20].tolist() == [255, level, 255]
    assert picture[10, 80].tolist() == [0, level, 0]
    assert picture[50, 20].tolist() == [255, 0, 255]
    assert picture[50, 80].tolist() == [0, 0, 0]


def test_with_opacity_the_dark_half_of_the_lm_is_clear() -> None:
    lm = np.linspace(0, 1, 100)[None, :].repeat(60, axis=0)
    picture = overlaid(view_of(lm), view_of(np.full((60, 100), 0.6)), "opacity")
    assert (picture[:, :49] == round(255 * 0.6)).all()
    # Magenta: red and blue rise, green falls.
    steps = np.diff(picture[0, 52:98].astype(int), axis=0)
    assert (steps[:, [0, 2]] >= 0).all()
    assert (steps[:, 1] <= 0).all()
    assert picture[0, -1].tolist() == pytest.approx([240, 23, 240], abs=2)


def test_a_checkerboard_has_squares_of_both() -> None:
    picture = overlaid(
        view_of(np.ones((60, 95))), view_of(np.full((60, 95), np.nan)), "checkerboard"
    )
    assert (picture[:10, :10] == 255).all()
    assert (picture[:10, 10:20] == 0).all()
    assert (picture[10:20, :10] == 0).all()
    assert (picture[10:20, 10:20] == 255).all()


def test_what_is_constant_or_missing_can_be_shown() -> None:
    grid = fitted_grid(pair(), "lm", 50)
    view = run(view_steps(Micrograph(np.full((60, 100), 7, np.uint16)), "lm", pair(), grid, "view"))
    assert np.isfinite(view.grey).all()
    far = fitted_grid(pair(), "lm", 50, Roi(500, 500, 20, 20))
    view = run(view_steps(Micrograph(np.ones((60, 100))), "lm", pair(), far, "view"))
    assert np.isnan(view.grey).all()
    assert (as_bytes(view.grey) == 0).all()
