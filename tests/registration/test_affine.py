"""The robust affine registration: how near it comes, what outliers do, how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.alignment import Template
from clem_retrace.alignment.gauss_newton import LONGEST_STEP
from clem_retrace.errors import BadImage
from clem_retrace.evaluation import target_registration_error
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import Matrix, compose, decompose, invert, map_points, similarity
from clem_retrace.geometry import translation as shifted_by
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration import affine
from clem_retrace.registration.affine import register_affine, register_affine_steps
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.resampling import warp
from clem_retrace.synthetic import Pair, simulate_pair

RATIO = 4.0
SEEDS = range(6)

#: LM pixels; the issue's aim for the median target registration error.
AIM = 0.3


@cache
def simulated(seed: int) -> Pair:
    """A thick cell and its section: the LM shows a fifth that the EM lacks, and the reverse."""
    return simulate_pair(
        seed, lm_shape=(150, 170), em_shape=(560, 600), roi_size=(80, 90), ratio=RATIO,
        angle=float(67 * seed % 360), mirrored=bool(seed % 2), shear=0.03, shared=0.8,
    )  # fmt: skip


@cache
def textured(seed: int) -> Pair:
    """One texture in both images, a general affine transform between them, inverted, noise 0.1."""
    rng = np.random.default_rng(seed)
    em = ndimage.gaussian_filter(rng.normal(size=(520, 560)), 1.6 * RATIO)
    em = (em / em.std()).astype(np.float32)
    roi = Roi(22, 25, 70, 80)
    deformed = np.eye(3)
    deformed[:2, :2] += rng.uniform(-0.03, 0.03, (2, 2))
    turned = similarity(RATIO, float(rng.uniform(0, 360)), bool(seed % 2), (0, 0), (0, 0))
    lm_to_em = compose(shifted_by((260, 280)), turned, deformed, shifted_by(-np.array(roi.centre)))
    lm = -warp(em, invert(lm_to_em), (115, 130), order=3, fill=0.0)
    noise = [0.1 * rng.normal(size=shape).astype(np.float32) for shape in (lm.shape, em.shape)]
    return Pair(
        Micrograph(lm + noise[0], 10 * RATIO), Micrograph(em + noise[1], 10.0), roi, lm_to_em,
        None, "texture",
    )  # fmt: skip


def truth(pair: Pair) -> Matrix:
    """Return the true transform from EM to LM."""
    assert pair.lm_to_em is not None
    return invert(pair.lm_to_em)


def off(pair: Pair, seed: int, amount: float = 1.0) -> Matrix:
    """Return a start off by `amount` times up to 6 LM px, 4 degrees, 4 % of shear and stretch."""
    rng = np.random.default_rng(seed)
    centre = np.array(pair.roi.centre)
    moved = similarity(
        1.0, rng.uniform(-4, 4) * amount, False, centre,
        centre + rng.uniform(-4.2, 4.2, 2) * amount,
    )  # fmt: skip
    deformed = np.eye(3)
    deformed[:2, :2] += rng.uniform(-0.04, 0.04, (2, 2)) * amount
    return compose(shifted_by(centre), deformed, shifted_by(-centre), moved, truth(pair))


def replaced(pair: Pair, seed: int, share: float = 0.3) -> Pair:
    """Return the pair with a share of the ROI's patch in the EM showing another place of it.

    It is a strip along one side of the patch, so that its pull has a direction.
    """
    em, roi = np.array(pair.em.data), pair.roi
    side = int(np.random.default_rng(seed).integers(4))
    along = [(0.0, 1.0), (0.0, 1.0)]
    along[side // 2] = (0.0, share) if side % 2 == 0 else (1 - share, 1.0)
    position = map_points(truth(pair), np.stack(np.indices(em.shape), axis=-1))
    part = (position - (roi.row - 0.5, roi.col - 0.5)) / (roi.height, roi.width)
    low, high = np.transpose(along)
    inside = ((part >= low) & (part < high)).all(axis=-1)
    assert inside.sum() == pytest.approx(share * roi.height * roi.width * RATIO**2, rel=0.05)
    elsewhere = np.roll(em, (em.shape[0] // 2, em.shape[1] // 2), (0, 1))
    em[inside] = elsewhere[inside]
    return replace(pair, em=Micrograph(em, pair.em.pixel_size))


def register(pair: Pair, start: Matrix, **keywords: object) -> AffineEstimate:
    """Register by the ROI alone, so that what is in the patch decides."""
    arguments: dict[str, object] = {"contrast": -1, "context": 0.0} | keywords
    return register_affine(pair.lm, pair.em, pair.roi, [start], **arguments)  # type: ignore[arg-type]


def error(estimate: AffineEstimate | Matrix, pair: Pair) -> float:
    """Return the median target registration error over the ROI, LM pixels."""
    matrix = estimate.matrix if isinstance(estimate, AffineEstimate) else estimate
    return float(np.median(target_registration_error(matrix, truth(pair), pair.roi)))


@cache
def errors(
    make: Callable[[int], Pair], change: Callable[[Pair, int], Pair] | None = None, *,
    amount: float = 1.0, **keywords: object,
) -> list[float]:  # fmt: skip
    found = []
    for seed in SEEDS:
        pair = make(seed) if change is None else change(make(seed), seed)
        estimate = register(pair, off(pair, seed, amount), **keywords)
        assert estimate, estimate.message
        found.append(error(estimate, pair))
    return found


# How near it comes --------------------------------------------------------------------------


def test_the_starts_are_as_far_off_as_a_rough_match() -> None:
    started = [error(off(simulated(seed), seed), simulated(seed)) for seed in SEEDS]
    assert np.median(started) > 3


def test_simulated_pairs_are_registered() -> None:
    found = errors(simulated)
    assert np.median(found) < AIM
    assert max(found) < 1


def test_three_tenths_of_the_patch_showing_something_else_does_not_matter() -> None:
    """Measured over 16 seeds: Tukey 0.29 LM px, least squares 0.46."""
    assert np.median(errors(simulated, replaced)) < AIM


@pytest.mark.parametrize("rough", [True, False])
def test_least_squares_is_pulled_by_what_tukey_weights_leave_out(rough: bool) -> None:
    """Measured over 16 seeds: Tukey 0.02 LM px, least squares 0.19; without outliers both 0.01.

    The texture is in both images but for little noise: what disagrees is far out. Where a
    section shares but a part with the cell, residuals are large everywhere, and the two
    estimators differ less.
    """
    amount = 1.0 if rough else 0.35
    if not rough:
        for robust in (True, False):
            assert np.median(errors(textured, amount=amount, rough=False, robust=robust)) < 0.03
    tukey = errors(textured, replaced, rough=rough, amount=amount, robust=True)
    plain = errors(textured, replaced, rough=rough, amount=amount, robust=False)
    assert np.median(tukey) < 0.1
    assert np.median(plain) > 2.5 * np.median(tukey)
    assert max(tukey) < min(plain)


def test_support_is_the_share_that_agrees() -> None:
    for seed in SEEDS[:3]:
        pair = textured(seed)
        assert register(pair, truth(pair), rough=False).support > 0.97
        # a tenth of what is unrelated agrees by chance
        assert 0.7 < register(replaced(pair, seed), truth(pair), rough=False).support < 0.85


def test_more_surroundings_make_it_better() -> None:
    together = errors(simulated, replaced, context=20.0)
    assert np.mean(together) < np.mean(errors(simulated, replaced))


def test_where_images_hardly_agree_no_step_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two textures of one kind: what is left over, by a gain near zero, leads anywhere."""
    monkeypatch.setattr(affine, "STEPS", 1)
    one, other = (
        ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(90, 100)), 3.0)
        for seed in (1, 2)
    )
    template = Template.of(one.astype(np.float32), np.ones((90, 100), np.float32), (44.5, 49.5))
    steps = affine._fit_steps(
        template, other.astype(np.float32), np.eye(3), "affine", False, Progress("affine", 0, 1)
    )
    fit = run(steps)
    ring = template.centre + template.radius * np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
    moved = np.linalg.norm(map_points(fit.matrix, ring) - ring, axis=1)
    assert moved.max() < 2 * LONGEST_STEP


