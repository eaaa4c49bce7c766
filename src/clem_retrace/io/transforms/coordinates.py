"""From pixels to the coordinates of a file, and back."""

from __future__ import annotations

from collections.abc import Mapping

from clem_retrace.errors import MissingPixelSize
from clem_retrace.geometry import Matrix, compose, invert, translation
from clem_retrace.io.transforms.kind import NM, Unit
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["from_file", "in_file", "pixel_frame", "pixel_frames"]


def pixel_frame(facts: ImageFacts, which: Which, unit: Unit, *, corner: bool = False) -> Matrix:
    """Return the transform from an image's pixels to a file's coordinates, (row, col).

    Parameters
    ----------
    facts : ImageFacts
    which : {"lm", "em"}
        For the message.
    unit : {"nm", "um", "mm", "px"}
        Of the coordinates.
    corner : bool
        Whether they count from the outer corner of the first pixel, not from its centre.

    Raises
    ------
    MissingPixelSize
        They are lengths, and the pixel size is not known.
    """
    shift = 0.5 if corner else 0.0
    frame = translation((shift, shift))
    if unit != "px":
        if facts.pixel_size is None:
            raise MissingPixelSize(
                f"the file holds lengths, and the pixel size of the {which.upper()} image is not "
                "known: give it, in nm"
            )
        frame[:2] *= facts.pixel_size / NM[unit]
    return frame


def pixel_frames(
    lm: ImageFacts, em: ImageFacts, unit: Unit, *, corner: bool = False
) -> dict[Which, Matrix]:
    """Return those of both images.

    Raises
    ------
    MissingPixelSize
        One is needed, and not known.
    """
    return {
        "lm": pixel_frame(lm, "lm", unit, corner=corner),
        "em": pixel_frame(em, "em", unit, corner=corner),
    }


def in_file(transform: PairTransform, source: Which, unit: Unit, *, corner: bool = False) -> Matrix:
    """Return the transform from one image to the other in a file's coordinates, (row, col).

    Raises
    ------
    MissingPixelSize
        A pixel size is needed, and not known.
    """
    frames = pixel_frames(transform.lm, transform.em, unit, corner=corner)
    em_to_lm = compose(frames["lm"], transform.em_to_lm, invert(frames["em"]))
    return em_to_lm if source == "em" else invert(em_to_lm)


def from_file(
    matrix: Matrix,
    source: Which,
    frames: Mapping[Which, Matrix],
    lm: ImageFacts,
    em: ImageFacts,
) -> PairTransform:
    """Return the transform that a file's matrix is, (row, col).

    Parameters
    ----------
    matrix : ndarray, shape (3, 3)
        From one image to the other.
    source : {"lm", "em"}
        From which.
    frames : mapping
        Of `pixel_frames`.
    lm, em : ImageFacts

    Raises
    ------
    TransformError
        It cannot be inverted.
    """
    em_to_lm = matrix if source == "em" else invert(matrix)
    in_pixels = compose(invert(frames["lm"]), em_to_lm, frames["em"])
    return PairTransform(in_pixels, lm, em, origin="file")
