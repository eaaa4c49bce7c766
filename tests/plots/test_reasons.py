"""The figures that say why: their numbers and words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.options import RegistrationOptions
from clem_retrace.plots.figures import Guide
from clem_retrace.plots.reasons import needed_score, scale_figure, score_figure


def test_scales_of_both_images_in_pixels_and_nm(registration):
    figure = scale_figure(registration)
    lm, em = figure.panels
    for panel, selection, facts in (
        (lm, registration.lm_scale, registration.lm),
        (em, registration.em_scale, registration.em),
    ):
        assert panel.guides[0].value == selection.sigma
        assert panel.top.label == "nm"
        assert panel.top.low == pytest.approx(panel.x.low * facts.pixel_size)
        assert f"{selection.sigma:.2f} px = " in panel.title
        by_look = {series.look: series for series in panel.series}
        np.testing.assert_array_equal(by_look["line"].y, selection.counts)
        np.testing.assert_array_equal(by_look["dashed"].y, selection.raw_counts)
        np.testing.assert_array_equal(by_look["dotted"].y, selection.reference_counts)
    assert lm.x.label.endswith("(LM px)")
    assert len(figure.rows) == len(lm.series[0].x) + len(em.series[0].x)


def test_scales_without_pixel_sizes_are_in_pixels_only(registration):
    facts = dataclasses.replace(registration.lm, pixel_size=None)
    lm = scale_figure(dataclasses.replace(registration, lm=facts)).panels[0]
    assert lm.top is None
    assert "nm" not in lm.title


def test_a_sigma_that_was_given_is_said_to_be_and_lies_on_the_axis(registration):
    options = dataclasses.replace(
        registration.options,
        representation=dataclasses.replace(registration.options.representation, lm_sigma=20.0),
    )
    scale = dataclasses.replace(registration.lm_scale, sigma=20.0)
    lm, em = scale_figure(dataclasses.replace(registration, options=options, lm_scale=scale)).panels
    assert "(given)" in lm.title
    assert "(given)" not in em.title
    assert lm.x.high == 20.0


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ({"search": "oriented"}, "does not use them"),
        ({"search": "both"}, "compares both at \u03c3 = 1.5 LM px"),
        ({"search": "histogram", "histogram.matched": False}, "At these scales"),
    ],
)
def test_what_the_scales_are_used_for_is_said(registration, paths, words):
    options = RegistrationOptions.from_paths(paths)
    assert words in scale_figure(dataclasses.replace(registration, options=options)).caption


def test_the_score_that_is_enough_is_where_the_confidence_reaches_the_threshold(rescored):
    found = rescored(0.3)
    needed = needed_score(found)
    assert found.candidates.matches[1].score < needed < 0.3
    for score, sure in ((needed + 1e-6, True), (needed - 1e-6, False)):
        again = rescored(score)
        assert again.found is sure
    (panel,) = score_figure(found).panels
    assert panel.guides == (Guide(needed, "y", "enough to be sure"),)
    assert "it stands out" in score_figure(found).caption


def test_a_best_place_that_is_not_enough_is_below_the_line(rescored):
    unsure = rescored(0.104)
    assert not unsure.found
    (panel,) = score_figure(unsure).panels
    assert panel.guides[0].value > 0.104
    # The line is in view, although no candidate reaches it.
    assert panel.y.high > panel.guides[0].value
    assert "by chance" in score_figure(unsure).caption


def test_without_enough_rivals_no_line_is_made_up(rescored):
    few = rescored(0.3, (0.1, 0.09))
    assert needed_score(few) is None
    assert "too few" in score_figure(few).caption
    # Nor where candidates that are not listed decided.
    contradicting = rescored(0.3, confident=False)
    assert contradicting.match.confidence != pytest.approx(0)
    weak = dataclasses.replace(contradicting.candidates.best, confidence=0.01)
    candidates = dataclasses.replace(
        contradicting.candidates, matches=(weak, *contradicting.candidates.matches[1:])
    )
    assert needed_score(dataclasses.replace(contradicting, candidates=candidates)) is None


def test_the_taken_candidate_is_told_from_the_others(rescored):
    by_hand = rescored(0.3)
    by_hand = dataclasses.replace(by_hand, match=by_hand.candidates.matches[2])
    assert by_hand.rank == 3
    (panel,) = score_figure(by_hand).panels
    by_name = {series.name: series for series in panel.series}
    assert by_name["taken"].keys == (3,)
    assert by_name["other places"].keys == (1, 2, *range(4, 11))
    assert by_name["taken"].look != by_name["other places"].look
    assert "score 0.300" in by_name["other places"].tips[0]
    assert [row[-1] for row in score_figure(by_hand).rows].index("yes") == 2


def test_each_search_has_its_own_panel(both):
    registration, _ = both
    figure = score_figure(registration)
    assert [panel.title for panel in figure.panels] == ["Oriented search", "Histogram search"]
    ranks = [key for panel in figure.panels for one in panel.series for key in one.keys]
    assert sorted(ranks) == list(range(1, len(registration.candidates.matches) + 1))


def test_the_histogram_search_alone_is_not_trusted(both):
    registration, _ = both
    matches = tuple(one for one in registration.candidates.matches if one.search == "histogram")
    candidates = dataclasses.replace(registration.candidates, matches=matches)
    alone = dataclasses.replace(registration, candidates=candidates, match=matches[0])
    assert needed_score(alone) is None
    assert "histogram search alone" in score_figure(alone).caption
