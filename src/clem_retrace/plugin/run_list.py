"""The runs of the session as a list: show one again, or take its settings over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QListWidget, QListWidgetItem, QWidget

from clem_retrace.plugin.candidate_table import confidence_text
from clem_retrace.plugin.looks import button, hint_label, named

if TYPE_CHECKING:
    from clem_retrace.plugin.runs import Run

__all__ = ["RunList", "describe"]

#: Rows that are seen without scrolling.
ROWS_SEEN = 4


def describe(run: Run) -> tuple[str, str]:
    """Return a run in a line, and its settings for a tool tip."""
    registration = run.shown
    roi, options = registration.roi, registration.options
    confidence = None if run.by_hand else registration.confidence
    sure = confidence_text(confidence, options.confidence_threshold)
    changed = options.changed()
    set_ = ", ".join(f"{name} = {value}" for name, value in changed.items()) or "default options"
    line = (
        f"{run.number}   {sure}   region {roi.height:.0f} x {roi.width:.0f} px"
        f"{f', candidate {run.chosen + 1}' if run.chosen else ''}"
        f"{f', {len(changed)} option' + 's' * (len(changed) != 1) if changed else ''}"
    )
    tip = (
        f"{registration.lm.name} and {registration.em.name}; region at row {roi.row:.0f}, column "
        f"{roi.col:.0f}; ratio {registration.ratio:.3f}; {set_}; {run.seconds:.1f} s"
    )
    return line, tip


class RunList(QWidget):
    """Lists the runs, the newest first.

    Attributes
    ----------
    limit : int
        How many runs are kept.

    Signals
    -------
    chosen : int
        The user wants to see a run, by its number.
    restore : int
        The user wants the settings of a run back in the form.
    copy_command, copy_python, save, open
        The button was pressed.
    """

    chosen = Signal(int)
    restore = Signal(int)
    copy_command = Signal()
    copy_python = Signal()
    save = Signal()
    open = Signal()

    def __init__(self, limit: int, parent: QWidget | None = None) -> None:
        """Make an empty list.

        Parameters
        ----------
        limit : int
            How many runs are kept, for people to know.
        """
        super().__init__(parent)
        self.limit = limit
        self._list = named(
            _ShortList(), "run_list", "Runs of this session", "Click a run to see its result again"
        )
        self._restore = button(
            "restore_settings",
            "Restore its settings",
            "Put the pixel sizes, the region and the options of the run back into the form",
        )
        self._command = button(
            "copy_command",
            "Copy as command",
            "Copy the command line that does this run again, with the candidate that is shown",
        )
        self._python = button(
            "copy_python",
            "Copy as Python",
            "Copy the Python script that does this run again, with the candidate that is shown",
        )
        self._save = button(
            "save_session",
            "Save session …",
            "Write all runs, the settings, and where the images are, to a file",
        )
        self._open = button(
            "open_session",
            "Open session …",
            "Open the images, the settings and all runs of a session that was saved",
        )
        note = hint_label("runs_kept", "How many runs are kept")
        note.setText(f"The last {limit} runs are kept until napari is closed; a file keeps them.")
        layout = QGridLayout(self)
        layout.addWidget(self._list, 0, 0, 1, 2)
        layout.addWidget(self._restore, 1, 0, 1, 2)
        layout.addWidget(self._command, 2, 0)
        layout.addWidget(self._python, 2, 1)
        layout.addWidget(self._save, 3, 0)
        layout.addWidget(self._open, 3, 1)
        layout.addWidget(note, 4, 0, 1, 2)
        self._list.currentItemChanged.connect(self._on_current)
        self._restore.clicked.connect(lambda: self.restore.emit(self._number()))
        self._command.clicked.connect(self.copy_command)
        self._python.clicked.connect(self.copy_python)
        self._save.clicked.connect(self.save)
        self._open.clicked.connect(self.open)
        self.show_runs((), None)

    def show_runs(self, runs: Iterable[Run], shown: Run | None) -> None:
        """List runs, and mark the one that is shown."""
        with QSignalBlocker(self._list):
            self._list.clear()
            for run in reversed(list(runs)):
                line, tip = describe(run)
                item = QListWidgetItem(line)
                item.setToolTip(tip)
                item.setData(Qt.ItemDataRole.UserRole, run.number)
                self._list.addItem(item)
                if shown is not None and run.number == shown.number:
                    self._list.setCurrentItem(item)
        self._list.updateGeometry()
        self._restore.setEnabled(shown is not None and shown.form is not None)
        for control in (self._command, self._python):
            control.setEnabled(shown is not None)
        self._save.setEnabled(self._list.count() > 0)

    def _number(self) -> int:
        number: int = self._list.currentItem().data(Qt.ItemDataRole.UserRole)
        return number

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(self._number())


class _ShortList(QListWidget):
    """A list as high as a few rows; what is too long for it stands in the tool tip."""

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)

    def sizeHint(self) -> QSize:
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        rows = min(max(self.count(), 1), ROWS_SEEN)
        return QSize(0, rows * (row + 2) + 2 * self.frameWidth() + 4)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()
