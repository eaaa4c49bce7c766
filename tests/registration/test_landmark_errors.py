"""Errors at landmarks against loops, and expected errors against what noise does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import invert, map_points, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmark_errors import (
    PARAMETERS,
    error_map,
    landmark_errors,
    predicted_error,
)
from clem_retrace.registration.landmarks import FEWEST, Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform

LM = ImageFacts("lm", (500, 800), 100.0)
EM = ImageFacts("em", (9000, 12_000), 5.0)
TRUTH = similarity(0.05, 130, True, (4000, 6000), (250, 400))

#: Spread unevenly, so that formulas for round clouds of points fail.
PLACES = np.array(
    [[50, 60], [120, 700], [200, 90], [260, 420], [90, 330], [300, 760], [210, 560], [330, 200.0]]
)


def fitted(model: Model, seed: int = 0, *, noise: float = 1.0) -> PairTransform:
    """A fit to pairs that miss each other by `noise` LM pixels along each axis.

    Half of the variance lies on the LM, half on the EM.
    """
    rng = np.random.default_rng(seed)
    missed = rng.normal(0, noise / math.sqrt(2), (2, *PLACES.shape))
    pairs = Landmarks.of(PLACES + missed[0], map_points(invert(TRUTH), PLACES + missed[1]))
    return fit_landmarks(pairs, model, lm=LM, em=EM)


def root_mean_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt((np.asarray(values) ** 2).mean(axis=0))


@pytest.mark.parametrize("model", FEWEST)
def test_the_expected_error_is_that_of_many_draws(model: Model) -> None:
    """1000 draws tell a root mean square to 1.6 %, and 5 % are three standard deviations.

    What the formula leaves out is of second order, noise over extent: 1 of 300 pixels.
    """
    targets = np.array([[180, 390], [20, 780], [450, 100], [-200, 900.0]])
    em_targets = map_points(invert(TRUTH), targets)
    missed, localisations, expected = [], [], []
    for seed in range(1000):
        transform = fitted(model, seed)
        missed.append(np.linalg.norm(transform.to_lm(em_targets) - targets, axis=1))
        localisations.append(landmark_errors(transform).localisation)
        expected.append(predicted_error(transform, targets, localisation=localisations[-1]))
    truth = root_mean_square(missed)
    # two axes of 1 pixel each
    assert root_mean_square(localisations) == pytest.approx(math.sqrt(2), rel=0.05)
    np.testing.assert_allclose(root_mean_square(expected), truth, rtol=0.05)
    exact = predicted_error(fitted(model, noise=0), targets, localisation=math.sqrt(2))
    np.testing.assert_allclose(exact, truth, rtol=0.05)
    if model == "rigid":
        # With the second term N / K times as large, K axes, as a public implementation has it:
        distance = ((targets - PLACES.mean(axis=0)) ** 2).sum(axis=1)
        extent = ((PLACES - PLACES.mean(axis=0)) ** 2).sum(axis=1).mean()
        others = np.sqrt(2 * (1 / len(PLACES) + distance / (2 * extent) / 2))
        assert (others[1:] > 1.3 * truth[1:]).all()


def derivatives(model: Model, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of LM points by the parameters of a fit, shape (N, 2, P), written out."""
    row, col = points.T
    one, nil = np.ones_like(row), np.zeros_like(row)
    columns = {
        "rigid": [(one, nil), (nil, one), (-col, row)],
        "similarity": [(one, nil), (nil, one), (-col, row), (row, col)],
        "affine": [(one, nil), (row, nil), (col, nil), (nil, one), (nil, row), (nil, col)],
    }[model]
    return np.stack([np.stack(column, axis=1) for column in columns], axis=2)


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_the_expected_error_is_that_of_the_covariance(model: Model) -> None:
    transform = fitted(model)
    assert transform.landmarks is not None
    h = derivatives(model, transform.to_lm(transform.landmarks.em))
    covariance = np.linalg.inv(np.einsum("nip,niq->pq", h, h))
    points = np.random.default_rng(1).uniform(-100, 900, (20, 2))
    at = derivatives(model, points)
    # the variance of an axis is half of FLE^2
    by_hand = np.sqrt(np.einsum("nip,pq,niq->n", at, covariance, at) / 2)
    np.testing.assert_allclose(
        predicted_error(transform, points, localisation=1.0), by_hand, rtol=1e-7
    )
    assert h.shape[2] == PARAMETERS[model]


def test_a_rigid_fit_errs_as_fitzpatrick_has_it_in_the_plane() -> None:
    transform = fitted("rigid", noise=0)
    target = np.array([20.0, 780])
    centre = PLACES.mean(axis=0)
    # in space, points in a plane: only the axis upright on it adds to the error in the plane
    f2 = ((PLACES - centre) ** 2).sum(axis=1).mean()
    d2 = ((target - centre) ** 2).sum()
    by_hand = math.sqrt(9 / len(PLACES) * (1 + d2 / f2 / 2))
    assert predicted_error(transform, target, localisation=3.0) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("model", FEWEST)
