"""What is done with the pairs and their transform in the end: taken for a result, saved, loaded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.plugin.docks import open_dock
from clem_retrace.plugin.landmarks.known import facts
from clem_retrace.plugin.landmarks.pairing import Pairing
from clem_retrace.registration.landmarks import Landmarks

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.boxes import TakeBox
    from clem_retrace.plugin.landmarks.canvas import Canvas
    from clem_retrace.plugin.landmarks.desk import Desk
    from clem_retrace.plugin.landmarks.files import Files
    from clem_retrace.plugin.widget import RetraceWidget

__all__ = ["Ending"]


class Ending(QObject):
    """Does what the buttons of a `TakeBox` say.

    Signals
    -------
    told : str
    """

    told = Signal(str)

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        box: TakeBox,
        files: Files,
        viewer: Viewer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._canvas, self._box = desk, canvas, box
        self._files, self._viewer = files, viewer
        box.take.connect(lambda: self.take(refine=False))
        box.refine.connect(lambda: self.take(refine=True))
        box.save.connect(self._save)
        box.load.connect(self._load)

    def show_offers(self) -> None:
        """Show what can be done with the pairs as they are."""
        fit, why_not = self._desk.fit, ""
        if fit.transform is None:
            why_not = "There is no transform yet."
        elif not fit.is_current:
            why_not = "The pairs as they are give no transform."
        self._box.show_offers(images=bool(self._canvas.images()), why_not=why_not)

    def take(self, *, refine: bool) -> None:
        """Take the transform for a result, or let the images be registered from there.

        It is a run of the dock that shows results, with the region and the options set there.
        """
        transform = self._desk.fit.transform
        if transform is None:
            return
        lm, em = self._canvas.images().values()
        done = "Registering from here" if refine else "Taking it"
        # A run has a matrix; what bends is exported from this dock's own overlay.
        straight = "" if transform.spline is None else " Of the spline it has the affine part."
        self.told.emit(f"{done}: see 'Retrace and register'.{straight}")
        retrace: RetraceWidget = open_dock(self._viewer, "Retrace and register")
        retrace.register_from(transform.em_to_lm, images=(lm, em), register=refine)

    def _save(self) -> None:
        fit = self._desk.fit
        if fit.transform is not None and fit.is_current:
            self._files.save(dataclasses.replace(fit.transform, landmarks=fit.pairing.landmarks))

    def _load(self) -> None:
        lm, em = self._canvas.images().values()
        transform = self._files.load(facts(lm), facts(em), "Load landmarks")
        if transform is None:
            return
        now, landmarks = self._desk.past.now, transform.landmarks
        if landmarks is None:
            self._desk.replace(
                Pairing(Landmarks.of(), now.model, transform.em_to_lm, "file"), "a file loaded"
            )
            self.told.emit("The file holds no pairs: its transform is what is begun with.")
            return
        model = transform.model if transform.origin == "landmarks" else now.model
        self._desk.replace(dataclasses.replace(now, landmarks=landmarks, model=model),
                           "a file loaded")  # fmt: skip
        self.told.emit(f"Loaded {len(landmarks)} pairs; undo brings back those before.")
