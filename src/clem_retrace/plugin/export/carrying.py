"""Other layers of the LM or the EM, laid over the other image. Pure: layers in, layer data out.

By an affine transform a layer is laid there by `affine`: its data are shared, and nothing is
resampled. By a thin-plate spline points and shapes are moved one by one, and images and labels
are drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Points, Shapes
from numpy.typing import NDArray

from clem_retrace.applying import another_binning
from clem_retrace.errors import BadImage
from clem_retrace.events import Steps
from clem_retrace.geometry import Matrix, compose, invert, magnification_of, map_points
from clem_retrace.io.napari_tables import move_shape
from clem_retrace.io.views import fitted_grid
from clem_retrace.micrograph import ImageFacts, Micrograph
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.export.held import Held
from clem_retrace.plugin.frames import image_shape, overlap, pixel_size, pixels_between, placement
from clem_retrace.plugin.landmarks.lying import covered
from clem_retrace.plugin.layers import ImageSource
from clem_retrace.registration.landmarks import Which, partner
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.warping import Grid, warp_onto
from clem_retrace.resampling import sample_steps

__all__ = ["CARRIED", "Bending", "carried", "carried_by_points", "lies_on", "others"]

#: Role of a layer of the one image that is laid over the other.
CARRIED = "carried"

#: Of a layer's state, where it lies, and what napari would take in the place of its features.
PLACE = ("scale", "translate", "rotate", "shear", "affine", "units")
OLD_FEATURES = ("properties", "property_choices")

#: Pixels of a bent image at most: some seconds' work.
MOST = 1 << 23


def others(layers: Iterable[Layer], held: Held | None) -> list[Layer]:
    """Return the layers that may belong to the LM or the EM, besides these themselves."""
    pair = () if held is None else held.images
    drawn = (None, *outputs.DRAWINGS)
    return [
        layer
        for layer in layers
        if isinstance(layer, (Image, Labels, Points, Shapes))
        and roles.role(layer) in drawn
        and not any(layer is one for one in pair)
    ]


def lies_on(layer: Layer, held: Held, which: Which) -> tuple[Matrix, tuple[str, ...]]:
    """Return the way from a layer's pixels to those of the LM or the EM, and what was taken so.

    An image or labels of as many pixels, or of another binning of them, are the same pixels,
    wherever they are drawn. Anything else belongs where it is drawn; points and shapes that
    are not drawn over the image are in its pixels, as napari's tables have them.

    Raises
    ------
    BadImage
        It is neither of the same pixels nor drawn over the image.
    """
    image, facts = held.layer(which), held.transform.facts(which)
    if isinstance(layer, (Points, Shapes)):
        return _drawn_on(layer, image, facts)
    # Of the pixels only the number is looked at.
    stand_in = np.broadcast_to(np.uint8(0), image_shape(layer))
    try:
        to_layer, notes = another_binning(
            Micrograph(stand_in, pixel_size(layer).nm, f"'{layer.name}'"), facts, which
        )
    except BadImage:
        if not overlap(layer, image):
            raise
        return pixels_between(layer, image), (f"'{layer.name}' was taken where it is drawn",)
    return np.eye(3) if to_layer is None else invert(to_layer), notes


def _drawn_on(
    layer: Points | Shapes, image: Image, facts: ImageFacts
) -> tuple[Matrix, tuple[str, ...]]:
    parts = [layer.data] if isinstance(layer, Points) else layer.data
    points = np.concatenate([np.asarray(part)[:, -2:] for part in parts] or [np.empty((0, 2))])
    to_image = pixels_between(layer, image)
    if not len(points):
        raise BadImage(f"'{layer.name}' is empty: there is nothing to lay over the other image")
    if _inside(map_points(to_image, points), facts):
        return to_image, ()
    if _inside(points, facts):
        return np.eye(3), (f"'{layer.name}' was taken to be in pixels of {facts.name}",)
    raise BadImage(f"'{layer.name}' does not lie on {facts.name}: does it belong to the other?")


def _inside(points: NDArray[np.float64], facts: ImageFacts) -> bool:
    """Whether most points lie on an image."""
    inside = (points > -1).all(axis=1) & (points < facts.shape).all(axis=1)
    return bool(inside.mean() > 0.5) or 0 in facts.shape


def carried(layer: Layer, to_source: Matrix, held: Held, source: Which) -> outputs.LayerData:
    """Return a layer laid over the other image by an affine transform, its data shared.

    Parameters
    ----------
    layer : Layer
    to_source : ndarray, shape (3, 3)
        See `lies_on`.
    held : Held
    source : {"lm", "em"}
        The image that it belongs to.
    """
    data, _, kind = layer.as_layer_data_tuple()
    placed = placement(held.layer(partner(source)), compose(held.across(source), to_source))
    return data, {**_state(layer, held, source), **_spread(placed, layer)}, kind


def carried_by_points(
    layer: Points | Shapes, to_source: Matrix, held: Held, source: Which
) -> outputs.LayerData:
    """Return points or shapes moved one by one, in pixels of the other image."""
    across = held.transform.to_lm if source == "em" else held.transform.to_em
    to_other = partial(_moved, to_source, across)
    data, _, kind = layer.as_layer_data_tuple()
    placed = _spread(placement(held.layer(partner(source))), layer)
    keywords = {**_state(layer, held, source), **placed}
    # Sizes are in pixels of the layer, which are others now.
    ratio = magnification_of(compose(held.across(source), to_source))
    if isinstance(layer, Points):
        keywords["size"] = np.asarray(layer.size) * ratio
        return _with_last(data, to_other(data[:, -2:])), keywords, kind
    keywords["edge_width"] = [width * ratio for width in layer.edge_width]
    moved = [
        move_shape(str(form), np.asarray(vertices)[:, -2:], to_other)
        for form, vertices in zip(layer.shape_type, data, strict=True)
    ]
    keywords["shape_type"] = [form for form, _ in moved]
    return [
        _with_last(np.resize(before, (len(after), before.shape[1])), after)
        for before, (_, after) in zip(data, moved, strict=True)
    ], keywords, kind  # fmt: skip


def _moved(to_source: Matrix, across: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = across(map_points(to_source, points))
    return moved


def _with_last(whole: Any, last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points with other rows and columns."""
    points = np.array(whole, dtype=np.float64)
    points[:, -2:] = last
    return points