def test_the_error_left_out_is_that_of_a_fit_without_the_pair(model: Model) -> None:
    transform = fitted(model)
    pairs = transform.landmarks
    assert pairs is not None
    errors = landmark_errors(transform)
    for pair in range(len(pairs)):
        others = fit_landmarks(pairs.removing(pair), model, lm=LM, em=EM, start=transform.em_to_lm)
        by_hand = np.linalg.norm(others.to_lm(pairs.em[pair]) - pairs.lm[pair])
        assert errors.left_out[pair] == pytest.approx(by_hand, rel=1e-6)
    by_hand = np.linalg.norm(transform.to_lm(pairs.em) - pairs.lm, axis=1)
    np.testing.assert_allclose(errors.residual, by_hand, atol=1e-9)
    assert errors.rms == pytest.approx(float(root_mean_square(by_hand)), abs=1e-9)
    assert np.isnan(errors.target).all()
    assert errors.freedom == 16 - PARAMETERS[model]


@pytest.mark.parametrize("model", FEWEST)
def test_a_pair_that_the_others_need_has_no_error_left_out(model: Model) -> None:
    count = FEWEST[model]
    lm = PLACES[[0, 1, 4]][:count]
    pairs = Landmarks.of(lm, map_points(invert(TRUTH), lm))
    errors = landmark_errors(fit_landmarks(pairs, model, lm=LM, em=EM))
    assert np.isnan(errors.left_out).all()
    np.testing.assert_allclose(errors.residual, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "across"),
    [("affine", 0.0), ("affine", 3.0), ("affine", 30.0), ("thin-plate spline", 3.0)],
)
@pytest.mark.parametrize("image", ["lm", "em"])
def test_nor_has_one_without_which_the_others_lie_on_a_line(
    model: Model, image: str, across: float
) -> None:
    # 560 LM pixels along a line; a hundredth of it is no more than on the line
    lm = np.array([[0, across], [100, 200 - across], [200, 400], [250, 500], [300, 100]])
    em = map_points(invert(TRUTH), lm)
    off = 40 * np.array([[0, 0], [1, -1], [-1, 0], [0, 1], [0, 0]])
    pairs = Landmarks.of(*((lm + off, em) if image == "em" else (lm, em + 20 * off)))
    errors = landmark_errors(fit_landmarks(pairs, model, lm=LM, em=EM))
    assert np.isnan(errors.left_out).tolist() == [False, False, False, False, across < 10]
    if across < 10:
        with pytest.raises(LandmarkError, match=f"line on the {image.upper()}"):
            pairs.removing(4).require(model)


@pytest.mark.parametrize(
    ("model", "count", "freedom"),
    [
        ("rigid", 2, 1),
        ("similarity", 2, 0),
        ("affine", 3, 0),
        ("affine", 4, 2),
        ("thin-plate spline", 3, 0),
        ("thin-plate spline", 4, 2),
    ],
)
def test_without_freedom_nothing_is_expected(model: Model, count: int, freedom: int) -> None:
    rng = np.random.default_rng(2)
    lm = PLACES[[0, 1, 4, 5]][:count]
    pairs = Landmarks.of(lm + rng.normal(0, 1, lm.shape), map_points(invert(TRUTH), lm))
    transform = fit_landmarks(pairs, model, lm=LM, em=EM)
    errors = landmark_errors(transform)
    assert errors.freedom == freedom
    assert math.isnan(errors.localisation) is (freedom == 0)
    known = np.isfinite(predicted_error(transform, PLACES))
    assert (known == (freedom > 0)).all()


@pytest.mark.parametrize("model", FEWEST)
def test_pairs_without_scatter_tell_nothing_of_the_error(model: Model) -> None:
    exact = landmark_errors(fitted(model, noise=0))
    assert exact.is_exact
    assert math.isnan(exact.localisation)
    assert np.isnan(predicted_error(fitted(model, noise=0), PLACES)).all()
    # A thousandth of a pixel is more than rounding.
    near = landmark_errors(fitted(model, noise=1e-3))
    assert not near.is_exact
    assert near.localisation == pytest.approx(1e-3 * math.sqrt(2), rel=0.6)


@pytest.mark.parametrize("model", FEWEST)
def test_pairs_held_back_tell_the_target_error(model: Model) -> None:
    pairs = fitted(model).landmarks
    assert pairs is not None
    held = pairs.switching(6, False).switching(3, False).moving(2, "em", None)
    transform = fit_landmarks(held, model, lm=LM, em=EM)
    errors = landmark_errors(transform)
    by_hand = np.linalg.norm(transform.to_lm(pairs.em) - pairs.lm, axis=1)
    np.testing.assert_allclose(errors.target[[3, 6]], by_hand[[3, 6]])
    assert np.isfinite(errors.target).sum() == 2
    assert np.isnan(errors.residual).nonzero()[0].tolist() == [2, 3, 6]
    assert np.isnan(errors.left_out).nonzero()[0].tolist() == [2, 3, 6]
    # what they are in the fit, they are without it
    alone = landmark_errors(
        fit_landmarks(pairs.removing(6).removing(3).removing(2), model, lm=LM, em=EM)
    )
    np.testing.assert_allclose(errors.left_out[errors.left_out > 0], alone.left_out, rtol=1e-6)
    assert errors.localisation == pytest.approx(alone.localisation, rel=1e-6)


