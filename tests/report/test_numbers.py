"""The numbers of a report are those of the result, with the units that they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.by_hand import register_from
from clem_retrace.evaluation import centre_distance
from clem_retrace.geometry import decompose, map_points, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.options import RegistrationOptions, declarations
from clem_retrace.pipeline import register
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmark_errors import landmark_errors, predicted_error
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform


def test_every_number_is_that_of_the_result(page, reported, registration, pair):
    shown = page(reported(truth=pair.ground_truth))
    place = decompose(registration.lm_to_em)
    estimate, em_nm, lm_nm = registration.estimate, pair.em.pixel_size, pair.lm.pixel_size
    assert shown.value("Centre of the region in the EM: row, column") == list(registration.centre)
    assert shown.value("Centre of the region in the EM: row, column", 1) == pytest.approx(
        [value * em_nm for value in registration.centre]
    )
    assert shown.value("Angle") == [place.angle]
    assert shown.value("Magnification") == [place.magnification]
    assert shown.value("Magnification", 2) == [registration.ratio]
    assert shown.value("Stretch") == pytest.approx([100 * place.anisotropy])
    assert shown.table("numbers")["Mirrored"][0][0] == "no"
    assert shown.value("Confidence") == [registration.confidence]
    assert shown.value("Score") == [registration.match.score]
    assert shown.value("Support") == [estimate.support]
    assert shown.value("Correlation") == [estimate.correlation]
    assert shown.value("Correlation", 2) == [estimate.correlation_before]
    assert shown.value("Gain") == [estimate.gain]
    assert shown.value("Expected error") == [registration.error]
    assert shown.value("Expected error", 1) == pytest.approx([registration.error * lm_nm])
    assert shown.value("Region") == [pair.roi.height, pair.roi.width]
    assert shown.value("Region", 1) == [pair.roi.height * lm_nm, pair.roi.width * lm_nm]
    assert shown.value("\u03c3 of the LM") == [registration.lm_scale.sigma]
    assert shown.value("\u03c3 of the EM", 1) == [registration.em_scale.sigma * em_nm]
    before = registration.distance_to(pair.ground_truth)
    assert shown.value("The match, before it was registered") == [before.pixels, before.percent]
    assert shown.value("The match, before it was registered", 1) == [before.nm]
    after = centre_distance(registration.centre, pair.ground_truth.centre, pair.em.shape, em_nm)
    assert shown.value("As registered") == [after.pixels, after.percent]


def test_words_and_units_go_with_the_numbers(page, reported, registration):
    rows = page(reported()).table("numbers")
    row, col = registration.centre
    place = rows["Centre of the region in the EM: row, column"]
    assert place[0][0] == f"{row:.2f}, {col:.2f} EM px"
    assert "\u00b5m" in place[1][0]
    assert rows["Contrast"][0][0] == "what is bright in the LM is dark in the EM"
    assert rows["Support"][0][0] == f"{100 * registration.estimate.support:.0f} %"


def test_without_pixel_sizes_there_is_no_length_on_the_specimen(page, reported, registration):
    facts = {
        name: dataclasses.replace(getattr(registration, name), pixel_size=None)
        for name in ("lm", "em")
    }
    shown = page(reported(dataclasses.replace(registration, **facts)), pictures=True)
    assert shown.table("numbers")["Region"][1][0] == "\u2013 \u00d7 \u2013"
    assert "nm" not in "".join(
        cells[1][0] for cells in shown.table("numbers").values() if cells[1:]
    )
    assert shown.text.count("No scale bar: the pixel size is not known.") == 2 * 7


def test_candidates_are_those_of_the_result(page, reported, registration):
    rows = page(reported()).table("candidates")
    del rows["Rank"]
    assert next(iter(rows)) == "1 \u25cf"
    for cells, match in zip(rows.values(), registration.candidates.matches, strict=True):
        confidence, score, _, centre, angle, mirrored, magnification = cells
        place = registration.place if match is registration.match else match
        assert confidence[1] == [match.confidence]
        assert score[1] == [match.score]
        assert centre[1] == list(place.centre)
        assert angle[1] == [place.angle]
        assert mirrored[0] == ("yes" if match.mirrored else "no")
        assert magnification[1] == [place.magnification]


def test_a_run_that_found_nothing_is_told_as_such(page, reported, rescored):
    unsure = rescored(0.104)
    shown = page(reported(unsure), pictures=True)
    assert shown.all("div", class_="verdict unsure")
    assert not shown.all("div", class_="verdict found")
    assert "Where the region may lie" in shown.table("numbers")
    assert "At the likeliest place" in shown.text
    assert "the likeliest place, not sure (candidate 1)" in shown.text
    # An error is expected of the right place only.
    assert "; expected error" not in shown.text


def test_a_run_that_was_found(page, reported, registration):
    shown = page(reported())
    assert registration.found
    assert shown.all("div", class_="verdict found")
    assert "Where the region lies" in shown.table("numbers")
    assert "; expected error" in shown.text


def test_the_candidate_that_was_shown_is_reported(page, reported, pair, registration, quick):
    second = register(pair.lm, pair.em, pair.roi, quick, take=2)
    results = (registration, second)
    shown = page(reported(results=results, shown=2))
    assert shown.value("Centre of the region in the EM: row, column") == list(second.centre)
    ranks = list(shown.table("candidates"))[1:3]
    assert ranks == ["1 \u25cb", "2 \u25cf"]
    assert "Candidate 2, taken by hand: not sure" in shown.text
    assert "--take=2" not in shown.text  # the images are not on disk
    # One that was only looked at is not reported as if it were registered.
    shown = page(reported(results=results, shown=3))
    assert shown.value("Centre of the region in the EM: row, column") == list(registration.centre)
    assert "Candidate 3 was being looked at" in shown.text


def test_a_place_given_by_hand_has_no_confidence(page, reported, pair, registration, quick):
    by_hand = register_from(pair.lm, pair.em, pair.roi, registration.em_to_lm, quick)
    shown = page(reported(by_hand))
    assert shown.all("div", class_="verdict hand")
    assert "Placed by hand" in shown.text
    assert "Confidence" not in shown.table("numbers")
    assert "nothing was searched for" in shown.text


def test_a_place_by_hand_from_which_nothing_was_reached(page, reported, pair, registration, quick):
    by_hand = register_from(pair.lm, pair.em, pair.roi, registration.em_to_lm, quick)
    failed = dataclasses.replace(by_hand.estimate, converged=False, message="too far")
    shown = page(reported(dataclasses.replace(by_hand, estimate=failed)))
    assert shown.all("div", class_="verdict unsure")
    assert "Placed by hand: the registration from there failed" in shown.text


def test_a_failed_registration_says_why(page, reported, registration):
    failed = dataclasses.replace(
        registration.estimate, converged=False, message="support of 12 % < 40 %", covariance=None
    )
    shown = page(reported(dataclasses.replace(registration, estimate=failed)))
    assert shown.table("numbers")["Registration"][0][0] == "failed"
    assert "support of 12 % < 40 %" in shown.table("numbers")["Registration"][2][0]
    assert "Expected error" not in shown.table("numbers")
    none = page(reported(dataclasses.replace(registration, estimate=None)))
    assert none.table("numbers")["Registration"][0][0] == "none"


def test_the_matrix_is_exact_and_its_reading_is_said(page, reported, registration):
    shown = page(reported())
    rows = [cells for kind, cells in shown.rows if kind == "matrix"]
    np.testing.assert_array_equal(
        [[cell[1][0] for cell in row] for row in rows], registration.em_to_lm
    )
    np.testing.assert_array_equal(
        [[float(cell[0]) for cell in row] for row in rows], registration.em_to_lm
    )
    assert "em_to_lm \u00d7 (row, col, 1) of EM pixels" in shown.text


def test_every_option_is_listed_and_changed_ones_are_marked(page, reported, registration):
    options = RegistrationOptions.from_paths(
        {"search": "oriented", "oriented.angle": 30.0, "affine.robust": False, "context": 12.5}
    )
    shown = page(reported(dataclasses.replace(registration, options=options)))
    rows = [cells for kind, cells in shown.rows if kind == "options"]
    assert len(rows) == len(list(declarations()))
    marked = {row[0][0]: (row[1][0], row[2][0]) for row in rows if row[0][0].startswith("\u25b6")}
    assert marked == {
        "\u25b6 search": ("oriented", "default both"),
        "\u25b6 angle": ("30 degrees", "default open"),
        "\u25b6 robust": ("no", "default yes"),
        "\u25b6 context": ("12.5 LM px", "default 150"),
    }
    assert "Changed: search, context, oriented.angle, affine.robust." in shown.text
    assert len(shown.all("tr", class_="changed")) == 4
    assert len(shown.all("dt")) == len(rows)


# --- corrections


@pytest.fixture
def landmarks(pair):
    """Pairs at known places, off by chance; two held back, one not placed in the LM."""
    rng = np.random.default_rng(7)
    lm = np.array(pair.roi.centre) + rng.uniform(-30, 30, (10, 2))
    em = map_points(pair.lm_to_em, lm + rng.normal(0, 0.5, lm.shape))
    lm[-1] = np.nan
    active = np.array([True] * 7 + [False] * 2 + [True])
    return Landmarks(lm, em, active, (*"abcdef", "<g>", "h", "i", "j"))


def fitted(pair, landmarks, model):
    return fit_landmarks(landmarks, model, lm=ImageFacts.of(pair.lm), em=ImageFacts.of(pair.em))


@pytest.mark.parametrize("model", ["affine", "thin-plate spline"])
def test_landmarks_have_their_errors_worst_first(page, reported, pair, landmarks, model):
    transform = fitted(pair, landmarks, model)
    shown = page(reported(transform=transform, truth=pair.ground_truth))
    errors = landmark_errors(transform)
    rows = shown.table("landmarks")
    del rows["Landmark"]
    assert list(rows) == [landmarks.names[index] for index in errors.worst_first()]
    for index, name in enumerate(landmarks.names):
        for kind, cell in zip(
            (errors.residual, errors.left_out, errors.target), rows[name][2:], strict=True
        ):
            value = float(kind[index])
            expected = [] if np.isnan(value) else [value, value * pair.lm.pixel_size]
            assert cell[1] == pytest.approx(expected)
    assert rows["j"][0][0] == "not placed"
    assert rows["h"][2][0] == "\u2013"
    for row, kind in (
        ("Residuals", errors.residual), ("Left out", errors.left_out), ("Held back", errors.target)
    ):  # fmt: skip
        expected = np.sqrt(np.nanmean(kind**2))
        assert shown.value(row) == pytest.approx([expected])
        assert shown.value(row, 1) == pytest.approx([expected * pair.lm.pixel_size])
    assert shown.value("Centre of the region in the EM: row, column") == pytest.approx(
        list(transform.to_em(pair.roi.centre))
    )
    centre = transform.to_em(pair.roi.centre)
    distance = centre_distance(centre, pair.ground_truth.centre, pair.em.shape)
    assert shown.value("As corrected") == pytest.approx([distance.pixels, distance.percent])
    assert "Corrected by landmarks" in shown.text
    assert ("affine part only" in shown.text) is (model == "thin-plate spline")


def test_the_expected_error_of_landmarks_is_that_over_the_region(page, reported, pair, landmarks):
    transform = fitted(pair, landmarks, "affine")
    roi = pair.roi
    points = [
        (roi.row + (roi.height - 1) * down / 4, roi.col + (roi.width - 1) * right / 4)
        for down in range(5)
        for right in range(5)
    ]
    expected = np.sqrt((predicted_error(transform, points) ** 2).mean())
    shown = page(reported(transform=transform))
    assert shown.value("Expected error of the landmarks") == pytest.approx([expected])


def test_as_many_landmarks_as_are_needed_tell_no_error(page, reported, pair):
    lm = np.array([[40.0, 50.0], [100.0, 60.0], [60.0, 140.0]])
    transform = fitted(pair, Landmarks.of(lm, map_points(pair.lm_to_em, lm)), "affine")
    shown = page(reported(transform=transform))
    assert "Expected error of the landmarks" not in shown.table("numbers")
    # Neither is there a map.
    shown = page(reported(transform=transform), pictures=True)
    assert len(shown.all("img")) == 6


def test_landmarks_can_check_a_result_that_is_not_theirs(
    page, reported, pair, registration, landmarks
):
    transform = dataclasses.replace(registration.transform, landmarks=landmarks)
    shown = page(reported(transform=transform))
    assert shown.all("div", class_="verdict found")
    assert "Correction" not in shown.table("numbers")
    assert shown.value("Expected error") == [registration.error]
    missed = map_points(registration.em_to_lm, landmarks.em) - landmarks.lm
    expected = np.sqrt(np.nanmean((missed**2).sum(axis=1)))
    assert shown.value("Held back") == pytest.approx([expected])
    assert "Residuals" not in shown.table("numbers")
    assert "0 pairs in the fit (affine), 9 held back." in shown.text


def test_how_far_a_correction_by_hand_has_moved_the_region(page, reported, registration):
    moved = registration.em_to_lm.copy()
    moved[:2, 2] += (3.0, 4.0)
    transform = PairTransform(moved, registration.lm, registration.em, "affine", "hand")
    shown = page(reported(transform=transform))
    assert shown.value("Correction") == pytest.approx([5.0])
    assert "Corrected by hand" in shown.text
    assert not shown.table("landmarks")
    turned = similarity(1.0, 90.0, False, (0, 0), (0, 0)) @ registration.em_to_lm
    transform = dataclasses.replace(transform, em_to_lm=turned)
    angle = page(reported(transform=transform)).value("Angle")
    assert angle == pytest.approx([decompose(np.linalg.inv(turned)).angle])
