"""What this package does to a viewer's layers: add results, move images, set pixel sizes.

All of it belongs to the GUI thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer

from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.frames import (
    calibrate,
    drawn_side,
    has_length_unit,
    match_sizes,
    overlap,
    pixel_size,
    place_beside,
)
from clem_retrace.plugin.sight import camera, world_extent

if TYPE_CHECKING:
    from napari.layers import Image, Shapes
    from napari.viewer import Viewer

__all__ = ["Scene", "mark_outdated", "selection_kept"]

#: What the names of layers end with that no longer belong to the form.
OUT_OF_DATE = " (out of date)"


class Scene:
    """A viewer's layers, as far as this package touches them.

    Parameters
    ----------
    viewer : napari.Viewer
        A `ViewerModel` will do.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        # World units per pixel of the images that were given a unit here.
        self._bare: dict[str, float] = {}

    def has(self, *layers: Layer) -> bool:
        """Whether all of some layers are in the viewer."""
        return all(any(layer is held for held in self._viewer.layers) for layer in layers)

    def with_id(self, unique_id: str) -> Layer | None:
        """Return the layer of a unique id, if it is in the viewer."""
        return next((one for one in self._viewer.layers if one.unique_id == unique_id), None)

    def ours(self, *wanted: str) -> Iterator[Layer]:
        """Yield the layers of ours that have one of some roles."""
        for layer in list(self._viewer.layers):
            if roles.role(layer) in wanted:
                yield layer

    def put(self, layer_data: outputs.LayerData) -> Layer:
        """Add a layer of ours; a result replaces the former one of its kind and image.

        Where the pixels are the same the layer stays, and is moved: it keeps the opacity and
        colours that the user has given it.
        """
        data, keywords, _ = layer_data
        entry = keywords["metadata"][roles.KEY]
        for old in self.ours(entry["role"]):
            if roles.image_id(old) != entry.get("image"):
                continue
            if _same_pixels(old, data):
                _move(old, keywords)
                return old
            self._viewer.layers.remove(old)
        layer = Layer.create(*layer_data)
        # Not what `add_layer` returns: napari hands plugins a proxy, which is another object.
        self._viewer.add_layer(layer)
        return layer

    def put_candidates(self, layer_data: outputs.LayerData) -> Layer:
        """Add the candidates, or show the ones that are there in another way."""
        data, keywords, _ = layer_data
        entry = keywords["metadata"][roles.KEY]
        for old in self.ours("candidates"):
            held = old.metadata[roles.KEY]
            if held["candidates"] is entry["candidates"] and held["image"] == entry["image"]:
                old.metadata = keywords["metadata"]
                old.data = data
                for name in ("edge_color", "z_index", "features"):
                    setattr(old, name, keywords[name])
                return old
        return self.put(layer_data)

    def add(self, layer: Layer) -> Layer:
        """Add a layer that replaces none."""
        self._viewer.add_layer(layer)
        return layer

    def add_all(self, layers: Sequence[outputs.LayerData]) -> None:
        """Add layers that replace none."""
        for layer_data in layers:
            self._viewer.add_layer(Layer.create(*layer_data))

    def remove(self, *wanted: str) -> None:
        """Remove the layers of ours that have one of some roles."""
        for layer in self.ours(*wanted):
            self._viewer.layers.remove(layer)

    def raise_outlines(self) -> None:
        """Put what is drawn by lines on top of the images."""
        layers = self._viewer.layers
        for layer in self.ours(*roles.OUTLINES):
            layers.move(layers.index(layer), len(layers))

    def put_above(self, layer: Layer, image: Image) -> None:
        """Move a layer in the list to just above an image."""
        layers = self._viewer.layers
        layers.move(layers.index(layer), layers.index(image) + 1)

    def select(self, layer: Layer) -> None:
        """Make a layer the active one."""
        self._viewer.layers.selection.active = layer

    def draw_in(self, shapes: Shapes, image: Image) -> None:
        """Select a shapes layer and put it in rectangle mode, with its image to be seen."""
        image.visible = shapes.visible = True
        self.select(shapes)
        shapes.mode = "add_rectangle"

    def mark_outdated(self, outdated: bool) -> None:
        """Say in the names of the results that they are out of date, or no longer so.

        Their looks are left alone: they are the user's, and lent to the dock that compares.
        """
        for layer in self.ours(*roles.DATED):
            mark_outdated(layer, outdated)

    # Where the camera looks

    def fit(self) -> None:
        """Bring all layers into view."""
        self._viewer.reset_view()

    def view(self, *layers: Layer, margin: float = 0.05) -> None:
        """Bring some layers into view.

        Parameters
        ----------
        *layers : Layer
        margin : float
            What is left free round them, as a share of the canvas.
        """
        for layer in layers:
            layer.visible = True
        if "layers" in inspect.signature(self._viewer.reset_view).parameters:
            self._viewer.reset_view(layers=list(layers), margin=margin)
        else:
            self._view_as_before_napari_0_9_2(layers, margin)

    def _view_as_before_napari_0_9_2(self, layers: Sequence[Layer], margin: float) -> None:
        """Bring some layers into view where `reset_view` knows only all of them.

        All are brought into view, which tells the zoom that these can have in any case.
        """
        self._viewer.reset_view(margin=margin)
        whole = np.ptp(self._viewer.layers.extent.world[:, -2:], axis=0)
        corners = np.concatenate([world_extent(self._viewer, layer) for layer in layers])
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
        view = camera(self._viewer)
        view.center = (*view.center[:-2], *middle)
        view.zoom *= float((whole / np.ptp(corners, axis=0)).min())

    # Where the images lie

    def place_side_by_side(self, lm: Image, em: Image, drawn_on_em: Sequence[Shapes]) -> None:
        """Move the EM to the right of the LM, with all that lies on it, and show both."""
        place_beside(em, lm, self._lying_on(em, drawn_on_em))
        self.fit()

    def set_apart(self, lm: Image, em: Image, drawn_on_em: Sequence[Shapes]) -> None:
        """Put the EM beside the LM if it hides it, and neither has been placed by anyone."""
        unplaced = all(not any(image.data_to_world((0,) * image.ndim)) for image in (lm, em))
        if unplaced and overlap(lm, em):
            self._match_sizes(lm, em)
            self.place_side_by_side(lm, em, drawn_on_em)

    def _match_sizes(self, lm: Image, em: Image) -> None:
        """Show an image without pixel size as large as the other, where one would be a speck."""
        if not has_length_unit(em):
            match_sizes(em, lm)
        elif not has_length_unit(lm):
            match_sizes(lm, em)

    def calibrate(self, image: Image, nm: float, drawn_on_it: Sequence[Shapes]) -> bool:
        """Give an image, and all that lies on it, a pixel size in nm.

        Returns
        -------
        bool
            Whether it had another before.
        """
        known = pixel_size(image).nm
        if known is not None and np.isclose(known, nm, rtol=1e-6):
            return False
        if not has_length_unit(image):
            self._bare[image.unique_id] = drawn_side(image)
        calibrate(image, nm, self._lying_on(image, drawn_on_it))
        return True

    def is_bare(self, image: Image) -> bool:
        """Whether an image came without a pixel size."""
        return image.unique_id in self._bare or not has_length_unit(image)

    def uncalibrate(self, image: Image, drawn_on_it: Sequence[Shapes]) -> None:
        """Take back the pixel size that an image was given here."""
        side = self._bare.pop(image.unique_id, None)
        if side is not None:
            calibrate(image, side, self._lying_on(image, drawn_on_it), unit="pixel")

    def _lying_on(self, image: Image, drawn: Sequence[Shapes]) -> list[Layer]:
        results = [
            layer for layer in self._viewer.layers if roles.image_id(layer) == image.unique_id
        ]
        return [*drawn, *results]


@contextmanager
def selection_kept(viewer: Viewer) -> Iterator[None]:
    """Leave the layers selected that the user has selected, while others are added."""
    selected = set(viewer.layers.selection)
    yield
    viewer.layers.selection = {one for one in selected if any(one is it for it in viewer.layers)}


def mark_outdated(layer: Layer, outdated: bool) -> None:
    """Say in the name of a layer that it is out of date, or no longer so."""
    name = layer.name.replace(OUT_OF_DATE, "") + (OUT_OF_DATE if outdated else "")
    if layer.name != name:
        layer.name = name


def _same_pixels(layer: Layer, data: Any) -> bool:
    """Whether a layer holds these very arrays."""
    if layer.multiscale:
        return len(layer.data) == len(data) and all(
            here is there for here, there in zip(layer.data, data, strict=True)
        )
    return layer.data is data


def _move(layer: Layer, keywords: dict[str, Any]) -> None:
    """Put a layer where another of the same pixels was to be."""
    layer.metadata = keywords["metadata"]
    layer.units = keywords["units"]
    layer.scale = keywords["scale"]
    layer.translate = keywords.get("translate", np.zeros(layer.ndim))
    layer.affine = keywords.get("affine", np.eye(layer.ndim + 1))
