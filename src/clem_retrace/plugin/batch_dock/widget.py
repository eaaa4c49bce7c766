"""The dock widget `Batch`.

It makes the boxes and what does their work, and shows how things stand; it computes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QWidget

from clem_retrace.batch.gallery import GALLERY
from clem_retrace.errors import ClemRetraceError
from clem_retrace.io.exports import make_folder
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.batch_dock.batch_bar import BatchBar
from clem_retrace.plugin.batch_dock.batch_run import BatchRun
from clem_retrace.plugin.batch_dock.gathering import Gathering
from clem_retrace.plugin.batch_dock.pairs import Pairs
from clem_retrace.plugin.batch_dock.pairs_box import PairsBox
from clem_retrace.plugin.batch_dock.run_box import RunBox
from clem_retrace.plugin.batch_dock.showing import Showing
from clem_retrace.plugin.batch_dock.states import State, state_of, tally
from clem_retrace.plugin.batch_dock.tables import save_table
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.dock import StepsDock
from clem_retrace.plugin.docks import retrace_dock
from clem_retrace.plugin.guide import Mark, StepState
from clem_retrace.plugin.looks import set_primary
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.step_box import StepBox

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["BatchWidget"]

#: The table as it was run, kept among the results to be opened again.
TABLE = "batch-pairs.csv"


class BatchWidget(StepsDock):
    """Run many pairs, and open what was found.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A `ViewerModel` will do, with the dock `Retrace and register` in the same window.
    """

    def __init__(self, napari_viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("batch", napari_viewer, parent)
        self._folder: Path | None = None
        self._begun = False
        self.pairs = Pairs(RegistrationOptions())
        self.pairs_box, self.run_box, self.bar = PairsBox(), RunBox(), BatchBar()
        self.run = BatchRun(self)
        self._gathering = Gathering(self.pairs, self.pairs_box, napari_viewer, self)
        self._showing = Showing(napari_viewer, self)
        pairs = StepBox("batch_pairs", "Pairs", self.pairs_box)
        results = StepBox("batch_run", "Results and options", self.run_box)
        for step in (pairs, results):
            step.come_to()
        about = "An LM image, an EM image, and a region to find"
        pairs.show_state(StepState(Mark.LATER, about))
        self.fill_steps((pairs, results), self.bar)
        self._connect()
        self.follow_viewer()
        self._on_pairs()

    def _connect(self) -> None:
        self._gathering.changed.connect(self._on_pairs)
        self._gathering.folder_found.connect(self.set_folder)
        self._gathering.told.connect(self._tell)
        self._showing.told.connect(self._tell)
        self.pairs_box.table.opened.connect(self.open_pair)
        self.pairs_box.open_pair.connect(lambda: self.open_pair(self.pairs_box.chosen))
        self.run_box.choose_folder.connect(self._choose_folder)
        self.run_box.take_options.connect(self._take_options)
        self.run_box.open_gallery.connect(lambda: self._open_outside(GALLERY))
        self.run_box.open_folder.connect(lambda: self._open_outside(""))
        self.bar.run.connect(self.start)
        self.bar.cancel.connect(self.run.cancel)
        self.run.changed.connect(self._show_states)
        self.run.running_changed.connect(self._on_running)
        self.run.progressed.connect(self.bar.show_progress)
        self.run.ended.connect(self._on_end)

    # How things stand

    @property
    def folder(self) -> Path | None:
        """The folder of the results."""
        return self._folder

    def states(self) -> list[State]:
        """Return how far each pair is, in their order."""
        outcomes = self.run.outcomes
        return [
            state_of(pair, outcomes.get(pair.key), running=self.run.is_running(pair.key))
            for pair in self.pairs
        ]

    def _on_pairs(self) -> None:
        self._follow_options()
        self._begun = len(self.pairs) > 0
        self.run.look(list(self.pairs), self._folder)
        self._show_states()
        self._show_results()

    def _show_states(self) -> None:
        states = self.states()
        self.pairs_box.show_pairs(list(self.pairs), states)
        waiting = any(state.kind == "waiting" for state in states)
        set_primary(self.pairs_box.add_button, not states)
        set_primary(self.bar.run_button, waiting and not self.run.running)

    def _show_results(self) -> None:
        folder = self._folder
        has_gallery = folder is not None and (folder / GALLERY).is_file()
        self.run_box.show_folder(folder, has_gallery=has_gallery)
        self.run_box.show_options(self.pairs.options, self._docked_options())
        self.run_box.show_running(self.run.running)

    def _follow_options(self) -> None:
        """Let the options be those of the other dock, as long as there is no pair."""
        wanted = self._docked_options() or RegistrationOptions()
        if not self._begun and wanted != self.pairs.options:
            self.pairs.set_options(wanted)

    def _docked_options(self) -> RegistrationOptions | None:
        """Return the options of the dock `Retrace and register`, if it is open and they hold."""
        retrace = retrace_dock(self)
        try:
            return None if retrace is None else retrace.options.options()
        except ClemRetraceError:
            return None

    def _tell(self, text: str) -> None:
        """Say something below the buttons, unless a batch says there how far it is."""
        if not self.run.running:
            self.bar.tell(text)

    # What the buttons do

    def open(self, table: Path) -> None:
        """Open a table; its pairs take the place of those that are there."""
        self._gathering.open(table)

    def _choose_folder(self) -> None:
        chosen = FileDialogs(self).folder("Folder for the results", self._folder)
        if chosen is not None:
            self.set_folder(chosen)

    def set_folder(self, folder: Path) -> None:
        """Let results go to a folder; pairs that were done there before are marked so."""
        self._folder = folder.absolute()
        self._on_pairs()

    def _take_options(self) -> None:
        docked = self._docked_options()
        if docked is not None:
            self.pairs.set_options(docked)
            self._on_pairs()

    def start(self) -> None:
        """Run the pairs, or say what is missing."""
        if not len(self.pairs):
            self.bar.tell("add a pair first, or open a table of pairs")
            return
        if self._folder is None:
            self._choose_folder()
        if self._folder is None:
            self.bar.tell("choose a folder for the results first")
            return
        try:
            table = make_folder(self._folder) / TABLE
            save_table(table, self.pairs.rows(), self.pairs.options, self.pairs.dialect)
        except ClemRetraceError as error:
            self.bar.tell(report(error))
            return
        self.bar.tell("starting …")
        self.run.start(
            list(self.pairs), self._folder, workers=self.run_box.workers,
            again=self.run_box.again, dialect=self.pairs.dialect,
        )  # fmt: skip

    def open_pair(self, key: int | None) -> None:
        """Open a pair in the viewer, with its result if there is one."""
        pair = self.pairs.get(key)
        if pair is not None:
            outcome = self.run.outcomes.get(pair.key)
            self._showing.open(pair, outcome, self.pairs.dialect)

    def _open_outside(self, name: str) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder / name)))

    def _on_running(self, running: bool) -> None:
        self.bar.show_running(running)
        self.pairs_box.show_running(running)
        self._show_states()
        self._show_results()

    def _on_end(self, why: str) -> None:
        self.run_box.forget_again()
        self.bar.tell(f"{why}. {tally(self.states())}" if why else f"Done. {tally(self.states())}")

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look again at the other dock: its options may have been changed."""
        super().showEvent(event)
        self._follow_options()
        self._show_results()

    def released(self) -> None:
        """Stop what is under way, and let go of the viewer."""
        self.run.stop()
        self._gathering.stop()
        self._showing.stop()
        super().released()
