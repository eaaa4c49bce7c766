"""The matched representation: layout without amplitude, offset or sign of the background."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.errors import BadImage
from clem_retrace.representation.matched import normalised_log

Array = NDArray[np.float32]

SIGMA, WINDOW = 1.2, 5.0


def texture(seed: int = 0, shape: tuple[int, int] = (120, 140), sigma: float = 2.0) -> Array:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return (noise / noise.std()).astype(np.float32)


def test_bright_is_negative_and_dark_positive() -> None:
    image = np.zeros((80, 90), np.float32)
    image[30, 40], image[50, 60] = 1, -1
    image = ndimage.gaussian_filter(image, 2.0)
    result = normalised_log(image, SIGMA, WINDOW)
    assert result.dtype == np.float32
    assert result.shape == image.shape
    assert result[30, 40] < -1
    assert result[50, 60] > 1
    np.testing.assert_array_equal(normalised_log(-image, SIGMA, WINDOW), -result)


def test_it_is_the_log_over_its_local_spread() -> None:
    image = texture()
    found = normalised_log(image, SIGMA, WINDOW)
    response = ndimage.gaussian_laplace(image.astype(np.float64), SIGMA, mode="nearest")
    window = ndimage.gaussian_filter(np.eye(1, 61, 30).ravel(), WINDOW)
    energy = response**2
    for axis in (0, 1):
        energy = ndimage.convolve1d(energy, window, axis=axis, mode="nearest")
    expected = np.clip(response / np.sqrt(energy + 0.04 * energy.mean()), -3, 3)
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize(
    ("gain", "offset"), [(1e-3, 0.0), (700.0, 0.0), (1.0, 1000.0), (1e-30, 0.0), (1e36, 0.0)]
)
def test_gain_and_offset_do_not_matter(gain: float, offset: float) -> None:
    image = texture()
    image[:, :60] = 0  # where nothing is, an offset must not show either
    changed = (gain * image + offset).astype(np.float32)
    difference = normalised_log(changed, SIGMA, WINDOW) - normalised_log(image, SIGMA, WINDOW)
    # an offset of 1000 spreads leaves float32 four digits of the texture
    assert np.abs(difference).max() < 1e-2


def test_a_strong_edge_does_not_silence_the_rest() -> None:
    image = texture()
    marred = image.copy()
    marred[:, 100:] += 50
    plain, result = (normalised_log(one, SIGMA, WINDOW) for one in (image, marred))
    here = np.s_[:, :70]
    assert np.corrcoef(plain[here].ravel(), result[here].ravel())[0, 1] > 0.9
    # in the LoG itself the edge has nearly all of the energy
    log = ndimage.gaussian_laplace(marred, SIGMA)
    assert (log[here] ** 2).sum() < 0.02 * (log**2).sum()
    assert (result[here] ** 2).sum() > 0.3 * (result**2).sum()


def test_empty_background_stays_silent() -> None:
    image = np.zeros((120, 140), np.float32)
    image[:, :50] = texture()[:, :50]
    image += 1e-4 * texture(1)
    result = normalised_log(image, SIGMA, WINDOW)
    assert result[:, :40].std() > 0.7
    assert np.abs(result[:, 90:]).max() < 0.01


def test_values_are_limited() -> None:
    image = texture()
    image[60, 70] += 1e4
    assert np.abs(normalised_log(image, SIGMA, WINDOW)).max() == 3


@pytest.mark.parametrize(("sigma", "silent"), [(SIGMA, 2), (2.5, 5)])
def test_missing_pixels_are_silent_and_leave_the_rest_alone(sigma: float, silent: int) -> None:
    image = texture()
    holed = image.copy()
    holed[50:70, 40:80] = np.nan
    result = normalised_log(holed, sigma, WINDOW)
    assert np.isfinite(result).all()
    # the hole, and two sigmas round it
    assert (result[50 - silent : 70 + silent, 40:80] == 0).all()
    assert (result[50:70, 40 - silent : 80 + silent] == 0).all()
    assert (result[49 - silent, 40:80] != 0).mean() > 0.9
    whole = normalised_log(image, sigma, WINDOW)
    beyond = np.ones(image.shape, bool)
    beyond[30:90, 20:100] = False
    assert np.abs(result - whole)[beyond].max() < 0.1
    # the image's border is no hole
    assert (result[0] != 0).mean() > 0.9


@pytest.mark.parametrize("value", [0.0, 7.0, -1e6, 1e30])
def test_constant_images_are_refused(value: float) -> None:
    image = np.full((60, 70), value, np.float32)
    with pytest.raises(BadImage, match="cell 7 is constant"):
        normalised_log(image, SIGMA, WINDOW, name="cell 7")
    image[:20] = np.nan
    with pytest.raises(BadImage, match="cell 7 is constant"):
        normalised_log(image, SIGMA, WINDOW, name="cell 7")


def test_images_without_a_value_are_refused() -> None:
    with pytest.raises(BadImage, match="no finite values"):
        normalised_log(np.full((60, 70), np.nan, np.float32), SIGMA, WINDOW)
