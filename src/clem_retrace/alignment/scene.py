"""LM and EM as they are compared: one representation, one physical pixel size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment.template import Template, proximity
from clem_retrace.decimating import decimate_steps
from clem_retrace.events import Steps, run
from clem_retrace.geometry import Matrix, compose, invert
from clem_retrace.memory import Recall
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.representation.matched import normalised_log

__all__ = ["Scene"]

#: Standard deviation of the local energy's window, LM pixels.
ENERGY_WINDOW = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Both representations on grids whose pixels are `cell` LM pixels, and the ROI.

    Attributes
    ----------
    lm : ndarray, shape (M, N), float32
    em : ndarray, shape (m, n), float32
        Locally normalised LoG.
    known : ndarray, shape (m, n), bool
        False where the EM holds nothing.
    roi : Roi
        On the LM's grid.
    lm_to_grid, em_to_grid : ndarray, shape (3, 3)
        From the pixels of each image to those of its grid.
    cell : float, LM pixels
    """

    lm: NDArray[np.float32]
    em: NDArray[np.float32]
    known: NDArray[np.bool_]
    roi: Roi
    lm_to_grid: Matrix
    em_to_grid: Matrix
    cell: float

    @classmethod
    def at(
        cls, lm: Micrograph, em: Micrograph, roi: Roi, *, ratio: float, cell: float, sigma: float
    ) -> Scene:
        """Return the scene at a resolution.

        Parameters
        ----------
        lm, em : Micrograph
        roi : Roi, LM pixels
        ratio : float
            EM pixels per LM pixel.
        cell : float, LM pixels
            Size of the grids' pixels.
        sigma : float, grid pixels
            Of the Laplacian of Gaussian.

        Raises
        ------
        BadImage
            One of the images has no structures.
        """
        return run(
            cls.at_steps(
                lm, em, roi, ratio=ratio, cell=cell, sigma=sigma,
                recall=Recall(), stage="representation",
            )
        )  # fmt: skip

    @classmethod
    def at_steps(
        cls,
        lm: Micrograph,
        em: Micrograph,
        roi: Roi,
        *,
        ratio: float,
        cell: float,
        sigma: float,
        recall: Recall,
        stage: str,
    ) -> Steps[Self]:
        """Yield progress of `at` under the name of `stage`; return its scene.

        What does not depend on the region is recalled, where another run has left it.
        """
        window = ENERGY_WINDOW / cell
        seen_lm = yield from recall.steps(_seen_steps, lm, cell, sigma, window, "LM", stage)
        seen_em = yield from recall.steps(_seen_steps, em, cell * ratio, sigma, window, "EM", stage)
        return cls(
            lm=seen_lm.log,
            em=seen_em.log,
            known=seen_em.known,
            roi=roi.scaled(seen_lm.to_grid),
            lm_to_grid=seen_lm.to_grid,
            em_to_grid=seen_em.to_grid,
            cell=cell,
        )

    def weights(self, reach: float) -> NDArray[np.float32]:
        """Return how much each LM pixel counts: ROI and surroundings of `reach` LM pixels."""
        return proximity(self.lm.shape, self.roi, reach / self.cell)

    def template(self, contrast: int, reach: float) -> Template:
        """Return the LM's template, in the sign that a contrast gives it in the EM."""
        template = Template.of(self.lm, self.weights(reach), self.roi.centre)
        return template if contrast > 0 else template.negated()

    def onto_grids(self, lm_to_em: Matrix) -> Matrix:
        """Return a transform of the images as one from the LM's grid to the EM's."""
        return compose(self.em_to_grid, lm_to_em, invert(self.lm_to_grid))

    def off_grids(self, grid_to_grid: Matrix) -> Matrix:
        """Return a transform from the LM's grid to the EM's as one of the images."""
        return compose(invert(self.em_to_grid), grid_to_grid, self.lm_to_grid)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One image on its grid: locally normalised LoG, where it is known, and the way there."""

    log: NDArray[np.float32]
    known: NDArray[np.bool_]
    to_grid: Matrix


def _seen_steps(
    image: Micrograph, factor: float, sigma: float, window: float, which: str, stage: str
) -> Steps[_Seen]:
    """Yield progress; return an image decimated by a factor, as it is compared."""
    decimated, to_grid = yield from decimate_steps(image, factor, stage)
    log = normalised_log(decimated, sigma, window, name=f"the {which} image")
    return _Seen(log, np.isfinite(decimated), to_grid)
