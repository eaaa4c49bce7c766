from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.geometry import invert, map_points
from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.registration.landmark_errors import landmark_errors


def test_nothing_known_gives_nothing(facts):
    found = fit(Pairing(), *facts)
    assert (found.transform, found.source, found.fault) == (None, "nothing", "")
    assert not found.is_current
    assert found.residual.shape == found.test.shape == (0,)


def test_pairs_give_their_fit(pairing, facts, truth):
    found = fit(pairing, *facts)
    assert found.source == "pairs"
    # The EM points are off by a pixel, a tenth of one of the LM.
    corners = np.array([(0, 0), (800, 0), (800, 1000), (0, 1000)])
    away = found.transform.to_lm(corners) - map_points(truth, corners)
    assert np.hypot(*away.T).max() < 0.5
    errors = landmark_errors(found.transform)
    np.testing.assert_array_equal(found.residual, errors.residual)
    np.testing.assert_array_equal(found.test, errors.left_out)


def test_a_pair_that_is_held_back_is_tested_by_the_others(pairing, facts):
    held = pairing.with_landmarks(pairing.landmarks.switching(2, False))
    found = fit(held, *facts)
    assert np.isnan(found.residual[2])
    lm, em = held.landmarks.lm[2], held.landmarks.em[2]
    assert found.test[2] == pytest.approx(np.hypot(*(found.transform.to_lm(em) - lm)))


def test_a_prediction_is_no_part_of_the_fit(pairing, facts):
    more = pairing.adding("lm", (100, 20))
    np.testing.assert_array_equal(
        fit(more, *facts).transform.em_to_lm, fit(pairing, *facts).transform.em_to_lm
    )


def test_missing_partners_are_predicted_on_both_images(pairing, facts):
    found = fit(pairing.adding("lm", (100, 20)).adding("em", (700, 30)), *facts)
    on_lm, on_em = found.points("lm"), found.points("em")
    np.testing.assert_allclose(found.transform.to_lm(on_em[5]), (100, 20), atol=1e-9)
    np.testing.assert_allclose(found.transform.to_em(on_lm[6]), (700, 30), atol=1e-9)
    np.testing.assert_array_equal(on_lm[:5], pairing.landmarks.lm)


def test_without_a_transform_nothing_is_predicted(facts):
    found = fit(Pairing().adding("lm", (3, 4)), *facts)
    assert np.isnan(found.points("em")).all()
    np.testing.assert_array_equal(found.points("lm"), [(3, 4)])


def test_a_start_predicts_until_the_pairs_tell_enough(pairing, facts, truth):
    begun = Pairing(start=truth).adding("lm", (60, 80))
    found = fit(begun, *facts)
    assert (found.source, found.fault, found.transform.origin) == ("start", "", "automatic")
    np.testing.assert_allclose(found.points("em"), map_points(invert(truth), [(60, 80)]))
    two = dataclasses.replace(pairing.removing([2, 3, 4]), start=truth)
    found = fit(two, *facts)
    assert found.source == "start"
    assert "needs 3 pairs" in found.fault
    assert fit(dataclasses.replace(two, model="similarity"), *facts).source == "pairs"


def test_pairs_test_the_start_that_has_not_seen_them(facts, truth):
    em = np.add(map_points(invert(truth), (60.0, 80.0)), (30, 0))
    begun = Pairing(start=truth).adding("lm", (60, 80)).moving(0, "em", em)
    found = fit(begun, *facts)
    assert np.isnan(found.residual).all()
    # Thirty EM pixels are three of the LM.
    np.testing.assert_allclose(found.test, [3.0])


@pytest.mark.parametrize("fault", ["one line", "same place", "needs 3 pairs"])
def test_pairs_that_tell_nothing_keep_the_last_fit_as_what_it_is(pairing, facts, fault):
    good = fit(pairing, *facts)
    if fault == "one line":
        bad = pairing.with_landmarks(
            dataclasses.replace(pairing.landmarks, lm=np.outer(np.arange(5.0), (9, 11)))
        )
    elif fault == "same place":
        bad = pairing.moving(1, "lm", pairing.landmarks.lm[0])
    else:
        bad = pairing.removing([1, 2, 3])
    found = fit(bad, *facts, good)
    assert found.source == "earlier pairs"
    assert found.transform is good.transform
    assert fault in found.fault
    assert not found.is_current
    assert found.errors is None
    assert np.isnan(found.residual).all()
    assert np.isnan(found.test).all()
    # And it is still the one when the next change does not mend it.
    assert fit(bad.adding("lm", (1, 2)), *facts, found).transform is good.transform
    assert fit(pairing, *facts, found).source == "pairs"


def test_the_last_fit_is_forgotten_with_the_last_pair(pairing, facts):
    good = fit(pairing, *facts)
    assert fit(pairing.removing(range(5)), *facts, good).transform is None


def test_a_spline_predicts_with_its_bend(pairing, facts):
    bent = dataclasses.replace(pairing.adding("lm", (50, 80)), model="thin-plate spline")
    found = fit(bent, *facts)
    assert found.transform.spline is not None
    np.testing.assert_allclose(
        found.points("em")[5], found.transform.spline.to_em((50, 80)), atol=1e-9
    )
