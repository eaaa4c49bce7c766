"""How far the EM has been moved, as numbers that can be typed, and how large a step is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QWidget

from clem_retrace.plugin.looks import keep_number_narrow, named
from clem_retrace.plugin.moves.placed import Placed

__all__ = ["ROWS", "MoveForm"]

#: The rows: their titles, what they tell, and the unit where it is not one of length.
ROWS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "down": ("Down ↓", "How far the EM was shifted down the rows", ""),
        "right": ("Right →", "How far the EM was shifted to the right", ""),
        "turn": ("Turn ↺", "How far the EM was turned, counter-clockwise", "°"),
        "size": ("Size", "How large the EM is now, of what it was at the start", " %"),
    }
)

#: What steps there are: of which rows, as what they begin, and what they are called.
STEPS: Mapping[str, tuple[float, str]] = MappingProxyType(
    {"down": (1.0, "a shift"), "turn": (1.0, "a turn"), "size": (1.0, "a change of size")}
)

#: Bounds that are never reached: in pixels or nm, degrees, per cent.
FARTHEST, TURN, SMALLEST, LARGEST = 1e7, 180.0, 0.01, 1e5


class MoveForm(QWidget):
    """The moves as a form.

    Signals
    -------
    shifted : float, float
        By how many LM pixels down the rows and along the columns the user wants it shifted.
    turned : float
        By how many degrees.
    magnified : float
        By what factor.
    """

    shifted = Signal(float, float)
    turned = Signal(float)
    magnified = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nm: float | None = None
        self._placed: Placed | None = None
        self._values: dict[str, QDoubleSpinBox] = {}
        self._steps: dict[str, QDoubleSpinBox] = {}
        self._unit = named(
            QComboBox(),
            "move_unit",
            "Unit of the shift",
            "Whether the shift is given in LM pixels or in nm",
        )
        self._lay_out()
        self._unit.currentTextChanged.connect(self._on_unit)
        self.calibrate(None)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QLabel("Moved by"), 0, 1)
        grid.addWidget(QLabel("Step"), 0, 2)
        for row, (key, (title, tip, unit)) in enumerate(ROWS.items(), 1):
            value = self._values[key] = _field(f"move_{key}", title, tip, unit)
            value.valueChanged.connect(lambda _, key=key: self._on_value(key))
            grid.addWidget(QLabel(title), row, 0)
            grid.addWidget(value, row, 1)
            if key in STEPS:
                first, called = STEPS[key]
                tip = f"How far {called} goes at one press of an arrow key, or arrow of the field"
                step = _field(f"move_step_{key}", f"Step of {called}", tip, unit)
                step.setRange(0.01, FARTHEST)
                step.setValue(first)
                step.valueChanged.connect(self._set_steps)
                self._steps[key] = step
                grid.addWidget(step, row, 2)
        grid.addWidget(self._unit, 2, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        self._values["turn"].setRange(-TURN, TURN)
        self._values["turn"].setWrapping(True)
        self._values["size"].setRange(SMALLEST, LARGEST)
        for key in ("down", "right"):
            self._values[key].setRange(-FARTHEST, FARTHEST)
        self._set_steps()

    def calibrate(self, nm: float | None) -> None:
        """Offer nm where the LM's pixel size is known."""
        self._nm = nm
        with QSignalBlocker(self._unit):
            self._unit.clear()
            self._unit.addItems(["LM px"] if nm is None else ["LM px", "nm"])
            self._unit.setEnabled(nm is not None)
        self._show_unit()

    @property
    def _pixel(self) -> float:
        """LM pixels in the unit of the shift."""
        return self._nm if self._nm is not None and self._unit.currentText() == "nm" else 1.0

    def show_placed(self, placed: Placed) -> None:
        """Show how far an EM has been moved."""
        self._placed = placed
        down, right = placed.shift * self._pixel
        values = {
            "down": down,
            "right": right,
            "turn": placed.angle,
            "size": 100 * placed.magnification,
        }
        for key, value in values.items():
            with QSignalBlocker(self._values[key]):
                # Minus nothing is nothing.
                self._values[key].setValue(round(float(value), 2) + 0.0)

    def nudge(self, key: str, steps: int) -> None:
        """Ask for a move by some steps, as a key of the canvas does."""
        step = self._values[key].singleStep() * steps
        if key == "down":
            self.shifted.emit(step / self._pixel, 0.0)
        elif key == "right":
            self.shifted.emit(0.0, step / self._pixel)
        elif key == "turn":
            self.turned.emit(step)
        else:
            self.magnified.emit((1 + abs(step) / 100) ** (1 if step > 0 else -1))

    def _on_value(self, key: str) -> None:
        """Ask for what was typed, relative to what is shown."""
        if self._placed is None:
            return
        value, placed = self._values[key].value(), self._placed
        if key == "turn":
            self.turned.emit(value - placed.angle)
        elif key == "size":
            self.magnified.emit(value / 100 / placed.magnification)
        else:
            axis = ("down", "right").index(key)
            change = [0.0, 0.0]
            change[axis] = value / self._pixel - float(placed.shift[axis])
            self.shifted.emit(*change)

    def _on_unit(self) -> None:
        """Show the shift, and its step, in another unit."""
        nm = self._nm or 1.0
        factor = nm if self._unit.currentText() == "nm" else 1 / nm
        self._show_unit()
        self._steps["down"].setValue(self._steps["down"].value() * factor)
        if self._placed is not None:
            self.show_placed(self._placed)

    def _show_unit(self) -> None:
        unit = " nm" if self._pixel != 1.0 else " px"
        for field in (self._values["down"], self._values["right"], self._steps["down"]):
            field.setSuffix(unit)

    def _set_steps(self) -> None:
        for key, value in self._values.items():
            value.setSingleStep(self._steps["down" if key == "right" else key].value())


def _field(name: str, title: str, tip: str, unit: str) -> QDoubleSpinBox:
    field = named(QDoubleSpinBox(), name, title, tip)
    field.setDecimals(2)
    field.setSuffix(unit)
    field.setKeyboardTracking(False)
    keep_number_narrow(field, 80)
    return field
