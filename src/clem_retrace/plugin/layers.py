"""Image layers to the values of a run: an `ImageSource`, read in the worker.

It is resolved on the GUI thread, without reading a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clem_retrace.errors import BadImage
from clem_retrace.io.formats import recognise
from clem_retrace.micrograph import Micrograph
from clem_retrace.projections import Projection, project

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.registration.landmarks import Which

__all__ = [
    "ORIGIN",
    "ImageSource",
    "Origin",
    "StackChoice",
    "image_source",
    "origin",
]

#: Key of a layer's metadata that holds its `Origin`, where napari does not know it.
ORIGIN = "clem_retrace_origin"


@dataclass(frozen=True, slots=True)
class StackChoice:
    """Which image of a stack is meant.

    Attributes
    ----------
    channel_axis : int or None
        The axis that holds the channels, if one does.
    channel : int
        Index along it.
    projection : {"max", "mean", "min", "std", "plane"}
        How the axis that is left is projected.
    plane : int
        Index along it, for "plane".
    """

    channel_axis: int | None = None
    channel: int = 0
    projection: Projection = "max"
    plane: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a layer's pixels can be had again.

    Attributes
    ----------
    path : str or None
        Of the file they were read from.
    sample : str
        Of which sample pair they are; empty otherwise.
    which : {"lm", "em"} or None
        Which image of the sample pair.
    stack : StackChoice or None
        What was taken of the file, when the layer holds only that.
    """

    path: str | None = None
    sample: str = ""
    which: Which | None = None
    stack: StackChoice | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ImageSource:
    """An image that is still to be read: arrays of a layer, and what to take of them.

    Attributes
    ----------
    levels : sequence of array_like
        Of a multiscale image, the finest first; one array otherwise.
    index : tuple of int or slice
        What to take along the axes before rows and columns.
    stack : StackChoice
    pixel_size : float or None, nm per pixel
    name : str
    origin : Origin
    """

    levels: Sequence[Any]
    index: tuple[int | slice, ...]
    stack: StackChoice
    pixel_size: float | None
    name: str
    origin: Origin = Origin()

    def read(self) -> Micrograph:
        """Return the micrograph; a stack is projected now, an image is read when needed.

        Raises
        ------
        BadImage
            Not of a real number type, or empty.
        InvalidOption
            The stack has no such plane.
        """
        first, *rest = (self._plane(level) for level in self._comparable_levels())
        return Micrograph(first, self.pixel_size, self.name, levels=tuple(rest))

    @property
    def lazy(self) -> bool:
        """Whether the pixels are read when asked for, from a file or by a computation."""
        return not isinstance(self.levels[0], np.ndarray)

    def is_same(self, other: ImageSource) -> bool:
        """Whether another source gives the same image: of the same arrays, taken alike."""
        mine = (self.index, self.stack, self.pixel_size, self.name, len(self.levels))
        others = (other.index, other.stack, other.pixel_size, other.name, len(other.levels))
        return mine == others and all(
            here is there for here, there in zip(self.levels, other.levels, strict=True)
        )

    def _comparable_levels(self) -> list[Any]:
        """Return the levels that have all planes of the first."""
        first = self.levels[0]
        return [level for level in self.levels if level.shape[:-2] == first.shape[:-2]]

    def _plane(self, level: Any) -> Any:
        if not self.index:
            return level
        taken = level[self.index]
        return project(taken, self.stack.projection, self.stack.plane)


def image_source(
    layer: Image, pixel_size: float | None, stack: StackChoice | None = None
) -> ImageSource:
    """Return what a run reads of an image layer.

    Parameters
    ----------
    layer : Image
    pixel_size : float or None, nm per pixel
    stack : StackChoice, optional
        For an image of more than two dimensions; without it every further axis must have
        a length of 1.

    Raises
    ------
    BadImage
        An RGB image, or more dimensions than were chosen from.
    """
    name = layer.name
    levels = tuple(layer.data) if layer.multiscale else (layer.data,)
    shape = tuple(levels[0].shape)
    if getattr(layer, "rgb", False):
        raise BadImage(
            f"'{name}' is an RGB image: split it (right click on the layer, Split RGB) and "
            "choose one channel"
        )
    index: list[int | slice] = [0 if length == 1 else slice(None) for length in shape[:-2]]
    if stack is not None and stack.channel_axis is not None:
        index[stack.channel_axis] = stack.channel
    left = sum(isinstance(part, slice) for part in index)
    if left > (0 if stack is None else 1):
        needed = "one two-dimensional image" if stack is None else "one stack of planes"
        raise BadImage(
            f"'{name}' has {len(shape)} dimensions, shape {shape}: {needed} is needed. "
            "Choose another layer, a channel axis, or slice the layer first"
        )
    return ImageSource(
        levels, tuple(index), stack or StackChoice(), pixel_size, name, origin(layer)
    )


def origin(layer: Image) -> Origin:
    """Return where the pixels of a layer can be had again."""
    path = layer.source.path
    is_file = bool(path) and recognise(path) is not None
    known: Origin = layer.metadata.get(ORIGIN) or Origin(str(path) if is_file else None)
    return known
