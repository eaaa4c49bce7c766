"""Files of a registration: its numbers, its candidates, a picture, the EM on the LM's grid.

Each is written under a name of its own beside the one it is for, and renamed when it is
complete: a reader never meets half a file, and a failed export leaves the old one.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.micrograph import Micrograph, Roi

if TYPE_CHECKING:
    from clem_retrace.result import Registration
    from clem_retrace.retracing.candidates import Candidates

__all__ = [
    "CANDIDATES",
    "OVERLAY",
    "REGISTRATION",
    "WARPED_EM",
    "export",
    "lm_pixel_size",
    "make_folder",
    "warped_em",
    "write_candidates",
    "write_json",
    "write_overlay",
    "write_warped_em",
]

#: Names of the files that `export` writes.
REGISTRATION = "registration.json"
CANDIDATES = "candidates.csv"
OVERLAY = "overlay.png"
WARPED_EM = "em-on-lm.ome.tif"

#: OME-TIFF has no 64-bit integers and no half floats.
_OME_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def export(
    folder: str | os.PathLike[str],
    lm: Micrograph,
    em: Micrograph,
    registration: Registration,
    *,
    truth: Roi | None = None,
) -> tuple[Path, ...]:
    """Return the paths of the four files written to a folder, made when there is none.

    Parameters
    ----------
    folder : path
    lm, em : Micrograph
        Those that were registered.
    registration : Registration
    truth : Roi, optional
        Where the ROI is known to be, in EM pixels; drawn in the picture.

    Raises
    ------
    BadFile
        A file cannot be written.
    """
    from clem_retrace.io.overlays import overlay_image
    from clem_retrace.registration.warping import overlay_on_lm

    folder = make_folder(folder)
    on_lm = overlay_on_lm(em, registration.em_to_lm, lm.shape)
    return (
        write_json(folder / REGISTRATION, registration),
        write_candidates(folder / CANDIDATES, registration.candidates),
        write_overlay(folder / OVERLAY, overlay_image(lm, em, registration, truth=truth)),
        write_warped_em(
            folder / WARPED_EM, warped_em(on_lm, em.data.dtype), lm_pixel_size(registration)
        ),
    )


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Return a folder's path after making it: before a run, so that none is done in vain.

    Raises
    ------
    BadFile
        It cannot be made, or is a file.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(f"{folder} cannot be made a folder: {error.strerror or error}") from error
    return folder


def write_json(path: str | os.PathLike[str], registration: Registration) -> Path:
    """Return the path after writing all of a registration as JSON (UTF-8, indented).

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    text = json.dumps(registration.to_dict(), indent=2, ensure_ascii=False)
    with _replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def write_candidates(path: str | os.PathLike[str], candidates: Candidates) -> Path:
    """Return the path after writing the ranked candidates as CSV, units in the header.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    header = [
        "rank",
        "search",
        "score",
        "confidence",
        "centre_row_em_px",
        "centre_col_em_px",
        "angle_degrees",
        "mirrored",
        "magnification_em_px_per_lm_px",
        "contrast",
        *(f"corner{n}_{axis}_em_px" for n in range(1, 5) for axis in ("row", "col")),
    ]
    with _replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for rank, match in enumerate(candidates.matches, start=1):
            table.writerow(
                [
                    rank,
                    match.search,
                    f"{match.score:.6g}",
                    f"{match.confidence:.4f}",
                    *(f"{value:.2f}" for value in match.centre),
                    f"{match.angle:.2f}",
                    "yes" if match.mirrored else "no",
                    f"{match.magnification:.5g}",
                    match.contrast,
                    *(f"{value:.2f}" for value in match.corners.ravel()),
                ]
            )
    return Path(path)


def write_overlay(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> Path:
    """Return the path after writing an RGB image, shape (M, N, 3), as PNG.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    from PIL import Image

    with _replacing(path) as part:
        Image.fromarray(image).save(part, format="PNG")
    return Path(path)


def warped_em(on_lm: NDArray[np.float32], dtype: Any) -> NDArray[Any]:
    """Return the EM on the LM's grid in the EM image's own type, 0 where it does not reach.

    Types that OME-TIFF lacks become uint8 (of a mask) or float32.
    """
    dtype = np.dtype(dtype).newbyteorder("=")
    known = np.nan_to_num(on_lm, nan=0.0)
    if dtype.kind == "b":
        return np.round(255 * known).astype(np.uint8)
    if dtype.name not in _OME_TYPES:
        return known
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        # In float64: float32 has no 2^32 - 1, and rounding up would wrap round.
        return np.clip(np.round(known.astype(np.float64)), limits.min, limits.max).astype(dtype)
    return known.astype(dtype)


def lm_pixel_size(registration: Registration) -> float | None:
    """Return the LM's pixel size in nm, by the ratio from the EM's when it is not known."""
    if registration.lm.pixel_size is not None:
        return registration.lm.pixel_size
    if registration.em.pixel_size is not None:
        return registration.em.pixel_size * registration.ratio
    return None


def write_warped_em(
    path: str | os.PathLike[str], image: NDArray[Any], pixel_size: float | None
) -> Path:
    """Return the path after writing an image as OME-TIFF with its pixel size.

    Parameters
    ----------
    path : path
    image : ndarray, shape (M, N)
        Of a type that OME-TIFF has.
    pixel_size : float or None, nm per pixel
        Also written to the TIFF resolution tags, for readers that do not know OME.

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    import tifffile

    metadata: dict[str, Any] = {"axes": "YX", "Name": "EM on the LM grid"}
    options: dict[str, Any] = {}
    if pixel_size is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = pixel_size / 1000
            metadata[f"PhysicalSize{axis}Unit"] = "\u00b5m"
        options = {"resolution": (1e7 / pixel_size,) * 2, "resolutionunit": "CENTIMETER"}
    with _replacing(path) as part:
        tifffile.imwrite(
            part, image, ome=True, photometric="minisblack", metadata=metadata, **options
        )
    return Path(path)


@contextmanager
def _replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; what was written takes the place of `path` at the end."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
