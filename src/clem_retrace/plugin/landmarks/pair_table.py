"""The pairs as a table: what each is called, whether it is used, and how far it is off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QTableWidgetItem

from clem_retrace.plugin.landmarks.fitting import Fit
from clem_retrace.plugin.landmarks.markers import colour_of
from clem_retrace.plugin.landmarks.telling import error_text
from clem_retrace.plugin.short_table import ShortTable
from clem_retrace.registration.landmarks import Which

__all__ = ["PairTable", "Row", "rows"]

#: The columns, and what they say.
COLUMNS = {
    "Pair": "Name and colour of the pair: double-click to rename it. Untick it to hold it back: "
    "it is not used, and shows the error of the others",
    "LM": "Row, column on the LM, in its pixels; ? where it is predicted",
    "EM": "Row, column on the EM, in its pixels; ? where it is predicted",
    "Fit": "Residual: how far the fit is off at this pair, which it has seen",
    "Test": "How far a fit that has not seen this pair is off here: of the other pairs, or, for "
    "one that is held back or with nothing fitted yet, of the transform that is shown",
}
NAME, LM, EM, RESIDUAL, TEST = range(len(COLUMNS))

#: The images in the order of the columns.
IMAGES: tuple[Which, ...] = ("lm", "em")

#: Rows for which there is room in any case, and those that are seen without scrolling.
ROWS_SEEN = 3, 8

#: Side of a colour, pixels.
SWATCH = 11


@dataclass(frozen=True, slots=True)
class Row:
    """One pair as it is shown.

    Attributes
    ----------
    pair : int
    name : str
    active : bool
    texts : tuple of str
        For the columns after the name.
    """

    pair: int
    name: str
    active: bool
    texts: tuple[str, ...]


def rows(fit: Fit, *, in_nm: bool, order: Sequence[int] | None = None) -> list[Row]:
    """Return the pairs as they are shown.

    Parameters
    ----------
    fit : Fit
    in_nm : bool
        Whether errors are lengths, where these are known, or LM pixels.
    order : sequence of int, optional
        Of the pairs. By default those to be confirmed come first, then the worst.
    """
    landmarks, transform = fit.pairing.landmarks, fit.transform
    nm = transform.lm.pixel_size if transform is not None and in_nm else None
    residual, test = fit.residual, fit.test
    if order is None or sorted(order) != list(range(len(landmarks))):
        order = sorted(
            range(len(landmarks)),
            key=lambda pair: _badness(fit, pair, float(residual[pair]), float(test[pair])),
        )
    places = {which: _places(fit, which) for which in IMAGES}
    found = []
    for pair in order:
        shown = (error_text(float(one[pair]), nm) for one in (residual, test))
        texts = (*(places[which][pair] for which in IMAGES), *shown)
        found.append(Row(pair, landmarks.names[pair], bool(landmarks.active[pair]), texts))
    return found


def _badness(fit: Fit, pair: int, residual: float, test: float) -> tuple[bool, float, int]:
    """Return by what pairs are sorted, the worst first."""
    error = test if math.isfinite(test) else residual
    # To a thousandth of a pixel: what is equal stays in the order in which it was placed.
    ranked = -round(error, 3) if math.isfinite(error) else math.inf
    return fit.pairing.missing(pair) is None, ranked, pair


def _places(fit: Fit, which: Which) -> list[str]:
    """Return where the points on an image are, in words."""
    texts = []
    for pair, (row, col) in enumerate(fit.points(which)):
        predicted = fit.pairing.missing(pair) == which
        text = f"{row:.0f}, {col:.0f}{' ?' if predicted else ''}" if math.isfinite(row) else "?"
        if predicted and fit.transform is not None and math.isfinite(row):
            rows, cols = getattr(fit.transform, which).shape
            if not (-0.5 <= row <= rows - 0.5 and -0.5 <= col <= cols - 0.5):
                text = "outside ?"
        texts.append(text)
    return texts


class PairTable(ShortTable):
    """One row a pair, the worst first; the one that is worked on is selected.

    Signals
    -------
    chosen : int
        The user works on a pair.
    switched : int, bool
        A pair is to be used, or to be held back.
    renamed : int, str
    """

    chosen = Signal(int)
    switched = Signal(int, bool)
    renamed = Signal(int, str)

    def __init__(self) -> None:
        super().__init__("pair_table", "Pairs of points", COLUMNS, seen=ROWS_SEEN)
        self._rows: list[Row] = []
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.itemChanged.connect(self._on_item)
        self.currentCellChanged.connect(self._on_current)

    @property
    def shown(self) -> tuple[int, ...]:
        """The pairs in the order of the rows."""
        return tuple(row.pair for row in self._rows)

    def show_rows(self, found: Sequence[Row], chosen: int | None) -> None:
        """Show pairs, and select the one that is worked on."""
        with QSignalBlocker(self):
            anew = [(row.pair, row.name, row.active) for row in found] != [
                (row.pair, row.name, row.active) for row in self._rows
            ]
            if anew:
                self.setRowCount(len(found))
            for number, row in enumerate(found):
                # A name that was refused is shown as it was.
                if anew or self.item(number, NAME).text() != row.name:
                    self.setItem(number, NAME, _name_item(row))
                for column, text in enumerate(row.texts, 1):
                    self._show_text(number, column, text, row)
            self._rows = list(found)
            if anew:
                self.resizeRowsToContents()
                self.updateGeometry()
        self.show_chosen(chosen)

    def show_chosen(self, chosen: int | None) -> None:
        """Select the pair that is worked on."""
        with QSignalBlocker(self):
            if chosen in self.shown:
                self.setCurrentCell(self.shown.index(chosen), max(self.currentColumn(), 0))
            else:
                self.setCurrentCell(-1, -1)
                self.clearSelection()

    def _show_text(self, number: int, column: int, text: str, row: Row) -> None:
        item = self.item(number, column)
        if item is None:
            item = QTableWidgetItem()
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.setItem(number, column, item)
        if item.text() != text:
            item.setText(text)
        font = item.font()
        # What the fit has not seen is told from what it has.
        if font.italic() == row.active:
            font.setItalic(not row.active)
            item.setFont(font)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() != NAME:
            return
        row = self._rows[item.row()]
        active = item.checkState() == Qt.CheckState.Checked
        if active != row.active:
            self.switched.emit(row.pair, active)
        elif item.text().strip() != row.name:
            self.renamed.emit(row.pair, item.text())

    def _on_current(self, row: int, _column: int, before: int, _column_before: int) -> None:
        if 0 <= row < len(self._rows) and row != before:
            self.chosen.emit(self._rows[row].pair)


def _name_item(row: Row) -> QTableWidgetItem:
    item = QTableWidgetItem(row.name)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Checked if row.active else Qt.CheckState.Unchecked)
    swatch = QPixmap(SWATCH, SWATCH)
    swatch.fill(QColor(colour_of(row.name)))
    icon = QIcon(swatch)
    # As it is, also where Qt would tint it.
    icon.addPixmap(swatch, QIcon.Mode.Selected)
    item.setIcon(icon)
    return item
