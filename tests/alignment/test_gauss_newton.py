"""Many alignments at once: gradients, steps, and where they lead."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.alignment import gauss_newton
from clem_retrace.alignment.gauss_newton import align, invert_all
from clem_retrace.alignment.interpolation import interpolate
from clem_retrace.alignment.template import (
    Model,
    Template,
    displacements,
    proximity,
    steepest_steps,
)
from clem_retrace.geometry import compose, map_points, similarity, translation
from clem_retrace.micrograph import Roi
from clem_retrace.resampling import warp

Array = NDArray[np.float32]

SHAPE = (90, 100)
ROI = Roi(25, 30, 40, 44)

#: Cubic interpolation of a texture of sigma 3 is good to some 1e-3 of its spread, and the
#: bilinear one of `align` to some 3e-2; neither can move the best place by more than this.
EXACT = 0.05


def texture(seed: int = 0, shape: tuple[int, int] = SHAPE, sigma: float = 3.0) -> Array:
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return (smooth / smooth.std()).astype(np.float32)


def template_of(image: Array, reach: float = 6.0) -> Template:
    return Template.of(image, proximity(image.shape, ROI, reach), ROI.centre)


def deviations(found: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the corners of the ROI come to lie from where they belong."""
    return np.linalg.norm(map_points(found, ROI.corners) - map_points(truth, ROI.corners), axis=1)


# proximity ---------------------------------------------------------------------------------


def test_proximity_is_1_in_the_region_and_falls_to_0_at_the_reach() -> None:
    weights = proximity((60, 70), Roi(20, 25, 15, 12), 10.0)
    assert weights.dtype == np.float32
    assert (weights[20:35, 25:37] == 1).all()
    along_row = weights[27, 36:48]
    assert (np.diff(along_row[:11]) < 0).all()
    assert along_row[5] == pytest.approx(0.5)  # half-way, 5 of 10 pixels from the last one
    assert along_row[10:] == pytest.approx(0, abs=1e-6)
    # distance counts round a corner
    assert weights[34 + 6, 36 + 8] == pytest.approx(0, abs=1e-6)
    assert weights[34 + 3, 36 + 4] == pytest.approx(0.5)


def test_without_reach_the_region_alone_carries_weight() -> None:
    weights = proximity((60, 70), Roi(20, 25, 15, 12), 0.0)
    expected = np.zeros((60, 70), np.float32)
    expected[20:35, 25:37] = 1
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_of_an_outline_the_inside_counts_fully_and_the_rest_by_its_distance() -> None:
    diamond = Roi.from_outline([(10, 35), (30, 15), (50, 35), (30, 55)])
    weights = proximity((60, 70), diamond, 10.0)
    rows, cols = np.mgrid[:60, :70]
    beyond = (np.abs(rows - 30) + np.abs(cols - 35) - 20) / np.sqrt(2)
    assert (weights[beyond < 0] == 1).all()
    assert (weights[beyond > 11] == 0).all()
    # half-way, within the step from pixel to pixel
    beside = (np.abs(beyond - 5) < 0.4) & (np.abs(rows - 30) < 12) & (np.abs(cols - 35) < 12)
    assert weights[beside] == pytest.approx(0.5, abs=0.2)
    # the corners of the surrounding rectangle are 14 pixels away
    assert weights[11, 16] == 0


def test_an_outline_finer_than_the_grid_is_its_rectangle() -> None:
    speck = Roi.from_outline([(10.1, 20.1), (10.4, 20.1), (10.2, 20.4)])
    assert proximity((30, 40), speck, 5.0).max() > 0.9


# sampling ----------------------------------------------------------------------------------


def test_sampling_is_scipys_bilinear_interpolation() -> None:
    rng = np.random.default_rng(5)
    image = rng.normal(size=(31, 43)).astype(np.float32)
    points = rng.uniform(-12, 50, size=(400, 2))
    matrices = np.stack(
        [similarity(m, a, bool(i % 2), (15, 21), (15 + i, 21 - i))
         for i, (m, a) in enumerate([(1.0, 0.0), (0.7, 33.0), (1.3, -120.0)])]
    )  # fmt: skip
    values, inside = interpolate(image, matrices, points)
    assert values.shape == inside.shape == (3, 400)
    for matrix, sampled, known in zip(matrices, values, inside, strict=True):
        mapped = map_points(matrix, points)
        within = ((mapped >= 0) & (mapped <= (30, 42))).all(axis=1)
        assert 20 < within.sum() < 380
        np.testing.assert_array_equal(known, within)
        expected = ndimage.map_coordinates(image, mapped[within].T, order=1)
        # positions are float32 (1e-5 px), and the last 0.001 px of a side are held off it
        np.testing.assert_allclose(sampled[within], expected, atol=1e-2)
        assert (sampled[~within] == 0).all()


