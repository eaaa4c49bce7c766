"""Two layers that are compared, and all that is changed in a viewer for it.

Whatever a way of comparing does to the viewer, it does through the `Stage`, which undoes
it: layers get back their looks, their places in the list and their visibility, and what was
added is removed. The camera is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer

from clem_retrace.plugin import roles
from clem_retrace.plugin.compare.loan import Loan
from clem_retrace.plugin.frames import overlap
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.plugin.sight import Sight, sight

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ROLE", "Stage"]

#: Role of the layers that are added for a while.
ROLE = "compare"


class Stage:
    """A viewer with two images in it that are being compared.

    Parameters
    ----------
    viewer : napari.Viewer
        A `ViewerModel` will do.

    Attributes
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self._pair: tuple[Image, Image] | None = None
        self._setting, self._looks = Loan(), Loan()
        self._moved: Layer | None = None
        self._added: list[Layer] = []

    @property
    def is_open(self) -> bool:
        """Whether two layers are on it."""
        return self._pair is not None

    @property
    def below(self) -> Image:
        """The image underneath, as a rule the LM."""
        assert self._pair is not None
        return self._pair[0]

    @property
    def above(self) -> Image:
        """The image that lies on it, as a rule the EM."""
        assert self._pair is not None
        return self._pair[1]

    @property
    def is_whole(self) -> bool:
        """Whether both are still in the viewer."""
        return self.holds(self.below) and self.holds(self.above)

    @property
    def sight(self) -> Sight:
        """What is on the canvas."""
        return sight(self.viewer)

    def holds(self, layer: Layer) -> bool:
        """Whether a layer is in the viewer."""
        return any(held is layer for held in self.viewer.layers)

    def open(self, below: Image, above: Image) -> None:
        """Show two layers alone, one upon the other, and make way for the mouse.

        Images that hide them are hidden; outlines are not. Drawing is interrupted.
        """
        self.close()
        self._pair = below, above
        layers = self.viewer.layers
        for layer in layers:
            if str(layer.mode) != "pan_zoom":
                self._setting.set(layer, mode="pan_zoom")
            others = isinstance(layer, Image) and layer is not below and layer is not above
            if others and layer.visible and (overlap(layer, above) or overlap(layer, below)):
                self._setting.set(layer, visible=False)
        for layer in (below, above):
            # Made visible, a layer is read and sent to the graphics card anew.
            if not layer.visible:
                self._setting.set(layer, visible=True)
        grid = self.viewer.canvas.grid if hasattr(self.viewer, "canvas") else self.viewer.grid
        if grid.enabled:
            self._setting.set(grid, enabled=False)
        if layers.index(above) < layers.index(below):
            self._put_above(above, below)

    def _put_above(self, above: Image, below: Image) -> None:
        layers = self.viewer.layers
        position = layers.index(above)
        self._moved = layers[position + 1]
        with selection_kept(self.viewer):
            layers.move(position, layers.index(below) + 1)

    def close(self) -> None:
        """Give everything back as it was."""
        if self._pair is None:
            return
        self.give_back()
        above, self._pair = self.above, None
        self._setting.give_back()
        if self._moved is not None and self.holds(self._moved) and self.holds(above):
            layers = self.viewer.layers
            with selection_kept(self.viewer):
                layers.move(layers.index(above), layers.index(self._moved))
        self._moved = None

    def give_back(self) -> None:
        """Undo what was done to the looks of the two, and remove what was added."""
        for layer in list(self._added):
            self.discard(layer)
        self._looks.give_back()

    def show(self, layer: Layer, **looks: Any) -> None:
        """Change the looks of a layer for a while."""
        self._looks.set(layer, **looks)

    def add(self, layer: Layer) -> None:
        """Add a layer on top of the two for a while; the selection stays as it is."""
        layer.metadata = roles.entry(ROLE, self.below)
        layers = self.viewer.layers
        self._added.append(layer)
        with selection_kept(self.viewer):
            self.viewer.add_layer(layer)
            # It may just have been removed, which is followed when all is over.
            if self.holds(self.above):
                layers.move(layers.index(layer), layers.index(self.above) + 1)

    def discard(self, layer: Layer) -> None:
        """Remove a layer that was added."""
        self._added = [added for added in self._added if added is not layer]
        if self.holds(layer):
            with selection_kept(self.viewer):
                self.viewer.layers.remove(layer)
