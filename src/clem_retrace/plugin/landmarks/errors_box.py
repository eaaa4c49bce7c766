"""The errors in the dock: in a sentence, as warnings, and the colours of their map."""

from __future__ import annotations

from collections.abc import Sequence

from napari.utils.colormaps import ensure_colormap
from qtpy.QtCore import Signal
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from clem_retrace.plugin.landmarks.error_layer import COLORMAP
from clem_retrace.plugin.landmarks.telling import error_text
from clem_retrace.plugin.looks import check_box, named, show_text, text_label

__all__ = ["ErrorsBox"]

#: Height of the bar of colours, pixels, and the colours it is drawn from.
BAR, STOPS = 10, 16


class ErrorsBox(QWidget):
    """Says how good a fit is.

    Signals
    -------
    unit_changed : bool
        Errors are to be shown as lengths, in nm or what suits them.
    map_wanted : bool
        The map is to be shown.
    """

    unit_changed = Signal(bool)
    map_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary = text_label("errors_summary", "How good the fit is")
        self._warnings = text_label("errors_warnings", "What to know of it")
        self._unit = named(
            QComboBox(),
            "error_unit",
            "Unit of the errors in the table",
            "The errors in the table as lengths on the specimen, or in pixels of the LM",
        )
        self._unit.addItems(["nm, \u00b5m", "LM px"])
        self._map = check_box(
            "error_map",
            "Show error map",
            "A layer with the error that is expected at each place of the EM on the LM, by how "
            "far the pairs are off, and how far away they are",
        )
        self._legend = Legend()
        row = QHBoxLayout()
        row.addWidget(QLabel("Table in"))
        row.addWidget(self._unit)
        row.addStretch(1)
        row.addWidget(self._map)
        layout = QVBoxLayout(self)
        for label in (self._summary, self._warnings):
            layout.addWidget(label)
        layout.addLayout(row)
        layout.addWidget(self._legend)
        self._unit.activated.connect(lambda index: self.unit_changed.emit(index == 0))
        self._map.toggled.connect(self.map_wanted)

    @property
    def in_nm(self) -> bool:
        """Whether the table shows lengths, not pixels."""
        return bool(self._unit.currentIndex() == 0)

    def show_units(self, *, calibrated: bool) -> None:
        """Offer nm only where the LM's pixel size is known."""
        self._unit.setEnabled(calibrated)
        if not calibrated:
            self._unit.setCurrentIndex(1)

    def show_texts(self, summary: str, warnings: Sequence[str]) -> None:
        """Show how good a fit is."""
        for label, text in (
            (self._summary, summary),
            (self._warnings, "\n".join(f"⚠ {warning}" for warning in warnings)),
        ):
            show_text(label, text)

    def show_map(self, limits: tuple[float, float] | None, unit: str, *, possible: bool) -> None:
        """Show what the colours of the map mean; None when it is not shown."""
        self._map.setEnabled(possible)
        self._legend.show_limits(limits, unit)


class Legend(QWidget):
    """A bar of colours between the two errors that they begin and end with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "error_legend", "Colours of the error map")
        self._low, self._high, bar = QLabel(), QLabel(), _Bar()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._low)
        layout.addWidget(bar, 1)
        layout.addWidget(self._high)
        self.hide()

    def show_limits(self, limits: tuple[float, float] | None, unit: str) -> None:
        """Show the errors at the ends, or nothing."""
        self.setVisible(limits is not None)
        if limits is not None:
            low, high = (error_text(value, 1.0 if unit == "nm" else None) for value in limits)
            self._low.setText(low)
            self._high.setText(high)
            self.setAccessibleDescription(f"dark is {low}, bright is {high}")


class _Bar(QWidget):
    """The colours of the map."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(BAR)
        self._colours = ensure_colormap(COLORMAP).map([n / (STOPS - 1) for n in range(STOPS)])

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint them from left to right."""
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for number, colour in enumerate(self._colours):
            gradient.setColorAt(number / (STOPS - 1), QColor.fromRgbF(*(float(c) for c in colour)))
        painter = QPainter(self)
        painter.fillRect(self.rect(), gradient)
        painter.end()
