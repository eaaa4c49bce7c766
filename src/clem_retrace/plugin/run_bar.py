"""Search and Cancel, undo and redo, and what is going on."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from clem_retrace.events import Progress
from clem_retrace.plugin.looks import button
from clem_retrace.plugin.notices import sentence
from clem_retrace.plugin.pace import Pace

__all__ = ["RUNS", "RunBar"]

#: Seconds between two steps of the progress bar: Qt paints each of them at once.
INTERVAL = 0.1

#: The kinds of runs in the menu: what they are called, and what they do.
RUNS: Mapping[str, tuple[str, str]] = {
    "search": ("Search again", "Search and register with the settings as they are now"),
    "search only": ("Search only", "List the candidates, and register none"),
    "register": (
        "Register again",
        "Register the candidate that is shown with the settings as they are now",
    ),
    "from scratch": ("Search from scratch", "Search again, and reuse nothing of earlier runs"),
}


class RunBar(QWidget):
    """The buttons that stay in place below the steps, a progress bar and a line of text.

    Signals
    -------
    run : str
        A kind of run was asked for, one of `RUNS`; the button asks for "search".
    cancel, undo, redo
        The button was pressed.
    """

    run = Signal(str)
    cancel = Signal()
    undo = Signal()
    redo = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage, self._shown = "", 0.0
        self._pace = Pace()
        self._run = button("run", "Search", "Find the region in the EM, and register the two")
        self._more = button("run_menu", "▾", "Run one part of it alone")
        self._more.setAccessibleName("Other runs")
        self._cancel = button("cancel", "Cancel", "Stop; nothing that was there before is lost")
        self._undo = button("undo", "↶", "Nothing to undo")
        self._redo = button("redo", "↷", "Nothing to redo")
        for small in (self._more, self._undo, self._redo):
            small.setFixedWidth(28)
        self._actions = self._make_menu()
        self._progress = QProgressBar()
        self._progress.setObjectName("progress")
        self._progress.setAccessibleName("Progress of the stage")
        self._message = QLabel()
        self._message.setObjectName("message")
        self._message.setAccessibleName("Message")
        self._message.setWordWrap(True)
        self._lay_out()
        self._run.clicked.connect(lambda: self.run.emit("search"))
        self._cancel.clicked.connect(self.cancel)
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        self.show_undo("", "")
        self.show_running(False)

    def _make_menu(self) -> dict[str, QAction]:
        menu = QMenu(self._more)
        menu.setToolTipsVisible(True)
        actions = {}
        for kind, (title, tip) in RUNS.items():
            actions[kind] = action = menu.addAction(title, partial(self.run.emit, kind))
            action.setToolTip(tip)
        self._more.setMenu(menu)
        return actions

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(3)
        buttons.addWidget(self._run, 3)
        buttons.addWidget(self._more)
        buttons.addWidget(self._cancel, 2)
        buttons.addWidget(self._undo)
        buttons.addWidget(self._redo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)

    @property
    def search_button(self) -> QPushButton:
        """The button that searches."""
        return self._run

    def begin(self, kind: Hashable) -> None:
        """Expect a run; those of one kind take the same time."""
        self._pace.begin(kind, time.monotonic())

    def finished(self) -> None:
        """Remember how long the run took, for the next of its kind."""
        self._pace.finished(time.monotonic())

    def show_running(self, running: bool) -> None:
        """Show whether a run is under way."""
        # Search stays enabled: a second run replaces the first.
        self._cancel.setEnabled(running)
        self._progress.setVisible(running)
        if running:
            self._progress.setRange(0, 0)
            self._stage = ""
            self.tell("Starting …")

    def show_searched(self, searched: bool) -> None:
        """Show whether there is a result, which can be registered again."""
        self._run.setText("Search again" if searched else "Search")
        self._actions["register"].setEnabled(searched)

    def show_undo(self, undo: str, redo: str) -> None:
        """Show what can be undone and redone; empty for nothing."""
        for control, verb, what in ((self._undo, "Undo", undo), (self._redo, "Redo", redo)):
            control.setEnabled(bool(what))
            control.setToolTip(f"{verb}: {what}" if what else f"Nothing to {verb.lower()}")
            control.setAccessibleName(f"{verb} {what}".strip())

    def show_progress(self, progress: Progress) -> None:
        """Show how far a stage is; what comes too soon after the last is left out."""
        now = time.monotonic()
        self._pace.saw(progress, now)
        if progress.stage == self._stage and now - self._shown < INTERVAL:
            return
        self._stage, self._shown = progress.stage, now
        # A total of 0 would make the bar swing without end.
        self._progress.setRange(0, max(progress.total, 1))
        self._progress.setValue(progress.done)
        left = self._pace.text()
        self.tell(f"{sentence(progress.stage)} …" + (f" {left}" if left else ""))

    def tell(self, text: str) -> None:
        """Show one line of text."""
        self._message.setText(text)
        self._message.setVisible(bool(text))
