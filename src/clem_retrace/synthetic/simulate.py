"""`simulate_pair`: a pair of any geometry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import InvalidOption, PatchLargerThanEM, RoiError
from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity, translation
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.pixels import is_whole, real_number
from clem_retrace.synthetic.electron import section_image
from clem_retrace.synthetic.light import fluorescence, transmitted
from clem_retrace.synthetic.organelles import Content
from clem_retrace.synthetic.pair import Pair, true_patch
from clem_retrace.synthetic.specimen import Layout, Specimen, draw_specimen

__all__ = ["LAYOUTS", "simulate_pair"]

Contrast = Literal["same", "inverted"]

LAYOUTS: Mapping[Content, Layout] = MappingProxyType(
    {
        "granules": Layout(
            radius=2.1,
            per_area=0.016,
            clustering=0.8,
            cell_diameter=135.0,
            confluence=1.15,
            nuclear_radius=0.23,
            nuclear=False,
            irregularity=0.06,
        ),
        "vesicles": Layout(
            radius=2.4,
            per_area=0.010,
            clustering=0.7,
            cell_diameter=160.0,
            confluence=1.05,
            nuclear_radius=0.23,
            nuclear=False,
            irregularity=0.05,
        ),
        "chromatin": Layout(
            radius=3.0,
            per_area=0.017,
            clustering=0.0,
            cell_diameter=90.0,
            confluence=1.3,
            nuclear_radius=0.31,
            nuclear=True,
            irregularity=0.28,
        ),
    }
)
"""Melanosomes and zymogen granules; endosomes; heterochromatin of small nuclei. A usual LM
pixel of 110 nm makes them 460 nm, 530 nm and 660 nm across."""


def simulate_pair(
    seed: int,
    *,
    lm_shape: tuple[int, int] = (400, 500),
    em_shape: tuple[int, int] = (2000, 2400),
    roi_size: tuple[int, int] = (80, 100),
    ratio: float = 10.0,
    angle: float = 0.0,
    mirrored: bool = False,
    shear: float = 0.0,
    anisotropy: float = 0.0,
    structures: Content = "granules",
    contrast: Contrast = "inverted",
    shared: float = 0.4,
    density: float = 1.0,
    jitter: float = 0.0,
    noise: float = 1.0,
    present: bool = True,
    lm_pixel_size: float = 110.0,
    em_pixel_size: float | None = None,
    name: str = "",
) -> Pair:
    """Return a simulated LM/EM pair with a known answer.

    The LM looks at a whole cell, the EM at a section of it. Each shows as many structures
    as the other, and a fraction `shared` of those in one is in the other too, counted over
    all that the two images cover; the few in one ROI scatter about it. Mitochondria,
    droplets and haze belong to one image alone and are not counted.

    Parameters
    ----------
    seed : int
        The same seed and options give the same pair.
    lm_shape, em_shape : (rows, cols), pixels
    roi_size : (height, width), LM pixels
    ratio : float, EM pixels per LM pixel
    angle : float, degrees
        By which the LM is turned to lie on the EM, counter-clockwise on the screen.
    mirrored : bool
        Whether it is mirrored first.
    shear, anisotropy : float
        Of the specimen on its way from one microscope to the other: 0.03 shears by 3 %, or
        makes one principal stretch 3 % larger than the other. Neither changes areas or
        `angle`.
    structures : {"granules", "vesicles", "chromatin"}
        What the two images have in common.
    contrast : {"same", "inverted"}
        "same" is transmitted light, structures dark in both; "inverted" is fluorescence,
        bright in the LM and dark in the EM.
    shared : float, 0 to 1
    density : float
        Factor on the usual number of structures.
    jitter : float, LM pixels
        Standard deviation by which structures have moved, each for itself, between the two.
    noise : float
        Factor on the usual noise of both images, scratches and stain specks.
    present : bool
        False gives an EM image of another specimen of the same kind.
    lm_pixel_size : float, nm
    em_pixel_size : float, nm, optional
        What the EM's file claims; the true one when left out.
    name : str

    Returns
    -------
    Pair

    Raises
    ------
    InvalidOption
        An option out of its range.
    RoiError
        The ROI does not fit into the LM.
    PatchLargerThanEM
        Its true patch does not fit into the EM.

    Examples
    --------
    >>> from clem_retrace.synthetic import simulate_pair
    >>> pair = simulate_pair(
    ...     4, lm_shape=(150, 200), em_shape=(640, 720), roi_size=(70, 90), ratio=4.0,
    ...     angle=33.0, shared=0.9,
    ... )
    >>> pair.lm.shape, pair.em.shape, pair.present
    ((150, 200), (640, 720), True)
    >>> round(float(abs(pair.lm_to_em[0, 0])), 3)  # 4 cos(33 degrees)
    3.355
    """
    if not is_whole(seed) or seed < 0:
        raise InvalidOption(f"seed is {seed!r}: a whole number from 0 is needed")
    for label, shape in (("lm_shape", lm_shape), ("em_shape", em_shape), ("roi_size", roi_size)):
        _check_shape(label, shape)
    _check_range("ratio", ratio, 1, 100)
    _check_range("angle", angle, -1e6, 1e6)
    _check_range("lm_pixel_size", lm_pixel_size, 1e-3, 1e9)
    if em_pixel_size is not None:
        _check_range("em_pixel_size", em_pixel_size, 1e-3, 1e9)
    _check_range("shear", shear, -0.5, 0.5)
    _check_range("anisotropy", anisotropy, 0, 0.5)
    _check_range("shared", shared, 0, 1)
    _check_range("density", density, 0.1, 3)
    _check_range("jitter", jitter, 0, 10)
    _check_range("noise", noise, 0, 10)
    _check_choice("structures", structures, get_args(Content))
    _check_choice("contrast", contrast, get_args(Contrast))
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(5)]
    place_rng, specimen_rng, other_rng, lm_rng, em_rng = streams
    linear = _linear(ratio, angle, mirrored, shear, anisotropy)
    roi, lm_to_em = _placed(place_rng, linear, lm_shape, em_shape, roi_size)
    layout = LAYOUTS[structures]
    layout = replace(layout, per_area=layout.per_area * density)
    window = _window(lm_to_em, lm_shape, em_shape)
    anchor = np.array(roi.centre)
    specimen = draw_specimen(specimen_rng, layout, window, anchor, shared=shared)
    lm_image = (transmitted if contrast == "same" else fluorescence)(
        lm_rng, specimen, lm_shape, noise=noise
    )
    cut = specimen
    if not present:
        cut = draw_specimen(other_rng, layout, window, anchor, shared=shared)
    cut = _moved(em_rng, cut, jitter)
    em_image = section_image(em_rng, cut, lm_to_em, em_shape, content=structures, noise=noise)
    name = name or f"simulated {structures} {seed}"
    em_pixel_size = lm_pixel_size / ratio if em_pixel_size is None else em_pixel_size
    return Pair(
        lm=Micrograph(lm_image, lm_pixel_size, f"{name} LM"),
        em=Micrograph(em_image, em_pixel_size, f"{name} EM"),
        roi=roi,
        lm_to_em=lm_to_em if present else None,
        ground_truth=true_patch(roi, lm_to_em) if present else None,
        name=name,
        landmarks=_landmarks(specimen, lm_to_em, lm_shape, em_shape)
        if present
        else np.empty((0, 2)),
    )


def _check_range(label: str, value: float, low: float, high: float) -> None:
    """Refuse a number that no specimen could have."""
    if not low <= real_number(value) <= high:
        raise InvalidOption(f"{label} is {value!r}: it must be from {low:g} to {high:g}")


def _check_shape(label: str, shape: tuple[int, int]) -> None:
    """Refuse what is no number of rows and columns."""
    sides = shape if isinstance(shape, tuple | list) else ()
    if len(sides) != 2 or not all(is_whole(side) and side > 0 for side in sides):
        raise InvalidOption(f"{label} is {shape!r}: rows and columns are needed, 1 or more of each")


def _check_choice(label: str, choice: str, choices: tuple[str, ...]) -> None:
    """Refuse an unknown word."""
    if not isinstance(choice, str) or choice not in choices:
        raise InvalidOption(f"{label} is {choice!r}: choose one of {', '.join(choices)}")


def _linear(ratio: float, angle: float, mirrored: bool, shear: float, anisotropy: float) -> Matrix:
    """Return ratio * R(angle) @ U @ mirror, U the symmetric stretch of area 1."""
    stretch = math.sqrt(1 + anisotropy)
    deformation = np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([stretch, 1 / stretch])
    # The symmetric factor of the polar decomposition; the turn that a shear brings is left out.
    _, singular, vt = np.linalg.svd(deformation)
    matrix = np.eye(3)
    matrix[:2, :2] = vt.T @ np.diag(singular) @ vt
    if mirrored:
        matrix[:2, 1] *= -1
    return compose(similarity(ratio, angle, False, (0, 0), (0, 0)), matrix)


def _placed(
    rng: np.random.Generator,
    linear: Matrix,
    lm_shape: tuple[int, int],
    em_shape: tuple[int, int],
    roi_size: tuple[int, int],
) -> tuple[Roi, Matrix]:
    """Return a ROI anywhere in the LM, and the transform that puts it anywhere in the EM."""
    room = [have - need for have, need in zip(lm_shape, roi_size, strict=True)]
    if min(room) < 0 or min(roi_size) < 1:
        raise RoiError(
            f"a ROI of {roi_size[0]} x {roi_size[1]} pixels does not fit into an LM image of "
            f"{lm_shape[0]} x {lm_shape[1]}"
        )
    row, col = (int(rng.integers(0, free + 1)) for free in room)
    roi = Roi(row, col, *roi_size)
    around = map_points(linear, roi.corners - np.array(roi.centre))
    half = np.abs(around).max(axis=0)
    # The patch's outline lies on pixel edges, -0.5 to size - 0.5.
    low, high = half - 0.5, np.array(em_shape) - 0.5 - half
    if (high < low).any():
        raise PatchLargerThanEM(
            f"the ROI's true patch measures {2 * half[0]:.0f} x {2 * half[1]:.0f} EM pixels, the "
            f"EM image {em_shape[0]} x {em_shape[1]}: choose a smaller ROI or ratio"
        )
    centre = low + rng.random(2) * (high - low)
    return roi, compose(translation(centre), linear, translation(-np.array(roi.centre)))


def _window(
    lm_to_em: Matrix, lm_shape: tuple[int, int], em_shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the smallest and largest (row, col) of LM pixels that either image looks at."""
    lm_corners = Roi(0, 0, *lm_shape).corners
    em_corners = map_points(invert(lm_to_em), Roi(0, 0, *em_shape).corners)
    corners = np.concatenate([lm_corners, em_corners])
    return np.stack([corners.min(axis=0) - 10, corners.max(axis=0) + 10])


def _moved(rng: np.random.Generator, specimen: Specimen, jitter: float) -> Specimen:
    """Return the specimen with each structure moved a little for itself."""
    centres = specimen.structures.centres
    moved = centres + jitter * rng.standard_normal(centres.shape)
    return replace(specimen, structures=replace(specimen.structures, centres=moved))


def _landmarks(
    specimen: Specimen, lm_to_em: Matrix, lm_shape: tuple[int, int], em_shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the centres, in LM pixels, of the structures that both images show."""
    structures = specimen.structures
    points = structures.centres[structures.in_lm & structures.in_em]
    inside = np.ones(len(points), bool)
    for place, shape in ((points, lm_shape), (map_points(lm_to_em, points), em_shape)):
        inside &= ((place >= 0) & (place <= np.array(shape) - 1)).all(axis=1)
    return points[inside]
