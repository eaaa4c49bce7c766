"""A combo box of layers that keeps its choice while layers come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox

from clem_retrace.plugin.looks import keep_choice_narrow, named

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["LayerChoice"]


class LayerChoice(QComboBox):
    """Lets the user choose one layer of those that are accepted, or none.

    It is not connected to a viewer: whoever owns it calls `offer` when the layers change.

    Signals
    -------
    layer_changed
        Another layer is chosen, by the user or because the former one has gone.
    """

    layer_changed = Signal()

    def __init__(
        self,
        accepts: Callable[[Layer], bool],
        name: str,
        title: str,
        tip: str,
        *,
        nothing: str = "choose a layer",
    ) -> None:
        """Make an empty box.

        Parameters
        ----------
        accepts : callable
            Whether a layer is offered.
        name, title, tip : str
            As an object, for screen readers, and for people.
        nothing : str
            The entry that stands for no layer.
        """
        super().__init__()
        named(self, name, title, tip)
        self._accepts = accepts
        self._nothing = nothing
        self._layers: list[Layer | None] = [None]
        self._chosen: Layer | None = None
        self.addItem(nothing)
        # Long layer names must not widen the dock.
        keep_choice_narrow(self, 6)
        self.currentIndexChanged.connect(self._on_index)

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self._chosen

    @property
    def offered(self) -> list[Layer]:
        """The layers that can be chosen."""
        return [layer for layer in self._layers if layer is not None]

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the accepted ones of some layers; the choice stays if it is among them."""
        with QSignalBlocker(self):
            self._layers = [None, *(layer for layer in layers if self._accepts(layer))]
            self.clear()
            self.addItem(self._nothing)
            self.addItems([layer.name for layer in self.offered])
            kept = any(layer is self._chosen for layer in self.offered)
            self.setCurrentIndex(self._position(self._chosen) if kept else 0)
        self._on_index(self.currentIndex())

    def choose(self, layer: Layer | None) -> None:
        """Choose one of the offered layers, or none."""
        self.setCurrentIndex(self._position(layer))

    def _position(self, layer: Layer | None) -> int:
        return next(i for i, offered in enumerate(self._layers) if offered is layer)

    def _on_index(self, index: int) -> None:
        layer = self._layers[index] if index >= 0 else None
        if layer is not self._chosen:
            self._chosen = layer
            self.layer_changed.emit()
