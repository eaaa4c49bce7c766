from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QWidget,
)

from clem_retrace.errors import InvalidOption
from clem_retrace.options import PRESETS, RegistrationOptions, declarations
from clem_retrace.plugin.dock import ignore_wheel
from clem_retrace.plugin.option_form import OptionForm
from clem_retrace.plugin.options_box import OptionsBox


@pytest.fixture
def form(qtbot):
    form = OptionForm()
    qtbot.addWidget(form)
    return form


def control(parent, name):
    found = parent.findChild(QWidget, name)
    assert found is not None, name
    return found


def test_a_new_form_gives_the_defaults(form):
    assert form.options() == RegistrationOptions()


def test_every_option_has_a_control_with_help_and_a_name(form):
    for declared in declarations():
        native = control(form, declared.path)
        assert declared.help in native.toolTip()
        assert native.accessibleName()
        assert (form.findChild(QWidget, f"{declared.path}.auto") is not None) == declared.optional


def test_common_options_are_open_and_advanced_ones_folded(form, qtbot):
    form.show()
    folded = control(form, "advanced")
    for declared in declarations():
        inside = folded.isAncestorOf(control(form, declared.path))
        assert inside == declared.advanced, declared.path
    assert control(form, "search").isVisible()
    assert not control(form, "histogram.bins").isVisible()
    folded.button.click()
    assert control(form, "histogram.bins").isVisible()


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_shown_comes_back(form, name):
    form.set_options(PRESETS[name])
    assert form.options() == PRESETS[name]
    assert form.shows(PRESETS[name])


def test_extreme_values_come_back_unrounded(form):
    """Bounds such as 0.999 must fit into the decimals of their fields."""
    for bound in ("minimum", "maximum"):
        values = {
            declared.path: getattr(declared, bound)
            for declared in declarations()
            if declared.kind in (int, float) and getattr(declared, bound) is not None
        }
        # These contradict one another at their bounds.
        values |= {"representation.min_sigma": 1.0, "representation.max_sigma": 12.0}
        values |= {"histogram.patch_height": 8.0, "histogram.patch_width": 8.0}
        options = RegistrationOptions.from_paths(values)
        form.set_options(options)
        assert form.options() == options


def test_an_automatic_value_is_none_until_auto_is_unticked(form):
    auto = control(form, "representation.lm_sigma.auto")
    number = control(form, "representation.lm_sigma")
    assert isinstance(auto, QCheckBox)
    assert isinstance(number, QDoubleSpinBox)
    assert number.isHidden()
    auto.click()
    assert not number.isHidden()
    number.setValue(2.5)
    assert form.options().representation.lm_sigma == 2.5
    auto.click()
    assert form.options().representation.lm_sigma is None


def test_a_contradiction_is_reported_when_the_options_are_asked_for(form):
    control(form, "representation.min_sigma").setValue(15)
    with pytest.raises(InvalidOption, match="max_sigma"):
        form.options()


def test_options_left_out_are_set_by_others(qtbot):
    form = OptionForm(without=("pixel_size_ratio",))
    qtbot.addWidget(form)
    assert form.findChild(QWidget, "pixel_size_ratio") is None
    assert form.options({"pixel_size_ratio": 9.7}).pixel_size_ratio == 9.7


def test_a_row_of_others_stands_below_an_advanced_option(form, qtbot):
    row, choice = QWidget(), QComboBox()
    choice.setToolTip("what it is for")
    QHBoxLayout(row).addWidget(choice)
    form.add_row_after("histogram.patch_width", "EM patch", row, choice)
    (label,) = (label for label in form.findChildren(QLabel) if label.buddy() is choice)
    assert (label.text(), label.toolTip()) == ("EM patch", "what it is for")
    assert control(form, "advanced").isAncestorOf(choice)
    form.show()
    control(form, "advanced").button.click()
    qtbot.waitUntil(lambda: not choice.visibleRegion().isEmpty())

    def top(widget):
        return widget.mapTo(form, QPoint(0, 0)).y()

    width, following = (
        control(form, f"{path}.auto") for path in ("histogram.patch_width", "oriented.angle")
    )
    assert top(width) < top(choice) < top(following)


def test_changes_are_told_once(form, qtbot):
    told = []
    form.changed.connect(lambda: told.append(1))
    control(form, "histogram.bins").setValue(32)
    assert len(told) == 1
    form.set_options(PRESETS["experiment 2"])
    assert len(told) == 2
    form.set_options(PRESETS["experiment 2"])
    assert len(told) == 2


def wheel(widget):
    event = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(0, 0), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_scrolling_over_the_form_changes_nothing(form):
    ignore_wheel(form)
    for kind in (QDoubleSpinBox, QComboBox):
        for widget in form.findChildren(kind):
            wheel(widget)
    assert form.options() == RegistrationOptions()


def test_preset_box_follows_the_form(qtbot):
    box = OptionsBox()
    qtbot.addWidget(box)
    preset = control(box, "preset")
    assert preset.currentText() == "default"
    preset.setCurrentText("experiment 1")
    assert box.options({}) == PRESETS["experiment 1"]
    control(box, "histogram.bins").setValue(16)
    assert preset.currentText() == "own settings"
    control(box, "histogram.bins").setValue(64)
    assert preset.currentText() == "experiment 1"
    box.set_options(dataclasses.replace(RegistrationOptions(), candidates=3))
    assert preset.currentText() == "own settings"
