"""Tasks with a known answer: from real pairs on disk, and from the simulator.

A task is what a method is given (LM, EM, ROI; the ratio follows from the pixel sizes)
and what it is judged by (the true transform). Real pairs are read from a folder with a
``pairs.json``: names, files, and one 3 x 3 matrix a pair, ``lm_to_em`` in (row, col).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace import Micrograph, Roi
from clem_retrace.geometry import (
    Matrix,
    compose,
    decimation,
    invert,
    map_points,
    similarity,
    translation,
)
from clem_retrace.resampling import warp

#: Decimation of the LM and ROI size (rows, cols) by specimen; the protocol of the pairs' notes.
PROTOCOL = {"celegans": (3, (100, 130)), "pancreas": (2, (90, 110))}

#: EM pixel size, nm, that the tasks claim; only its ratio to the LM's matters.
EM_PIXEL_SIZE = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One retrieval task with its truth.

    Attributes
    ----------
    lm, em : Micrograph
        Their pixel sizes say the ratio that the method is told, right or wrong.
    roi : Roi
    lm_to_em : ndarray, shape (3, 3)
        The truth.
    present : bool
        Whether the ROI is in the EM at all.
    """

    name: str
    lm: Micrograph
    em: Micrograph
    roi: Roi
    lm_to_em: Matrix
    present: bool = True


def _turned(
    image: NDArray[np.float32], decimate_by: float, angle: float, mirrored: bool
) -> tuple[NDArray[np.float32], Matrix]:
    """Return an image decimated, turned and mirrored on a grid that holds all of it.

    The matrix takes the new image's pixels to the stored one's.
    """
    smooth = ndimage.gaussian_filter(image, 0.45 * decimate_by) if decimate_by > 1 else image
    centre = (np.array(image.shape) - 1) / 2
    turn = compose(
        similarity(1.0, angle, mirrored, (0, 0), (0, 0)),
        similarity(1 / decimate_by, 0.0, False, centre, (0, 0)),
    )
    corners = np.array([[r, c] for r in (0, image.shape[0] - 1) for c in (0, image.shape[1] - 1)])
    mapped = map_points(turn, corners)
    turn = compose(translation(-mapped.min(axis=0)), turn)
    rows, cols = np.ceil(np.ptp(mapped, axis=0)).astype(int) + 1
    # What lies outside the stored image is as dark as its background.
    warped = warp(smooth, turn, (rows, cols), fill=float(np.percentile(image, 5)))
    return warped, invert(turn)


def _draw_roi(
    rng: np.random.Generator,
    lm: NDArray[np.float32],
    lm_to_em: Matrix,
    em_shape: tuple[int, int],
    size: tuple[int, int],
) -> Roi | None:
    """Return a random ROI that lies wholly in the EM and is not empty, or None."""
    bright = lm >= np.percentile(lm, 97)
    for _ in range(4000):
        row = int(rng.integers(0, max(lm.shape[0] - size[0], 1)))
        col = int(rng.integers(0, max(lm.shape[1] - size[1], 1)))
        roi = Roi(row, col, *size)
        corners = map_points(lm_to_em, roi.corners)
        if corners.min() < 0 or (corners > np.array(em_shape) - 1).any():
            continue
        inside = bright[row : row + size[0], col : col + size[1]].sum()
        if inside >= 0.02 * bright.sum():
            return roi
    return None


def real_tasks(
    folder: Path, count: int, seed: int, *, ratio_error: float = 0.0, present: bool = True
) -> list[Task]:
    """Return `count` tasks by the protocol, spread evenly over the pairs in `folder`.

    Parameters
    ----------
    ratio_error : float
        The told ratio is wrong by a factor drawn evenly from 1 - it to 1 + it.
    present : bool
        When false, the LM of one pair is searched for in the EM of another specimen, or
        of the same specimen with the ROI's surroundings cut away.
    """
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))["pairs"]
    rng = np.random.default_rng(seed)
    tasks: list[Task] = []
    while len(tasks) < count:
        pair = pairs[len(tasks) % len(pairs)]
        factor, size = PROTOCOL[pair["name"].split("-")[0]]
        lm_image = iio.imread(folder / pair["lm"]).astype(np.float32)
        em_image = iio.imread(folder / pair["em"])
        stored = np.array(pair["lm_to_em"])
        angle, mirrored = float(rng.uniform(0, 360)), bool(len(tasks) // len(pairs) % 2)
        lm, new_to_stored = _turned(lm_image, factor, angle, mirrored)
        lm_to_em = compose(stored, new_to_stored)
        roi = _draw_roi(rng, lm, lm_to_em, em_image.shape, size)
        if roi is None:
            continue
        ratio = pair["em_pixels_per_lm_pixel"] * factor
        told = ratio * (1 + rng.uniform(-ratio_error, ratio_error))
        if not present:
            others = [other for other in pairs if other["name"][:4] != pair["name"][:4]]
            em_image = iio.imread(folder / others[int(rng.integers(len(others)))]["em"])
            em_image = np.ascontiguousarray(np.kron(em_image, np.ones((2, 2), em_image.dtype)))
        tasks.append(
            Task(
                name=f"{pair['name']} {angle:.0f}°{' mirrored' if mirrored else ''}",
                lm=Micrograph(lm, EM_PIXEL_SIZE * told, "LM"),
                em=Micrograph(em_image, EM_PIXEL_SIZE, "EM"),
                roi=roi,
                lm_to_em=lm_to_em,
                present=present,
            )
        )
    return tasks
