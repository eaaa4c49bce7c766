"""The sample pairs of napari's File > Open Sample menu.

Each opens the LM image, the EM image beside it, a region to look for, and the true patch,
so that Run can be pressed at once.
"""

from __future__ import annotations

from napari.layers import Image

from clem_retrace.geometry import map_points
from clem_retrace.micrograph import Micrograph
from clem_retrace.plugin.frames import place_beside
from clem_retrace.plugin.outputs import LayerData, contrast_limits, drawing_layer
from clem_retrace.synthetic import Pair

__all__ = ["chromatin", "endosomes", "melanosomes", "pair_layers"]


def melanosomes() -> list[LayerData]:
    """Return the layers of the synthetic melanosome pair (experiment 1 of the paper)."""
    from clem_retrace import synthetic

    return pair_layers(synthetic.melanosomes())


def endosomes() -> list[LayerData]:
    """Return the layers of the synthetic endosome pair (experiment 2 of the paper)."""
    from clem_retrace import synthetic

    return pair_layers(synthetic.endosomes(), lm_colormap="green")


def chromatin() -> list[LayerData]:
    """Return the layers of the real C. elegans pair, downloaded when first asked for.

    Raises
    ------
    SampleUnavailable
        There is no network, or the files are not the known ones.
    """
    from clem_retrace.io.samples import real_pair

    return pair_layers(real_pair(), lm_colormap="green")


def pair_layers(pair: Pair, *, lm_colormap: str = "gray") -> list[LayerData]:
    """Return a pair as layers: LM, EM to its right, the true patch, and the region.

    Parameters
    ----------
    pair : Pair
        Pixel sizes become the layers' scale, in nm; unknown ones leave the unit pixel.
    lm_colormap : str
        A colour suits a fluorescent label, grey transmitted light.
    """
    lm = _image(pair.lm, f"LM {pair.name}", lm_colormap)
    em = _image(pair.em, f"EM {pair.name}", "gray")
    place_beside(em, lm, [])
    layers = [image.as_layer_data_tuple() for image in (lm, em)]
    if pair.lm_to_em is not None:
        patch = map_points(pair.lm_to_em, pair.roi.corners)
        layers.append(drawing_layer(em, "ground truth", patch))
    return [*layers, drawing_layer(lm, "roi", pair.roi.corners)]


def _image(micrograph: Micrograph, name: str, colormap: str) -> Image:
    """Return a layer whose contrast a few very bright pixels do not spoil."""
    limits = contrast_limits(micrograph.data[::2, ::2], 0.2, 99.8)
    keywords = {"name": name, "colormap": colormap, "contrast_limits": limits}
    if micrograph.pixel_size is not None:
        keywords |= {"scale": (micrograph.pixel_size,) * 2, "units": ("nm", "nm")}
    return Image(micrograph.data, **keywords)
