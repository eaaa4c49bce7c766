"""Figures for papers: their sizes on paper, what they show, and what can be edited."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from clem_retrace.errors import BadFile, InvalidOption, RoiError
from clem_retrace.geometry import compose, invert, similarity, translation
from clem_retrace.io.figures import FigureStyle, write_figure, write_figure_steps
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform

ROI = Roi(30, 40, 20, 40)
LM_TO_EM = similarity(4.0, 90.0, False, ROI.centre, (200.0, 180.0))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def lm() -> Micrograph:
    rows, cols = np.indices((80, 120))
    return Micrograph(np.sin(rows / 7) * np.cos(cols / 9), 110.0, "lm <1>.tif")


@pytest.fixture
def em() -> Micrograph:
    rows, cols = np.indices((400, 360))
    return Micrograph(
        (100 + 50 * np.sin(rows / 9) * np.cos(cols / 7)).astype(np.uint8), 27.5, "em.tif"
    )


def transform(lm: Micrograph, em: Micrograph, shift: float = 0.0) -> PairTransform:
    matrix = compose(translation((shift, 0)), invert(LM_TO_EM))
    return PairTransform(matrix, ImageFacts.of(lm), ImageFacts.of(em))


@pytest.mark.parametrize("style", get_args(FigureStyle))
def test_a_png_has_its_width_on_paper(
    tmp_path: Path, lm: Micrograph, em: Micrograph, style: FigureStyle
) -> None:
    path = write_figure(
        tmp_path / "a.PNG", lm, em, transform(lm, em), region=ROI, style=style, width=85, dpi=300
    )
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        # 85 mm; twice as wide as high, or two such and the gap.
        assert picture.width == pytest.approx(85 / 25.4 * 300, abs=2)
        height = 42.5 if style != "side by side" else (85 - 1.5) / 4
        assert picture.height == pytest.approx(height / 25.4 * 300, abs=2)


@pytest.mark.parametrize("style", get_args(FigureStyle))
def test_an_svg_has_pictures_and_what_can_be_edited(
    tmp_path: Path, lm: Micrograph, em: Micrograph, style: FigureStyle
) -> None:
    path = write_figure(
        tmp_path / "a.svg", lm, em, transform(lm, em), region=ROI, style=style, outline=ROI,
        labels=[("endosome", (36.0, 50.0))], width=170, dpi=150,
    )  # fmt: skip
    root = ET.parse(path).getroot()
    assert root.get("width", "").endswith("mm")
    assert float(root.get("width", "")[:-2]) == pytest.approx(170, abs=0.2)
    *_, width, height = (float(number) for number in root.get("viewBox", "").split())
    proportion = float(root.get("height", "")[:-2]) / float(root.get("width", "")[:-2])
    assert proportion == pytest.approx(height / width, rel=1e-5)
    # 12 units are 7 points.
    assert width / 170 == pytest.approx(12 / (7 * 25.4 / 72), rel=1e-3)
    panels = 2 if style == "side by side" else 1
    assert len(root.findall(f".//{SVG}image")) == panels
    for image in root.iter(f"{SVG}image"):
        data = base64.b64decode(image.get("href", "").removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.height / picture.width == pytest.approx(0.5, abs=0.01)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("endosome") == panels
    assert texts.count("1 \u00b5m") == panels
    assert ("LM" in texts, "EM" in texts) == (True, True)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "lm <1>.tif and em.tif"


def outline_of(path: Path) -> np.ndarray:
    """Return the outline's vertices, (x, y) as shares of the figure."""
    root = ET.parse(path).getroot()
    *_, width, height = (float(number) for number in root.get("viewBox", "").split())
    (polygon,) = [one for one in root.iter(f"{SVG}polygon") if one.get("stroke") == "#e69f00"]
    points = [tuple(map(float, pair.split(","))) for pair in polygon.get("points", "").split()]
    return np.array(points) / (width, height)


