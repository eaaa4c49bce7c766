"""The expected error: against errors of many fits to known scenes, its limits, its units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.alignment import Template, proximity
from clem_retrace.alignment.gauss_newton import invert_all
from clem_retrace.alignment.interpolation import interpolate
from clem_retrace.alignment.template import displacements, steepest_steps
from clem_retrace.events import Progress, run
from clem_retrace.geometry import Matrix, compose, decimation, map_points, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.registration import affine
from clem_retrace.registration.uncertainty import (
    affine_covariance,
    block_sums,
    expected_error,
    in_lm_pixels,
)

Array = NDArray[np.float32]

SHAPE = (150, 160)
ROI = Roi(45, 45, 60, 70)
REACH = 40.0
IDENTITY = np.eye(3)


def texture(rng: np.random.Generator, sigma: float = 1.5, patch: float = 0.0) -> Array:
    """Return unit noise smoothed by sigma; with `patch` its strength varies over as many pixels."""
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), sigma)
    if patch:
        smooth *= ndimage.gaussian_filter(rng.normal(size=SHAPE), patch) > 0
    return (smooth / smooth.std()).astype(np.float32)


def template_of(image: Array) -> Template:
    return Template.of(image, proximity(SHAPE, ROI, REACH), ROI.centre)


def fitted(template: Template, image: Array, robust: bool = True) -> Matrix:
    """Return the fit from the truth, which is the identity."""
    progress = Progress("fit", 0, 1)
    return run(affine._fit_steps(template, image, IDENTITY, "affine", robust, progress)).matrix


def covariance_of(
    template: Template, image: Array, matrix: Matrix, robust: bool = True
) -> NDArray[np.float64] | None:
    values, inside = interpolate(image, matrix[None], template.points)
    prior = template.weights * inside[0]
    cutoff = affine.TUKEY if robust else np.inf
    _, residual, tukey = affine.gain_and_weights(values[0], template.values, prior, cutoff)
    return affine_covariance(
        template, image, matrix, prior=prior, residual=residual, tukey=tukey, sigma=1.0
    )


def parameters_of(matrix: Matrix, template: Template) -> NDArray[np.float64]:
    """Return the parameters that `displacements` makes the matrix of, to first order."""
    moved = matrix - IDENTITY
    shift = moved[:2, 2] + moved[:2, :2] @ template.centre
    return np.concatenate([shift, moved[:2, :2].ravel() * template.radius])


def trials(
    count: int, noise: float, patch: float, robust: bool
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], float]]:
    """Yield parameters of the error, their covariance, and the textbook's variance of all.

    Both images show one texture; each has a noise of its own besides.
    """
    for seed in range(count):
        rng = np.random.default_rng([seed, 11])
        shared = texture(rng)
        lm, em = (shared + noise * texture(rng, patch=patch) for _ in range(2))
        template = template_of(lm)
        matrix = fitted(template, em, robust)
        covariance = covariance_of(template, em, matrix, robust)
        assert covariance is not None
        steps = steepest_steps(template, "affine")
        values, _ = interpolate(em, matrix[None], template.points)
        _, residual, _ = affine.gain_and_weights(
            values[0], template.values, template.weights, np.inf
        )
        hessian = (steps * template.weights[:, None]).T @ steps
        variance = np.average(residual**2, weights=template.weights)
        textbook = variance * np.trace(np.linalg.inv(hessian))
        yield parameters_of(matrix, template), covariance, float(textbook)


@pytest.mark.parametrize("robust", [True, False])
def test_errors_of_many_fits_scatter_as_expected(robust: bool) -> None:
    """Of 60 errors the rms is told to 9 % a parameter, to 4 % in all; 3 times that is allowed.

    Half of the pixels have no noise, in patches: residuals are correlated, and unequal.
    """
    off, covariances, textbook = (
        np.array(part) for part in zip(*trials(60, 0.7, 5.0, robust), strict=True)
    )
    expected = np.mean([np.diag(one) for one in covariances], axis=0)
    found = np.mean(off**2, axis=0)
    np.testing.assert_allclose(np.sqrt(found / expected), 1.0, atol=0.27)
    assert np.sqrt(found.sum() / expected.sum()) == pytest.approx(1.0, abs=0.13)
    # What is in the LM alone sharpens the textbook's Hessian; residuals are no white noise.
    assert np.sqrt(found.sum() / textbook.mean()) > 1.5


def test_directions_that_tell_little_are_expected_to_be_off_by_more() -> None:
    """Stripes along the rows tell the row's place and hardly the column's."""
    rng = np.random.default_rng(3)
    stripes = ndimage.gaussian_filter(rng.normal(size=SHAPE), (1.5, 12.0))
    shared = (stripes / stripes.std()).astype(np.float32)
    lm, em = (shared + 0.3 * texture(rng) for _ in range(2))
    covariance = covariance_of(template_of(lm), em, IDENTITY)
    assert covariance is not None
    assert covariance[1, 1] > 6 * covariance[0, 0]


def test_more_noise_is_more_error_and_none_is_none() -> None:
    expected = []
    for noise in (0.0, 0.1, 0.4, 1.2):
        rng = np.random.default_rng(5)
        lm, em = (texture(np.random.default_rng(4)) + noise * texture(rng) for _ in range(2))
        covariance = covariance_of(template_of(lm), em, fitted(template_of(lm), em))
        assert covariance is not None
        expected.append(np.sqrt(np.trace(covariance)))
    assert expected[0] < 1e-6
    assert (np.diff(expected) > 0).all()


def test_what_lies_outside_the_image_does_not_count() -> None:
    rng = np.random.default_rng(6)
    shared = texture(rng)
    lm, em = (shared + 0.5 * texture(rng) for _ in range(2))
    template = template_of(lm)
    cut = em[:, :95]
    within = template.only(template.points[:, 1] <= 94)
    covariance, same = (covariance_of(one, cut, IDENTITY) for one in (template, within))
    assert covariance is not None
    assert same is not None
    np.testing.assert_allclose(covariance, same, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("image", ["constant", "negative"])
def test_images_with_nothing_in_common_tell_nothing(image: str) -> None:
    """Where the images are each other's negative, the fit is at a summit, not in a valley."""
    lm = texture(np.random.default_rng(7))
    em = -lm if image == "negative" else np.zeros(SHAPE, np.float32)
    assert covariance_of(template_of(lm), em, IDENTITY, robust=False) is None


