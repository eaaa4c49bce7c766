"""The layer in which the frame is drawn, as wide on the screen at every zoom."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari.layers import Surface
from qtpy.QtCore import QObject

from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.moves.frame import Frame
from clem_retrace.plugin.moves.placed import Placed
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.plugin.sight import camera, screen_pixel

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
        self.frame = Frame.round(placed, screen_pixel(self._viewer, self._lm))
        self._draw()

    def _on_zoom(self, _event: Any = None) -> None:
        if self._placed is not None:
            self.show(self._placed)

    def _draw(self) -> None:
        drawn = self.frame.drawing()
        layer = self._layer
        if layer is None:
            self._layer = Surface(
                (drawn.vertices, drawn.faces),
                vertex_colors=drawn.colours,
                shading="none",
                blending="translucent_no_depth",
                name="Frame to move the EM",
                metadata=roles.entry(ROLE, self._lm),
                **placement(self._lm),
            )
            with selection_kept(self._viewer):
                self._viewer.add_layer(self._layer)
            return
        # There are as many vertices at every time, in the same colours.
        layer.data = (drawn.vertices, drawn.faces)

    def release(self) -> None:
        """Take the frame away."""
        camera(self._viewer).events.zoom.disconnect(self._on_zoom)
        self._placed = None
        if self._layer is not None:
            # The user may have removed it.
            with suppress(ValueError):
                self._viewer.layers.remove(self._layer)
            self._layer = None
