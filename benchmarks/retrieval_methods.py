"""Methods that look for the ROI in the EM: ours, the paper's, and independent references.

What a method is given is a `Task` without its truth. The references are also given the
contrast sign, which ours finds by itself. They see the EM low-passed and decimated to the
LM's pixel size by the told ratio, so that both images have one physical resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from clem_retrace import PRESETS, RegistrationOptions, StageResult, register, steps
from clem_retrace.geometry import (
    Matrix,
    compose,
    decompose,
    invert,
    map_points,
    similarity,
    swap_axes,
    translation,
)
from clem_retrace.options import AffineOptions, HistogramOptions
from clem_retrace.resampling import decimate, warp
from tasks import Task

Image = NDArray[np.float32]

#: Steps of the references' rotation sweep: 2 LM px at the corner of a ROI of 100 x 130.
SWEEP_DEGREES = 4.0

#: Sigma of the references' LoG, LM pixels.
LOG_SIGMA = 1.5

#: Two points fix a similarity: fewer inliers than this say nothing.
LEAST_INLIERS = 4


class MethodFailed(ValueError):
    """A method gives no answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method says.

    Attributes
    ----------
    centre : (row, col), EM pixels
        Of the ROI's place.
    em_to_lm : ndarray, shape (3, 3), or None
        None from a method that does not tell the angle or the mirror.
    match : ndarray, shape (3, 3), or None
        Of ours, the transform before the registration; None when there was none.
    magnification : float or None
        EM pixels per LM pixel, from a method that looks for it.
    confidence : float or None
    found : bool or None
    """

    centre: tuple[float, float]
    em_to_lm: Matrix | None = None
    match: Matrix | None = None
    magnification: float | None = None
    confidence: float | None = None
    found: bool | None = None


Method = Callable[[Task], Answer]


def ours(options: RegistrationOptions) -> Method:
    """Return our search, with registration where `options` enable it."""

    def answer(task: Task) -> Answer:
        chosen = options
        if task.ratio_uncertainty is not None:
            chosen = replace(options, ratio_uncertainty=task.ratio_uncertainty)
        found = register(task.lm, task.em, task.roi, chosen)
        return Answer(
            centre=found.match.centre,
            em_to_lm=found.em_to_lm,
            match=found.match.em_to_lm if options.affine.enabled else None,
            magnification=found.match.magnification,
            confidence=found.confidence,
            found=found.found,
        )

    return answer


def histogram(options: RegistrationOptions) -> Method:
    """Return the paper's search by itself: the run ends when that stage has its result."""

    def answer(task: Task) -> Answer:
        events = steps(task.lm, task.em, task.roi, options)
        for event in events:
            if isinstance(event, StageResult) and event.stage == "histogram search":
                events.close()
                return Answer(event.value.best.centre)
        raise MethodFailed("there was no histogram search")

    return answer


def template_matching(represent: Callable[[Image], Image]) -> Method:
    """Return OpenCV's normalised cross-correlation, over a sweep of angles in both mirrors."""

    def answer(task: Task) -> Answer:
        import cv2

        em, em_to_grid = decimate(task.em, task.told_ratio)
        em = represent(em)
        template = _roi_pixels(represent(_lm_pixels(task)), task)
        best, best_em_to_lm = -math.inf, None
        for angle in np.arange(0, 360, SWEEP_DEGREES):
            canvas, em_to_canvas, inside = _turned_canvas(em, angle)
            em_to_turned = compose(em_to_canvas, em_to_grid)
            for mirrored in (False, True):
                scores = task.contrast * cv2.matchTemplate(
                    canvas, _flipped(template, mirrored), cv2.TM_CCOEFF_NORMED
                )
                score, corner = _best_inside(scores, inside, template.shape)
                if score > best:
                    best = score
                    laid = compose(translation(corner), _crop(task, mirrored))
                    best_em_to_lm = compose(invert(laid), em_to_turned)
        return _answer_from(task, best_em_to_lm)

    return answer


def keypoints(make: Callable[[], Any], norm: str) -> Method:
    """Return OpenCV's keypoints of one kind with a similarity by RANSAC, in both mirrors.

    Lowe's ratio test at 0.8; RANSAC with a tolerance of 3 LM pixels; the mirror with more
    inliers is taken. The EM is inverted where the contrast is.
    """

    def answer(task: Task) -> Answer:
        import cv2

        detector, matcher = make(), cv2.BFMatcher(getattr(cv2, norm))
        em, em_to_grid = decimate(task.em, task.told_ratio)
        em_points, em_features = detector.detectAndCompute(_bytes(task.contrast * em), None)
        template = _bytes(_roi_pixels(_lm_pixels(task), task))
        most, em_to_lm = LEAST_INLIERS - 1, None
        for mirrored in (False, True):
            points, features = detector.detectAndCompute(_flipped(template, mirrored), None)
            if features is None or em_features is None:
                continue
            pairs = [
                two[0]
                for two in matcher.knnMatch(features, em_features, k=2)
                if len(two) == 2 and two[0].distance < 0.8 * two[1].distance
            ]
            if len(pairs) < LEAST_INLIERS:
                continue
            fitted, inliers = cv2.estimateAffinePartial2D(
                np.array([points[pair.queryIdx].pt for pair in pairs]),
                np.array([em_points[pair.trainIdx].pt for pair in pairs]),
                method=cv2.RANSAC, ransacReprojThreshold=3.0,
            )  # fmt: skip
            if fitted is not None and inliers.sum() > most:
                most = int(inliers.sum())
                onto = swap_axes(np.vstack([fitted, (0, 0, 1)]))
                em_to_lm = compose(invert(compose(onto, _crop(task, mirrored))), em_to_grid)
        return _answer_from(task, em_to_lm)

    return answer


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
        for angle in np.arange(0, 360, 2 * SWEEP_DEGREES):
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
        return _answer_from(task, em_to_lm)

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


