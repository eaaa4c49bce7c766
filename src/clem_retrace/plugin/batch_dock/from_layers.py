"""Layers of the viewer to the cells of a pair: two images that came from files, and a region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Shapes

from clem_retrace.errors import BadImage, ClemRetraceError
from clem_retrace.plugin.batch_dock.tables import Cells, region_cells
from clem_retrace.plugin.frames import pixel_size
from clem_retrace.plugin.guesses import guess_pair
from clem_retrace.plugin.layers import ImageSource, StackChoice, image_source, origin
from clem_retrace.plugin.regions import em_patch, lm_region
from clem_retrace.plugin.roles import is_input, role

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from clem_retrace.plugin.widget import RetraceWidget

__all__ = ["drawn_region", "layer_of_file", "pair_of_layers"]


def pair_of_layers(
    layers: Sequence[Layer], selected: Iterable[Layer], retrace: RetraceWidget | None
) -> Cells:
    """Return the cells of a pair: of the two images that are selected, or those of the dock.

    What is set for them in the dock `Retrace and register`, and drawn in it, goes with them.

    Parameters
    ----------
    layers : sequence of Layer
        All of the viewer.
    selected : iterable of Layer
    retrace : RetraceWidget or None
        That dock, if it is open.

    Raises
    ------
    ClemRetraceError
        There are no two images, or one did not come from a file that can be read again.
    """
    chosen = [layer for layer in selected if is_input(layer)]
    docked = None if retrace is None else (retrace.images.lm, retrace.images.em)
    if retrace is not None and (len(chosen) != 2 or set(chosen) == set(docked or ())):
        lm, em = retrace.images.pair()
        return {**_cells(*retrace.images.sources()), **_drawn_in(retrace, lm, em)}
    images = chosen if len(chosen) == 2 else [layer for layer in layers if is_input(layer)]
    if len(images) != 2:
        raise BadImage(
            "select two image layers, the LM and the EM: click the one, then the other with "
            "Ctrl or Cmd held down"
        )
    lm, em = guess_pair(images)
    assert lm is not None
    assert em is not None
    sources = image_source(lm, pixel_size(lm).nm), image_source(em, pixel_size(em).nm)
    return {**_cells(*sources), **drawn_region(layers, lm)}


def drawn_region(layers: Iterable[Layer], lm: Image) -> dict[str, str]:
    """Return the cells of the region that was drawn last on an LM image; none without one."""
    likely = [layer for layer in layers if isinstance(layer, Shapes) and role(layer) == "roi"]
    others = [layer for layer in layers if isinstance(layer, Shapes) and role(layer) is None]
    for shapes in (*reversed(likely), *reversed(others)):
        # It may be empty, or lie on another image.
        with suppress(ClemRetraceError):
            return region_cells(lm_region(shapes, lm).roi)
    return {}


def layer_of_file(layers: Iterable[Layer], path: str) -> Image | None:
    """Return the layer that holds an image file, if it is open."""
    return next((layer for layer in layers if is_input(layer) and origin(layer).path == path), None)


def _drawn_in(retrace: RetraceWidget, lm: Image, em: Image) -> dict[str, str]:
    """Return the cells of what the dock knows besides the images."""
    cells: dict[str, str] = {}
    shapes = retrace.regions.layer("roi")
    if shapes is not None and len(shapes.data):
        cells |= region_cells(lm_region(shapes, lm).roi)
    patch = em_patch(retrace.regions.layer("patch"), em)
    if patch is not None:
        cells["histogram.patch_height"] = f"{patch.roi.height:.10g}"
        cells["histogram.patch_width"] = f"{patch.roi.width:.10g}"
    if retrace.images.typed_ratio is not None:
        cells["pixel_size_ratio"] = f"{retrace.images.typed_ratio:.10g}"
    return cells


def _cells(lm: ImageSource, em: ImageSource) -> dict[str, str]:
    """Return the cells of two images.

    Raises
    ------
    BadImage
        One cannot be read again from a file.
    """
    cells: dict[str, str] = {}
    for column, prefix, source in (("lm", "", lm), ("em", "em_", em)):
        cells[column] = _path(source)
        if source.pixel_size is not None:
            cells[f"{column}_pixel_size"] = f"{source.pixel_size:.10g}"
        stack = source.origin.stack or source.stack
        if stack != StackChoice():
            if stack.channel_axis is not None:
                cells[f"{prefix}channel"] = str(stack.channel)
            cells[f"{prefix}projection"] = stack.projection
            cells[f"{prefix}plane"] = str(stack.plane)
    return cells


def _path(source: ImageSource) -> str:
    """Return where the file of an image is.

    Raises
    ------
    BadImage
        There is none.
    """
    if source.origin.path is not None:
        return str(Path(source.origin.path).absolute())
    what = "is a sample" if source.origin.sample else "did not come from a file that is read here"
    raise BadImage(
        f"'{source.name}' {what}: a batch reads its images again. Save the layer as TIFF (File > "
        "Save Selected Layers), open that file, and add it"
    )
