"""The histograms of a region and a patch, and the figure of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from skimage.draw import polygon2mask

from clem_retrace.events import Progress, run
from clem_retrace.micrograph import Micrograph
from clem_retrace.options import RegistrationOptions
from clem_retrace.plots.histogram_figure import histogram_figure
from clem_retrace.plots.histograms import compare_histograms_steps
from clem_retrace.representation import represent
from clem_retrace.retracing import ldp_codes, log_bins

#: One histogram for the whole region.
WHOLE = {"histogram.cells": False, "histogram.bins": 64, "histogram.similarity": "cosine"}


def test_a_match_of_the_histogram_search_is_compared_as_it_was(pair, both):
    """The very score: the same bins, grid and patch."""
    registration, memory = both
    match = next(one for one in registration.candidates.matches if one.search == "histogram")
    for remembered in (None, memory):
        found = run(compare_histograms_steps(pair.lm, pair.em, registration, match, remembered))
        # A window is as long as the patch to a pixel of the grid, of which it has about 80.
        assert found.score == pytest.approx(match.score, abs=2e-3)
    for shares in (found.roi, found.patch, found.whole):
        assert shares.sum() == pytest.approx(1, abs=1e-5)
        assert shares.shape == (64,)
    assert (found.edges[0], found.edges[-1]) == (-6, 6)


def test_with_the_memory_of_the_run_no_representation_is_made_again(pair, both):
    registration, memory = both

    def stages(remembered):
        seen = set()
        run(
            compare_histograms_steps(pair.lm, pair.em, registration, None, remembered),
            lambda event: isinstance(event, Progress) and seen.add(event.stage),
        )
        return seen

    assert "EM representation" in stages(None)
    assert stages(memory) == {"patch histogram"}


@pytest.mark.parametrize("descriptor", ["log", "ldp"])
def test_histograms_are_those_of_the_pixels_within_the_outlines(pair, registration, descriptor):
    """Counted again by a slower way: polygons on the whole image."""
    paths = {"histogram.descriptor": descriptor, "histogram.matched": False} | WHOLE
    asked = dataclasses.replace(registration, options=RegistrationOptions.from_paths(paths))
    found = run(compare_histograms_steps(pair.lm, pair.em, asked))

    def counted(image, sigma, corners):
        log = represent(np.asarray(image.data, np.float32), sigma).log
        bins = ldp_codes(log) if descriptor == "ldp" else log_bins(log, 64, 6.0)
        inside = polygon2mask(image.shape, corners)
        counts = np.bincount(bins[inside], minlength=len(found.patch))
        return counts / counts.sum()

    patch = counted(pair.em, registration.em_scale.sigma, registration.match.corners)
    roi = counted(pair.lm, registration.lm_scale.sigma, registration.match.roi.corners)
    roi = roi[found.turn.order]
    # Pixels on the outline itself belong to one side or to the other.
    assert np.abs(found.patch - patch).sum() < 0.01
    assert np.abs(found.roi - roi).sum() < 0.01
    assert (found.roi @ found.patch) / np.linalg.norm(found.roi) / np.linalg.norm(
        found.patch
    ) == pytest.approx(found.score, abs=1e-5)


def test_a_reversed_contrast_reverses_the_regions_histogram(pair, registration):
    same, reversed_ = (
        run(
            compare_histograms_steps(
                pair.lm,
                pair.em,
                registration,
                dataclasses.replace(registration.match, contrast=contrast),
            )
        )
        for contrast in (1, -1)
    )
    np.testing.assert_array_equal(reversed_.roi, same.roi[::-1])
    np.testing.assert_array_equal(reversed_.patch, same.patch)
    assert "reversed" in histogram_figure(reversed_).caption
    assert "reversed" not in histogram_figure(same).caption
    # The pair is of the second kind.
    assert reversed_.score > same.score


def test_codes_are_read_as_the_patch_is_turned(pair, registration):
    options = RegistrationOptions.from_paths({"histogram.descriptor": "ldp"})
    asked = dataclasses.replace(registration, options=options)
    found = run(compare_histograms_steps(pair.lm, pair.em, asked))
    # The pair is turned by 33 degrees: nearer to 0 than to 90.
    assert (found.turn.angle, found.turn.mirrored) == (0.0, False)
    figure = histogram_figure(found)
    assert figure.panels[0].x.label == "LDP code"
    assert figure.header[0] == "ldp_code"
    assert "code 56" in figure.panels[0].series[0].tips[-1]


def test_only_pixels_in_the_patch_are_counted(pair, registration):
    """A flat square in the patch fills the middle bins; one elsewhere does not."""
    asked = dataclasses.replace(
        registration, options=RegistrationOptions.from_paths({"histogram.matched": False} | WHOLE)
    )

    def in_the_middle(flat=None):
        data = np.array(pair.em.data, dtype=np.float32)
        if flat is not None:
            data[flat] = data.mean()
        em = Micrograph(data, pair.em.pixel_size)
        return run(compare_histograms_steps(pair.lm, em, asked)).patch[30:34].sum()

    rows, cols = (round(x) for x in registration.match.centre)
    before = in_the_middle()
    inside = in_the_middle(np.s_[rows - 50 : rows + 50, cols - 50 : cols + 50]) - before
    outside = in_the_middle(np.s_[:100, :100]) - before
    share = 100 * 100 / (70 * 90 * registration.match.magnification**2)
    # Less what was in these bins before, and the rim, where the filter sees structures.
    assert 0.4 * share < inside < share
    assert abs(outside) < 0.1 * inside
