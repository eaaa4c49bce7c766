"""Search and Cancel, undo and redo, and what is going on."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMenu, QProgressBar, QVBoxLayout, QWidget

from clem_retrace.events import Progress
from clem_retrace.plugin.looks import button, named, show_share, show_text
from clem_retrace.plugin.notices import sentence
from clem_retrace.plugin.pace import Pace
from clem_retrace.plugin.undoing import UndoButtons

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

    Attributes
    ----------
    search_button : QPushButton
    undoing : UndoButtons

    Signals
    -------
    run : str
        A kind of run was asked for, one of `RUNS`; the button asks for "search".
    cancel
        The button was pressed.
    """

    run = Signal(str)
    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage, self._shown = "", 0.0
        self._pace = Pace()
        self.search_button = button(
            "run", "Search", "Find the region in the EM, and register the two"
        )
        self._more = button("run_menu", "▾", "Run one part of it alone")
        self._more.setAccessibleName("Other runs")
        self._cancel = button("cancel", "Cancel", "Stop; nothing that was there before is lost")
        self._more.setFixedWidth(28)
        self.undoing = UndoButtons(self)
        self._actions = self._make_menu()
        self._progress = named(QProgressBar(), "progress", "Progress of the stage")
        self._message = named(QLabel(), "message", "Message")
        self._message.setWordWrap(True)
        self._lay_out()
        self.search_button.clicked.connect(lambda: self.run.emit("search"))
        self._cancel.clicked.connect(self.cancel)
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
        buttons.addWidget(self.search_button, 3)
        buttons.addWidget(self._more)
        buttons.addWidget(self._cancel, 2)
        for small in self.undoing.buttons:
            buttons.addWidget(small)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._message)

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
        self.search_button.setText("Search again" if searched else "Search")
        self._actions["register"].setEnabled(searched)

    def show_progress(self, progress: Progress) -> None:
        """Show how far a stage is; what comes too soon after the last is left out."""
        now = time.monotonic()
        self._pace.saw(progress, now)
        if progress.stage == self._stage and now - self._shown < INTERVAL:
            return
        self._stage, self._shown = progress.stage, now
        show_share(self._progress, progress.done, progress.total)
        left = self._pace.text()
        self.tell(f"{sentence(progress.stage)} …" + (f" {left}" if left else ""))

    def tell(self, text: str) -> None:
        """Show one line of text."""
        show_text(self._message, text)
