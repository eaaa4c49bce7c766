"""napari's reader of EM files that it does not know: MRC, DM3 and DM4, with their pixel size.

TIFF files are left to napari: a reader is chosen by the file's name alone, so that one of
ours would have napari ask which to take for every TIFF file. Their pixel size, which napari
drops, is looked up by `clem_retrace.io.pixel_sizes.pixel_size_of` when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike, fspath
from typing import Any

from clem_retrace.errors import BadFile
from clem_retrace.io.images import ImageStack, read_stack
from clem_retrace.plugin.outputs import LayerData, display_limits

__all__ = ["PIXEL_SIZE", "get_reader", "read_layers"]

#: Key of a layer's metadata that holds where its pixel size is from, and the size in nm.
PIXEL_SIZE = "pixel_size"

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """Return the function that reads a file; None for several files to be stacked.

    Parameters
    ----------
    path : path, or sequence of paths
    """
    return None if _single(path) is None else read_layers


def read_layers(path: Paths) -> list[LayerData]:
    """Return a file as one image layer; of a large file, pixels are read as they are shown.

    Scale and units are those of the file; axes of which it tells nothing are in pixels.

    Parameters
    ----------
    path : path, or sequence of one path

    Raises
    ------
    BadFile
        The file is damaged, holds complex numbers, or needs a package that is not installed.
    """
    single = _single(path)
    if single is None:
        raise BadFile("several files are to be stacked: open them one by one")
    stack = read_stack(single)
    if stack.data.dtype.kind == "c":
        raise BadFile(f"{stack.name} holds complex numbers, as of a Fourier transform: no image")
    keywords: dict[str, Any] = {
        "name": stack.name.rpartition(".")[0],
        "rgb": stack.axes.endswith("S"),
        **_calibration(stack),
    }
    if not keywords["rgb"]:
        keywords["contrast_limits"] = display_limits(stack.data)
    return [(stack.data, keywords, "image")]


def _single(path: Paths) -> str | None:
    """Return the one path that is given, None when there are several."""
    if isinstance(path, (str, PathLike)):
        return fspath(path)
    return fspath(path[0]) if len(path) == 1 else None


def _calibration(stack: ImageStack) -> dict[str, Any]:
    """Return layer keywords for the pixel size, and for where it is from."""
    size = stack.pixel_size
    if size is None:
        return {}
    further = len(stack.axes.removesuffix("S")) - 2
    scale = [1.0] * further + [size.rows, size.cols]
    units = ["pixel"] * further + ["nm", "nm"]
    if further and size.planes is not None:
        scale[-3], units[-3] = size.planes, "nm"
    written = {"rows_nm": size.rows, "cols_nm": size.cols, "source": size.source}
    return {"scale": scale, "units": units, "metadata": {PIXEL_SIZE: written}}
