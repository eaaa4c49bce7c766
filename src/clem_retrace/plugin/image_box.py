"""Which layers are the LM and the EM image, and how large their pixels are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from clem_retrace.errors import BadImage, ClemRetraceError, MissingPixelSize
from clem_retrace.plugin.frames import finest
from clem_retrace.plugin.guesses import guess_pair
from clem_retrace.plugin.image_choice import ImageChoice
from clem_retrace.plugin.layers import ImageSource, image_source
from clem_retrace.plugin.looks import button, form_layout, hint_label
from clem_retrace.plugin.positive_field import PositiveField
from clem_retrace.plugin.samples import SAMPLES
from clem_retrace.plugin.stack_box import StackBox

if TYPE_CHECKING:
    from napari.layers import Image, Layer

__all__ = ["ImageBox"]


class ImageBox(QWidget):
    """Chooses the two images, and holds their pixel sizes and the ratio of these.

    Attributes
    ----------
    lm_choice, em_choice : ImageChoice
    stack : StackBox
        Which image of an LM stack is meant.

    Signals
    -------
    pair_changed
        Another layer is the LM or the EM image.
    changed
        Anything was: a layer, a pixel size, the ratio, the image of a stack.
    side_by_side, calibrate, open_files
        The button was pressed.
    open_sample : str
        A sample was chosen, by its key.
    view : "lm" or "em"
        The user wants to see an image.
    """

    pair_changed = Signal()
    changed = Signal()
    side_by_side = Signal()
    calibrate = Signal()
    open_files = Signal()
    open_sample = Signal(str)
    view = Signal(str)

    def __init__(
        self, current_step: Callable[[], Sequence[int]], parent: QWidget | None = None
    ) -> None:
        """Make the box.

        Parameters
        ----------
        current_step : callable
            Returns where the viewer's sliders stand.
        """
        super().__init__(parent)
        self._current_step = current_step
        self._chosen_by_user = False
        self._typed_ratio: float | None = None
        self.lm_choice, self.em_choice = ImageChoice("LM", self), ImageChoice("EM", self)
        self.stack = StackBox()
        self._ratio = PositiveField("ratio", "Ratio of the pixel sizes", "", "")
        self._ratio_origin = hint_label("ratio_origin", "Ratio: origin")
        self._opening = self._make_opening()
        self._lay_out()
        self._connect()
        self.refresh()

    def _make_opening(self) -> QWidget:
        """Return the two buttons that are of use while there are no images."""
        self.open_button = button(
            "open_images", "Open images …", "Open the LM and the EM image from files"
        )
        self.open_button.clicked.connect(self.open_files)
        sample = button("open_sample", "Open a sample", "Open a pair of images to try this with")
        menu = QMenu(sample)
        for key, title in SAMPLES.items():
            menu.addAction(title, partial(self.open_sample.emit, key))
        sample.setMenu(menu)
        opening = QWidget()
        layout = QVBoxLayout(opening)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.open_button)
        layout.addWidget(sample)
        return opening

    def _lay_out(self) -> None:
        layout = form_layout(self)
        layout.addRow(self._opening)
        self.lm_choice.add_rows_to(layout)
        layout.addRow(self.stack)
        self.em_choice.add_rows_to(layout)
        layout.addRow("Ratio", self._ratio)
        layout.addRow("", self._ratio_origin)
        self._swap = button("swap", "Swap", "The LM image is the EM image, and the other way")
        self._beside = button(
            "side_by_side", "Side by side", "Move the EM layer to the right of the LM, show both"
        )
        self._calibrate = button(
            "calibrate",
            "Set on layers",
            "Write these pixel sizes to the layers as their scale, with the unit nm",
        )
        buttons = QHBoxLayout()
        for one in (self._swap, self._beside, self._calibrate):
            buttons.addWidget(one)
        layout.addRow(buttons)

    def _connect(self) -> None:
        for key, choice in (("lm", self.lm_choice), ("em", self.em_choice)):
            choice.layer_changed.connect(partial(self._on_layer, key))
            choice.size_changed.connect(self._on_size)
            choice.choice.activated.connect(self.keep)
            choice.view.connect(partial(self.view.emit, key))
        self.stack.changed.connect(self.changed)
        self._ratio.valueChanged.connect(self._on_ratio)
        self._swap.clicked.connect(self._on_swap)
        self._beside.clicked.connect(self.side_by_side)
        self._calibrate.clicked.connect(self.calibrate)

    @property
    def lm(self) -> Image | None:
        """The LM layer."""
        return self.lm_choice.layer

    @property
    def em(self) -> Image | None:
        """The EM layer."""
        return self.em_choice.layer

    @property
    def offered(self) -> list[Image]:
        """The layers that could be one of the images."""
        return self.lm_choice.choice.offered

    @property
    def lm_pixel_size(self) -> float | None:
        """The LM pixel size as shown, in nm."""
        return self.lm_choice.nm

    @property
    def em_pixel_size(self) -> float | None:
        """The EM pixel size as shown, in nm."""
        return self.em_choice.nm

    @property
    def ratio(self) -> float | None:
        """EM pixels per LM pixel, as shown."""
        return self._ratio.number

    @property
    def typed_ratio(self) -> float | None:
        """The ratio if it was typed in, None if it follows from the pixel sizes."""
        return self._typed_ratio

    @property
    def size_missing(self) -> str:
        """Of which image, "lm" or "em", the pixel size is missing; empty when a ratio is known."""
        if self.lm is None or self.em is None or self.lm is self.em or self.ratio is not None:
            return ""
        return "lm" if self.lm_pixel_size is None else "em"

    @property
    def fault(self) -> str:
        """What keeps the images from being used, and what to do; empty when nothing does."""
        try:
            self.sources()
        except ClemRetraceError as error:
            return str(error)
        return ""

    @property
    def summary(self) -> str:
        """The images in a few words."""
        sizes = [
            f"{key} {nm:.4g} nm/px" if nm is not None else f"{key} of unknown pixel size"
            for key, nm in (("LM", self.lm_pixel_size), ("EM", self.em_pixel_size))
        ]
        return f"{', '.join(sizes)}; ratio {self.ratio:.4g}" if self.ratio else ", ".join(sizes)

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the layers of the viewer; guess the pair until the user has chosen."""
        offered = list(layers)
        self.lm_choice.offer(offered)
        self.em_choice.offer(offered)
        self._opening.setVisible(len(self.offered) < 2)
        if self.lm is None and self.em is None:
            self._chosen_by_user = False
        if not self._chosen_by_user:
            self.choose(*guess_pair(self.offered))

    def choose(self, lm: Image | None, em: Image | None) -> None:
        """Choose both layers."""
        self.lm_choice.choice.choose(lm)
        self.em_choice.choice.choose(em)

    def put_sizes(self, lm: float | None, em: float | None, ratio: float | None) -> None:
        """Show pixel sizes, and a ratio, as if they had been typed."""
        self.lm_choice.put_size(lm)
        self.em_choice.put_size(em)
        if ratio != self._typed_ratio:
            self._ratio.setValue(ratio or 0)

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

    def sources(self, *, by_hand: bool = False) -> tuple[ImageSource, ImageSource]:
        """Return the two images as a run reads them.

        Parameters
        ----------
        by_hand : bool
            A place given by hand tells the ratio too.

        Raises
        ------
        BadImage
            A layer is not chosen, or cannot be used.
        MissingPixelSize
            The ratio is unknown, or cannot be right.
        """
        lm, em = self.pair()
        sources = (
            image_source(lm, self.lm_pixel_size, self.stack.choice),
            image_source(em, self.em_pixel_size),
        )
        if self.ratio is None and by_hand:
            return sources
        if self.ratio is None:
            unknown = " and ".join(
                key
                for key, nm in (("LM", self.lm_pixel_size), ("EM", self.em_pixel_size))
                if nm is None
            )
            raise MissingPixelSize(
                f"the pixel size of the {unknown} image is missing: type it in nm (or as 0.11 "
                "um), or type the ratio"
            )
        if self.ratio < 1:
            raise MissingPixelSize(
                f"the EM's pixels ({self.em_pixel_size:g} nm) are larger than the LM's "
                f"({self.lm_pixel_size:g} nm): have the images or the pixel sizes been swapped?"
            )
        return sources

    def refresh(self) -> None:
        """Show how the form and the layers compare."""
        lm, em = self.lm_pixel_size, self.em_pixel_size
        if self._typed_ratio is not None:
            origin = "typed in; set it to 0 to take it from the pixel sizes"
        elif lm is not None and em is not None:
            origin = "EM px per LM px, from the pixel sizes"
            self._ratio.show_number(lm / em)
        else:
            origin = "EM px per LM px; it can be typed instead of the pixel sizes"
            self._ratio.show_number(None)
        self._ratio_origin.setText(origin)
        self._ratio.setToolTip(f"How many EM pixels fit on one LM pixel: {origin}")
        chosen = self.lm is not None and self.em is not None
        self._beside.setEnabled(chosen)
        self._swap.setEnabled(chosen)
        self._calibrate.setEnabled(
            self.lm_choice.differs_from_layer or self.em_choice.differs_from_layer
        )
        self.changed.emit()

    def keep(self) -> None:
        """Stop guessing: the user has chosen, or works with the pair that was guessed."""
        self._chosen_by_user = True

    def release(self) -> None:
        """Let go of the layers."""
        self.lm_choice.release()
        self.em_choice.release()

    def _on_layer(self, key: str) -> None:
        if key == "lm":
            self._show_stack(self.lm)
        self._typed_ratio = None
        self.refresh()
        self.pair_changed.emit()

    def _show_stack(self, layer: Image | None) -> None:
        lengths = () if layer is None or layer.rgb else finest(layer).shape[:-2]
        labels = () if layer is None else layer.axis_labels[: len(lengths)]
        steps = (*([0] * (len(lengths) + 2)), *self._current_step())
        self.stack.set_stack(lengths, labels, steps[-len(lengths) - 2 : -2])

    def _on_swap(self) -> None:
        self.keep()
        self.choose(self.em, self.lm)

    def _on_size(self) -> None:
        self._typed_ratio = None
        self.refresh()

    def _on_ratio(self) -> None:
        self._typed_ratio = self._ratio.number
        self.refresh()
