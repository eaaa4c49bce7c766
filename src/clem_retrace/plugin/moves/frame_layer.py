"""The layer in which the frame is drawn, as wide on the screen at every zoom."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Surface
from qtpy.QtCore import QObject

from clem_retrace.plugin import outputs
from clem_retrace.plugin.compare.sight import camera, to_view
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.moves.frame import Frame
from clem_retrace.plugin.moves.placed import Placed

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["ROLE", "FrameLayer"]

#: Role of the layer.
ROLE = "hand frame"


class FrameLayer(QObject):
    """Shows the frame on an LM in a viewer.

    Attributes
    ----------
    frame : Frame
        As it is drawn.
    """

    def __init__(self, viewer: Viewer, lm: Image, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._lm = viewer, lm
        self._layer: Surface | None = None
        self._placed: Placed | None = None
        camera(viewer).events.zoom.connect(self._on_zoom)

    def show(self, placed: Placed) -> None:
        """Show the frame of an EM."""
        self._placed = placed
        self.frame = Frame.round(placed, self._pixel())
        self._draw()

    def _on_zoom(self, _event: Any = None) -> None:
        if self._placed is not None:
            self.show(self._placed)

    def _pixel(self) -> float:
        """Return LM pixels per pixel of the screen."""
        linear = to_view(self._viewer, self._lm)[:2, :2]
        return float(1 / (camera(self._viewer).zoom * np.sqrt(abs(np.linalg.det(linear)))))

    def _draw(self) -> None:
        drawn = self.frame.drawing()
        layer = self._layer
        if layer is None:
            self._layer = self._add(
                Surface(
                    (drawn.vertices, drawn.faces),
                    vertex_colors=drawn.colours,
                    shading="none",
                    blending="translucent_no_depth",
                    name="Frame to move the EM",
                    metadata={outputs.KEY: {"role": ROLE, "image": self._lm.unique_id}},
                    **placement(self._lm),
                )
            )
            return
        # There are as many vertices at every time, in the same colours.
        layer.data = (drawn.vertices, drawn.faces)

    def _add(self, layer: Surface) -> Surface:
        """Add the layer on top; the selection stays as it is."""
        layers = self._viewer.layers
        selected = set(layers.selection)
        self._viewer.add_layer(layer)
        layers.selection = selected
        return layer

    def release(self) -> None:
        """Take the frame away."""
        camera(self._viewer).events.zoom.disconnect(self._on_zoom)
        self._placed = None
        if self._layer is not None:
            # The user may have removed it.
            with suppress(ValueError):
                self._viewer.layers.remove(self._layer)
            self._layer = None
