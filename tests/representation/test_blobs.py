"""Blobs against a slow oracle, and the count of white noise against white noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.representation.blobs import blob_layers, halo_width, white_noise_counts


def padded(image: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    return np.pad(image, halo_width(sigmas), mode="symmetric").astype(np.float32)


def oracle(image: np.ndarray, sigmas: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Maxima and minima of the whole stack at full resolution, by scipy alone."""
    step = sigmas[1] / sigmas[0]
    ladder = [sigmas[0] / step, *sigmas, sigmas[-1] * step]
    stack = np.stack([s**2 * ndimage.gaussian_laplace(image, s, truncate=5) for s in ladder])
    dark = (stack == ndimage.maximum_filter(stack, 3)) & (stack > 0)
    bright = (stack == ndimage.minimum_filter(stack, 3)) & (stack < 0)
    return list(zip(dark[1:-1], bright[1:-1], strict=True))


def test_are_those_of_the_full_stack_where_nothing_is_decimated() -> None:
    image = np.random.default_rng(1).standard_normal((90, 110))
    sigmas = np.geomspace(1, 2.8, 10)
    layers = list(blob_layers(padded(image, sigmas), sigmas))
    assert [layer.index for layer in layers] == list(range(10))
    for layer, (dark, bright) in zip(layers, oracle(image, sigmas), strict=True):
        assert layer.decimation == 1
        inner = (slice(1, -1), slice(1, -1))  # the oracle's border has no neighbours outside
        np.testing.assert_array_equal(layer.dark[inner], dark[inner])
        np.testing.assert_array_equal(layer.bright[inner], bright[inner])


def test_responses_of_a_decimated_layer_are_those_of_the_full_image() -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal((130, 150)), 1)
    sigmas = np.geomspace(2, 8, 13)
    for layer in blob_layers(padded(image, sigmas), sigmas):
        sigma = sigmas[layer.index]
        full = sigma**2 * ndimage.gaussian_laplace(image, sigma, truncate=5)
        expected = full[:: layer.decimation, :: layer.decimation]
        assert layer.response.shape == expected.shape
        # the kernel is sampled on the coarse grid, sigma there being 1.5 at least
        np.testing.assert_allclose(layer.response, expected, atol=5e-3 * full.std())
    assert layer.decimation == 4


@pytest.mark.parametrize("size", [1.5, 2.9, 3.1, 5.0, 8.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_gaussian_blob_is_found_at_its_own_sigma_and_place(size: float, sign: int) -> None:
    row, col = np.mgrid[:120, :130]
    image = sign * np.exp(-((row - 64) ** 2 + (col - 72) ** 2) / (2 * size**2))
    sigmas = np.geomspace(1, 12, 23)
    strongest = max(
        blob_layers(padded(image, sigmas), sigmas),
        key=lambda layer: layer.strengths("bright" if sign > 0 else "dark").max(initial=0),
    )
    assert abs(np.log(sigmas[strongest.index] / size)) < 0.07  # half a step, and rounding
    blobs = strongest.bright if sign > 0 else strongest.dark
    best = np.where(blobs, np.abs(strongest.response), 0).argmax()
    place = np.array(np.unravel_index(best, blobs.shape)) * strongest.decimation
    assert np.abs(place - (64, 72)).max() == 0
    # a Gaussian of height 1 answers with 1/2 at its own sigma
    assert strongest.strengths("both").max() == pytest.approx(0.5, abs=0.005)


def test_structures_part_the_blobs_by_their_sign() -> None:
    image = np.random.default_rng(3).standard_normal((80, 80))
    sigmas = np.geomspace(1, 4, 12)
    for layer in blob_layers(padded(image, sigmas), sigmas):
        both, dark, bright = (layer.strengths(name) for name in ("both", "dark", "bright"))
        np.testing.assert_array_equal(np.sort(both), np.sort(np.concatenate([dark, bright])))


def test_blobs_on_unknown_pixels_do_not_count() -> None:
    image = np.random.default_rng(4).standard_normal((80, 90))
    known = np.zeros((80, 90), bool)
    known[:, :45] = True
    sigmas = np.geomspace(1, 7, 17)
    for layer in blob_layers(padded(image, sigmas), sigmas):
        expected = layer.dark[:, : -(-45 // layer.decimation)].sum()
        assert len(layer.strengths("dark", known)) == expected


def test_white_noise_shows_as_many_blobs_as_is_said() -> None:
    rng = np.random.default_rng(5)
    sigmas = np.geomspace(1, 7, 18)
    counts, area = np.zeros(18), 0
    for _ in range(6):
        image = rng.standard_normal((400, 400))
        area += image.size
        for layer in blob_layers(padded(image, sigmas), sigmas):
            counts[layer.index] += len(layer.strengths("both"))
    expected = white_noise_counts(sigmas, area)
    # four standard deviations of a Poisson count, and 6 % for the table
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected) + 0.06 * expected).all()
    np.testing.assert_allclose(white_noise_counts(sigmas, area, "dark"), expected / 2)