def test_a_right_start_stays() -> None:
    for rough in (True, False):
        estimate = register(textured(1), truth(textured(1)), rough=rough)
        assert estimate
        assert error(estimate, textured(1)) < 0.05


# What it says ------------------------------------------------------------------------------


def test_correlation_before_and_after() -> None:
    pair = textured(2)
    estimate = register(pair, off(pair, 2))
    assert -1 <= estimate.correlation_before < 0.5
    assert 0.9 < estimate.correlation <= 1
    assert estimate.converged
    assert estimate.message == ""


@pytest.mark.parametrize("contrast", [-1, 0])
def test_the_gain_has_the_sign_of_the_contrast(contrast: int) -> None:
    pair = textured(2)
    estimate = register(pair, off(pair, 2), contrast=contrast)
    assert estimate.gain == pytest.approx(-1, abs=0.1)
    inverted = replace(pair, lm=Micrograph(-pair.lm.data))
    same = register(inverted, off(pair, 2), contrast=abs(contrast))
    assert same.gain == pytest.approx(1, abs=0.1)
    assert error(same, pair) < 0.05


def test_of_several_ways_round_the_right_one_is_taken() -> None:
    pair = textured(3)
    centre = pair.roi.centre
    right = off(pair, 3, 0.5)
    starts = [
        compose(similarity(1.0, angle, mirrored, centre, centre), right)
        for angle, mirrored in ((180.0, False), (0.0, True), (0.0, False), (180.0, True))
    ]
    estimate = register_affine(pair.lm, pair.em, pair.roi, starts, contrast=0, context=0.0)
    assert estimate
    assert error(estimate, pair) < 0.05
    assert decompose(estimate.matrix).mirrored == decompose(right).mirrored


