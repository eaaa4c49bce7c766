"""Results to layers: candidates, similarity map, LoG images, and the EM on the LM.

Each function returns napari's (data, keywords, type) triple, with the units of the image
it lies on. Colours are those of Okabe and Ito, told apart also by the colour-blind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, invert
from clem_retrace.plugin.frames import image_shape, placement, to_world

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from clem_retrace.pipeline import Registration
    from clem_retrace.retracing.candidates import Candidates

__all__ = [
    "DRAWINGS",
    "Drawing",
    "LayerData",
    "candidates_layer",
    "contrast_limits",
    "drawing_layer",
    "image_id",
    "log_layer",
    "overlay_layer",
    "role",
    "shows",
    "similarity_layer",
    "warped_layer",
]

LayerData = tuple[Any, dict[str, Any], str]

#: Key of our entry in a layer's metadata.
KEY = "clem_retrace"

ORANGE, SKY_BLUE, YELLOW, PURPLE = "#e69f00", "#56b4e9", "#f0e442", "#cc79a7"
#: Width of an outline as a share of the image's longer side.
EDGE = 1 / 250


@dataclass(frozen=True, slots=True)
class Drawing:
    """How the layer looks in which the user draws something.

    Attributes
    ----------
    on : {"LM", "EM"}
        The image it lies on.
    name : str
        Of the layer.
    colour : str
    shape_type : str
        Of an outline it starts with.
    """

    on: Literal["LM", "EM"]
    name: str
    colour: str
    shape_type: str


#: What is drawn by hand, by the role of its layer.
DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "roi": Drawing("LM", "Region (ROI)", ORANGE, "rectangle"),
        # A true patch may be sheared a little, which a napari rectangle is not.
        "ground truth": Drawing("EM", "Ground truth", YELLOW, "polygon"),
        "patch": Drawing("EM", "EM patch", PURPLE, "rectangle"),
    }
)


def role(layer: Layer) -> str | None:
    """Return what a layer of ours is for, such as "overlay"; None for other layers."""
    entry = layer.metadata.get(KEY)
    return entry["role"] if entry else None


def image_id(layer: Layer) -> str | None:
    """Return the unique id of the image that a result of ours lies on."""
    entry = layer.metadata.get(KEY)
    return entry.get("image") if entry else None


def shows(layer: Layer, candidates: Candidates) -> bool:
    """Whether a layer was made of these very candidates."""
    entry = layer.metadata.get(KEY)
    return bool(entry) and entry.get("candidates") is candidates


def _entry(role: str, image: Layer, **more: Any) -> dict[str, Any]:
    return {KEY: {"role": role, "image": image.unique_id, **more}}


def _edge(shape: tuple[int, int]) -> float:
    return max(1.0, max(shape) * EDGE)


def outline_style(shape: tuple[int, int], colour: str) -> dict[str, Any]:
    """Return layer keywords for outlines on an image of some shape."""
    return {
        "edge_color": colour,
        "edge_width": _edge(shape),
        "face_color": "transparent",
        "opacity": 1.0,
    }


def drawing_layer(image: Image, kind: str, corners: NDArray[np.float64] | None = None) -> LayerData:
    """Return a layer to draw the "roi", the "ground truth" or the "patch" in.

    Parameters
    ----------
    image : Image
        What is drawn on.
    kind : {"roi", "ground truth", "patch"}
    corners : ndarray, shape (4, 2), optional
        The outline it starts with, in the image's pixels.
    """
    drawing = DRAWINGS[kind]
    keywords = {
        "name": drawing.name,
        "metadata": {KEY: {"role": kind}},
        **outline_style(image_shape(image), drawing.colour),
        **placement(image),
    }
    if corners is None:
        return None, keywords | {"ndim": 2}, "shapes"
    return [corners], keywords | {"shape_type": drawing.shape_type}, "shapes"


def candidates_layer(candidates: Candidates, em: Image) -> LayerData:
    """Return the candidates as rectangles on the EM, the table in the layer's features."""
    matches = candidates.matches
    count = len(matches)
    features = {
        "rank": np.arange(1, count + 1),
        "search": [match.search for match in matches],
        "score": [match.score for match in matches],
        "confidence": [match.confidence for match in matches],
        "angle": [match.angle for match in matches],
        "mirrored": [match.mirrored for match in matches],
        "row": [match.centre[0] for match in matches],
        "col": [match.centre[1] for match in matches],
    }
    keywords = {
        "name": "Candidates",
        "metadata": _entry("candidates", em, candidates=candidates),
        **outline_style(image_shape(em), SKY_BLUE),
        "edge_color": [ORANGE] + [SKY_BLUE] * (count - 1),
        "shape_type": "rectangle",
        "features": features,
        "text": {"string": "{rank}", "size": 9, "color": YELLOW},
        **placement(em),
    }
    # The first is drawn last, over the others.
    return [match.corners for match in matches], keywords | _on_top(count), "shapes"


