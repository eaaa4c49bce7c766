"""What is already known of two images in a viewer: a run's result, a region, earlier pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from clem_retrace.errors import ClemRetraceError
from clem_retrace.micrograph import ImageFacts, Roi
from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import image_shape, pixel_size
from clem_retrace.plugin.regions import lm_region
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from clem_retrace.result import Registration

__all__ = ["facts", "known_region", "known_transform", "likely_pair"]


def facts(image: Image) -> ImageFacts:
    """Return what a transform remembers of an image layer."""
    return ImageFacts(image.name, image_shape(image), pixel_size(image).nm)


def likely_pair(layers: Sequence[Layer]) -> tuple[Image, Image] | None:
    """Return the LM and the EM that have pairs already, or else an overlay; the newest."""
    found = None
    for layer in layers:
        if roles.role(layer) == "overlay":
            pair = _with_id(layers, roles.image_id(layer)), _em_of(layers, layer)
        elif roles.role(layer) == roles.LANDMARKS:
            entry = layer.metadata[roles.KEY]
            ids = entry["image"], entry["partner"]
            lm_id, em_id = ids if entry["which"] == "lm" else ids[::-1]
            pair = _with_id(layers, lm_id), _with_id(layers, em_id)
        else:
            continue
        if pair[0] is not None and pair[1] is not None:
            found = pair
    return found


def known_transform(layers: Iterable[Layer], lm: Image, em: Image) -> PairTransform | None:
    """Return the transform that a run has found for two images, or that was opened for them."""
    layers = list(layers)
    registration = _registration(layers, lm, em)
    if registration is not None:
        return registration.transform
    for layer in reversed(layers):
        entry = layer.metadata.get(roles.KEY) or {}
        laid = entry.get("image"), entry.get("em")
        if roles.role(layer) == roles.FROM_FILE and laid == (lm.unique_id, em.unique_id):
            opened: PairTransform = entry["transform"]
            return opened
    return None


def known_region(layers: Sequence[Layer], lm: Image, em: Image) -> Roi | None:
    """Return the region that was searched for, or that is drawn."""
    registration = _registration(layers, lm, em)
    if registration is not None:
        return registration.roi
    for layer in layers:
        if roles.role(layer) == "roi":
            # Nothing may be drawn there, or it may lie elsewhere.
            with suppress(ClemRetraceError):
                return lm_region(layer, lm).roi
    return None


def _registration(layers: Iterable[Layer], lm: Image, em: Image) -> Registration | None:
    for layer in layers:
        if roles.role(layer) != "overlay" or roles.image_id(layer) != lm.unique_id:
            continue
        registration: Registration = layer.metadata[roles.KEY]["registration"]
        if (registration.lm.shape, registration.em.shape) == (image_shape(lm), image_shape(em)):
            return registration
    return None


def _with_id(layers: Iterable[Layer], unique_id: str | None) -> Image | None:
    return next((layer for layer in layers if layer.unique_id == unique_id), None)


def _em_of(layers: Iterable[Layer], overlay: Image) -> Image | None:
    """Return the image of which an overlay shows the pixels, or that has its name and shape."""
    known = overlay.metadata[roles.KEY]["registration"].em
    images = [one for one in layers if roles.is_single_input(one)]
    same = [one for one in images if one.data is overlay.data]
    alike = [one for one in images if (one.name, image_shape(one)) == (known.name, known.shape)]
    return next(iter([*same, *alike]), None)
