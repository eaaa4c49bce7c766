"""The transform to a file of another program, and its matrix to the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

from clem_retrace.io.transforms import KINDS, write_transform
from clem_retrace.plugin.dialogs import FileDialogs, stem
from clem_retrace.plugin.export.choice import IMAGES, UNIT_NAMES, Choice
from clem_retrace.plugin.export.telling import KIND_NOTES, matrix_text
from clem_retrace.plugin.looks import button, form_layout, hint_label

if TYPE_CHECKING:
    from clem_retrace.plugin.export.held import Held
    from clem_retrace.plugin.export.work import Work

__all__ = ["SaveBox", "Saving"]


class SaveBox(QWidget):
    """Asks which kind of file a transform is to be written to.

    Signals
    -------
    save, copy
        The button was pressed.
    """

    save = Signal()
    copy = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        kinds = {name: KINDS[name] for name in KIND_NOTES}
        titles = {kind: kind.title for kind in kinds.values()}
        self._held: Held | None = None
        self._kind = Choice(
            "kind",
            "Kind of file",
            "What each program means by its numbers is in the documentation, 'Exchange'",
            titles,
        )
        self._note = hint_label("kind_note", "What the kind of file is for")
        self._moving = Choice(
            "moving", "Image that is moved", "Which image the other program is to move", IMAGES
        )
        self._unit = Choice(
            "unit", "Unit", "Of the numbers in the file; the first is the usual one", UNIT_NAMES
        )
        self._save = button("save_transform", "Save as …", "Write the transform to a file")
        self._copy = button(
            "copy_matrix",
            "Copy matrix",
            "Copy the 3 x 3 matrix to the clipboard: EM pixels (row, col, 1) to LM pixels",
        )
        self._lay_out()
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._save.clicked.connect(self.save)
        self._copy.clicked.connect(self.copy)
        self._on_kind()

    def _lay_out(self) -> None:
        layout = form_layout(self)
        layout.addRow("Kind", self._kind)
        layout.addRow(self._note)
        layout.addRow("It moves", self._moving)
        layout.addRow("Unit", self._unit)
        row = QHBoxLayout()
        row.addWidget(self._save)
        row.addWidget(self._copy)
        layout.addRow(row)

    def show_held(self, held: Held | None) -> None:
        """Show what can be done with a transform."""
        self._held = held
        self._copy.setEnabled(held is not None)
        self._show()

    def write(self, held: Held, dialogs: FileDialogs) -> str:
        """Write a transform where the user says; return what was done.

        Raises
        ------
        ClemRetraceError
            It cannot be written.
        """
        kind, transform = self._kind.value, held.transform
        name = f"{stem(transform.em.name)}_on_{stem(transform.lm.name)}"
        path = dialogs.save("Save the transform", name, {kind.title: kind.suffixes})
        if path is None:
            return ""
        moving, unit = self._moving.value, self._unit.value
        write_transform(path, transform, kind.name, moving=moving, unit=unit)
        return f"✔ Saved {path}"

    def _on_kind(self) -> None:
        self._unit.offer({unit: UNIT_NAMES[unit] for unit in self._kind.value.units})
        self._show()

    def _show(self) -> None:
        bent = self._held is not None and self._held.transform.spline is not None
        refused = bent and not self._kind.value.keeps_spline
        note = KIND_NOTES[self._kind.value.name]
        if refused:
            note = "⚠ This kind of file cannot hold a thin-plate spline: JSON, BigWarp or eC-CLEM "
            note += "points can."
        self._note.setText(note)
        self._save.setEnabled(self._held is not None and not refused)


class Saving(QObject):
    """Does what the buttons of a `SaveBox` say."""

    def __init__(
        self, box: SaveBox, held: Callable[[], Held | None], work: Work, dialogs: FileDialogs,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._box, self._held, self._dialogs = box, held, dialogs
        box.save.connect(lambda: work.attempt(self._save))
        box.copy.connect(lambda: work.attempt(self._copy))

    def _save(self) -> str:
        held = self._held()
        return "" if held is None else self._box.write(held, self._dialogs)

    def _copy(self) -> str:
        held = self._held()
        if held is None:
            return ""
        QApplication.clipboard().setText(matrix_text(held.transform))
        about = "" if held.transform.spline is None else ", the affine part of the spline,"
        return f"✔ Copied the matrix{about} from EM pixels (row, col, 1) to LM pixels"
