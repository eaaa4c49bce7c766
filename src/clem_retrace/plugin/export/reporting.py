"""The report: of which runs, writing it, and opening it in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QHBoxLayout, QWidget

from clem_retrace.events import Steps
from clem_retrace.plugin.dialogs import FileDialogs, stem
from clem_retrace.plugin.docks import retrace_dock
from clem_retrace.plugin.export.choice import Choice
from clem_retrace.plugin.export.runs import ToReport, all_runs, one_run
from clem_retrace.plugin.looks import button, form_layout, hint_label
from clem_retrace.plugin.scene import Scene

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.export.held import Held
    from clem_retrace.plugin.export.work import Work
    from clem_retrace.plugin.results import Results

__all__ = ["ReportBox", "Reporting"]


class ReportBox(QWidget):
    """Asks what is to be in a report.

    Signals
    -------
    write, open
        The button was pressed.
    """

    write = Signal()
    open = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scope = Choice(
            "report_scope",
            "What is reported",
            "The chosen transform with its run, or all runs of the session",
            {False: "the chosen transform", True: "all runs of the session"},
        )
        self._scope.currentIndexChanged.connect(lambda _: self._show())
        self._hint = hint_label("report_hint", "What is in the report")
        self._write = button(
            "write_report",
            "Save report …",
            "One HTML file with pictures, numbers, options, versions and file hashes; it prints "
            "well, also as PDF",
        )
        self._open = button("open_report", "Open in browser", "Open the report that was saved")
        self._open.setEnabled(False)
        self._write.clicked.connect(self.write)
        self._open.clicked.connect(self.open)
        row = QHBoxLayout()
        row.addWidget(self._write)
        row.addWidget(self._open)
        layout = form_layout(self)
        layout.addRow("Report of", self._scope)
        layout.addRow(self._hint)
        layout.addRow(row)
        self._count: int | None = None
        self._held = False
        self._show()

    @property
    def wants_all(self) -> bool:
        """Whether all runs of the session are to be reported."""
        return self._scope.value

    def show_offers(self, *, held: bool, runs: int | None) -> None:
        """Show what can be reported: a transform, and so many runs; None without their dock."""
        self._held, self._count = held, runs
        self._show()

    def show_written(self) -> None:
        """Show that there is a report to be opened."""
        self._open.setEnabled(True)

    def _show(self) -> None:
        if not self.wants_all:
            hint = "With its run, its landmarks and the map of the expected error, if it has any."
            possible = self._held
        elif self._count is None:
            hint, possible = "The runs are kept by the dock 'Retrace and register': open it.", False
        else:
            hint = f"{self._count} run{'s' * (self._count != 1)}."
            possible = self._count > 0
        self._hint.setText(hint)
        self._write.setEnabled(possible)


class Reporting(QObject):
    """Does what the buttons of a `ReportBox` say."""

    def __init__(
        self, box: ReportBox, held: Callable[[], Held | None], viewer: Viewer, work: Work,
        dialogs: FileDialogs, dock: QWidget,
    ) -> None:  # fmt: skip
        """Make it.

        Parameters
        ----------
        box : ReportBox
        held : callable
            Returns the transform that is chosen.
        viewer : napari.Viewer
        work : Work
        dialogs : FileDialogs
        dock : QWidget
            In whose window the dock with the runs is looked for.
        """
        super().__init__(dock)
        self._box, self._held, self._work, self._dialogs = box, held, work, dialogs
        self._dock, self._scene = dock, Scene(viewer)
        self._written: Path | None = None
        box.write.connect(lambda: work.attempt(self._write))
        box.open.connect(lambda: work.attempt(self._open))

    @property
    def results(self) -> Results | None:
        """The runs of the session, if their dock is open."""
        found = retrace_dock(self._dock)
        return None if found is None else found.results

    def show_offers(self) -> None:
        """Show what can be reported now."""
        results = self.results
        runs = None if results is None else len(results.runs)
        self._box.show_offers(held=self._held() is not None, runs=runs)

    def _write(self) -> str:
        held, results = self._held(), self.results
        if self._box.wants_all and results is not None:
            runs, name = all_runs(results, held, self._scene), "session"
        elif held is not None:
            runs = [one_run(held, results, self._scene)]
            name = f"{stem(held.transform.em.name)}-{stem(held.transform.lm.name)}"
        else:
            return ""
        path = self._dialogs.save("Save the report", f"{name}-report", {"HTML": (".html", ".htm")})
        if path is not None:
            self._work.start("Writing the report", lambda: _steps(path, runs), self._on_written)
        return ""

    def _on_written(self, path: Path) -> str:
        self._written = path
        self._box.show_written()
        return f"✔ Saved {path}"

    def _open(self) -> str:
        if self._written is None:
            return ""
        opened = QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))
        return "" if opened else f"⚠ No browser was found: open {self._written} by hand"


def _steps(path: Path, runs: list[ToReport]) -> Steps[Path]:
    """Yield progress; return the path after writing a report."""
    # Imported when needed, in the worker: the pictures bring scipy, and the dock opens without.
    from clem_retrace.report.writing import report_steps

    reported = []
    for run in runs:
        reported.append((yield from run.steps()))
    return (yield from report_steps(path, reported, name=path.stem))
