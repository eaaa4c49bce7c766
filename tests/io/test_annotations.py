"""What is drawn over pictures: it lies where it should, and is as long as it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.io.annotations import (
    ORANGE,
    draw_cross,
    draw_outline,
    draw_plate,
    draw_scale_bar,
)
from clem_retrace.io.pillow_surface import PillowSurface
from clem_retrace.plots.surface import Box
from clem_retrace.plots.svg import SvgSurface

BOX = Box(0, 0, 600, 300)


def blank() -> tuple[Image.Image, PillowSurface]:
    picture = Image.new("RGB", (600, 300))
    return picture, PillowSurface(picture, size=18)


def orange(picture: Image.Image) -> NDArray[np.bool_]:
    return (np.abs(np.asarray(picture).astype(int) - (230, 159, 0)) < 25).all(axis=-1)


@pytest.mark.parametrize(
    ("nm", "length"), [(5.0, 1000 / 5), (0.7, 100 / 0.7), (110.0, 20000 / 110)]
)
def test_a_scale_bar_is_as_long_as_it_says(nm: float, length: float) -> None:
    picture, surface = blank()
    draw_scale_bar(surface, BOX, nm)
    white = (np.asarray(picture) == 255).all(axis=-1)
    # The bar is the longest run of white in a row.
    assert white.sum(axis=1).max() == pytest.approx(length, abs=2)
    texts = SvgSurface()
    draw_scale_bar(texts, BOX, nm)
    said = {5.0: "1 \u00b5m", 0.7: "100 nm", 110.0: "20 \u00b5m"}
    assert f">{said[nm]}</text>" in "".join(texts.elements)


def test_without_a_pixel_size_there_is_none() -> None:
    picture, surface = blank()
    draw_scale_bar(surface, BOX, None)
    assert np.asarray(picture).max() == 0


def test_an_outline_is_closed_and_seen_on_white() -> None:
    picture = Image.new("RGB", (600, 300), "#ffffff")
    draw_outline(PillowSurface(picture), [(100, 50), (500, 50), (500, 250), (100, 250)], ORANGE, 4)
    rows, cols = np.nonzero(orange(picture))
    assert (rows.min(), rows.max()) == pytest.approx((48, 251), abs=1)
    assert (cols.min(), cols.max()) == pytest.approx((98, 501), abs=1)
    # The left side, drawn last, and a dark border beside it.
    assert orange(picture)[150, 98:101].all()
    assert np.asarray(picture)[150, 97].max() < 220


@pytest.mark.parametrize("place", [(300, 150), (0, 0), (600, 300), (-40, 500)])
def test_a_plate_stays_in_the_picture(place: tuple[float, float]) -> None:
    picture, surface = blank()
    draw_plate(surface, place, ORANGE, "12", BOX)
    width, height = surface.width_of("12") + surface.line / 2, surface.line
    # Its letters are black.
    assert orange(picture).sum() > 0.6 * width * height


def test_a_cross_lies_on_its_point() -> None:
    picture, surface = blank()
    draw_cross(surface, (120.0, 80.0), ORANGE, 10)
    rows, cols = np.nonzero(orange(picture))
    assert ((rows.min() + rows.max() + 1) / 2, (cols.min() + cols.max() + 1) / 2) == (80, 120)