def test_missing_pixels_of_the_em_are_left_out() -> None:
    pair = textured(0)
    data = np.array(pair.em.data)
    position = map_points(truth(pair), np.stack(np.indices(data.shape), axis=-1))
    data[position[..., 1] < pair.roi.col + 20] = np.nan
    estimate = register(replace(pair, em=Micrograph(data)), off(pair, 0, 0.35), rough=False)
    assert estimate
    assert error(estimate, pair) < 0.1


def test_the_estimate_is_plain_values_on_request() -> None:
    estimate = register(textured(0), truth(textured(0)), rough=False)
    values = json.loads(json.dumps(estimate.to_dict()))
    assert AffineEstimate(**values).support == estimate.support
    np.testing.assert_array_equal(values["matrix"], estimate.matrix)
    np.testing.assert_array_equal(values["covariance"], estimate.covariance)


def test_progress_goes_on_under_the_given_name() -> None:
    pair = textured(0)
    events: list[Event] = []
    steps = register_affine_steps(
        pair.lm, pair.em, pair.roi, [off(pair, 0)], contrast=-1, sigma=1.25, context=0.0,
        rough=True, robust=True, minimum_support=0.4, stage="fine registration",
    )  # fmt: skip
    assert run(steps, events.append)
    assert len(events) > 10
    assert all(
        isinstance(event, Progress) and event.stage == "fine registration" for event in events
    )
    assert isinstance(events[-1], Progress)
    assert events[-1].done == events[-1].total


# How far it expects to be off -----------------------------------------------------------------


def expected(estimate: AffineEstimate, pair: Pair) -> float:
    """Return the rms of the error that is expected over the ROI, LM pixels."""
    rows, cols = (
        first + (size - 1) * np.linspace(0, 1, 5)
        for first, size in ((pair.roi.row, pair.roi.height), (pair.roi.col, pair.roi.width))
    )
    errors = estimate.error_at(np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1))
    return float(np.sqrt(np.mean(errors**2)))


def test_simulated_pairs_are_off_by_what_is_expected() -> None:
    """The rms of 6 ratios is told to a third or so: each error is one of few degrees of freedom."""
    ratios = []
    for seed in SEEDS:
        pair = simulated(seed)
        estimate = register(pair, off(pair, seed, 0.35), rough=False, context=40.0)
        true = target_registration_error(estimate.matrix, truth(pair), pair.roi)
        ratios.append(float(np.sqrt(np.mean(true**2))) / expected(estimate, pair))
    assert 0.5 < np.sqrt(np.mean(np.square(ratios))) < 1.6
    assert max(ratios) < 3


def test_the_expected_error_grows_towards_the_corners_and_beyond() -> None:
    pair = simulated(0)
    estimate = register(pair, off(pair, 0, 0.35), rough=False)
    inside = estimate.error_at(pair.roi.centre)
    corner, beyond = estimate.error_at([pair.roi.corners[0], 3 * pair.roi.corners[0] - 200])
    assert 0 < inside < corner < beyond


def test_it_does_not_depend_on_which_way_round_or_how_large_the_em_is() -> None:
    """It is in LM pixels; only where the pixels of the EM's grid fall makes a difference.

    From corner to corner it changes by a quarter, so that mirrored ones would be seen.
    """
    pair = simulated(2)
    start = off(pair, 2, 0.35)
    estimate = register(pair, start, rough=False)
    em = np.asarray(pair.em.data)
    flip = np.array([[1.0, 0, 0], [0, -1, em.shape[1] - 1], [0, 0, 1]])
    large = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
    for image, to_em in ((em[:, ::-1], flip), (em.repeat(2, 0).repeat(2, 1), large)):
        changed = replace(pair, em=Micrograph(np.ascontiguousarray(image), 10.0))
        other = register(changed, compose(start, to_em), rough=False)
        np.testing.assert_allclose(
            other.error_at(pair.roi.corners), estimate.error_at(pair.roi.corners), rtol=0.1
        )


