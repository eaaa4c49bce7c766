"""What the layers of ours are for: it is kept in their metadata, and read from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "DATED",
    "DRAWN",
    "FROM_FILE",
    "KEY",
    "LANDMARKS",
    "LANDMARK_ERROR",
    "LANDMARK_OVERLAY",
    "OUTLINES",
    "entry",
    "image_id",
    "is_input",
    "is_single_input",
    "role",
]

#: Key of our entry in a layer's metadata.
KEY = "clem_retrace"

#: Roles of the layers that are drawn in by hand.
DRAWN = ("roi", "ground truth", "patch")

#: Roles of the layers of the dock `Landmarks`: the points on each image, the EM laid over the
#: LM by them, and the error that is expected.
LANDMARKS, LANDMARK_OVERLAY, LANDMARK_ERROR = "landmarks", "landmark overlay", "landmark error"

#: Role of an EM that lies on an LM by a transform from a file.
FROM_FILE = "imported overlay"

#: Roles of layers of outlines and points, which no image may hide.
OUTLINES = (*DRAWN, "candidates", LANDMARKS)

#: Roles of layers that show a run, and that a change of the form puts out of date.
DATED = ("overlay", "warped", "region", "candidates", "similarity")


def entry(role: str, image: Layer, **more: Any) -> dict[str, Any]:
    """Return the metadata of a layer of ours, for the image that it lies on."""
    return {KEY: {"role": role, "image": image.unique_id, **more}}


def role(layer: Layer) -> str | None:
    """Return what a layer of ours is for, such as "overlay"; None for other layers."""
    held = layer.metadata.get(KEY)
    return held["role"] if held else None


def image_id(layer: Layer) -> str | None:
    """Return the unique id of the image that a result of ours lies on."""
    held = layer.metadata.get(KEY)
    return held.get("image") if held else None


def is_input(layer: Layer) -> bool:
    """Whether a layer can be the LM or the EM image: an image, and no result of ours."""
    return isinstance(layer, Image) and role(layer) is None


def is_single_input(layer: Layer) -> bool:
    """Whether it can be, and has one channel."""
    return is_input(layer) and not layer.rgb
