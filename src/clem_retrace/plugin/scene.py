"""What this package does to a viewer's layers: add results, move images, set pixel sizes.

All of it belongs to the GUI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari.layers import Layer

from clem_retrace.plugin import outputs
from clem_retrace.plugin.frames import calibrate, overlap, place_beside

if TYPE_CHECKING:
    from napari.layers import Image, Shapes
    from napari.viewer import Viewer

    from clem_retrace.pipeline import Registration
    from clem_retrace.retracing.candidates import Candidates

__all__ = ["Scene"]

#: Roles of layers that must not be hidden by an image.
OUTLINES = (*outputs.DRAWINGS, "candidates")


class Scene:
    """A viewer's layers, as far as this package touches them.

    Parameters
    ----------
    viewer : napari.Viewer
        A `ViewerModel` will do.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def has(self, *layers: Layer) -> bool:
        """Whether all of some layers are in the viewer."""
        return all(any(layer is held for held in self._viewer.layers) for layer in layers)

    def put(self, layer_data: outputs.LayerData) -> Layer:
        """Add a layer of ours; a result replaces the former one of its kind and image."""
        layer = Layer.create(*layer_data)
        kind = outputs.role(layer)
        for old in list(self._viewer.layers):
            if outputs.role(old) == kind and outputs.image_id(old) == outputs.image_id(layer):
                self._viewer.layers.remove(old)
        # Not what `add_layer` returns: napari hands plugins a proxy, which is another object.
        self._viewer.add_layer(layer)
        return layer

    def draw_in(self, shapes: Shapes, image: Image) -> None:
        """Select a shapes layer and put it in rectangle mode, with its image to be seen."""
        image.visible = shapes.visible = True
        self._viewer.layers.selection.active = shapes
        shapes.mode = "add_rectangle"

    def show_candidates(self, candidates: Candidates, em: Image) -> None:
        """Add or replace the candidates and their similarity map, unless they are shown."""
        for layer in self._viewer.layers:
            if outputs.shows(layer, candidates) and outputs.image_id(layer) == em.unique_id:
                self._viewer.layers.selection.active = layer
                return
        # A result that was read from a file has no map.
        if candidates.similarity.size:
            self.put(outputs.similarity_layer(candidates, em))
        self._viewer.layers.selection.active = self.put(outputs.candidates_layer(candidates, em))

    def show_registration(self, registration: Registration, lm: Image, em: Image) -> None:
        """Add or replace all results of a run, the outlines on top."""
        self.put(outputs.overlay_layer(registration, em, lm))
        layers = self._viewer.layers
        for layer in [layer for layer in layers if outputs.role(layer) in OUTLINES]:
            layers.move(layers.index(layer), len(layers))
        self.show_candidates(registration.candidates, em)

    def fit(self) -> None:
        """Bring all layers into view."""
        self._viewer.reset_view()

    def place_side_by_side(self, lm: Image, em: Image, drawn_on_em: Sequence[Shapes]) -> None:
        """Move the EM to the right of the LM, with all that lies on it, and show both."""
        place_beside(em, lm, self._lying_on(em, drawn_on_em))
        self.fit()

    def set_apart(self, lm: Image, em: Image, drawn_on_em: Sequence[Shapes]) -> None:
        """Put the EM beside the LM if it hides it, and neither has been placed by anyone."""
        unplaced = all(not any(image.data_to_world((0, 0))) for image in (lm, em))
        if unplaced and overlap(lm, em):
            self.place_side_by_side(lm, em, drawn_on_em)

    def calibrate(self, image: Image, pixel_size: float, drawn_on_it: Sequence[Shapes]) -> None:
        """Give an image, and all that lies on it, a pixel size in nm."""
        calibrate(image, pixel_size, self._lying_on(image, drawn_on_it))

    def _lying_on(self, image: Image, drawn: Sequence[Shapes]) -> list[Layer]:
        results = [
            layer for layer in self._viewer.layers if outputs.image_id(layer) == image.unique_id
        ]
        return [*drawn, *results]
