"""The mouse on the frame: it shifts the EM by its inside, turns and magnifies it by handles.

napari's own box for a layer stretches unevenly unless a key is held, stands round the whole
EM, which may reach far beyond the screen, and turns about its centre. So these are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from clem_retrace.geometry import invert, map_points
from clem_retrace.plugin.moves.frame import Frame, Part
from clem_retrace.plugin.moves.placed import Placed
from clem_retrace.plugin.sight import to_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["SNAP", "Handles"]

#: Degrees, multiples of which an EM is turned to while Shift is held.
SNAP = 15.0

#: Magnifications by one drag.
LEAST, MOST = 0.05, 20.0


class Handles(QObject):
    """Follows the mouse in a viewer.

    Parameters
    ----------
    viewer : napari.Viewer
    lm : Image
    look : callable
        Returns the EM as it lies, and the frame as it is drawn.

    Signals
    -------
    moved : Placed
        At each step of a drag.
    settled
        The mouse was let go.
    """

    moved = Signal(object)
    settled = Signal()

    def __init__(
        self,
        viewer: Viewer,
        lm: Image,
        look: Callable[[], tuple[Placed, Frame]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._lm, self._look = viewer, lm, look
        self._pointing = False
        viewer.mouse_drag_callbacks.append(self.drag)
        viewer.mouse_move_callbacks.append(self.hover)

    def release(self) -> None:
        """Let go of the mouse."""
        self._viewer.mouse_drag_callbacks.remove(self.drag)
        self._viewer.mouse_move_callbacks.remove(self.hover)
        self._point(False)

    def hover(self, _viewer: Any, event: Any) -> None:
        """Show where the mouse can take hold."""
        self._point(self._caught(event) in ("turn", "magnify"))

    def drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from a press of its button to the release."""
        part = self._caught(event)
        if part is None or event.button != 1 or event.handled:
            return
        # Else the camera would follow the mouse too.
        event.handled = True
        before, _ = self._look()
        first = self._at(event)
        moved = False
        yield
        while event.type == "mouse_move":
            moved, event.handled = True, True
            snapped = "Shift" in event.modifiers
            self.moved.emit(_dragged(before, part, first, self._at(event), snapped=snapped))
            yield
        if moved:
            self.settled.emit()

    def _caught(self, event: Any) -> Part | None:
        active = self._viewer.layers.selection.active
        drawing = active is not None and str(active.mode) != "pan_zoom"
        # A tool of napari may be in hand.
        if drawing or len(event.dims_displayed) != 2:
            return None
        return self._look()[1].caught(self._at(event))

    def _at(self, event: Any) -> NDArray[np.float64]:
        """Return where the mouse is, in LM pixels."""
        to_lm = invert(to_view(self._viewer, self._lm))
        return map_points(to_lm, np.asarray(event.position, dtype=np.float64)[-2:])

    def _point(self, pointing: bool) -> None:
        if pointing != self._pointing:
            self._pointing = pointing
            self._viewer.cursor.style = "pointing" if pointing else "standard"


def _dragged(
    before: Placed,
    part: Part,
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    *,
    snapped: bool,
) -> Placed:
    """Return an EM dragged from one point of the LM to another by a part of the frame."""
    if part == "shift":
        return before.shifted(last - first)
    arms = first - before.pivot, last - before.pivot
    lengths = [float(np.hypot(*arm)) for arm in arms]
    if min(lengths) == 0:
        return before
    if part == "magnify":
        return before.magnified(float(np.clip(lengths[1] / lengths[0], LEAST, MOST)))
    begun, ended = (float(np.rad2deg(np.arctan2(-arm[0], arm[1]))) for arm in arms)
    angle = ended - begun
    if snapped:
        angle = SNAP * round((before.angle + angle) / SNAP) - before.angle
    return before.turned(angle)
