"""A transform applied to what else there is of an image: channels, labels, points, shapes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import Matrix, decimation, map_points
from clem_retrace.io.images import read_micrograph, read_stack
from clem_retrace.io.napari_tables import MovedTable, move_table
from clem_retrace.io.warped_images import write_ome_tiff_steps, write_ome_zarr_steps
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, warp_onto
from clem_retrace.resampling import Interpolation

__all__ = [
    "SUFFIXES",
    "Applied",
    "Format",
    "Target",
    "another_binning",
    "apply_steps",
    "output_path",
]

Format = Literal["ome-tiff", "ome-zarr"]

#: What files are called that images and tables are written to.
SUFFIXES: dict[Format, str] = {"ome-tiff": ".ome.tif", "ome-zarr": ".ome.zarr"}

#: By how much pixel sizes may differ from what the numbers of pixels say.
SIZE_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Where things of the one image are taken to, and how.

    Attributes
    ----------
    transform : PairTransform
    source : {"em", "lm"}
        The image that they are of; they are taken to the other.
    crop : Roi or None
        In pixels of the other image: only this rectangle is written. Points are in its
        pixels then, too.
    pixel_size : float or None, nm
        Of what is written, instead of the other image's own.
    """

    transform: PairTransform
    source: Which = "em"
    crop: Roi | None = None
    pixel_size: float | None = None

    @property
    def frame(self) -> Which:
        """The image that things are taken to."""
        return partner(self.source)

    @property
    def source_facts(self) -> ImageFacts:
        """What is known of the image that they are of; it has no pixels where nothing is."""
        return self.transform.facts(self.source)

    def grid(self) -> Grid:
        """Return the pixels that images are drawn on.

        Raises
        ------
        InvalidOption
            The size of the other image is not known.
        MissingPixelSize, RoiError
            See `Grid.on`.
        """
        if 0 in self.transform.facts(self.frame).shape:
            raise InvalidOption(
                f"the transform does not say how large the {self.frame.upper()} image is: give "
                f"its file by --{self.frame}, or its size by --{self.frame}-shape"
            )
        return Grid.on(self.transform, self.frame, region=self.crop, pixel_size=self.pixel_size)

    def move(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points of the one image, shape (K, 2), in pixels of what is written."""
        across = self.transform.to_lm if self.source == "em" else self.transform.to_em
        if self.crop is None and self.pixel_size is None:
            return across(points)
        return map_points(self.grid().to_grid, across(points))


@dataclass(frozen=True, slots=True)
class Applied:
    """A file that was written, and what is to be said of it, a line each."""

    path: Path
    notes: tuple[str, ...] = ()


def apply_steps(
    path: str | os.PathLike[str],
    target: Target,
    folder: Path,
    *,
    labels: bool = False,
    kind: Format = "ome-tiff",
    interpolation: Interpolation = "linear",
    channel: int | None = None,
) -> Steps[Applied]:
    """Yield progress; return what was written of an image, or a table of points or shapes.

    Parameters
    ----------
    path : path
        A table of napari (.csv), or an image of the pixels that were registered, or of
        another binning of them.
    target : Target
    folder : Path
        What is written there is called after the file, with "-on-lm" or "-on-em".
    labels : bool
        Whether an image holds labels: they take the value of the nearest pixel.
    kind : {"ome-tiff", "ome-zarr"}
        Of images.
    interpolation : {"linear", "cubic"}
        Of images that are no labels.
    channel : int, optional
        Of images with several.

    Raises
    ------
    ClemRetraceError
        The file cannot be read, is of another image, or nothing can be written.
    """
    path = Path(path)
    yield Progress(path.name, 0, 1)
    if path.suffix.lower() == ".csv":
        moved = move_table(path, output_path(path, folder, target.frame, ".csv"), target.move)
        return Applied(moved.path, tuple(_told(path.name, moved, target.frame)))
    micrograph = _read(path, labels, channel)
    to_image, notes = another_binning(micrograph, target.source_facts, target.source)
    warp = warp_onto(
        target.grid(),
        micrograph,
        target.source,
        target.transform,
        to_image=to_image,
        interpolation="nearest" if labels else interpolation,
    )
    out = output_path(path, folder, target.frame, SUFFIXES[kind])
    write_steps = write_ome_tiff_steps if kind == "ome-tiff" else write_ome_zarr_steps
    yield from write_steps(out, warp, stage=path.name)
    return Applied(out, notes)


def output_path(path: Path, folder: Path, frame: Which, suffix: str) -> Path:
    """Return where a file is written that is taken to another image."""
    stem = path.stem.removesuffix(".ome")
    return folder / f"{stem}-on-{frame}{suffix}"


def another_binning(
    micrograph: Micrograph, facts: ImageFacts, which: Which
) -> tuple[Matrix | None, tuple[str, ...]]:
    """Return the way to an image from the one that was registered, where they differ.

    Returns
    -------
    to_image : ndarray, shape (3, 3), or None
        From the pixels of the image that was registered to those of `micrograph`, which has
        the same extent and larger or smaller pixels; None where they are the same.
    notes : tuple of str
        What was taken for granted.

    Raises
    ------
    BadImage
        It has another extent.
    """
    role, name = which.upper(), micrograph.name
    if 0 in facts.shape:
        note = f"the size of the {role} that was registered is not known: taken as {name}'s"
        return None, (note,)
    if micrograph.shape == facts.shape:
        return None, ()
    rows, cols = micrograph.shape
    sizes = (
        f"{name} has {rows} x {cols} pixels, and the {role} that was registered has "
        f"{facts.shape[0]} x {facts.shape[1]}"
    )
    factor = _factor(micrograph.shape, facts.shape)
    if factor is None:
        raise BadImage(
            f"{sizes}: neither as many, nor another binning of them; it may be cropped, "
            "or of another image"
        )
    if micrograph.pixel_size is not None and facts.pixel_size is not None:
        extent = micrograph.pixel_size / facts.pixel_size / factor
        if abs(extent - 1) > SIZE_TOLERANCE:
            raise BadImage(
                f"{sizes}, of {micrograph.pixel_size:g} and {facts.pixel_size:g} nm: it "
                "shows another extent"
            )
    return decimation(factor), (f"{sizes}: taken for another binning, by {factor:.6g}",)


def _factor(shape: tuple[int, int], registered: tuple[int, int]) -> float | None:
    """Return how many registered pixels a side one pixel stands for; None if no one number does."""
    longer = 0 if registered[0] >= registered[1] else 1
    quotient = registered[longer] / shape[longer]
    # 1001 pixels halved are 500 or 501: a whole number goes before the quotient.
    whole = float(round(quotient)) if quotient >= 1 else 1 / round(1 / quotient)
    for factor in (whole, quotient):
        larger, smaller = (registered, shape) if factor >= 1 else (shape, registered)
        times = max(factor, 1 / factor)
        if all(
            abs(large / times - small) < 1 for large, small in zip(larger, smaller, strict=True)
        ):
            return factor
    return None


def _read(path: Path, labels: bool, channel: int | None) -> Micrograph:
    """Return the image of a file.

    Raises
    ------
    BadFile, BadImage, InvalidOption
        See `read_micrograph`; or there are labels in several planes, or no whole numbers.
    """
    micrograph = read_micrograph(path, channel=channel)
    if not labels:
        return micrograph
    kind = np.dtype(micrograph.data.dtype)
    if kind.kind not in "bui":
        raise BadImage(f"{path} holds {kind}: labels are whole numbers")
    stack = read_stack(path)
    planes = [
        size for size, axis in zip(stack.data.shape, stack.axes, strict=True) if axis not in "YXCS"
    ]
    if channel is None and any(size > 1 for size in planes):
        raise BadImage(f"{path} holds a stack: labels of one plane are needed")
    return micrograph


def _told(name: str, moved: MovedTable, frame: Which) -> list[str]:
    """Return what is to be said of a table."""
    notes = []
    if moved.lost:
        notes.append(f"{name}: {moved.lost} points have no place on the {frame.upper()}: NaN")
    if moved.reshaped:
        notes.append(f"{name}: {moved.reshaped} rectangles or ellipses are polygons now")
    return notes
