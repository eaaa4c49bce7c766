"""The dock widget `Landmarks`.

It makes the parts and wires them together; what is done to pairs is the desk's matter, and
what is seen in the viewer is the canvas's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from clem_retrace.plugin import outputs
from clem_retrace.plugin.dock import StepsDock
from clem_retrace.plugin.edge_widths import EdgeWidths
from clem_retrace.plugin.landmarks.bar import Bar
from clem_retrace.plugin.landmarks.begin import Begin
from clem_retrace.plugin.landmarks.boxes import ImagesBox, StartBox, TakeBox
from clem_retrace.plugin.landmarks.canvas import Canvas
from clem_retrace.plugin.landmarks.desk import Desk
from clem_retrace.plugin.landmarks.ending import Ending
from clem_retrace.plugin.landmarks.errors_box import ErrorsBox
from clem_retrace.plugin.landmarks.files import Files
from clem_retrace.plugin.landmarks.keys import KEYS
from clem_retrace.plugin.landmarks.known import facts, likely_pair
from clem_retrace.plugin.landmarks.pairs_box import PairsBox
from clem_retrace.plugin.landmarks.readouts import Readouts
from clem_retrace.plugin.landmarks.steps import STEPS
from clem_retrace.plugin.landmarks.tour import Tour
from clem_retrace.plugin.notices import report
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.shortcuts import Shortcuts
from clem_retrace.plugin.step_box import StepBox

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["LandmarksWidget"]


class LandmarksWidget(StepsDock):
    """Register two images by pairs of points that are placed by hand.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A `ViewerModel` will do.

    Attributes
    ----------
    desk : Desk
    canvas : Canvas
    images : ImagesBox
    """

    def __init__(self, napari_viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__("landmarks", napari_viewer, parent)
        self._scene = Scene(napari_viewer)
        self.desk = Desk(self)
        self.canvas = Canvas(napari_viewer, self._scene, self.desk, self)
        self.images, self._start, self._pairs = ImagesBox(), StartBox(), PairsBox()
        self._errors, self._take, self._bar = ErrorsBox(), TakeBox(), Bar()
        self._make_parts()
        self.fill_steps(list(self._steps.values()), self._bar)
        self._connect()
        self._keys = self._bind_keys()
        self._bar.show_keys(self._keys.note)
        self.follow_viewer()
        self.layers_changed()
        self._on_images()

    def _make_parts(self) -> None:
        contents = (self.images, self._start, self._pairs, self._errors, self._take)
        self._steps = {
            name: StepBox(f"step_{name}", title, content, number)
            for number, ((name, title), content) in enumerate(
                zip(STEPS.items(), contents, strict=True), 1
            )
        }
        desk, canvas = self.desk, self.canvas
        self._tour = Tour(desk, canvas, lambda: self._pairs.table.shown, self)
        self._files = Files(self)
        self._begin = Begin(desk, canvas, self._start, self._files, self._viewer, self)
        self._ending = Ending(desk, canvas, self._take, self._files, self._viewer, self)
        boxes = self.images, self._pairs, self._errors, self._bar
        self._readouts = Readouts(desk, canvas, *boxes, self._steps, self)
        self._edges = EdgeWidths(self._viewer, self)

    def opened(self) -> None:
        """Bring the images into view, now that the dock has taken its room from them."""
        if self.images.pair is not None and not len(self.desk.pairing):
            self._scene.fit()

    def _bind_keys(self) -> Shortcuts:
        actions: tuple[Callable[[], Any], ...] = (
            partial(self._tour.step, 1),
            partial(self._tour.step, -1),
            self._tour.hop,
            self._tour.confirm,
            self.desk.switch_chosen,
            self.canvas.toggle_overlay,
            self._pairs.toggle,
            self.desk.remove_chosen,
            self.desk.undo,
            self.desk.redo,
        )
        return Shortcuts(self._viewer, self, dict(zip(KEYS, actions, strict=True)))

    def _connect(self) -> None:
        pairs, table, canvas = self._pairs, self._pairs.table, self.canvas
        for signal, slot in (
            (self.desk.changed, self._ending.show_offers),
            (self.images.changed, self._on_images),
            (self.images.side_by_side, self._place_side_by_side),
            (canvas.images_changed, self._know_images),
            (canvas.points.lost, self._on_lost),
            (canvas.overlay.failed, report),
            (canvas.overlay.busy_changed, self._on_bending),
            (canvas.pointer.missed, partial(self._bar.tell, "That is on neither image.")),
            (self._begin.proposed, partial(self._tour.step, 0)),
            (self._begin.moving, self._on_moving),
            (self._begin.register_asked, partial(self._ending.take, refine=True)),
            (pairs.adding, self._on_adding),
            (pairs.propose, self._begin.propose),
            (pairs.confirm, self._tour.confirm),
            (pairs.delete, self.desk.remove_chosen),
            (pairs.next_pair, partial(self._tour.step, 1)),
            (pairs.hop, self._tour.hop),
            (pairs.model_chosen, self.desk.use_model),
            (table.chosen, self._tour.go),
            (table.switched, self.desk.switch),
            (table.renamed, self.desk.rename),
            (self._errors.map_wanted, self._on_map),
            (self._bar.undoing.undo, self.desk.undo),
            (self._bar.undoing.redo, self.desk.redo),
        ):
            signal.connect(slot)
        for teller in (self.desk, self._files, self._ending):
            teller.told.connect(self._bar.tell)

    # Following the viewer

    def layers_changed(self) -> None:
        """Offer the layers of the viewer, and let go of those that were closed."""
        layers = list(self._viewer.layers)
        self.images.offer(layers, likely_pair(layers))
        self.canvas.points.forget_removed()
        self._begin.show_offers()

    def _on_images(self) -> None:
        """Take up the pairs of other images."""
        pair = self.images.pair
        if pair is None:
            self.canvas.close()
            self.desk.put_down()
        elif tuple(self.canvas.images().values()) != pair:
            self.canvas.open(*pair)
            self._scene.set_apart(*pair, self._drawn_on_em())
            self._begin.take_up()

    def _know_images(self) -> None:
        images = self.canvas.images()
        if images:
            self.desk.know(facts(images["lm"]), facts(images["em"]))

    def _place_side_by_side(self) -> None:
        if self.images.pair is not None:
            self._scene.place_side_by_side(*self.images.pair, self._drawn_on_em())

    def _drawn_on_em(self) -> list[Layer]:
        kinds = [kind for kind, drawing in outputs.DRAWINGS.items() if drawing.on == "EM"]
        return list(self._scene.ours(*kinds))

    def _on_lost(self, which: str) -> None:
        if len(self.desk.pairing):
            self._bar.tell(
                f"The points on the {which.upper()} were removed from the viewer. The pairs are "
                "kept here: they are shown again with the next change."
            )

    def _on_bending(self, busy: bool) -> None:
        self._bar.tell("Bending the EM …" if busy else "")

    # What the user does

    def _on_adding(self, adding: bool) -> None:
        self.canvas.pointer.adding = adding
        if adding:
            self._begin.stop_moves()
            self.canvas.take_in_hand()
        self._readouts.show()

    def _on_moving(self, moving: bool) -> None:
        """Leave the mouse to the frame by which the EM is moved."""
        self.canvas.pointer.resting = moving
        if moving and self._pairs.is_adding:
            self._pairs.toggle()

    def _on_map(self, wanted: bool) -> None:
        self.canvas.error_layer.wanted = wanted
        self._readouts.show_numbers()

    def released(self) -> None:
        """Stop what is under way, and let go of the viewer; the pairs stay with its layers."""
        self._readouts.stop()
        self._begin.stop()
        self._edges.release()
        super().released()
        self._keys.release()
        self.canvas.release()
