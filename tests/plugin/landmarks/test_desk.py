from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plugin.landmarks.pairing import Pairing, Past


def place(desk, spots, count):
    """Click some pairs, on one image after the other."""
    for lm, em in list(zip(*spots, strict=True))[:count]:
        desk.click("lm", lm)
        desk.click("em", em)


def test_from_nothing_each_click_asks_for_its_partner(desk, spots):
    assert desk.due is None
    desk.click("lm", spots[0][0])
    assert desk.due == "em"
    desk.click("em", spots[1][0])
    assert desk.due is None
    assert desk.pairing.missing(0) is None


def test_a_second_click_on_one_image_moves_the_first(desk, qtbot):
    desk.click("lm", (10, 20))
    with qtbot.waitSignal(desk.told) as told:
        desk.click("lm", (30, 40))
    assert "same spot on the EM" in told.args[0]
    assert len(desk.pairing) == 1
    np.testing.assert_array_equal(desk.pairing.landmarks.lm, [(30, 40)])


def test_either_image_may_come_first(desk, spots):
    desk.click("em", spots[1][0])
    assert desk.due == "lm"
    desk.click("lm", spots[0][0])
    assert desk.pairing.missing(0) is None


def test_three_pairs_predict_the_fourth(desk, spots):
    place(desk, spots, 3)
    desk.click("lm", spots[0][3])
    assert desk.due is None
    np.testing.assert_allclose(desk.fit.points("em")[3], spots[1][3], atol=1e-6)
    assert desk.pairing.missing(3) == "em"


def test_a_click_on_the_other_image_places_the_partner_that_was_predicted(desk, spots):
    place(desk, spots, 3)
    desk.click("lm", spots[0][3])
    desk.click("em", spots[1][3] + 5)
    assert len(desk.pairing) == 4
    np.testing.assert_array_equal(desk.pairing.landmarks.em[3], spots[1][3] + 5)
    # The pair is complete: the next click begins another.
    desk.click("em", spots[1][4])
    assert desk.pairing.missing(4) == "lm"


def test_pairs_can_be_collected_before_they_are_checked(desk, spots):
    place(desk, spots, 3)
    desk.click("lm", spots[0][3])
    desk.click("lm", spots[0][4])
    assert desk.pairing.unconfirmed == (3, 4)


def test_confirming_places_the_point_and_remembers_that_nobody_moved_it(desk, spots):
    place(desk, spots, 3)
    desk.click("lm", spots[0][3])
    desk.confirm(3)
    np.testing.assert_allclose(desk.pairing.landmarks.em[3], spots[1][3], atol=1e-6)
    assert desk.pairing.as_predicted == (False, False, False, True)
    past = desk.past
    desk.confirm(3)
    assert desk.past is past


def test_what_is_not_predicted_cannot_be_confirmed(desk, qtbot):
    desk.click("lm", (10, 20))
    with qtbot.waitSignal(desk.told) as told:
        desk.confirm(0)
    assert "click the spot on the EM" in told.args[0]
    assert desk.pairing.missing(0) == "em"


def test_a_drag_is_one_change(desk, spots):
    place(desk, spots, 4)
    changed, moved = [], []
    desk.changed.connect(lambda *_: changed.append(None))
    desk.moved.connect(lambda *_: moved.append(None))
    for step in range(5):
        desk.drag("em", {1: spots[1][1] + step})
    assert desk.is_dragging
    assert (len(moved), len(changed)) == (5, 0)
    desk.settle()
    assert not desk.is_dragging
    assert len(changed) == 1
    desk.undo()
    np.testing.assert_array_equal(desk.pairing.landmarks.em[1], spots[1][1])
    desk.redo()
    np.testing.assert_array_equal(desk.pairing.landmarks.em[1], spots[1][1] + 4)


def test_undoing_brings_back_the_start_and_not_what_came_between(desk, spots, truth):
    desk.start_from(truth, "automatic")
    place(desk, spots, 3)
    assert desk.fit.source == "pairs"
    desk.undo()
    assert desk.fit.source == "start"
    np.testing.assert_array_equal(desk.fit.transform.em_to_lm, truth)
    desk.redo()
    desk.remove([0])
    assert desk.fit.source == "earlier pairs"


def test_a_drag_that_moved_nothing_is_no_change(desk, spots):
    place(desk, spots, 3)
    past = desk.past
    desk.settle()
    assert desk.past is past


