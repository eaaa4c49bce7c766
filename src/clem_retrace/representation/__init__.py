"""The common representation (paper 3.1): Laplacian of Gaussian, its sigma, its unit."""

from clem_retrace.representation.log import laplacian_of_gaussian, laplacian_of_gaussian_steps
from clem_retrace.representation.representation import (
    Representation,
    represent,
    represent_steps,
)
from clem_retrace.representation.scale_selection import (
    ScaleSelection,
    select_sigma,
    select_sigma_steps,
)
from clem_retrace.representation.standardise import standardise

__all__ = [
    "Representation",
    "ScaleSelection",
    "laplacian_of_gaussian",
    "laplacian_of_gaussian_steps",
    "represent",
    "represent_steps",
    "select_sigma",
    "select_sigma_steps",
    "standardise",
]
