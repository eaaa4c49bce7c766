"""Squares of one image in the other."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QSignalBlocker

from clem_retrace.plots.quantities import round_length
from clem_retrace.plugin.compare.cover import Cover
from clem_retrace.plugin.compare.lengths import Length
from clem_retrace.plugin.compare.mesh import Mesh, Picture, squares
from clem_retrace.plugin.compare.stage import Stage
from clem_retrace.plugin.sight import pixel_side

__all__ = ["Checkerboard"]

#: Cells along the shorter side of the canvas, to begin with.
CELLS = 6
#: The smallest cell, as a share of the part that is covered: more could not be told apart.
FINEST = 1 / 200


class Checkerboard(Cover):
    """Squares of the one image in the other."""

    key, title = "checkerboard", "Checkerboard"
    tip = "Squares of the lower image in the upper one: borders must run on across the edges"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._cell = self._add_number(
            "cell", "Squares", "Side of a square, on the specimen", 1.0, (1e-3, 1e6), 0.5
        )
        self._swap = self._add_check("cell_swap", "Swap", "Exchange the two sorts of squares")
        self._suits: tuple[object, object] | None = None
        self._cell.valueChanged.connect(self._apply)
        self._swap.toggled.connect(self._apply)

    def enter(self) -> None:
        """Choose a size that suits the view, the first time, and lay the squares."""
        pair = self.stage.below, self.stage.above
        if self._suits != pair:
            self._suits = pair
            self._choose_size()
        super().enter()

    def _choose_size(self) -> None:
        length, sight = Length.of(self.stage.viewer), self.stage.sight
        with QSignalBlocker(self._cell):
            self._cell.setSuffix(f" {length.unit}")
            self._cell.setValue(round_length(length.shown(min(sight.height, sight.width)) / CELLS))
            self._cell.setSingleStep(round_length(self._cell.value() / 4))

    def mesh(self, shown: Picture) -> Mesh:
        """Return every other square."""
        viewer = self.stage.viewer
        pixel = pixel_side(viewer, self.stage.below)
        cell = Length.of(viewer).world(self._cell.value()) / pixel
        cell = max(cell, FINEST * max(np.ptp(shown.corners, axis=0)))
        return squares(shown, float(cell), odd=self._swap.isChecked())

    def nudge(self, steps: int) -> None:
        """Make the squares larger."""
        self._cell.stepBy(steps)
