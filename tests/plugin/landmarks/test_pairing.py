from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plugin.landmarks.pairing import DEPTH, Pairing, Past
from clem_retrace.registration.landmarks import Landmarks


def test_a_pair_is_added_on_one_image_and_completed_on_the_other():
    pairing = Pairing().adding("lm", (3, 4)).adding("em", (50, 60))
    assert [pairing.missing(0), pairing.missing(1)] == ["em", "lm"]
    assert pairing.unconfirmed == (0, 1)
    pairing = pairing.moving(0, "em", (30, 40))
    assert pairing.unconfirmed == (1,)
    np.testing.assert_array_equal(pairing.landmarks.em[0], (30, 40))


def test_pairs_that_were_only_confirmed_are_known_until_they_are_moved():
    pairing = Pairing().adding("lm", (3, 4)).adding("lm", (5, 6))
    pairing = pairing.moving(1, "em", (50, 60), as_predicted=True)
    assert pairing.as_predicted == (False, True)
    assert pairing.removing([0]).as_predicted == (True,)
    assert pairing.moving(1, "lm", (5, 7)).as_predicted == (False, False)
    renamed = pairing.with_landmarks(pairing.landmarks.renaming(1, "vesicle"))
    assert renamed.as_predicted == (False, True)


def test_other_pairs_are_taken_for_placed_by_hand(spots):
    pairing = Pairing().adding("lm", (3, 4)).moving(0, "em", (5, 6), as_predicted=True)
    assert pairing.with_landmarks(Landmarks.of(*spots)).as_predicted == (False,) * 5


def test_pairs_are_removed_by_their_numbers(spots):
    pairing = Pairing(Landmarks.of(*spots)).removing([3, 0, 3])
    assert pairing.landmarks.names == ("2", "3", "5")


def test_changes_are_undone_and_redone_in_turn():
    first, second, third = (Pairing(start=np.eye(3) * [[n], [n], [1]]) for n in (1, 2, 3))
    past = Past(first).changing("one", second).changing("two", third)
    assert (past.undo_words, past.redo_words) == ("two", "")
    back = past.undoing()
    assert back.now is second
    assert (back.undo_words, back.redo_words) == ("one", "two")
    assert back.undoing().now is first
    assert back.undoing().redoing().redoing().now is third
    assert back.changing("three", first).redo_words == ""


@pytest.mark.parametrize("go", [Past.undoing, Past.redoing])
def test_nothing_comes_before_the_first_and_after_the_last(go):
    past = Past()
    assert go(past) is past


def test_only_so_many_changes_are_remembered():
    past = Past()
    for number in range(DEPTH + 5):
        past = past.changing(str(number), Pairing())
    assert len(past.before) == DEPTH
    assert past.undo_words == str(DEPTH + 4)
