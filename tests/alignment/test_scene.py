"""Both images on grids of one physical pixel size: positions, sizes, signs."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.alignment import Scene, align
from clem_retrace.errors import BadImage
from clem_retrace.geometry import Matrix, map_points, similarity
from clem_retrace.micrograph import Micrograph, Roi

RATIO = 5.0
ROI = Roi(30, 40, 48, 54)
LM_TO_EM = similarity(RATIO, 35.0, True, ROI.centre, (330.0, 290.0))
SPOTS = np.array([[40.0, 52.0], [66.0, 80.0], [50.0, 73.0]])


def spots(shape: tuple[int, int], places: np.ndarray, sigma: float) -> np.ndarray:
    """Return an image of bright Gaussian spots, each a little fainter than the last."""
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    image = np.zeros(shape, np.float32)
    for number, (row, col) in enumerate(places):
        squared = (rows - row) ** 2 + (cols - col) ** 2
        image += (1 - 0.1 * number) * np.exp(-squared / (2 * sigma**2))
    return image


@pytest.fixture(scope="module")
def images() -> tuple[Micrograph, Micrograph]:
    lm = spots((110, 130), SPOTS, 2.5)
    em = spots((640, 600), map_points(LM_TO_EM, SPOTS), 2.5 * RATIO)
    em[:60] = np.nan
    return Micrograph(lm), Micrograph(em)


def scene_at(images: tuple[Micrograph, Micrograph], cell: float) -> Scene:
    return Scene.at(*images, ROI, ratio=RATIO, cell=cell, sigma=1.25)


def trough(image: np.ndarray, near: np.ndarray, radius: float) -> np.ndarray:
    """Return the centre of gravity of the negative responses near a place."""
    rows, cols = np.ogrid[: image.shape[0], : image.shape[1]]
    mass = np.where(np.hypot(rows - near[0], cols - near[1]) < radius, np.clip(-image, 0, None), 0)
    return np.array([(mass * rows).sum(), (mass * cols).sum()]) / mass.sum()


@pytest.mark.parametrize("cell", [1.0, 2.0, 2.6])
def test_one_cell_has_one_physical_size_in_both_images(
    images: tuple[Micrograph, Micrograph], cell: float
) -> None:
    scene = scene_at(images, cell)
    assert scene.lm.shape == pytest.approx(np.array([110, 130]) / cell, abs=0.6)
    assert scene.em.shape == pytest.approx(np.array([640, 600]) / (cell * RATIO), abs=0.6)
    linear = scene.onto_grids(LM_TO_EM)[:2, :2]
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-9)
    assert scene.roi.height == pytest.approx(48 / cell)
    assert scene.roi.width == pytest.approx(54 / cell)


@pytest.mark.parametrize("cell", [1.0, 2.0, 2.6])
def test_what_is_one_thing_meets_itself_on_the_grids(
    images: tuple[Micrograph, Micrograph], cell: float
) -> None:
    scene = scene_at(images, cell)
    onto = scene.onto_grids(LM_TO_EM)
    for spot in SPOTS:
        # Half an LM pixel, the usual slip, is a fifth of a cell or more.
        on_lm = map_points(scene.lm_to_grid, spot)
        assert trough(scene.lm, on_lm, 6 / cell) == pytest.approx(on_lm, abs=0.1)
        on_em = map_points(scene.em_to_grid, map_points(LM_TO_EM, spot))
        assert trough(scene.em, on_em, 6 / cell) == pytest.approx(on_em, abs=0.1)
        assert map_points(onto, on_lm) == pytest.approx(on_em)


def test_the_way_onto_the_grids_leads_back(images: tuple[Micrograph, Micrograph]) -> None:
    scene = scene_at(images, 2.6)
    there: Matrix = scene.onto_grids(LM_TO_EM)
    np.testing.assert_allclose(scene.off_grids(there), LM_TO_EM, atol=1e-9)


def test_missing_pixels_are_known_and_silent(images: tuple[Micrograph, Micrograph]) -> None:
    scene = scene_at(images, 2.0)
    # 60 rows of 10 pixels a cell
    assert not scene.known[:5].any()
    assert scene.known[8:].all()
    assert (scene.em[~scene.known] == 0).all()
    assert np.isfinite(scene.em).all()


def test_a_template_of_the_other_contrast_is_the_negative(
    images: tuple[Micrograph, Micrograph],
) -> None:
    scene = scene_at(images, 2.0)
    same, inverted = scene.template(1, 10.0), scene.template(-1, 10.0)
    np.testing.assert_array_equal(inverted.values, -same.values)
    np.testing.assert_array_equal(inverted.gradients, -same.gradients)
    np.testing.assert_array_equal(inverted.weights, same.weights)
    assert tuple(same.centre) == scene.roi.centre


def test_reach_is_in_lm_pixels(images: tuple[Micrograph, Micrograph]) -> None:
    weights = scene_at(images, 2.0).weights(20.0)
    row = 27  # through the ROI: its columns 20 to 46 on the grid
    assert (weights[row, 21:46] == 1).all()
    assert weights[row, 46 + 5] == pytest.approx(0.5, abs=0.1)  # 10 LM pixels outside
    assert weights[row, 46 + 11 :].max() < 1e-6


@pytest.mark.parametrize("which", ["LM", "EM"])
def test_an_image_without_structures_is_named(
    images: tuple[Micrograph, Micrograph], which: str
) -> None:
    lm, em = images
    flat = Micrograph(np.full((200, 210), 7.0, np.float32))
    with pytest.raises(BadImage, match=f"the {which} image"):
        Scene.at(
            flat if which == "LM" else lm, flat if which == "EM" else em, ROI,
            ratio=RATIO, cell=2.0, sigma=1.0,
        )  # fmt: skip


def test_of_an_outline_only_the_inside_speaks(images: tuple[Micrograph, Micrograph]) -> None:
    lm, em = images
    # a spot in the corner of the rectangle that the EM does not show
    marred = Micrograph(lm.data + spots(lm.data.shape, np.array([[34.0, 88.0]]), 2.5))
    drawn = Roi.from_outline([(29.5, 39.5), (77.5, 39.5), (77.5, 93.5)])

    def score(roi: Roi) -> float:
        scene = Scene.at(marred, em, roi, ratio=RATIO, cell=1.0, sigma=1.25)
        onto = scene.onto_grids(LM_TO_EM)[None]
        return float(align(scene.template(1, 0.0), scene.em, onto, iterations=0).score[0])

    assert score(drawn) > 0.9
    assert score(drawn) > score(ROI) + 0.1
