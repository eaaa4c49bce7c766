"""Global mutual information: the joint histogram of ROI and EM at all positions at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from answers import Answer, Image, Method, answer_from
from clem_retrace.decimating import decimate
from clem_retrace.geometry import compose, invert, map_points, similarity, translation
from clem_retrace.resampling import warp
from tasks import Task

#: Steps of the rotation sweep, for time.
SWEEP_DEGREES = 8.0


def global_mutual_information(
    represent: Callable[[Image], Image], *, cell: float = 2.0, levels: int = 8
) -> Method:
    """Return the maximum of mutual information over all positions and a sweep of angles.

    Our own few lines after Öfverstedt, Lindblad, Sladoje, Pattern Recognit. Lett. 159,
    2022, doi:10.1016/j.patrec.2022.05.009: the images are quantised to `levels` grey
    values, one correlation by FFT for each pair of values counts how often they meet. Only
    positions with the whole ROI inside the EM; on pixels of `cell` LM pixels, for time.
    """

    def answer(task: Task) -> Answer:
        em, em_to_grid = decimate(task.em, task.told_ratio * cell)
        lm, lm_to_grid = decimate(task.lm, cell)
        em_classes, lm_classes = (_quantised(represent(image), levels) for image in (em, lm))
        corners = map_points(lm_to_grid, task.roi.corners)
        centre, size = corners.mean(axis=0), np.ptp(corners, axis=0)
        shape = [fft.next_fast_len(length, real=True) for length in em.shape]
        spectra = fft.rfft2([em_classes == level for level in range(levels)], s=shape)
        side = min(math.ceil(np.hypot(*size)) | 1, *em.shape)
        rows, cols = np.mgrid[:side, :side] - (side - 1) / 2
        best, em_to_lm = -math.inf, None
        for angle in np.arange(0, 360, SWEEP_DEGREES):
            for mirrored in (False, True):
                turn = similarity(1.0, angle, mirrored, centre, ((side - 1) / 2,) * 2)
                laid = warp(lm_classes, turn, (side, side), order=0, fill=-1)
                back = map_points(
                    invert(similarity(1.0, angle, mirrored, (0, 0), (0, 0))),
                    np.stack([rows, cols], axis=-1),
                )
                laid[(np.abs(back) > size / 2).any(axis=-1)] = -1
                score, corner = _most_informative(laid, spectra, shape, em.shape)
                if score > best:
                    best = score
                    lm_to_em_grid = compose(translation(corner), turn, lm_to_grid)
                    em_to_lm = compose(invert(lm_to_em_grid), em_to_grid)
        return answer_from(task, em_to_lm)

    return answer


def _most_informative(
    laid: Image, spectra: NDArray[Any], shape: list[int], em_shape: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """Return the highest mutual information over all positions of a laid template, and where."""
    levels, side = len(spectra), len(laid)
    masks = np.zeros((levels, *shape), np.float32)
    masks[:, :side, :side] = [laid == level for level in range(levels)]
    count = max(masks.sum(), 1)
    room = (slice(em_shape[0] - side + 1), slice(em_shape[1] - side + 1))
    spread = 0.0
    per_em = np.zeros((levels, em_shape[0] - side + 1, em_shape[1] - side + 1), np.float32)
    for mask in fft.rfft2(masks):
        met = fft.irfft2(spectra * mask.conj(), s=shape)[(slice(None), *room)]
        joint = np.clip(met / count, 1e-9, None)
        per_em += joint
        own = joint.sum(axis=0)
        spread = spread + (joint * np.log(joint)).sum(axis=0) - own * np.log(own)
    information = spread - (per_em * np.log(per_em)).sum(axis=0)
    row, col = np.unravel_index(np.argmax(information), information.shape)
    return float(information[row, col]), (int(row), int(col))


def _quantised(image: Image, levels: int) -> NDArray[np.int8]:
    """Return the image in grey values that are equally frequent."""
    edges = np.quantile(image, np.linspace(0, 1, levels + 1)[1:-1])
    return np.digitize(image, edges).astype(np.int8)
