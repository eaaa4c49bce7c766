"""Transforms at nodes: between them they are linear, and neighbours share them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from clem_retrace.geometry import map_points, similarity
from clem_retrace.pulls import NODE_STEP, Nodes, coarseness

MATRIX = similarity(2.3, 40, True, (10, 20), (300, 400))


def turned(points: np.ndarray) -> np.ndarray:
    return map_points(MATRIX, points)


@pytest.mark.parametrize(
    "window",
    [(slice(0, 8), slice(0, 8)), (slice(3, 31), slice(13, 14)), (slice(64, 129), slice(5, 70))],
)
def test_an_affine_transform_is_exact(window: tuple[slice, slice]) -> None:
    grid = np.stack(np.mgrid[window], axis=-1)
    expected = np.moveaxis(turned(grid), -1, 0)
    np.testing.assert_allclose(Nodes.of(turned, window).positions(), expected, atol=1e-9)


def test_a_bend_meets_its_nodes() -> None:
    def bent(points: np.ndarray) -> np.ndarray:
        return points + np.sin(points)

    positions = Nodes.of(bent, (slice(4, 40), slice(0, 33))).positions()
    at = np.arange(0, 33, NODE_STEP)
    rows = np.arange(8, 40, NODE_STEP)
    expected = bent(np.stack(np.meshgrid(rows, at, indexing="ij"), axis=-1).astype(float))
    np.testing.assert_allclose(positions[:, rows - 4][:, :, at], np.moveaxis(expected, -1, 0))


def test_windows_fit_together() -> None:
    def bent(points: np.ndarray) -> np.ndarray:
        return points + 3 * np.sin(points / 5)

    whole = Nodes.of(bent, (slice(0, 50), slice(0, 60))).positions()
    part = Nodes.of(bent, (slice(13, 50), slice(29, 41))).positions()
    np.testing.assert_allclose(part, whole[:, 13:50, 29:41], atol=1e-9)


def test_known_nodes_are_those_with_a_place() -> None:
    def folded(points: np.ndarray) -> np.ndarray:
        return np.where(points[..., :1] > 10, np.nan, points)

    nodes = Nodes.of(folded, (slice(0, 20), slice(0, 10)))
    assert nodes.known.max(axis=0).tolist() == [8, 16]


def test_coarseness_is_the_root_of_the_area() -> None:
    assert coarseness(turned, (40, 60)) == pytest.approx(2.3)
    stretched = np.diag([4.0, 9.0, 1.0])
    assert coarseness(lambda points: map_points(stretched, points), (5, 5)) == pytest.approx(6)
    assert coarseness(lambda points: np.full_like(points, np.nan), (5, 5)) == 1


def test_a_grid_immensely_finer_than_its_image_has_a_coarseness() -> None:
    pull = partial(map_points, similarity(1e-25, 0.0, False, (0, 0), (30, 40)))
    assert 0 < coarseness(pull, (9, 17)) < 1e-6
