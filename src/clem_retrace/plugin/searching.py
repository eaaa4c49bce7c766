"""Runs in the worker: what is asked for is resolved on the GUI thread, then handed over."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.memory import Memory
from clem_retrace.plugin.form import image_key
from clem_retrace.plugin.job import Answer, Job, Reader
from clem_retrace.plugin.layers import image_source
from clem_retrace.plugin.runs import Run
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.micrograph import Micrograph
    from clem_retrace.plugin.form import Form

__all__ = ["Request", "Searching", "registering"]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A run that was asked for.

    Attributes
    ----------
    lm, em : Image
        The layers, for what is shown.
    job : Job
    form : Form or None
        How the form stood.
    extends : Run or None
        The run of which this registers a candidate; None for a run of its own.
    """

    lm: Image
    em: Image
    job: Job
    form: Form | None
    extends: Run | None = None

    def run(self, answer: Answer, number: int, seconds: float) -> Run:
        """Return the run that an answer makes, or adds to.

        One that was opened from a file of another version may not find the same candidates.
        """
        if self.extends is not None and self.extends.has_candidates(answer.registration):
            return self.extends.adding(answer.registration)
        return Run.of_search(
            number,
            (self.lm.unique_id, self.em.unique_id),
            answer.registration,
            form=self.form,
            seconds=seconds,
            region=answer.region,
            described=answer.images,
        )


def registering(run: Run, lm: Image, em: Image, *, warp: bool) -> Request:
    """Return the request to register the candidate of a run that is shown.

    It repeats the run as it was, whatever the form says now, but for the candidate taken:
    what the pipeline remembers is not done again.
    """
    form, registration = run.form, run.shown
    lm_nm, em_nm = registration.lm.pixel_size, registration.em.pixel_size
    options = registration.options
    if not options.affine.enabled:
        options = dataclasses.replace(
            options, affine=dataclasses.replace(options.affine, enabled=True)
        )
    job = Job(
        image_source(lm, lm_nm, None if form is None else form.stack),
        image_source(em, em_nm),
        registration.roi,
        options,
        run.chosen,
        warp,
        registration.match.em_to_lm if run.by_hand else None,
    )
    return Request(lm, em, job, form, extends=run)


class Searching(QObject):
    """Runs one request at a time; a newer one replaces an older one.

    Attributes
    ----------
    memory : Memory
        What stages returned in earlier runs.
    request : Request or None
        The last that was started.

    Signals
    -------
    event_arrived : Progress or StageResult
    answered : Run, Answer
    failed : Exception
    running_changed : bool
    """

    event_arrived = Signal(object)
    answered = Signal(object, object)
    failed = Signal(object)
    running_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.memory, self._reader = Memory(), Reader()
        self._runner = Runner(self)
        self._begun = 0.0
        self._number = 0
        self.request: Request | None = None
        self._runner.event_arrived.connect(self.event_arrived)
        self._runner.running_changed.connect(self.running_changed)
        self._runner.failed.connect(self.failed)
        self._runner.succeeded.connect(self._on_answer)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._runner.running

    def start(self, request: Request, number: int) -> None:
        """Run a request.

        Parameters
        ----------
        request : Request
        number : int
            Of the run that it makes, if it makes one.
        """
        self.request, self._number = request, number
        self._begun = time.monotonic()
        reader, memory = self._reader, self.memory
        self._runner.start(lambda: request.job.steps(reader, memory))

    def images_of(
        self, run: Run, lm: Image, em: Image
    ) -> Callable[[], tuple[Micrograph, Micrograph]] | None:
        """Return what reads the images of a run again, for a worker; None if they are others now.

        A layer may have been given other pixels, even while it was searched.
        """
        form = run.form
        if form is not None and (image_key(lm), image_key(em)) != (form.lm, form.em):
            return None
        job, reader = registering(run, lm, em, warp=False).job, self._reader
        return lambda: (reader.read("LM", job.lm), reader.read("EM", job.em))

    def cancel(self) -> None:
        """Stop the run, if there is one."""
        self._runner.cancel()

    def forget(self) -> None:
        """Reuse nothing of earlier runs, and let go of the images."""
        self.memory.clear()
        self._reader = Reader()
        if not self.running:
            self.request = None

    def _on_answer(self, answer: Answer) -> None:
        assert self.request is not None
        run = self.request.run(answer, self._number, time.monotonic() - self._begun)
        self.answered.emit(run, answer)
