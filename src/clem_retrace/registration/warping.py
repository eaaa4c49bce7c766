"""One image drawn on the pixels of the other's, or on finer, coarser or fewer ones.

A `Grid` says which pixels, a `Warp` what is drawn on them; nothing is read or computed before
its pieces are asked for. The EM, drawn on the grid of the LM, is `overlay_on_lm`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import InvalidOption, MissingPixelSize, RoiError
from clem_retrace.events import Steps, run
from clem_retrace.geometry import (
    Matrix,
    compose,
    decimation,
    decompose,
    invert,
    map_points,
    translation,
)
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.pixels import real_number
from clem_retrace.pulls import Pull, Window
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.resampling import Interpolation, Sampling, sample_steps

__all__ = [
    "Grid",
    "Warp",
    "frame_pixel_size",
    "overlay_on_lm",
    "overlay_on_lm_steps",
    "pull",
    "region_on",
    "warp_onto",
]

#: More pixels a side are no image but a mistake in the pixel size.
LARGEST_SIDE = 1 << 18

#: Points a side along which the outline of a region is followed by a spline.
OUTLINE_POINTS = 32


def overlay_on_lm(
    em: Micrograph, em_to_lm: Matrix, lm_shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the EM, low-passed and warped onto the grid of the LM.

    Parameters
    ----------
    em : Micrograph
    em_to_lm : ndarray, shape (3, 3)
    lm_shape : (rows, cols)

    Returns
    -------
    ndarray, shape `lm_shape`, float32
        NaN where the EM does not reach.
    """
    return run(overlay_on_lm_steps(em, em_to_lm, lm_shape, "overlay"))


def overlay_on_lm_steps(
    em: Micrograph, em_to_lm: Matrix, lm_shape: tuple[int, int], stage: str
) -> Steps[NDArray[np.float32]]:
    """Yield progress of `overlay_on_lm` under the name of `stage`; return its result."""
    return sample_steps(Sampling(em, partial(map_points, invert(em_to_lm)), lm_shape), stage)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The pixels of an image that is to be drawn, in the frame of the LM or of the EM.

    Attributes
    ----------
    frame : {"lm", "em"}
        The image on which it lies.
    shape : (rows, cols)
    to_grid : ndarray, shape (3, 3)
        From that image's pixels to the grid's; it shifts and scales.
    pixel_size : float or None, nm
    """

    frame: Which
    shape: tuple[int, int]
    to_grid: Matrix
    pixel_size: float | None

    @classmethod
    def on(
        cls,
        transform: PairTransform,
        frame: Which,
        *,
        region: Roi | None = None,
        pixel_size: float | None = None,
    ) -> Self:
        """Return the pixels of the LM or the EM, or of a part of it.

        Parameters
        ----------
        transform : PairTransform
        frame : {"lm", "em"}
        region : Roi, optional
            In pixels of that image; the grid is its rectangle, widened to whole pixels and cut
            off at the image's borders.
        pixel_size : float, nm, optional
            Instead of that image's own; the last pixels of a side may reach over its end by half.

        Raises
        ------
        InvalidOption
            The pixel size is not positive, or so small that the grid is immense.
        MissingPixelSize
            A pixel size is asked for and that of neither image is known.
        RoiError
            The region lies outside the image.
        """
        facts = transform.facts(frame)
        size = frame_pixel_size(transform, frame)
        first, last = (0, 0), facts.shape
        if region is not None:
            first, last = _whole_pixels(region, facts)
        factor = 1.0
        if pixel_size is not None:
            if size is None:
                raise MissingPixelSize(
                    f"the pixel size of {facts.name or 'the image'} is not known: give it, or "
                    "leave out the one that is asked for"
                )
            asked = real_number(pixel_size)
            if not (math.isfinite(asked) and asked > 0):
                raise InvalidOption(f"a pixel size of {pixel_size} nm: a positive one is needed")
            factor = asked / size
        extent = [end - start for start, end in zip(first, last, strict=True)]
        if max(extent) > LARGEST_SIDE * factor:
            raise InvalidOption(
                f"no more than {LARGEST_SIDE} pixels a side are drawn: take larger pixels, or a "
                "smaller region"
            )
        rows, cols = (max(1, round(side / factor)) for side in extent)
        to_grid = compose(decimation(factor), translation((-first[0], -first[1])))
        return cls(frame, (rows, cols), to_grid, size if pixel_size is None else pixel_size)

    @property
    def first_pixel(self) -> tuple[float, float]:
        """(row, col) of the first pixel's centre, in pixels of the image on which it lies."""
        row, col = map_points(invert(self.to_grid), (0.0, 0.0))
        return float(row), float(col)


