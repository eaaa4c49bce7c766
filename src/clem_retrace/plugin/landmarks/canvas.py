"""`Canvas`: what the viewer shows of a desk, and what the mouse in it tells the desk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.geometry import magnification_of
from clem_retrace.plugin.landmarks.error_layer import ErrorLayer
from clem_retrace.plugin.landmarks.looking import look_at
from clem_retrace.plugin.landmarks.overlay import Overlay
from clem_retrace.plugin.landmarks.point_layers import PointLayers
from clem_retrace.plugin.landmarks.pointer import Pointer
from clem_retrace.plugin.timers import later
from clem_retrace.registration.landmarks import Which

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.desk import Desk
    from clem_retrace.plugin.scene import Scene

__all__ = ["Canvas"]

#: An image's events after which it lies elsewhere, or is another image.
PLACES = ("scale", "translate", "rotate", "shear", "affine", "units")


class Canvas(QObject):
    """Points on two images, the overlay and the error map, as a desk has them.

    Attributes
    ----------
    points : PointLayers
    pointer : Pointer
    overlay : Overlay
    error_layer : ErrorLayer

    Signals
    -------
    images_changed
        One of the images has been moved, has got a pixel size, or other pixels.
    """

    images_changed = Signal()

    def __init__(
        self, viewer: Viewer, scene: Scene, desk: Desk, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._scene, self._desk = viewer, scene, desk
        self._images: dict[Which, Image] = {}
        self._places_later = later(self, self._follow_places)
        self.points = PointLayers(viewer, scene, self)
        self.pointer = Pointer(viewer, self, self)
        self.overlay = Overlay(viewer, scene, self)
        self.error_layer = ErrorLayer(viewer, scene)
        desk.moved.connect(partial(self._show_points, moving=True))
        desk.changed.connect(self._show_all)
        desk.chosen_changed.connect(self._show_points)
        for hand in (self.pointer, self.points):
            hand.dragged.connect(desk.drag)
            hand.settled.connect(desk.settle)
            hand.picked.connect(desk.choose)
        self.pointer.clicked.connect(desk.click)
        self.points.added.connect(desk.click)
        self.points.removed.connect(desk.remove)

    def open(self, lm: Image, em: Image) -> None:
        """Work on two images."""
        self.close()
        self._images = {"lm": lm, "em": em}
        self._watch("connect")
        self.points.open(lm, em)

    def close(self) -> None:
        """Let go of the images; what is in the viewer stays."""
        self._watch("disconnect")
        self._places_later.stop()
        self._images = {}
        self.overlay.stop()
        self.points.close()

    def release(self) -> None:
        """Let go of the images and of the viewer."""
        self.close()
        self.error_layer.wanted = False
        self.pointer.release()
        self.points.release()

    def images(self) -> dict[Which, Image]:
        """Return the images that can be clicked."""
        return self._images

    def place_of(self, which: Which) -> NDArray[np.float64]:
        """Return the points on an image as they are shown, shape (K, 2)."""
        return self._desk.fit.points(which)

    def waits(self, pair: int, which: Which) -> bool:
        """Whether a pair is the one worked on, and its point on an image is predicted."""
        return pair == self._desk.chosen and self._desk.pairing.missing(pair) == which

    def take_in_hand(self) -> None:
        """Let no tool of napari be in hand: the mouse is to place points."""
        layer = self.points.layer("lm") or self._images.get("lm")
        if layer is not None:
            layer.mode = "pan_zoom"
            self._scene.select(layer)

    def _show_points(self, *, moving: bool = False) -> None:
        """Show the points and the overlay."""
        if not self._images:
            return
        self.points.show(self._desk.fit, self._desk.chosen, moving=moving)
        self.overlay.show(self._desk.fit, self._images["lm"], self._images["em"], moving=moving)

    def toggle_overlay(self) -> None:
        """Show the EM on the LM, or hide it."""
        overlay = self.overlay.layer(self._images["lm"]) if self._images else None
        if overlay is not None:
            overlay.visible = not overlay.visible

    def show_errors(self) -> None:
        """Show the error map, if it is wanted."""
        if self._images:
            self.error_layer.show(self._desk.fit, self._images["lm"])

    def _show_all(self) -> None:
        self._show_points()
        self.points.keep(self._desk.past)

    def look(self, pair: int, which: Which) -> None:
        """Bring a point of a pair into the middle of the canvas; without one, all of the image."""
        if which not in self._images:
            return
        point, transform = self._desk.fit.points(which)[pair], self._desk.fit.transform
        if not np.isfinite(point).all():
            self._scene.view(self._images[which])
            return
        lm_pixel = 1.0
        if which == "em" and transform is not None:
            lm_pixel = 1 / magnification_of(transform.em_to_lm)
        self._images[which].visible = True
        look_at(self._viewer, self._images[which], point, lm_pixel)

    def _watch(self, action: str) -> None:
        """Connect or disconnect what the two images tell."""
        for image in self._images.values():
            for name in PLACES:
                getattr(getattr(image.events, name), action)(self._on_place)
            getattr(image.events.data, action)(self._on_data)

    def _on_place(self, _event: Any = None) -> None:
        # Whoever has moved an image may be about to move what lies on it: after that.
        self._places_later.start()

    def _follow_places(self) -> None:
        if self._images:
            self.points.place()
            self.images_changed.emit()
            self._show_points()

    def _on_data(self, _event: Any = None) -> None:
        self.overlay.renew(self._images["lm"])
        self.images_changed.emit()
        self._show_points()
