"""The dock widget `Retrace and register`.

It makes the parts and wires them together; it computes nothing. `Controls` is what a run is
set up with, `Running` what the buttons do, `Results` what has come of it; `guide` says what
comes next, `Undoing` puts back how things stood.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.plugin.controls import Controls
from clem_retrace.plugin.copying import Copying
from clem_retrace.plugin.dock import StepsDock
from clem_retrace.plugin.docks import open_dock
from clem_retrace.plugin.edge_widths import EdgeWidths
from clem_retrace.plugin.guide import Facts, Next
from clem_retrace.plugin.landmarks.kept import lay_pairs
from clem_retrace.plugin.notices import sentence
from clem_retrace.plugin.opening import Opening
from clem_retrace.plugin.plots import WhyBox
from clem_retrace.plugin.preferences import kept_runs, remembered_options
from clem_retrace.plugin.result_box import ResultBox, verdict_text
from clem_retrace.plugin.results import Results
from clem_retrace.plugin.run_bar import RunBar
from clem_retrace.plugin.run_list import RunList
from clem_retrace.plugin.running import Running
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.searching import Searching
from clem_retrace.plugin.session_file import SessionFile
from clem_retrace.plugin.step_box import StepBox
from clem_retrace.plugin.step_list import StepList
from clem_retrace.plugin.undoing import Undoing

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.result import Registration

__all__ = ["RetraceWidget"]


class RetraceWidget(StepsDock):
    """Find a region of the LM image in the EM image, and lay the EM over the LM.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A `ViewerModel` will do.

    Signals
    -------
    event_arrived : Progress or StageResult
        Of the run under way; its layers have been added.
    """

    event_arrived = Signal(object)

    def __init__(self, napari_viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("retrace_and_register", napari_viewer, parent)
        self._scene = Scene(napari_viewer)
        self._controls = Controls(self._scene, lambda: self._viewer.dims.current_step, self)
        self.images, self.regions = self._controls.images, self._controls.regions
        self.options = self._controls.options
        self.result, self.why, self.run_bar = ResultBox(), WhyBox(), RunBar()
        self.run_list = RunList(kept_runs())
        self._make_parts()
        self._lay_out()
        self._connect()
        remembered = remembered_options()
        if remembered is not None:
            self.options.set_options(remembered)
        self.follow_viewer()
        self.layers_changed()
        self._refresh()

    def _make_parts(self) -> None:
        searching = Searching(self)
        self._results = Results(self._scene, self.result, self.why, self.run_list, searching, self)
        self._running = Running(
            self._controls, searching, self._results, self._scene, self.run_bar, self
        )
        self._file = SessionFile(self._controls, self._results, self.run_list, self._scene, self)
        self._copying = Copying(self._results, self.run_list, self)
        self._opening = Opening(self._viewer, self._scene, self.images, self)
        self._edges = EdgeWidths(self._viewer, self)
        self._undoing = Undoing(self._controls, self._results, self.run_bar, self.run_list, self)

    def _lay_out(self) -> None:
        images, regions, result = self.images, self.regions, self.result
        self._steps = StepList(
            {"images": images, "region": regions, "search": self.options, "check": result},
            {
                Next.OPEN_IMAGES: images.open_button,
                Next.CHOOSE_IMAGES: images.lm_choice.choice,
                Next.TYPE_LM_SIZE: images.lm_choice.size,
                Next.TYPE_EM_SIZE: images.em_choice.size,
                Next.DRAW: regions.draw_button,
                Next.SEARCH: self.run_bar.search_button,
                Next.SHOW_OVERLAY: result.see_overlay,
                Next.NEXT_CANDIDATE: result.next_candidate,
            },
            self,
        )
        # The header above it says what it is.
        self.why.setTitle("")
        self.why.setFlat(True)
        boxes = (
            *self._steps.boxes.values(),
            StepBox("step_why", "Why", self.why),
            StepBox("step_runs", "Runs of this session", self.run_list),
        )
        self.fill_steps(boxes, self.run_bar)

    def _connect(self) -> None:
        self._controls.changed.connect(self._refresh)
        self._controls.dragged.connect(partial(self._refresh, settled=False))
        self._controls.drawing.asked.connect(self._running.say)
        self._running.event_arrived.connect(self.event_arrived)
        self._running.changed.connect(partial(self._refresh, settled=False))
        self._results.changed.connect(self._refresh)
        for part in (self._opening, self._file):
            part.changed.connect(partial(self._refresh, settled=False))
        self._file.told.connect(self._running.say)
        self._file.landmarks_opened.connect(partial(lay_pairs, self._viewer, self._scene))
        self._copying.copied.connect(self._running.say)
        self._undoing.restored.connect(self._refresh)
        for wanted, name in (
            (self.result.compare, "Compare"),
            (self.result.move_by_hand, "Landmarks"),
            (self.result.export, "Export"),
        ):
            wanted.connect(partial(self._open_dock, name))

    def _open_dock(self, name: str) -> None:
        open_dock(self._viewer, name)

    def layers_changed(self) -> None:
        """Offer the layers of the viewer, and let go of those that were closed."""
        self._controls.offer(self._viewer.layers)
        self._results.forget_closed()
        self._running.forget_closed()

    def opened(self) -> None:
        """Bring the images into view, now that the dock has taken its room from them."""
        self._controls.placing.fit()

    # How things stand

    @property
    def results(self) -> Results:
        """The runs of the session, and the one that is shown."""
        return self._results

    @property
    def registration(self) -> Registration | None:
        """The result that is shown, if there is one."""
        shown = self._results.shown
        return None if shown is None else shown.shown

    def _refresh(self, *, settled: bool = True) -> None:
        """Show how things stand; what has settled can be undone."""
        form, fault = self._controls.form_or_fault()
        shown = self._results.shown
        outdated = "" if shown is None else shown.outdated_by(form, fault)
        self._results.show_outdated(outdated)
        self._results.show_distance(self.regions.layer("ground truth"))
        self._controls.show_sizes()
        self.run_bar.show_searched(shown is not None)
        step = self._steps.show_facts(self._facts(outdated))
        if step is not None:
            self.reveal(self._steps.boxes[step])
        # What a run shows on its way is no change by the user.
        if settled and form is not None and not self._running.under_way:
            self._undoing.note(form)

    def _facts(self, outdated: str) -> Facts:
        shown, drawing = self._results.shown, self._controls.drawing
        return Facts(
            images_offered=len(self.images.offered),
            images_fault=sentence(self._opening.busy or self._file.busy or self.images.fault),
            images=self.images.summary,
            size_missing=self.images.size_missing,
            region_fault=sentence(drawing.region_fault),
            # A patch that is drawn is not to be used unseen.
            region="; ".join(filter(None, (drawing.region_summary, drawing.patch_summary))),
            options=self.options.summary,
            running="Under way: see below" if self._running.under_way else "",
            searched="" if shown is None else shown.summary,
            outdated=outdated,
            verdict="" if shown is None else verdict_text(shown),
            found=shown is not None and shown.stands,
            settled=shown is not None
            and (shown.of(0).found or shown.taken_by_hand or shown.by_hand),
            by_hand=shown is not None and shown.by_hand,
        )

    # For those who open the dock from a program

    def start(self) -> None:
        """Run what the form describes, or say what is missing."""
        self._running.start()

    def cancel(self) -> None:
        """Stop the run, if there is one."""
        self._running.cancel()

    def show_result(self, registration: Registration, lm: Image, em: Image) -> None:
        """Show a registration of two layers, as after a run.

        Parameters
        ----------
        registration : Registration
        lm, em : Image
            Layers of the viewer.
        """
        form, _ = self._controls.form_or_fault()
        self._results.keep_from_elsewhere(registration, lm, em, form)

    def register_from(
        self,
        em_to_lm: ArrayLike,
        *,
        images: tuple[Image, Image] | None = None,
        register: bool = True,
    ) -> None:
        """Register two images from a place that was given by hand, as a run of its own.

        What is missing or wrong is said, not raised.

        Parameters
        ----------
        em_to_lm : array_like, shape (3, 3)
            From EM pixels to LM pixels, (row, col, 1).
        images : (LM, EM), optional
            Layers of the viewer, which become the chosen ones.
        register : bool
            Otherwise the place is taken as it is.
        """
        if images is not None:
            self.images.keep()
            self.images.choose(*images)
        self._running.register_from(np.array(em_to_lm, np.float64), register=register)

    def released(self) -> None:
        """Stop what is under way and disconnect from the viewer."""
        self._running.cancel()
        self._opening.stop()
        self._file.stop()
        self.why.stop()
        self._edges.release()
        super().released()
        self._results.release()
        self._controls.release()
