"""The sample pairs of napari's File > Open Sample menu, and of the dock's own.

Each opens the LM image, the EM image beside it, a region to look for, and the true patch,
so that Search can be pressed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from clem_retrace.geometry import map_points
from clem_retrace.io import session_images
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin.frames import place_beside
from clem_retrace.plugin.layers import ORIGIN, Origin
from clem_retrace.plugin.outputs import LayerData, display_limits, drawing_layer

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
    "sample_pair",
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


def melanosomes() -> list[LayerData]:
    """Return the layers of the synthetic melanosome pair (experiment 1 of the paper)."""
    return _sample("melanosomes")


def endosomes() -> list[LayerData]:
    """Return the layers of the synthetic endosome pair (experiment 2 of the paper)."""
    return _sample("endosomes")


def chromatin() -> list[LayerData]:
    """Return the layers of the real C. elegans pair, downloaded when first asked for.

    Raises
    ------
    SampleUnavailable
        There is no network, or the files are not the known ones.
    """
    return _sample("chromatin")


def _sample(key: str) -> list[LayerData]:
    return sample_layers(key, sample_pair(key))


def sample_pair(key: str) -> Pair:
    """Return the pair of a sample, which takes seconds to make or to load.

    Raises
    ------
    SampleUnavailable
        The real one cannot be downloaded.
    """
    return session_images.sample_pair(NAMES[key])


def sample_layers(key: str, pair: Pair) -> list[LayerData]:
    """Return a sample's pair as layers, transmitted light in grey and fluorescence in green."""
    lm_colormap = "gray" if key == "melanosomes" else "green"
    return pair_layers(pair, lm_colormap=lm_colormap, sample=NAMES[key])


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
    lm_origin = Origin(sample=sample, which="lm") if sample else None
    em_origin = Origin(sample=sample, which="em") if sample else None
    lm = image_of(pair.lm, f"LM {pair.name}", lm_colormap, lm_origin)
    em = image_of(pair.em, f"EM {pair.name}", "gray", em_origin)
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
    keywords: dict[str, Any] = {
        "name": name,
        "colormap": colormap,
        "contrast_limits": display_limits(micrograph.data),
    }
    if micrograph.pixel_size is not None:
        keywords |= {"scale": (micrograph.pixel_size,) * 2, "units": ("nm", "nm")}
    if origin is not None:
        keywords["metadata"] = {ORIGIN: origin}
    return Image(micrograph.data, **keywords)
