"""Regions that hold nothing but background are told from those that hold something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.content import check_content
from clem_retrace.errors import RoiError
from clem_retrace.micrograph import Micrograph, Roi

SIGMA = 1.5
SHAPE = (160, 200)

#: Half of the image is empty.
EMPTY, FULL = Roi(20, 110, 60, 70), Roi(20, 20, 60, 70)


@pytest.fixture
def image() -> NDArray[np.float32]:
    """Bright spots of two pixels on the left, camera noise everywhere."""
    rng = np.random.default_rng(1)
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    data = rng.normal(100, 5, SHAPE)
    for row, col in rng.uniform((5, 5), (155, 90), (60, 2)):
        data += 200 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 8)
    return data.astype(np.float32)


def check(data: NDArray[np.float32], roi: Roi) -> None:
    check_content(Micrograph(data, name="cell 7"), roi, SIGMA)


def test_structures_are_something(image: NDArray[np.float32]) -> None:
    check(image, FULL)
    check(image, Roi(0, 0, *SHAPE))
    check(-image, FULL)


def test_background_is_refused(image: NDArray[np.float32]) -> None:
    for data in (image, -image, image * np.float32(1e30), image * np.float32(1e-30)):
        with pytest.raises(RoiError, match="nothing but background in cell 7"):
            check(data, EMPTY)


def test_one_structure_is_enough(image: NDArray[np.float32]) -> None:
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spot = 60 * np.exp(-((rows - 50) ** 2 + (cols - 150) ** 2) / 8)
    check((image + spot).astype(np.float32), EMPTY)


@pytest.mark.parametrize("corner", [(0, 0), (0, 69), (59, 0), (59, 69)])
@pytest.mark.parametrize("region", [EMPTY, Roi(0, 130, 60, 70), Roi(100, 130, 60, 70)])
def test_a_structure_counts_to_the_last_pixel_of_the_region(
    image: NDArray[np.float32], region: Roi, corner: tuple[int, int]
) -> None:
    image[int(region.row) + corner[0], int(region.col) + corner[1]] += 100
    check(image, region)


def test_an_offset_does_not_hide_what_is_there(image: NDArray[np.float32]) -> None:
    """Structures of a millionth of it, in steps of 0.25, as numbers of this type have there."""
    dim = image / 20 + np.float32(4e6)
    check(dim, FULL)
    with pytest.raises(RoiError, match="nothing but background"):
        check(dim, EMPTY)


def test_what_lies_at_its_edge_does_not_count(image: NDArray[np.float32]) -> None:
    """A hole cut into structures has edges that are seen a few pixels inside."""
    image[FULL.mask(SHAPE)] = 100
    with pytest.raises(RoiError, match="nothing but background"):
        check(image, FULL)


def test_noise_all_over_is_not_background() -> None:
    """It is no better anywhere else: the search says that."""
    check(np.random.default_rng(2).normal(100, 5, SHAPE).astype(np.float32), EMPTY)


def test_a_texture_without_peaks_is_something() -> None:
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    check((np.sin(rows / 2) * np.sin(cols / 2)).astype(np.float32), EMPTY)


def test_the_outline_counts_as_drawn(image: NDArray[np.float32]) -> None:
    """A triangle on the empty side, in a rectangle that reaches over to the full one."""
    triangle = Roi.from_outline([(20, 60), (20, 190), (150, 190)])
    check(image, replace(triangle, outline=()))
    empty = Roi.from_outline([(20, 115), (150, 190), (20, 190)])
    with pytest.raises(RoiError):
        check(image, empty)


def test_missing_values_are_no_structures(image: NDArray[np.float32]) -> None:
    image[40:50, 130:140] = np.nan
    with pytest.raises(RoiError, match="nothing but background"):
        check(image, EMPTY)
    image[EMPTY.mask(SHAPE)] = np.nan
    with pytest.raises(RoiError, match="no values of cell 7"):
        check(image, EMPTY)


def test_a_region_of_few_pixels_is_looked_at_whole(image: NDArray[np.float32]) -> None:
    with pytest.raises(RoiError):
        check(image, Roi(30, 150, 8, 8))
    top, left = np.unravel_index(image.argmax(), SHAPE)
    check(image, Roi(float(top) - 4, float(left) - 4, 8, 8))
