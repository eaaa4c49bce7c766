"""A representation knows its sigma and where its pixels lie, and has no unit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.errors import BadImage
from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import decimation
from clem_retrace.representation import represent, represent_steps


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(90, 110))
    return (200 + 30 * ndimage.gaussian_filter(noise, 2.0)).astype(np.float32)


def test_it_is_the_log_in_robust_standard_deviations(image: np.ndarray) -> None:
    found = represent(image, 2.5)
    log = ndimage.gaussian_laplace(image.astype(float), 2.5, mode="reflect", truncate=5)
    middle = np.median(log)
    spread = 1.4826 * np.median(np.abs(log - middle))
    np.testing.assert_allclose(found.log, (log - middle) / spread, atol=2e-3)
    assert found.sigma == 2.5
    np.testing.assert_array_equal(found.image_to_log, np.eye(3))


@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int32, np.float64])
def test_any_number_type_will_do(image: np.ndarray, dtype: str) -> None:
    whole = np.round(image)
    np.testing.assert_allclose(
        represent(whole.astype(dtype), 2.0).log, represent(whole, 2.0).log, atol=1e-4
    )


def test_the_grid_is_remembered_and_progress_told(image: np.ndarray) -> None:
    events: list[Event] = []
    found = run(represent_steps(image, 2.0, decimation(4), "LM representation"), events.append)
    np.testing.assert_array_equal(found.image_to_log, decimation(4))
    assert {event.stage for event in events} == {"LM representation"}
    assert all(isinstance(event, Progress) for event in events)


def test_missing_pixels_stay_missing(image: np.ndarray) -> None:
    holed = image.copy()
    holed[10:20, 30:40] = np.nan
    log = represent(holed, 2.0).log
    np.testing.assert_array_equal(np.isnan(log), np.isnan(holed))


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_an_image_without_structures_is_refused(value: float) -> None:
    with pytest.raises(BadImage):
        represent(np.full((40, 50), value, np.float32), 2.0)
