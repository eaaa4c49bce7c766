"""Files of a registration: its numbers, its candidates, a picture, the EM on the LM's grid."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.io.system_errors import in_words
from clem_retrace.io.writing import replacing
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
    "make_folder",
    "write_candidates",
    "write_json",
    "write_overlay",
]

#: Names of the files that `export` writes.
REGISTRATION = "registration.json"
CANDIDATES = "candidates.csv"
OVERLAY = "overlay.png"
WARPED_EM = "em-on-lm.ome.tif"


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
    from clem_retrace.io.warped_images import write_ome_tiff
    from clem_retrace.registration.warping import Grid, warp_onto

    folder = make_folder(folder)
    transform = registration.transform
    on_lm = warp_onto(Grid.on(transform, "lm"), em, "em", transform)
    return (
        write_json(folder / REGISTRATION, registration),
        write_candidates(folder / CANDIDATES, registration.candidates),
        write_overlay(folder / OVERLAY, overlay_image(lm, em, registration, truth=truth)),
        write_ome_tiff(folder / WARPED_EM, on_lm),
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
        raise BadFile(f"{folder} cannot be made a folder: {in_words(error, folder)}") from error
    return folder


def write_json(path: str | os.PathLike[str], registration: Registration) -> Path:
    """Return the path after writing all of a registration as JSON (UTF-8, indented).

    Raises
    ------
    BadFile
        The file cannot be written.
    """
    text = json.dumps(registration.to_dict(), indent=2, ensure_ascii=False)
    with replacing(path) as part:
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
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for rank, match in enumerate(candidates.matches, start=1):
            table.writerow(
                [
                    rank,
                    match.search,
                    f"{match.score:.6g}",
                    "" if match.search == "hand" else f"{match.confidence:.4f}",
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

    with replacing(path) as part:
        Image.fromarray(image).save(part, format="PNG")
    return Path(path)
