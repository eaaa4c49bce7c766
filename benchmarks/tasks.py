"""Tasks with a known answer: what one is, and those made from real pairs on disk.

A task is what a method is given (LM, EM, ROI; the ratio follows from the pixel sizes)
and what it is judged by (the true transform). Real pairs are read from a folder with a
``pairs.json``: names, files, and one 3 x 3 matrix a pair, ``lm_to_em`` in (row, col).
Those made by the simulator are in ``simulated.py``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace import Micrograph, Roi
from clem_retrace.geometry import (
    Matrix,
    compose,
    decimation,
    decompose,
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

#: LM pixels that are left round a ROI whose place is cut away from the EM.
MARGIN_LEFT = 20

#: Range of told ratio over true ratio: what the method is told is right.
EXACT = (1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One retrieval task with its truth.

    Attributes
    ----------
    name : str
    kind : {"real", "simulated"}
    lm, em : Micrograph
        Their pixel sizes say the ratio that the method is told, right or wrong.
    roi : Roi
    lm_to_em : ndarray, shape (3, 3), or None
        The truth; None when the ROI is not in the EM at all.
    contrast : int
        1 when structures have the same contrast in both images, -1 when it is inverted.
        Told to references only.
    shared : float or None
        Fraction of structures that both images show, where it is known.
    ratio_uncertainty : float or None
        What the method is told of it; None for the default.
    """

    name: str
    kind: Literal["real", "simulated"]
    lm: Micrograph
    em: Micrograph
    roi: Roi
    lm_to_em: Matrix | None
    contrast: int
    shared: float | None = None
    ratio_uncertainty: float | None = None

    @property
    def present(self) -> bool:
        """Whether the ROI is in the EM."""
        return self.lm_to_em is not None

    @property
    def truth(self) -> Matrix:
        """`lm_to_em` of a task whose ROI is in the EM."""
        if self.lm_to_em is None:
            raise ValueError(f"the region of {self.name} is not in its EM image")
        return self.lm_to_em

    @property
    def told_ratio(self) -> float:
        """EM pixels per LM pixel by the pixel sizes."""
        assert self.lm.pixel_size is not None
        assert self.em.pixel_size is not None
        return self.lm.pixel_size / self.em.pixel_size

    @property
    def true_ratio(self) -> float:
        """EM pixels per LM pixel by the truth."""
        return decompose(self.truth).magnification


def told_factor(seed: int, index: int, told: tuple[float, float]) -> float:
    """Return told ratio over true ratio, drawn evenly on a logarithmic axis.

    It has a stream of its own: the images are the same whatever the ratio is told to be.
    """
    low, high = np.log(told)
    return float(np.exp(np.random.default_rng([seed, index, 1]).uniform(low, high)))


def real_tasks(
    folder: Path,
    count: int,
    seed: int,
    *,
    told: tuple[float, float] = EXACT,
    present: bool = True,
) -> list[Task]:
    """Return `count` tasks of `real_task`, spread evenly over the pairs in `folder`."""
    make = real_task if present else real_absent_task
    return [make(folder, index, seed, told=told) for index in range(count)]


