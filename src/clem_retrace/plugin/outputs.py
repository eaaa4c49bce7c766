"""Results to layers: candidates, similarity map, LoG images, the EM on the LM, and back.

Each function returns napari's (data, keywords, type) triple, with the units of the image
it lies on. Colours are those of Okabe and Ito, told apart also by the colour-blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, compose, invert, translation
from clem_retrace.plugin import roles
from clem_retrace.plugin.frames import drawn_side, image_shape, placement
from clem_retrace.plugin.regions import region_slices

if TYPE_CHECKING:
    from napari.layers import Image

    from clem_retrace.registration.pair_transform import PairTransform
    from clem_retrace.result import Registration
    from clem_retrace.retracing.candidates import Candidates, Match

__all__ = [
    "DRAWINGS",
    "DrawingStyle",
    "LayerData",
    "bent_overlay_layer",
    "candidates_layer",
    "contrast_limits",
    "display_limits",
    "drawing_layer",
    "first_plane",
    "landmark_overlay_layer",
    "log_layer",
    "looks_of",
    "overlay_layer",
    "projection_layer",
    "region_layer",
    "similarity_layer",
    "warped_layer",
]

LayerData = tuple[Any, dict[str, Any], str]

ORANGE, SKY_BLUE, YELLOW, PURPLE = "#e69f00", "#56b4e9", "#f0e442", "#cc79a7"
#: Width of an outline as a share of the image's longer side, where nothing follows the zoom.
EDGE = 1 / 250
#: Rows and columns from which the contrast of an image is judged, about.
SAMPLED = 1024
#: How many candidates bear their number on the canvas, besides the one that is shown.
NUMBERED = 3


@dataclass(frozen=True, slots=True)
class DrawingStyle:
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
DRAWINGS: Mapping[str, DrawingStyle] = MappingProxyType(
    {
        "roi": DrawingStyle("LM", "Region (ROI)", ORANGE, "rectangle"),
        # A true patch may be sheared a little, which a napari rectangle is not.
        "ground truth": DrawingStyle("EM", "Ground truth", YELLOW, "polygon"),
        "patch": DrawingStyle("EM", "EM patch", PURPLE, "rectangle"),
    }
)


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
        "metadata": {roles.KEY: {"role": kind}},
        **outline_style(image_shape(image), drawing.colour),
        **placement(image),
    }
    if corners is None:
        return None, keywords | {"ndim": 2}, "shapes"
    return [corners], keywords | {"shape_type": drawing.shape_type}, "shapes"


def candidates_layer(
    candidates: Candidates, em: Image, places: Sequence[Match] = (), chosen: int = 0
) -> LayerData:
    """Return the candidates as outlines on the EM, the table in the layer's features.

    Parameters
    ----------
    candidates : Candidates
    em : Image
    places : sequence of Match, optional
        Where the candidates lie, for those that were registered since.
    chosen : int
        The one that is shown: orange, with a wider edge, and above the others.
    """
    matches, places = candidates.matches, places or candidates.matches
    style = outline_style(image_shape(em), SKY_BLUE)
    shown = [number == chosen for number in range(len(matches))]
    ranks = np.arange(1, len(matches) + 1)
    features = {
        "rank": ranks,
        "search": [match.search for match in matches],
        "score": [match.score for match in matches],
        "confidence": [match.confidence for match in matches],
        "angle": [place.angle for place in places],
        "mirrored": [place.mirrored for place in places],
        "row": [place.centre[0] for place in places],
        "col": [place.centre[1] for place in places],
        # All numbers at once could not be read where the candidates lie close together.
        "label": [
            str(n) if n <= NUMBERED or it else "" for n, it in zip(ranks, shown, strict=True)
        ],
    }
    keywords = {
        "name": "Candidates",
        "metadata": roles.entry("candidates", em, candidates=candidates, chosen=chosen),
        **style,
        "edge_color": [ORANGE if it else SKY_BLUE for it in shown],
        "z_index": [len(shown) if it else len(shown) - 1 - n for n, it in enumerate(shown)],
        "shape_type": "polygon",
        "features": features,
        "text": {"string": "{label}", "size": 8, "color": YELLOW, "anchor": "upper_left"},
        **placement(em),
    }
    return [place.outline for place in places], keywords, "shapes"


def similarity_layer(candidates: Candidates, em: Image) -> LayerData:
    """Return the similarity map on the EM, hidden until it is asked for."""
    keywords = {
        "name": "Similarity map",
        "metadata": roles.entry("similarity", em),
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
        "metadata": roles.entry(f"{which} LoG", image),
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
    keywords = {
        "name": "EM on LM",
        "metadata": roles.entry("overlay", lm, registration=registration),
        "multiscale": em.multiscale,
        **looks_of(em),
        "blending": "additive" if registration.match.contrast < 0 else "translucent",
        "opacity": 0.6,
        "visible": _is_settled(registration),
        **placement(lm, registration.em_to_lm, scale=drawn_side(lm) / registration.ratio),
    }
    return first_plane(em), keywords, "image"


def landmark_overlay_layer(transform: PairTransform, em: Image, lm: Image) -> LayerData:
    """Return the EM at full resolution, placed on the LM by the affine part of a transform."""
    sizes = transform.em.pixel_size, transform.lm.pixel_size
    # The rest, what an EM pixel is too large or too small, is `affine`.
    side = drawn_side(lm) * sizes[0] / sizes[1] if sizes[0] and sizes[1] else None
    keywords = {
        **_landmark_overlay(transform, em, lm),
        "multiscale": em.multiscale,
        **placement(lm, transform.em_to_lm, scale=side),
    }
    return first_plane(em), keywords, "image"


def bent_overlay_layer(
    pixels: NDArray[np.float32], to_lm: Matrix, transform: PairTransform, em: Image, lm: Image
) -> LayerData:
    """Return the EM bent onto the LM by a spline, on a grid of its own."""
    keywords = _landmark_overlay(transform, em, lm) | placement(lm, to_lm)
    return pixels, keywords, "image"


def _landmark_overlay(transform: PairTransform, em: Image, lm: Image) -> dict[str, Any]:
    return {
        "name": "EM on LM (landmarks)",
        "metadata": roles.entry(roles.LANDMARK_OVERLAY, lm, transform=transform, em=em.unique_id),
        **looks_of(em),
        "opacity": 0.6,
    }


def first_plane(em: Image) -> Any:
    """Return the pixels of an EM layer that are shown on the LM; of a stack, the first."""
    if em.ndim == 2:
        return em.data
    first = (0,) * (em.ndim - 2)
    return [level[first] for level in em.data] if em.multiscale else em.data[first]


def looks_of(image: Image) -> dict[str, Any]:
    """Return layer keywords that show grey values as an image layer does."""
    return {
        "colormap": image.colormap,
        "contrast_limits": tuple(image.contrast_limits),
        "gamma": image.gamma,
    }


def _is_settled(registration: Registration) -> bool:
    """Whether one image may hide a part of the other: the place is found, or given by hand."""
    return registration.found or registration.match.search == "hand"


def region_layer(
    pixels: NDArray[np.float32], registration: Registration, lm: Image, em: Image
) -> LayerData:
    """Return the LM region, laid over the EM where the registration puts it.

    Parameters
    ----------
    pixels : ndarray
        The LM in the region, as `cut` gives it.
    registration : Registration
    lm, em : Image
    """
    rows, cols = region_slices(registration.roi)
    to_em = compose(registration.lm_to_em, translation((rows.start, cols.start)))
    keywords = {
        "name": "LM region on EM",
        "metadata": roles.entry("region", em),
        **looks_of(lm),
        "blending": "additive" if registration.match.contrast < 0 else "translucent",
        "opacity": 0.6,
        "visible": _is_settled(registration),
        **placement(em, to_em),
    }
    return pixels, keywords, "image"


def projection_layer(pixels: NDArray[Any], lm: Image) -> LayerData:
    """Return the image of an LM stack that is searched for, on the stack."""
    keywords = {
        "name": f"{lm.name}, as searched for",
        "metadata": roles.entry("projection", lm),
        "colormap": lm.colormap,
        "contrast_limits": contrast_limits(pixels, 0.2, 99.8),
        **placement(lm),
    }
    return pixels, keywords, "image"


def warped_layer(image: NDArray[np.float32], registration: Registration, lm: Image) -> LayerData:
    """Return the EM decimated and warped on the LM's own pixels."""
    keywords = {
        "name": "EM on LM (LM pixels)",
        "metadata": roles.entry("warped", lm, registration=registration),
        "visible": False,
        "contrast_limits": contrast_limits(image, 1, 99),
        **placement(lm),
    }
    return image, keywords, "image"


def display_limits(pixels: Any) -> tuple[float, float]:
    """Return contrast limits that a few very bright pixels do not spoil.

    Of a stack they are judged from the plane in the middle; it is not read whole.
    """
    while pixels.ndim > 2:
        pixels = pixels[len(pixels) // 2]
    spread = tuple(slice(None, None, max(1, length // SAMPLED)) for length in pixels.shape)
    return contrast_limits(np.asarray(pixels[spread]), 0.2, 99.8)


def contrast_limits(image: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return contrast limits by percentiles of the finite values, never empty."""
    values = image[np.isfinite(image)]
    if values.size == 0:
        return 0.0, 1.0
    bottom, top = (float(value) for value in np.percentile(values, (low, high)))
    return (bottom, top) if top > bottom else (bottom, bottom + 1.0)
