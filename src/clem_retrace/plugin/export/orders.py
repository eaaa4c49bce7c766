"""Images and figures that are to be drawn, resolved, and drawn in the worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from clem_retrace.applying import Format
from clem_retrace.errors import RoiError
from clem_retrace.events import Steps
from clem_retrace.inputs import overlap_region
from clem_retrace.io.bounded import size_in_words
from clem_retrace.io.warped_images import write_ome_tiff_steps, write_ome_zarr_steps
from clem_retrace.micrograph import Roi
from clem_retrace.plugin.dialogs import stem
from clem_retrace.plugin.export.held import Held
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.warping import Grid, frame_pixel_size, region_on, warp_onto

if TYPE_CHECKING:
    from clem_retrace.io.figures import FigureStyle

__all__ = ["FORMATS", "FigureOrder", "Order", "Part", "in_words", "part_of"]

#: What of an image is drawn: all of it, what both images show, the region searched for.
Part = Literal["all", "both", "region"]

#: By how much pixels must be larger than the image's own for that to be said.
COARSE = 1.5

FORMATS: Mapping[Format, str] = MappingProxyType({"ome-tiff": "OME-TIFF", "ome-zarr": "OME-Zarr"})


def part_of(held: Held, part: Part) -> Roi | None:
    """Return a part of the LM, in its pixels; None for all.

    Raises
    ------
    RoiError
        There is no region, or the images have nothing in common.
    """
    if part == "all":
        return None
    if part == "region":
        if held.region is None:
            raise RoiError("there is no region: none was searched for, and none is drawn")
        return held.region
    transform = held.transform
    return overlap_region(transform.lm.shape, transform.em.shape, transform.em_to_lm)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """An image that is to be drawn, as the form has it.

    Attributes
    ----------
    held : Held
    image, frame : {"lm", "em"}
        What is drawn, and on the pixels of which image.
    part : {"all", "both", "region"}
    pixel_size : float or None, nm
        None for the frame's own; 0 is refused.
    format : {"ome-tiff", "ome-zarr"}
    """

    held: Held
    image: Which
    frame: Which
    part: Part
    pixel_size: float | None
    format: Format

    def grid(self) -> Grid:
        """Return the pixels that are drawn.

        Raises
        ------
        ClemRetraceError
            See `Grid.on` and `part_of`.
        """
        transform, roi = self.held.transform, part_of(self.held, self.part)
        region = None if roi is None else region_on(transform, roi, self.frame)
        return Grid.on(transform, self.frame, region=region, pixel_size=self.pixel_size)

    @property
    def name(self) -> str:
        """What the file is called, without a suffix."""
        name = stem(self.held.transform.facts(self.image).name)
        where = "" if self.image == self.frame else f"-on-{self.frame}"
        return f"{name}{where}" + {"all": "", "both": "-both", "region": "-region"}[self.part]

    def steps_to(self, path: Path) -> Callable[[], Steps[Path]]:
        """Return what writes the image, in the worker.

        Raises
        ------
        ClemRetraceError
            It cannot be drawn so.
        """
        grid, source = self.grid(), self.held.source(self.image)
        transform, image = self.held.transform, self.image
        write_steps = write_ome_tiff_steps if self.format == "ome-tiff" else write_ome_zarr_steps

        def steps() -> Steps[Path]:
            warp = warp_onto(grid, source.read(), image, transform)
            return (yield from write_steps(path, warp))

        return steps


def in_words(order: Order) -> str:
    """Return how large the image will be.

    Raises
    ------
    ClemRetraceError
        It cannot be drawn so.
    """
    grid, source = order.grid(), order.held.source(order.image)
    rows, cols = grid.shape
    # The smaller copies of large images add a third, and compression takes away some.
    size = rows * cols * np.dtype(source.levels[0].dtype).itemsize
    pixel = "" if grid.pixel_size is None else f" of {grid.pixel_size:.4g} nm"
    words = (
        f"{rows} \N{MULTIPLICATION SIGN} {cols} pixels{pixel}: {size_in_words(size)} uncompressed"
    )
    own = frame_pixel_size(order.held.transform, order.image)
    if own is not None and grid.pixel_size is not None and grid.pixel_size > COARSE * own:
        image = order.image.upper()
        return f"{words}. The {image} has pixels of {own:.4g} nm: what is finer is averaged"
    return words


@dataclass(frozen=True, slots=True, eq=False)
class FigureOrder:
    """A figure that is to be drawn, as the form has it; `width` in mm."""

    held: Held
    frame: Which
    part: Part
    style: FigureStyle
    width: float
    with_region: bool

    @property
    def name(self) -> str:
        """What the file is called, without a suffix."""
        transform = self.held.transform
        return f"{stem(transform.em.name)}-{stem(transform.lm.name)}-figure"

    def steps_to(self, path: Path) -> Callable[[], Steps[Path]]:
        """Return what writes the figure, in the worker.

        Raises
        ------
        ClemRetraceError
            It cannot be drawn so.
        """
        held, transform = self.held, self.held.transform
        shown = part_of(held, self.part)
        if shown is not None:
            # The rectangle round it: what is shown has no corners cut off.
            shown = dataclasses.replace(shown, outline=())
        elif self.frame == "lm":
            shown = Roi(0, 0, *transform.lm.shape)
        lm, em = held.source("lm"), held.source("em")
        outline = held.region if self.with_region else None

        def steps() -> Steps[Path]:
            # Imported when needed, in the worker: it brings Pillow.
            from clem_retrace.io.figures import write_figure_steps

            return (
                yield from write_figure_steps(
                    path, lm.read(), em.read(), transform, region=shown, frame=self.frame,
                    style=self.style, outline=outline, width=self.width,
                )
            )  # fmt: skip

        return steps
