"""The EM on the LM's grid: each bright pixel where the transform says, in one resampling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.events import Event, Progress, run
from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity
from clem_retrace.micrograph import Micrograph
from clem_retrace.registration import overlay_on_lm, overlay_on_lm_steps

SHAPE = (90, 110)


def em_to_lm(angle: float = 30.0, mirrored: bool = True, ratio: float = 6.0) -> Matrix:
    return invert(similarity(ratio, angle, mirrored, (40.0, 60.0), (310.0, 280.0)))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, -145.0])
@pytest.mark.parametrize("ratio", [1.0, 2.5, 6.0])
def test_a_bright_spot_comes_to_lie_where_the_transform_puts_it(
    ratio: float, angle: float, mirrored: bool
) -> None:
    matrix = em_to_lm(angle, mirrored, ratio)
    spot = np.array((52.3, 71.8))
    row, col = map_points(invert(matrix), spot)
    rows, cols = np.ogrid[:640, :600]
    image = np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * (1.5 * ratio) ** 2))
    overlay = overlay_on_lm(Micrograph(image.astype(np.float32)), matrix, SHAPE)
    assert overlay.shape == SHAPE
    assert overlay.dtype == np.float32
    known = np.nan_to_num(overlay)
    centre = ndimage.center_of_mass(np.where(known > 0.1, known, 0))
    assert centre == pytest.approx(spot, abs=0.05)


def test_outside_the_em_there_is_nothing() -> None:
    matrix = em_to_lm()
    overlay = overlay_on_lm(Micrograph(np.ones((640, 600), np.float32)), matrix, SHAPE)
    assert 0.1 < np.isnan(overlay).mean() < 0.9
    grid = np.stack(np.indices(SHAPE), axis=-1)
    in_em = map_points(invert(matrix), grid)
    inside = ((in_em > 6) & (in_em < (633, 593))).all(axis=-1)
    outside = ((in_em < -7) | (in_em > (646, 606))).any(axis=-1)
    np.testing.assert_allclose(overlay[inside], 1)
    assert np.isnan(overlay[outside]).all()


def test_it_is_the_mean_of_what_an_lm_pixel_covers() -> None:
    """Decimated, not picked: a fine checkerboard comes out as its mean."""
    board = (np.indices((640, 600)).sum(axis=0) % 2).astype(np.float32)
    overlay = overlay_on_lm(Micrograph(board), em_to_lm(), SHAPE)
    inner = overlay[np.isfinite(overlay)]
    assert inner.mean() == pytest.approx(0.5, abs=0.01)
    assert inner.std() < 0.02


def test_shear_and_stretch_are_followed() -> None:
    affine = compose(em_to_lm(), np.array([[1.05, 0.06, 3.0], [-0.02, 0.97, -4.0], [0, 0, 1.0]]))
    rows, cols = np.indices((640, 600)).astype(np.float32)
    for axis, ramp in enumerate((rows, cols)):
        overlay = overlay_on_lm(Micrograph(ramp), affine, SHAPE)
        position = map_points(invert(affine), np.stack(np.indices(SHAPE), axis=-1))
        inside = ((position > 20) & (position < (620, 580))).all(axis=-1)
        # a ramp survives averaging and interpolation as it is
        np.testing.assert_allclose(overlay[inside], position[inside][:, axis], atol=0.05)


def test_missing_pixels_stay_missing() -> None:
    image = np.ones((640, 600), np.float32)
    image[:, :300] = np.nan
    overlay = overlay_on_lm(Micrograph(image), em_to_lm(0.0, False), SHAPE)
    # LM column c lies on EM column 280 + 6 (c - 60)
    assert np.isnan(overlay[:, :62]).all()
    assert np.isfinite(overlay[5:80, 66:90]).all()


def test_progress_has_the_name_it_was_given() -> None:
    events: list[Event] = []
    image = Micrograph(np.ones((640, 600), np.float32))
    run(overlay_on_lm_steps(image, em_to_lm(), SHAPE, "warped EM"), events.append)
    assert events
    assert all(isinstance(event, Progress) and event.stage == "warped EM" for event in events)
