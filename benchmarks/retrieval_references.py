"""Independent references for retrieval, as a user could put them together with OpenCV.

They are given the contrast sign, which ours finds by itself, and see the EM low-passed and
decimated to the LM's pixel size by the told ratio: both images have one physical resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from answers import Answer, Image, Method, answer_from, lm_pixels
from clem_retrace.decimating import decimate
from clem_retrace.geometry import Matrix, compose, invert, similarity, swap_axes, translation
from clem_retrace.resampling import warp
from tasks import Task

#: Steps of the rotation sweep: 2 LM px, to either side, at the corner of a ROI of 60 x 70.
SWEEP_DEGREES = 4.0

#: Two points fix a similarity: fewer inliers than this say nothing.
LEAST_INLIERS = 4


def template_matching(represent: Callable[[Image], Image]) -> Method:
    """Return OpenCV's normalised cross-correlation, over a sweep of angles in both mirrors."""

    def answer(task: Task) -> Answer:
        import cv2

        em, em_to_grid = decimate(task.em, task.told_ratio)
        em = represent(em)
        template = _roi_pixels(represent(lm_pixels(task)), task)
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
        return answer_from(task, best_em_to_lm)

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
        template = _bytes(_roi_pixels(lm_pixels(task), task))
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
        return answer_from(task, em_to_lm)

    return answer


def sift() -> Any:
    """Return OpenCV's SIFT with a contrast threshold at a quarter of its default."""
    import cv2

    return cv2.SIFT_create(contrastThreshold=0.01)


def orb() -> Any:
    """Return OpenCV's ORB for small images: more keypoints, nearer to the border."""
    import cv2

    return cv2.ORB_create(nfeatures=3000, edgeThreshold=15, patchSize=31, fastThreshold=5)


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


def _turned_canvas(image: Image, angle: float) -> tuple[Image, Matrix, NDArray[np.bool_]]:
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
