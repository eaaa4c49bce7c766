"""Which layers are the LM and the EM image, and how large their pixels are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QWidget,
)

from clem_retrace.errors import BadImage, MissingPixelSize
from clem_retrace.plugin.frames import PixelSize, pixel_size
from clem_retrace.plugin.guesses import guess_pair
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.layers import ImageSource, image_source
from clem_retrace.plugin.outputs import role
from clem_retrace.plugin.positive_field import PositiveField
from clem_retrace.plugin.stack_box import StackBox

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["ImageBox"]


class ImageBox(QGroupBox):
    """Chooses the two images, and holds their pixel sizes and the ratio of these.

    Signals
    -------
    pair_changed
        Another layer is the LM or the EM image.
    sizes_changed
        A pixel size or the ratio has changed.
    side_by_side, calibrate
        The button was pressed.
    """

    pair_changed = Signal()
    sizes_changed = Signal()
    side_by_side = Signal()
    calibrate = Signal()

    def __init__(
        self, current_step: Callable[[], Sequence[int]], parent: QWidget | None = None
    ) -> None:
        """Make the box.

        Parameters
        ----------
        current_step : callable
            Returns where the viewer's sliders stand.
        """
        super().__init__("Images", parent)
        self._current_step = current_step
        self._chosen_by_user = False
        self._typed_ratio: float | None = None
        self._watched: dict[str, Layer | None] = {"lm": None, "em": None}
        self._make_controls()
        self._lay_out()
        self._connect()

    def _make_controls(self) -> None:
        self._choices = {}
        self._sizes = {}
        for key, title in (("lm", "LM image"), ("em", "EM image")):
            choice = LayerChoice(_is_input, nothing="choose a layer")
            choice.setObjectName(f"{key}_layer")
            choice.setAccessibleName(title)
            choice.setToolTip(f"The layer that holds the {title}")
            self._choices[key] = choice
            self._sizes[key] = PositiveField(
                f"{key}_pixel_size", f"Pixel size of the {title}", " nm", ""
            )
        self.stack = StackBox()
        self._ratio = PositiveField("ratio", "Ratio of the pixel sizes", "", "")
        self._beside = QPushButton("Side by side")
        self._beside.setObjectName("side_by_side")
        self._beside.setToolTip("Move the EM layer to the right of the LM layer, and show both")
        self._calibrate = QPushButton("Set on layers")
        self._calibrate.setObjectName("calibrate")
        self._calibrate.setToolTip(
            "Write these pixel sizes to the layers as their scale, with the unit nm"
        )

    def _lay_out(self) -> None:
        layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.addRow("LM image", self._choices["lm"])
        layout.addRow(self.stack)
        layout.addRow("LM pixel size", self._sizes["lm"])
        layout.addRow("EM image", self._choices["em"])
        layout.addRow("EM pixel size", self._sizes["em"])
        layout.addRow("Ratio", self._ratio)
        buttons = QHBoxLayout()
        buttons.addWidget(self._beside)
        buttons.addWidget(self._calibrate)
        layout.addRow(buttons)

    def _connect(self) -> None:
        for key, choice in self._choices.items():
            choice.layer_changed.connect(self._on_layers)
            choice.activated.connect(self.keep)
            self._sizes[key].valueChanged.connect(self._on_size)
        self._ratio.valueChanged.connect(self._on_ratio)
        self._beside.clicked.connect(self.side_by_side)
        self._calibrate.clicked.connect(self.calibrate)
        self._fill_size("lm")
        self._fill_size("em")

    @property
    def lm(self) -> Image | None:
        """The LM layer."""
        return self._choices["lm"].layer

    @property
    def em(self) -> Image | None:
        """The EM layer."""
        return self._choices["em"].layer

    @property
    def lm_pixel_size(self) -> float | None:
        """The LM pixel size as shown, in nm."""
        return self._sizes["lm"].number

    @property
    def em_pixel_size(self) -> float | None:
        """The EM pixel size as shown, in nm."""
        return self._sizes["em"].number

    @property
    def ratio(self) -> float | None:
        """EM pixels per LM pixel, as shown."""
        return self._ratio.number

    @property
    def typed_ratio(self) -> float | None:
        """The ratio if it was typed in, None if it follows from the pixel sizes."""
        return self._typed_ratio

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the layers of the viewer; guess the pair until the user has chosen."""
        offered = list(layers)
        for choice in self._choices.values():
            choice.offer(offered)
        if self.lm is None and self.em is None:
            self._chosen_by_user = False
        if not self._chosen_by_user:
            lm, em = guess_pair(self._choices["lm"].offered)
            self.choose(lm, em)

    def choose(self, lm: Image | None, em: Image | None) -> None:
        """Choose both layers."""
        self._choices["lm"].choose(lm)
        self._choices["em"].choose(em)

    def pair(self) -> tuple[Image, Image]:
        """Return the LM and the EM layer.

        Raises
        ------
        BadImage
            One is not chosen, or both are the same.
        """
        lm, em = self.lm, self.em
        if lm is None or em is None:
            missing = "LM" if lm is None else "EM"
            raise BadImage(f"no {missing} image is chosen: open one and choose its layer")
        if lm is em:
            raise BadImage(f"'{lm.name}' is chosen as both images: choose two layers")
        return lm, em

    def sources(self) -> tuple[ImageSource, ImageSource]:
        """Return the two images as a run reads them.

        Raises
        ------
        BadImage
            A layer is not chosen, or cannot be used.
        MissingPixelSize
            The ratio is unknown.
        """
        lm, em = self.pair()
        sources = (
            image_source(lm, self.lm_pixel_size, self.stack.choice),
            image_source(em, self.em_pixel_size),
        )
        if self.ratio is None:
            unknown = " and ".join(
                key.upper() for key in ("lm", "em") if self._sizes[key].number is None
            )
            raise MissingPixelSize(
                f"the pixel size of the {unknown} image is missing: type it, or type the ratio"
            )
        return sources

    def keep(self) -> None:
        """Stop guessing: the user has chosen, or works with the pair that was guessed."""
        self._chosen_by_user = True

    def _on_layers(self) -> None:
        for key, choice in self._choices.items():
            before, now = self._watched[key], choice.layer
            if now is before:
                continue
            self._watch(before, now)
            self._watched[key] = now
            self._fill_size(key)
            if key == "lm":
                self._show_stack(now)
        self.pair_changed.emit()

    def _watch(self, before: Layer | None, now: Layer | None) -> None:
        """Follow the scale and units of the chosen layers."""
        for layer, action in ((before, "disconnect"), (now, "connect")):
            if layer is not None:
                for event in (layer.events.scale, layer.events.units, layer.events.affine):
                    getattr(event, action)(self._on_layer_scale)

    def _on_layer_scale(self, event: Any) -> None:
        for key, choice in self._choices.items():
            if choice.layer is event.source:
                self._fill_size(key)

    def _show_stack(self, layer: Image | None) -> None:
        if layer is None or layer.rgb:
            self.stack.set_stack((), (), ())
            return
        shape = (layer.data[0] if layer.multiscale else layer.data).shape
        depth = len(shape) - 2
        current = (*([0] * len(shape)), *self._current_step())[-len(shape) :][:depth]
        self.stack.set_stack(shape[:depth], layer.axis_labels[:depth], current)

    def _fill_size(self, key: str) -> None:
        """Show the pixel size that a chosen layer tells."""
        layer = self._choices[key].layer
        known = PixelSize(None, "choose a layer") if layer is None else pixel_size(layer)
        self._sizes[key].show_number(known.nm)
        self._sizes[key].setToolTip(f"nm per pixel; {known.origin}")
        self._typed_ratio = None
        self._show_ratio()

    def _on_size(self) -> None:
        self.sender().setToolTip("nm per pixel; typed in")
        self._typed_ratio = None
        self._show_ratio()

    def _on_ratio(self) -> None:
        self._typed_ratio = self._ratio.number
        self._show_ratio()

    def _show_ratio(self) -> None:
        lm, em = self.lm_pixel_size, self.em_pixel_size
        if self._typed_ratio is not None:
            origin = "typed in; set it to 0 to take it from the pixel sizes"
        elif lm is not None and em is not None:
            origin = "from the two pixel sizes; it can be typed in"
            self._ratio.show_number(lm / em)
        else:
            origin = "a pixel size is missing: type it, or type the ratio"
            self._ratio.show_number(None)
        self._ratio.setToolTip(f"EM pixels per LM pixel: {origin}")
        self._beside.setEnabled(self.lm is not None and self.em is not None)
        self._calibrate.setEnabled(self._differs())
        self.sizes_changed.emit()

    def _differs(self) -> bool:
        """Whether a pixel size was typed that its layer does not have."""
        for key, choice in self._choices.items():
            typed = self._sizes[key].number
            if choice.layer is not None and typed is not None:
                known = pixel_size(choice.layer).nm
                if known is None or abs(known - typed) > 1e-3 * typed:
                    return True
        return False


def _is_input(layer: Layer) -> bool:
    """Whether a layer can be the LM or the EM image: an image, and no result of ours."""
    return isinstance(layer, Image) and role(layer) is None
