"""A transform from a file: what is asked, and the EM laid over the LM by it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image, Layer
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.io.transforms import read_transform
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.export.choice import IMAGES, UNIT_NAMES, Choice
from clem_retrace.plugin.export.held import HOLDERS
from clem_retrace.plugin.export.telling import doubt
from clem_retrace.plugin.guesses import guess_pair
from clem_retrace.plugin.landmarks.files import transform_files
from clem_retrace.plugin.landmarks.known import facts
from clem_retrace.plugin.landmarks.overlay import LOOKS, Bent, bent_steps, shown_plane
from clem_retrace.plugin.layer_choice import LayerChoice
from clem_retrace.plugin.looks import button, form_layout, hint_label
from clem_retrace.plugin.roles import is_single_input
from clem_retrace.plugin.scene import Scene
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.export.work import Work

__all__ = ["OpenBox", "Opening"]


class OpenBox(QWidget):
    """Asks for what a file of a transform does not tell.

    Signals
    -------
    open
        The button was pressed.
    """

    open = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: dict[str, LayerChoice] = {}
        layout = form_layout(self)
        for which in ("LM", "EM"):
            name, title = f"file_{which.lower()}", f"{which} image of the file"
            tip = f"The layer of the {which} image that the transform is of"
            choice = LayerChoice(is_single_input, name, title, tip)
            choice.layer_changed.connect(self._show)
            layout.addRow(f"{which} image", choice)
            self._choices[which] = choice
        self._moving = Choice(
            "file_moving",
            "Image that the file moves",
            "Which image was moved by the program that has made the file",
            IMAGES,
        )
        self._unit = Choice(
            "file_unit",
            "Unit of the file",
            "As is usual: mm for ITK, \u00b5m for BigWarp, pixels for a 3 x 3 table",
            UNIT_NAMES,
        )
        note = hint_label("file_note", "What a file may leave open")
        note.setText("Where the file does not say so itself:")
        layout.addRow(note)
        layout.addRow("It moves", self._moving)
        layout.addRow("Its unit", self._unit)
        self._button = button(
            "open_transform",
            "Open a transform file …",
            "JSON of this program, ITK .tfm, BigWarp landmarks, eC-CLEM, OME-Zarr, or a 3 x 3 "
            "table: the EM is laid over the LM by it, as a new layer",
        )
        self._button.clicked.connect(self.open)
        layout.addRow(self._button)
        self._show()

    @property
    def pair(self) -> tuple[Image, Image] | None:
        """The LM and the EM layer, if both are chosen, and are two."""
        lm, em = (choice.layer for choice in self._choices.values())
        return None if lm is None or em is None or lm is em else (lm, em)

    def offer(self, layers: Iterable[Layer], likely: tuple[Image, Image] | None) -> None:
        """Offer the layers of the viewer; where none is chosen, a likely or a guessed one is."""
        offered = list(layers)
        for choice in self._choices.values():
            choice.offer(offered)
        if self.pair is None:
            guessed = likely or guess_pair(self._choices["LM"].offered)
            for choice, layer in zip(self._choices.values(), guessed, strict=True):
                choice.choose(layer)

    def read(self, path: Path) -> PairTransform:
        """Return the transform of a file, for the two layers.

        Raises
        ------
        ClemRetraceError
            See `read_transform`.
        """
        assert self.pair is not None
        lm, em = (facts(layer) for layer in self.pair)
        return read_transform(path, lm=lm, em=em, moving=self._moving.value, unit=self._unit.value)

    def _show(self) -> None:
        self._button.setEnabled(self.pair is not None)


class Opening(QObject):
    """Opens transforms from files, each as a layer of its own.

    Signals
    -------
    opened : Image
        The layer that holds the transform.
    """

    opened = Signal(object)

    def __init__(
        self, box: OpenBox, viewer: Viewer, work: Work, dialogs: FileDialogs,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._box, self._viewer, self._work, self._dialogs = box, viewer, work, dialogs
        self._scene = Scene(viewer)
        box.open.connect(lambda: work.attempt(self._open))

    def _open(self) -> str:
        path = self._dialogs.open("Open a transform", transform_files())
        if path is None or self._box.pair is None:
            return ""
        transform = self._box.read(path)
        lm, em = self._box.pair
        layer_data = outputs.landmark_overlay_layer(transform, em, lm)
        if transform.spline is None:
            return self._add(layer_data, path, transform, lm)
        image = shown_plane(em)

        def show(bent: Bent) -> str:
            bent_layer = outputs.bent_overlay_layer(bent.pixels, bent.to_lm, transform, em, lm)
            return self._add(bent_layer, path, transform, lm)

        self._work.start("Bending the EM", lambda: bent_steps(image, transform), show)
        return ""

    def _add(
        self, layer_data: outputs.LayerData, path: Path, transform: PairTransform, lm: Image
    ) -> str:
        """Add the layer of a file, or put it in the place of an earlier one of that file."""
        if not self._scene.has(lm):
            return f"⚠ {path.name} was not opened: the LM is no longer in the viewer"
        data, keywords, kind = layer_data
        entry = keywords["metadata"][roles.KEY] | {"role": roles.FROM_FILE, "file": path}
        for old in self._scene.ours(roles.FROM_FILE):
            if all(old.metadata[roles.KEY][key] == entry[key] for key in ("file", "image", "em")):
                self._viewer.layers.remove(old)
        keywords = keywords | {
            "name": f"EM on LM ({path.name})",
            "metadata": {roles.KEY: entry},
        }
        layer = self._show(Layer.create(data, keywords, kind), lm)
        self.opened.emit(layer)
        doubtful = doubt(transform)
        return f"⚠ {doubtful}" if doubtful else f"✔ Opened as the layer '{layer.name}'"

    def _show(self, layer: Image, lm: Image) -> Image:
        """Add an overlay that looks like the others on an LM, and hide these."""
        on_lm = [
            one
            for one in self._scene.ours(*HOLDERS, "warped")
            if roles.image_id(one) == lm.unique_id
        ]
        for one in on_lm:
            if roles.role(one) != "warped":
                for name in LOOKS:
                    setattr(layer, name, getattr(one, name))
            one.visible = False
        layer.visible = True
        self._scene.add(layer)
        self._scene.raise_outlines()
        return layer
