"""Where results go, how a batch is run, and what can be opened of it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QWidget

from clem_retrace.options import RegistrationOptions
from clem_retrace.parallel import cores
from clem_retrace.plugin.looks import button, check_box, form_layout, hint_label, named

__all__ = ["RunBox"]

#: How many changed options are told one by one.
MOST_TOLD = 3


class RunBox(QWidget):
    """Asks for the folder of the results and for how pairs are run.

    Signals
    -------
    choose_folder, take_options, open_gallery, open_folder
        The button was pressed.
    """

    choose_folder = Signal()
    take_options = Signal()
    open_gallery = Signal()
    open_folder = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._others_docked = False
        self.folder_button = button(
            "batch_folder", "Choose a folder …", "Where the results go: a table, a page with "
            "pictures, and a folder for each pair",
        )  # fmt: skip
        self._folder = hint_label("batch_folder_name", "Folder of the results")
        self._options = hint_label("batch_options", "Options of all pairs")
        self._take = button(
            "take_options", "Take those of Retrace and register",
            "Let the options that are set in the dock 'Retrace and register' hold for all pairs; "
            "what is set for a pair alone stays. Pairs that were done with others are done anew",
        )  # fmt: skip
        self._workers = named(
            QSpinBox(),
            "batch_workers",
            "Pairs side by side",
            "How many pairs are run at the same time; each needs the memory of one run. With one "
            "for each core the computer has little left for anything else",
        )
        self._workers.setRange(1, cores())
        self._workers.setValue(max(1, cores() - 1))
        self._again = check_box(
            "batch_again",
            "do all again",
            "Run pairs that are done, too; otherwise they are passed by",
        )
        self._gallery = button(
            "open_gallery", "Open the gallery", "The page with all pictures, in the browser"
        )
        self._open_folder = button("open_folder", "Open the folder", "With the file manager")
        self._lay_out()
        self.folder_button.clicked.connect(self.choose_folder)
        self._take.clicked.connect(self.take_options)
        self._gallery.clicked.connect(self.open_gallery)
        self._open_folder.clicked.connect(self.open_folder)

    def _lay_out(self) -> None:
        how, results = QHBoxLayout(), QHBoxLayout()
        how.addWidget(self._workers)
        how.addWidget(QLabel("at a time"))
        how.addStretch(1)
        how.addWidget(self._again)
        results.addWidget(self._gallery)
        results.addWidget(self._open_folder)
        layout = form_layout(self)
        layout.addRow("Results", self.folder_button)
        layout.addRow(self._folder)
        layout.addRow("Pairs", how)
        layout.addRow("Options", self._take)
        layout.addRow(self._options)
        layout.addRow(results)

    @property
    def workers(self) -> int:
        """How many pairs are run side by side."""
        return int(self._workers.value())

    @property
    def again(self) -> bool:
        """Whether pairs that are done are run, too."""
        return bool(self._again.isChecked())

    def show_folder(self, folder: Path | None, *, has_gallery: bool) -> None:
        """Show where results go, and whether there are any."""
        text = "No folder is chosen yet" if folder is None else _breakable(str(folder))
        self._folder.setText(text)
        self.folder_button.setText("Choose a folder …" if folder is None else "Another folder …")
        self._open_folder.setEnabled(folder is not None and folder.is_dir())
        self._gallery.setEnabled(has_gallery)

    def show_options(
        self, options: RegistrationOptions, docked: RegistrationOptions | None
    ) -> None:
        """Show the options that hold, and whether others are set in the dock.

        Parameters
        ----------
        options : RegistrationOptions
        docked : RegistrationOptions or None
            Those of the dock `Retrace and register`; None when it is not open.
        """
        changed = [f"{path} {_said(value)}" for path, value in options.changed().items()]
        told = ", ".join(changed[:MOST_TOLD])
        more = f" and {len(changed) - MOST_TOLD} more" if len(changed) > MOST_TOLD else ""
        whose = "the same as in the dock 'Retrace and register'" if options == docked else ""
        text = f"Changed: {told}{more}" if changed else "The defaults"
        self._options.setText(f"{text}{whose and f' ({whose})'}; a pair may have its own")
        self._options.setToolTip("\n".join(changed) or "No option differs from its default")
        self._others_docked = docked is not None and docked != options
        self._take.setEnabled(self._others_docked and self._again.isEnabled())

    def show_running(self, running: bool) -> None:
        """Show whether a batch is under way: then nothing is to be set."""
        for control in (self.folder_button, self._workers, self._again):
            control.setEnabled(not running)
        self._take.setEnabled(self._others_docked and not running)

    def forget_again(self) -> None:
        """Do all again but once."""
        self._again.setChecked(False)


def _said(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _breakable(path: str) -> str:
    """Return a path that may be broken after each folder: it must not widen the dock."""
    return path.replace("/", "/\u200b").replace("\\", "\\\u200b")
