"""Pairs of points to a transform, and a transform to pairs of points."""

from __future__ import annotations

import numpy as np

from clem_retrace.errors import BadFile
from clem_retrace.io.transforms.kind import Asked
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["FARTHEST", "fitted", "pairs_for"]

#: Pairs that a spline goes through: memory grows with their square, and time with their cube.
MOST_BENDING = 4000

#: Pixels. Numbers larger than this are no coordinates, and their squares are not to overflow.
FARTHEST = 1e12


def fitted(
    landmarks: Landmarks,
    asked: Asked,
    lm: ImageFacts,
    em: ImageFacts,
    model: Model | None = None,
) -> PairTransform:
    """Return the transform fitted to a file's pairs.

    Parameters
    ----------
    landmarks : Landmarks
    asked : Asked
        Its model comes first.
    lm, em : ImageFacts
    model : {"rigid", "similarity", "affine", "thin-plate spline"}, optional
        That of the file. Where there is none, affine for three pairs and more, otherwise
        similarity.

    Raises
    ------
    BadFile
        A point lies too far away to be one of an image, or there are too many for a spline.
    LandmarkError
        The pairs do not tell a transform.
    """
    farthest = max(
        np.abs(points[~np.isnan(points)]).max(initial=0.0)
        for points in (landmarks.lm, landmarks.em)
    )
    if farthest > FARTHEST:
        raise BadFile(f"a point lies {farthest:.3g} pixels away: check the unit")
    # Imported when needed: scipy is slow to come.
    from clem_retrace.registration.fits import fit_landmarks

    count = int(landmarks.used.sum())
    default: Model = "affine" if count >= 3 else "similarity"
    chosen = asked.model or model or default
    if chosen == "thin-plate spline" and count > MOST_BENDING:
        raise BadFile(
            f"it holds {count} pairs, and a spline is fitted to {MOST_BENDING} at most: choose "
            "another model"
        )
    return fit_landmarks(landmarks, chosen, lm=lm, em=em)


def pairs_for(transform: PairTransform) -> Landmarks:
    """Return the pairs that a transform was fitted to, or some that it is told by.

    These are the centres of the LM's corner pixels and of the whole image, with their
    partners: an affine transform fitted to them is the same again.

    Raises
    ------
    BadFile
        There are none, and the shape of the LM image is not known.
    """
    if transform.landmarks is not None and transform.landmarks.used.any():
        return transform.landmarks
    rows, cols = transform.lm.shape
    if min(rows, cols) < 2:
        raise BadFile("the file holds points, and the shape of the LM image is not known")
    bottom, right = rows - 1.0, cols - 1.0
    lm = np.array([(0, 0), (bottom, 0), (bottom, right), (0, right), (bottom / 2, right / 2)])
    names = (*(f"corner {number}" for number in range(1, 5)), "centre")
    return Landmarks(lm, transform.to_em(lm), np.ones(len(lm), bool), names)
