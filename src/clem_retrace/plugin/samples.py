"""The sample pairs of napari's File > Open Sample menu, and of the dock's own.

Each opens the LM image, the EM image beside it, a region to look for, and the true patch,
so that Search can be pressed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from clem_retrace.events import Progress, Steps
from clem_retrace.geometry import map_points
from clem_retrace.io.session_images import sample_pair
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin.frames import place_beside
from clem_retrace.plugin.layers import ORIGIN, Origin
from clem_retrace.plugin.outputs import LayerData, contrast_limits, drawing_layer

if TYPE_CHECKING:
    from clem_retrace.synthetic import Pair

__all__ = [
    "SAMPLES",
    "chromatin",
    "endosomes",
    "image_of",
    "melanosomes",
    "pair_layers",
    "sample_layers",
    "sample_steps",
]

#: Keys and titles, as the manifest has them.
SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "melanosomes": "Melanosomes (synthetic)",
        "endosomes": "Endosomes (synthetic)",
        "chromatin": "C. elegans chromatin (real, download)",
    }
)

#: What the command line and sessions call them.
NAMES: Mapping[str, str] = MappingProxyType(
    {"melanosomes": "melanosomes", "endosomes": "endosomes", "chromatin": "real"}
)

#: Rows and columns from which the contrast of an image is judged, about.
SAMPLED = 1024


def melanosomes() -> list[LayerData]:
    """Return the layers of the synthetic melanosome pair (experiment 1 of the paper)."""
    return sample_layers("melanosomes", _pair("melanosomes"))


def endosomes() -> list[LayerData]:
    """Return the layers of the synthetic endosome pair (experiment 2 of the paper)."""
    return sample_layers("endosomes", _pair("endosomes"))


def chromatin() -> list[LayerData]:
    """Return the layers of the real C. elegans pair, downloaded when first asked for.

    Raises
    ------
    SampleUnavailable
        There is no network, or the files are not the known ones.
    """
    return sample_layers("chromatin", _pair("chromatin"))


def sample_steps(key: str) -> Steps[Pair]:
    """Yield once; return the pair of a sample, which takes seconds to make or to load.

    Raises
    ------
    SampleUnavailable
        The real one cannot be downloaded.
    """
    yield Progress(f"opening {SAMPLES[key]}", 0, 1)
    return _pair(key)


def sample_layers(key: str, pair: Pair) -> list[LayerData]:
    """Return a sample's pair as layers, transmitted light in grey and fluorescence in green."""
    lm_colormap = "gray" if key == "melanosomes" else "green"
    return pair_layers(pair, lm_colormap=lm_colormap, sample=NAMES[key])


def _pair(key: str) -> Pair:
    return sample_pair(NAMES[key])


def pair_layers(pair: Pair, *, lm_colormap: str = "gray", sample: str = "") -> list[LayerData]:
    """Return a pair as layers: LM, EM to its right, the true patch, and the region.

    Parameters
    ----------
    pair : Pair
        Pixel sizes become the layers' scale, in nm; unknown ones leave the unit pixel.
    lm_colormap : str
        A colour suits a fluorescent label, grey transmitted light.
    sample : str
        The name of the sample that the pair is, if it is one.
    """
    origin = Origin(sample=sample) if sample else None
    lm = image_of(pair.lm, f"LM {pair.name}", lm_colormap, origin)
    em = image_of(pair.em, f"EM {pair.name}", "gray", origin)
    place_beside(em, lm, [])
    layers = [image.as_layer_data_tuple() for image in (lm, em)]
    if pair.lm_to_em is not None:
        patch = map_points(pair.lm_to_em, pair.roi.corners)
        layers.append(drawing_layer(em, "ground truth", patch))
    return [*layers, drawing_layer(lm, "roi", pair.roi.corners)]


def image_of(
    micrograph: Micrograph, name: str, colormap: str, origin: Origin | None = None
) -> Image:
    """Return a micrograph as a layer, with a contrast that few very bright pixels do not spoil.

    Parameters
    ----------
    micrograph : Micrograph
        Its pixel size becomes the scale, in nm; an unknown one leaves the unit pixel.
    name, colormap : str
    origin : Origin, optional
        Where the pixels can be had again.
    """
    step = max(1, max(micrograph.shape) // SAMPLED)
    limits = contrast_limits(np.asarray(micrograph.data[::step, ::step]), 0.2, 99.8)
    keywords: dict[str, Any] = {
        "name": name, "colormap": colormap, "contrast_limits": limits,
    }  # fmt: skip
    if micrograph.pixel_size is not None:
        keywords |= {"scale": (micrograph.pixel_size,) * 2, "units": ("nm", "nm")}
    if origin is not None:
        keywords["metadata"] = {ORIGIN: origin}
    return Image(micrograph.data, **keywords)
