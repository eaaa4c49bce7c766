"""The run that is shown as a command line, or as a Python script, on the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication

from clem_retrace.errors import ClemRetraceError
from clem_retrace.plugin.notices import warn
from clem_retrace.plugin.results import Results
from clem_retrace.plugin.run_list import RunList
from clem_retrace.snippets import command_line, python_snippet, way_taken

__all__ = ["Copying"]


class Copying(QObject):
    """Copies what does the run that is shown again, the candidate shown taken.

    Signals
    -------
    copied : str
        What is on the clipboard now, for people.
    """

    copied = Signal(str)

    def __init__(self, results: Results, run_list: RunList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._results = results
        run_list.copy_command.connect(partial(self._copy, command_line, "the command line"))
        run_list.copy_python.connect(partial(self._copy, python_snippet, "the Python script"))

    def _copy(self, write: Callable[..., str], what: str) -> None:
        run = self._results.shown
        if run is None:
            return
        if run.described is None:
            warn("this result was not searched for here: search again, then it can be copied")
            return
        registration = run.shown
        try:
            text = write(
                *run.described, registration.roi, registration.options, **way_taken(registration)
            )
        except ClemRetraceError as error:
            warn(str(error))
            return
        QApplication.clipboard().setText(text)
        self.copied.emit(f"copied {what} of run {run.number}")
