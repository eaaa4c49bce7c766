"""What the buttons that run something do, and what is shown of a run under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError, InvalidOption
from clem_retrace.events import Event, Progress
from clem_retrace.geometry import Matrix
from clem_retrace.plugin import outputs
from clem_retrace.plugin.job import Answer
from clem_retrace.plugin.notices import report, sentence, tell
from clem_retrace.plugin.preferences import remember_options
from clem_retrace.plugin.runs import Run
from clem_retrace.plugin.searching import Request, Searching, registering

if TYPE_CHECKING:
    from clem_retrace.plugin.controls import Controls
    from clem_retrace.plugin.results import Results
    from clem_retrace.plugin.run_bar import RunBar
    from clem_retrace.plugin.scene import Scene

__all__ = ["Running"]

LOG_STAGES = {"LM representation": "LM", "EM representation": "EM"}


class Running(QObject):
    """Starts and stops runs, and hands what comes of them to `Results`.

    Signals
    -------
    event_arrived : Progress or StageResult
        Of the run under way; its layers have been added.
    changed
        A run has begun, or come to an end.
    """

    event_arrived = Signal(object)
    changed = Signal()

    def __init__(
        self,
        controls: Controls,
        searching: Searching,
        results: Results,
        scene: Scene,
        bar: RunBar,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._controls, self._searching, self._results = controls, searching, results
        self._scene, self._bar = scene, bar
        bar.run.connect(self.start)
        bar.cancel.connect(lambda: self.cancel())
        results.register.connect(self.register_shown)
        searching.running_changed.connect(self._on_running)
        searching.event_arrived.connect(self._on_event)
        searching.answered.connect(self._on_answer)
        searching.failed.connect(self._on_failure)

    @property
    def under_way(self) -> bool:
        """Whether something is being run."""
        return self._searching.running

    def start(self, kind: str = "search") -> None:
        """Run what the form describes, or say what is missing.

        Parameters
        ----------
        kind : str
            One of `run_bar.RUNS`.
        """
        request = self._made(lambda: self._request(kind))
        if request is None:
            return
        if kind == "from scratch":
            self._searching.forget()
        self._controls.images.keep()
        remember_options(self._controls.options.options())
        self._begin(request)

    def register_from(self, start: Matrix, *, register: bool) -> None:
        """Register from a place that was given by hand, or say what is missing.

        Parameters
        ----------
        start : ndarray, shape (3, 3)
            From EM to LM pixels.
        register : bool
            Otherwise the place is taken as it is.
        """
        request = self._made(lambda: self._request_from(start, register=register))
        if request is not None:
            self._controls.images.keep()
            self._begin(request)

    def _made(self, make: Callable[[], Request]) -> Request | None:
        """Return a request; None, the user being told why, when there is something wrong."""
        try:
            return make()
        except ClemRetraceError as error:
            self.say(report(error))
            return None

    def _request(self, kind: str) -> Request:
        """Return a run of what the form describes.

        Raises
        ------
        ClemRetraceError
            What is missing or wrong.
        """
        shown = self._results.shown
        lm, em = self._controls.images.pair()
        candidate, register = 0, {"register": True, "search only": False}.get(kind)
        if kind == "register" and shown is not None and shown.by_hand:
            return self._request_from(shown.shown.match.em_to_lm, register=True)
        if kind == "register" and shown is not None:
            candidate = shown.chosen
            if not shown.has_candidates_of(self._controls.form()):
                raise InvalidOption(
                    "more has changed than the registration's options: search again"
                )
        job, notes = self._controls.job(candidate, register=register)
        for note in notes:
            tell(note)
        return Request(lm, em, job, self._controls.form())

    def _request_from(self, start: Matrix, *, register: bool) -> Request:
        """Return a registration from a place that was given by hand, with the form as it is.

        Raises
        ------
        ClemRetraceError
            What is missing or wrong.
        """
        lm, em = self._controls.images.pair()
        job, notes = self._controls.job_from(start, register=register)
        for note in notes:
            tell(note)
        return Request(lm, em, job, self._controls.form())

    def register_shown(self) -> None:
        """Register the candidate that is shown, of the run as it was."""
        shown, pair = self._results.shown, self._results.pair
        if shown is not None and pair is not None:
            self._begin(registering(shown, *pair, warp=self._controls.options.warped))

    def _begin(self, request: Request) -> None:
        form = request.form
        # Wherever the region lies, it takes about as long.
        by_hand = request.job.start is not None
        self._bar.begin(None if form is None else (form.lm, form.em, form.options, by_hand))
        self._searching.start(request, self._results.runs.next_number)

    def cancel(self, why: str = "Cancelled") -> None:
        """Stop the run, if there is one."""
        if self._searching.running:
            self._searching.cancel()
            self._results.take_back_early()
            self.say(why)

    def forget_closed(self) -> None:
        """Stop what is under way for images that are no longer open, and let go of them."""
        request = self._searching.request
        if request is not None and not self._scene.has(request.lm, request.em):
            self.cancel("An image of the run was removed: the run is cancelled")
            self._searching.forget()

    def say(self, text: str) -> None:
        """Write a line below the buttons, unless a run writes there."""
        if not self._searching.running:
            self._bar.tell(sentence(text))

    def _on_running(self, running: bool) -> None:
        self._bar.show_running(running)
        self.changed.emit()

    def _on_event(self, event: Event) -> None:
        request = self._searching.request
        assert request is not None
        if isinstance(event, Progress):
            self._bar.show_progress(event)
        elif event.stage == "candidates" and request.extends is None:
            self._results.show_early(event.value, request.em)
        elif event.stage in LOG_STAGES and self._controls.options.log_images:
            which = LOG_STAGES[event.stage]
            image = request.lm if which == "LM" else request.em
            log, to_log = event.value.log, event.value.image_to_log
            self._scene.put(outputs.log_layer(log, to_log, image, which))
        self.event_arrived.emit(event)

    def _on_failure(self, failure: Exception) -> None:
        self._results.take_back_early()
        self.say(report(failure))

    def _on_answer(self, run: Run, answer: Answer) -> None:
        request = self._searching.request
        assert request is not None
        self._bar.finished()
        self.say("")
        first = not self._results.has_run_of(request.lm, request.em)
        self._results.keep_new(run)
        if first and not run.by_hand:
            # What is found lies on both images; what was placed by hand is looked at already.
            self._controls.placing.fit()
        if answer.warped is not None:
            self._scene.put(outputs.warped_layer(answer.warped, answer.registration, request.lm))
