"""What all docks have in common, in a real napari window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QListWidget,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
)

from clem_retrace.plugin import docks
from clem_retrace.plugin.compare.widget import CompareWidget
from clem_retrace.plugin.fold import Fold
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.step_box import StepBox

pytestmark = pytest.mark.viewer

NAMES = ("Retrace and register", "Compare", "Landmarks", "Export", "Batch")


@pytest.fixture
def dock(viewer, pair_layers, qtbot):
    """Opens a dock by its name, and all that folds in it."""
    for layer in pair_layers:
        viewer.add_layer(layer)

    def open_dock(name):
        widget = docks.open_dock(viewer, name)
        for box in widget.findChildren(StepBox):
            if not box.is_open:
                box.findChild(QPushButton).click()
        for fold in widget.findChildren(Fold):
            fold.button.click()
        qtbot.wait(300)
        return widget

    return open_dock


def room(control):
    """What a control has for its text, and what the text needs, pixels; None where it has none."""
    if isinstance(control, QAbstractSpinBox):
        line = control.lineEdit()
        return line.width(), line.fontMetrics().horizontalAdvance(line.text())
    # Names of layers are as long as users make them.
    if isinstance(control, QComboBox) and not isinstance(control, LayerChoice):
        option = QStyleOptionComboBox()
        control.initStyleOption(option)
        field = control.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField,
            control,
        )  # fmt: skip
        texts = [control.itemText(index) for index in range(control.count())]
        return field.width(), max(map(control.fontMetrics().horizontalAdvance, texts), default=0)
    if isinstance(control, QAbstractButton):
        return control.width(), control.minimumSizeHint().width()
    if isinstance(control, QLabel) and not control.wordWrap():
        return control.width(), control.sizeHint().width()
    return None


def cut_off(widget):
    """The controls that do not show all of themselves."""
    for kind in (QAbstractSpinBox, QComboBox, QAbstractButton, QLabel):
        for control in widget.findChildren(kind):
            if not control.isVisible() or control.objectName().startswith("qt_"):
                continue
            right = control.mapTo(widget, QPoint(control.width(), 0)).x()
            has, needs = room(control) or (0, 0)
            if right > widget.width() or needs > has:
                yield control.objectName() or control.text(), has, needs
    for area in widget.findChildren(QAbstractScrollArea):
        if area.isVisible() and area.horizontalScrollBar().maximum() > 0:
            yield area.objectName(), area.width(), area.horizontalScrollBar().maximum()


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_cut_off_at_the_width_that_a_dock_has_by_itself(dock, name, qtbot):
    widget = dock(name)
    assert list(cut_off(widget)) == []
    for auto in widget.findChildren(QCheckBox):
        if auto.objectName().endswith(".auto"):
            auto.click()
    for key in widget.modes if isinstance(widget, CompareWidget) else ():
        widget.choose_mode(key)
        qtbot.wait(50)
        assert list(cut_off(widget)) == []
    qtbot.wait(50)
    assert list(cut_off(widget)) == []


THEMES = ("light", "dark", "light")


def test_the_sign_of_what_comes_next_has_the_colour_of_the_text(dock, viewer, qtbot):
    for theme in THEMES:
        viewer.theme = theme
        adding = dock("Landmarks").findChild(QPushButton, "add_pairs")
        sign = adding.icon().pixmap(12, 12).toImage()
        assert sign.pixelColor(4, 6) == adding.palette().color(QPalette.ColorRole.WindowText)


def test_a_tick_in_a_list_is_seen(dock, viewer, qtbot):
    listed = dock("Export").findChild(QListWidget, "other_layers")
    item = listed.item(0)

    def box():
        """The pixels of the box before the item's name, their lightness."""
        place = listed.visualItemRect(item)
        picture = listed.viewport().grab(place.adjusted(0, 0, 20 - place.width(), 0)).toImage()
        size = picture.width(), picture.height()
        return np.array([[picture.pixelColor(x, y).lightness() for x in range(size[0])]
                         for y in range(size[1])])  # fmt: skip

    for theme in THEMES:
        viewer.theme = theme
        item.setCheckState(Qt.CheckState.Unchecked)
        qtbot.wait(50)
        empty = box()
        # Its border differs from the list it is in, and the tick from the empty box.
        assert np.ptp(empty) > 100
        item.setCheckState(Qt.CheckState.Checked)
        qtbot.wait(50)
        assert (abs(box() - empty) > 60).sum() > 15
