from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plugin.landmarks.fitting import fit
from clem_retrace.plugin.landmarks.markers import COLOURS, colour_of, markers
from clem_retrace.plugin.landmarks.pairing import Pairing


@pytest.fixture
def shown(pairing, facts):
    """Pair 2 is held back, and the last one only placed on the LM."""
    held = pairing.with_landmarks(pairing.landmarks.switching(1, False))
    return fit(held.adding("lm", (100, 20)), *facts)


def test_partners_have_one_colour_and_one_name(shown):
    lm, em = markers(shown, "lm"), markers(shown, "em")
    assert lm.pairs == em.pairs == (0, 1, 2, 3, 4, 5)
    np.testing.assert_array_equal(lm.border, em.border)
    assert lm.features["name"] == em.features["name"] == ["1", "2", "3", "4", "5", "6"]
    assert lm.features["label"][5] == "6"


def test_a_prediction_is_a_ring_with_a_question_mark(shown):
    lm, em = markers(shown, "lm"), markers(shown, "em")
    assert em.face[5, 3] == 0 < lm.face[5, 3]
    assert em.features["label"][5] == "6?"
    assert em.features["state"] == ["placed"] * 5 + ["predicted"]


def test_a_pair_that_is_held_back_differs_in_form_too(shown):
    lm = markers(shown, "lm")
    assert lm.symbols == ("disc", "square", "disc", "disc", "disc", "disc")
    assert lm.face[1, 3] < lm.face[0, 3]
    assert lm.features["used"] == [True, False, True, True, True, True]


def test_points_that_are_nowhere_are_left_out(facts):
    found = fit(Pairing().adding("lm", (3, 4)).adding("em", (5, 6)), *facts)
    assert markers(found, "lm").pairs == (0,)
    assert markers(found, "em").pairs == (1,)


def test_the_pair_worked_on_is_marked(shown):
    assert markers(shown, "em", 3).chosen == (False, False, False, True, False, False)


def test_a_move_leaves_the_style(shown, facts):
    before = markers(shown, "lm", 2)
    moved = fit(shown.pairing.moving(0, "lm", (1, 2)), *facts)
    assert markers(moved, "lm", 2).is_styled_as(before)
    assert not markers(shown, "lm", 1).is_styled_as(before)
    off = shown.pairing.with_landmarks(shown.pairing.landmarks.switching(0, False))
    assert not markers(fit(off, *facts), "lm", 2).is_styled_as(before)


def test_colours_stay_when_others_are_deleted_and_begin_anew_after_the_last():
    assert [colour_of(str(n)) for n in range(1, 9)] == [*COLOURS, COLOURS[0]]
    assert colour_of("vesicle") in COLOURS