def intensities(image: Image) -> Image:
    """Return the image as it is."""
    return image


def laplacian(image: Image) -> Image:
    """Return the Laplacian of Gaussian at `LOG_SIGMA`."""
    return ndimage.gaussian_laplace(image, LOG_SIGMA)


def sift() -> Any:
    """Return OpenCV's SIFT with a contrast threshold at a quarter of its default."""
    import cv2

    return cv2.SIFT_create(contrastThreshold=0.01)


def orb() -> Any:
    """Return OpenCV's ORB for small images: more keypoints, nearer to the border."""
    import cv2

    return cv2.ORB_create(nfeatures=3000, edgeThreshold=15, patchSize=31, fastThreshold=5)


def _lm_pixels(task: Task) -> Image:
    return np.asarray(task.lm.data, dtype=np.float32)


def _roi_slices(task: Task) -> tuple[slice, slice]:
    row, col = int(task.roi.row), int(task.roi.col)
    return slice(row, row + int(task.roi.height)), slice(col, col + int(task.roi.width))


def _roi_pixels(image: Image, task: Task) -> Image:
    return np.ascontiguousarray(image[_roi_slices(task)])


def _flipped(template: NDArray[Any], mirrored: bool) -> NDArray[Any]:
    return np.ascontiguousarray(template[:, ::-1]) if mirrored else template


def _crop(task: Task, mirrored: bool) -> Matrix:
    """Return the transform from LM pixels to those of the ROI's pixels, flipped or not."""
    rows, cols = _roi_slices(task)
    flip = np.array([[1.0, 0, 0], [0, -1, cols.stop - cols.start - 1], [0, 0, 1]])
    return compose(flip if mirrored else np.eye(3), translation((-rows.start, -cols.start)))


def _turned_canvas(
    image: Image, angle: float
) -> tuple[Image, Matrix, NDArray[np.bool_]]:
    """Return an image turned on a canvas that holds it, the transform, and where it has pixels."""
    centre = (np.array(image.shape) - 1) / 2
    side = math.ceil(math.hypot(*image.shape)) + 1
    turn = similarity(1.0, angle, False, centre, ((side - 1) / 2,) * 2)
    canvas = warp(image, turn, (side, side), fill=np.nan)
    inside = np.isfinite(canvas)
    return np.where(inside, canvas, np.float32(image.mean())), turn, inside


def _best_inside(
    scores: Image, inside: NDArray[np.bool_], size: tuple[int, ...]
) -> tuple[float, tuple[int, int]]:
    """Return the highest score of a template that lies in the EM, and its top left corner.

    A strip of 5 % may lie outside: the angles of the sweep are not the true one.
    """
    origin = (-(size[0] // 2), -(size[1] // 2))
    share = ndimage.uniform_filter(inside.astype(np.float32), size, origin=origin, mode="constant")
    allowed = share[: scores.shape[0], : scores.shape[1]] > 0.95
    scores = np.where(allowed & np.isfinite(scores), scores, -np.inf)
    row, col = np.unravel_index(np.argmax(scores), scores.shape)
    return float(scores[row, col]), (int(row), int(col))


def _bytes(image: Image) -> NDArray[np.uint8]:
    """Return the image in 8 bits, from its 1st to its 99th percentile."""
    low, high = np.percentile(image, (1, 99))
    scaled = (image - low) * (255 / max(high - low, 1e-9))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _answer_from(task: Task, em_to_lm: Matrix | None) -> Answer:
    if em_to_lm is None:
        raise MethodFailed("nothing in the two images is consistent")
    row, col = map_points(invert(em_to_lm), task.roi.centre)
    return Answer((float(row), float(col)), em_to_lm)


OURS: Mapping[str, Method] = {
    "default": ours(RegistrationOptions()),
    "oriented, no affine": ours(
        RegistrationOptions(search="oriented", affine=AffineOptions(enabled=False))
    ),
}
"""Methods with a confidence."""

HISTOGRAM: Mapping[str, Method] = {
    "histogram, experiment 1": histogram(PRESETS["experiment 1"]),
    "histogram, experiment 2": histogram(PRESETS["experiment 2"]),
    "histogram, matched LoG": histogram(
        RegistrationOptions(
            search="histogram",
            histogram=HistogramOptions(descriptor="log", similarity="cosine", matched=True),
        )
    ),
}
"""The paper's search: as in its two experiments, and at one physical resolution."""

REFERENCES: Mapping[str, Method] = {
    "template, intensities": template_matching(intensities),
    "template, LoG": template_matching(laplacian),
    "SIFT, RANSAC": keypoints(sift, "NORM_L2"),
    "ORB, RANSAC": keypoints(orb, "NORM_HAMMING"),
    "global MI, intensities": global_mutual_information(intensities),
    "global MI, LoG": global_mutual_information(laplacian),
}
"""What a user could take instead."""

METHODS: Mapping[str, Method] = {**OURS, **HISTOGRAM, **REFERENCES}
