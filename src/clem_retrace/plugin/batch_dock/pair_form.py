"""The pair that is chosen, as a form: its name, region and pixel sizes, and how it stands."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from clem_retrace.batch.columns import RECTANGLE
from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.batch_dock.states import State
from clem_retrace.plugin.looks import button, form_layout, named, show_text, text_label
from clem_retrace.plugin.notices import sentence

__all__ = ["PairForm"]

#: What is typed: the cell, what its field says when it is empty, and what it is for.
FIELDS = {
    "name": ("", "What the pair is called; its results are in a folder of that name"),
    RECTANGLE[0]: ("row", "First row of the region, LM pixels from 0"),
    RECTANGLE[1]: ("col", "First column of the region, LM pixels from 0"),
    RECTANGLE[2]: ("height", "Height of the region in LM pixels"),
    RECTANGLE[3]: ("width", "Width of the region in LM pixels"),
    "lm_pixel_size": ("from the file", "Size of an LM pixel in nm, if not as in the file"),
    "em_pixel_size": ("from the file", "Size of an EM pixel in nm, if not as in the file"),
}


class PairForm(QWidget):
    """Shows a pair, and lets the user change it.

    Signals
    -------
    changed : dict
        Cells have been given other texts.
    take_region
        The region that is drawn in the viewer is to be that of the pair.
    choose_file : str
        Another "lm" or "em" file is wanted.
    """

    changed = Signal(dict)
    take_region = Signal()
    choose_file = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {cell: self._field(cell) for cell in FIELDS}
        self._files = {role: QLabel() for role in ("lm", "em")}
        self._others: list[QWidget] = []
        self._message = text_label("pair_message", "How the pair stands")
        self._take = button(
            "take_region",
            "Take the drawn region",
            "The region that is drawn on the pair's LM image becomes its region; open the pair, "
            "and draw, or move what is drawn",
        )
        self._take.clicked.connect(self.take_region)
        self._outline = QLabel()
        self._lay_out()
        self.show_pair(None, None)

    def _field(self, cell: str) -> QLineEdit:
        empty, tip = FIELDS[cell]
        field = named(QLineEdit(), f"pair_{cell}", tip, tip)
        field.setPlaceholderText(empty)
        # Fields that stand in a row share the width of the dock.
        field.setMinimumWidth(40)
        field.textEdited.connect(lambda _: field.setModified(True))
        field.editingFinished.connect(partial(self._on_edited, cell))
        return field

    def _lay_out(self) -> None:
        # Not a row of the form, which would not give it the height that its lines need.
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._message)
        layout = form_layout()
        column.addLayout(layout)
        layout.addRow("Name", self._fields["name"])
        for role, label in self._files.items():
            label.setObjectName(f"pair_{role}_file")
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            other = button(f"other_{role}", "…", f"Choose another {role.upper()} file")
            other.setAccessibleName(other.toolTip())
            other.setFixedWidth(28)
            self._others.append(other)
            other.clicked.connect(partial(self.choose_file.emit, role))
            layout.addRow(f"{role.upper()} file", _row(label, other))
        row, col, height, width = (self._fields[cell] for cell in RECTANGLE)
        layout.addRow("Region: row, column", _row(row, col))
        layout.addRow("height, width", _row(height, width))
        layout.addRow("", self._outline)
        layout.addRow("", self._take)
        sizes = _row(
            QLabel("LM"), self._fields["lm_pixel_size"], QLabel("EM"), self._fields["em_pixel_size"]
        )
        layout.addRow("nm per pixel", sizes)

    def show_pair(self, pair: Pair | None, state: State | None) -> None:
        """Show a pair with its state; none, when none or several are chosen."""
        cells = {} if pair is None else pair.cells
        for cell, field in self._fields.items():
            # What is being typed is not taken away by a state that changes.
            if not field.isModified() or not field.hasFocus():
                field.setText(cells.get(cell, ""))
                field.setModified(False)
        for role, label in self._files.items():
            label.setText(_short(Path(cells.get(role, "")).name))
            label.setToolTip(cells.get(role, ""))
        corners = len(cells.get("outline", "").split()) // 2
        self._outline.setText(f"with {corners} corners, as drawn")
        self._outline.setVisible(bool(corners))
        for cell in RECTANGLE:
            self._fields[cell].setEnabled(not corners)
        show_text(self._message, _said(state) if state is not None and state.message else "")

    def show_running(self, running: bool) -> None:
        """Show whether a batch is under way: then the pair is to be looked at only."""
        for field in self._fields.values():
            field.setReadOnly(running)
        for control in (self._take, *self._others):
            control.setEnabled(not running)

    def _on_edited(self, cell: str) -> None:
        field = self._fields[cell]
        if not field.isModified():
            return
        field.setModified(False)
        self.changed.emit({cell: field.text().strip()})


def _said(state: State) -> str:
    """Return the message of a state, with what it is about."""
    text = sentence(state.message)
    return f"⚠ {text}" if state.kind == "to mend" else f"{state.text}: {text}"


def _short(name: str, longest: int = 34) -> str:
    """Return a file's name, cut in the middle: long ones must not widen the dock."""
    half = longest // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def _row(*controls: QWidget) -> QWidget:
    """Return controls side by side."""
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(3)
    for control in controls:
        narrow = isinstance(control, QLabel) and not control.objectName()
        row.addWidget(control, 0 if narrow else 1)
    return whole
