"""Aligning matched representations: the ground that retracing and registration share."""

from clem_retrace.alignment.gauss_newton import Alignments, align
from clem_retrace.alignment.growth import GrowthStep, Place, grow_steps
from clem_retrace.alignment.scene import Scene
from clem_retrace.alignment.template import Model, Template, proximity

__all__ = [
    "Alignments",
    "GrowthStep",
    "Model",
    "Place",
    "Scene",
    "Template",
    "align",
    "grow_steps",
    "proximity",
]