def _on_top(count: int) -> dict[str, Any]:
    return {"z_index": list(range(count, 0, -1))}


def similarity_layer(candidates: Candidates, em: Image) -> LayerData:
    """Return the similarity map on the EM, hidden until it is asked for."""
    keywords = {
        "name": "Similarity map",
        "metadata": _entry("similarity", em),
        "colormap": "viridis",
        "opacity": 0.6,
        "visible": False,
        "contrast_limits": contrast_limits(candidates.similarity, 0, 100),
        **placement(em, candidates.similarity_to_em),
    }
    return candidates.similarity, keywords, "image"


def log_layer(
    log: NDArray[np.float32], image_to_log: Matrix, image: Image, which: str
) -> LayerData:
    """Return the Laplacian of Gaussian of the "LM" or "EM" image, hidden until asked for."""
    keywords = {
        "name": f"{which} LoG",
        "metadata": _entry(f"{which} LoG", image),
        "visible": False,
        "contrast_limits": contrast_limits(log, 1, 99),
        **placement(image, invert(image_to_log)),
    }
    return log, keywords, "image"


def overlay_layer(registration: Registration, em: Image, lm: Image) -> LayerData:
    """Return the EM at full resolution, placed on the LM by ``affine``.

    The data are the EM layer's own, not a copy, and nothing is resampled. ``affine`` takes
    the EM's physical world to the LM's. A fluorescent label shines through; over an LM
    image with the EM's own contrast, the EM is half transparent.
    """
    data = em.data
    if em.ndim > 2:
        first = (0,) * (em.ndim - 2)
        data = [level[first] for level in em.data] if em.multiscale else em.data[first]
    keywords = {
        "name": "EM on LM",
        "metadata": _entry("overlay", lm, registration=registration),
        "multiscale": em.multiscale,
        "colormap": em.colormap,
        "contrast_limits": tuple(em.contrast_limits),
        "gamma": em.gamma,
        "blending": "additive" if registration.match.contrast < 0 else "translucent",
        "opacity": 0.6,
        "visible": registration.found,
        **placement(lm, registration.em_to_lm, scale=_em_scale(registration, lm)),
    }
    return data, keywords, "image"


def _em_scale(registration: Registration, lm: Image) -> float:
    """Return the LM layer's world units per EM pixel, as the run started from."""
    lm_scale = float(np.sqrt(abs(np.linalg.det(to_world(lm)[:2, :2]))))
    return lm_scale / registration.ratio


def warped_layer(image: NDArray[np.float32], registration: Registration, lm: Image) -> LayerData:
    """Return the EM decimated and warped on the LM's own pixels."""
    keywords = {
        "name": "EM on LM (LM pixels)",
        "metadata": _entry("warped", lm, registration=registration),
        "visible": False,
        "contrast_limits": contrast_limits(image, 1, 99),
        **placement(lm),
    }
    return image, keywords, "image"


def contrast_limits(image: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return contrast limits by percentiles of the finite values, never empty."""
    values = image[np.isfinite(image)]
    if values.size == 0:
        return 0.0, 1.0
    bottom, top = (float(value) for value in np.percentile(values, (low, high)))
    return (bottom, top) if top > bottom else (bottom, bottom + 1.0)
