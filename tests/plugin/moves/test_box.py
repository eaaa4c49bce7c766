"""The controls that move an EM, and what is in the viewer while they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from clem_retrace.errors import TransformError
from clem_retrace.geometry import compose, decompose, invert, similarity
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.moves.box import MovesBox
from clem_retrace.plugin.moves.keys import FAR, MOVES, NUDGES
from clem_retrace.plugin.sight import camera

from .conftest import ROI, START


def change(hand):
    return compose(hand.box.matrix, invert(START))


def test_it_shows_a_frame_while_it_moves_and_only_then(hand):
    (layer,) = hand.frame_layers
    np.testing.assert_allclose(pixels_between(layer, hand.lm), np.eye(3), atol=1e-9)
    assert layer.units == hand.lm.units
    assert hand.model.layers.selection.active is hand.lm
    assert hand["move_em"].isChecked()
    hand.box.stop()
    assert not hand.frame_layers
    assert not hand["move_em"].isChecked()
    assert not hand["move_back"].isVisible()
    assert not hand.followers
    assert not hand.model.mouse_move_callbacks
    assert not hand.model.keymap
    assert hand.box.matrix is None


def test_the_button_asks_and_the_host_answers(hand):
    hand.box.wanted.connect(lambda wanted: None if wanted else hand.box.stop())
    hand["move_em"].click()
    assert not hand["move_em"].isChecked()
    # Nobody starts it: it is not shown as if someone had.
    hand["move_em"].click()
    assert hand.wanted == [False, True]
    assert not hand["move_em"].isChecked()


def test_a_start_that_is_no_transform_is_refused(model, lm, em, qtbot):
    box = MovesBox(model)
    qtbot.addWidget(box)
    with pytest.raises(TransformError):
        box.start(np.zeros((3, 3)), lm, em)
    assert not box.active


@pytest.mark.parametrize(
    ("name", "angle", "mirrored"),
    [
        ("turn_left", 90, False),
        ("turn_right", -90, False),
        ("mirror_columns", 0, True),
        ("mirror_rows", 180, True),
    ],
)
def test_quarter_turns_and_mirrors(hand, name, angle, mirrored):
    hand[name].click()
    expected = similarity(1.0, angle, mirrored, ROI.centre, ROI.centre)
    np.testing.assert_allclose(change(hand), expected, atol=1e-9)
    assert len(hand.moved) == len(hand.settled) == 1


def test_four_quarter_turns_are_none_and_back_is_back(hand):
    for _ in range(4):
        hand["turn_left"].click()
    np.testing.assert_allclose(change(hand), np.eye(3), atol=1e-9)
    hand["turn_left"].click()
    hand["move_back"].click()
    np.testing.assert_array_equal(hand.box.matrix, START)
    assert hand["move_turn"].value() == 0


def test_the_numbers_follow_and_can_be_typed(hand):
    hand.drag(ROI.centre, np.add(ROI.centre, (2.5, -4)))
    assert (hand["move_down"].value(), hand["move_right"].value()) == (2.5, -4)
    hand["move_down"].setValue(7)
    hand["move_right"].setValue(1)
    np.testing.assert_allclose(
        change(hand) @ (*ROI.centre, 1), (*np.add(ROI.centre, (7, 1)), 1), atol=1e-9
    )
    hand["move_turn"].setValue(10)
    hand["move_size"].setValue(110)
    done = decompose(change(hand))
    assert done.angle == pytest.approx(10)
    assert done.magnification == pytest.approx(1.1)
    assert hand["move_turn"].value() == 10
    assert hand["move_size"].value() == 110


def test_the_shift_may_be_in_nm(hand):
    """The LM has 110 nm per pixel."""
    hand.drag(ROI.centre, np.add(ROI.centre, (2, -3)))
    hand["move_unit"].setCurrentText("nm")
    assert (hand["move_down"].value(), hand["move_right"].value()) == (220, -330)
    assert hand["move_down"].suffix() == " nm"
    assert hand["move_step_down"].value() == 110
    hand["move_right"].setValue(110)
    assert change(hand)[:2, 2] == pytest.approx((2, 1))
    hand["move_unit"].setCurrentText("LM px")
    assert (hand["move_down"].value(), hand["move_step_down"].value()) == (2, 1)


def test_without_a_pixel_size_it_is_in_pixels(hand):
    hand.lm.units, hand.lm.scale = None, (1, 1)
    hand.box.start(START, hand.lm, hand.em, ROI)
    assert not hand["move_unit"].isEnabled()
    assert hand["move_down"].suffix() == " px"


def press(hand, key):
    """Press a key in the canvas."""
    (action,) = [
        action for bound, action in hand.model.keymap.items() if str(bound) == key.replace("-", "+")
    ]
    action(hand.model)


def test_arrow_keys_move_by_steps(hand):
    hand["move_step_down"].setValue(0.5)
    press(hand, "Right")
    press(hand, "Down")
    press(hand, "Down")
    np.testing.assert_allclose(change(hand)[:2, 2], (1.0, 0.5), atol=1e-9)
    press(hand, "Shift-Left")
    np.testing.assert_allclose(change(hand)[:2, 2], (1.0, 0.5 - 0.5 * FAR), atol=1e-9)
    hand["move_back"].click()
    press(hand, "Alt-Left")
    assert decompose(change(hand)).angle == pytest.approx(1)
    press(hand, "Alt-Right")
    press(hand, "Alt-Up")
    assert decompose(change(hand)).magnification == pytest.approx(1.01)
    press(hand, "Alt-Down")
    np.testing.assert_allclose(change(hand), np.eye(3), atol=1e-9)
    assert len(hand.settled) == 4 + 1 + 4


def test_all_keys_are_bound_and_are_free_again_afterwards(hand):
    assert len(hand.model.keymap) == len(NUDGES)
    hand.box.stop()
    assert not hand.model.keymap


def test_the_page_of_shortcuts_lists_the_keys():
    page = (Path(__file__).parents[3] / "docs" / "shortcuts.md").read_text(encoding="utf-8")
    for key, what in MOVES.items():
        assert f"| {key} | {what} |" in page


def test_what_the_host_undoes_is_shown_and_not_told_back(hand):
    hand["turn_left"].click()
    hand.moved.clear()
    hand.settled.clear()
    hand.box.place(START)
    assert hand["move_turn"].value() == 0
    np.testing.assert_allclose(hand.frame.corners, ROI.corners, atol=1e-9)
    assert not hand.moved
    assert not hand.settled


def test_register_from_here_tells_where(hand):
    hand["move_right"].setValue(3)
    matrix = hand.box.matrix
    hand["register_here"].click()
    np.testing.assert_array_equal(hand.asked[0], matrix)
    # It is not to be moved on meanwhile.
    assert hand.wanted == [False]


def test_the_frame_is_as_thick_at_every_zoom(hand):
    (layer,) = hand.frame_layers
    before = np.ptp(layer.data[0], axis=0)
    camera(hand.model).zoom /= 3
    after = np.ptp(layer.data[0], axis=0)
    # the disc stands farther out, by as much as it is wider
    assert after[0] > before[0] + 10


def test_a_frame_that_the_user_removed_does_no_harm(hand):
    (layer,) = hand.frame_layers
    hand.model.layers.remove(layer)
    hand["turn_left"].click()
    hand.box.stop()
    assert not hand.frame_layers


def test_started_again_it_has_one_frame(hand):
    hand.box.start(START, hand.lm, hand.em)
    assert len(hand.frame_layers) == 1
    assert len(hand.followers) == 1


def test_every_control_can_be_reached_by_the_keyboard_and_has_a_tip(hand):
    for name in ("move_em", "turn_left", "mirror_rows", "move_back", "register_here",
                 "move_down", "move_right", "move_turn", "move_size", "move_step_down",
                 "move_step_turn", "move_step_size", "move_unit"):  # fmt: skip
        assert hand[name].focusPolicy() & Qt.FocusPolicy.TabFocus, name
        assert hand[name].toolTip(), name