def test_the_outline_lies_on_its_pixels(tmp_path: Path, lm: Micrograph, em: Micrograph) -> None:
    shown = Roi(20, 20, 40, 80)
    path = write_figure(tmp_path / "a.svg", lm, em, transform(lm, em), region=shown, outline=ROI)
    corners = outline_of(path)
    # ROI rows 30 to 49 of 20 to 59, columns 40 to 79 of 20 to 99.
    np.testing.assert_allclose(corners.min(axis=0), (0.25, 0.25), atol=0.002)
    np.testing.assert_allclose(corners.max(axis=0), (0.75, 0.75), atol=0.002)


def test_with_the_em_upright_the_outline_is_turned(
    tmp_path: Path, lm: Micrograph, em: Micrograph
) -> None:
    path = write_figure(tmp_path / "a.svg", lm, em, transform(lm, em), frame="em", outline=ROI)
    corners = outline_of(path)
    # 40 x 20 LM pixels are 80 columns and 160 rows of the EM's 360 and 400, round (180, 200).
    np.testing.assert_allclose(corners.mean(axis=0), (180.5 / 360, 200.5 / 400), atol=0.002)
    np.testing.assert_allclose(np.ptp(corners, axis=0), (80 / 360, 160 / 400), atol=0.002)


@pytest.mark.parametrize(("frame", "ratio"), [("lm", 80 / 100), ("em", 400 / 360)])
def test_by_default_all_is_shown_where_both_are(
    tmp_path: Path, lm: Micrograph, em: Micrograph, frame: Which, ratio: float
) -> None:
    path = write_figure(tmp_path / "a.png", lm, em, transform(lm, em), frame=frame, dpi=100)
    with Image.open(path) as picture:
        # The turned EM covers 90 rows and 100 columns of the LM, of which 80 rows are there.
        assert picture.height / picture.width == pytest.approx(ratio, abs=0.02)


def test_nothing_is_written_over_it_unless_asked_for(
    tmp_path: Path, lm: Micrograph, em: Micrograph
) -> None:
    path = write_figure(
        tmp_path / "a.svg", lm, em, transform(lm, em), region=ROI, scale_bar=False, names=False
    )
    tags = {element.tag.removeprefix(SVG) for element in ET.parse(path).getroot().iter()}
    assert tags == {"svg", "title", "clipPath", "rect", "g", "image"}


def test_merged_pictures_show_both(tmp_path: Path, lm: Micrograph, em: Micrograph) -> None:
    path = write_figure(
        tmp_path / "a.png", lm, em, transform(lm, em), region=ROI, scale_bar=False, names=False
    )
    with Image.open(path) as picture:
        red, green, blue = np.asarray(picture).astype(float).transpose(2, 0, 1)
    np.testing.assert_array_equal(red, blue)
    rows, cols = np.indices(red.shape)
    zoom = red.shape[0] / 20
    expected = np.sin(((rows + 0.5) / zoom + 29.5) / 7) * np.cos(((cols + 0.5) / zoom + 39.5) / 9)
    assert np.corrcoef(red.ravel(), expected.ravel())[0, 1] > 0.995
    assert green.std() > 30
    assert abs(np.corrcoef(red.ravel(), green.ravel())[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"width": 0.0}, InvalidOption, "50 to 12000"),
        ({"width": 2000.0, "dpi": 600}, InvalidOption, "50 to 12000"),
        ({"dpi": 5}, InvalidOption, "30 to 1200"),
        ({"region": Roi(0, 0, 80, 1)}, InvalidOption, "80 times as high"),
    ],
)
def test_impossible_sizes_are_refused(
    tmp_path: Path, lm: Micrograph, em: Micrograph, change: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        write_figure(tmp_path / "a.png", lm, em, transform(lm, em), **change)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_and_images_apart_are_refused(
    tmp_path: Path, lm: Micrograph, em: Micrograph
) -> None:
    with pytest.raises(BadFile, match=r"ends with '\.tif'"):
        write_figure(tmp_path / "a.tif", lm, em, transform(lm, em))
    with pytest.raises(RoiError, match="does not lie over the LM"):
        write_figure(tmp_path / "a.png", lm, em, transform(lm, em, shift=500))


def test_it_can_be_stopped(tmp_path: Path, lm: Micrograph, em: Micrograph) -> None:
    steps = write_figure_steps(tmp_path / "a.png", lm, em, transform(lm, em))
    next(steps)
    steps.close()
    assert list(tmp_path.iterdir()) == []
