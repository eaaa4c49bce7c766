"""The sample pairs of napari's File > Open Sample menu.

Each opens the LM image, the EM image beside it, a region to look for, and the true patch,
so that Run can be pressed at once.
"""

from __future__ import annotations

from napari.layers import Image

from clem_retrace.geometry import map_points
from clem_retrace.plugin.frames import place_beside
from clem_retrace.plugin.outputs import LayerData, drawing_layer
from clem_retrace.synthetic import Pair

__all__ = ["chromatin", "endosomes", "melanosomes", "pair_layers"]


def melanosomes() -> list[LayerData]:
    """Return the layers of the synthetic melanosome pair (experiment 1 of the paper)."""
    from clem_retrace import synthetic

    return pair_layers(synthetic.melanosomes())


def endosomes() -> list[LayerData]:
    """Return the layers of the synthetic endosome pair (experiment 2 of the paper)."""
    from clem_retrace import synthetic

    return pair_layers(synthetic.endosomes())


def chromatin() -> list[LayerData]:
    """Return the layers of the real C. elegans pair, downloaded when first asked for.

    Raises
    ------
    SampleUnavailable
        There is no network, or the files are not the known ones.
    """
    from clem_retrace.io.samples import real_pair

    return pair_layers(real_pair())


def pair_layers(pair: Pair) -> list[LayerData]:
    """Return a pair as layers: LM, EM to its right, the region, and the true patch.

    Parameters
    ----------
    pair : Pair
        Pixel sizes become the layers' scale, in nm; unknown ones leave the unit pixel.
    """
    lm, em = (
        Image(micrograph.data, name=name, **_calibration(micrograph.pixel_size))
        for micrograph, name in ((pair.lm, f"LM {pair.name}"), (pair.em, f"EM {pair.name}"))
    )
    place_beside(em, lm, [])
    layers = [image.as_layer_data_tuple() for image in (lm, em)]
    if pair.lm_to_em is not None:
        patch = map_points(pair.lm_to_em, pair.roi.corners)
        layers.append(drawing_layer(em, "ground truth", patch))
    return [*layers, drawing_layer(lm, "roi", pair.roi.corners)]


def _calibration(pixel_size: float | None) -> dict[str, object]:
    if pixel_size is None:
        return {}
    return {"scale": (pixel_size, pixel_size), "units": ("nm", "nm")}