def real_task(folder: Path, index: int, seed: int, *, told: tuple[float, float] = EXACT) -> Task:
    """Return a task by the protocol: LM decimated, turned by any angle, mirrored in half of them.

    Parameters
    ----------
    folder : Path
        Of the pairs.
    index : int
        Of the task; neighbouring ones are of different pairs.
    seed : int
    told : (low, high)
        Range of told ratio over true ratio.
    """
    pairs = read_pairs(folder)
    pair = pairs[index % len(pairs)]
    factor, size = PROTOCOL[pair["specimen"]]
    rng = np.random.default_rng([seed, index])
    mirrored = bool(index // len(pairs) % 2)
    while True:
        angle = float(rng.uniform(0, 360))
        lm, new_to_stored = turned(pair["lm"], factor, angle, mirrored)
        lm_to_em = compose(pair["lm_to_em"], new_to_stored)
        roi = draw_roi(rng, lm, lm_to_em, pair["em"].shape, size)
        if roi is not None:
            break
    pixel_size = EM_PIXEL_SIZE * pair["ratio"] * factor * told_factor(seed, index, told)
    return Task(
        name=f"{pair['name']} {angle:.0f}°{' mirrored' if mirrored else ''}",
        kind="real",
        lm=Micrograph(lm, pixel_size, "LM"),
        em=Micrograph(pair["em"], EM_PIXEL_SIZE, "EM"),
        roi=roi,
        lm_to_em=lm_to_em,
        contrast=pair["contrast"],
    )


def real_absent_task(
    folder: Path, index: int, seed: int, *, told: tuple[float, float] = EXACT
) -> Task:
    """Return a task whose ROI is not in the EM.

    By turns the ROI of one specimen against the EM of the other, and the ROI against a
    part of its own EM that shows neither it nor what surrounds it in the LM.
    """
    pairs = read_pairs(folder)
    pair = pairs[index // 2 % len(pairs)]
    strangers = [other for other in pairs if other["specimen"] != pair["specimen"]]
    task = None if index % 2 == 0 else _elsewhere(pair, index, seed, told)
    # In the small EM of the pancreas there is no room beside the ROI: the other specimen then.
    return task or _stranger(pair, strangers[index % len(strangers)], index, seed, told)


def _stranger(
    pair: dict[str, Any], other: dict[str, Any], index: int, seed: int, told: tuple[float, float]
) -> Task:
    """Return a task with the LM of one pair and the EM of another."""
    factor, size = PROTOCOL[pair["specimen"]]
    rng = np.random.default_rng([seed, index])
    lm, new_to_stored = turned(pair["lm"], factor, float(rng.uniform(0, 360)), False)
    roi = None
    while roi is None:
        roi = draw_roi(rng, lm, compose(pair["lm_to_em"], new_to_stored), pair["em"].shape, size)
    # The EM of the pancreas is half as large as the others: enlarged, the search has room.
    em = other["em"]
    if min(em.shape) < 600:
        em = ndimage.zoom(em, 2, order=1)
    pixel_size = EM_PIXEL_SIZE * pair["ratio"] * factor * told_factor(seed, index, told)
    return Task(
        name=f"{pair['name']} in {other['name']}",
        kind="real",
        lm=Micrograph(lm, pixel_size, "LM"),
        em=Micrograph(em, EM_PIXEL_SIZE, "EM"),
        roi=roi,
        lm_to_em=None,
        contrast=pair["contrast"],
    )


def _elsewhere(
    pair: dict[str, Any], index: int, seed: int, told: tuple[float, float]
) -> Task | None:
    """Return a task with the ROI cut away from the EM, or None where nothing is left to search.

    The LM keeps a small margin round the ROI; the EM is the largest part of itself, on one
    side of them, that shows none of it.
    """
    factor, size = PROTOCOL[pair["specimen"]]
    ratio = pair["ratio"] * factor
    rng = np.random.default_rng([seed, index])
    for _ in range(20):
        lm, new_to_stored = turned(pair["lm"], factor, float(rng.uniform(0, 360)), False)
        lm_to_em = compose(pair["lm_to_em"], new_to_stored)
        roi = draw_roi(rng, lm, lm_to_em, pair["em"].shape, size)
        if roi is None:
            continue
        top, left = (max(int(first) - MARGIN_LEFT, 0) for first in (roi.row, roi.col))
        kept = lm[top : top + size[0] + 2 * MARGIN_LEFT, left : left + size[1] + 2 * MARGIN_LEFT]
        em = beside(pair["em"], map_points(lm_to_em, Roi(top, left, *kept.shape).corners))
        if min(em.shape) < ratio * math.hypot(*size):
            continue  # the ROI must fit at any angle
        pixel_size = EM_PIXEL_SIZE * ratio * told_factor(seed, index, told)
        return Task(
            name=f"{pair['name']} elsewhere",
            kind="real",
            lm=Micrograph(kept, pixel_size, "LM"),
            em=Micrograph(em, EM_PIXEL_SIZE, "EM"),
            roi=Roi(roi.row - top, roi.col - left, roi.height, roi.width),
            lm_to_em=None,
            contrast=pair["contrast"],
        )
    return None


def beside(image: NDArray[Any], points: NDArray[np.float64]) -> NDArray[Any]:
    """Return the largest part of an image, over its full height or width, that is clear of points.

    Parameters
    ----------
    image : ndarray, shape (M, N)
    points : ndarray, shape (K, 2)
        (row, col); their bounding rectangle is kept clear of.
    """
    top, left = np.clip(np.floor(points.min(axis=0)).astype(int), 0, image.shape)
    bottom, right = np.clip(np.ceil(points.max(axis=0)).astype(int) + 1, 0, image.shape)
    parts = (image[:top], image[bottom:], image[:, :left], image[:, right:])
    return max(parts, key=lambda part: part.size)


@cache
def read_pairs(folder: Path) -> list[dict[str, Any]]:
    """Return the pairs of a folder with their images read."""
    listed = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))["pairs"]
    return [
        {
            "name": pair["name"],
            "specimen": pair["name"].split("-")[0],
            "lm": iio.imread(folder / pair["lm"]).astype(np.float32),
            "em": iio.imread(folder / pair["em"]),
            "lm_to_em": np.array(pair["lm_to_em"], dtype=np.float64),
            "ratio": pair["em_pixels_per_lm_pixel"],
            "contrast": 1 if pair["structures"]["lm"] == pair["structures"]["em"] else -1,
        }
        for pair in listed
    ]


def turned(
    image: NDArray[np.float32], factor: float, angle: float, mirrored: bool
) -> tuple[NDArray[np.float32], Matrix]:
    """Return an image decimated, turned and mirrored on a grid that holds all of it.

    The matrix takes the new image's pixels to the stored one's.
    """
    smooth = ndimage.gaussian_filter(image, 0.45 * factor) if factor > 1 else image
    turn = compose(
        similarity(1.0, angle, mirrored, (0, 0), (0, 0)),
        decimation(factor),
    )
    corners = np.array([[r, c] for r in (0, image.shape[0] - 1) for c in (0, image.shape[1] - 1)])
    mapped = map_points(turn, corners)
    turn = compose(translation(-mapped.min(axis=0)), turn)
    rows, cols = (int(extent) + 1 for extent in np.ceil(np.ptp(mapped, axis=0)))
    # What lies outside the stored image is as dark as its background.
    warped = warp(smooth, turn, (rows, cols), fill=float(np.percentile(image, 5)))
    return warped, invert(turn)


def draw_roi(
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
