"""Which image of an LM stack is meant: channel, and projection of the planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from clem_retrace.plugin.guesses import guess_channel_axis
from clem_retrace.plugin.layers import StackChoice
from clem_retrace.plugin.looks import form_layout, named
from clem_retrace.projections import Projection

__all__ = ["StackBox"]

PROJECTIONS: dict[Projection, str] = {
    "max": "maximum",
    "mean": "mean",
    "min": "minimum",
    "std": "standard deviation",
    "plane": "one plane",
}
assert set(PROJECTIONS) == set(get_args(Projection))


class StackBox(QWidget):
    """Channel and projection of a stack; hidden for an image of two dimensions.

    Signals
    -------
    changed
        Another image of the stack is meant.
    preview_changed
        It is to be shown on the canvas, or no longer.
    """

    changed = Signal()
    preview_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lengths: tuple[int, ...] = ()
        self._current: tuple[int, ...] = ()
        self._axis = named(
            QComboBox(), "lm_channel_axis", "Channel axis", "The axis that holds channels"
        )
        self._channel = named(QSpinBox(), "lm_channel", "Channel", "Which channel is searched for")
        self._projection = named(
            QComboBox(),
            "lm_projection",
            "Projection",
            "How the planes of the stack become one image",
        )
        for value, text in PROJECTIONS.items():
            self._projection.addItem(text, value)
        self._plane = named(QSpinBox(), "lm_plane", "Plane", "Which plane, when one plane is taken")
        layout = form_layout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for control in (self._axis, self._channel, self._projection, self._plane):
            layout.addRow(control.accessibleName(), control)
        self._preview = named(
            QCheckBox("Show it on the canvas"),
            "lm_preview",
            "Show the LM image that is searched for",
            "Lay over the stack the one image of it that is searched for",
        )
        self._preview.setChecked(True)
        layout.addRow(self._preview)
        self._layout = layout
        for combo in (self._axis, self._projection):
            combo.currentIndexChanged.connect(self._show_ranges)
            combo.currentIndexChanged.connect(self.changed)
        for spin in (self._channel, self._plane):
            spin.valueChanged.connect(self.changed)
        self._preview.toggled.connect(self.preview_changed)
        self.setVisible(False)

    def set_stack(
        self, lengths: Sequence[int], labels: Sequence[str], current: Sequence[int]
    ) -> None:
        """Show the axes of another image.

        Parameters
        ----------
        lengths : sequence of int
            Of the axes before rows and columns; empty for a plain image.
        labels : sequence of str
            Names of these axes.
        current : sequence of int
            Where the viewer's sliders stand along them: the channel and plane to start with.
        """
        self._lengths = tuple(lengths)
        self._current = tuple(current)
        with QSignalBlocker(self):
            self._axis.clear()
            self._axis.addItem("none", None)
            for axis, (length, label) in enumerate(zip(lengths, labels, strict=True)):
                named = f"axis {axis}" if label.lstrip("-").isdigit() else label
                self._axis.addItem(f"{named} ({length})", axis)
            guess = guess_channel_axis(lengths, labels)
            self._axis.setCurrentIndex(0 if guess is None else guess + 1)
            self.setVisible(bool(self._lengths))
            self._show_ranges()

    @property
    def preview(self) -> bool:
        """Whether the image that is meant is to be shown."""
        return bool(self._lengths) and bool(self._preview.isChecked())

    def put(self, choice: StackChoice | None) -> None:
        """Mean another image of the stack, as if it had been chosen by hand."""
        if choice is None or not self._lengths or choice == self.choice:
            return
        with QSignalBlocker(self):
            self._axis.setCurrentIndex(self._axis.findData(choice.channel_axis))
            self._projection.setCurrentIndex(self._projection.findData(choice.projection))
            self._channel.setValue(choice.channel)
            self._plane.setValue(choice.plane)
        self.changed.emit()

    def _planes_axis(self) -> int | None:
        """Return the axis that is projected: the longest that is not the channels'."""
        axes = [axis for axis in range(len(self._lengths)) if axis != self._axis.currentData()]
        return max(axes, key=lambda axis: self._lengths[axis], default=None)

    def _show_ranges(self) -> None:
        for spin, axis in (
            (self._channel, self._axis.currentData()),
            (self._plane, self._planes_axis()),
        ):
            length = 1 if axis is None else self._lengths[axis]
            if spin.maximum() != length - 1:
                spin.setMaximum(length - 1)
                spin.setValue(0 if axis is None else self._current[axis])
        layout = self._layout
        layout.setRowVisible(self._channel, self._axis.currentData() is not None)
        planes = self._planes_axis()
        deep = planes is not None and self._lengths[planes] > 1
        layout.setRowVisible(self._projection, deep)
        layout.setRowVisible(self._plane, deep and self._projection.currentData() == "plane")

    @property
    def choice(self) -> StackChoice | None:
        """What is chosen; None for a plain image."""
        if not self._lengths:
            return None
        return StackChoice(
            channel_axis=self._axis.currentData(),
            channel=self._channel.value(),
            projection=self._projection.currentData(),
            plane=self._plane.value(),
        )
