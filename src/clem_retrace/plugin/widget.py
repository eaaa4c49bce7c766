"""The dock widget `Retrace and register`.

It wires its boxes, the `Runner` and the `Scene` together; it computes nothing. What a run
needs is resolved into one frozen `Job` on the GUI thread before the worker starts; what
comes back is shown by `show_result`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import notification_manager, show_info, show_warning
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Event, Progress
from clem_retrace.plugin import outputs
from clem_retrace.plugin.dock import ScrollingDock
from clem_retrace.plugin.image_box import ImageBox
from clem_retrace.plugin.job import Answer, Job
from clem_retrace.plugin.layers import em_patch, lm_region, region
from clem_retrace.plugin.options_box import OptionsBox
from clem_retrace.plugin.region_box import RegionBox
from clem_retrace.plugin.result_box import ResultBox
from clem_retrace.plugin.run_bar import RunBar, sentence
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.worker import Runner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from clem_retrace.pipeline import Registration

__all__ = ["RetraceWidget"]

LOG_STAGES = {"LM representation": "LM", "EM representation": "EM"}


class RetraceWidget(ScrollingDock):
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
        super().__init__(parent)
        self.setObjectName("retrace_and_register")
        self._viewer = napari_viewer
        self._scene = Scene(napari_viewer)
        self._runner = Runner(self)
        self._pair: tuple[Image, Image] | None = None
        self._registration: Registration | None = None
        self.images = ImageBox(lambda: self._viewer.dims.current_step)
        self.regions = RegionBox()
        self.options = OptionsBox()
        self.run_bar = RunBar()
        self.result = ResultBox()
        self.options.add_patch_row(self.regions.patch_row, self.regions.patch_choice)
        self.fill((self.images, self.regions, self.options, self.result), self.run_bar)
        self._connect()
        self._offer_layers()

    @property
    def registration(self) -> Registration | None:
        """The result that is shown, if there is one."""
        return self._registration

    def _connect(self) -> None:
        self.images.pair_changed.connect(self._on_pair)
        self.images.sizes_changed.connect(self._show_region)
        self.images.side_by_side.connect(self._place_side_by_side)
        self.images.calibrate.connect(self._calibrate)
        self.regions.draw.connect(self._draw)
        self.regions.drawn.connect(self._on_drawn)
        self.run_bar.run.connect(self.start)
        self.run_bar.cancel.connect(self.cancel)
        self._runner.running_changed.connect(self.run_bar.show_running)
        self._runner.event_arrived.connect(self._on_event)
        self._runner.succeeded.connect(self._on_answer)
        self._runner.failed.connect(self._on_failure)
        self._runner.warned.connect(lambda warned: notification_manager.receive_warning(*warned))
        for event in self._layer_events():
            event.connect(self._offer_layers)

    def _layer_events(self) -> tuple[Any, ...]:
        """Return the viewer's events after which other layers may be chosen from."""
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.reordered, events.renamed

    def _offer_layers(self) -> None:
        layers = list(self._viewer.layers)
        self.images.offer(layers)
        self.regions.offer(layers)
        if self._pair is not None and not self._scene.has(*self._pair):
            self._forget_pair()

    def _forget_pair(self) -> None:
        """Stop what is under way for layers that have been removed."""
        self._pair = None
        self._registration = None
        self.result.clear()
        if self._runner.running:
            self._runner.cancel()
            self._tell("an image of the run was removed: the run is cancelled")

    def _on_pair(self) -> None:
        self._fit_pair()
        self._show_region()
        self._show_patch()

    def opened(self) -> None:
        """Bring the images into view, now that the dock has taken its room from them."""
        self._fit_pair()

    def _fit_pair(self) -> None:
        if self.images.lm is not None and self.images.em is not None:
            self._scene.fit()

    def _draw(self, kind: str) -> None:
        """Make the layer of a kind, or take the one there is, and put it in drawing mode."""
        modality = outputs.DRAWINGS[kind].on
        image = self.images.lm if modality == "LM" else self.images.em
        if image is None:
            self._tell(f"choose the {modality} image first", warn=True)
            return
        self.images.keep()
        if self.images.em is not None and self.images.lm is not None:
            self._scene.set_apart(self.images.lm, self.images.em, self.regions.layers_on("EM"))
        shapes = self.regions.layer(kind)
        if shapes is None:
            shapes = self._scene.put(outputs.drawing_layer(image, kind))
            self.regions.choose(kind, shapes)
        self._scene.draw_in(shapes, image)
        self._tell(f"Drag a rectangle over '{image.name}'")

    def _place_side_by_side(self) -> None:
        lm, em = self.images.lm, self.images.em
        if lm is not None and em is not None:
            self._scene.place_side_by_side(lm, em, self.regions.layers_on("EM"))

    def _calibrate(self) -> None:
        """Write the pixel sizes in the form to the layers."""
        for image, size, modality in (
            (self.images.lm, self.images.lm_pixel_size, "LM"),
            (self.images.em, self.images.em_pixel_size, "EM"),
        ):
            if image is not None and size is not None:
                self._scene.calibrate(image, size, self.regions.layers_on(modality))
        self._scene.fit()

    def _on_drawn(self, kind: str) -> None:
        if not self._runner.running:
            # What was asked for has been done.
            self._tell("")
        {
            "roi": self._show_region,
            "ground truth": self._show_distance,
            "patch": self._show_patch,
        }[kind]()

    def _show_region(self) -> None:
        shapes, lm = self.regions.layer("roi"), self.images.lm
        if shapes is None or lm is None:
            self.regions.show_size("roi", "Press Draw and drag a rectangle on the LM image.")
            return
        try:
            roi = lm_region(shapes, lm).roi
        except ClemRetraceError as error:
            self.regions.show_size("roi", sentence(str(error)))
            return
        text = f"{roi.height:.0f} x {roi.width:.0f} LM px"
        if self.images.ratio is not None:
            height, width = roi.height * self.images.ratio, roi.width * self.images.ratio
            text += f", {height:.0f} x {width:.0f} EM px"
        self.regions.show_size("roi", text)

    def _show_patch(self) -> None:
        em, text = self.images.em, ""
        try:
            drawn = None if em is None else em_patch(self.regions.layer("patch"), em)
        except ClemRetraceError as error:
            text = sentence(str(error))
        else:
            if drawn is not None:
                text = f"patch {drawn.roi.height:.0f} x {drawn.roi.width:.0f} EM px"
        self.regions.show_size("patch", text)

    def _show_distance(self) -> None:
        truth, registration = self.regions.layer("ground truth"), self._registration
        distance = None
        if truth is not None and registration is not None and self._pair is not None:
            # Nothing drawn yet is no distance, and nothing to complain about.
            with suppress(ClemRetraceError):
                distance = registration.distance_to(region(truth, self._pair[1]).roi)
        self.result.show_distance(distance)

    def _job(self, lm: Image, em: Image) -> Job:
        """Return the run that the form describes, and tell how the drawings were read.

        Raises
        ------
        ClemRetraceError
            What is missing or wrong.
        """
        lm_source, em_source = self.images.sources()
        drawn = lm_region(self.regions.layer("roi"), lm)
        notes, others = drawn.notes, {"pixel_size_ratio": self.images.typed_ratio}
        patch = em_patch(self.regions.layer("patch"), em)
        if patch is not None:
            notes += patch.notes
            others["histogram.patch_height"] = patch.roi.height
            others["histogram.patch_width"] = patch.roi.width
        options = self.options.options(others)
        for note in notes:
            show_info(sentence(note))
        return Job(lm_source, em_source, drawn.roi, options, self.options.warped)

    def start(self) -> None:
        """Run what the form describes, or say what is missing."""
        try:
            lm, em = self.images.pair()
            job = self._job(lm, em)
        except ClemRetraceError as error:
            self._tell(str(error), warn=True)
            return
        self.images.keep()
        self._pair, self._registration = (lm, em), None
        self.result.clear()
        self._runner.start(job.steps)

    def cancel(self) -> None:
        """Stop the run, if there is one."""
        if self._runner.running:
            self._runner.cancel()
            self._tell("Cancelled")

    def _on_event(self, event: Event) -> None:
        assert self._pair is not None
        lm, em = self._pair
        if isinstance(event, Progress):
            self.run_bar.show_progress(event)
        elif event.stage == "candidates":
            self._scene.show_candidates(event.value, em)
        elif event.stage in LOG_STAGES and self.options.log_images:
            which = LOG_STAGES[event.stage]
            image = lm if which == "LM" else em
            representation = event.value
            self._scene.put(
                outputs.log_layer(representation.log, representation.image_to_log, image, which)
            )
        self.event_arrived.emit(event)

    def _on_answer(self, answer: Answer) -> None:
        assert self._pair is not None
        lm, em = self._pair
        if answer.warped is not None:
            self._scene.put(outputs.warped_layer(answer.warped, answer.registration, lm))
        self.show_result(answer.registration, lm, em)

    def _on_failure(self, failure: Exception) -> None:
        if isinstance(failure, ClemRetraceError):
            self._tell(str(failure), warn=True)
        else:
            self._tell("The run failed: see the error message")
            notification_manager.receive_error(type(failure), failure, failure.__traceback__)

    def show_result(self, registration: Registration, lm: Image, em: Image) -> None:
        """Show a registration of two layers, as after a run.

        Parameters
        ----------
        registration : Registration
        lm, em : Image
            Layers of the viewer.
        """
        self._pair, self._registration = (lm, em), registration
        self._scene.show_registration(registration, lm, em)
        self.result.show_registration(registration)
        self._show_distance()
        self._tell("")
        self.reveal(self.result)

    def _tell(self, text: str, *, warn: bool = False) -> None:
        """Write a line below the buttons, and a notification if it asks for something."""
        text = sentence(text)
        self.run_bar.tell(text)
        if warn:
            show_warning(text)

    def released(self) -> None:
        """Cancel the run and disconnect from the viewer."""
        self._runner.cancel()
        for event in self._layer_events():
            event.disconnect(self._offer_layers)