@pytest.mark.parametrize("origin", ["automatic", "hand", "file"])
def test_pairs_that_a_transform_was_not_fitted_to_are_all_targets(origin: str) -> None:
    pairs = Landmarks.of(PLACES, map_points(invert(TRUTH), np.add(PLACES, (3, 4))))
    pairs = pairs.switching(1, False).moving(2, "lm", None)
    transform = PairTransform(TRUTH, LM, EM, "affine", origin, pairs)  # type: ignore[arg-type]
    errors = landmark_errors(transform)
    np.testing.assert_allclose(errors.target, [5, 5, np.nan, 5, 5, 5, 5, 5])
    assert np.isnan([errors.residual, errors.left_out]).all()
    assert math.isnan(errors.rms)
    assert errors.freedom == 0
    assert math.isnan(errors.localisation)
    assert np.isnan(predicted_error(transform, PLACES)).all()


def test_a_spline_from_a_file_is_checked_by_pairs_too() -> None:
    spline = fitted("thin-plate spline").spline
    assert spline is not None
    pairs = Landmarks.of(PLACES[:2], map_points(invert(TRUTH), PLACES[:2]))
    transform = PairTransform(spline.affine, LM, EM, "thin-plate spline", "file", pairs, spline)
    errors = landmark_errors(transform)
    assert (errors.target > 0.1).all()
    assert np.isnan(predicted_error(transform, PLACES)).all()


def test_a_transform_without_pairs_has_no_errors() -> None:
    errors = landmark_errors(PairTransform(TRUTH, LM, EM))
    assert len(errors.residual) == len(errors.left_out) == len(errors.target) == 0
    assert math.isnan(errors.rms)
    assert errors.worst_first().tolist() == []


def test_a_misplaced_pair_is_the_worst() -> None:
    pairs = fitted("affine").landmarks
    assert pairs is not None
    moved = pairs.moving(5, "lm", pairs.lm[5] + (-30, 20)).moving(1, "em", None)
    errors = landmark_errors(fit_landmarks(moved, "affine", lm=LM, em=EM))
    order = errors.worst_first()
    assert order[0] == 5
    assert order[-1] == 1
    assert sorted(order) == [*range(8)]
    held = landmark_errors(fit_landmarks(moved.switching(5, False), "affine", lm=LM, em=EM))
    assert held.worst_first()[0] == 5
    # two pairs have residuals and nothing else
    two = Landmarks.of(PLACES[:3], map_points(invert(TRUTH), 1.1 * PLACES[:3]))
    errors = landmark_errors(fit_landmarks(two.moving(0, "em", None), "rigid", lm=LM, em=EM))
    assert errors.worst_first().tolist() == [1, 2, 0]


@pytest.mark.parametrize("model", FEWEST)
def test_the_map_is_the_expected_error_over_the_lm(model: Model) -> None:
    transform = fitted(model)
    errors, to_lm = error_map(transform)
    assert errors.dtype == np.float32
    assert errors.shape == (80, 128)
    # its outer corners are the LM's
    corners = map_points(to_lm, [[-0.5, -0.5], [79.5, 127.5]])
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [499.5, 799.5]], atol=1e-9)
    at = map_points(to_lm, (17, 90))
    assert errors[17, 90] == pytest.approx(float(predicted_error(transform, at)), rel=1e-6)
    if model != "thin-plate spline":
        lowest = map_points(to_lm, np.unravel_index(errors.argmin(), errors.shape))
        assert lowest == pytest.approx(PLACES.mean(axis=0), abs=6)  # a pixel of the map


def test_a_map_has_the_shape_and_the_localisation_asked_for() -> None:
    transform = fitted("affine")
    errors, to_lm = error_map(transform, (5, 4), localisation=2.0)
    expected = predicted_error(transform, map_points(to_lm, (4, 3)), localisation=2.0)
    assert errors.shape == (5, 4)
    assert errors[4, 3] == pytest.approx(float(expected), rel=1e-6)
    small = PairTransform(TRUTH, ImageFacts("lm", (3, 900), None), EM)
    assert error_map(small)[0].shape == (1, 128)


def test_a_map_of_an_image_smaller_than_its_bound_is_as_large() -> None:
    transform = PairTransform(TRUTH, ImageFacts("lm", (30, 40), None), EM)
    errors, to_lm = error_map(transform)
    assert errors.shape == (30, 40)
    np.testing.assert_allclose(to_lm, np.eye(3), atol=1e-12)
    assert np.isnan(errors).all()
