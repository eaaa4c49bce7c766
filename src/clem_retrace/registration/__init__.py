"""Registering the LM region and its place in the EM (paper 3.3)."""

from clem_retrace.registration.affine import (
    AffineEstimate,
    register_affine,
    register_affine_steps,
)
from clem_retrace.registration.warping import overlay_on_lm, overlay_on_lm_steps

__all__ = [
    "AffineEstimate",
    "overlay_on_lm",
    "overlay_on_lm_steps",
    "register_affine",
    "register_affine_steps",
]
