"""The boxes of the dock round the pairs: images, start, and what is done with the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from clem_retrace.plugin.guesses import guess_pair
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.looks import button, form_layout, hint_label, show_text
from clem_retrace.plugin.roles import is_single_input

if TYPE_CHECKING:
    from napari.layers import Image, Layer

__all__ = ["ImagesBox", "StartBox", "TakeBox"]


class ImagesBox(QWidget):
    """Chooses the LM and the EM image.

    Signals
    -------
    changed
        Another image is chosen, or none.
    side_by_side
        The button was pressed.
    """

    changed = Signal()
    side_by_side = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen_by_user = False
        layout = form_layout(self)
        self._choices: dict[str, LayerChoice] = {}
        for which in ("LM", "EM"):
            name, tip = f"{which.lower()}_layer", f"The layer that holds the {which} image"
            choice = LayerChoice(is_single_input, name, f"{which} image", tip)
            choice.layer_changed.connect(self.changed)
            choice.activated.connect(self._on_activated)
            layout.addRow(f"{which} image", choice)
            self._choices[which] = choice
        row = QHBoxLayout()
        swap = button("swap", "Swap", "The LM image is the EM image, and the other way")
        swap.clicked.connect(lambda: self.choose(self.em, self.lm))
        beside = button(
            "side_by_side", "Side by side", "Move the EM to the right of the LM, show both"
        )
        beside.clicked.connect(self.side_by_side)
        for one in (swap, beside):
            row.addWidget(one)
        layout.addRow(row)

    @property
    def lm(self) -> Image | None:
        """The LM layer."""
        return self._choices["LM"].layer

    @property
    def em(self) -> Image | None:
        """The EM layer."""
        return self._choices["EM"].layer

    @property
    def pair(self) -> tuple[Image, Image] | None:
        """The LM and the EM layer, if both are chosen, and are two."""
        lm, em = self.lm, self.em
        return None if lm is None or em is None or lm is em else (lm, em)

    @property
    def fault(self) -> str:
        """What is missing; empty when nothing is."""
        lm, em = self.lm, self.em
        if lm is None and em is None:
            return "Open an LM and an EM image, and choose their layers"
        if lm is None or em is None:
            return f"No {'LM' if lm is None else 'EM'} image is chosen: open one, choose its layer"
        return "One image is chosen for both: choose two" if lm is em else ""

    def choose(self, lm: Image | None, em: Image | None) -> None:
        """Choose both layers; `changed` is emitted once."""
        before = self.lm, self.em
        with QSignalBlocker(self):
            self._choices["LM"].choose(lm)
            self._choices["EM"].choose(em)
        if (self.lm, self.em) != before:
            self.changed.emit()

    def offer(self, layers: Iterable[Layer], likely: tuple[Image, Image] | None) -> None:
        """Offer the layers of the viewer; guess the pair until the user has chosen.

        Parameters
        ----------
        layers : iterable of Layer
        likely : (LM, EM) or None
            What is laid over one another already; guessed by names and pixel sizes if nothing
            is.
        """
        offered = list(layers)
        before = self.lm, self.em
        with QSignalBlocker(self):
            for choice in self._choices.values():
                choice.offer(offered)
            if self.lm is None or self.em is None:
                self._chosen_by_user = self._chosen_by_user and (self.lm or self.em) is not None
                if not self._chosen_by_user:
                    self.choose(*(likely or guess_pair(self._choices["LM"].offered)))
        if (self.lm, self.em) != before:
            self.changed.emit()

    def _on_activated(self) -> None:
        self._chosen_by_user = True


class StartBox(QWidget):
    """Chooses what the pairs are begun with.

    Attributes
    ----------
    moves : QVBoxLayout
        Where the controls belong that move the EM by hand.

    Signals
    -------
    from_result, from_file, from_nothing
        The button was pressed.
    """

    from_result = Signal()
    from_file = Signal()
    from_nothing = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = hint_label("start_hint", "What the pairs are begun with")
        row = QHBoxLayout()
        self._buttons = {}
        for name, text, tip, signal in (
            (
                "start_result",
                "Automatic result",
                "Begin with what 'Retrace and register' has found: partners are predicted by it",
                self.from_result,
            ),
            (
                "start_file",
                "File …",
                "Begin with a transform that was saved here, or by another program",
                self.from_file,
            ),
            (
                "start_nothing",
                "Nothing",
                "Begin without a transform: the first pairs are clicked on one image after the "
                "other. The pairs that there are stay",
                self.from_nothing,
            ),
        ):
            made = self._buttons[name] = button(name, text, tip)
            made.clicked.connect(signal)
            row.addWidget(made)
        layout = QVBoxLayout(self)
        layout.addWidget(self._hint)
        layout.addLayout(row)
        self.moves = QVBoxLayout()
        layout.addLayout(self.moves)

    def show_offers(self, *, result: bool, images: bool) -> None:
        """Show what can be begun with: whether there is a result, and two images at all."""
        self._buttons["start_result"].setEnabled(result and images)
        self._buttons["start_file"].setEnabled(images)
        self._buttons["start_nothing"].setEnabled(images)
        self._hint.setText(
            "There is no automatic result of these images: 'Retrace and register' makes one."
            if images and not result
            else ""
        )
        self._hint.setVisible(bool(self._hint.text()))


class TakeBox(QWidget):
    """What is done with the pairs and their transform.

    Signals
    -------
    take, refine, save, load
        The button was pressed.
    """

    take = Signal()
    refine = Signal()
    save = Signal()
    load = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QGridLayout(self)
        self._buttons = {}
        for place, (name, text, tip, signal) in enumerate(
            (
                (
                    "take",
                    "Use as result",
                    "Show it in 'Retrace and register' as a result: to compare, to save, to report",
                    self.take,
                ),
                (
                    "refine",
                    "Refine from here",
                    "Let the two images be registered automatically, beginning with this transform",
                    self.refine,
                ),
                (
                    "save_landmarks",
                    "Save landmarks …",
                    "Save the pairs and their transform: as JSON that keeps everything, or in the "
                    "form of another program",
                    self.save,
                ),
                (
                    "load_landmarks",
                    "Load landmarks …",
                    "Load pairs in place of these, from a file of this program, BigWarp or eC-CLEM",
                    self.load,
                ),
            )
        ):
            made = self._buttons[name] = button(name, text, tip)
            made.clicked.connect(signal)
            layout.addWidget(made, place // 2, place % 2)
        self._why = hint_label("take_hint", "What is missing")
        layout.addWidget(self._why, 2, 0, 1, 2)

    def show_offers(self, *, images: bool, why_not: str) -> None:
        """Show what can be done, and why some of it cannot."""
        for name in ("take", "refine", "save_landmarks"):
            self._buttons[name].setEnabled(images and not why_not)
        self._buttons["load_landmarks"].setEnabled(images)
        show_text(self._why, why_not)
