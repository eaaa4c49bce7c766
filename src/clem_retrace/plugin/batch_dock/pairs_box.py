"""The pairs in a table, with the buttons that add, open and remove them, and the one chosen."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from clem_retrace.plugin.batch_dock.pair_form import PairForm
from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.batch_dock.row_table import RowTable
from clem_retrace.plugin.batch_dock.states import State, tally
from clem_retrace.plugin.looks import button, hint_label

__all__ = ["PairsBox"]


class PairsBox(QWidget):
    """Shows the pairs, and one of them to be changed.

    Attributes
    ----------
    table : RowTable
    form : PairForm
    add_button : QPushButton

    Signals
    -------
    add_layers, add_files, open_table, save_table, open_pair, remove
        The button was pressed.
    """

    add_layers = Signal()
    add_files = Signal()
    open_table = Signal()
    save_table = Signal()
    open_pair = Signal()
    remove = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table, self.form = RowTable(), PairForm()
        self.add_button = button(
            "add_layers",
            "Add the pair in the viewer",
            "The images and the region of the dock 'Retrace and register', or the two image "
            "layers that are selected with the region that is drawn",
        )
        self._files = button("add_files", "Add files …", "Choose an LM and an EM file")
        self._table_in = button(
            "open_table", "Open a table …", "A CSV table of pairs, as clem-retrace batch reads it"
        )
        self._table_out = button(
            "save_table", "Save the table …", "As CSV, for clem-retrace batch or another time"
        )
        self._open = button(
            "open_pair",
            "Open in the viewer",
            "The images of the pair and, if it was run, its result; a double click does the same",
        )
        self._remove = button(
            "remove_pairs", "Remove", "Take the chosen pairs out of the table; files are kept"
        )
        self._tally = hint_label("tally", "How many pairs are done")
        self._pairs: dict[int, tuple[Pair, State]] = {}
        self._running = False
        self._lay_out()
        self.table.chosen.connect(self._show_chosen)
        for control, signal in (
            (self.add_button, self.add_layers),
            (self._files, self.add_files),
            (self._table_in, self.open_table),
            (self._table_out, self.save_table),
            (self._open, self.open_pair),
            (self._remove, self.remove),
        ):
            control.clicked.connect(signal)
        self.show_pairs((), ())

    def _lay_out(self) -> None:
        above, below = QGridLayout(), QHBoxLayout()
        for place, control in enumerate(
            (self.add_button, self._files, self._table_in, self._table_out)
        ):
            above.addWidget(control, *divmod(place, 2))
        below.addWidget(self._open, 2)
        below.addWidget(self._remove, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(above)
        layout.addWidget(self.table)
        layout.addWidget(self._tally)
        layout.addLayout(below)
        layout.addWidget(self.form)

    @property
    def chosen(self) -> int | None:
        """The key of the pair that is chosen, if it is one."""
        keys = self.table.keys
        return keys[0] if len(keys) == 1 else None

    def show_pairs(self, pairs: Sequence[Pair], states: Sequence[State]) -> None:
        """Show pairs with their states."""
        self._pairs = {pair.key: (pair, state) for pair, state in zip(pairs, states, strict=True)}
        self.table.show_pairs(pairs, states)
        self._tally.setText(tally(states) if pairs else "No pairs yet: add one, or open a table")
        self._show_chosen()

    def show_running(self, running: bool) -> None:
        """Show whether a batch is under way: then pairs are not changed."""
        self._running = running
        self._show_chosen()

    def _show_chosen(self) -> None:
        key = self.chosen
        pair, state = self._pairs.get(key, (None, None)) if key is not None else (None, None)
        self.form.show_pair(pair, state)
        self.form.setVisible(pair is not None)
        self.form.show_running(self._running)
        self._open.setEnabled(pair is not None)
        self._remove.setEnabled(bool(self.table.keys) and not self._running)
        self._table_in.setEnabled(not self._running)
        self._table_out.setEnabled(bool(self._pairs))
