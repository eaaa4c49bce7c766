from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtWidgets import QWidget

from clem_retrace.evaluation import Distance
from clem_retrace.plugin.result_box import ROWS, ResultBox


@pytest.fixture
def box(qtbot):
    box = ResultBox()
    qtbot.addWidget(box)
    box.show()
    return box


def text(box, name):
    return box.findChild(QWidget, name).text()


def shown(box):
    return {name for name in ROWS if box.findChild(QWidget, name).isVisible()}


def test_an_empty_box_says_so(box):
    assert "No result" in text(box, "verdict")
    assert shown(box) == set()


def test_a_result_in_words_and_numbers(box, registration):
    box.show_registration(dataclasses.replace(registration, found=True, confidence=0.987))
    assert "Found" in text(box, "verdict")
    assert text(box, "reason") == registration.reason
    assert text(box, "confidence") == "98.7%"
    assert f"{registration.match.score:.3f}" in text(box, "score")
    assert text(box, "mirrored") == "no"
    assert text(box, "angle").endswith("°")
    assert "support" in text(box, "support")
    assert shown(box) == set(ROWS) - {"distance"}


def test_not_sure_is_said_in_words(box, registration):
    box.show_registration(dataclasses.replace(registration, found=False))
    assert "Not sure" in text(box, "verdict")


def test_a_failed_or_missing_registration(box, registration):
    box.show_registration(dataclasses.replace(registration, estimate=None))
    assert text(box, "support") == "not asked for"
    failed = dataclasses.replace(
        registration.estimate, converged=False, message="too little agrees"
    )
    box.show_registration(dataclasses.replace(registration, estimate=failed))
    assert "too little agrees" in text(box, "support")
    assert "match is kept" in text(box, "support")


def test_distance_comes_and_goes(box, registration):
    box.show_registration(registration)
    box.show_distance(Distance(66.0, 745.8, 1.16))
    assert text(box, "distance") == "66.0 EM px = 746 nm = 1.16 % of the EM diagonal"
    assert "distance" in shown(box)
    box.show_distance(None)
    assert "distance" not in shown(box)
    box.clear()
    assert shown(box) == set()
