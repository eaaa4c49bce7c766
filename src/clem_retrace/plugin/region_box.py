"""What the user draws: the region that is searched for, its true place, its patch's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari.layers import Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.looks import button, form_layout
from clem_retrace.plugin.outputs import DRAWINGS
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.timers import soon

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["RegionBox"]


@dataclass(frozen=True, slots=True)
class _Controls:
    """What stands in the row of a kind.

    Attributes
    ----------
    name : str
        Of the combo box, as an object.
    title, noun : str
        Of the row; and the same within a sentence.
    nothing : str
        The entry that stands for no layer.
    tip : str
        Of the button.
    """

    name: str
    title: str
    noun: str
    nothing: str
    tip: str


#: The controls of what is drawn, by the role of its layer.
CONTROLS: Mapping[str, _Controls] = MappingProxyType(
    {
        "roi": _Controls(
            "roi_layer",
            "Region",
            "region",
            "not drawn yet",
            "Make a layer on the LM image and draw the region in it, by dragging",
        ),
        "ground truth": _Controls(
            "truth_layer",
            "Ground truth",
            "ground truth",
            "none",
            "Draw where the region really lies on the EM image, to see how far off the result is",
        ),
        "patch": _Controls(
            "patch_layer",
            "EM patch",
            "EM patch",
            "not drawn",
            "Draw, anywhere on the EM image, a rectangle of the size that the histogram search "
            "looks for; it takes the place of the typed height and width",
        ),
    }
)


#: The actions with which napari ends a change of shapes.
ENDS = ("added", "changed", "removed")


class RegionBox(QWidget):
    """Chooses the layers in which the region, the ground truth and the patch are drawn.

    It does not know the images: what is drawn is read by whoever owns it, when `drawn` is
    emitted or a run starts.

    Attributes
    ----------
    patch_row, patch_choice : QWidget
        The controls of the patch, and its combo box. Few need them: they are not in the box,
        but for its owner to put where they are not in the way. The size of a patch that is
        drawn does stand in the box, for a run to use none unseen.

    Signals
    -------
    draw : str
        The button of a kind, "roi", "ground truth" or "patch", was pressed.
    drawn : str
        What is drawn in the layer of a kind has changed, or another layer is chosen.
    settled
        A change has come to its end: a drag is over.
    layer_changed
        Another layer is chosen, after `drawn`.
    """

    draw = Signal(str)
    drawn = Signal(str)
    settled = Signal()
    layer_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = {kind: _choice(kind) for kind in CONTROLS}
        self._sizes = {kind: _size_label(f"{kind}_size") for kind in ("roi", "patch")}
        self._watched: dict[str, Layer | None] = dict.fromkeys(CONTROLS)
        self.draw_button = self._draw_button("roi", "Draw the region")
        layout = form_layout(self)
        layout.addRow(self.draw_button)
        layout.addRow(CONTROLS["roi"].title, self._choices["roi"])
        for label in self._sizes.values():
            layout.addRow(label)
        layout.addRow(CONTROLS["ground truth"].title, self._row("ground truth"))
        self.patch_choice: QWidget = self._choices["patch"]
        self.patch_row = QWidget()
        row = self._row("patch")
        row.setContentsMargins(0, 0, 0, 0)
        self.patch_row.setLayout(row)
        for kind, choice in self._choices.items():
            choice.layer_changed.connect(partial(self._on_layer, kind))

    def _row(self, kind: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self._choices[kind], 1)
        row.addWidget(self._draw_button(kind, "Draw"))
        return row

    def _draw_button(self, kind: str, text: str) -> QPushButton:
        made = button(f"draw_{kind.replace(' ', '_')}", text, CONTROLS[kind].tip)
        made.setAccessibleName(f"Draw the {CONTROLS[kind].noun}")
        made.clicked.connect(lambda: self.draw.emit(kind))
        return made

    def release(self) -> None:
        """Let go of the layers, without telling: nothing is to change any more."""
        self.blockSignals(True)
        for choice in self._choices.values():
            choice.offer(())

    def layer(self, kind: str) -> Shapes | None:
        """Return the layer in which a kind is drawn."""
        return self._choices[kind].layer

    def layers_on(self, modality: str) -> list[Shapes]:
        """Return the layers, each once, that are drawn on the "LM" or the "EM" image."""
        layers = (self.layer(kind) for kind in CONTROLS if DRAWINGS[kind].on == modality)
        return list(dict.fromkeys(layer for layer in layers if layer is not None))

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the shapes layers of the viewer.

        A layer made for a kind is taken for it; so is, for the region, the only one there is.
        The patch must be chosen: a run is not to use one that the user has given up.
        """
        offered = list(layers)
        for kind, choice in self._choices.items():
            choice.offer(offered)
            if kind == "patch":
                continue
            likely = [layer for layer in choice.offered if _fits(layer, kind)]
            if kind == "roi" and len(choice.offered) == 1:
                likely = choice.offered
            if choice.layer is None and likely:
                choice.choose(likely[-1])

    def choose(self, kind: str, layer: Shapes) -> None:
        """Choose the layer of a kind."""
        self._choices[kind].choose(layer)

    def show_size(self, kind: str, text: str) -> None:
        """Show the size of the "roi" or the "patch", or why it cannot be used."""
        self._sizes[kind].setText(text)
        self._sizes[kind].setVisible(bool(text))

    def _on_layer(self, kind: str) -> None:
        before, now = self._watched[kind], self._choices[kind].layer
        # One layer may serve two kinds; it is listened to once.
        elsewhere = [layer for other, layer in self._watched.items() if other != kind]
        # `data` tells the end of a change, `set_data` every step of a drag.
        for layer, action in ((before, "disconnect"), (now, "connect")):
            if layer is not None and layer not in elsewhere:
                getattr(layer.events.data, action)(self._on_data)
                getattr(layer.events.set_data, action)(self._on_step)
        self._watched[kind] = now
        self.drawn.emit(kind)
        self.layer_changed.emit()

    def _on_step(self, event: Any) -> None:
        for kind, layer in self._watched.items():
            if layer is event.source:
                self.drawn.emit(kind)

    def _on_data(self, event: Any) -> None:
        self._on_step(event)
        layer = event.source
        if str(event.action) in ENDS:
            self.settled.emit()
        if str(event.action) == "added" and role(layer) in DRAWINGS:
            # napari is still finishing the drag: tidy up after it.
            soon(self, partial(_keep_last, layer))


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


def _may_hold(kind: str, layer: Layer) -> bool:
    if kind == "roi" and _fits(layer, "ground truth"):
        return False
    return isinstance(layer, Shapes) and role(layer) in (None, kind)


def _choice(kind: str) -> LayerChoice:
    controls = CONTROLS[kind]
    return LayerChoice(
        partial(_may_hold, kind),
        controls.name,
        controls.title,
        f"The shapes layer that holds the {controls.noun}",
        nothing=controls.nothing,
    )


def _size_label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.hide()
    return label
