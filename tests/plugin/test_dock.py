"""The dock as a whole: its width, and the order of its controls for the keyboard."""

from __future__ import annotations

import itertools

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QScrollArea, QWidget


def reached_by_tab(widget):
    """The controls in the order in which Tab reaches them."""
    control = widget.nextInFocusChain()
    while control is not widget:
        tabbed = control.focusPolicy() & Qt.FocusPolicy.TabFocus
        if tabbed and control.isVisible() and widget.isAncestorOf(control):
            yield control
        control = control.nextInFocusChain()


def test_tab_goes_down_the_dock(shown, qtbot):
    widget = shown.widget
    # High enough for nothing to be squeezed.
    widget.resize(widget.width(), 4000)
    for name in ("images", "region", "search", "why", "runs"):
        header = shown[f"step_{name}_header"]
        if not widget.findChild(QWidget, f"step_{name}_header").parentWidget().is_open:
            header.click()
    qtbot.wait(50)
    places = [
        (control.mapTo(widget, QPoint(0, 0)).y(), control)
        for control in reached_by_tab(widget)
        if not isinstance(control, QScrollArea)
    ]
    assert len(places) > 40
    for (above, first), (below, second) in itertools.pairwise(places):
        # A row of controls is level to a few pixels.
        assert below > above - 8, (first.objectName(), second.objectName())


def test_its_width_is_the_same_whatever_is_open(drive, pair_layers):
    driver = drive(*pair_layers)
    width = driver.widget.sizeHint().width()
    for name in ("images", "region", "search", "check", "why", "runs"):
        driver.click(f"step_{name}_header")
        assert driver.widget.sizeHint().width() == width


def test_nothing_is_wider_than_the_dock(shown, qtbot):
    widget = shown.widget
    widget.resize(widget.sizeHint())
    for name in ("images", "region", "search", "why", "runs"):
        if not shown[f"step_{name}_header"].parentWidget().is_open:
            shown.click(f"step_{name}_header")
    qtbot.wait(50)
    content = widget.findChild(QScrollArea).widget()
    assert content.minimumSizeHint().width() <= widget.findChild(QScrollArea).viewport().width()
