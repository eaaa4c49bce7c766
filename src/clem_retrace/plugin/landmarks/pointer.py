"""The mouse in the canvas: click to place a point on either image, drag one to move it.

napari's own tools work on the selected layer alone. Here the place of the cursor decides which
image is meant, and points are caught by their distance on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.geometry import invert, map_points
from clem_retrace.plugin.frames import image_shape
from clem_retrace.plugin.sight import camera, to_view
from clem_retrace.registration.landmarks import Which

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["Places", "Pointer"]

#: Screen pixels within which a point is caught.
CATCH = 11.0
#: Screen pixels by which the mouse may move in a click.
CLICK = 5.0


class Places(Protocol):
    """What the pointer asks for."""

    def images(self) -> dict[Which, Image]:
        """Return the images that can be clicked."""

    def place_of(self, which: Which) -> NDArray[np.float64]:
        """Return the points on an image in its pixels, shape (K, 2); NaN where there is none."""

    def waits(self, pair: int, which: Which) -> bool:
        """Whether the pair that is worked on is one, and its point on an image is predicted."""


class Pointer(QObject):
    """Follows the mouse in a viewer.

    Attributes
    ----------
    adding : bool
        Whether a click on an image places a point; points can be dragged in any case.
    resting : bool
        Whether the mouse is left to others.

    Signals
    -------
    clicked : str, ndarray
        An image was clicked, at a place in its pixels.
    picked : int
        The mouse went down on a point of a pair.
    dragged : str, dict
        A point on an image is being moved: its pair, and where it is now.
    settled
        It was let go.
    missed
        The click, which was to place a point, hit no image.
    """

    clicked = Signal(str, object)
    picked = Signal(int)
    dragged = Signal(str, object)
    settled = Signal()
    missed = Signal()

    def __init__(self, viewer: Viewer, places: Places, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._places = viewer, places
        self.adding = self.resting = False
        viewer.mouse_drag_callbacks.append(self.follow)

    def release(self) -> None:
        """Follow the mouse no more."""
        if self.follow in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self.follow)

    def follow(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from a press of its button to the release."""
        if self.resting or event.handled or event.button != 1 or event.modifiers:
            return
        if len(event.dims_displayed) != 2:
            return
        active = self._viewer.layers.selection.active
        if active is not None and str(active.mode) != "pan_zoom":
            # A tool of napari is in hand.
            return
        caught = self._caught(event)
        if caught is not None:
            yield from self._drag(event, *caught)
        elif self.adding:
            yield from self._click(event)

    def _drag(self, event: Any, which: Which, pair: int) -> Iterator[None]:
        view = camera(self._viewer)
        # What else follows the mouse is to leave it alone; the camera would move too.
        event.handled = True
        # A click on the ring says that the spot is there.
        placing = self.adding and self._places.waits(pair, which)
        self.picked.emit(pair)
        kept, view.mouse_pan = view.mouse_pan, False
        start = np.asarray(event.pos, np.float64)
        # The point keeps its distance from the cursor that caught it.
        offset = self._places.place_of(which)[pair] - self._at(which, event)
        moved = False
        try:
            yield
            while event.type == "mouse_move":
                event.handled = True
                moved = moved or np.hypot(*(event.pos - start)) > CLICK / 2
                if moved:
                    self.dragged.emit(which, {pair: self._at(which, event) + offset})
                yield
        finally:
            view.mouse_pan = kept
        if moved:
            self.settled.emit()
        elif placing:
            self.clicked.emit(which, self._at(which, event))

    def _click(self, event: Any) -> Iterator[None]:
        start, where = np.asarray(event.pos, np.float64), self._image_at(event)
        yield
        while event.type == "mouse_move":
            yield
        if np.hypot(*(np.asarray(event.pos) - start)) > CLICK:
            # The view was moved.
            return
        if where is None:
            self.missed.emit()
        else:
            self.clicked.emit(where, self._at(where, event))

    def _at(self, which: Which, event: Any) -> NDArray[np.float64]:
        """Return where the cursor is, in pixels of an image."""
        to_image = invert(to_view(self._viewer, self._places.images()[which]))
        return map_points(to_image, np.asarray(event.position, np.float64)[-2:])

    def _image_at(self, event: Any) -> Which | None:
        """Return the image under the cursor; the LM where the EM lies on it."""
        for which, image in self._places.images().items():
            row, col = self._at(which, event)
            rows, cols = image_shape(image)
            if image.visible and -0.5 <= row <= rows - 0.5 and -0.5 <= col <= cols - 0.5:
                return which
        return None

    def _caught(self, event: Any) -> tuple[Which, int] | None:
        """Return the point nearest to the cursor, if it is near enough."""
        nearest, found, zoom = CATCH, None, camera(self._viewer).zoom
        for which, image in self._places.images().items():
            points = map_points(to_view(self._viewer, image), self._places.place_of(which))
            away = np.hypot(*(points - np.asarray(event.position)[-2:]).T) * zoom
            if len(away) and np.nanmin(away, initial=np.inf) < nearest:
                pair = int(np.nanargmin(away))
                nearest, found = float(away[pair]), (which, pair)
        return found
