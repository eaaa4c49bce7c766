"""Other layers laid over the other image: which, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from napari.layers import Layer, Points, Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from clem_retrace.errors import BadImage, ClemRetraceError
from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.export.carrying import (
    CARRIED,
    Bending,
    carried,
    carried_by_points,
    lies_on,
    others,
)
from clem_retrace.plugin.export.choice import IMAGES, Choice
from clem_retrace.plugin.layers import image_source
from clem_retrace.plugin.looks import button, form_layout, hint_label, named
from clem_retrace.plugin.scene import Scene
from clem_retrace.registration.landmarks import Which, partner

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.export.held import Held
    from clem_retrace.plugin.export.work import Work

__all__ = ["LayBox", "Laying"]

#: Rows of the list that are seen at once, at most.
ROWS = 6


class LayBox(QWidget):
    """Asks which layers are to be laid over the other image.

    Signals
    -------
    lay
        The button was pressed.
    """

    lay = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Layer] = []
        self._list = named(
            QListWidget(),
            "other_layers",
            "Other layers",
            "Other channels, labels, points and shapes: tick what is to be laid",
        )
        self._source = Choice(
            "belongs_to",
            "They belong to",
            "The image with which they share the pixels, or lie on",
            IMAGES,
        )
        self._hint = hint_label("lay_hint", "What is done")
        self._button = button("lay", "Lay them over the LM", "As new layers; the old ones stay")
        self._button.clicked.connect(self.lay)
        layout = form_layout(self)
        layout.addRow(self._list)
        layout.addRow("They belong to", self._source)
        layout.addRow(self._hint)
        layout.addRow(self._button)
        self._list.itemChanged.connect(lambda _: self._show())
        self._source.currentIndexChanged.connect(lambda _: self._show())
        self._held: Held | None = None
        self._show()

    @property
    def source(self) -> Which:
        """The image that they belong to."""
        return self._source.value

    @property
    def ticked(self) -> list[Layer]:
        """The layers that are ticked."""
        return [layer for row, layer in enumerate(self._layers) if self._is_ticked(row)]

    def offer(self, layers: Iterable[Layer], held: Held | None) -> None:
        """Offer the layers that may be meant; what is ticked stays so."""
        self._held, ticked = held, {layer.unique_id for layer in self.ticked}
        self._layers = others(layers, held)
        with QSignalBlocker(self._list):
            self._list.clear()
            for layer in self._layers:
                item = QListWidgetItem(f"{layer.name} ({type(layer).__name__.lower()})")
                item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
                on = layer.unique_id in ticked
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
                self._list.addItem(item)
        height = self._list.sizeHintForRow(0) if self._layers else 0
        self._list.setFixedHeight(min(max(len(self._layers), 1), ROWS) * max(height, 12) + 6)
        self._show()

    def _is_ticked(self, row: int) -> bool:
        item = self._list.item(row)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _show(self) -> None:
        self._list.setVisible(bool(self._layers))
        self._button.setText(f"Lay them over the {partner(self.source).upper()}")
        self._button.setEnabled(self._held is not None and bool(self.ticked))
        if not self._layers:
            hint = "There are no other layers: open other channels, labels or points."
        elif self._held is not None and self._held.transform.spline is not None:
            hint = "By a spline: points and shapes are moved, images and labels drawn anew."
        else:
            hint = "Nothing is resampled: the new layers share their data with the old ones."
        self._hint.setText(hint)


class Laying(QObject):
    """Lays layers over the other image when the button of a `LayBox` is pressed."""

    def __init__(
        self, box: LayBox, held: Callable[[], Held | None], viewer: Viewer, work: Work,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._box, self._held, self._viewer, self._work = box, held, viewer, work
        self._scene = Scene(viewer)
        box.lay.connect(lambda: work.attempt(self._lay))

    def _lay(self) -> str:
        held, source = self._held(), self._box.source
        if held is None:
            return ""
        bendings: list[Bending] = []
        ready: list[outputs.LayerData] = []
        told: list[str] = []
        for layer in self._box.ticked:
            try:
                to_source, notes = lies_on(layer, held, source)
                told += notes
                if held.transform.spline is None:
                    ready.append(carried(layer, to_source, held, source))
                elif isinstance(layer, (Points, Shapes)):
                    ready.append(carried_by_points(layer, to_source, held, source))
                else:
                    image = image_source(layer, None)
                    bendings.append(Bending(layer, image, to_source, held, source))
            except ClemRetraceError as error:
                told.append(f"⚠ {error}")

        def show(drawn: list[tuple[NDArray[Any], Matrix]]) -> str:
            target = held.layer(partner(source))
            if not self._scene.has(target):
                raise BadImage(f"'{target.name}' was removed: nothing is laid over it")
            for bending, (pixels, to_target) in zip(bendings, drawn, strict=True):
                ready.append(bending.layer_data(pixels, to_target))
            for layer_data in ready:
                self._put(layer_data)
            return _said(len(ready), source, told)

        if not bendings:
            return show([])
        # The others with them, in the end: Cancel leaves none of them.
        self._work.start("Bending", lambda: _bend_steps(bendings), show)
        return ""

    def _put(self, layer_data: outputs.LayerData) -> None:
        """Add a layer, in the place of an earlier one of the same layer."""
        entry = layer_data[1]["metadata"][roles.KEY]
        for old in self._scene.ours(CARRIED):
            if old.metadata[roles.KEY] == entry:
                self._viewer.layers.remove(old)
        self._scene.add(Layer.create(*layer_data))


def _bend_steps(bendings: list[Bending]) -> Steps[list[tuple[NDArray[Any], Matrix]]]:
    """Yield progress; return what was drawn anew."""
    drawn = []
    for bending in bendings:
        drawn.append((yield from bending.steps()))
    return drawn


def _said(done: int, source: Which, told: list[str]) -> str:
    onto = partner(source).upper()
    count = f"✔ {done} layer{'s' * (done != 1)} laid over the {onto}" if done else ""
    return ". ".join(filter(None, [count, *told]))