def test_the_last_row_and_column_are_inside() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    points = np.array([[0.0, 0.0], [2.0, 3.0], [2.01, 3.0], [0.0, -0.01]])
    values, inside = interpolate(image, np.eye(3)[None], points)
    assert inside.tolist() == [[True, True, False, False]]
    np.testing.assert_allclose(values[0], [0, 11, 0, 0], atol=0.01)


# the model ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", get_args(Model))
def test_steepest_steps_are_finite_differences(model: Model) -> None:
    image = texture(1, sigma=4.0)
    template = template_of(image)
    steps = steepest_steps(template, model)
    assert steps.shape == (len(template.points), {"translation": 2, "similarity": 4}.get(model, 6))
    for number in range(steps.shape[1]):
        change = np.zeros((2, steps.shape[1]))
        change[:, number] = (0.5, -0.5)
        ahead, behind = displacements(change, template)
        difference = np.subtract(
            *(
                ndimage.map_coordinates(image, map_points(way, template.points).T, order=3)
                for way in (ahead, behind)
            )
        )
        # Central differences over a pixel or so, of a texture that changes over 4.
        assert np.corrcoef(difference, steps[:, number])[0, 1] > 0.99
        assert np.polyfit(steps[:, number], difference, 1)[0] == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("size", [2, 4, 6])
