"""The light microscope: a thick specimen, blurred, unevenly lit, on a noisy camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.synthetic.cells import Cells
from clem_retrace.synthetic.outlines import stamps
from clem_retrace.synthetic.specimen import DEFOCUS_SIGMA, Specimen
from clem_retrace.synthetic.texture import Image, Layer, coarse_grid, grain, smoothstep

__all__ = ["fluorescence", "transmitted"]

#: Standard deviation of the point spread function, LM pixels: 0.21 wavelength / aperture is
#: 80 to 110 nm, and a camera's pixel about as much again.
PSF_SIGMA = 1.05

#: Every so many pixels the cells' outlines are computed; between, interpolated.
STEP = 2

#: Camera offset (counts) and read noise (electrons).
OFFSET, READ_NOISE = 100.0, 2.5

#: A noise factor of 0 stands for this, so that the light stays finite.
LEAST_NOISE = 0.05


def transmitted(
    rng: np.random.Generator, specimen: Specimen, shape: tuple[int, int], *, noise: float
) -> NDArray[np.uint16]:
    """Return a bright-field image, structures dark, 12 bits deep.

    Parameters
    ----------
    rng : numpy.random.Generator
    specimen : Specimen
    shape : (rows, cols)
    noise : float
        Factor on the usual noise; the light is weakened by its square.
    """
    cells = _Outlines(specimen.cells, shape)
    density = 0.5 * structure_layer(specimen, shape)
    density += 0.04 * cells.body + 0.03 * cells.nucleus
    # Refraction at borders: a dark line with a bright halo outside.
    density += 0.10 * _line(cells.depth, 1.0, 1.8) - 0.06 * _line(cells.depth, -3.0, 2.2)
    density += 0.05 * _line(cells.nuclear_depth, 0.0, 1.6)
    density += 0.15 * haze(rng, cells) + 0.012 * grain(rng, shape, 2.0).rows() + _dust(rng, shape)
    light = _illumination(rng, shape, 0.12) * np.exp(-density)
    electrons = 2600.0 / max(noise, LEAST_NOISE) ** 2
    return _camera(rng, light, electrons=electrons, full_scale=3300.0)


def fluorescence(
    rng: np.random.Generator, specimen: Specimen, shape: tuple[int, int], *, noise: float
) -> NDArray[np.uint16]:
    """Return a wide-field fluorescence image, structures bright, 12 bits deep.

    The parameters are those of `transmitted`.
    """
    cells = _Outlines(specimen.cells, shape)
    signal = structure_layer(specimen, shape)
    # The cytoplasm's own fluorescence, weaker where the nucleus is.
    signal += 0.03 + 0.05 * cells.brightness * (cells.body - 0.4 * cells.nucleus)
    signal += 0.35 * haze(rng, cells)
    signal *= _illumination(rng, shape, 0.3)
    electrons = 260.0 / max(noise, LEAST_NOISE) ** 2
    return _camera(rng, signal, electrons=electrons, full_scale=750.0)


def structure_layer(specimen: Specimen, shape: tuple[int, int]) -> Image:
    """Return the structures' amount of pigment or label, each blurred by its own defocus."""
    from scipy import ndimage

    structures = specimen.structures
    total = np.zeros(shape, np.float32)
    for plane, defocus in enumerate(DEFOCUS_SIGMA):
        layer = np.zeros(shape, np.float32)
        seen = structures.where(structures.in_lm & (structures.defocus == plane))
        for stamp in stamps(seen, seen.radii, np.eye(3), shape):
            layer[stamp.window] += np.float32(seen.strength[stamp.index]) * stamp.coverage()
        total += ndimage.gaussian_filter(layer, float(np.hypot(PSF_SIGMA, defocus)))
    return total


def haze(rng: np.random.Generator, cells: _Outlines) -> Image:
    """Return light from far out of focus: clouds where cells are thick, 0 to about 1."""
    from scipy import ndimage

    shape = (cells.depth.shape[0], cells.depth.shape[1])
    clouds = 0.25 * grain(rng, shape, 9.0).rows() + 0.15 * grain(rng, shape, 4.5).rows()
    thick = smoothstep(cells.depth, -2, 14) * np.clip(0.35 + clouds, 0, 2)
    return ndimage.gaussian_filter(thick, 3.5)  # type: ignore[no-any-return]


class _Outlines:
    """The cells on the LM's pixels; depths in LM pixels."""

    def __init__(self, cells: Cells, shape: tuple[int, int]) -> None:
        cell, depth, nuclear_depth = cells.locate(coarse_grid(shape, STEP))
        self.depth = Layer(depth, STEP, shape).rows()
        self.nuclear_depth = Layer(nuclear_depth, STEP, shape).rows()
        self.brightness = Layer(1 + 0.4 * cells.tone[cell].clip(-2, 2), STEP, shape).rows()
        self.body = smoothstep(self.depth, -4, 6)
        self.nucleus = smoothstep(self.nuclear_depth, -3, 4)


def _line(depth: Image, at: float, width: float) -> Image:
    """Return a soft line where `depth` is `at`, its standard deviation `width` pixels."""
    line: Image = np.exp(-0.5 * ((depth - at) / width) ** 2)
    return line


def _illumination(rng: np.random.Generator, shape: tuple[int, int], depth: float) -> Image:
    """Return a bright spot off the middle that falls off by `depth` towards a corner."""
    rows, cols = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    off = rng.uniform(-0.3, 0.3, 2)
    squared = (rows - off[0]) ** 2 + (cols - off[1]) ** 2
    return np.asarray(1 - depth * squared / 2, dtype=np.float32)


def _dust(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """Return the shadows of dust on a lens: faint rings."""
    shadow = np.zeros(shape, np.float32)
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    for _ in range(rng.poisson(2)):
        centre, radius = rng.random(2) * shape, rng.uniform(5, 14)
        distance = np.hypot(rows - centre[0], cols - centre[1])
        ring = np.exp(-(((distance - radius) / 1.8) ** 2))
        ring -= 0.4 * np.exp(-((distance / radius) ** 2))
        shadow += (rng.uniform(0.02, 0.06) * ring).astype(np.float32)
    return shadow


def _camera(
    rng: np.random.Generator, light: Image, *, electrons: float, full_scale: float
) -> NDArray[np.uint16]:
    """Return counts: shot noise, read noise, offset, 12 bits.

    Parameters
    ----------
    rng : numpy.random.Generator
    light : ndarray, shape (M, N)
        About 1 where it is bright.
    electrons : float
        Photo-electrons that a light of 1 sets free.
    full_scale : float
        Counts that they give.
    """
    counted = rng.poisson(np.maximum(light * electrons, 0)).astype(np.float32)
    counted += READ_NOISE * rng.standard_normal(light.shape, dtype=np.float32)
    counts = OFFSET + full_scale / electrons * counted
    return np.asarray(np.clip(np.rint(counts), 0, 4095), dtype=np.uint16)
