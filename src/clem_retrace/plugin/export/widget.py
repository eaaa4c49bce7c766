"""The dock widget `Export`.

It makes the boxes and what does their work, and keeps them up to date with the viewer; it
computes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from clem_retrace.plugin.dialogs import FileDialogs
from clem_retrace.plugin.dock import StepsDock
from clem_retrace.plugin.export.drawing import Drawing, ImagesBox
from clem_retrace.plugin.export.held import Held, held_transforms
from clem_retrace.plugin.export.laying import LayBox, Laying
from clem_retrace.plugin.export.opening import OpenBox, Opening
from clem_retrace.plugin.export.reporting import ReportBox, Reporting
from clem_retrace.plugin.export.saving import SaveBox, Saving
from clem_retrace.plugin.export.transform_box import TransformBox
from clem_retrace.plugin.export.work import Work, WorkBar
from clem_retrace.plugin.guide import Mark, StepState
from clem_retrace.plugin.landmarks.known import likely_pair
from clem_retrace.plugin.layers import origin
from clem_retrace.plugin.step_box import StepBox
from clem_retrace.plugin.timers import later

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ExportWidget"]

#: Milliseconds after the last change of the layers until the dock follows.
CALM = 100

#: The boxes in their order: title, and what is to be had there.
BOXES = {
    "transform": ("Which transform", ""),
    "open": ("Open a transform file", "ITK, BigWarp, eC-CLEM, OME-Zarr, CSV, or our JSON"),
    "save": ("Save the transform", "For Fiji, Icy, SimpleITK, OME-Zarr, a table"),
    "lay": ("Apply to other layers", "Channels, labels, points and shapes"),
    "images": ("Images and figures", "OME-TIFF, OME-Zarr; PNG and SVG with a scale bar"),
    "report": ("Report", "One HTML file for the lab book or a supplement"),
}


class ExportWidget(StepsDock):
    """Take a transform, and what it lays over one another, to other programs.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A `ViewerModel` will do.
    """

    def __init__(self, napari_viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("export", napari_viewer, parent)
        self._followed: list[Image] = []
        self._timer = later(self, self._follow_layers, CALM)
        self._make_parts()
        self.fill_steps(list(self._boxes.values()), self._bar)
        self.transforms.changed.connect(self._on_transform)
        self._opening.opened.connect(self._on_opened)
        self._work.running_changed.connect(self._on_running)
        self.follow_viewer()
        self._boxes["transform"].come_to()
        self._offer()

    def _make_parts(self) -> None:
        self.transforms, self._open, self._save = TransformBox(), OpenBox(), SaveBox()
        self._lay, self._images, self._report = LayBox(), ImagesBox(), ReportBox()
        self._bar = WorkBar()
        contents = (
            self.transforms, self._open, self._save, self._lay, self._images, self._report,
        )  # fmt: skip
        self._boxes: dict[str, StepBox] = {}
        for (name, (title, about)), content in zip(BOXES.items(), contents, strict=True):
            box = self._boxes[name] = StepBox(f"box_{name}", title, content)
            box.show_state(StepState(Mark.LATER, about))
        viewer, dialogs = self._viewer, FileDialogs(self)
        self._work = Work(self._bar, self)
        work, held = self._work, lambda: self.held
        self._opening = Opening(self._open, viewer, work, dialogs, self)
        self._saving = Saving(self._save, held, work, dialogs, self)
        self._laying = Laying(self._lay, held, viewer, work, self)
        self._drawing = Drawing(self._images, work, dialogs, self)
        self._reporting = Reporting(self._report, held, viewer, work, dialogs, self)

    @property
    def held(self) -> Held | None:
        """The transform that is chosen."""
        return self.transforms.held

    # Following the viewer

    def layers_changed(self, _event: Any = None) -> None:
        """Follow the layers when nothing more happens to them."""
        self._timer.start()

    def _follow_layers(self) -> None:
        """Look again at what there is, unless nobody sees it: then it is done when it is shown."""
        if self.isVisible():
            self._offer()

    def _offer(self) -> None:
        layers = list(self._viewer.layers)
        found = held_transforms(layers)
        self._follow([one.overlay for one in found])
        self.transforms.offer(found)
        self._open.offer(layers, likely_pair(layers))

    def _follow(self, overlays: list[Image]) -> None:
        """Follow the overlays: one that is moved holds another transform."""
        for layer in self._followed:
            layer.events.affine.disconnect(self.layers_changed)
        self._followed = overlays
        for layer in overlays:
            layer.events.affine.connect(self.layers_changed)

    def _on_transform(self) -> None:
        held = self.held
        self._save.show_held(held)
        self._images.show_held(held)
        self._lay.offer(self._viewer.layers, held)
        self._reporting.show_offers()
        if held is not None:
            path = origin(held.layer("em")).path
            FileDialogs.begin_in(None if path is None else Path(path).parent)

    def _on_opened(self, layer: Image) -> None:
        self._offer()
        self.transforms.choose(layer)

    def _on_running(self, running: bool) -> None:
        """Let nothing be begun before what is under way has come to its end."""
        for name, box in self._boxes.items():
            if name != "transform":
                box.setEnabled(not running)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look again at what there is: other docks have done something in the meantime."""
        super().showEvent(event)
        self._offer()

    def released(self) -> None:
        """Stop what is under way, and let go of the viewer."""
        self._timer.stop()
        self._work.stop()
        self._follow([])
        super().released()
