"""The region that is searched for, and the ground truth it is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Shapes
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QGroupBox, QHBoxLayout, QLabel, QPushButton, QWidget

from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.outputs import role

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["RegionBox"]

#: Roles of the layers that are drawn in, in the order of the form.
KINDS = ("roi", "ground truth")


class RegionBox(QGroupBox):
    """Chooses the layers in which the region and the ground truth are drawn.

    It does not know the images: what is drawn is read by whoever owns it, when `drawn` is
    emitted or a run starts.

    Signals
    -------
    draw : str
        The button of a kind, "roi" or "ground truth", was pressed.
    drawn : str
        What is drawn in the layer of a kind has changed, or another layer is chosen.
    """

    draw = Signal(str)
    drawn = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Region", parent)
        self._choices = {
            "roi": self._choice("roi_layer", "Region", _may_hold_roi, "not drawn yet"),
            "ground truth": self._choice("truth_layer", "Ground truth", _may_hold_truth, "none"),
        }
        self._watched: dict[str, Layer | None] = dict.fromkeys(KINDS)
        layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        tips = {
            "roi": "Make a layer on the LM image and draw the region in it, by dragging",
            "ground truth": "Draw where the region really lies on the EM image, to see how far "
            "off the result is",
        }
        for kind in KINDS:
            row = QHBoxLayout()
            row.addWidget(self._choices[kind], 1)
            row.addWidget(self._button(kind, tips[kind]))
            layout.addRow(self._choices[kind].accessibleName(), row)
            if kind == "roi":
                self._size = QLabel()
                self._size.setObjectName("roi_size")
                self._size.setWordWrap(True)
                layout.addRow(self._size)
        for kind, choice in self._choices.items():
            choice.layer_changed.connect(partial(self._on_layer, kind))

    @staticmethod
    def _choice(name: str, title: str, accepts: Any, nothing: str) -> LayerChoice:
        choice = LayerChoice(accepts, nothing=nothing)
        choice.setObjectName(name)
        choice.setAccessibleName(title)
        choice.setToolTip(f"The shapes layer that holds the {title.lower()}")
        return choice

    def _button(self, kind: str, tip: str) -> QPushButton:
        button = QPushButton("Draw")
        button.setObjectName(f"draw_{kind.replace(' ', '_')}")
        button.setAccessibleName(f"Draw the {'region' if kind == 'roi' else kind}")
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.draw.emit(kind))
        return button

    def layer(self, kind: str) -> Shapes | None:
        """Return the layer in which a kind is drawn."""
        return self._choices[kind].layer

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the shapes layers of the viewer.

        A layer made for a kind is taken for it; so is, for the region, the only one there is.
        """
        offered = list(layers)
        for kind, choice in self._choices.items():
            choice.offer(offered)
            likely = [layer for layer in choice.offered if _fits(layer, kind)]
            if kind == "roi" and len(choice.offered) == 1:
                likely = choice.offered
            if choice.layer is None and likely:
                choice.choose(likely[-1])

    def choose(self, kind: str, layer: Shapes) -> None:
        """Choose the layer of a kind."""
        self._choices[kind].choose(layer)

    def show_size(self, text: str) -> None:
        """Show the size of the region, or why it cannot be used."""
        self._size.setText(text)
        self._size.setVisible(bool(text))

    def _on_layer(self, kind: str) -> None:
        before, now = self._watched[kind], self._choices[kind].layer
        # `data` tells the end of a change, `set_data` every step of a drag.
        for layer, action in ((before, "disconnect"), (now, "connect")):
            if layer is not None:
                getattr(layer.events.data, action)(self._on_data)
                getattr(layer.events.set_data, action)(self._on_step)
        self._watched[kind] = now
        self.drawn.emit(kind)

    def _on_step(self, event: Any) -> None:
        for kind, layer in self._watched.items():
            if layer is event.source:
                self.drawn.emit(kind)

    def _on_data(self, event: Any) -> None:
        self._on_step(event)
        layer = event.source
        if str(event.action) == "added" and role(layer) in KINDS:
            # napari is still finishing the drag: tidy up after it.
            QTimer.singleShot(0, partial(_keep_last, layer))


def _keep_last(layer: Shapes) -> None:
    """Leave only the shape drawn last, selected, so that the next drag moves it."""
    if len(layer.data) > 1:
        layer.selected_data = set(range(len(layer.data) - 1))
        layer.remove_selected()
    if layer.mode.startswith("add"):
        layer.mode = "select"
    layer.selected_data = {len(layer.data) - 1} if len(layer.data) else set()


def _fits(layer: Layer, kind: str) -> bool:
    """Whether a layer was made for a kind, or bears its name."""
    if kind == "ground truth":
        return role(layer) == kind or layer.name.lower().startswith(kind)
    return role(layer) == kind


def _may_hold_roi(layer: Layer) -> bool:
    return (
        isinstance(layer, Shapes)
        and role(layer) in (None, "roi")
        and not _fits(layer, "ground truth")
    )


def _may_hold_truth(layer: Layer) -> bool:
    return isinstance(layer, Shapes) and role(layer) in (None, "ground truth")
