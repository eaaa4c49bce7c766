"""The boxes of the dock: which images, which way of comparing, which candidate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from clem_retrace.plugin import roles
from clem_retrace.plugin.compare.mode import Mode
from clem_retrace.plugin.compare.stage import ROLE
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.looks import button, check_box, form_layout

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["OFF", "CandidatesBox", "ImagesBox", "ModesBox"]

#: Key of the button that gives the layers back.
OFF = "off"


class ImagesBox(QGroupBox):
    """Chooses the two images: by itself an overlay of ours and its LM.

    Signals
    -------
    changed
        Other images are chosen, or the warped one instead of the affine overlay, or back.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Images", parent)
        self._above, self._below = (
            LayerChoice(_can_be_compared, name, title, tip, nothing="none")
            for name, title, tip in (
                ("above", "Upper image", "As a rule the EM laid over the LM"),
                ("below", "Lower image", "As a rule the LM image"),
            )
        )
        self._warped = check_box(
            "warped",
            "Warped image instead of affine",
            "Compare the upper image resampled on the lower one's pixels. Otherwise it is shown "
            "at full resolution, placed by its transform",
        )
        layout = form_layout(self)
        for title, choice in (("Upper", self._above), ("Lower", self._below)):
            label = QLabel(title)
            label.setToolTip(choice.toolTip())
            label.setBuddy(choice)
            layout.addRow(label, choice)
        layout.addRow(self._warped)
        self._above.layer_changed.connect(self._on_above)
        self._below.layer_changed.connect(self.changed)
        self._warped.toggled.connect(self.changed)

    @property
    def below(self) -> Image | None:
        """The lower image."""
        return self._below.layer

    @property
    def above(self) -> Image | None:
        """The upper image, placed by its transform."""
        return self._above.layer

    @property
    def warped(self) -> bool:
        """Whether the warped image is wanted."""
        return bool(self._warped.isChecked())

    def toggle_warped(self) -> None:
        """Want the warped image, or no longer."""
        self._warped.toggle()

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the images of the viewer; `changed` is emitted once, if anything changed.

        Where no upper image is chosen, or the chosen one has gone, it is the newest overlay:
        one of the same LM, if there is one.
        """
        offered = list(layers)
        before = self.below, self.above
        with QSignalBlocker(self):
            self._above.offer(offered)
            self._below.offer(offered)
            if self.above is None:
                overlays = [
                    layer
                    for layer in offered
                    if roles.role(layer) in ("overlay", roles.LANDMARK_OVERLAY)
                ]
                same = [layer for layer in overlays if _lies_on(layer, before[0])]
                if overlays:
                    self._above.choose((same or overlays)[-1])
        if before != (self.below, self.above):
            self.changed.emit()

    def choose(self, below: Image, above: Image) -> None:
        """Choose two of the offered images."""
        self._above.choose(above)
        self._below.choose(below)

    def _on_above(self) -> None:
        """Take the image that an overlay lies on for the lower one."""
        with QSignalBlocker(self):
            for layer in self._below.offered:
                if self.above is not None and _lies_on(self.above, layer):
                    self._below.choose(layer)
        self.changed.emit()


class ModesBox(QGroupBox):
    """Chooses the way of comparing, and shows its settings.

    Signals
    -------
    chosen : str
        The key of a mode, or `OFF`.
    """

    chosen = Signal(str)

    def __init__(self, modes: Mapping[str, Mode], parent: QWidget | None = None) -> None:
        super().__init__("Show", parent)
        self._buttons = {OFF: QRadioButton("As they are")}
        self._buttons |= {key: QRadioButton(mode.title) for key, mode in modes.items()}
        layout, grid = QVBoxLayout(self), QGridLayout()
        layout.addLayout(grid)
        self._group = QButtonGroup(self)
        for index, (key, choice) in enumerate(self._buttons.items()):
            tip = modes[key].tip if key in modes else "Give the layers back as they were"
            choice.setObjectName(f"mode_{key}")
            choice.setToolTip(tip)
            choice.setAccessibleDescription(tip)
            self._group.addButton(choice, index)
            # The first has a row of its own.
            grid.addWidget(choice, (index + 1) // 2, max(index - 1, 0) % 2)
        # As wide as the widest: the canvas must not change its size with the mode.
        self._settings = QStackedWidget()
        for page in (QWidget(), *modes.values()):
            self._settings.addWidget(page)
        layout.addWidget(self._settings)
        self._buttons[OFF].setChecked(True)
        self._group.idToggled.connect(self._on_toggled)

    @property
    def key(self) -> str:
        """What is chosen."""
        keys = list(self._buttons)
        return keys[int(self._group.checkedId())]

    def choose(self, key: str) -> None:
        """Choose a mode by its key, or `OFF`."""
        self._buttons[key].setChecked(True)

    def step(self, steps: int) -> None:
        """Choose a mode further on; after the last comes the first."""
        keys = list(self._buttons)
        self.choose(keys[(keys.index(self.key) + steps) % len(keys)])

    def _on_toggled(self, index: int, on: bool) -> None:
        if on:
            self._settings.setCurrentIndex(index)
            self.chosen.emit(self.key)


class CandidatesBox(QGroupBox):
    """Two buttons, from candidate to candidate.

    Signals
    -------
    step : int
        1 for the next, -1 for the one before.
    """

    step = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Candidates", parent)
        layout = QHBoxLayout(self)
        for name, step in (("previous", -1), ("next", 1)):
            title, tip = name.capitalize(), f"Select the {name} candidate on the EM image"
            made = button(f"{name}_candidate", title, tip)
            made.setAccessibleName(f"{title} candidate")
            made.clicked.connect(lambda _=False, step=step: self.step.emit(step))
            layout.addWidget(made)


def _can_be_compared(layer: Layer) -> bool:
    return isinstance(layer, Image) and roles.role(layer) != ROLE


def _lies_on(overlay: Layer, image: Layer | None) -> bool:
    """Whether a layer of ours was made for an image."""
    return image is not None and roles.image_id(overlay) == image.unique_id
