"""The section's ground: resin, cytoplasm, nuclei, membranes and grain, without organelles.

Grey values run from 0 (black, heavy stain) to 1 (white).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clem_retrace.geometry import Matrix, invert, magnification_of, map_points
from clem_retrace.synthetic.cells import Cells
from clem_retrace.synthetic.texture import Image, Layer, Waves, coarse_grid, grain, smoothstep

__all__ = ["Tissue"]

#: Grey of bare resin, cytoplasm, nucleoplasm.
RESIN, CYTOPLASM, NUCLEOPLASM = 0.80, 0.60, 0.65

#: Width of a stained membrane and standard deviation of a ribosome, LM pixels (110 nm).
MEMBRANE, RIBOSOME = 0.16, 0.24


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """Smooth fields from which the ground is painted, row by row.

    Painting a few rows at a time keeps the arrays in the processor's cache: it is three
    times as fast as whole images.

    Attributes
    ----------
    ratio : float, EM pixels per LM pixel
    depth, nuclear_depth : Layer, EM pixels
        Distance inside the cell's membrane and the nuclear envelope.
    tone, clouds : Layer
        The cytoplasm's grey, cell by cell, and what varies in a cell.
    cisternae, steepness, abundance : Layer
        Cisternae run where the first is a whole number; how much it grows per pixel; how
        many there are.
    clumping : Layer
        Heterochromatin lies where it is high.
    ribosomes, coarse : Layer
        Grain of two sizes.
    """

    ratio: float
    depth: Layer
    nuclear_depth: Layer
    tone: Layer
    clouds: Layer
    cisternae: Layer
    steepness: Layer
    abundance: Layer
    clumping: Layer
    ribosomes: Layer
    coarse: Layer

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        cells: Cells,
        lm_to_em: Matrix,
        shape: tuple[int, int],
        *,
        heterochromatin: bool,
    ) -> Tissue:
        """Return the ground of a section through cells.

        Parameters
        ----------
        rng : numpy.random.Generator
        cells : Cells
        lm_to_em : ndarray, shape (3, 3)
        shape : (rows, cols)
            Of the EM image.
        heterochromatin : bool
            Whether nuclei get patches of it here.
        """
        ratio = magnification_of(lm_to_em)
        # Fine enough for the gap between two cells, 1.2 LM pixels wide.
        fine, step = np.clip(np.array([0.4, 0.8]) * ratio, (2, 4), (8, 16))
        em_to_lm = invert(lm_to_em)
        cell, depth, nuclear_depth = cells.locate(map_points(em_to_lm, coarse_grid(shape, fine)))
        points = map_points(em_to_lm, coarse_grid(shape, step))
        clouds = 0.03 * Waves.draw(rng, 14.0, 20)(points) + 0.03 * Waves.draw(rng, 45.0)(points)
        # Cisternae lie parallel to each other, about one LM pixel apart.
        level = 4.5 * Waves.draw(rng, 30.0, 20)(points)
        clumping = Waves.draw(rng, 11.0, 24)(points) - (0 if heterochromatin else 10)
        return cls(
            ratio=ratio,
            depth=Layer(depth * ratio, fine, shape),
            nuclear_depth=Layer(nuclear_depth * ratio, fine, shape),
            tone=Layer(CYTOPLASM + 0.035 * cells.tone[cell], fine, shape),
            clouds=Layer(clouds, step, shape),
            cisternae=Layer(level, step, shape),
            steepness=Layer(np.hypot(*np.gradient(level, step)) + 1e-3, step, shape),
            abundance=Layer(Waves.draw(rng, 25.0)(points), step, shape),
            clumping=Layer(clumping, step, shape),
            ribosomes=grain(rng, shape, max(1.0, RIBOSOME * ratio)),
            coarse=grain(rng, shape, max(2.0, 0.8 * ratio)),
        )

    def rows(self, first: int, last: int) -> Image:
        """Return the painted rows `first` to `last`, the last not included."""
        depth = self.depth.rows(first, last)
        nuclear_depth = self.nuclear_depth.rows(first, last)
        nucleus = smoothstep(nuclear_depth, -2, 2)
        image = self._flat(first, last, depth, nucleus)
        image += self._texture(first, last, depth, nucleus, nuclear_depth)
        image -= self._membranes(depth, nuclear_depth)
        image -= self._cisternae(first, last, depth, nuclear_depth)
        return image

    def _flat(self, first: int, last: int, depth: Image, nucleus: Image) -> Image:
        """Return the greys of resin, cytoplasm and nucleoplasm."""
        grey = self.tone.rows(first, last) + self.clouds.rows(first, last)
        grey += nucleus * (NUCLEOPLASM - CYTOPLASM)
        return RESIN + smoothstep(depth, -2, 2) * (grey - RESIN)

    def _texture(
        self, first: int, last: int, depth: Image, nucleus: Image, nuclear_depth: Image
    ) -> Image:
        """Return the grain of ribosomes and nucleoplasm, and heterochromatin."""
        ribosomes = self.ribosomes.rows(first, last)
        coarse = self.coarse.rows(first, last)
        inside = smoothstep(depth, 0, 4)
        # Dark specks on pale ground: the square makes the distribution lopsided.
        specks = ribosomes + 0.25 * (ribosomes * ribosomes - 1)
        texture = (0.018 * nucleus - 0.042 * inside - 0.01) * specks
        texture += (0.015 * inside + 0.02 * nucleus) * coarse
        clumping = self.clumping.rows(first, last) + 0.5 * coarse
        clumping += 1.5 * np.clip(1 - np.abs(nuclear_depth) / (4 * self.ratio), 0, 1)
        texture -= 0.13 * nucleus * smoothstep(clumping, 0.9, 1.9)
        return texture

    def _membranes(self, depth: Image, nuclear_depth: Image) -> Image:
        """Return how dark plasma membranes and the two leaves of nuclear envelopes are."""
        width = max(1.2, MEMBRANE * self.ratio)
        lines = 0.30 * _line(depth, 0, width)
        lines += 0.20 * _line(nuclear_depth, 0, width)
        lines += 0.18 * _line(nuclear_depth, -2.5 * width, width)
        return lines

    def _cisternae(self, first: int, last: int, depth: Image, nuclear_depth: Image) -> Image:
        """Return how dark the endoplasmic reticulum's membranes are."""
        level = self.cisternae.rows(first, last)
        distance = (level - np.rint(level)) / self.steepness.rows(first, last)
        width = max(1.2, MEMBRANE * self.ratio)
        where = smoothstep(self.abundance.rows(first, last), 0.6, 1.3)
        where *= smoothstep(depth, 2 * width, 6 * width)
        where *= 1 - smoothstep(nuclear_depth, -8 * width, -4 * width)
        return 0.18 * where * _line(distance, 0, width)


def _line(depth: Image, at: float, width: float) -> Image:
    """Return 1 where `depth` is within half a width of `at`, with soft edges of one pixel."""
    line: Image = np.clip(width / 2 + 0.5 - np.abs(depth - at), 0, 1)
    return line
