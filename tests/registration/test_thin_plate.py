"""The spline against scipy's, its inverse, its derivatives, its folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import map_points, similarity
from clem_retrace.registration import thin_plate
from clem_retrace.registration.thin_plate import ThinPlate, least_squares_affine

Points = NDArray[np.float64]


def bent(count: int = 10, seed: int = 0, *, bend: float = 60.0) -> tuple[Points, Points]:
    """Landmarks over 1000 LM pixels, turned by 25 degrees, mirrored, bent by EM pixels."""
    rng = np.random.default_rng(seed)
    lm = rng.uniform(0, 1000, (count, 2))
    turned = map_points(similarity(20, 25, True, (500, 500), (21000, 33000)), lm)
    return lm, turned + rng.normal(0, bend, lm.shape)


def by_scipy(lm: Points, values: NDArray[np.float64]) -> RBFInterpolator:
    return RBFInterpolator(lm, values, kernel="thin_plate_spline", degree=1)


@pytest.mark.parametrize("count", [3, 4, 10, 60])
def test_it_is_the_spline_of_scipy(count: int) -> None:
    lm, em = bent(count)
    points = np.random.default_rng(1).uniform(-500, 1500, (200, 2))
    # EM coordinates reach 5e4; scipy's own digits are worse than ours
    np.testing.assert_allclose(
        ThinPlate.fit(lm, em).to_em(points), by_scipy(lm, em)(points), rtol=0, atol=1e-5
    )


def test_a_square_pushed_at_its_corners_has_the_value_worked_out_by_hand() -> None:
    # Corners (+-1, +-1) pushed by 1/2 and -1/2 in turn. By symmetry the weights are +-w and
    # the affine part is nil: 1/2 = w (0 - 2 * 4 log 4 + 8 log 8), so w = 1 / (16 log 2).
    lm = np.array([[1.0, 1], [1, -1], [-1, -1], [-1, 1]])
    push = np.array([0.5, -0.5, 0.5, -0.5])
    spline = ThinPlate.fit(lm, lm + np.stack([push, 0 * push], axis=1))
    # at (2, 2): distances squared 2, 10, 18, 10
    by_hand = (2 * np.log(2) - 20 * np.log(10) + 18 * np.log(18)) / (16 * np.log(2))
    np.testing.assert_allclose(spline.to_em((2, 2)), (2 + by_hand, 2), rtol=1e-12)
    np.testing.assert_allclose(spline.to_em((0, 0)), (0, 0), atol=1e-12)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 110.0, 4e4])
def test_landmarks_meet_in_any_unit(unit: float) -> None:
    lm, em = bent(30)
    spline = ThinPlate.fit(unit * lm, unit * em)
    np.testing.assert_allclose(spline.to_em(unit * lm), unit * em, rtol=0, atol=1e-7 * unit)
    np.testing.assert_allclose(spline.to_lm(unit * em), unit * lm, rtol=0, atol=1e-6 * unit)


def test_pairs_of_an_affine_transform_are_not_bent() -> None:
    lm, em = bent(8, bend=0)
    spline = ThinPlate.fit(lm, em)
    points = np.random.default_rng(2).uniform(-2000, 3000, (50, 2))
    np.testing.assert_allclose(map_points(spline.affine, spline.to_em(points)), points, atol=1e-7)


def test_its_affine_part_has_the_least_squares_in_lm_pixels() -> None:
    lm, em = bent(8)
    spline = ThinPlate.fit(lm, em)
    design = np.column_stack([em - em.mean(axis=0), np.ones(8)])
    by_hand = design @ np.linalg.lstsq(design, lm, rcond=None)[0]
    np.testing.assert_allclose(map_points(spline.affine, em), by_hand, atol=1e-8)


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 20), st.integers(0, 10_000))
def test_back_is_back(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # jittered places of a lattice: far enough apart that a bend of 3 LM pixels folds nothing
    lattice = np.stack(np.meshgrid(*[np.arange(5.0)] * 2), axis=-1).reshape(-1, 2)
    lm = 200 * rng.permutation(lattice)[:count] + rng.uniform(-40, 40, (count, 2))
    try:
        spline = ThinPlate.fit(lm, 20 * lm + rng.normal(0, 60, lm.shape))
    except LandmarkError:
        reject()  # nearly on a line
    assume(spline.folds((1000, 1000)) == 0)  # few, nearly on a line
    points = rng.uniform(0, 1000, (40, 2))
    np.testing.assert_allclose(spline.to_lm(spline.to_em(points)), points, atol=1e-6)


def test_back_from_far_outside() -> None:
    spline = ThinPlate.fit(*bent(10))
    points = np.array([[-20_000.0, 0], [30_000, 30_000], [500, -15_000]])
    np.testing.assert_allclose(spline.to_lm(spline.to_em(points)), points, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_back_where_the_bend_is_strong(seed: int) -> None:
    # a third of the distance between landmarks: Newton's method needs shorter steps
    rng = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 2), axis=-1).reshape(-1, 2)
    spline = ThinPlate.fit(lattice, lattice + rng.uniform(-0.35, 0.35, lattice.shape))
    assert spline.folds((4, 4)) == 0
    points = rng.uniform(0, 3, (500, 2))
    np.testing.assert_allclose(spline.to_lm(spline.to_em(points)), points, atol=1e-8)


def test_a_spline_that_folds_says_so_and_has_no_way_back_there() -> None:
    lm, em = bent(12, seed=3)
    assert ThinPlate.fit(lm, em).folds((1000, 1000)) == 0
    distances = np.linalg.norm(lm[:, None] - lm, axis=2) + 1e6 * np.eye(12)
    one, other = np.unravel_index(distances.argmin(), distances.shape)
    em[[one, other]] = em[[other, one]]
    folded = ThinPlate.fit(lm, em)
    assert 0 < folded.folds((1000, 1000)) < 0.2
    between = lm[[one, other]].mean(axis=0)
    area, plain = np.linalg.det(folded.jacobian(between)), np.linalg.det(folded.affine[:2, :2])
    assert area * plain < 0
    back = folded.to_lm(folded.to_em(between))
    # it finds another place that goes there, or none; never the one that is turned over
    assert np.isnan(back).all() or np.linalg.det(folded.jacobian(back)) * plain > 0
    # far from the fold nothing is lost
    far = lm[distances[one].argsort()[-2]]
    np.testing.assert_allclose(folded.to_lm(folded.to_em(far)), far, atol=1e-6)


def test_a_point_that_nothing_goes_to_has_no_way_back() -> None:
    # columns are folded back on themselves: none goes beyond the fold
    lm = np.array([[0.0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]])
    em = lm.copy()
    em[[2, 5], 1] = 0.2
    spline = ThinPlate.fit(lm, em)
    furthest = spline.to_em(np.stack([np.full(500, 0.5), np.linspace(-3, 5, 500)], axis=1))
    assert spline.folds((2, 3)) > 0.2
    assert np.isnan(spline.to_lm([0.5, furthest[:, 1].max() + 0.5])).all()


def test_derivatives_are_those_of_finite_differences() -> None:
    lm, em = bent(10)
    spline = ThinPlate.fit(lm, em)
    points = np.vstack([lm, np.random.default_rng(6).uniform(-200, 1200, (20, 2))])
    step = 1e-3
    by_hand = np.stack(
        [
            (spline.to_em(points + d) - spline.to_em(points - d)) / (2 * step)
            for d in np.eye(2) * step
        ],
        axis=-1,
    )
    np.testing.assert_allclose(spline.jacobian(points), by_hand, atol=1e-3)
    assert spline.jacobian(points.reshape(5, 6, 2)).shape == (5, 6, 2, 2)


def test_the_variance_is_that_of_the_weights_of_the_landmarks() -> None:
    lm, em = bent(9)
    points = np.random.default_rng(7).uniform(-300, 1300, (5, 8, 2))
    weights = by_scipy(lm, np.eye(9))(points.reshape(-1, 2)).reshape(5, 8, 9)
    variance = ThinPlate.fit(lm, em).variance(points)
    np.testing.assert_allclose(variance, (weights**2).sum(axis=-1), rtol=1e-6)
    np.testing.assert_allclose(ThinPlate.fit(lm, em).variance(lm), 1, rtol=1e-9)


def test_a_landmark_left_out_lies_where_the_others_put_it() -> None:
    lm, em = bent(9)
    pairs = np.array([6, 0, 3])
    places, variance = ThinPlate.fit(lm, em).left_out(pairs)
    for pair, place, its in zip(pairs, places, variance, strict=True):
        others = ThinPlate.fit(np.delete(lm, pair, axis=0), np.delete(em, pair, axis=0))
        np.testing.assert_allclose(place, others.to_lm(em[pair]), atol=1e-6)
        assert its == pytest.approx(1 + others.variance(lm[pair]), rel=1e-6)


def test_points_are_taken_in_blocks_and_keep_their_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    lm, em = bent(10)
    spline = ThinPlate.fit(lm, em)
    points = np.random.default_rng(8).uniform(0, 1000, (7, 11, 2))
    there, back = spline.to_em(points), spline.to_lm(spline.to_em(points))
    monkeypatch.setattr(thin_plate, "BLOCK_VALUES", 60)
    np.testing.assert_allclose(spline.to_em(points), there, rtol=1e-12)
    np.testing.assert_allclose(spline.to_lm(there), back, rtol=1e-9)
    assert spline.to_em(points[0, 0]).shape == (2,)
    for way in (spline.to_em, spline.to_lm, spline.variance):
        assert len(way(np.empty((0, 2)))) == 0


def test_no_point_stays_none() -> None:
    spline = ThinPlate.fit(*bent(10))
    for way in (spline.to_em, spline.to_lm):
        assert np.isnan(way([[np.nan, np.nan], [1, 2]])).any(axis=1).tolist() == [True, False]


@pytest.mark.parametrize(
    ("lm", "em", "words"),
    [
        ([[0, 0], [0, 1]], [[0, 0], [0, 1]], "needs 3 pairs"),
        ([[0, 0], [0, 1], [0, 1]], [[0, 0], [0, 1], [1, 1]], "pairs 2 and 3 .* on the LM"),
        ([[0, 0], [0, 1], [1, 1]], [[0, 0], [1, 1], [2, 2]], "line on the EM"),
    ],
)
def test_points_that_tell_no_spline_are_refused(lm: list, em: list, words: str) -> None:
    with pytest.raises(LandmarkError, match=words):
        ThinPlate.fit(lm, em)


def test_the_least_squares_are_less_than_those_of_scikit_image() -> None:
    from skimage.transform import AffineTransform

    rng = np.random.default_rng(9)
    lm, em = bent(10, bend=0)
    lm = lm + rng.normal(0, 5, lm.shape)
    squares = [
        float(((map_points(matrix, em) - lm) ** 2).sum())
        for matrix in (least_squares_affine(em, lm), AffineTransform.from_estimate(em, lm).params)
    ]
    assert squares[0] < squares[1] < 1.001 * squares[0]
