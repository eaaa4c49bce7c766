"""A field for a positive number that may be missing."""

from __future__ import annotations

from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy

__all__ = ["PositiveField"]


class PositiveField(QDoubleSpinBox):
    """A positive number that may be unknown, which it shows as such."""

    def __init__(self, name: str, title: str, unit: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(tip)
        self.setDecimals(6)
        self.setRange(0, 1_000_000)
        self.setSpecialValueText("missing")
        self.setSuffix(unit)
        self.setKeyboardTracking(False)
        # Without this the field would be as wide as its largest number.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(90)

    def textFromValue(self, value: float) -> str:
        """Return the number without trailing zeros."""
        return self.locale().toString(value, "g", 6)  # type: ignore[no-any-return]

    @property
    def number(self) -> float | None:
        """The number; None when it is unknown."""
        return self.value() or None

    def show_number(self, number: float | None) -> None:
        """Show a number without telling that it has changed."""
        blocked = self.blockSignals(True)
        self.setValue(number or 0)
        self.blockSignals(blocked)
