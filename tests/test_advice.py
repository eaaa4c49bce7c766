from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clem_retrace.advice import advice
from clem_retrace.geometry import compose, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions


@pytest.fixture
def unsure(registration):
    """Not found, of a region and options that leave little to mend."""
    options = RegistrationOptions()
    return dataclasses.replace(registration, found=False, confidence=0.3, options=options)


def with_options(registration, **values):
    return dataclasses.replace(registration, options=RegistrationOptions.from_paths(values))


def test_what_was_found_needs_no_advice(registration):
    assert advice(dataclasses.replace(registration, found=True)) == ()


def test_it_ends_with_what_cannot_be_helped(unsure):
    assert "nothing to find" in advice(unsure)[-1]


def test_a_small_region_is_named_with_its_size(unsure):
    assert not any("larger region" in tip for tip in advice(unsure))
    small = dataclasses.replace(unsure, roi=Roi(0, 0, 30, 90))
    assert any("larger region" in tip and "30 x 90" in tip for tip in advice(small))


def test_several_likely_candidates_are_to_be_looked_at(unsure):
    matches = [dataclasses.replace(unsure.match, confidence=share) for share in (0.4, 0.3, 0.01)]
    candidates = dataclasses.replace(unsure.candidates, matches=tuple(matches))
    tips = advice(dataclasses.replace(unsure, candidates=candidates))
    assert tips[0].startswith("Look at the first 2 candidates")


def test_a_place_given_by_hand_needs_advice_only_when_it_was_in_vain(unsure):
    placed = dataclasses.replace(
        unsure, match=dataclasses.replace(unsure.match, search="hand"), confidence=0.0
    )
    assert advice(placed) == ()
    assert advice(dataclasses.replace(placed, estimate=None)) == ()
    failed = dataclasses.replace(placed.estimate, converged=False, message="too far off")
    tips = advice(dataclasses.replace(placed, estimate=failed))
    assert "closer" in tips[0]
    assert any("mirrored" in tip for tip in tips)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ratio_uncertainty": 0.0}, "Ratio uncertainty to 0.15"),
        ({"search": "histogram"}, "Set Search to both"),
        ({"context": 0.0}, "Set Context"),
        ({"oriented.angle": 30.0}, "Set the angle to auto"),
        ({"oriented.mirror": "no"}, "the mirror to either"),
    ],
)
def test_options_that_narrow_the_search_are_named(unsure, values, words):
    assert not any(words in tip for tip in advice(unsure))
    assert any(words in tip for tip in advice(with_options(unsure, **values)))


def test_a_ratio_at_the_edge_of_what_was_allowed_is_suspected(unsure):
    """A place 16 % larger than the ratio says, where 17.6 % were allowed."""
    centre = unsure.roi.centre
    larger = compose(similarity(1 / 1.16, 0, False, centre, centre), unsure.match.em_to_lm)
    match = dataclasses.replace(unsure.match, em_to_lm=larger)
    tips = advice(dataclasses.replace(unsure, match=match))
    assert any("at the edge" in tip for tip in tips)
    assert not any("at the edge" in tip for tip in advice(unsure))


def noisy(scale):
    """A selection with hardly a blob beyond the noise."""
    return dataclasses.replace(scale, counts=np.minimum(scale.counts, 5.0))


@pytest.mark.parametrize("which", ["lm", "em"])
def test_an_image_of_noise_is_named_first(unsure, which):
    assert not any("noise" in tip for tip in advice(unsure))
    scale = noisy(getattr(unsure, f"{which}_scale"))
    tips = advice(dataclasses.replace(unsure, **{f"{which}_scale": scale}))
    assert tips[0].startswith(f"Look at the {which.upper()} image")
    assert "channel and plane" in tips[0]


def test_the_pixel_sizes_are_told_where_the_ratio_came_from_them(unsure):
    (tip,) = (tip for tip in advice(unsure) if "pixel sizes" in tip)
    assert "LM 110 nm, EM 27.5 nm, which is 4 EM px per LM px" in tip
    (tip,) = (tip for tip in advice(with_options(unsure, pixel_size_ratio=4.0)) if "4 EM px" in tip)
    assert "the ratio that was given" in tip