# Blocks -------------------------------------------------------------------------------------


def test_block_sums_are_the_sums_of_squares_of_pixels() -> None:
    template = template_of(texture(np.random.default_rng(8)))
    template = replace(template, weights=np.ones_like(template.weights))
    scores = np.random.default_rng(9).normal(size=(len(template.points), 2)).astype(np.float32)
    sums = block_sums(template, scores, template.weights, 1.0)
    slow: dict[tuple[int, int], NDArray[np.float64]] = {}
    sizes: dict[tuple[int, int], int] = {}
    for (row, col), score in zip(template.points, scores, strict=True):
        block = int(row // 12), int(col // 12)
        slow[block] = slow.get(block, np.zeros(2)) + score
        sizes[block] = sizes.get(block, 0) + 1
    count = sum(sizes.values()) ** 2 / sum(size**2 for size in sizes.values())
    products = sum(np.outer(one, one) for one in slow.values()) * count / (count - 1)
    np.testing.assert_allclose(sums.T @ sums, products, rtol=1e-4)


@pytest.mark.parametrize(
    ("roi", "sigma", "side"),
    [(Roi(0, 0, 120, 120), 1.0, 12), (Roi(0, 0, 120, 120), 2.0, 24), (Roi(0, 0, 24, 24), 1.0, 6)],
)
def test_blocks_are_as_large_as_sigma_asks_and_sixteen_at_least(
    roi: Roi, sigma: float, side: int
) -> None:
    weights = proximity(SHAPE, roi, 0.0)
    template = Template.of(texture(np.random.default_rng(1)), weights, roi.centre)
    ones = np.ones((len(template.points), 1), np.float32)
    sums = block_sums(template, ones, template.weights, sigma)
    assert np.count_nonzero(sums) == (roi.height / side) ** 2


# From the grid to the LM, and to an error ---------------------------------------------------


def random_covariance(seed: int) -> NDArray[np.float64]:
    root = np.random.default_rng(seed).normal(size=(6, 6))
    covariance: NDArray[np.float64] = 1e-4 * root @ root.T
    return covariance


@pytest.mark.parametrize(
    "lm_to_grid",
    [decimation(3.0), similarity(0.5, 30.0, True, (10, 20), (3, 4))],
    ids=["decimated", "turned and mirrored"],
)
def test_the_expected_error_is_that_of_displaced_points(lm_to_grid: Matrix) -> None:
    """Displacements drawn on the grid move LM points by the rms that is expected of them."""
    template = template_of(texture(np.random.default_rng(2)))
    covariance = random_covariance(1)
    points = map_points(np.linalg.inv(lm_to_grid), [[75.0, 80.0], [45.0, 45.0], [10.0, 140.0]])
    rng = np.random.default_rng(12)
    drawn = rng.multivariate_normal(np.zeros(6), covariance, 20_000)
    on_lm = np.linalg.inv(lm_to_grid) @ displacements(drawn, template) @ lm_to_grid
    moved = points @ on_lm[:, :2, :2].swapaxes(1, 2) + on_lm[:, None, :2, 2] - points
    errors = np.sqrt((moved**2).sum(axis=2).mean(axis=0))
    expected = expected_error(in_lm_pixels(covariance, template, lm_to_grid), points)
    # 20 000 draws tell an rms to half a percent or better.
    np.testing.assert_allclose(errors, expected, rtol=0.02)


def test_the_covariance_is_that_of_what_takes_the_true_place_to_the_one_found() -> None:
    """A fit that is displaced by D puts things where D^-1 takes them; the scatter is one."""
    template = template_of(texture(np.random.default_rng(2)))
    small = 1e-4 * np.random.default_rng(3).normal(size=(1, 6))
    there, back = displacements(small, template)[0], invert_all(displacements(small, template))[0]
    np.testing.assert_allclose(back - IDENTITY, IDENTITY - there, atol=1e-6)
    entries = (there - IDENTITY)[:2].ravel()
    np.testing.assert_allclose(
        in_lm_pixels(small.T @ small, template, IDENTITY), np.outer(entries, entries), atol=1e-12
    )


def test_a_shift_is_the_same_everywhere_and_a_stretch_grows_with_the_distance() -> None:
    shift, stretch = np.zeros((6, 6)), np.zeros((6, 6))
    shift[2, 2], shift[5, 5] = 0.09, 0.16
    stretch[0, 0] = 0.01**2
    points = np.array([[[0.0, 0.0], [100.0, 7.0]], [[-200.0, 7.0], [50.0, 900.0]]])
    np.testing.assert_allclose(expected_error(shift, points), 0.5)
    np.testing.assert_allclose(expected_error(stretch, points), [[0, 1], [2, 0.5]])
    assert expected_error(shift, (3.0, 4.0)).shape == ()


def test_composing_with_the_identity_changes_nothing() -> None:
    template = template_of(texture(np.random.default_rng(2)))
    covariance = random_covariance(4)
    twice = in_lm_pixels(covariance, template, compose(decimation(2.0), decimation(0.5)))
    np.testing.assert_allclose(twice, in_lm_pixels(covariance, template, IDENTITY), atol=1e-12)
