"""What is drawn by hand: the layers to draw in, and how what is drawn in them is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.form import put_outline
from clem_retrace.plugin.notices import sentence, warn
from clem_retrace.plugin.regions import em_patch, lm_region

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

    from clem_retrace.micrograph import Roi
    from clem_retrace.plugin.form import Outline
    from clem_retrace.plugin.image_box import ImageBox
    from clem_retrace.plugin.region_box import RegionBox
    from clem_retrace.plugin.scene import Scene

__all__ = ["Drawing"]


class Drawing(QObject):
    """Makes the layers that are drawn in, and reads the region and the patch from them.

    Signals
    -------
    asked : str
        The user is to do something on the canvas; empty when that is done.
    undo, redo
        Asked for by a key, on a layer that is drawn in.
    """

    asked = Signal(str)
    undo = Signal()
    redo = Signal()

    def __init__(
        self, images: ImageBox, regions: RegionBox, scene: Scene, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._images, self._regions, self._scene = images, regions, scene
        regions.draw.connect(self.draw)
        self._bound: list[Shapes] = []
        self._keys = {"Control-Z": self.undo, "Control-Shift-Z": self.redo}
        regions.drawn.connect(self._bind_keys)
        regions.drawn.connect(lambda _: self.asked.emit(""))

    def image_of(self, kind: str) -> Image | None:
        """Return the image that a kind is drawn on."""
        return self._images.lm if outputs.DRAWINGS[kind].on == "LM" else self._images.em

    def draw(self, kind: str) -> None:
        """Make the layer of a kind, or take the one there is, and put it in drawing mode."""
        image = self.image_of(kind)
        if image is None:
            text = f"choose the {outputs.DRAWINGS[kind].on} image first"
            self.asked.emit(sentence(text))
            warn(text)
            return
        self._images.keep()
        if self._images.em is not None and self._images.lm is not None:
            self._scene.set_apart(self._images.lm, self._images.em, self._regions.layers_on("EM"))
        self._scene.draw_in(self._layer(kind, image), image)
        self._scene.view(image)
        self.asked.emit(f"Drag a rectangle over '{image.name}'")

    def put(self, kind: str, drawn: Outline | None) -> None:
        """Draw an outline in place of what is drawn; None takes it away."""
        image = self.image_of(kind)
        if image is None or (drawn is None and self._regions.layer(kind) is None):
            return
        put_outline(drawn, self._layer(kind, image), image)

    def _layer(self, kind: str, image: Image) -> Shapes:
        """Return the layer of a kind, made if there is none."""
        shapes = self._regions.layer(kind)
        if shapes is None:
            shapes = self._scene.put(outputs.drawing_layer(image, kind))
            self._regions.choose(kind, shapes)
        return shapes

    def _bind_keys(self, kind: str) -> None:
        """Let the keys for undo and redo work on the canvas too, in the layers made for this."""
        shapes = self._regions.layer(kind)
        if shapes is None or roles.role(shapes) is None or shapes in self._bound:
            return
        self._bound.append(shapes)
        for key, signal in self._keys.items():
            shapes.bind_key(key, lambda _layer, signal=signal: signal.emit(), overwrite=True)

    def release(self) -> None:
        """Let go of the layers."""
        for shapes in self._bound:
            for key in self._keys:
                shapes.bind_key(key, None)
        self._bound.clear()

    @property
    def region(self) -> Roi | None:
        """The region, within the LM image; None when there is none that can be used."""
        try:
            return self._lm_region()
        except ClemRetraceError:
            return None

    @property
    def region_fault(self) -> str:
        """What keeps the region from being used; empty when nothing does."""
        try:
            self._lm_region()
        except ClemRetraceError as error:
            return str(error)
        return ""

    def _lm_region(self) -> Roi | None:
        lm = self._images.lm
        return None if lm is None else lm_region(self._regions.layer("roi"), lm).roi

    @property
    def region_summary(self) -> str:
        """The size of the region in pixels of both images."""
        roi = self.region
        if roi is None:
            return ""
        text = f"{roi.height:.0f} x {roi.width:.0f} LM px{', as drawn' if roi.outline else ''}"
        ratio = self._images.ratio
        if ratio is not None:
            text += f", {roi.height * ratio:.0f} x {roi.width * ratio:.0f} EM px"
        return text

    @property
    def patch_summary(self) -> str:
        """The size of the patch, or why it cannot be used; empty without one."""
        em = self._images.em
        try:
            drawn = None if em is None else em_patch(self._regions.layer("patch"), em)
        except ClemRetraceError as error:
            return sentence(str(error))
        return (
            "" if drawn is None else f"patch {drawn.roi.height:.0f} x {drawn.roi.width:.0f} EM px"
        )
