"""Methods that register the two images from a start that is nearly right.

All are given the same start and the contrast sign. The references see the LM's ROI with a
margin, and the EM laid over it by the start, both as LoG at the LM's resolution; what they
return, LM pixels to pixels of the EM so laid, is composed with the start. Their settings
are those that did best in a few trials on simulated pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers import LOG_SIGMA, Image, MethodFailed, laplacian
from clem_retrace import refine
from clem_retrace.decimating import decimate
from clem_retrace.geometry import (
    Matrix,
    compose,
    invert,
    similarity,
    swap_axes,
    translation,
)
from clem_retrace.representation.matched import normalised_log
from clem_retrace.resampling import warp
from clem_retrace.retracing import Match
from tasks import Task

#: LM pixels round the ROI that the references see. On a dozen simulated starts 60 was better
#: for all of them than 0, 20 and 150: surroundings are evidence, far ones are a hindrance.
MARGIN = 60

#: Window of the local energy, LM pixels, as in our own representation.
ENERGY_WINDOW = 8.0

#: Largest start: LM pixels of shift, degrees, and parts of magnification and shear.
LARGEST_SHIFT, LARGEST_TURN, LARGEST_STRETCH, LARGEST_SHEAR = 6.0, 4.0, 0.04, 0.04

Registration = Callable[[Task, Matrix], Matrix]


def draw_start(task: Task, seed: int, index: int) -> Matrix:
    """Return a wrong `em_to_lm`: shifted by up to 6 LM pixels, turned, stretched and sheared."""
    rng = np.random.default_rng([seed, index, 2])
    direction, length = rng.uniform(0, 2 * np.pi), LARGEST_SHIFT * rng.random()
    shift = length * np.array([np.sin(direction), np.cos(direction)])
    turn, stretch, shear = rng.uniform(-1, 1, 3) * (LARGEST_TURN, LARGEST_STRETCH, LARGEST_SHEAR)
    centre = np.array(task.roi.centre)
    sheared = np.array([[1.0, shear, 0], [0, 1, 0], [0, 0, 1]])
    return compose(
        similarity(1 + stretch, turn, False, (0, 0), centre + shift),
        sheared,
        translation(-centre),
        invert(task.truth),
    )


def ours(task: Task, start: Matrix) -> Matrix:
    """Return `clem_retrace.refine`, which keeps the start when it fails."""
    match = Match(task.roi, start, 0.0, 0.0, task.contrast, "oriented")
    return refine(task.lm, task.em, match).matrix


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """What a reference registers.

    Attributes
    ----------
    lm, em : ndarray, shape (m, n), float32
        Representations; the EM's in the sign of the LM's.
    lm_to_crop : ndarray, shape (3, 3)
    """

    lm: Image
    em: Image
    lm_to_crop: Matrix


def crops(task: Task, start: Matrix, represent: Callable[[Image], Image] = laplacian) -> Crops:
    """Return both images over the ROI and its margin, the EM laid over the LM by the start."""
    roi, (rows, cols) = task.roi, task.lm.shape
    top, left = max(int(roi.row) - MARGIN, 0), max(int(roi.col) - MARGIN, 0)
    bottom = min(int(roi.row + roi.height) + MARGIN, rows)
    right = min(int(roi.col + roi.width) + MARGIN, cols)
    lm_to_crop = translation((-top, -left))
    em, em_to_grid = decimate(task.em, task.told_ratio)
    laid = warp(em, compose(lm_to_crop, start, invert(em_to_grid)), (bottom - top, right - left))
    known = np.isfinite(laid)
    laid = np.where(known, laid, np.median(laid[known]))
    lm = np.asarray(task.lm.data, dtype=np.float32)
    # A constant factor: mutual information and its sampling see amplitudes near 1.
    lm_shown, em_shown = (
        image / np.float32(image.std())
        for image in (represent(lm)[top:bottom, left:right], represent(laid))
    )
    return Crops(np.ascontiguousarray(lm_shown), task.contrast * em_shown, lm_to_crop)


def reference(
    estimate: Callable[[Image, Image], Matrix],
    represent: Callable[[Image], Image] = laplacian,
) -> Registration:
    """Return a registration by a library's estimate of the crops.

    Parameters
    ----------
    estimate : callable
        From (LM, EM) to the (x, y) transform from LM pixels to EM pixels.
    represent : callable
    """

    def register(task: Task, start: Matrix) -> Matrix:
        shown = crops(task, start, represent)
        lm_to_laid = compose(
            invert(shown.lm_to_crop), swap_axes(estimate(shown.lm, shown.em)), shown.lm_to_crop
        )
        return compose(invert(lm_to_laid), start)

    return register


def locally_normalised(image: Image) -> Image:
    """Return our locally normalised LoG, for references that compare amplitudes."""
    return normalised_log(image, LOG_SIGMA, ENERGY_WINDOW)


def elastix(lm: Image, em: Image) -> Matrix:
    """Return elastix' affine: Mattes mutual information, adaptive stochastic gradient descent.

    The library's own parameter map of an affine registration, with 3 resolutions instead of
    4 for images this small, 500 iterations instead of 256, and no guess of the centres.
    """
    import itk

    parameters = itk.ParameterObject.New()
    affine = parameters.GetDefaultParameterMap("affine", 3)
    affine["MaximumNumberOfIterations"] = ["500"]
    affine["AutomaticTransformInitialization"] = ["false"]
    affine["RequiredRatioOfValidSamples"] = ["0.1"]
    parameters.AddParameterMap(affine)
    try:
        _, result = itk.elastix_registration_method(
            itk.image_view_from_array(lm), itk.image_view_from_array(em),
            parameter_object=parameters, log_to_console=False, number_of_threads=1,
        )  # fmt: skip
    except RuntimeError as error:
        raise MethodFailed(str(error)) from error
    numbers = [float(value) for value in result.GetParameter(0, "TransformParameters")]
    centre = [float(value) for value in result.GetParameter(0, "CenterOfRotationPoint")]
    return _about(np.reshape(numbers[:4], (2, 2)), numbers[4:], centre)


def simple_itk(lm: Image, em: Image) -> Matrix:
    """Return SimpleITK's affine: Mattes mutual information, regular step gradient descent.

    32 bins, all pixels, parameters weighted by physical shift, 3 resolutions.
    """
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 300, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SetNumberOfThreads(1)
    start = sitk.AffineTransform(2)
    start.SetCenter([(length - 1) / 2 for length in lm.shape[::-1]])
    method.SetInitialTransform(start, inPlace=True)
    try:
        method.Execute(sitk.GetImageFromArray(lm), sitk.GetImageFromArray(em))
    except RuntimeError as error:
        raise MethodFailed(str(error)) from error
    linear = np.reshape(start.GetMatrix(), (2, 2))
    return _about(linear, start.GetTranslation(), start.GetCenter())


def stackreg(lm: Image, em: Image) -> Matrix:
    """Return pystackreg's affine (TurboReg: a pyramid, least squares, all its defaults)."""
    from pystackreg import StackReg

    return np.asarray(StackReg(StackReg.AFFINE).register(lm, em), dtype=np.float64)