def frame_pixel_size(transform: PairTransform, frame: Which) -> float | None:
    """Return the pixel size of the LM or the EM in nm, by way of the other where need be."""
    own, other = transform.facts(frame).pixel_size, transform.facts(partner(frame)).pixel_size
    if own is not None or other is None:
        return own
    magnification = decompose(transform.em_to_lm).magnification
    return other / (magnification if frame == "lm" else 1 / magnification)


def region_on(transform: PairTransform, roi: Roi, frame: Which) -> Roi:
    """Return a region of the LM as it lies on the LM or on the EM, with its outline there."""
    if frame == "lm":
        return roi
    vertices = roi.vertices
    if transform.spline is not None:
        # Straight sides come out bent.
        share = np.linspace(0, 1, OUTLINE_POINTS, endpoint=False)[None, :, None]
        sides = np.roll(vertices, -1, axis=0) - vertices
        vertices = (vertices[:, None] + share * sides[:, None]).reshape(-1, 2)
    return Roi.from_outline(transform.to_em(vertices))


def pull(transform: PairTransform, grid: Grid, image: Which) -> Pull:
    """Return the way from a grid's pixels to those of the LM or the EM."""
    from_grid = invert(grid.to_grid)
    if image == grid.frame:
        return partial(map_points, from_grid)
    if transform.spline is None:
        across = transform.em_to_lm if image == "lm" else invert(transform.em_to_lm)
        return partial(map_points, compose(across, from_grid))
    bend = transform.to_lm if image == "lm" else transform.to_em
    return lambda points: bend(map_points(from_grid, points))


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """An image to be drawn on a grid.

    Attributes
    ----------
    sampling : Sampling
    grid : Grid
    name : str
    outline : Roi or None
        In pixels of the image on which the grid lies; only its inside is drawn.
    """

    sampling: Sampling
    grid: Grid
    name: str = ""
    outline: Roi | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.grid.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pieces."""
        return self.sampling.dtype

    @property
    def labels(self) -> bool:
        """Whether values are taken as they are, never blended."""
        return self.sampling.interpolation == "nearest"

    def pieces(self, window: Window | None = None) -> Iterator[tuple[Window, NDArray[Any]]]:
        """Yield the pieces of a window as `Sampling.pieces` does, without what is not drawn."""
        outline = self.outline
        for place, values in self.sampling.pieces(window):
            if outline is not None:
                corner = translation((-place[0].start, -place[1].start))
                inside = outline.scaled(compose(corner, self.grid.to_grid)).mask(values.shape)
                values[~inside] = 0 if self.labels else np.nan
            yield place, values


def warp_onto(
    grid: Grid,
    image: Micrograph,
    which: Which,
    transform: PairTransform,
    *,
    to_image: Matrix | None = None,
    interpolation: Interpolation = "linear",
    outline: Roi | None = None,
) -> Warp:
    """Return an image, to be drawn on a grid.

    Parameters
    ----------
    grid : Grid
    image : Micrograph
        The LM or the EM, or another channel or labels of it.
    which : {"lm", "em"}
        Which of the two it is.
    transform : PairTransform
    to_image : ndarray, shape (3, 3), optional
        From the pixels of the LM or EM that was registered to those of `image`, where they
        are others.
    interpolation : {"nearest", "linear", "cubic"}
        "nearest" for labels.
    outline : Roi, optional
        See `Warp`.
    """
    across = pull(transform, grid, which)
    if to_image is not None:
        further = across
        across = lambda points: map_points(to_image, further(points))  # noqa: E731
    return Warp(Sampling(image, across, grid.shape, interpolation), grid, image.name, outline)


def _whole_pixels(region: Roi, facts: ImageFacts) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first pixel of a region's rectangle and the one behind the last.

    Raises
    ------
    RoiError
        It lies outside the image.
    """
    (top, left), (bottom, right) = region.corners[0] + 0.5, region.corners[2] + 0.5
    # What rounding leaves over a whole number is no further pixel.
    first = (max(0, math.floor(top + 1e-6)), max(0, math.floor(left + 1e-6)))
    last = (
        min(facts.shape[0], math.ceil(bottom - 1e-6)),
        min(facts.shape[1], math.ceil(right - 1e-6)),
    )
    if last[0] <= first[0] or last[1] <= first[1]:
        rows, cols = facts.shape
        raise RoiError(
            f"the region lies outside {facts.name or 'the image'}, which has {rows} x {cols} pixels"
        )
    return first, last
