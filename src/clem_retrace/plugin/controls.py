"""All with which a run is set up, as one: read as a `Form` or a `Job`, and written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.geometry import Matrix
from clem_retrace.inputs import overlap_region
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.drawing import Drawing
from clem_retrace.plugin.form import Form, image_key, outline
from clem_retrace.plugin.frames import image_shape
from clem_retrace.plugin.image_box import ImageBox
from clem_retrace.plugin.job import Job
from clem_retrace.plugin.options_box import OptionsBox
from clem_retrace.plugin.placing import Placing
from clem_retrace.plugin.preview import Preview
from clem_retrace.plugin.region_box import RegionBox
from clem_retrace.plugin.regions import Region, em_patch, lm_region

if TYPE_CHECKING:
    from napari.layers import Layer

    from clem_retrace.plugin.scene import Scene

__all__ = ["Controls"]


class Controls(QObject):
    """The boxes of the images, the region and the options, and what serves them.

    Attributes
    ----------
    images : ImageBox
    regions : RegionBox
    options : OptionsBox
    drawing : Drawing
    placing : Placing

    Signals
    -------
    changed
        Something is set in another way.
    dragged
        Something is being drawn or moved.
    layer_changed
        What is drawn is read from another layer.
    """

    changed = Signal()
    dragged = Signal()
    layer_changed = Signal()

    def __init__(
        self,
        scene: Scene,
        current_step: Callable[[], Sequence[int]],
        parent: QObject | None = None,
    ) -> None:
        """Make the boxes; whoever owns this lays them out.

        Parameters
        ----------
        scene : Scene
        current_step : callable
            Returns where the viewer's sliders stand.
        """
        super().__init__(parent)
        self._scene = scene
        self.images = ImageBox(current_step)
        self.regions = RegionBox()
        self.options = OptionsBox()
        self.options.add_patch_row(self.regions.patch_row, self.regions.patch_choice)
        self.drawing = Drawing(self.images, self.regions, scene, self)
        self.placing = Placing(self.images, self.regions, scene, self)
        self._preview = Preview(self.images, scene, self)
        self.images.changed.connect(self.changed)
        self.options.changed.connect(self.changed)
        self.regions.settled.connect(self.changed)
        self.regions.drawn.connect(lambda _: self.dragged.emit())
        self.regions.layer_changed.connect(self.layer_changed)

    def offer(self, layers: Iterable[Layer]) -> None:
        """Offer the layers of the viewer."""
        offered = list(layers)
        self.images.offer(offered)
        self.regions.offer(offered)

    def show_sizes(self) -> None:
        """Show how large what is drawn is, in pixels of both images."""
        self.regions.show_size("roi", self.drawing.region_summary)
        self.regions.show_size("patch", self.drawing.patch_summary)

    def release(self) -> None:
        """Let go of all layers."""
        self._preview.stop()
        self.drawing.release()
        self.regions.release()
        self.images.release()

    def form(self) -> Form:
        """Return how the form stands.

        Raises
        ------
        InvalidOption
            Two options contradict each other.
        """
        images, regions = self.images, self.regions
        return Form(
            lm=image_key(images.lm),
            em=image_key(images.em),
            lm_pixel_size=images.lm_pixel_size,
            em_pixel_size=images.em_pixel_size,
            ratio=images.typed_ratio,
            stack=images.stack.choice,
            roi=outline(regions.layer("roi"), images.lm),
            patch=outline(regions.layer("patch"), images.em),
            options=self.options.options(),
        )

    def form_or_fault(self) -> tuple[Form | None, str]:
        """Return how the form stands, or what keeps it from being read."""
        try:
            return self.form(), ""
        except ClemRetraceError as error:
            return None, str(error)

    def put(self, form: Form) -> None:
        """Let the form stand in another way; the images stay as they are chosen."""
        images = self.images
        for layer, nm, modality in (
            (images.lm, form.lm_pixel_size, "LM"),
            (images.em, form.em_pixel_size, "EM"),
        ):
            if layer is not None and nm is None:
                self._scene.uncalibrate(layer, self.regions.layers_on(modality))
        images.put_sizes(form.lm_pixel_size, form.em_pixel_size, form.ratio)
        images.stack.put(form.stack)
        self.options.set_options(form.options)
        for kind, drawn in (("roi", form.roi), ("patch", form.patch)):
            # What is there already is not drawn again: napari would take it for a change.
            if drawn != outline(self.regions.layer(kind), self.drawing.image_of(kind)):
                self.drawing.put(kind, drawn)

    def job(self, candidate: int = 0, *, register: bool | None = None) -> tuple[Job, list[str]]:
        """Return the run that the form describes, and notes on how the drawings were read.

        Parameters
        ----------
        candidate : int
            Which is taken, from 0.
        register : bool, optional
            Whether it is registered; as the options say when not given.

        Raises
        ------
        ClemRetraceError
            What is missing or wrong.
        """
        lm, em = self.images.pair()
        sources = self.images.sources()
        drawn = lm_region(self.regions.layer("roi"), lm)
        notes, others = list(drawn.notes), {}
        patch = em_patch(self.regions.layer("patch"), em)
        if patch is not None:
            notes += patch.notes
            others["histogram.patch_height"] = patch.roi.height
            others["histogram.patch_width"] = patch.roi.width
        options = self._options(others, register)
        return Job(*sources, drawn.roi, options, candidate, self.options.warped), notes

    def job_from(self, start: Matrix, *, register: bool | None = None) -> tuple[Job, list[str]]:
        """Return the registration from a place that was given by hand, and notes as in `job`.

        Parameters
        ----------
        start : ndarray, shape (3, 3)
            From EM to LM pixels.
        register : bool, optional
            As in `job`; otherwise the place is taken as it is.

        Raises
        ------
        ClemRetraceError
            What is missing or wrong; a region is not needed.
        """
        lm, em = self.images.pair()
        sources = self.images.sources(by_hand=True)
        shapes = self.regions.layer("roi")
        if shapes is None or len(shapes.data) == 0:
            drawn = Region(overlap_region(image_shape(lm), image_shape(em), start), ())
        else:
            drawn = lm_region(shapes, lm)
        options = self._options({}, register)
        job = Job(*sources, drawn.roi, options, 0, self.options.warped, start)
        return job, list(drawn.notes)

    def _options(self, others: Mapping[str, Any], register: bool | None) -> RegistrationOptions:
        """Return the options with what the images and the drawings give."""
        options = self.options.options({"pixel_size_ratio": self.images.typed_ratio, **others})
        if register is None:
            return options
        affine = dataclasses.replace(options.affine, enabled=register)
        return dataclasses.replace(options, affine=affine)
