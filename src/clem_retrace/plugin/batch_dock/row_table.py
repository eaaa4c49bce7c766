"""The pairs of the batch as a table: how far each is, what it is called, and its LM file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem

from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.batch_dock.states import State
from clem_retrace.plugin.short_table import ShortTable

__all__ = ["RowTable"]

#: The columns, and what they say.
COLUMNS = {
    "State": "✔ found, ○ not sure, ✖ failed, ⚠ to be mended before it can be run, ▶ running",
    "Pair": "What the pair is called; its results are in a folder of that name",
    "LM image": "Its file; the EM image is named below the table",
}

#: Rows for which there is room in any case, and those that are seen without scrolling.
ROWS_SEEN = 4, 10

#: Where the key of a pair is kept.
KEY = Qt.ItemDataRole.UserRole


class RowTable(ShortTable):
    """One row for each pair; rows stay selected while their states change.

    Signals
    -------
    chosen
        Other pairs are selected.
    opened : int
        A pair, by its key, was double-clicked, or Enter was pressed on it.
    """

    chosen = Signal()
    opened = Signal(int)

    def __init__(self) -> None:
        super().__init__("batch_table", "Pairs of the batch", COLUMNS, seen=ROWS_SEEN)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.itemSelectionChanged.connect(self.chosen)
        self.cellDoubleClicked.connect(lambda row, _: self.opened.emit(self._key(row)))

    @property
    def keys(self) -> list[int]:
        """The keys of the pairs that are selected, from the top."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        return [self._key(row) for row in rows]

    def choose(self, key: int) -> None:
        """Select a pair alone."""
        for row in range(self.rowCount()):
            if self._key(row) == key:
                self.selectRow(row)
                self.scrollToItem(self.item(row, 0))

    def show_pairs(self, pairs: Sequence[Pair], states: Sequence[State]) -> None:
        """Show pairs with their states; what is selected stays so."""
        selected = set(self.keys)
        shown = [self._key(row) for row in range(self.rowCount())]
        keys = [pair.key for pair in pairs]
        with QSignalBlocker(self):
            if keys != shown:
                self.clearSelection()
                self.setRowCount(len(pairs))
            for row, (pair, state) in enumerate(zip(pairs, states, strict=True)):
                self._show_row(row, pair, state)
            if keys != shown:
                self.resizeRowsToContents()
                self._select(selected)
                self.updateGeometry()
        if set(self.keys) != selected:
            self.chosen.emit()

    def _show_row(self, row: int, pair: Pair, state: State) -> None:
        lm, em = (pair.cells.get(role, "") for role in ("lm", "em"))
        texts = (state.text, pair.name, Path(lm).name)
        tips = (state.message or state.kind, pair.name, f"LM: {lm}\nEM: {em}")
        for column, (text, tip) in enumerate(zip(texts, tips, strict=True)):
            item = self.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                self.setItem(row, column, item)
            item.setData(KEY, pair.key)
            item.setText(text)
            item.setToolTip(tip)

    def _select(self, keys: set[int]) -> None:
        mode = self.selectionMode()
        # In the usual mode each call would take the former selection back.
        self.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        for row in range(self.rowCount()):
            if self._key(row) in keys:
                self.selectRow(row)
        self.setSelectionMode(mode)

    def _key(self, row: int) -> int:
        return int(self.item(row, 0).data(KEY))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Open the pair on Enter, as a double click does."""
        enter = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event is not None and event.key() in enter and len(self.keys) == 1:
            self.opened.emit(self.keys[0])
            return
        super().keyPressEvent(event)
