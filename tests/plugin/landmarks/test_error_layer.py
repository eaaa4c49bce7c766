from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.geometry import map_points
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.landmarks.error_layer import ErrorLayer, expected
from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.plugin.roles import LANDMARK_ERROR, role
from clem_retrace.plugin.scene import Scene
from clem_retrace.registration.landmark_errors import predicted_error
from clem_retrace.registration.landmarks import Landmarks


@pytest.fixture
def errors(model, images):
    for image in images:
        model.add_layer(image)
    errors = ErrorLayer(model, Scene(model))
    errors.wanted = True
    return errors


def shown(model):
    return [layer for layer in model.layers if role(layer) == LANDMARK_ERROR]


def test_the_map_is_what_is_predicted_where_the_em_is(pairing, facts):
    transform = fit(pairing, *facts).transform
    values, to_lm = expected(transform)
    points = map_points(to_lm, np.moveaxis(np.indices(values.shape), 0, -1))
    on_em = transform.to_em(points)
    inside = ((on_em >= -0.5) & (on_em <= np.array([799.5, 999.5]))).all(axis=-1)
    np.testing.assert_array_equal(np.isfinite(values), inside)
    np.testing.assert_allclose(
        values[inside], predicted_error(transform, points[inside]), rtol=1e-6
    )
    # Least amid the pairs.
    least = points.reshape(-1, 2)[np.nanargmin(values)]
    assert np.hypot(*(least - pairing.landmarks.lm.mean(axis=0))) < 3


def test_the_layer_is_in_nm_and_lies_on_the_lm(model, errors, images, pairing, facts):
    found = fit(pairing, *facts)
    errors.show(found, images[0])
    (layer,) = shown(model)
    values, to_lm = expected(found.transform)
    np.testing.assert_allclose(layer.data, values * 110, rtol=1e-6)
    np.testing.assert_allclose(pixels_between(layer, images[0]), to_lm, atol=1e-9)
    assert layer.name == "Expected error, nm"
    assert errors.limits == pytest.approx((np.nanmin(values) * 110, np.nanmax(values) * 110))


def test_the_layer_follows_and_keeps_its_looks(model, errors, images, pairing, facts):
    errors.show(fit(pairing, *facts), images[0])
    (layer,) = shown(model)
    layer.opacity, before = 0.2, np.array(layer.data)
    errors.show(fit(pairing.moving(0, "em", (100, 100)), *facts), images[0])
    assert shown(model) == [layer]
    assert layer.opacity == 0.2
    assert np.nanmax(layer.data) > 2 * np.nanmax(before)


@pytest.mark.parametrize("pairs", [0, 3])
def test_where_nothing_can_be_told_there_is_no_map(model, errors, images, pairing, facts, pairs):
    errors.show(fit(pairing, *facts), images[0])
    errors.show(fit(pairing.removing(range(pairs, 5)), *facts), images[0])
    assert shown(model) == []
    assert errors.limits is None


def test_pairs_that_fit_exactly_have_no_map(model, errors, images, spots, facts):
    errors.show(fit(Pairing(Landmarks.of(*spots)), *facts), images[0])
    assert shown(model) == []
    assert errors.limits is None


def test_a_start_has_no_map(model, errors, images, truth, facts):
    errors.show(fit(Pairing(start=truth), *facts), images[0])
    assert shown(model) == []


def test_it_goes_when_it_is_no_longer_wanted(model, errors, images, pairing, facts):
    found = fit(pairing, *facts)
    errors.show(found, images[0])
    errors.wanted = False
    errors.show(found, images[0])
    assert shown(model) == []
