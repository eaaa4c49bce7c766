"""From pair to pair, and from a point to its partner, with the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from clem_retrace.registration.landmarks import Which, partner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clem_retrace.plugin.landmarks.canvas import Canvas
    from clem_retrace.plugin.landmarks.desk import Desk

__all__ = ["Tour"]


class Tour(QObject):
    """Looks at one pair after the other.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
    order : callable
        Returns the pairs in the order in which the user sees them.
    """

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        order: Callable[[], Sequence[int]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._canvas, self._order = desk, canvas, order
        self._side: Which = "lm"

    def go(self, pair: int) -> None:
        """Work on a pair, and look at it: at what is still to be checked, or at the LM."""
        self._desk.choose(pair)
        missing = self._desk.pairing.missing(pair)
        if missing is not None and self._desk.fit.transform is None:
            missing = partner(missing)
        self._look(missing or "lm")

    def step(self, steps: int) -> None:
        """Go to the pair some rows on; after the last comes the first."""
        order = list(self._order())
        if not order:
            return
        chosen = self._desk.chosen
        if chosen in order:
            self.go(order[(order.index(chosen) + steps) % len(order)])
        else:
            self.go(order[0 if steps > 0 else -1])

    def hop(self) -> None:
        """Look at the partner of the point that was looked at, or at where it will be."""
        if self._desk.chosen is not None:
            self._look(partner(self._side))

    def confirm(self) -> None:
        """Take the prediction for right, and look at the next pair that has one."""
        desk = self._desk
        if desk.chosen is None:
            return
        desk.confirm(desk.chosen)
        unconfirmed = [pair for pair in self._order() if pair in desk.pairing.unconfirmed]
        if unconfirmed and desk.chosen not in unconfirmed:
            self.go(unconfirmed[0])

    def _look(self, which: Which) -> None:
        self._side = which
        if self._desk.chosen is not None:
            self._canvas.look(self._desk.chosen, which)
