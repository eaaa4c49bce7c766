"""Fits against transforms that are known, whichever way round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clem_retrace.errors import LandmarkError
from clem_retrace.geometry import Matrix, compose, decompose, invert, map_points, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import FEWEST, Landmarks, Model

LM = ImageFacts("lm", (1000, 1000), 100.0)
EM = ImageFacts("em", (40_000, 40_000), 5.0)
UNSIZED = ImageFacts("em", (40_000, 40_000), None)

#: LM pixels per EM pixel of the two.
RATIO = EM.pixel_size / LM.pixel_size  # type: ignore[operator]


def places(count: int = 8, seed: int = 0) -> NDArray[np.float64]:
    """Landmarks in the LM, the first three far from one line."""
    some = np.random.default_rng(seed).uniform(0, 1000, (count, 2))
    some[:3] = [[100, 150], [850, 200], [300, 900]][:count]
    return some


def pairs_of(
    em_to_lm: Matrix, lm: NDArray[np.float64], noise: float = 0, seed: int = 1
) -> Landmarks:
    """Pairs that a transform tells, each missed by so many LM pixels along each axis."""
    missed = np.random.default_rng(seed).normal(0, noise, lm.shape) if noise else 0
    return Landmarks.of(lm + missed, map_points(invert(em_to_lm), lm))


def squares(em_to_lm: Matrix, pairs: Landmarks) -> float:
    return float(((map_points(em_to_lm, pairs.em) - pairs.lm) ** 2).sum())


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([*FEWEST]),
    st.integers(3, 12),
    st.floats(-180, 180),
    st.booleans(),
    st.floats(0.2, 5),
    st.floats(1, 1.5),
)
def test_exact_pairs_give_the_transform_back(
    model: Model, count: int, angle: float, mirrored: bool, size: float, stretch: float
) -> None:
    em_to_lm = similarity(
        RATIO * (1 if model == "rigid" else size), angle, mirrored, (38e3, 35e3), (512, 480)
    )
    if model in ("affine", "thin-plate spline"):
        em_to_lm = compose(em_to_lm, np.diag([stretch, 1.0, 1.0]))
    pairs = pairs_of(em_to_lm, places(count, seed=count))
    transform = fit_landmarks(pairs, model, lm=LM, em=EM)
    assert (transform.model, transform.origin, transform.landmarks) == (model, "landmarks", pairs)
    corners = np.array([[0, 0], [0, 999], [999, 0], [999, 999.0]])
    em_corners = map_points(invert(em_to_lm), corners)
    np.testing.assert_allclose(transform.to_lm(em_corners), corners, rtol=0, atol=1e-6)
    np.testing.assert_allclose(transform.to_em(corners), em_corners, rtol=0, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([*FEWEST]), st.permutations(range(8)))
def test_the_order_of_the_pairs_does_not_matter(model: Model, order: list[int]) -> None:
    em_to_lm = similarity(RATIO, 70, True, (20e3, 20e3), (500, 500))
    pairs = pairs_of(em_to_lm, places(), noise=3)
    renumbered = Landmarks.of(pairs.lm[order], pairs.em[order])
    points = places(5, seed=9)
    np.testing.assert_allclose(
        fit_landmarks(pairs, model, lm=LM, em=EM).to_em(points),
        fit_landmarks(renumbered, model, lm=LM, em=EM).to_em(points),
        atol=1e-5,
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_no_other_transform_has_lesser_squares(model: Model, mirrored: bool) -> None:
    pairs = pairs_of(similarity(RATIO, -40, mirrored, (2e4, 2e4), (500, 500)), places(), noise=5)
    fitted = fit_landmarks(pairs, model, lm=LM, em=EM).em_to_lm
    least = squares(fitted, pairs)
    changes = [
        compose(similarity(1, angle, False, (500, 500), np.add((500, 500), shift)))
        for angle in (-0.05, 0, 0.05)
        for shift in ((0.2, 0), (0, -0.2), (-0.1, 0.1))
    ]
    if model != "rigid":
        changes += [similarity(size, 0, False, (500, 500), (500, 500)) for size in (0.999, 1.001)]
    if model == "affine":
        changes += [
            np.array([[1, shear, -500 * shear], [0, 1, 0], [0, 0, 1]]) for shear in (-1e-3, 1e-3)
        ]
    assert all(squares(compose(change, fitted), pairs) > least for change in changes)
    parts = decompose(fitted)
    assert parts.mirrored is mirrored
    if model == "rigid":
        assert parts.magnification == pytest.approx(RATIO, rel=1e-12)
    if model != "affine":
        assert parts.anisotropy == pytest.approx(0, abs=1e-9)


def test_a_spline_meets_every_pair() -> None:
    pairs = pairs_of(similarity(RATIO, -40, True, (2e4, 2e4), (500, 500)), places(), noise=5)
    transform = fit_landmarks(pairs, "thin-plate spline", lm=LM, em=EM)
    np.testing.assert_allclose(transform.to_lm(pairs.em), pairs.lm, atol=1e-6)
    affine = fit_landmarks(pairs, "affine", lm=LM, em=EM)
    np.testing.assert_allclose(transform.em_to_lm, affine.em_to_lm)


@pytest.mark.parametrize("model", FEWEST)
def test_what_is_switched_off_or_not_placed_takes_no_part(model: Model) -> None:
    pairs = pairs_of(similarity(RATIO, 10, False, (2e4, 2e4), (500, 500)), places(), noise=3)
    less = pairs.removing(7).removing(2)
    some = pairs.moving(2, "em", (1, 1)).switching(2, False).moving(7, "lm", None)
    points = places(5, seed=9)
    np.testing.assert_allclose(
        fit_landmarks(some, model, lm=LM, em=EM).to_em(points),
        fit_landmarks(less, model, lm=LM, em=EM).to_em(points),
    )


@pytest.mark.parametrize("model", ["rigid", "similarity"])
@pytest.mark.parametrize("lm", [places(2), np.linspace((100, 100), (900, 700), 5)])
@pytest.mark.parametrize("seed", range(5))
def test_what_pairs_do_not_tell_of_a_mirror_the_start_does(
    model: Model, lm: NDArray[np.float64], seed: int
) -> None:
    angle = float(np.random.default_rng(seed).uniform(-180, 180))
    truth = similarity(RATIO, angle, True, (2e4, 2e4), (500, 500))
    pairs = pairs_of(truth, lm)
    alone = fit_landmarks(pairs, model, lm=LM, em=EM).em_to_lm
    assert not decompose(alone).mirrored
    np.testing.assert_allclose(map_points(alone, pairs.em), pairs.lm, atol=1e-6)
    start = similarity(RATIO, 10, True, (0, 0), (0, 0))
    started = fit_landmarks(pairs, model, lm=LM, em=EM, start=start).em_to_lm
    np.testing.assert_allclose(map_points(started, pairs.em), lm, atol=1e-6)
    np.testing.assert_allclose(started, truth, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("model", ["rigid", "similarity"])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_that_are_off_by_more_than_they_lie_off_a_line_tell_no_mirror(
    model: Model, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    line = np.linspace((100, 100), (900, 700), 6) + rng.normal(0, 0.5, (6, 2))
    pairs = pairs_of(similarity(RATIO, 130, True, (2e4, 2e4), (500, 500)), line, 3, seed + 100)
    start = similarity(RATIO, 10, True, (0, 0), (0, 0))
    for one, mirrored in ((start, True), (None, False)):
        fitted = fit_landmarks(pairs, model, lm=LM, em=EM, start=one).em_to_lm
        assert decompose(fitted).mirrored is mirrored


@pytest.mark.parametrize("model", ["rigid", "similarity"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pairs_that_tell_a_mirror_overrule_the_start(model: Model, mirrored: bool) -> None:
    pairs = pairs_of(similarity(RATIO, 130, mirrored, (2e4, 2e4), (500, 500)), places(4), noise=3)
    start = similarity(RATIO, 130, not mirrored, (2e4, 2e4), (500, 500))
    fitted = fit_landmarks(pairs, model, lm=LM, em=EM, start=start).em_to_lm
    assert decompose(fitted).mirrored is mirrored


def test_a_rigid_transform_takes_its_magnification_from_what_is_known() -> None:
    pairs = pairs_of(similarity(0.06, 30, False, (2e4, 2e4), (500, 500)), places())
    start = similarity(0.0601, 0, True, (0, 0), (0, 0))
    by_sizes = fit_landmarks(pairs, "rigid", lm=LM, em=EM, start=start)
    by_start = fit_landmarks(pairs, "rigid", lm=LM, em=UNSIZED, start=start)
    assert decompose(by_sizes.em_to_lm).magnification == pytest.approx(0.05)
    assert decompose(by_start.em_to_lm).magnification == pytest.approx(0.0601)
    with pytest.raises(LandmarkError, match="that of the EM is unknown: enter it, or choose a sim"):
        fit_landmarks(pairs, "rigid", lm=LM, em=UNSIZED)
    fit_landmarks(pairs, "similarity", lm=LM, em=UNSIZED)


@pytest.mark.parametrize("model", ["similarity", "affine", "thin-plate spline"])
def test_pairs_that_have_nothing_to_do_with_each_other_are_refused(model: Model) -> None:
    # Every second corner of a pentagon with the corners in their order: no turn, mirrored or
    # not, and no affine transform explains anything of it.
    turns = 2 * np.pi * np.arange(5) / 5
    pentagon, star = (
        1000 * np.stack([np.cos(step * turns), np.sin(step * turns)], axis=1) for step in (1, 2)
    )
    with pytest.raises(LandmarkError, match="contradict each other"):
        fit_landmarks(Landmarks.of(star, 20 * pentagon), model, lm=LM, em=EM)


@pytest.mark.parametrize("model", FEWEST)
def test_pairs_that_tell_nothing_are_refused_by_name(model: Model) -> None:
    pairs = pairs_of(similarity(RATIO, 0, False, (0, 0), (0, 0)), places(4))
    with pytest.raises(LandmarkError, match=f"needs {FEWEST[model]} pairs, and one is placed"):
        fit_landmarks(Landmarks.of(pairs.lm[:1], pairs.em[:1]), model, lm=LM, em=EM)
    with pytest.raises(LandmarkError, match="pairs 2 and 4 lie at the same place on the EM"):
        fit_landmarks(pairs.moving(3, "em", pairs.em[1]), model, lm=LM, em=EM)


def test_a_rigid_transform_needs_pixel_sizes_that_can_be() -> None:
    pairs = Landmarks.of([(0, 0), (0, 9)], [(0, 0), (0, 9)])
    lm, em = ImageFacts("", (10, 10), 1e-3), ImageFacts("", (10, 10), 1e300)
    with pytest.raises(LandmarkError, match=r"0\.001 and 1e\+300 nm"):
        fit_landmarks(pairs, "rigid", lm=lm, em=em)
