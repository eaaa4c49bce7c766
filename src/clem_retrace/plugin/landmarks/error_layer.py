"""The error that is expected, as a map over the part of the LM that the EM covers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, map_points
from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.frames import placement
from clem_retrace.plugin.landmarks.lying import covered, lay
from clem_retrace.plugin.scene import selection_kept
from clem_retrace.registration.landmark_errors import predicted_error
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from clem_retrace.plugin.landmarks.fitting import Fit
    from clem_retrace.plugin.scene import Scene

__all__ = ["COLORMAP", "ErrorLayer", "expected"]

#: Pixels of the map: it is smooth, and a spline's takes longer.
PIXELS = 6400

#: From dark to bright, told apart by the colour-blind.
COLORMAP = "inferno"


def expected(transform: PairTransform) -> tuple[NDArray[np.float32], Matrix]:
    """Return the error that is expected where the EM lies on the LM.

    Returns
    -------
    errors : ndarray, shape (M, N), float32, LM pixels
        NaN where the EM does not reach, or nothing can be told.
    to_lm : ndarray, shape (3, 3)
        From its pixels to the LM's.
    """
    to_lm, shape = covered(transform, PIXELS)
    points = map_points(to_lm, np.moveaxis(np.indices(shape), 0, -1))
    on_em = transform.to_em(points)
    inside = ((on_em >= -0.5) & (on_em <= np.array(transform.em.shape) - 0.5)).all(axis=-1)
    errors = np.where(inside, predicted_error(transform, points), np.nan)
    return errors.astype(np.float32), to_lm


class ErrorLayer:
    """Keeps the layer of the map while it is wanted.

    Attributes
    ----------
    wanted : bool
    limits : (float, float) or None
        The errors at the ends of the colours, in `unit`; None when there is no map.
    unit : str
        "nm", or "px" of the LM where its pixel size is unknown.
    """

    def __init__(self, viewer: Viewer, scene: Scene) -> None:
        self._viewer, self._scene = viewer, scene
        self.wanted = False
        self.limits: tuple[float, float] | None = None
        self.unit = "nm"

    @staticmethod
    def can(fit: Fit) -> bool:
        """Whether an error is expected by a fit: there are more pairs than it needs."""
        known = fit.errors is not None and math.isfinite(fit.errors.localisation)
        return fit.source == "pairs" and known

    def show(self, fit: Fit, lm: Image) -> None:
        """Show the map of a fit, if it is wanted and there is one."""
        self.limits = None
        if not self.wanted or fit.transform is None or not self.can(fit):
            self._scene.remove(roles.LANDMARK_ERROR)
            return
        errors, to_lm = expected(fit.transform)
        nm = fit.transform.lm.pixel_size
        self.unit = "px" if nm is None else "nm"
        errors = errors * np.float32(nm or 1)
        self.limits = outputs.contrast_limits(errors, 0, 100)
        self._put(errors, placement(lm, to_lm), lm)

    def _put(self, errors: NDArray[np.float32], placed: dict[str, Any], lm: Image) -> None:
        name = f"Expected error, {self.unit}"
        for layer in self._scene.ours(roles.LANDMARK_ERROR):
            if roles.image_id(layer) == lm.unique_id:
                # At each step of a drag: the layer stays, with the looks it was given.
                layer.data = errors
                layer.contrast_limits = self.limits
                lay(layer, placed)
                return
        layer = Image(
            errors,
            name=name,
            metadata=roles.entry(roles.LANDMARK_ERROR, lm),
            colormap=COLORMAP,
            contrast_limits=self.limits,
            opacity=0.6,
            interpolation2d="linear",
            **placed,
        )
        with selection_kept(self._viewer):
            self._scene.add(layer)
        self._scene.raise_outlines()
