from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from clem_retrace.plugin.guide import Facts, Mark, Next, StepState
from clem_retrace.plugin.step_box import Badge, StepBox
from clem_retrace.plugin.step_list import StepList


@pytest.fixture
def box(qtbot):
    box = StepBox("step_images", "Images", QLabel("content"), 1)
    qtbot.addWidget(box)
    box.show()
    return box


def header(box):
    return box.findChild(QPushButton)


def test_it_says_how_far_the_step_is(box):
    box.show_state(StepState(Mark.NEXT, "No LM image is chosen"))
    assert box.findChild(QLabel, "step_images_state").text() == "No LM image is chosen"
    assert header(box).accessibleName() == "Step 1, Images: next"
    assert header(box).accessibleDescription() == "No LM image is chosen"


def test_it_opens_when_it_is_its_turn_and_folds_when_it_is_done(box):
    assert not box.is_open
    box.come_to()
    assert box.is_open
    box.leave()
    assert not box.is_open


def test_what_the_user_has_opened_stays_open(box, qtbot):
    with qtbot.waitSignal(box.opened_by_user):
        header(box).click()
    box.leave()
    assert box.is_open
    header(box).click()
    assert not box.is_open


def test_marks_differ_without_colour(qtbot):
    """Their pictures in one colour are all different."""
    parent = QWidget()
    parent.setStyleSheet("QWidget { color: white; background-color: #333333 }")
    qtbot.addWidget(parent)
    pictures = {}
    for mark in Mark:
        badge = Badge(2, parent)
        badge.show_mark(mark)
        image = badge.grab().toImage()
        pictures[mark] = np.array(
            [
                [image.pixelColor(x, y).lightness() for x in range(image.width())]
                for y in range(image.height())
            ]
        )
    for mark, picture in pictures.items():
        for other, another in pictures.items():
            if other is not mark:
                # A tenth of a badge of 20 x 20 pixels.
                assert np.count_nonzero(np.abs(picture - another) > 60) > 20, (mark, other)


@pytest.fixture
def steps(qtbot):
    buttons = {Next.DRAW: QPushButton("Draw"), Next.SEARCH: QPushButton("Search")}
    contents = {name: QLabel(name) for name in ("images", "region", "search", "check")}
    steps = StepList(contents, buttons)
    for widget in (*steps.boxes.values(), *buttons.values()):
        qtbot.addWidget(widget)
    return steps, buttons


def opened(steps):
    return {name for name, box in steps.boxes.items() if box.is_open}


def test_the_step_to_do_is_open_and_its_button_marked(steps):
    steps, buttons = steps
    assert steps.show_facts(Facts(images_offered=2, region_fault="draw one")) == "region"
    assert opened(steps) == {"region"}
    assert buttons[Next.DRAW].property("primary")
    assert not buttons[Next.DRAW].icon().isNull()
    assert steps.show_facts(Facts(images_offered=2, region="64 x 136")) == "search"
    assert opened(steps) == {"search"}
    assert not buttons[Next.DRAW].property("primary")
    assert buttons[Next.DRAW].icon().isNull()
    assert buttons[Next.SEARCH].property("primary")


def test_the_same_step_again_opens_nothing(steps):
    steps, _ = steps
    facts = Facts(images_offered=2, region="64 x 136")
    assert steps.show_facts(facts) == "search"
    assert steps.show_facts(facts) is None
    # Under way is the same step: nothing jumps when the button is pressed.
    assert steps.show_facts(Facts(images_offered=2, running="under way")) is None
