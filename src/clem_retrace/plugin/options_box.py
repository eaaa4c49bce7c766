"""Presets, the option form, and which further layers are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from clem_retrace.errors import InvalidOption
from clem_retrace.options import PRESETS, RegistrationOptions
from clem_retrace.plugin.looks import check_box, form_layout, named
from clem_retrace.plugin.option_form import OptionForm

__all__ = ["OptionsBox"]

#: What the preset box shows when the options are those of no preset.
OWN = "own settings"


class OptionsBox(QWidget):
    """Chooses the options of a run.

    Signals
    -------
    changed
        An option of the run was changed.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: RegistrationOptions | None = None
        self._preset = named(
            QComboBox(),
            "preset",
            "Preset",
            "Named settings: the default, or the paper's own searches of its two experiments",
        )
        self._preset.addItems([*PRESETS, OWN])
        self._form = OptionForm(without=("pixel_size_ratio",))
        self._log_images = check_box(
            "add_log_images",
            "Add the LoG images",
            "Also add, as layers, the Laplacians of Gaussian that the histogram search compares",
        )
        self._warped = check_box(
            "add_warped",
            "Add the EM resampled on the LM",
            "Also add the EM, decimated and warped to the LM's own pixels",
        )
        layout = QVBoxLayout(self)
        top = form_layout()
        top.addRow("Preset", self._preset)
        layout.addLayout(top)
        layout.addWidget(self._form)
        layout.addWidget(self._log_images)
        layout.addWidget(self._warped)
        self._preset.currentTextChanged.connect(self._on_preset)
        self._form.changed.connect(self._forget)
        self._form.changed.connect(self._show_preset)
        self._form.changed.connect(self.changed)

    @property
    def log_images(self) -> bool:
        """Whether the LoG images are wanted as layers."""
        return bool(self._log_images.isChecked())

    @property
    def warped(self) -> bool:
        """Whether the EM is wanted on the LM's pixels."""
        return bool(self._warped.isChecked())

    def options(self, others: Mapping[str, Any] = MappingProxyType({})) -> RegistrationOptions:
        """Return the options as they stand, with those that other controls set.

        Raises
        ------
        InvalidOption
            Two values contradict each other.
        """
        if others:
            return self._form.options(others)
        # Asked for whenever anything changes, at each step of a drag too.
        if self._known is None:
            self._known = self._form.options()
        return self._known

    @property
    def summary(self) -> str:
        """How many options are not at their defaults; empty when all are, or contradict."""
        with suppress(InvalidOption):
            changed = self.options().changed()
            if changed:
                return f"{len(changed)} option{'s' * (len(changed) > 1)} not at the default."
        return ""

    def add_patch_row(self, row: QWidget, choice: QWidget) -> None:
        """Show, below the typed size of the patch, how else it is given.

        Parameters
        ----------
        row, choice : QWidget
            The controls, and the one among them that the row is for.
        """
        self._form.add_row_after("histogram.patch_width", "EM patch", row, choice)

    def set_options(self, options: RegistrationOptions) -> None:
        """Show other options."""
        self._form.set_options(options)

    def _forget(self) -> None:
        self._known = None

    def _on_preset(self, name: str) -> None:
        if name != OWN:
            self._form.set_options(PRESETS[name])

    def _show_preset(self) -> None:
        """Name the preset that the form now stands for."""
        matching = (name for name, preset in PRESETS.items() if self._form.shows(preset))
        with QSignalBlocker(self._preset):
            self._preset.setCurrentText(next(matching, OWN))
