"""Organelles as a section shows them: granules, vesicles, chromatin, mitochondria, droplets.

Each is painted onto the image in place; greys run from 0 (black) to 1 (white).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from clem_retrace.geometry import Matrix
from clem_retrace.synthetic.outlines import Stamp, stamps
from clem_retrace.synthetic.specimen import Specimen, Structures
from clem_retrace.synthetic.texture import Image, grain, smoothstep

__all__ = ["Content", "draw_bystanders", "draw_structures"]

Content = Literal["granules", "vesicles", "chromatin"]


def draw_structures(
    rng: np.random.Generator,
    image: Image,
    structures: Structures,
    lm_to_em: Matrix,
    content: Content,
) -> None:
    """Draw the structures of interest that the section cuts."""
    draw = {"granules": _draw_granule, "vesicles": _draw_vesicle, "chromatin": _draw_patch}[content]
    cut = structures.where(structures.in_em)
    for stamp in stamps(cut, cut.section_radii, lm_to_em, image.shape):
        draw(rng, image[stamp.window], stamp, float(cut.strength[stamp.index]))


def draw_bystanders(
    rng: np.random.Generator, image: Image, specimen: Specimen, lm_to_em: Matrix, *, dark: bool
) -> None:
    """Draw mitochondria, and droplets of fat, pale or dark.

    `dark` tells whether the stain makes mitochondria as dark as the structures are.
    """
    matrix = 0.30 if dark else 0.45
    mitochondria, droplets = specimen.mitochondria, specimen.droplets
    for stamp in stamps(mitochondria, mitochondria.section_radii, lm_to_em, image.shape):
        _draw_mitochondrion(rng, image[stamp.window], stamp, rng.normal(matrix, 0.04))
    for stamp in stamps(droplets, droplets.section_radii, lm_to_em, image.shape):
        tone = 0.9 if rng.random() < 0.7 else 0.3
        _cover(image[stamp.window], stamp.coverage(edge=2), tone, keep=0.3)


def _draw_granule(rng: np.random.Generator, part: Image, stamp: Stamp, strength: float) -> None:
    """Draw a pigment granule: nearly black; a quarter of them striated, as unripe ones are."""
    tone: Image | float = float(np.clip(0.30 - 0.14 * strength, 0.06, 0.35))
    if rng.random() < 0.25:
        stripes = np.cos(stamp.across * rng.uniform(9, 14) + np.sin(2 * stamp.along))
        tone = tone + 0.10 * smoothstep(stripes, -0.2, 0.8)
    _cover(part, stamp.coverage(1.18, edge=2), 0.66)
    _cover(part, stamp.coverage(edge=max(1.5, 0.12 * stamp.radius)), tone, keep=0.3)


def _draw_vesicle(rng: np.random.Generator, part: Image, stamp: Stamp, strength: float) -> None:
    """Draw an endosome: a membrane, a dense or a pale lumen, and vesicles in some lumens."""
    line = max(1.5, 0.09 * stamp.radius)
    lumen = 0.72 if rng.random() < 0.2 else float(np.clip(0.56 - 0.14 * strength, 0.25, 0.5))
    _cover(part, stamp.coverage(), lumen, keep=0.5)
    if stamp.radius > 8 and rng.random() < 0.6:
        inside = smoothstep(0.85 - stamp.reach, 0, 0.1)
        for _ in range(rng.integers(2, 8)):
            radius, spot = rng.uniform(0.12, 0.22), rng.uniform(-0.6, 0.6, 2)
            distance = np.hypot(stamp.along - spot[0], stamp.across - spot[1])
            edge = np.clip(line / 2 + 0.5 - np.abs(distance - radius) * stamp.radius, 0, 1)
            part -= 0.20 * edge * inside
    _cover(part, 0.85 * stamp.ring(line), 0.18)


def _draw_patch(rng: np.random.Generator, part: Image, stamp: Stamp, strength: float) -> None:
    """Draw a patch of heterochromatin: a soft-edged, mottled darkening."""
    shape = (part.shape[0], part.shape[1])
    mottle = 1 + 0.3 * grain(rng, shape, max(1.0, 0.2 * stamp.radius)).rows()
    part -= min(0.13 + 0.06 * strength, 0.26) * mottle * stamp.coverage(edge=0.5 * stamp.radius)


def _draw_mitochondrion(rng: np.random.Generator, part: Image, stamp: Stamp, matrix: float) -> None:
    """Draw one mitochondrion: two membranes, a grey matrix, pale cristae across it."""
    line = max(1.0, 0.06 * stamp.radius)
    waves = stamp.along * rng.uniform(8, 11) + 1.2 * np.sin(2.2 * stamp.across + rng.uniform(0, 6))
    cristae = smoothstep(np.cos(waves), 0.3, 1.0) * smoothstep(0.85 - stamp.reach, 0, 0.2)
    _cover(part, stamp.coverage(), matrix + 0.12 * cristae, keep=0.5)
    _cover(part, 0.6 * stamp.ring(line), 0.2)


def _cover(part: Image, coverage: Image, tone: Image | float, *, keep: float = 0.0) -> None:
    """Paint over a part of an image, in place, keeping a fraction of its contrast."""
    beneath = keep * np.clip(part - part.mean(), -0.1, 0.1)
    part += coverage * (tone + beneath - part)