def _state(layer: Layer, held: Held, source: Which) -> dict[str, Any]:
    """Return how a layer looks and what is known of it, without where it lies."""
    state: dict[str, Any] = layer.as_layer_data_tuple()[1]
    for name in (*PLACE, *OLD_FEATURES):
        state.pop(name, None)
    target = partner(source)
    entry = {"role": CARRIED, "image": held.layer(target).unique_id, "of": layer.unique_id}
    return state | {
        "name": f"{layer.name} on {target.upper()}",
        "metadata": {**layer.metadata, roles.KEY: entry},
        "visible": True,
    }


def _spread(placed: dict[str, Any], layer: Layer) -> dict[str, Any]:
    """Return where a layer of any dimension lies whose last two axes are placed."""
    more = layer.ndim - 2
    if not more:
        return placed
    affine = np.eye(layer.ndim + 1)
    affine[more:, more:] = placed.get("affine", np.eye(3))
    return {
        "units": (*layer.units[:more], *placed["units"]),
        "scale": (*layer.scale[:more], *placed["scale"]),
        "translate": (*layer.translate[:more], *placed.get("translate", (0.0, 0.0))),
        "affine": affine,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Bending:
    """An image or labels to be drawn anew on the other image, in a worker.

    Attributes
    ----------
    layer : Image or Labels
        Looked at on the GUI thread alone.
    image : ImageSource
    to_source : ndarray, shape (3, 3)
    held : Held
    source : {"lm", "em"}
    """

    layer: Image | Labels
    image: ImageSource
    to_source: Matrix
    held: Held
    source: Which

    def steps(self) -> Steps[tuple[NDArray[Any], Matrix]]:
        """Yield progress; return the pixels, and the way from them to the other image's."""
        transform = self.held.transform
        grid = _covering(transform, self.source)
        nearest = isinstance(self.layer, Labels)
        warp = warp_onto(
            grid,
            self.image.read(),
            self.source,
            transform,
            to_image=invert(self.to_source),
            interpolation="nearest" if nearest else "linear",
        )
        pixels = yield from sample_steps(warp, f"bending {self.image.name}")
        return pixels, invert(grid.to_grid)

    def layer_data(self, pixels: NDArray[Any], to_target: Matrix) -> outputs.LayerData:
        """Return the layer that shows the pixels."""
        _, _, kind = self.layer.as_layer_data_tuple()
        target = self.held.layer(partner(self.source))
        keywords = {**_state(self.layer, self.held, self.source), **placement(target, to_target)}
        keywords["multiscale"] = False
        return pixels, keywords, kind


def _covering(transform: PairTransform, source: Which) -> Grid:
    """Return a grid over what an image covers of the other, with pixels of its size at least."""
    if source == "em":
        to_lm, shape = covered(transform, MOST)
        return Grid("lm", shape, invert(to_lm), None)
    rows, cols = transform.em.shape
    factor = max(1.0, 1 / magnification_of(transform.em_to_lm), math.sqrt(rows * cols / MOST))
    return fitted_grid(transform, "em", math.ceil(max(rows, cols) / factor))
