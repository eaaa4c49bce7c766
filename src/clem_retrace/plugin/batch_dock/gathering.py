"""What the buttons above and below the table do: pairs added, changed, opened and saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.batch.cluster import CALL
from clem_retrace.errors import ClemRetraceError, RoiError
from clem_retrace.plugin.batch_dock.from_layers import (
    drawn_region,
    layer_of_file,
    pair_of_layers,
)
from clem_retrace.plugin.batch_dock.pairs import Pair, Pairs
from clem_retrace.plugin.batch_dock.pairs_box import PairsBox
from clem_retrace.plugin.batch_dock.tables import Cells, OpenedTable, open_table, save_table
from clem_retrace.plugin.dialogs import ANY, FileDialogs
from clem_retrace.plugin.docks import retrace_dock
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.worker import Runner, one_step

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["Gathering"]

TABLES = f"Tables of pairs (*.csv *.txt *.tsv);;{ANY}"


class Gathering(QObject):
    """Fills the table of pairs.

    Signals
    -------
    changed
        There are other pairs, or one has become another.
    folder_found : Path
        A table was opened that lies among results.
    told : str
        What was done.
    """

    changed = Signal()
    folder_found = Signal(object)
    told = Signal(str)

    def __init__(self, pairs: Pairs, box: PairsBox, viewer: Viewer, dock: QWidget) -> None:
        super().__init__(dock)
        self._pairs, self._box, self._viewer, self._dock = pairs, box, viewer, dock
        self._dialogs = FileDialogs(dock)
        self._opener = Runner(self)
        self._opener.succeeded.connect(self._take)
        self._opener.failed.connect(lambda failure: self.told.emit(report(failure)))
        attempts = {
            box.add_layers: self._add_layers,
            box.add_files: self._add_files,
            box.open_table: self._open,
            box.save_table: self._save,
            box.remove: self._remove,
            box.form.take_region: self._take_region,
        }
        for signal, do in attempts.items():
            signal.connect(lambda do=do: self._attempt(do))
        box.form.changed.connect(self._change)
        box.form.choose_file.connect(self._choose_file)

    def stop(self) -> None:
        """Open no more."""
        self._opener.cancel()

    def open(self, path: Path) -> None:
        """Open a table; its pairs take the place of those that are there."""
        options = self._pairs.options
        # In a thread: the files of the pairs are looked at one by one.
        self._opener.start(lambda: one_step("opening", lambda: open_table(path, options)))

    def _attempt(self, do: Callable[[], str]) -> None:
        """Do something short, and say what was done, or why it could not be."""
        try:
            self.told.emit(do())
        except ClemRetraceError as error:
            self.told.emit(report(error))

    def _chosen(self) -> Pair | None:
        return self._pairs.get(self._box.chosen)

    def _add_layers(self) -> str:
        layers = self._viewer.layers
        cells = pair_of_layers(list(layers), layers.selection, retrace_dock(self._dock))
        return self._add(cells)

    def _add_files(self) -> str:
        lm = self._dialogs.open("The LM image")
        em = None if lm is None else self._dialogs.open("The EM image")
        if lm is None or em is None:
            return ""
        return self._add({"lm": str(lm.absolute()), "em": str(em.absolute())})

    def _add(self, cells: Cells) -> str:
        key = self._pairs.add(cells)
        self.changed.emit()
        self._box.table.choose(key)
        pair = self._chosen()
        return "" if pair is None else f"added {pair.name}"

    def _open(self) -> str:
        path = self._dialogs.open("Open a table of pairs", TABLES)
        if path is not None:
            self.open(path)
        return ""

    def _take(self, table: OpenedTable) -> None:
        self._pairs.take(table)
        self.told.emit(f"opened {table.path.name}")
        if (table.path.parent / CALL).is_file():
            self.folder_found.emit(table.path.parent)
        self.changed.emit()

    def _save(self) -> str:
        path = self._dialogs.save("Save the table", "pairs", {"Table of pairs": (".csv",)})
        if path is None:
            return ""
        save_table(path, self._pairs.rows(), self._pairs.options, self._pairs.dialect)
        return f"saved {path.name}"

    def _remove(self) -> str:
        keys = self._box.table.keys
        self._pairs.remove(keys)
        self.changed.emit()
        return f"{len(keys)} taken out of the table; files and results are kept"

    def _take_region(self) -> str:
        pair = self._chosen()
        if pair is None:
            return ""
        layers = list(self._viewer.layers)
        lm = layer_of_file(layers, pair.cells.get("lm", ""))
        if lm is None:
            raise RoiError("the LM image of the pair is not open: press Open in the viewer first")
        cells = drawn_region(layers, lm)
        if not cells:
            raise RoiError(f"no region is drawn on '{lm.name}': draw a rectangle on it first")
        self._change(cells)
        return f"{pair.name} has the region that is drawn"

    def _choose_file(self, role: str) -> None:
        path = self._dialogs.open(f"The {role.upper()} image")
        if path is not None:
            self._change({role: str(path.absolute())})

    def _change(self, texts: dict[str, str]) -> None:
        pair = self._chosen()
        if pair is not None:
            self._pairs.change(pair.key, texts)
            self.changed.emit()
