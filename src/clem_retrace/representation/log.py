"""Laplacian of Gaussian, the common representation of both images (paper 3.1, eq. 1).

``L_sigma(I) = Laplacian(G_sigma * I)``; bright blobs are its minima. The sampled kernels
of `scipy.ndimage` are applied in the Fourier domain, tile by tile: the time does not
depend on sigma, memory stays bounded, and images that are read lazily are read in strips.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from clem_retrace.events import Progress, Steps, run
from clem_retrace.parallel import in_order
from clem_retrace.pixels import as_float32, read

__all__ = [
    "ROUNDING",
    "filled",
    "filter_spectrum",
    "kernel_radius",
    "laplacian_of_gaussian",
    "laplacian_of_gaussian_steps",
    "read_padded",
    "transfer",
]

#: Kernels end at 5 sigma: the Laplacian of a constant is then 1.5e-5 of it before
#: it is set to 0, where scipy's default of 4 sigma leaves 1e-3.
TRUNCATE = 5.0

#: Below this part of a tile's largest response there are only rounding errors of the Fourier
#: transform, which are up to 4e-7 of it: flat areas must stay flat.
ROUNDING = 1e-6

#: Side of a tile without its halo: the Fourier transform then stays in the processor's cache.
TILE = 512


def laplacian_of_gaussian(image: Any, sigma: float) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian of an image.

    Parameters
    ----------
    image : array_like, shape (M, N)
        Anything with ``shape`` and slicing; read in strips. Missing pixels (not finite)
        take the value of the nearest known one.
    sigma : float, pixels
        Standard deviation of the Gaussian; the paper's *s* is its square.

    Returns
    -------
    ndarray, shape (M, N), float32
        Not normalised by sigma; NaN at missing pixels. Equal to
        ``scipy.ndimage.gaussian_laplace(image, sigma, mode="reflect", truncate=5)``
        within 1e-4 of its standard deviation for a sigma of 1 or more, and exactly 0
        where the image is flat.

    References
    ----------
    Paper, section 3.1, equation (1).
    """
    return run(laplacian_of_gaussian_steps(image, sigma, "Laplacian of Gaussian"))


def laplacian_of_gaussian_steps(image: Any, sigma: float, stage: str) -> Steps[NDArray[np.float32]]:
    """Yield progress of `laplacian_of_gaussian` under the name of `stage`; return its result."""
    rows, cols = image.shape
    halo = kernel_radius(sigma)
    tile = max(TILE, 2 * halo)  # a wide halo must not outweigh what it surrounds
    result = np.empty((rows, cols), np.float32)
    done, total = 0, math.ceil(rows / tile) * math.ceil(cols / tile)
    for top in range(0, rows, tile):
        bottom = min(top + tile, rows)
        strip, known = read_padded(image, (top, bottom), (0, cols), halo)
        lefts = range(0, cols, tile)
        parts = [strip[:, left : min(left + tile, cols) + 2 * halo] for left in lefts]
        responses = in_order(lambda part: _filter(part, sigma, halo), parts)
        for left, response in zip(lefts, responses, strict=True):
            yield Progress(stage, done, total)
            result[top:bottom, left : left + tile] = response
            done += 1
        if known is not None:
            result[top:bottom][~known] = np.nan
    yield Progress(stage, total, total)
    return result


def kernel_radius(sigma: float) -> int:
    """Return how many pixels the kernel of a standard deviation reaches to each side."""
    return max(1, int(TRUNCATE * sigma + 0.5))