def test_dragging_a_prediction_places_it(desk, spots):
    place(desk, spots, 3)
    desk.click("lm", spots[0][3])
    desk.drag("em", {3: (5, 6)})
    assert desk.pairing.missing(3) is None
    desk.settle()
    assert desk.pairing.as_predicted[3] is False


def test_the_pair_worked_on_follows_when_others_are_deleted(desk, spots):
    place(desk, spots, 5)
    desk.choose(3)
    desk.remove([1, 4])
    assert desk.chosen == 2
    assert desk.pairing.landmarks.names == ("1", "3", "4")
    desk.remove_chosen()
    assert desk.chosen is None
    assert desk.pairing.landmarks.names == ("1", "3")
    desk.undo()
    desk.undo()
    assert len(desk.pairing) == 5


def test_a_pair_is_switched_off_and_on(desk, spots):
    place(desk, spots, 5)
    desk.choose(2)
    desk.switch_chosen()
    assert not desk.pairing.landmarks.active[2]
    assert desk.past.undo_words == "a pair switched off"
    desk.switch_chosen()
    assert desk.pairing.landmarks.active.all()


@pytest.mark.parametrize("name", ["", "  ", "2"])
def test_a_name_that_is_none_or_the_same_changes_nothing(desk, spots, name):
    place(desk, spots, 2)
    past = desk.past
    desk.rename(1, name)
    assert desk.past is past


def test_renaming(desk, spots):
    place(desk, spots, 2)
    desk.rename(1, " vesicle ")
    assert desk.pairing.landmarks.names == ("1", "vesicle")


def test_the_model_and_the_start_can_be_undone(desk, spots, truth):
    desk.start_from(truth, "automatic")
    assert desk.fit.source == "start"
    desk.use_model("similarity")
    place(desk, spots, 2)
    assert desk.fit.source == "pairs"
    for _ in range(4):
        desk.undo()
    assert (desk.pairing.model, desk.fit.source) == ("similarity", "start")
    desk.undo()
    desk.undo()
    assert (desk.pairing.model, desk.pairing.start) == ("affine", None)


def test_the_start_follows_a_move_by_hand(desk, truth):
    desk.start_from(truth, "hand")
    there = truth + np.array([[0, 0, 4], [0, 0, -2], [0, 0, 0]])
    desk.drag_start(there, "hand")
    np.testing.assert_array_equal(desk.fit.transform.em_to_lm, there)
    desk.settle("a move by hand")
    assert desk.past.undo_words == "a move by hand"


def test_pairs_to_check_are_placed_on_the_lm_and_the_first_is_chosen(desk, spots, truth):
    desk.start_from(truth, "automatic")
    desk.add_to_check(spots[0])
    assert desk.pairing.unconfirmed == (0, 1, 2, 3, 4)
    assert desk.chosen == 0
    np.testing.assert_allclose(desk.fit.points("em"), spots[1])
    desk.undo()
    assert len(desk.pairing) == 0
    assert desk.chosen is None


def test_another_pixel_size_is_followed(desk, spots, facts):
    place(desk, spots, 3)
    desk.use_model("rigid")
    assert desk.fit.source == "pairs"
    lm, em = facts
    desk.know(type(lm)(lm.name, lm.shape, None), em)
    assert desk.fit.source == "earlier pairs"
    assert "pixel size" in desk.fit.fault


def test_what_is_put_down_is_gone_and_what_is_taken_up_goes_on(desk, pairing, facts):
    past = Past(pairing).changing("a pair deleted", pairing.removing([0]))
    desk.take_up(past, *facts)
    assert len(desk.pairing) == 4
    desk.undo()
    assert len(desk.pairing) == 5
    desk.put_down()
    assert (len(desk.pairing), desk.fit.transform) == (0, None)


def test_all_can_be_replaced_and_brought_back(desk, spots, pairing):
    place(desk, spots, 2)
    desk.replace(pairing, "a file loaded")
    assert len(desk.pairing) == 5
    assert desk.past.undo_words == "a file loaded"
    desk.undo()
    assert len(desk.pairing) == 2


def test_without_images_nothing_can_be_placed(qapp, desk):
    from clem_retrace.errors import LandmarkError

    desk.put_down()
    with pytest.raises(LandmarkError, match="no images"):
        desk.click("lm", (1, 2))
    assert desk.pairing.landmarks.names == Pairing().landmarks.names
