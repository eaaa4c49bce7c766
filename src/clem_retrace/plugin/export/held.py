"""`Held`, a transform that the viewer holds in one of its layers, with the images it is of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clem_retrace.errors import BadImage
from clem_retrace.geometry import Matrix, invert
from clem_retrace.micrograph import Roi
from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import image_shape, pixel_size
from clem_retrace.plugin.landmarks.known import known_region, likely_pair
from clem_retrace.plugin.layers import ImageSource, image_source
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from clem_retrace.result import Registration

__all__ = ["HOLDERS", "Held", "held_transforms"]

#: Roles of the layers that hold transforms.
HOLDERS = ("overlay", roles.LANDMARK_OVERLAY, roles.FROM_FILE)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A transform in a viewer.

    Attributes
    ----------
    overlay : Image
        The EM laid over the LM, which holds it.
    transform : PairTransform
        With the pixel sizes that the images have now, where it knows none.
    images : (LM, EM)
        Their layers.
    registration : Registration or None
        Of which it is the result.
    projection : Image or None
        What was taken of an LM that is a stack.
    region : Roi or None
        What was searched for, or is drawn, in LM pixels.
    """

    overlay: Image
    transform: PairTransform
    images: tuple[Image, Image]
    registration: Registration | None = None
    projection: Image | None = None
    region: Roi | None = None

    @property
    def title(self) -> str:
        """What people call it, in a few words."""
        entry, transform = self.overlay.metadata[roles.KEY], self.transform
        if self.registration is not None:
            return "Placed by hand" if transform.origin == "hand" else "Automatic result"
        if entry["role"] == roles.FROM_FILE:
            return f"File {entry['file'].name}"
        late = ", out of date" if entry.get("outdated") else ""
        if transform.origin != "landmarks" or transform.landmarks is None:
            return f"Landmarks dock: as begun with{late}"
        return f"Landmarks: {transform.model}, {transform.landmarks.used.sum()} pairs{late}"

    def layer(self, which: Which) -> Image:
        """Return the layer of the LM or the EM."""
        return self.images[0 if which == "lm" else 1]

    def across(self, source: Which) -> Matrix:
        """Return the way from the pixels of one image to the other's, without what bends."""
        matrix = self.transform.em_to_lm
        return matrix if source == "em" else invert(matrix)

    def source(self, which: Which) -> ImageSource:
        """Return what is read of the LM or the EM.

        Raises
        ------
        BadImage
            The layer is a stack, or has other pixels by now.
        """
        layer, facts = self.layer(which), self.transform.facts(which)
        if which == "lm" and layer.ndim > 2 and self.projection is not None:
            layer = self.projection
        rows, cols = image_shape(layer)
        if 0 not in facts.shape and (rows, cols) != facts.shape:
            raise BadImage(
                f"the layer '{layer.name}' has {rows} x {cols} pixels, and the transform is of an "
                f"{which.upper()} of {facts.shape[0]} x {facts.shape[1]}"
            )
        source = image_source(layer, facts.pixel_size)
        return dataclasses.replace(source, name=facts.name or source.name)


def held_transforms(layers: Sequence[Layer]) -> list[Held]:
    """Return the transforms that some layers hold, those of the uppermost first.

    One whose LM or EM is no longer open is not among them.
    """
    images = [layer for layer in layers if roles.is_single_input(layer)]
    held = []
    for layer in reversed(layers):
        entry: dict[str, Any] = layer.metadata.get(roles.KEY) or {}
        if entry.get("role") not in HOLDERS:
            continue
        registration: Registration | None = entry.get("registration")
        transform = entry.get("transform") if registration is None else registration.transform
        pair = _pair(layer, entry, images)
        if transform is not None and pair is not None:
            lm, em = pair
            held.append(
                Held(
                    layer,
                    _completed(transform, lm, em),
                    pair,
                    registration,
                    _projection(layers, lm),
                    registration.roi if registration is not None else known_region(layers, lm, em),
                )
            )
    return held


def _pair(overlay: Layer, entry: dict[str, Any], images: list[Image]) -> tuple[Image, Image] | None:
    """Return the LM and the EM of an overlay."""
    if "em" not in entry:
        return likely_pair([*images, overlay])
    known = {layer.unique_id: layer for layer in images}
    lm, em = known.get(entry["image"]), known.get(entry["em"])
    return None if lm is None or em is None else (lm, em)


def _projection(layers: Iterable[Layer], lm: Image) -> Image | None:
    for layer in layers:
        if roles.role(layer) == "projection" and roles.image_id(layer) == lm.unique_id:
            return layer
    return None


def _completed(transform: PairTransform, lm: Image, em: Image) -> PairTransform:
    """Return a transform with the pixel sizes that its images were given since."""
    if transform.spline is not None or None not in (
        transform.lm.pixel_size,
        transform.em.pixel_size,
    ):
        return transform
    both = []
    for facts, layer in ((transform.lm, lm), (transform.em, em)):
        known = facts.pixel_size or pixel_size(layer).nm
        both.append(dataclasses.replace(facts, pixel_size=known))
    return dataclasses.replace(transform, lm=both[0], em=both[1])
