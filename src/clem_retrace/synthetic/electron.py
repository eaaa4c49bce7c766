"""The electron microscope: a thin, stained section with all its ultrastructure.

Grey values run from 0 (black, heavy stain) to 1 (white) until the detector counts them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix
from clem_retrace.synthetic.organelles import Content, draw_bystanders, draw_structures
from clem_retrace.synthetic.specimen import Specimen
from clem_retrace.synthetic.texture import Image, Layer, Waves, coarse_grid
from clem_retrace.synthetic.tissue import Tissue

__all__ = ["section_image"]

#: Pixels that are painted at a time: 2 MB a field.
STRIP_PIXELS = 1 << 19


def section_image(
    rng: np.random.Generator,
    specimen: Specimen,
    lm_to_em: Matrix,
    shape: tuple[int, int],
    *,
    content: Content,
    noise: float,
) -> NDArray[np.uint8]:
    """Return an image of a section through a specimen, structures dark.

    Parameters
    ----------
    rng : numpy.random.Generator
    specimen : Specimen
    lm_to_em : ndarray, shape (3, 3)
    shape : (rows, cols)
    content : {"granules", "vesicles", "chromatin"}
        How the structures look in section.
    noise : float
        Factor on the usual noise, scratches and specks.
    """
    tissue = Tissue.draw(
        rng, specimen.cells, lm_to_em, shape, heterochromatin=content != "chromatin"
    )
    image = np.empty(shape, np.float32)
    for first, last in _strips(shape):
        image[first:last] = tissue.rows(first, last)
    draw_bystanders(rng, image, specimen, lm_to_em, dark=content == "chromatin")
    draw_structures(rng, image, specimen.structures, lm_to_em, content)
    _draw_scratches(rng, image, noise)
    _draw_folds(rng, image, noise)
    _draw_specks(rng, image, noise, radius=0.2 * tissue.ratio)
    return _detected(rng, image, noise)


def _strips(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the first rows, and those past the last, of strips that fill an image."""
    height = max(1, STRIP_PIXELS // shape[1])
    return [(first, min(first + height, shape[0])) for first in range(0, shape[0], height)]


def _draw_scratches(rng: np.random.Generator, image: Image, noise: float) -> None:
    """Draw what the knife leaves: fine lines of one direction, pale or dark."""
    turned = image if rng.random() < 0.5 else image.T
    length, breadth = turned.shape
    slope = rng.uniform(-0.35, 0.35)
    for _ in range(rng.poisson(7 * noise)):
        start, end = np.sort(rng.integers(0, length, 2))
        course = rng.uniform(-0.2, 1.2) * breadth + slope * np.arange(length)
        across = np.arange(-6, 7) / rng.uniform(0.6, 2.5)
        profile = rng.normal(0, 0.09) * np.exp(-(across**2))
        _draw_along(turned, course, int(start), int(end), profile)


def _draw_folds(rng: np.random.Generator, image: Image, noise: float) -> None:
    """Draw folds, most often none or one: the section lies double there."""
    turned = image if rng.random() < 0.5 else image.T
    length, breadth = turned.shape
    along = np.arange(length)
    for _ in range(rng.poisson(0.6 * min(noise, 2))):
        wander = Waves.draw(rng, length / 2, 6)(np.stack([along, 0 * along], -1))
        slope = rng.uniform(-0.4, 0.4)
        course = rng.random() * breadth + slope * along + 0.03 * length * wander
        half = int(rng.uniform(0.002, 0.007) * breadth) + 2
        across = np.abs(np.arange(-half, half + 1)) / half
        profile = -0.26 * (1 - across**4) + 0.07 * np.exp(-(((across - 1) / 0.2) ** 2))
        _draw_along(turned, course, 0, length, profile)


def _draw_along(
    image: Image, course: NDArray[np.float64], start: int, end: int, profile: NDArray[np.float64]
) -> None:
    """Add a line that runs down an image, in place.

    Parameters
    ----------
    image : ndarray, shape (M, N)
    course : ndarray, shape (M,)
        Column of the line in each row.
    start, end : int
        The rows it runs through.
    profile : ndarray, shape (2 h + 1,)
        What is added, from h columns to the left to h columns to the right.
    """
    rows = np.arange(start, end)
    middle = np.rint(course[start:end]).astype(np.intp)
    for offset, value in enumerate(profile, start=-(len(profile) // 2)):
        inside = (middle + offset >= 0) & (middle + offset < image.shape[1])
        image[rows[inside], middle[inside] + offset] += np.float32(value)


def _draw_specks(rng: np.random.Generator, image: Image, noise: float, *, radius: float) -> None:
    """Draw grains of stain precipitate: small, black, round."""
    for centre in rng.random((rng.poisson(8 * noise), 2)) * image.shape:
        size = radius * rng.lognormal(0, 0.6) + 0.5
        low = np.maximum(np.floor(centre - size - 2), 0).astype(int)
        high = np.floor(centre + size + 3).astype(int)
        part = image[low[0] : high[0], low[1] : high[1]]
        rows, cols = np.ogrid[: part.shape[0], : part.shape[1]]
        distance = np.hypot(rows + low[0] - centre[0], cols + low[1] - centre[1])
        part += np.clip(size - distance, 0, 1).astype(np.float32) * (0.05 - part)


def _detected(rng: np.random.Generator, image: Image, noise: float) -> NDArray[np.uint8]:
    """Return 8-bit greys: uneven staining, shot noise, contrast set as an operator does."""
    shape = (image.shape[0], image.shape[1])
    step = max(shape) / 16
    waves = Waves.draw(rng, 1.6 * max(shape), 8)
    staining = Layer(1 + 0.07 * waves(coarse_grid(shape, step)), step, shape)
    black, white = rng.uniform(0.0, 0.06), rng.uniform(0.92, 1.0)
    counts = np.empty(shape, np.uint8)
    for first, last in _strips(shape):
        part = np.clip(image[first:last] * staining.rows(first, last), 0.02, 1)
        shot = rng.standard_normal(part.shape, dtype=np.float32)
        part += 0.06 * noise * np.sqrt(part) * shot
        counts[first:last] = np.rint(np.clip((part - black) * (255 / (white - black)), 0, 255))
    return counts
