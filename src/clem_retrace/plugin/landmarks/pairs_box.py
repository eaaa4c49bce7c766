"""The pairs in the dock: how they are added, the table of them, and what is fitted."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QVBoxLayout, QWidget

from clem_retrace.plugin.landmarks.pair_table import PairTable
from clem_retrace.plugin.landmarks.telling import CALLED
from clem_retrace.plugin.looks import button, form_layout, named, set_primary
from clem_retrace.registration.landmarks import Model

__all__ = ["PairsBox"]


class PairsBox(QWidget):
    """Adds, confirms and deletes pairs, and shows them.

    Attributes
    ----------
    table : PairTable

    Signals
    -------
    adding : bool
        A click on an image is to place a point, or no longer.
    propose, confirm, delete, next_pair, hop
        The button was pressed.
    model_chosen : str
    """

    adding = Signal(bool)
    propose = Signal()
    confirm = Signal()
    delete = Signal()
    next_pair = Signal()
    hop = Signal()
    model_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = PairTable()
        self._add = button(
            "add_pairs",
            "Add pairs",
            "Click something on the LM, or on the EM: its partner is predicted on the other "
            "image. Click or drag it to its spot. Points can always be dragged (Shift-H)",
        )
        self._add.setCheckable(True)
        self._add.toggled.connect(self.adding)
        self._propose = button(
            "propose",
            "Propose pairs",
            "Place pairs near the corners and the centre of the region, on something that stands "
            "out, to be checked and dragged",
        )
        self._confirm = button(
            "confirm",
            "Confirm",
            "The predicted point is right where it is (G). Only then is the pair used: "
            "unchecked, a prediction would only confirm itself",
        )
        self._delete = button("delete", "Delete", "Delete the pair (Delete); undo brings it back")
        self._next = button("next_pair", "Next", "Look at the next pair (J)")
        self._hop = button("hop", "Other image", "Look at its partner on the other image (H)")
        self._model = named(QComboBox(), "model", "What is fitted to the pairs")
        for model, (title, tip) in CALLED.items():
            self._model.addItem(title, model)
            self._model.setItemData(self._model.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._lay_out()
        for one, signal in (
            (self._propose, self.propose),
            (self._confirm, self.confirm),
            (self._delete, self.delete),
            (self._next, self.next_pair),
            (self._hop, self.hop),
        ):
            one.clicked.connect(signal)
        self._model.activated.connect(
            lambda index: self.model_chosen.emit(self._model.itemData(index))
        )

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        buttons = QGridLayout()
        buttons.addWidget(self._add, 0, 0, 1, 2)
        buttons.addWidget(self._propose, 0, 2, 1, 2)
        for column, one in enumerate((self._next, self._hop, self._confirm, self._delete)):
            buttons.addWidget(one, 1, column)
        layout.addLayout(buttons)
        layout.addWidget(self.table)
        form = form_layout()
        form.addRow("Fit", self._model)
        layout.addLayout(form)

    @property
    def is_adding(self) -> bool:
        """Whether a click on an image is to place a point."""
        return bool(self._add.isChecked())

    def toggle(self) -> None:
        """Begin to add pairs, or stop."""
        self._add.toggle()

    def show_model(self, model: Model) -> None:
        """Show which model is fitted."""
        self._model.setCurrentIndex(self._model.findData(model))
        self._model.setToolTip(CALLED[model][1])

    def show_offers(
        self, *, images: bool, predicting: bool, chosen: bool, unconfirmed: bool
    ) -> None:
        """Show what can be done.

        Parameters
        ----------
        images : bool
            Whether two images are chosen.
        predicting : bool
            Whether partners can be predicted.
        chosen, unconfirmed : bool
            Whether a pair is worked on, and whether its partner is only predicted.
        """
        self._add.setEnabled(images)
        self._propose.setEnabled(images and predicting)
        self._confirm.setEnabled(unconfirmed)
        self._delete.setEnabled(chosen)
        self._hop.setEnabled(chosen)
        self._next.setEnabled(self.table.rowCount() > 0)
        set_primary(self._confirm, unconfirmed)
        begins = images and not self.is_adding and not self.table.rowCount()
        set_primary(self._propose, begins and predicting)
        set_primary(self._add, begins and not predicting)
