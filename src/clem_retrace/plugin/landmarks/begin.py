"""What pairs are begun with, and pairs that are proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.geometry import Matrix
from clem_retrace.inputs import overlap_region
from clem_retrace.plugin.landmarks.known import facts, known_region, known_transform
from clem_retrace.plugin.landmarks.pairing import Pairing, Past
from clem_retrace.plugin.landmarks.proposing import propose
from clem_retrace.plugin.moves.box import MovesBox
from clem_retrace.plugin.moves.placed import first_place
from clem_retrace.plugin.notices import warn
from clem_retrace.plugin.regions import cut_from
from clem_retrace.plugin.timers import later

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.boxes import StartBox
    from clem_retrace.plugin.landmarks.canvas import Canvas
    from clem_retrace.plugin.landmarks.desk import Desk
    from clem_retrace.plugin.landmarks.files import Files

__all__ = ["Begin"]


#: Why the EM cannot be moved by hand.
DECIDED = "The pairs decide where the EM lies: to move it by hand, switch off or delete some"


class Begin(QObject):
    """Takes up the pairs of two images where they were left, or begins anew.

    Signals
    -------
    proposed
        Pairs were proposed, to be looked at.
    moving : bool
        The EM is to be moved by hand, or no longer.
    register_asked
        The images are to be registered from where the EM was moved.
    """

    proposed = Signal()
    moving = Signal(bool)
    register_asked = Signal()

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        box: StartBox,
        files: Files,
        viewer: Viewer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._canvas, self._box = desk, canvas, box
        self._files, self._viewer = files, viewer
        # A run adds its layers one after the other: begin with it when all are there.
        self._later = later(self, self._begin)
        box.from_result.connect(self._from_result)
        box.from_file.connect(self._from_file)
        box.from_nothing.connect(lambda: desk.start_from(None, "hand"))
        self._moves = MovesBox(viewer)
        box.moves.addWidget(self._moves)
        self._moves.wanted.connect(self._on_moves)
        self._moves.moved.connect(lambda matrix: desk.drag_start(matrix, "hand"))
        self._moves.settled.connect(self._on_moved)
        self._moves.register_asked.connect(lambda _: self.register_asked.emit())
        desk.changed.connect(self._follow)

    def take_up(self) -> None:
        """Take up the pairs that are kept with the images, or begin with a result."""
        lm, em = self._canvas.images().values()
        kept = self._canvas.points.kept
        self._desk.take_up(Past() if kept is None else kept, facts(lm), facts(em))
        self._begin()
        self.show_offers()

    def show_offers(self) -> None:
        """Show what can be begun with; begin with a result that has come, if nothing is done."""
        images = self._canvas.images()
        found = known_transform(self._viewer.layers, *images.values()) if images else None
        self._box.show_offers(result=found is not None, images=bool(images))
        if found is not None and self._is_untouched:
            self._later.start()

    @property
    def _is_untouched(self) -> bool:
        past = self._desk.past
        return past.now.start is None and not len(past.now) and not past.before

    def _begin(self) -> None:
        images = self._canvas.images()
        found = known_transform(self._viewer.layers, *images.values()) if images else None
        if found is not None and self._is_untouched:
            begun = Pairing(
                model=self._desk.pairing.model, start=found.em_to_lm, origin=found.origin
            )
            self._desk.take_up(Past(begun), *map(facts, images.values()))

    def _from_result(self) -> None:
        found = known_transform(self._viewer.layers, *self._canvas.images().values())
        if found is not None:
            self._desk.start_from(found.em_to_lm, found.origin)

    def _from_file(self) -> None:
        lm, em = self._canvas.images().values()
        transform = self._files.load(facts(lm), facts(em), "Begin with a transform")
        if transform is not None:
            self._desk.start_from(transform.em_to_lm, "file")

    # Moves by hand

    def stop(self) -> None:
        """Begin nothing any more."""
        self._later.stop()
        self.stop_moves()

    def stop_moves(self) -> None:
        """Let the EM not be moved by hand any more."""
        if self._moves.active:
            self._moves.stop()
            self.moving.emit(False)

    def _on_moves(self, wanted: bool) -> None:
        """Show the frame to move the EM by, or take it away."""
        images, fit = self._canvas.images(), self._desk.fit
        if not wanted or not images:
            self.stop_moves()
            return
        lm, em = images.values()
        roi = known_region(list(self._viewer.layers), lm, em)
        if fit.transform is None:
            middle = None if roi is None else roi.centre
            self._desk.start_from(first_place(facts(lm), facts(em), middle), "hand")
        matrix = self._desk.pairing.start
        assert matrix is not None
        self._moves.start(matrix, lm, em, roi)
        self.moving.emit(True)

    def _on_moved(self, matrix: Matrix) -> None:
        self._desk.drag_start(matrix, "hand")
        self._desk.settle("a move by hand")

    def _follow(self) -> None:
        """Follow what was undone; the pairs, once they tell enough, leave nothing to move."""
        start, source = self._desk.pairing.start, self._desk.fit.source
        decided = source in ("pairs", "earlier pairs")
        self._moves.show_possible(bool(self._canvas.images()), DECIDED if decided else "")
        if not self._moves.active or self._desk.is_dragging:
            return
        if source != "start" or start is None:
            self.stop_moves()
        elif self._moves.matrix is None or not np.array_equal(start, self._moves.matrix):
            self._moves.place(start)

    def propose(self) -> None:
        """Add pairs to be checked, well spread over the region."""
        transform = self._desk.fit.transform
        if transform is None:
            return
        lm, em = self._canvas.images().values()
        roi = known_region(list(self._viewer.layers), lm, em)
        try:
            common = overlap_region(transform.lm.shape, transform.em.shape, transform.em_to_lm)
        except ClemRetraceError as error:
            warn(str(error))
            return
        where = common if roi is None else roi
        self._desk.add_to_check(propose(where, cut_from(lm, where)))
        self.proposed.emit()
