"""The choice of one image: its layer, its pixel size, and where that was taken from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel

from clem_retrace.plugin.frames import PixelSize, pixel_size
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.looks import button, hint_label, show_text
from clem_retrace.plugin.notices import sentence
from clem_retrace.plugin.positive_field import LengthField
from clem_retrace.plugin.roles import is_input
from clem_retrace.plugin.size_finder import SizeFinder, file_of

if TYPE_CHECKING:
    from napari.layers import Image, Layer

__all__ = ["ImageChoice"]

#: Two pixel sizes that differ by less, as a fraction, are one.
SAME_SIZE = 1e-6


class ImageChoice(QObject):
    """Chooses the "LM" or the "EM" image; its pixel size comes from the layer, or its file.

    Attributes
    ----------
    choice : LayerChoice
    size : LengthField
    origin : QLabel
        Where the pixel size was taken from, or why there is none.

    Signals
    -------
    layer_changed
        Another layer is chosen.
    size_changed
        Its pixel size is another, or has become known.
    view
        The user wants to see the image.
    """

    layer_changed = Signal()
    size_changed = Signal()
    view = Signal()

    def __init__(self, modality: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        key = modality.lower()
        self._modality = modality
        self._watched: Layer | None = None
        self._from_layer = False
        self._finder = SizeFinder(self)
        tip = f"The layer that holds the {modality} image"
        self.choice = LayerChoice(is_input, f"{key}_layer", f"{modality} image", tip)
        self.size = LengthField(f"{key}_pixel_size", f"Pixel size of the {modality} image", "")
        self.origin: QLabel = hint_label(f"{key}_size_origin", f"{modality} pixel size: origin")
        self._view = button(f"view_{key}", "View", f"Bring the {modality} image into view")
        self._view.setAccessibleName(f"View the {modality} image")
        self.choice.layer_changed.connect(self._on_layer)
        self.size.valueChanged.connect(self._on_typed)
        self._view.clicked.connect(self.view)
        self._finder.found.connect(self._on_found)
        self._fill()

    def add_rows_to(self, form: QFormLayout) -> None:
        """Lay out the controls as rows of a form."""
        chooser = QHBoxLayout()
        chooser.addWidget(self.choice, 1)
        chooser.addWidget(self._view)
        form.addRow(f"{self._modality} image", chooser)
        form.addRow(f"{self._modality} pixel", self.size)
        form.addRow("", self.origin)

    @property
    def layer(self) -> Image | None:
        """The chosen layer."""
        return self.choice.layer

    @property
    def nm(self) -> float | None:
        """The pixel size as shown, nm."""
        return self.size.number

    @property
    def differs_from_layer(self) -> bool:
        """Whether a pixel size is shown that the layer does not have."""
        if self.layer is None or self.nm is None:
            return False
        known = pixel_size(self.layer).nm
        return known is None or abs(known / self.nm - 1) > 1e-3

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the layers of the viewer."""
        self.choice.offer(layers)

    def put_size(self, nm: float | None) -> None:
        """Show a pixel size as if it had been typed; None for the one that is known."""
        told = None if self.layer is None else pixel_size(self.layer).nm
        if nm == self.nm:
            return
        if nm is None or nm == told:
            self._fill()
            self.size_changed.emit()
        else:
            self.size.setValue(nm)

    def release(self) -> None:
        """Let go of the layer, and look up nothing more."""
        self._finder.stop()
        self._watch(None)

    def _on_layer(self) -> None:
        self._watch(self.layer)
        self._fill()
        self.layer_changed.emit()

    def _watch(self, layer: Layer | None) -> None:
        """Follow the scale and units of a layer, and of no other."""
        for watched, action in ((self._watched, "disconnect"), (layer, "connect")):
            if watched is not None:
                events = watched.events
                for event in (events.scale, events.units, events.affine):
                    getattr(event, action)(self._on_layer_scale)
        self._watched = layer

    def _fill(self) -> None:
        """Show the pixel size that the layer tells; ask its file if it tells none."""
        self._finder.stop()
        layer = self.layer
        known = PixelSize(None, "") if layer is None else pixel_size(layer)
        self._from_layer = known.nm is not None
        path = None if layer is None else file_of(layer)
        if known.nm is None and path is not None:
            known = PixelSize(None, f"looking for it in {path.name} …")
            self._finder.look(path)
        self._show(known)

    def _show(self, known: PixelSize) -> None:
        self.size.show_number(known.nm)
        self._tell(known.origin)

    def _tell(self, origin: str) -> None:
        show_text(self.origin, origin)
        self.size.setToolTip(
            f"Side of a pixel of the {self._modality} image, in nm; other units may be typed, "
            f"as in 0.11 um. {sentence(origin)}".rstrip()
        )
        self.size.setAccessibleDescription(origin)

    def _on_found(self, known: PixelSize) -> None:
        if self.nm is None:
            self._show(known)
            self.size_changed.emit()

    def _on_layer_scale(self, _event: Any) -> None:
        known = pixel_size(self.layer)
        if known.nm is None and self.nm is not None and not self._from_layer:
            # Typed in, or from the file: a layer that tells nothing does not gainsay it.
            return
        if known.nm is not None and self.nm and abs(known.nm / self.nm - 1) < SAME_SIZE:
            # The layer was given the size that is shown, whose origin stays as it was.
            return
        self._fill()
        self.size_changed.emit()

    def _on_typed(self) -> None:
        self._finder.stop()
        if self.nm is None:
            # Emptied: what is known counts again.
            self._fill()
        else:
            self._from_layer = False
            self._tell("typed in")
        self.size_changed.emit()
