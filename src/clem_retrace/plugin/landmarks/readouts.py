"""`Readouts`: how things stand on a desk, shown in the boxes of the dock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from clem_retrace.plugin.landmarks.known import facts
from clem_retrace.plugin.landmarks.pair_table import rows
from clem_retrace.plugin.landmarks.steps import states
from clem_retrace.plugin.landmarks.telling import comes_next, summary, warnings
from clem_retrace.plugin.timers import later

if TYPE_CHECKING:
    from clem_retrace.plugin.landmarks.bar import Bar
    from clem_retrace.plugin.landmarks.boxes import ImagesBox
    from clem_retrace.plugin.landmarks.canvas import Canvas
    from clem_retrace.plugin.landmarks.desk import Desk
    from clem_retrace.plugin.landmarks.errors_box import ErrorsBox
    from clem_retrace.plugin.landmarks.pairs_box import PairsBox
    from clem_retrace.plugin.step_box import StepBox

__all__ = ["Readouts"]

#: Milliseconds between two times that numbers are shown in the course of a drag.
NUMBERS = 80

#: The steps that can be worked on when there are two images.
WORK = ("pairs", "errors", "take")


class Readouts(QObject):
    """Shows the pairs, their errors, how far each step is, and what comes next."""

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        images: ImagesBox,
        pairs: PairsBox,
        errors: ErrorsBox,
        bar: Bar,
        steps: Mapping[str, StepBox],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._canvas, self._images = desk, canvas, images
        self._pairs, self._errors, self._bar, self._steps = pairs, errors, bar, steps
        self._due: tuple[str, ...] = ()
        self._later = later(self, self.show_numbers, NUMBERS)
        desk.changed.connect(self.show)
        desk.moved.connect(self._show_soon)
        desk.chosen_changed.connect(self._show_chosen)
        errors.unit_changed.connect(self.show_numbers)

    def stop(self) -> None:
        """Show nothing any more."""
        self._later.stop()

    def show(self) -> None:
        """Show how things stand."""
        self._bar.tell("")
        self._bar.undoing.show(self._desk.past.undo_words, self._desk.past.redo_words)
        self._pairs.show_model(self._desk.pairing.model)
        self.show_numbers()

    def _show_soon(self) -> None:
        """Show the numbers in the course of a drag, now and then."""
        if not self._later.isActive():
            self._later.start()

    def show_numbers(self, _: Any = None) -> None:
        """Show the pairs and their errors."""
        fit, pair = self._desk.fit, self._images.pair
        images = None if pair is None else (facts(pair[0]), facts(pair[1]))
        self._errors.show_units(calibrated=images is not None and bool(images[0].pixel_size))
        table = self._pairs.table
        # Rows that change places in the course of a drag could not be read.
        order = table.shown if self._desk.is_dragging else None
        table.show_rows(rows(fit, in_nm=self._errors.in_nm, order=order), self._desk.chosen)
        self._errors.show_texts(summary(fit), warnings(fit))
        self._canvas.show_errors()
        error_layer = self._canvas.error_layer
        self._errors.show_map(error_layer.limits, error_layer.unit, possible=error_layer.can(fit))
        for name, state in states(fit, images, self._images.fault).items():
            self._steps[name].show_state(state)
        self._fold(images is not None)
        self._show_chosen()

    def _fold(self, ready: bool) -> None:
        """Open the steps that can be worked on, when these are others."""
        due: tuple[str, ...] = ("images",)
        if ready:
            # Where the EM lies is a matter of the beginning.
            due = WORK if len(self._desk.pairing) else ("start", *WORK)
        if due == self._due:
            return
        self._due = due
        for name, step in self._steps.items():
            if name in due:
                step.come_to()
            else:
                step.leave()

    def _show_chosen(self) -> None:
        """Show which pair is worked on, and what can be done with it."""
        chosen, fit = self._desk.chosen, self._desk.fit
        unconfirmed = chosen is not None and fit.pairing.missing(chosen) is not None
        self._pairs.table.show_chosen(chosen)
        self._pairs.show_offers(
            images=self._images.pair is not None,
            predicting=fit.transform is not None,
            chosen=chosen is not None,
            unconfirmed=unconfirmed and fit.transform is not None,
        )
        coming = comes_next(fit, self._desk.due, adding=self._pairs.is_adding)
        self._bar.show_next(self._images.fault or coming)
