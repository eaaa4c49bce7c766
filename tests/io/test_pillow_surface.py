"""Shapes on pictures: in their places, smooth, and no further than they may reach."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from clem_retrace.io import pillow_surface
from clem_retrace.io.pillow_surface import PillowSurface
from clem_retrace.plots.surface import Anchor, Box, Ink, Stroke, Surface

WHITE = Ink("#ffffff")


def blank(unit: float = 1.0, size: float = 20.0) -> tuple[Image.Image, PillowSurface]:
    picture = Image.new("RGB", (200, 100))
    return picture, PillowSurface(picture, unit, size)


def grey(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture)[..., 0] / 255


def extent(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the first and last row and column with something."""
    rows, cols = np.nonzero(grey(picture) > 0.3)
    return int(rows.min()), int(rows.max()), int(cols.min()), int(cols.max())


def test_it_is_a_surface() -> None:
    surface: Surface = blank()[1]
    assert surface.line > 20


@pytest.mark.parametrize("unit", [1.0, 2.0])
def test_an_area_covers_its_pixels_and_parts_of_those_at_its_edges(unit: float) -> None:
    picture, surface = blank(unit)
    surface.path(Box(10, 20, 30.5, 10).outline, None, WHITE)
    cover = grey(picture)
    # Pillow counts both edges in: half of a pixel at the most.
    assert cover.sum() == pytest.approx(30.5 * 10 * unit**2, abs=0.5 * 40.5 * unit)
    inside = cover[round(20 * unit) : round(30 * unit), round(10 * unit) : int(40.5 * unit)]
    assert (inside > 0.95).all()


def test_a_line_is_as_wide_as_it_should_be_and_half_covers() -> None:
    picture, surface = blank()
    surface.path([(0, 50), (200, 50)], Stroke(Ink("#ffffff", 0.5), 6))
    column = grey(picture)[:, 100]
    assert column.sum() == pytest.approx(3.0, abs=0.2)
    assert column.max() == pytest.approx(0.5, abs=0.01)
    assert np.nonzero(column)[0].mean() == pytest.approx(49.5, abs=0.3)


def test_large_shapes_are_drawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_surface, "LARGE", 10)
    picture, surface = blank()
    surface.path(Box(10, 20, 30.5, 10).outline, None, WHITE)
    assert grey(picture).sum() == pytest.approx(305, abs=0.5 * 40.5 + 1)


@pytest.mark.parametrize(
    ("dash", "share"), [("solid", 1.0), ("dashed", 4 / 6.5), ("dotted", 0.375)]
)
def test_dashes_have_gaps(dash: str, share: float) -> None:
    picture, surface = blank()
    surface.path([(10, 30), (100, 30), (190, 30)], Stroke(WHITE, 4, dash))  # type: ignore[arg-type]
    assert grey(picture).sum() == pytest.approx(180 * 4 * share, rel=0.1)


def test_a_circle_has_its_radius() -> None:
    picture, surface = blank()
    surface.circle((100, 50), 20, Stroke(WHITE, 2), Ink("#808080"))
    assert extent(picture) == pytest.approx((29, 70, 79, 120), abs=1)
    assert grey(picture)[50, 100] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("upward", [False, True])
@pytest.mark.parametrize(("anchor", "share"), [("start", 0.0), ("middle", 0.5), ("end", 1.0)])
def test_texts_stand_at_their_places(anchor: Anchor, share: float, upward: bool) -> None:
    picture, surface = blank()
    surface.text((100, 50), "HHH", WHITE, anchor, upward=upward)
    top, bottom, left, right = extent(picture)
    width = surface.width_of("HHH")
    if upward:
        assert (left + right) / 2 == pytest.approx(100, abs=3)
        assert (bottom + top) / 2 == pytest.approx(50 - (0.5 - share) * width, abs=2)
    else:
        assert (top + bottom) / 2 == pytest.approx(50, abs=3)
        assert (left + right) / 2 == pytest.approx(100 + (0.5 - share) * width, abs=2)


def test_bold_letters_are_thicker() -> None:
    covers = []
    for bold in (False, True):
        picture, surface = blank(size=40.0)
        surface.text((10, 50), "HHH", WHITE, bold=bold)
        covers.append(grey(picture).sum())
    assert covers[1] > 1.2 * covers[0]


def test_micro_is_a_u_with_a_tail() -> None:
    """The font has no such letter: it would be a box."""
    pictures = []
    for text in ("u", "\u00b5"):
        picture, surface = blank(size=60.0)
        surface.text((100, 50), text, WHITE, "middle")
        pictures.append(picture)
    plain, micro = map(extent, pictures)
    # As wide and as high as the u, and lower on its left.
    assert micro[0] == plain[0]
    assert micro[2:] == plain[2:]
    assert 8 < micro[1] - plain[1] < 20
    tail = grey(pictures[1])[plain[1] + 2 :]
    assert np.nonzero(tail > 0.3)[1].max() < (plain[2] + plain[3]) / 2
    surface = blank(size=60.0)[1]
    assert surface.width_of("\u00b5") == surface.width_of("u")


def test_what_is_clipped_or_outside_is_not_drawn() -> None:
    picture, surface = blank()
    with surface.clipped(Box(50, 20, 60, 40)), surface.clipped(Box(0, 0, 100, 50)):
        surface.path(Box(-50, -50, 400, 400).outline, None, WHITE)
        surface.text((95, 35), "HHHHHH", Ink("#ff0000"))
    assert extent(picture) == (20, 49, 50, 99)
    picture, surface = blank()
    surface.path(Box(300, 20, 10, 10).outline, None, WHITE)
    surface.text((-300, 20), "H", WHITE)
    assert grey(picture).max() == 0


def test_the_font_comes_with_pillow() -> None:
    assert ImageFont.load_default(12).getname()[0] == "Aileron"
