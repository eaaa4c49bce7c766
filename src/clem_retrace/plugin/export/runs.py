"""The runs that a report is made of, from the dock `Retrace and register` or from an overlay."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Steps
from clem_retrace.inputs import overlap_region
from clem_retrace.io.session_images import FoundImage, SessionImage, find_image_steps
from clem_retrace.io.sessions import SessionRun
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.layers import ImageSource
from clem_retrace.plugin.regions import region
from clem_retrace.plugin.searching import registering
from clem_retrace.plugin.session_values import chosen_image, saved_run
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.snippets import rank_taken

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.plugin.export.held import Held
    from clem_retrace.plugin.results import Results
    from clem_retrace.plugin.runs import Run
    from clem_retrace.plugin.scene import Scene
    from clem_retrace.report.reported import ReportedRun
    from clem_retrace.result import Registration

__all__ = ["ToReport", "all_runs", "one_run"]


@dataclass(frozen=True, slots=True, eq=False)
class ToReport:
    """A run that is to be reported; no layer, no widget.

    Attributes
    ----------
    run : SessionRun or None
        None of a transform that no run has found: its place is then taken as given by hand.
    images : (LM, EM)
        As a session knows them.
    sources : (LM, EM) or None
        What is read of the layers; None where they are no longer open.
    number : int
    transform : PairTransform or None
        What the user has made of the run's.
    truth : Roi or None
        Where the region is known to lie, in EM pixels.
    roi : Roi or None
        The region, where there is no run to tell it; what both images show by default.
    """

    run: SessionRun | None
    images: tuple[SessionImage, SessionImage]
    sources: tuple[ImageSource, ImageSource] | None
    number: int = 1
    transform: PairTransform | None = None
    truth: Roi | None = None
    roi: Roi | None = None

    def steps(self) -> Steps[ReportedRun]:
        """Yield progress; return the run with its images."""
        # Imported when needed, in the worker: what computes brings scipy, and the dock opens
        # without.
        from clem_retrace.report.reported import ReportedRun

        found = []
        roles: tuple[Which, Which] = ("lm", "em")
        for at, (image, role) in enumerate(zip(self.images, roles, strict=True)):
            if self.sources is None:
                found.append((yield from find_image_steps(image, role)))
            else:
                found.append(FoundImage(image, self.sources[at].read()))
        run = self.run
        if run is None:
            run = SessionRun(*self.images, ((yield from self._registered_steps(*found)),))
        return ReportedRun(run, found[0], found[1], self.number, self.transform, self.truth)

    def _registered_steps(self, lm: FoundImage, em: FoundImage) -> Steps[Registration]:
        """Yield progress; return the transform as a result, as if it had been placed by hand."""
        from clem_retrace.by_hand import register_from_steps

        assert self.transform is not None
        assert lm.micrograph is not None
        assert em.micrograph is not None
        matrix = self.transform.em_to_lm
        roi = self.roi or overlap_region(lm.micrograph.shape, em.micrograph.shape, matrix)
        options = RegistrationOptions.from_paths({"affine.enabled": False})
        steps = register_from_steps(lm.micrograph, em.micrograph, roi, matrix, options)
        return (yield from steps)


def one_run(held: Held, results: Results | None, scene: Scene) -> ToReport:
    """Return what is reported of a transform: the run that it is of, or was begun with.

    Parameters
    ----------
    held : Held
    results : Results or None
        Of the dock that has made it, if that is open.
    scene : Scene

    Raises
    ------
    ClemRetraceError
        Its images cannot be read.
    """
    ids = tuple(layer.unique_id for layer in held.images)
    transform = None if held.registration is not None else held.transform
    run = None if results is None else results.shown
    if run is not None and run.images == ids:
        return _of_run(run, scene, transform)
    images = tuple(
        chosen_image(layer, facts.pixel_size)
        for layer, facts in zip(held.images, (held.transform.lm, held.transform.em), strict=True)
    )
    lm, em = images
    saved = None
    if held.registration is not None:
        saved = SessionRun(lm, em, (held.registration,), rank_taken(held.registration))
    sources = held.source("lm"), held.source("em")
    truth = _truth(scene, held.layer("em"))
    return ToReport(saved, (lm, em), sources, 1, transform, truth, held.region)


def all_runs(results: Results, held: Held | None, scene: Scene) -> list[ToReport]:
    """Return all runs of a session; the chosen transform goes with the run that is shown.

    Raises
    ------
    ClemRetraceError
        Images that are open cannot be read.
    """
    shown, own = results.shown, held is not None and held.registration is None

    def transform_of(run: Run) -> PairTransform | None:
        if held is None or not own or shown is None or run.number != shown.number:
            return None
        ids = tuple(layer.unique_id for layer in held.images)
        return held.transform if run.images == ids else None

    return [_of_run(run, scene, transform_of(run)) for run in results.runs]


def _of_run(run: Run, scene: Scene, transform: PairTransform | None) -> ToReport:
    saved = saved_run(run)
    images = saved.lm, saved.em
    lm, em = (scene.with_id(unique_id) for unique_id in run.images)
    if lm is None or em is None:
        return ToReport(saved, images, None, run.number, transform)
    job = registering(run, lm, em, warp=False).job
    sources = job.lm, job.em
    return ToReport(saved, images, sources, run.number, transform, _truth(scene, em))


def _truth(scene: Scene, em: Image) -> Roi | None:
    """Return the true place that is drawn on an EM, if there is one."""
    for layer in scene.ours("ground truth"):
        # Nothing may be drawn there yet.
        with suppress(ClemRetraceError):
            return region(layer, em).roi
    return None
