"""What the ways of comparing have in common: `Mode`, and its controls."""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QLabel,
    QSlider,
    QWidget,
)

from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.looks import check_box, form_layout, keep_number_narrow, named

__all__ = ["Mode"]


class Mode(QWidget):
    """A way of comparing: a box of controls, and what it does to the stage.

    `enter` is called when the stage is open, `leave` before anything else happens to it;
    what a mode did through the stage need not be undone by it. Neither touches the camera.

    Attributes
    ----------
    key, title, tip : str
        Name as an object; for the user; what it is good for.
    entered : bool
    flipped : bool
        Whether the lower image is shown alone.

    Signals
    -------
    told : str
        Something the user should know.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    tip: ClassVar[str]

    told = Signal(str)

    def __init__(self, stage: Stage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{self.key}_settings")
        self.stage = stage
        self.entered = False
        self.flipped = False
        self._rows = form_layout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)

    # What subclasses may override.

    def enter(self) -> None:
        """Show the two layers in this way."""

    def leave(self) -> None:
        """Stop what is going on by itself."""

    def nudge(self, steps: int) -> None:
        """Change the main setting by some small steps."""

    def look_changed(self) -> None:
        """Follow a change of the lower layer's colours, contrast or plane."""

    def sight_changed(self) -> None:
        """Follow the camera, or the size of the canvas."""

    def show_flipped(self, flipped: bool) -> None:
        """Show the lower image alone, or both again."""
        self.stage.show(self.stage.above, opacity=0.0 if flipped else 1.0)

    # What they need not.

    def start(self) -> None:
        """Enter this way of comparing."""
        self.flipped, self.entered = False, True
        self.enter()

    def stop(self) -> None:
        """Leave it; the stage is as it was before."""
        if self.entered:
            self.entered = False
            self.leave()
            self.stage.give_back()

    def flip(self) -> None:
        """Show the lower image alone; the next time, both again."""
        self.flipped = not self.flipped
        self.show_flipped(self.flipped)

    def _apply(self, *_: Any) -> None:
        """Enter anew after a change of the settings, if entered."""
        if self.entered:
            self.enter()
            if self.flipped:
                self.show_flipped(True)

    def _add_slider(
        self, name: str, title: str, tip: str, value: int, ends: tuple[int, int] = (0, 100)
    ) -> QSlider:
        """Add a slider in percent."""
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(*ends)
        slider.setPageStep(10)
        slider.setValue(value)
        self._add_control(slider, name, title, tip)
        return slider

    def _add_number(
        self, name: str, title: str, tip: str, value: float, ends: tuple[float, float], step: float
    ) -> QDoubleSpinBox:
        """Add a field for a number."""
        field = QDoubleSpinBox()
        field.setRange(*ends)
        field.setDecimals(2)
        field.setSingleStep(step)
        field.setValue(value)
        field.setKeyboardTracking(False)
        keep_number_narrow(field)
        self._add_control(field, name, title, tip)
        return field

    def _add_check(self, name: str, text: str, tip: str) -> QCheckBox:
        """Add a box to be ticked."""
        box = check_box(name, text, tip)
        self._rows.addRow(box)
        return box

    def _add_control(self, control: QWidget, name: str, title: str, tip: str) -> None:
        named(control, name, title, tip)
        label = QLabel(title)
        label.setToolTip(tip)
        label.setBuddy(control)
        self._rows.addRow(label, control)
