"""Fits to pairs of points: rigid, similarity, affine, thin-plate spline.

All minimise the squared distances in LM pixels.

References
----------
S. Umeyama, Least-squares estimation of transformation parameters between two point
patterns, IEEE Trans. Pattern Anal. Mach. Intell. 13(4), 1991, doi:10.1109/34.88573.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import LandmarkError, TransformError
from clem_retrace.geometry import LARGEST_ENTRY, Matrix, decompose, map_points
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import CALLED, Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate, least_squares_affine

__all__ = ["fit_landmarks"]

#: The two ways round are told apart when the sum of squares of one is less than this share of
#: the other's.
TELLS_MIRROR = 0.5

#: Where the EM's points come to span less than this share of the LM's, they have nothing to do
#: with each other.
SHRUNK = 1e-6


def fit_landmarks(
    landmarks: Landmarks,
    model: Model,
    *,
    lm: ImageFacts,
    em: ImageFacts,
    start: Matrix | None = None,
) -> PairTransform:
    """Return the transform that lays the EM's points over the LM's.

    Parameters
    ----------
    landmarks : Landmarks
        Of which those take part that are placed and active.
    model : {"rigid", "similarity", "affine", "thin-plate spline"}
        Rigid means rigid in nm: the magnification is that of the pixel sizes.
    lm, em : ImageFacts
    start : ndarray, shape (3, 3), optional
        From EM to LM pixels, as is known so far. It tells what the pairs do not: whether
        one image is mirrored, where two pairs or pairs on a line leave that open (without
        it, not mirrored), and the magnification of a rigid transform, where a pixel size
        is unknown.

    Raises
    ------
    LandmarkError
        The pairs are too few, lie in one place or on one line, or contradict each other;
        or the model is rigid and the magnification is unknown.

    Examples
    --------
    >>> from clem_retrace.micrograph import ImageFacts
    >>> from clem_retrace.registration.fits import fit_landmarks
    >>> from clem_retrace.registration.landmarks import Landmarks
    >>> lm = ImageFacts("lm", shape=(300, 400), pixel_size=100.0)
    >>> em = ImageFacts("em", shape=(2000, 2400), pixel_size=10.0)
    >>> on_lm = [(60, 80), (60, 280), (210, 80), (210, 280)]
    >>> on_em = [(100, 200), (100, 2200), (1600, 200), (1604, 2200)]
    >>> transform = fit_landmarks(Landmarks.of(on_lm, on_em), "similarity", lm=lm, em=em)
    >>> transform.to_lm((1000, 1000)).round(1)
    array([149.9, 160. ])
    """
    landmarks.require(model)
    if model not in ("rigid", "similarity"):
        return _made(landmarks, model, lm, em, None)
    magnification = _magnification(lm, em, start) if model == "rigid" else None
    lm_points, em_points = landmarks.lm[landmarks.used], landmarks.em[landmarks.used]
    ways = [_turned(em_points, lm_points, magnification, mirrored) for mirrored in (False, True)]
    plain, mirrored = (
        float(((map_points(matrix, em_points) - lm_points) ** 2).sum()) for matrix in ways
    )
    # Squares as small as these are rounding: the pairs fit exactly.
    rounding = 1e-12 * float(((lm_points - lm_points.mean(axis=0)) ** 2).sum())
    if min(plain, mirrored) + rounding > TELLS_MIRROR * (max(plain, mirrored) + rounding):
        flip = start is not None and decompose(start).mirrored
    else:
        flip = mirrored < plain
    return _made(landmarks, model, lm, em, ways[flip])


def _made(
    landmarks: Landmarks, model: Model, lm: ImageFacts, em: ImageFacts, matrix: Matrix | None
) -> PairTransform:
    """Return the transform of a turn that was fitted, or fit one that may stretch and bend."""
    lm_points, em_points = landmarks.lm[landmarks.used], landmarks.em[landmarks.used]
    spline = None
    try:
        if model == "thin-plate spline":
            spline = ThinPlate.fit(lm_points, em_points)
            matrix = spline.affine
        elif matrix is None:
            matrix = least_squares_affine(em_points, lm_points)
        spread = np.ptp(map_points(matrix, em_points), axis=0).max()
        if spread < SHRUNK * np.ptp(lm_points, axis=0).max():
            raise TransformError("it shrinks the EM to nothing")
        return PairTransform(matrix, lm, em, model, "landmarks", landmarks, spline)
    except TransformError as error:
        raise LandmarkError(
            f"the pairs contradict each other, {CALLED[model]} would shrink the EM to nothing: "
            "check that the two points of each pair show the same thing"
        ) from error


def _magnification(lm: ImageFacts, em: ImageFacts, start: Matrix | None) -> float:
    """Return the LM pixels per EM pixel of a rigid transform."""
    if lm.pixel_size is not None and em.pixel_size is not None:
        magnification = em.pixel_size / lm.pixel_size
        if not 1 / LARGEST_ENTRY < magnification < LARGEST_ENTRY:
            raise LandmarkError(
                f"the pixels of the LM and of the EM are {lm.pixel_size:g} and {em.pixel_size:g} "
                "nm large: check them, or choose a similarity, which needs none"
            )
        return magnification
    if start is not None:
        return decompose(start).magnification
    missing = " and ".join(
        image for image, facts in (("LM", lm), ("EM", em)) if facts.pixel_size is None
    )
    raise LandmarkError(
        f"a rigid transform takes its magnification from the pixel sizes, and that of the "
        f"{missing} is unknown: enter it, or choose a similarity, which needs none"
    )


def _turned(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    magnification: float | None,
    mirrored: bool,
) -> Matrix:
    """Return the transform that mirrors or not, magnifies by what is given or fits, and turns."""
    # Imported when needed: scikit-image takes more than half a second.
    from skimage.transform import EuclideanTransform, SimilarityTransform

    before = np.diag([1.0, -1.0 if mirrored else 1.0, 1.0])
    before[:2] *= magnification or 1.0
    kind = SimilarityTransform if magnification is None else EuclideanTransform
    fitted = kind.from_estimate(map_points(before, source), target)
    if not fitted:
        raise LandmarkError(f"the pairs do not tell a transform: {fitted}")
    matrix: Matrix = fitted.params @ before
    return matrix
