"""Two pairs in the geometry of the paper's experiments: `melanosomes` and `endosomes`."""

from __future__ import annotations

from clem_retrace.synthetic.pair import Pair
from clem_retrace.synthetic.simulate import simulate_pair

__all__ = ["endosomes", "melanosomes"]


def melanosomes(
    seed: int = 0,
    *,
    angle: float = 84.0,
    mirrored: bool = False,
    shared: float = 0.4,
    noise: float = 1.0,
) -> Pair:
    """Return a pair in the geometry of the paper's first experiment (section 4).

    Pigment granules in transmitted light, dark in both images; the LM shows several cells,
    the EM is close up; the true patch covers about 46 % of the EM's width and 72 % of its
    height, as in the paper.
    """
    return simulate_pair(
        seed,
        lm_shape=(383, 512),
        em_shape=(3970, 4056),
        roi_size=(118, 206),
        ratio=13.0,
        angle=angle,
        mirrored=mirrored,
        shear=0.03,
        anisotropy=0.02,
        structures="granules",
        contrast="same",
        shared=shared,
        noise=noise,
        lm_pixel_size=130.0,
        name="melanosomes",
    )


def endosomes(
    seed: int = 0,
    *,
    angle: float = -87.0,
    mirrored: bool = False,
    shared: float = 0.4,
    noise: float = 1.0,
) -> Pair:
    """Return a pair in the geometry of the paper's second experiment (section 4).

    Vesicles, fluorescent in the LM, dark rings in the EM; 110 nm and 11.3 nm per pixel; the
    true patch stands upright in the EM and covers about 17 % of its width and 51 % of its
    height.
    """
    return simulate_pair(
        seed,
        lm_shape=(1040, 1392),
        em_shape=(2664, 4008),
        roi_size=(64, 136),
        ratio=110.0 / 11.3,
        angle=angle,
        mirrored=mirrored,
        shear=0.03,
        structures="vesicles",
        contrast="inverted",
        shared=shared,
        noise=noise,
        lm_pixel_size=110.0,
        em_pixel_size=11.3,
        name="endosomes",
    )
