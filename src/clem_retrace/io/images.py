"""Image files to a `Micrograph`: one channel, projected, with its pixel size.

TIFF (OME, ImageJ, of microscopes), PNG, JPEG, NumPy's NPY, DigitalMicrograph's DM3 and DM4
and MRC are read. Large files whose pixels lie in them as they are in memory, all DM, MRC and
NPY and many TIFF files, are not read at once: a run reads the parts that it needs.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile, BadImage, InvalidOption
from clem_retrace.io import digital_micrograph, mrc
from clem_retrace.io.file_pixels import FilePixels, pixels_of
from clem_retrace.io.formats import kind_of, reading
from clem_retrace.io.pixel_sizes import (
    PixelSize,
    dm_pixel_size,
    mrc_pixel_size,
    tiff_pixel_size,
)
from clem_retrace.io.tiff import checked_series, open_tiff
from clem_retrace.micrograph import Micrograph
from clem_retrace.projections import Projection, project

__all__ = ["ImageStack", "read_micrograph", "read_stack"]


@dataclass(frozen=True, slots=True, eq=False)
class ImageStack:
    """All of an image file, as it is in the file.

    Attributes
    ----------
    data : ndarray or FilePixels
        Of a large file not yet read, where that can be done.
    axes : str
        One letter an axis: Y, X, Z, T, C (channel), S (sample of a colour), and Q or I
        where the file does not tell.
    pixel_size : PixelSize or None
    name : str
        The file's name.
    """

    data: Any
    axes: str
    pixel_size: PixelSize | None
    name: str


def read_stack(path: str | os.PathLike[str]) -> ImageStack:
    """Return what an image file holds, with its axes and pixel size.

    Of a TIFF file with several images the first is taken. PNG files lose their
    transparency.

    Raises
    ------
    BadFile
        There is no such file, it is a folder, damaged, or of a kind that is not read.
    """
    path = Path(path)
    kind = kind_of(path)
    with reading(path, kind):
        data, axes, pixel_size = _READERS[kind](path)
    return ImageStack(data, axes, pixel_size, path.name)


def read_micrograph(
    path: str | os.PathLike[str],
    *,
    channel: int | None = None,
    projection: Projection = "max",
    plane: int = 0,
    pixel_size: float | None = None,
) -> Micrograph:
    """Return one channel of an image file, projected to two dimensions.

    Parameters
    ----------
    path : path
    channel : int, optional
        Counted from 0. It can be left out when there is one channel, and for pictures in
        which grey, or one pseudo-colour, is stored as red, green and blue.
    projection : {"max", "mean", "min", "std", "plane"}
        Over all that is left besides rows and columns: planes, times.
    plane : int
        Which one, for "plane", counted from 0.
    pixel_size : float, nm per pixel, optional
        Instead of the one in the file.

    Raises
    ------
    BadFile
        The file cannot be read.
    BadImage
        There are several channels and none is chosen; the pixels are not square.
    InvalidOption
        There is no such channel or plane.
    """
    stack = read_stack(path)
    if pixel_size is None and stack.pixel_size is not None:
        pixel_size = stack.pixel_size.nm
    planes = _planes(_one_channel(stack, channel))
    if projection == "plane" and not 0 <= plane < len(planes):
        raise InvalidOption(f"{stack.name} has no plane {plane}: it has {len(planes)}")
    # A single plane may stay in its file.
    image = planes[0] if len(planes) == 1 else project(planes, projection, plane)
    return Micrograph(image, pixel_size, stack.name)


def _one_channel(stack: ImageStack, channel: int | None) -> ImageStack:
    """Return the stack without axes of channels or colours."""
    letter = next((letter for letter in "CS" if letter in stack.axes), None)
    if letter is None and channel is not None:
        # Channels saved without a word about what the pages are.
        letter = next((letter for letter in "IQ" if letter in stack.axes), None)
    if letter is None:
        if channel not in (None, 0):
            raise InvalidOption(f"{stack.name} has no channel {channel}: it has one, channel 0")
        return stack
    axis = stack.axes.index(letter)
    channels = np.moveaxis(stack.data, axis, 0)
    if channel is None:
        channel = _only_channel(channels)
    count = len(channels)
    if channel is None:
        what = "is a colour picture" if letter == "S" else f"has {count} channels"
        raise BadImage(
            f"{stack.name} {what}: choose channel 0 to {count - 1} "
            "(--channel for the LM, --em-channel for the EM on the command line)"
        )
    if not 0 <= channel < count:
        raise InvalidOption(
            f"{stack.name} has no channel {channel}: it has channels 0 to {count - 1}"
        )
    rest = ImageStack(
        channels[channel],
        stack.axes[:axis] + stack.axes[axis + 1 :],
        stack.pixel_size,
        stack.name,
    )
    # Channels of colour pictures: the channel was chosen, the colour must be grey.
    return _one_channel(rest, None) if letter == "C" else rest


def _only_channel(channels: NDArray[Any]) -> int | None:
    """Return the channel that holds all there is to see, None when they differ.

    Empty channels do not count, and equal ones count once: grey, green or magenta pictures
    have one channel in this sense.
    """
    seen = [index for index, values in enumerate(channels) if np.min(values) != np.max(values)]
    if not seen:
        return 0
    first = channels[seen[0]]
    equal = all(np.array_equal(first, channels[index]) for index in seen[1:])
    return seen[0] if equal else None


def _planes(stack: ImageStack) -> Any:
    """Return the data with rows and columns last and all else in one axis before them."""
    if "Y" not in stack.axes or "X" not in stack.axes:
        raise BadImage(f"{stack.name} is no image: its axes are {stack.axes}")
    order = (stack.axes.index("Y"), stack.axes.index("X"))
    data: Any = np.moveaxis(stack.data, order, (-2, -1))
    if isinstance(data, FilePixels):
        return data.as_stack()
    return data.reshape(math.prod(data.shape[:-2]), *data.shape[-2:])


_Read = tuple[Any, str, PixelSize | None]


def _read_tiff(path: Path) -> _Read:
    with open_tiff(path) as tif:
        pixel_size = tiff_pixel_size(tif)
        series = checked_series(path, tif)
        axes, keyframe = series.axes, series.keyframe
        transparent = keyframe.photometric == 2 and axes.endswith("S")
        if series.dataoffset is None:
            data = series.asarray()
        else:
            dtype = np.dtype(tif.byteorder + keyframe.dtype.char)
            data = pixels_of(path, dtype, series.shape, series.dataoffset)
    if transparent:
        data = data[..., :3]
    return data, axes, pixel_size


def _read_picture(path: Path) -> _Read:
    import imageio.v3
    from PIL import Image

    with warnings.catch_warnings():
        # A montage of 100 megapixels is no attack; twice as many are refused by Pillow.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        # Of notes beside the pixels, which are not asked for.
        warnings.simplefilter("ignore", UserWarning)
        try:
            # imageio would not say why it cannot be read, and reads whatever Pillow does: for
            # some kinds, that runs other programs.
            with Image.open(path, formats=("PNG", "JPEG")):
                pass
        except Image.DecompressionBombError as error:
            raise BadFile(f"{path} is too large for its format: save it as TIFF") from error
        data = imageio.v3.imread(path, plugin="pillow", index=0)
    if data.ndim == 3:
        # Two samples are grey and transparency, four are colour and transparency.
        return data[..., : 1 if data.shape[-1] == 2 else 3], "YXS", None
    return data, "YX", None


def _read_mrc(path: Path) -> _Read:
    image = mrc.find_image(path)
    return image.pixels(path), image.axes, mrc_pixel_size(image)


def _read_dm(path: Path) -> _Read:
    image = digital_micrograph.find_image(path)
    data: Any = image.pixels(path)
    return data[..., 2::-1] if image.colour else data, image.axes, dm_pixel_size(image)


def _read_npy(path: Path) -> _Read:
    with warnings.catch_warnings():
        # Of files that Python 2 wrote, which are read all the same.
        warnings.filterwarnings("ignore", "Reading `.npy`", UserWarning)
        # Mapped to know where the pixels lie: not one is touched. Objects, which would have to
        # be unpickled, are refused.
        held = np.lib.format.open_memmap(path, mode="r")
    data = pixels_of(path, held.dtype, held.shape, held.offset, held.strides)
    if data.ndim == 3 and data.shape[-1] in (3, 4) and data.shape[0] > 4:
        return data[..., :3], "YXS", None
    if data.ndim < 2:
        raise BadFile(f"{path} holds no image: its shape is {data.shape}")
    return data, "Q" * (data.ndim - 2) + "YX", None


_READERS = {
    "TIFF": _read_tiff,
    "PNG": _read_picture,
    "JPEG": _read_picture,
    "MRC": _read_mrc,
    "DM3/DM4": _read_dm,
    "NPY": _read_npy,
}