def test_a_start_that_was_kept_may_be_off_by_what_the_fit_moved_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Least squares correlates best; from there the robust fit is not taken if all must hold."""
    pair = replaced(textured(1), 1)
    start = register(pair, truth(pair), rough=False, robust=False).matrix
    moved = register(pair, start, rough=False)
    monkeypatch.setattr(affine, "HELD", 1.0)
    kept = register(pair, start, rough=False)
    np.testing.assert_allclose(kept.matrix, start)
    between = target_registration_error(start, moved.matrix, pair.roi, points=2)
    assert between.min() > 3 * moved.error_at(pair.roi.centre)
    corners = (
        pair.roi.row + (pair.roi.height - 1) * np.array([0, 0, 1, 1]),
        (pair.roi.col + (pair.roi.width - 1) * np.array([0, 1, 0, 1])),
    )
    np.testing.assert_allclose(kept.error_at(np.transpose(corners)), between, rtol=0.1)


def test_of_a_failed_registration_no_error_is_known() -> None:
    pair = textured(0)
    estimate = register(pair, off(pair, 0, 0.3), rough=False, minimum_support=1.0)
    assert not estimate
    assert estimate.covariance is None
    assert estimate.to_dict()["covariance"] is None
    assert np.isnan(estimate.error_at(np.zeros((3, 4, 2)))).all()
    assert estimate.error_at(np.zeros((3, 4, 2))).shape == (3, 4)


# How it fails ------------------------------------------------------------------------------


def assert_failed(estimate: AffineEstimate, start: Matrix, words: str) -> None:
    assert not estimate
    assert words in estimate.message
    np.testing.assert_allclose(estimate.matrix, start)


def test_too_little_support_keeps_the_start() -> None:
    pair, start = textured(0), off(textured(0), 0, 0.3)
    estimate = register(replaced(pair, 0), start, rough=False, minimum_support=0.95)
    assert_failed(estimate, start, "of the pixels agree")
    assert "95%" in estimate.message
    assert 0.7 < estimate.support < 0.85


@pytest.mark.parametrize("rough", [True, False])
def test_a_start_outside_the_em_is_kept(rough: bool) -> None:
    pair = textured(0)
    start = compose(shifted_by((500.0, 0.0)), truth(pair))
    estimate = register(pair, start, rough=rough)
    assert not estimate
    assert estimate.message
    np.testing.assert_allclose(estimate.matrix, start)


@pytest.mark.parametrize(
    ("bound", "least", "words"),
    [
        ("LARGEST_SHIFT", 1.0, "moved a corner of the region"),
        ("LARGEST_STRETCH", 0.01, "stretched"),
    ],
)
def test_what_leaves_its_start_or_is_beyond_belief_is_not_taken(
    bound: str, least: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, start = textured(0), off(textured(0), 0, 0.5)
    assert register(pair, start, rough=False)
    # from 2 LM pixels and 2 % off, narrower bounds are met by what is right
    monkeypatch.setattr(affine, bound, least)
    assert_failed(register(pair, start, rough=False), start, words)


def test_of_several_starts_the_first_is_kept() -> None:
    pair = textured(0)
    starts = [off(pair, seed, 0.3) for seed in (0, 1)]
    estimate = register_affine(
        pair.lm, replaced(pair, 0).em, pair.roi, starts, contrast=-1, context=0.0,
        minimum_support=0.99,
    )  # fmt: skip
    assert_failed(estimate, starts[0], "agree")


@pytest.mark.parametrize("which", ["lm", "em"])
def test_an_image_without_structures_is_refused(which: str) -> None:
    flat = replace(textured(0), **{which: Micrograph(np.full((300, 300), 9.0, np.float32))})
    with pytest.raises(BadImage, match=f"the {which.upper()} image is constant"):
        register(flat, truth(textured(0)))


def test_where_the_lm_is_flat_nothing_is_registered() -> None:
    pair = textured(0)
    lm = np.zeros(pair.lm.shape, np.float32)
    lm[5, 5] = 1.0
    estimate = register_affine(
        Micrograph(lm), pair.em, Roi(60, 60, 40, 40), [truth(pair)], context=0.0, rough=False
    )
    assert not estimate
    assert "0% of the pixels agree" in estimate.message
