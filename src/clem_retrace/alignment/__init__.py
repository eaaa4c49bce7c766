"""Aligning matched representations: the ground that retracing and registration share."""

from clem_retrace.alignment.gauss_newton import Alignments, Model, Template, align, proximity
from clem_retrace.alignment.growth import GrowthStep, Place, grow_steps
from clem_retrace.alignment.scene import Scene

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
