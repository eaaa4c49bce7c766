"""Outlines that are as wide on the screen however far one zooms in.

napari gives the width of an outline in pixels of the image: what is seen from afar hides
what it encloses from near.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Shapes
from qtpy.QtCore import QObject

from clem_retrace.plugin import roles
from clem_retrace.plugin.sight import camera, screen_pixel
from clem_retrace.plugin.timers import later

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["EdgeWidths"]

#: Pixels of the screen: of what is drawn and of the candidate shown, and of the others.
WIDE, NARROW = 2.5, 1.2

#: Milliseconds without a change of the zoom after which the outlines follow.
CALM = 60

#: By how much a width must be off to be set anew.
TOLERANCE = 0.05


class EdgeWidths(QObject):
    """Lets the outlines of ours follow the zoom of a viewer."""

    def __init__(self, viewer: Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._camera = camera(viewer)
        self._timer = later(self, self.follow, CALM)
        self._camera.events.zoom.connect(self._on_zoom)
        viewer.layers.events.inserted.connect(self._on_zoom)

    def _on_zoom(self) -> None:
        self._timer.start()

    def follow(self) -> None:
        """Make all outlines of ours as wide as they are to be at this zoom."""
        for layer in self._viewer.layers:
            if isinstance(layer, Shapes) and roles.role(layer) in roles.OUTLINES:
                self._follow(layer)

    def _follow(self, layer: Shapes) -> None:
        pixel = screen_pixel(self._viewer, layer)
        entry = layer.metadata[roles.KEY]
        widths = [
            pixel * (NARROW if entry.get("chosen", number) != number else WIDE)
            for number in range(len(layer.data))
        ]
        now = [*layer.edge_width, layer.current_edge_width]
        due = [*widths, pixel * WIDE]
        if any(abs(had / has - 1) > TOLERANCE for had, has in zip(now, due, strict=True)):
            # In this order: the current width is also that of the shape that is selected.
            layer.current_edge_width = pixel * WIDE
            layer.edge_width = widths

    def release(self) -> None:
        """Follow the zoom no more."""
        self._timer.stop()
        self._camera.events.zoom.disconnect(self._on_zoom)
        self._viewer.layers.events.inserted.disconnect(self._on_zoom)