def test_parameters_are_displacements_at_the_templates_radius(size: int) -> None:
    template = template_of(texture())
    radius, centre = template.radius, template.centre
    assert np.array_equal(displacements(np.zeros((1, size)), template)[0], np.eye(3))
    ring = centre + radius * np.stack(
        [np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1
    )
    for number in range(size):
        parameters = np.zeros((1, size))
        parameters[0, number] = 0.3
        (matrix,) = displacements(parameters, template)
        moved = np.linalg.norm(map_points(matrix, ring) - ring, axis=1)
        if number < 2:
            assert moved == pytest.approx(0.3)
            assert map_points(matrix, centre) - centre == pytest.approx(0.3 * np.eye(2)[number])
        else:
            assert map_points(matrix, centre) == pytest.approx(centre)
            assert moved.max() == pytest.approx(0.3)


def test_inverses_are_inverses_with_an_exact_last_row() -> None:
    matrices = np.stack([similarity(2.7, angle, False, (3, 4), (7, -9)) for angle in (10.0, 77.0)])
    inverses = invert_all(matrices)
    np.testing.assert_allclose(inverses @ matrices, np.tile(np.eye(3), (2, 1, 1)), atol=1e-9)
    assert (inverses[:, 2] == (0, 0, 1)).all()


# templates ---------------------------------------------------------------------------------


def test_a_template_holds_the_points_that_carry_weight() -> None:
    image = texture()
    weights = np.zeros(SHAPE, np.float32)
    weights[10:13, 20:24] = 1
    weights[50, 50] = 0.005  # less than a hundredth of the largest
    template = Template.of(image, weights, (11.0, 21.5))
    assert len(template.points) == 12
    np.testing.assert_array_equal(template.values.reshape(3, 4), image[10:13, 20:24])
    assert template.gradients[5] == pytest.approx(
        [(image[12, 21] - image[10, 21]) / 2, (image[11, 22] - image[11, 20]) / 2]
    )
    assert template.radius == pytest.approx(np.sqrt(2 / 3 + 1.25))


def test_some_of_a_templates_points_turn_about_the_same_centre() -> None:
    template = template_of(texture())
    part = template.only(template.points[:, 0] < 40)
    assert 0 < len(part.points) < len(template.points)
    assert (part.points[:, 0] < 40).all()
    assert len(part.values) == len(part.weights) == len(part.gradients) == len(part.points)
    assert part.radius == template.radius
    assert (part.centre == template.centre).all()


# alignment ---------------------------------------------------------------------------------

TRUTHS: dict[Model, NDArray[np.float64]] = {
    "translation": translation((1.7, -2.2)),
    "similarity": similarity(1.04, 4.0, False, ROI.centre, (45.5, 51.0)),
    "affine": compose(
        similarity(1.0, -3.0, False, ROI.centre, (46.2, 50.1)),
        translation(ROI.centre),
        np.array([[1.04, 0.03, 0], [-0.02, 0.97, 0], [0, 0, 1]]),
        translation(-np.array(ROI.centre)),
    ),
}


@pytest.mark.parametrize("model", get_args(Model))
def test_a_known_transform_of_the_model_is_found(model: Model) -> None:
    image, truth = texture(3), TRUTHS[model]
    moved = warp(image, truth, (110, 115), order=3, fill=0.0)
    found = align(template_of(image), moved, np.eye(3)[None], model=model, iterations=20)
    assert deviations(np.eye(3), truth).max() > 2
    assert deviations(found.matrices[0], truth).max() < EXACT
    assert found.correlation[0] > 0.99
    assert found.coverage[0] == pytest.approx(1)


def test_gain_and_the_other_sign_are_followed() -> None:
    image = texture(3)
    moved = 0.2 * warp(image, TRUTHS["affine"], SHAPE, order=3, fill=0.0)
    template = template_of(image)
    found = align(template, moved, np.eye(3)[None], iterations=20)
    assert deviations(found.matrices[0], TRUTHS["affine"]).max() < EXACT
    inverted = align(template_of(-image), -moved, np.eye(3)[None], iterations=20)
    np.testing.assert_allclose(inverted.matrices, found.matrices, atol=1e-5)
    assert align(template, -moved, found.matrices, iterations=0).correlation[0] < -0.98


@pytest.mark.parametrize("gain", [1e-4, 1e4])
def test_how_well_two_correlate_does_not_depend_on_their_gain(gain: float) -> None:
    template, start = template_of(texture(3)), translation((1.0, 0.5))[None]
    usual, other = (
        align(template, np.float32(by) * texture(3), start, iterations=0) for by in (1.0, gain)
    )
    assert 0.5 < usual.correlation[0] < 0.99
    assert other.correlation[0] == pytest.approx(usual.correlation[0], rel=1e-4)


def test_an_alignment_is_never_worse_than_its_start() -> None:
    image, other = texture(3), texture(4, (120, 130))
    rng = np.random.default_rng(0)
    starts = np.stack([translation(shift) for shift in rng.uniform(-60, 80, (40, 2))])
    template = template_of(image)
    before, after = (align(template, other, starts, iterations=count) for count in (0, 6))
    np.testing.assert_array_equal(before.matrices, starts)
    assert (after.score >= before.score - 1e-6).all()
    assert (after.score > before.score + 0.02).mean() > 0.5
    assert ((before.coverage >= 0) & (before.coverage < 1 + 1e-5)).all()
    assert before.coverage.min() < 0.5


def test_what_lies_outside_neither_helps_nor_harms() -> None:
    image = texture(3)
    found = align(template_of(image), image, translation((-45.0, 0.0))[None], iterations=0)
    shown = align(template_of(image), image[:45], np.eye(3)[None], iterations=0)
    assert 0 < found.coverage[0] < 0.6
    assert shown.correlation[0] == pytest.approx(1, abs=1e-4)
    assert 0.3 < shown.coverage[0] < 0.7
    assert shown.score[0] == pytest.approx(np.sqrt(shown.coverage[0]), abs=1e-4)


def test_starts_are_aligned_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    image = texture(3)
    moved = warp(image, TRUTHS["similarity"], SHAPE, order=3, fill=0.0)
    starts = np.stack([translation((row, row / 2)) for row in (-2.0, 0.0, 1.0, 20.0)])
    template = template_of(image)
    together = align(template, moved, starts)
    monkeypatch.setattr(gauss_newton, "CHUNK", 3 * len(template.points))
    in_portions = align(template, moved, starts)
    # Sums of float32 in another order; the steps of a place that is lost magnify it.
    np.testing.assert_allclose(in_portions.matrices, together.matrices, atol=5e-3)
    for number, start in enumerate(starts):
        alone = align(template, moved, start[None])
        np.testing.assert_allclose(alone.matrices[0], together.matrices[number], atol=5e-3)
        assert alone.score[0] == pytest.approx(together.score[number], abs=1e-3)


def test_no_starts_give_no_alignments() -> None:
    found = align(template_of(texture()), texture(), np.empty((0, 3, 3)))
    assert found.matrices.shape == (0, 3, 3)
    assert found.score.shape == (0,)
