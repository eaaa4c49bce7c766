"""One image to the left of a border, the other to its right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import invert, map_points
from clem_retrace.plugin.compare.cover import Cover
from clem_retrace.plugin.compare.mesh import BLACK, WHITE, Mesh, Picture, joined, one_side, strip
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.sight import footprint, to_view

__all__ = ["Curtain"]

#: Half the width of the border, of its rim and of its grip, and how far from the border it
#: can be taken, in pixels of the screen.
LINE, RIM, GRIP, REACH = 1.0, 2.0, 5.0, 9.0
#: Half the height of the grip.
TALL = 22.0
#: How near the border can be brought to the edge of the canvas, as a share of it.
EDGE = 0.02


class Curtain(Cover):
    """The one image to the left of a border, the other to its right."""

    key, title = "curtain", "Curtain"
    tip = "The lower image left of a border, the upper one right of it: drag the border"
    # The border stays where it is on the screen.
    follows_sight = True

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._position = self._add_slider(
            "curtain", "Border", "Where the border is, in per mille of the width of the canvas; "
            "it can also be dragged in the canvas", 500, (int(1000 * EDGE), int(1000 * (1 - EDGE))),
        )  # fmt: skip
        self._position.setPageStep(100)
        self._position.setSingleStep(10)
        self._swap = self._add_check("curtain_swap", "Swap sides", "Exchange the two sides")
        self._pointing = False
        self._position.valueChanged.connect(self._lay)
        self._swap.toggled.connect(self._apply)

    def enter(self) -> None:
        """Draw the curtain, and let the mouse take its border."""
        super().enter()
        viewer = self.stage.viewer
        if self._drag not in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.append(self._drag)
            viewer.mouse_move_callbacks.append(self._hover)

    def leave(self) -> None:
        """Let go of the mouse."""
        viewer = self.stage.viewer
        if self._drag in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._drag)
            viewer.mouse_move_callbacks.remove(self._hover)
            if self._pointing:
                self._pointing, viewer.cursor.style = False, "standard"
        super().leave()

    @property
    def column(self) -> float:
        """Where the border is, in the viewer's world."""
        sight = self.stage.sight
        return float(sight.left + self._position.value() / 1000 * (sight.right - sight.left))

    def mesh(self, shown: Picture) -> Mesh:
        """Return one side of the picture, the border and its grip."""
        view = to_view(self.stage.viewer, self.stage.below)
        sight, column = self.stage.sight, self.column
        left = (sight.right > sight.left) != self._swap.isChecked()
        parts = [one_side(shown, view, column, left=left)]
        world = np.concatenate(
            [map_points(view, shown.corners), footprint(self.stage.viewer, self.stage.above)]
        )
        ends = sorted((sight.top, sight.bottom))
        top, bottom = max(ends[0], world[:, 0].min()), min(ends[1], world[:, 0].max())
        if bottom <= top:
            return parts[0]
        middle, pixel = (top + bottom) / 2, sight.pixel
        grip = min(TALL * pixel, (bottom - top) / 2)
        for half, first, last, ink in (
            (RIM, top, bottom, BLACK),
            (GRIP + 1, middle - grip - pixel, middle + grip + pixel, BLACK),
            (LINE, top, bottom, WHITE),
            (GRIP, middle - grip, middle + grip, WHITE),
        ):
            box = _box(first, last, column - half * pixel, column + half * pixel)
            parts.append(strip(shown, map_points(invert(view), box), ink))
        return joined(parts)

    def nudge(self, steps: int) -> None:
        """Move the border to the right."""
        self._position.setValue(self._position.value() + 20 * steps)

    def _near(self, position: Any) -> bool:
        """Whether the mouse, in the viewer's world, can take the border: not when it draws."""
        active = self.stage.viewer.layers.selection.active
        if active is not None and str(active.mode) != "pan_zoom":
            return False
        return bool(abs(position[-1] - self.column) <= REACH * self.stage.sight.pixel)

    def _hover(self, viewer: Any, event: Any) -> None:
        near = self._near(event.position)
        if near != self._pointing:
            self._pointing = near
            viewer.cursor.style = "pointing" if near else "standard"

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        if event.button != 1 or event.modifiers or not self._near(event.position):
            return
        # Else the camera would follow the mouse too.
        event.handled = True
        yield
        while event.type == "mouse_move":
            sight = self.stage.sight
            share = (event.position[-1] - sight.left) / (sight.right - sight.left)
            self._position.setValue(round(1000 * share))
            event.handled = True
            yield


def _box(top: float, bottom: float, left: float, right: float) -> NDArray[np.float64]:
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
