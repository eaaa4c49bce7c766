"""Fields for a positive number that may be missing, and for a length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox

from clem_retrace.plugin.looks import keep_number_narrow, named

__all__ = ["LengthField", "PositiveField"]

MISSING = "missing"

#: Units that may be typed behind a length, in nm.
UNITS: Mapping[str, float] = MappingProxyType(
    {
        "pm": 1e-3,
        "å": 0.1,
        "a": 0.1,
        "": 1.0,
        "nm": 1.0,
        "um": 1e3,
        "µm": 1e3,  # the micro sign
        "μm": 1e3,  # the Greek letter
        "mm": 1e6,
    }
)

#: What is still to become a length while it is typed: a number's beginning, a unit's letters.
#: The field's own unit may still stand behind the one that is typed.
TYPED = re.compile(r"\s*([\d.,'e+-]*)\s*([a-zåµμ]{0,2})\s*( nm)?\s*", re.IGNORECASE)


class PositiveField(QDoubleSpinBox):
    """A positive number that may be unknown, which it shows as such."""

    def __init__(self, name: str, title: str, unit: str, tip: str) -> None:
        super().__init__()
        named(self, name, title, tip)
        self.setDecimals(6)
        self.setRange(0, 1_000_000)
        self.setSpecialValueText(MISSING)
        self.setSuffix(unit)
        self.setKeyboardTracking(False)
        keep_number_narrow(self)

    def textFromValue(self, value: float) -> str:
        """Return the number without trailing zeros."""
        return self.locale().toString(value, "g", 6)  # type: ignore[no-any-return]

    @property
    def number(self) -> float | None:
        """The number; None when it is unknown."""
        return self.value() or None

    def show_number(self, number: float | None) -> None:
        """Show a number without telling that it has changed."""
        with QSignalBlocker(self):
            self.setValue(number or 0)


class LengthField(PositiveField):
    """A length in nm that may be typed in another unit: 0.11 um is 110 nm."""

    def __init__(self, name: str, title: str, tip: str) -> None:
        super().__init__(name, title, " nm", tip)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return whether a text is a length, or may become one."""
        typed = text or ""
        if self._length(typed) is not None or typed == MISSING:
            state = QValidator.State.Acceptable
        elif TYPED.fullmatch(typed):
            state = QValidator.State.Intermediate
        else:
            state = QValidator.State.Invalid
        return state, typed, position

    def valueFromText(self, text: str | None) -> float:
        """Return the nm of a length as typed."""
        return self._length(text or "") or 0.0

    def _length(self, text: str) -> float | None:
        parts = TYPED.fullmatch(text)
        if parts is None:
            return None
        factor = UNITS.get(parts[2].lower())
        number, is_number = self.locale().toDouble(parts[1])
        if not is_number or factor is None or not 0 <= number * factor <= self.maximum():
            return None
        return float(f"{number * factor:.9g}")
