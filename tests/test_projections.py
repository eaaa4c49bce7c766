"""Projections are those of NumPy, and what is no stack has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadImage, InvalidOption
from clem_retrace.projections import project


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 65535, (4, 6, 7)).astype(np.uint16)


@pytest.mark.parametrize("name", ["max", "mean", "min", "std"])
def test_projections_are_numpys(stack: np.ndarray, name: str) -> None:
    expected = getattr(stack.astype(np.float64), name)(axis=0)
    np.testing.assert_allclose(project(stack, name), expected, rtol=1e-5)  # type: ignore[arg-type]


def test_one_plane_can_be_taken(stack: np.ndarray) -> None:
    np.testing.assert_array_equal(project(stack, "plane", 2), stack[2])
    with pytest.raises(InvalidOption, match="plane 4 of a stack that has 4"):
        project(stack, "plane", 4)


def test_a_flat_image_is_returned_as_it_is(stack: np.ndarray) -> None:
    np.testing.assert_array_equal(project(stack[0], "mean"), stack[0])


def test_what_is_no_stack_is_refused(stack: np.ndarray) -> None:
    with pytest.raises(BadImage, match="4"):
        project(stack[None])
    with pytest.raises(InvalidOption, match="median"):
        project(stack, "median")  # type: ignore[arg-type]


def test_a_stack_without_planes_has_no_projection() -> None:
    with pytest.raises(BadImage, match="no planes"):
        project(np.zeros((0, 5, 6)), "max")


@pytest.mark.parametrize("plane", [None, 1.0, True, "1"])
def test_a_plane_is_a_whole_number(plane: Any) -> None:
    with pytest.raises(InvalidOption, match="plane"):
        project(np.zeros((3, 5, 6)), "plane", plane)


def test_planes_too_bright_for_float32_are_projected_in_silence() -> None:
    stack = np.full((3, 2, 2), 3e38, np.float32)
    stack[1] = np.inf
    assert np.isinf(project(stack, "mean")).all()
