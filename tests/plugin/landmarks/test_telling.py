from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from clem_retrace.plugin.guide import Mark
from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.plugin.landmarks.steps import states
from clem_retrace.plugin.landmarks.telling import (
    begun_with,
    comes_next,
    error_text,
    errors,
    summary,
    warnings,
)
from clem_retrace.registration.landmark_errors import landmark_errors, predicted_error
from clem_retrace.registration.landmarks import Landmarks


@pytest.mark.parametrize(
    ("error", "nm", "text"),
    [
        (0.8, None, "0.80 px"),
        (0.8, 110.0, "88 nm"),
        (185.345, 110.0, "20.4 \u00b5m"),
        (1.7e-13, 110.0, "0 nm"),
        (math.nan, 110.0, "-"),
    ],
)
def test_errors_are_told_in_the_unit_that_suits_them(error, nm, text):
    assert error_text(error, nm) == text


def test_the_summary_holds_all_numbers_in_both_units(pairing, facts):
    held = pairing.with_landmarks(pairing.landmarks.switching(4, False))
    found = fit(held, *facts)
    numbers, told = errors(found), summary(found)
    by_hand = landmark_errors(found.transform)
    assert (numbers.used, numbers.held) == (4, 1)
    assert numbers.rms == by_hand.rms
    assert numbers.target == pytest.approx(by_hand.target[4])
    assert told.startswith("4 pairs, affine: rms ")
    for value in (numbers.rms, numbers.left_out, numbers.target, numbers.region):
        assert f"{error_text(value, None)} = {error_text(value, 110.0)}" in told
    assert told.endswith("Mirrored.")


def test_the_error_in_the_region_lies_between_the_least_and_the_largest_in_it(pairing, facts):
    found = fit(pairing, *facts)
    rows, cols = pairing.landmarks.lm.T
    corners = [(row, col) for row in (rows.min(), rows.max()) for col in (cols.min(), cols.max())]
    at_corners = predicted_error(found.transform, corners)
    at_centre = predicted_error(found.transform, pairing.landmarks.lm.mean(axis=0))
    assert at_centre < errors(found).region < at_corners.max()


def test_what_fits_exactly_is_given_no_rms(pairing, facts):
    found = fit(pairing.removing([3, 4]), *facts)
    assert "rms" not in summary(found)
    (warning,) = warnings(found)
    assert "1 pair more would show an error" in warning
    spline = fit(dataclasses.replace(pairing, model="thin-plate spline"), *facts)
    assert "rms" not in summary(spline)
    assert "leave-one-out" in summary(spline)


def test_pairs_that_were_computed_tell_nothing_of_the_error(spots, facts):
    exact = Pairing(Landmarks.of(*spots))
    found = fit(exact, *facts)
    assert summary(found) == "5 pairs, affine. Mirrored."
    (warning,) = warnings(found)
    assert "tell nothing of the error" in warning
    # One that is held back is seen by nobody: what is known there is an error.
    held = fit(exact.with_landmarks(exact.landmarks.switching(4, False)), *facts)
    assert "at 1 held back 0.00 px = 0 nm" in summary(held)
    # Each point where it was foretold is another matter, and said as such.
    foretold = fit(exact.moving(2, "em", exact.landmarks.em[2], as_predicted=True), *facts)
    (warning,) = warnings(foretold)
    assert warning.startswith("1 pair confirmed where predicted")


def test_confirmed_predictions_are_held_against_the_errors(pairing, facts):
    assert warnings(fit(pairing, *facts)) == []
    point = pairing.landmarks.em[2]
    confirmed = pairing.moving(2, "em", point, as_predicted=True)
    (warning,) = warnings(fit(confirmed, *facts))
    assert warning.startswith("1 pair confirmed where predicted")
    off = confirmed.with_landmarks(confirmed.landmarks.switching(2, False))
    assert not any("confirmed" in one for one in warnings(fit(off, *facts)))


def test_a_fit_that_is_mirrored_against_the_start_is_doubted(pairing, facts, truth):
    agrees = dataclasses.replace(pairing, start=truth)
    assert warnings(fit(agrees, *facts)) == []
    against = dataclasses.replace(pairing, start=truth @ np.diag([1.0, -1.0, 1.0]))
    (warning,) = warnings(fit(against, *facts))
    assert "mirror" in warning


def test_a_spline_that_folds_is_doubted(pairing, facts):
    lm = np.array(pairing.landmarks.lm)
    # The one in the middle is taken over the border.
    lm[4] = (44.0, 110.0)
    folded = pairing.with_landmarks(dataclasses.replace(pairing.landmarks, lm=lm))
    found = fit(dataclasses.replace(folded, model="thin-plate spline"), *facts)
    assert found.transform.spline.folds(facts[0].shape) > 0
    assert any("folds" in warning for warning in warnings(found))


