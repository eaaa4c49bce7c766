"""How things stood put back in the dock: undo, redo, and the settings of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QPushButton, QShortcut, QWidget

from clem_retrace.plugin.history import History, Moment
from clem_retrace.plugin.looks import button

if TYPE_CHECKING:
    from clem_retrace.plugin.controls import Controls
    from clem_retrace.plugin.form import Form
    from clem_retrace.plugin.results import Results
    from clem_retrace.plugin.run_bar import RunBar
    from clem_retrace.plugin.run_list import RunList

__all__ = ["UndoButtons", "Undoing"]


class UndoButtons(QObject):
    """Two small buttons, which whoever makes this lays out.

    Signals
    -------
    undo, redo
        The button was pressed.
    """

    undo = Signal()
    redo = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.buttons: tuple[QPushButton, QPushButton] = (
            button("undo", "↶", "Nothing to undo"),
            button("redo", "↷", "Nothing to redo"),
        )
        for control, signal in zip(self.buttons, (self.undo, self.redo), strict=True):
            control.setFixedWidth(28)
            control.clicked.connect(signal)
        self.show("", "")

    def show(self, undo: str, redo: str) -> None:
        """Show what can be undone and redone; empty for nothing."""
        for control, verb, what in zip(self.buttons, ("Undo", "Redo"), (undo, redo), strict=True):
            control.setEnabled(bool(what))
            control.setToolTip(f"{verb}: {what}" if what else f"Nothing to {verb.lower()}")
            control.setAccessibleName(f"{verb} {what}".strip())


class Undoing(QObject):
    """Notes how things stand, and lets them stand so again.

    Signals
    -------
    restored
        Things stand as they did.
    """

    restored = Signal()

    def __init__(
        self,
        controls: Controls,
        results: Results,
        bar: RunBar,
        run_list: RunList,
        dock: QWidget,
    ) -> None:
        """Wire it to the buttons, and to the keys within a dock."""
        super().__init__(dock)
        self._controls, self._results = controls, results
        self._history = history = History(self)
        history.changed.connect(bar.undoing.show)
        history.restored.connect(self._restore)
        # What can be undone begins with the pair.
        controls.images.pair_changed.connect(history.begin)
        controls.layer_changed.connect(self._rebase)
        run_list.restore.connect(self._restore_settings)
        for asked in (bar.undoing, controls.drawing):
            asked.undo.connect(history.undo)
            asked.redo.connect(history.redo)
        for key, slot in (
            (QKeySequence.StandardKey.Undo, history.undo),
            (QKeySequence.StandardKey.Redo, history.redo),
        ):
            # Within the dock alone: on the canvas the keys are napari's.
            QShortcut(key, dock, slot, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def note(self, form: Form) -> None:
        """Remember how things stand."""
        self._history.note(Moment.of(form, self._results.shown))

    def _rebase(self) -> None:
        """Let what another layer brings along be how things stand, not a change to undo."""
        form, _ = self._controls.form_or_fault()
        if form is not None:
            self._history.rebase(Moment.of(form, self._results.shown))

    def _restore(self, moment: Moment) -> None:
        self._controls.put(moment.form)
        if moment.run is None:
            self._results.take_away()
        else:
            self._results.show_run(moment.run, moment.candidate)
        self.restored.emit()

    def _restore_settings(self, number: int) -> None:
        """Let the form stand as it did for a run."""
        run = self._results.runs.numbered(number)
        if run is not None and run.form is not None:
            self._controls.put(run.form)
