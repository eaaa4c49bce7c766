"""The runs of the session, and the one of them that is shown: in the dock, and as layers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from clem_retrace.errors import ClemRetraceError
from clem_retrace.plugin import outputs, regions, roles
from clem_retrace.plugin.notices import report, warn
from clem_retrace.plugin.regions import region
from clem_retrace.plugin.runs import Run, Runs

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

    from clem_retrace.plugin.form import Form
    from clem_retrace.plugin.plots import WhyBox
    from clem_retrace.plugin.result_box import ResultBox
    from clem_retrace.plugin.run_list import RunList
    from clem_retrace.plugin.scene import Scene
    from clem_retrace.plugin.searching import Searching
    from clem_retrace.result import Registration
    from clem_retrace.retracing import Candidates

__all__ = ["Results"]

#: What is left free round a place that is looked at, as a share of the canvas.
MARGIN = 0.3


class Results(QObject):
    """Keeps the runs, shows one of them, and of that one candidate.

    Signals
    -------
    changed
        Another run or candidate is shown, or none.
    register
        The user takes the candidate that is shown.
    """

    changed = Signal()
    register = Signal()

    def __init__(
        self,
        scene: Scene,
        box: ResultBox,
        why: WhyBox,
        run_list: RunList,
        searching: Searching,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._scene, self._box, self._why, self._list = scene, box, why, run_list
        self._searching = searching
        self.runs = Runs(run_list.limit)
        self.shown: Run | None = None
        self._truth: Shapes | None = None
        self._outdated = ""
        self._before: Run | None = None
        self._followed: Shapes | None = None
        self._is_early = False
        box.register.connect(self.register)
        box.chosen.connect(lambda candidate: self.show_candidate(candidate, look=True))
        box.show_overlay.connect(self.look_at_overlay)
        box.show_on_em.connect(self.look_at_em)
        why.picked.connect(lambda rank: self.show_candidate(rank - 1, look=True))
        why.failed.connect(warn)
        run_list.chosen.connect(lambda number: self.show_run(number))

    def keep(self, run: Run) -> None:
        """Keep a run, or the newer state of one, and show it."""
        self.runs.keep(run)
        self._show(run)

    def keep_new(self, run: Run) -> None:
        """Keep and show a run that has just come to its end."""
        self.keep(run)
        if run.by_hand:
            # It was placed on an overlay of its own, which would lie over this one.
            self._scene.remove(roles.LANDMARK_OVERLAY)
            for layer in self._scene.ours("overlay"):
                layer.visible = True

    def keep_from_elsewhere(
        self, registration: Registration, lm: Image, em: Image, form: Form | None
    ) -> None:
        """Keep and show a result that was not searched for here, as a run of its own."""
        number, images = self.runs.next_number, (lm.unique_id, em.unique_id)
        region = regions.cut_from(lm, registration.roi)
        self.keep_new(Run.of_search(number, images, registration, form=form, region=region))

    def show_last(self) -> None:
        """Show the newest run whose images are open, if there is one."""
        for run in reversed(list(self.runs)):
            if self._pair(run) is not None:
                self._show(run)
                return
        self.clear()

    def show_early(self, candidates: Candidates, em: Image) -> None:
        """Show what a search has found, before it is registered."""
        if not self._is_early:
            # Otherwise it is of a run that was replaced, and what was before that may come back.
            self._before = self.shown
        self._is_early = True
        self.clear()
        self._scene.remove("overlay", "region", "warped")
        self._scene.put(outputs.similarity_layer(candidates, em))
        self._scene.put_candidates(outputs.candidates_layer(candidates, em))

    def take_back_early(self) -> None:
        """Show what was shown before a search that came to no end."""
        if not self._is_early:
            return
        self._is_early = False
        self._scene.remove("candidates", "similarity")
        if self._before is not None:
            self._show(self._before)

    def has_run_of(self, lm: Image, em: Image) -> bool:
        """Whether a run of two images is kept."""
        return any(run.images == (lm.unique_id, em.unique_id) for run in self.runs)

    def show_run(self, number: int, candidate: int | None = None) -> None:
        """Show a run that is kept, if its images are still open, and a candidate of it."""
        run = self.runs.numbered(number)
        if run is not None and self._pair(run) is not None:
            self.keep(run if candidate is None else run.showing(candidate))
            return
        warn(f"the images of run {number} are no longer open")
        self._list.show_runs(self.runs, self.shown)

    def show_candidate(self, candidate: int, *, look: bool = False) -> None:
        """Show another candidate of the run; bring it into view if that is asked for."""
        if self.shown is None or candidate >= len(self.shown.candidates.matches):
            return
        self.keep(self.shown.showing(candidate))
        if look:
            for layer in self._scene.ours("overlay"):
                layer.visible = True
            self.look_at_em()

    def clear(self) -> None:
        """Show none of the runs."""
        self.shown = None
        self._box.clear()
        self._why.clear()
        self._list.show_runs(self.runs, None)
        self.changed.emit()

    def take_away(self) -> None:
        """Show none of the runs, and take their layers away."""
        self.clear()
        self._scene.remove(*roles.DATED)

    def release(self) -> None:
        """Let go of the layers."""
        if self._followed is not None:
            self._followed.selected_data.events.items_changed.disconnect(self._on_selected)
            self._followed = None

    def forget_closed(self) -> None:
        """Show nothing any more of images that are no longer open."""
        if self.shown is not None and self.pair is None:
            self.clear()

    @property
    def pair(self) -> tuple[Image, Image] | None:
        """The layers of the run that is shown, if they are still open."""
        return None if self.shown is None else self._pair(self.shown)

    def _pair(self, run: Run) -> tuple[Image, Image] | None:
        lm, em = (self._scene.with_id(unique_id) for unique_id in run.images)
        return None if lm is None or em is None else (lm, em)

    def _show(self, run: Run) -> None:
        pair = self._pair(run)
        if pair is None:
            return
        self.shown, self._is_early = run, False
        try:
            self._show_layers(run, *pair)
        except (ClemRetraceError, OSError) as failure:
            # The file or the drive has gone that napari reads the EM from: the result stays.
            report(failure)
        self._box.show_run(run)
        self._why.show_registration(
            run.shown,
            self._searching.images_of(run, *pair),
            match=run.shown.match,
            memory=self._searching.memory,
        )
        self._list.show_runs(self.runs, run)
        self.show_distance(self._truth)
        self.changed.emit()

    def _show_layers(self, run: Run, lm: Image, em: Image) -> None:
        """Add or move the layers of a run, the outlines on top."""
        scene, registration = self._scene, run.shown
        scene.put(outputs.overlay_layer(registration, em, lm))
        if run.region is not None:
            scene.put(outputs.region_layer(run.region, registration, lm, em))
        # A result that was read from a file has no map, nor has one without a search.
        if run.candidates.similarity.size:
            scene.put(outputs.similarity_layer(run.candidates, em))
        else:
            scene.remove("similarity")
        places = [run.of(number).place for number in range(len(run.candidates.matches))]
        layer = scene.put_candidates(
            outputs.candidates_layer(run.candidates, em, places, run.chosen)
        )
        self._follow(layer, run.chosen)
        scene.raise_outlines()
        scene.select(layer)
        scene.mark_outdated(bool(self._outdated))

    def _follow(self, layer: Shapes, chosen: int) -> None:
        """Let the candidate that is selected on the canvas be the one that is shown."""
        if layer is not self._followed:
            self.release()
            layer.selected_data.events.items_changed.connect(self._on_selected)
            self._followed = layer
        layer.selected_data = {chosen}

    def _on_selected(self) -> None:
        selected = set() if self._followed is None else set(self._followed.selected_data)
        if len(selected) == 1 and self.shown is not None and selected != {self.shown.chosen}:
            self.show_candidate(*selected)

    def look_at_em(self) -> None:
        """Bring the place on the EM into view, with the LM laid over it."""
        for layer in self._scene.ours("region"):
            self._scene.view(layer, margin=MARGIN)

    def look_at_overlay(self) -> None:
        """Bring the region on the LM into view, with the EM laid over it."""
        for layer in self._scene.ours("overlay"):
            layer.visible = True
        # A region in a layer of the user's own is one of many, perhaps: all of the EM, then.
        drawn = [*self._scene.ours("roi"), *self._scene.ours("overlay")]
        if drawn:
            self._scene.view(drawn[0], margin=MARGIN)

    def show_outdated(self, why: str) -> None:
        """Mark what is shown as out of date, with the reason, or as up to date when empty."""
        self._outdated = why
        self._box.show_outdated(why, by_hand=self.shown is not None and self.shown.by_hand)
        self._scene.mark_outdated(bool(why))

    def show_distance(self, truth: Shapes | None) -> None:
        """Show how far the result is from the patch in a layer, if there is one."""
        self._truth = truth
        distance = None
        if truth is not None and self.shown is not None and self.pair is not None:
            # Nothing drawn yet is no distance, and nothing to complain about.
            with suppress(ClemRetraceError):
                distance = self.shown.shown.distance_to(region(truth, self.pair[1]).roi)
        self._box.show_distance(distance)