def read_padded(
    image: Any, rows: tuple[int, int], cols: tuple[int, int], halo: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return a part of an image with its surroundings, mirrored where the image ends.

    Parameters
    ----------
    image : array_like, shape (M, N)
    rows, cols : (first, last)
        The part, `last` excluded.
    halo : int, pixels
        Added to each side; the image's pixels where there are any.

    Returns
    -------
    part : ndarray, shape (rows + 2 halo, cols + 2 halo), float32
        Missing pixels take the value of the nearest known one; 0 where none is known.
    known : ndarray of bool, shape (rows, cols), or None
        Which pixels of the part itself are finite; None when all are.
    """
    indices = [
        _mirrored_indices(span, halo, length)
        for span, length in zip((rows, cols), image.shape, strict=True)
    ]
    top, left = (int(index.min()) for index in indices)
    bottom, right = (int(index.max()) + 1 for index in indices)
    part = as_float32(read(image, slice(top, bottom), slice(left, right)))
    finite = np.isfinite(part)
    known = None
    if not finite.all():
        known = finite[rows[0] - top : rows[1] - top, cols[0] - left : cols[1] - left]
        part = filled(part, finite)
    if part.shape != (len(indices[0]), len(indices[1])):
        part = part[np.ix_(indices[0] - top, indices[1] - left)]
    return part, known


def transfer(sigma: float, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the spectra of the sampled Gaussian and of its second derivative.

    Parameters
    ----------
    sigma : float, pixels
    length : int
        Of the periodic axis; at least twice `kernel_radius` plus 1.

    Returns
    -------
    smooth, second : ndarray, shape (length,), float32
        Real, since the kernels are symmetric; in the order of `scipy.fft.fftfreq`.
    """
    radius = kernel_radius(sigma)
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-0.5 * (x / sigma) ** 2)
    smooth /= smooth.sum()
    second = (x**2 / sigma**4 - 1 / sigma**2) * smooth
    second -= second.sum() * smooth  # a constant has no curvature
    kernels = np.zeros((2, length))
    kernels[:, x] = smooth, second
    spectra = fft.fft(kernels).real.astype(np.float32)
    return spectra[0], spectra[1]


def filter_spectrum(
    spectrum: NDArray[np.complex64], shape: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian of the periodic image that has a real spectrum.

    Parameters
    ----------
    spectrum : ndarray, shape (m, n // 2 + 1), complex64
        Of `scipy.fft.rfft2`.
    shape : (m, n)
        Of the image.
    sigma : float, pixels
    """
    smooth_row, second_row = transfer(sigma, shape[0])
    smooth_col, second_col = (part[: spectrum.shape[1]] for part in transfer(sigma, shape[1]))
    response = second_row[:, None] * smooth_col
    response += smooth_row[:, None] * second_col
    return fft.irfft2(spectrum * response, s=shape, overwrite_x=True)  # type: ignore[no-any-return]


def _filter(part: NDArray[np.float32], sigma: float, halo: int) -> NDArray[np.float32]:
    """Return the Laplacian of Gaussian of `part` without its halo."""
    rows, cols = part.shape
    shape = (fft.next_fast_len(rows, real=True), fft.next_fast_len(cols, real=True))
    # Subtracting the mean changes nothing but the rounding: a 16-bit offset would cost digits.
    # What is padded to a fast length is wrapped round into the halo only.
    padded = np.zeros(shape, np.float32)
    np.subtract(part, np.float32(part.mean(dtype=np.float64)), out=padded[:rows, :cols])
    response = filter_spectrum(fft.rfft2(padded, overwrite_x=True), shape, sigma)
    inside = response[halo : rows - halo, halo : cols - halo]
    inside[np.abs(inside) <= ROUNDING * max(response.max(), -response.min())] = 0
    return inside


def _mirrored_indices(span: tuple[int, int], halo: int, length: int) -> NDArray[np.intp]:
    """Return the pixels of an axis from `halo` before a span to `halo` after it."""
    first, last = span
    inside = np.arange(max(first - halo, 0), min(last + halo, length))
    missing = (max(halo - first, 0), max(last + halo - length, 0))
    return np.pad(inside, missing, mode="symmetric")


def filled(part: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image of which unknown pixels take the value of the nearest known one.

    All are 0 where none is known.
    """
    if not known.any():
        return np.zeros_like(part)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return part[tuple(nearest)]  # type: ignore[no-any-return]