def ecc(lm: Image, em: Image) -> Matrix:
    """Return OpenCV's affine that maximises the enhanced correlation coefficient.

    At most 300 steps, tolerance 1e-6, a Gaussian of 5 pixels, which is OpenCV's default.
    """
    import cv2

    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 300, 1e-6)
    begin = np.eye(2, 3, dtype=np.float32)
    try:
        _, matrix = cv2.findTransformECC(lm, em, begin, cv2.MOTION_AFFINE, stop, None, 5)
    except cv2.error as error:
        raise MethodFailed(str(error)) from error
    return np.vstack([matrix, (0, 0, 1)]).astype(np.float64)


def _about(linear: NDArray[Any], shift: Any, centre: Any) -> Matrix:
    """Return ITK's affine, ``linear @ (p - centre) + centre + shift``, as one matrix."""
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.asarray(centre) + shift - linear @ np.asarray(centre)
    return matrix


REGISTRATIONS: Mapping[str, Registration] = {
    "ours": ours,
    "elastix, Mattes MI of LoG": reference(elastix),
    "SimpleITK, Mattes MI of LoG": reference(simple_itk),
    "pystackreg, normalised LoG": reference(stackreg, locally_normalised),
    "OpenCV ECC, normalised LoG": reference(ecc, locally_normalised),
}
"""Ours, and what a user could take instead."""

LIBRARIES: Mapping[str, str] = {
    "elastix, Mattes MI of LoG": "itk",
    "SimpleITK, Mattes MI of LoG": "SimpleITK",
    "pystackreg, normalised LoG": "pystackreg",
    "OpenCV ECC, normalised LoG": "cv2",
}
"""What a reference imports."""
