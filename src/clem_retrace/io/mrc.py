"""MRC files, as IMOD, SerialEM and tomography write them: where the pixels lie, how large they are.

Only the header is read, 1024 bytes of a fixed form; the pixels are for `file_pixels`.

References
----------
A. Cheng et al., MRC2014: extensions to the MRC format header for electron cryo-microscopy and
tomography, Journal of Structural Biology 192(2), 2015, doi:10.1016/j.jsb.2015.04.002.
IMOD's description of its own fields, https://bio3d.colorado.edu/imod/doc/mrc_format.txt.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from clem_retrace.io.stored_image import StoredImage

__all__ = ["find_image"]

HEADER = 1024

#: Types of pixels by the header's mode.
_MODES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}

#: What IMOD writes, and its flag for signed bytes; without it they are unsigned.
IMOD_STAMP, IMOD_SIGNED = 1146047817, 1

#: Space groups of a single image or a stack of them, and of stacks of volumes.
STACK, VOLUMES = 0, range(401, 631)


def find_image(path: Path) -> StoredImage:
    """Return where the image of a file lies.

    Raises
    ------
    ValueError
        It is no MRC file, is damaged, or holds pixels of a type that is not read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER)
    if len(header) < HEADER:
        raise ValueError("it ends within its header")
    # Some programs leave out the blank of "MAP ".
    if header[208:211] != b"MAP":
        raise ValueError("it does not have the word MAP that is in every MRC file since 2000")
    order = {b"DD": "<", b"DA": "<", b"\x11\x11": ">"}.get(header[212:214])
    if order is None:
        raise ValueError(f"its byte order is unknown, {header[212:214].hex()}")
    cols, rows, planes, mode = struct.unpack_from(order + "4i", header, 0)
    intervals = struct.unpack_from(order + "3i", header, 28)
    lengths = struct.unpack_from(order + "3f", header, 40)
    group, extended = struct.unpack_from(order + "2i", header, 88)
    if mode not in _MODES:
        raise ValueError(
            f"its pixels are of the mode {mode}: {', '.join(map(str, _MODES))} are read"
        )
    if min(cols, rows, planes) < 1 or extended < 0:
        raise ValueError(f"its header tells of {planes} x {rows} x {cols} pixels")
    dtype = np.dtype(order + _MODES[mode])
    stamp, flags = struct.unpack_from(order + "2i", header, 152)
    if mode == 0 and stamp == IMOD_STAMP and not flags & IMOD_SIGNED:
        dtype = np.dtype(np.uint8)
    shape: tuple[int, ...] = (planes, rows, cols)
    if group == STACK and planes == 1:
        shape = (rows, cols)
    elif group in VOLUMES and intervals[2] > 0 and planes % intervals[2] == 0:
        shape = (planes // intervals[2], intervals[2], rows, cols)
    # Along columns, rows and planes; a stack of volumes has none from one to the next.
    sizes = [
        (length / count if count else math.nan, "angstrom")
        for length, count in zip(lengths, intervals, strict=True)
    ]
    calibrations = [*sizes, (math.nan, "")][: len(shape)]
    return StoredImage(dtype, shape, HEADER + extended, tuple(reversed(calibrations)))
