"""The real sample pair, downloaded on request: chromatin in sections of *C. elegans*.

The two images lie on one pixel grid; the LM is coarsened and turned here, so that there is
something to find and the answer is known.

References
----------
R. Seifert et al., DeepCLEM: automated registration for correlative light and electron
microscopy using deep learning, F1000Research 9:1275 (2020); images by S. Markert, MIT
licence, https://github.com/Rickmic/Deep_CLEM.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import SampleUnavailable
from clem_retrace.geometry import Matrix, invert, map_points, similarity
from clem_retrace.io.system_errors import in_words
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.synthetic.pair import Pair, true_patch

__all__ = ["BASE_URL", "REGISTRY", "brightest_roi", "download", "real_pair", "turned_pair"]

BASE_URL = (
    "https://raw.githubusercontent.com/Rickmic/Deep_CLEM/d4cb80fbad0f5c177c52542cfb7534bbfad1c708/"
)

EM_FILE, LM_FILE = "data/EM_raw/s7_ds.png", "data/FM_raw/s7_ds.png"

#: SHA-256 of the files below BASE_URL.
REGISTRY: Mapping[str, str] = MappingProxyType(
    {
        EM_FILE: "7413cb0eb6a00f71497cdbaa214079db3f6681549c9653be896b2998ecdf25f5",
        LM_FILE: "8dab8adeb2070594f7516bbd1c7c514bbbc38d23ecc8095f0ce09c2907f52425",
    }
)

#: How long the server may keep silent, seconds.
TIMEOUT = 20.0

#: nm per pixel of the EM image as published, about; and by how much the LM is coarsened.
EM_PIXEL_SIZE, COARSENING = 20.0, 3

#: LM pixels: one or two nuclei.
ROI_SIZE = (100, 130)


def real_pair(
    *,
    angle: float = 140.0,
    mirrored: bool = False,
    folder: Path | None = None,
    base_url: str = BASE_URL,
    registry: Mapping[str, str] = REGISTRY,
) -> Pair:
    """Return a real pair with its answer, downloaded the first time it is asked for.

    Parameters
    ----------
    angle : float, degrees
        By which the LM must be turned to lie on the EM, counter-clockwise on the screen.
    mirrored : bool
        Whether it must be mirrored first.
    folder : Path, optional
        Where the files are kept; the user's cache folder when left out.
    base_url : str
        Where they come from; ends with a slash.
    registry : mapping of file name to SHA-256

    Returns
    -------
    Pair
        The truth is good to about 4 EM pixels rms: its authors registered it by hand.

    Raises
    ------
    SampleUnavailable
        No network, no such file, no place to keep it, or a wrong checksum.
    """
    em_path, lm_path = download((EM_FILE, LM_FILE), folder, base_url, registry)
    return turned_pair(_read(em_path), _read(lm_path), angle=angle, mirrored=mirrored)


def download(
    names: tuple[str, ...], folder: Path | None, base_url: str, registry: Mapping[str, str]
) -> list[Path]:
    """Return the paths of files, fetched unless they are there with the right checksum.

    The parameters are those of `real_pair`.

    Raises
    ------
    SampleUnavailable
        No network, no such file, no place to keep it, or a wrong checksum.
    """
    import pooch

    folder = Path(pooch.os_cache("clem-retrace")) if folder is None else folder
    store = pooch.create(path=folder, base_url=base_url, registry=dict(registry))
    paths = []
    for name in names:
        by_hand = (
            f"Without a network, put the file from {base_url}{name} at {folder / name} by hand."
        )
        try:
            paths.append(Path(store.fetch(name, downloader=pooch.HTTPDownloader(timeout=TIMEOUT))))
        except OSError as error:
            raise SampleUnavailable(
                f"the sample image {name} could not be downloaded from {base_url}{name} to "
                f"{folder}: {_why(error)}. {by_hand}"
            ) from error
        except ValueError as error:
            raise SampleUnavailable(
                f"the file at {base_url}{name} is not the sample image: its SHA-256 is not "
                f"{registry[name]} ({error}). A proxy or a login page may have answered. {by_hand}"
            ) from error
    return paths


def _why(error: OSError) -> str:
    """Return why a download has failed, for people."""
    # The package that pooch downloads with: its errors tell of pools and retries.
    import requests

    if isinstance(error, requests.exceptions.Timeout):
        return "the server does not answer: try again later"
    if isinstance(
        error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
    ):
        return "there is no connection, or it broke off: check the network, and try again"
    return in_words(error)


def turned_pair(
    em: NDArray[np.uint8], lm: NDArray[np.uint8], *, angle: float, mirrored: bool
) -> Pair:
    """Return a pair from two images on one pixel grid, the LM coarsened by 3 and turned.

    Parameters
    ----------
    em, lm : ndarray, shape (M, N), uint8
    angle, mirrored
        See `real_pair`.
    """
    from scipy import ndimage

    from clem_retrace.low_pass import LOW_PASS
    from clem_retrace.resampling import warp

    radians = np.deg2rad(angle)
    turn = np.abs([[np.cos(radians), np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    rows, cols = (int(size) for size in np.ceil(turn @ lm.shape / COARSENING))
    middle, em_middle = (np.array([rows, cols]) - 1) / 2, (np.array(em.shape) - 1) / 2
    lm_to_em = similarity(COARSENING, angle, mirrored, middle, em_middle)
    smooth = ndimage.gaussian_filter(lm.astype(np.float32), LOW_PASS * COARSENING)
    coarse = np.rint(warp(smooth, invert(lm_to_em), (rows, cols), fill=0)).astype(np.uint8)
    roi = brightest_roi(coarse, lm_to_em, (em.shape[0], em.shape[1]))
    return Pair(
        lm=Micrograph(coarse, EM_PIXEL_SIZE * COARSENING, "C. elegans chromatin LM"),
        em=Micrograph(em, EM_PIXEL_SIZE, "C. elegans EM"),
        roi=roi,
        lm_to_em=lm_to_em,
        ground_truth=true_patch(roi, lm_to_em),
        name="C. elegans chromatin",
    )


def brightest_roi(
    lm: NDArray[np.uint8],
    lm_to_em: Matrix,
    em_shape: tuple[int, int],
    size: tuple[int, int] = ROI_SIZE,
) -> Roi:
    """Return the region of a size that holds the most light and lies wholly in the EM.

    Raises
    ------
    SampleUnavailable
        No region of that size lies in both images.
    """
    height, width = size
    total = np.pad(lm, ((1, 0), (1, 0))).cumsum(0, np.int64).cumsum(1)
    light = (
        total[height:, width:]
        - total[:-height, width:]
        - total[height:, :-width]
        + total[:-height, :-width]
    )
    first = np.moveaxis(np.indices(light.shape), 0, -1)
    inside = np.ones(light.shape, bool)
    for corner in Roi(0, 0, height, width).corners:
        place = map_points(lm_to_em, first + corner)
        inside &= ((place >= -0.5) & (place <= np.array(em_shape) - 0.5)).all(axis=-1)
    if not inside.any():
        raise SampleUnavailable(f"the sample images hold no common region of {height} x {width}")
    row, col = np.unravel_index(np.argmax(np.where(inside, light, -1)), light.shape)
    return Roi(int(row), int(col), height, width)


def _read(path: Path) -> NDArray[np.uint8]:
    """Return an image file as one grey channel: the brightest of its colours."""
    import imageio.v3 as iio

    image = np.asarray(iio.imread(path))
    grey = image if image.ndim == 2 else image[..., :3].max(axis=-1)
    return grey.astype(np.uint8)