def test_the_start_is_judged_by_the_pairs_placed(facts, truth, spots):
    begun = Pairing(start=truth).adding("lm", spots[0][0])
    assert "no pair has changed it yet" in summary(fit(begun, *facts))
    placed = begun.moving(0, "em", spots[1][0] + (30, 40))
    assert "off by 5.00 px = 550 nm" in summary(fit(placed, *facts))


def test_an_overlay_of_earlier_pairs_is_never_given_numbers(pairing, facts):
    found = fit(pairing.removing([2, 3, 4]), *facts, fit(pairing, *facts))
    assert "does not belong" in summary(found)
    assert "px" not in summary(found)
    assert warnings(found) == []


def test_nothing_is_told_of_nothing(facts):
    assert summary(fit(Pairing(), *facts)) == ""


def test_what_was_begun_with(facts, truth):
    assert "nothing" in begun_with(fit(Pairing(), *facts))
    assert "automatic" in begun_with(fit(Pairing(start=truth), *facts))
    assert "by hand" in begun_with(fit(Pairing(start=truth, origin="hand"), *facts))


@pytest.mark.parametrize(
    ("make", "due", "adding", "text"),
    [
        (lambda _five, _truth: Pairing(), None, False, "Press Add pairs to place points"),
        (lambda _five, _truth: Pairing(), None, True, "Click something on the LM that"),
        (lambda five, _truth: five, "em", True, "Now click the same spot on the EM"),
        (lambda five, _truth: five.removing([2, 3, 4]), None, False, "1 pair more needed"),
        (lambda five, _truth: five.removing([2, 3, 4]), None, True, "1 pair more is needed"),
        (lambda _five, truth: Pairing(start=truth), None, True, "on the LM or the EM"),
        (lambda _five, truth: Pairing(start=truth), None, False, "Press Propose pairs"),
        (lambda five, _truth: five.adding("lm", (1, 2)), None, True, "1 ring is predicted"),
        (lambda five, _truth: five, None, True, "Click more spots"),
        (lambda five, _truth: five, None, False, "Check the worst pairs"),
        (lambda five, _: five.moving(1, "lm", five.landmarks.lm[0]), None, True, "switch off"),
    ],
)
def test_what_comes_next(pairing, facts, truth, make, due, adding, text):
    assert text in comes_next(fit(make(pairing, truth), *facts), due, adding=adding)


def test_steps_without_images(facts):
    found = states(fit(Pairing(), *facts), None, "No EM image is chosen")
    assert found["images"].mark is Mark.NEXT
    assert found["images"].text == "No EM image is chosen"
    assert {state.mark for name, state in found.items() if name != "images"} == {Mark.LATER}


def test_steps_with_good_pairs(pairing, facts):
    found = states(fit(pairing, *facts), facts, "")
    assert found["images"].text == "LM 110 nm/px, EM 11 nm/px"
    assert found["pairs"].text == "5 pairs used"
    assert [found[name].mark for name in ("pairs", "errors")] == [Mark.DONE, Mark.DONE]


def test_steps_with_pairs_to_confirm_and_to_hold_back(pairing, facts):
    held = pairing.with_landmarks(pairing.landmarks.switching(4, False)).adding("lm", (1, 2))
    found = states(fit(held, *facts), facts, "")
    assert found["pairs"].text == "4 pairs used, 1 held back, 1 to be confirmed"
    assert found["pairs"].mark is Mark.NEXT


def test_steps_with_pairs_that_tell_nothing(pairing, facts):
    bad = pairing.moving(1, "lm", pairing.landmarks.lm[0])
    found = states(fit(bad, *facts, fit(pairing, *facts)), facts, "")
    assert found["pairs"].mark is Mark.DOUBT
    assert "same place" in found["pairs"].text
    assert found["errors"].mark is Mark.DOUBT
    assert found["take"].mark is Mark.LATER


def test_steps_with_a_pair_half_clicked(facts):
    found = states(fit(Pairing().adding("lm", (1, 2)), *facts), facts, "")
    assert found["pairs"].text == "0 pairs used, 1 without partner; the fit needs 3 pairs"


def test_steps_with_too_few_pairs(pairing, facts):
    found = states(fit(pairing.removing([1, 2, 3, 4]), *facts), facts, "")
    assert found["pairs"].text == "1 pair used; the fit needs 3 pairs"
    assert found["pairs"].mark is Mark.NEXT
