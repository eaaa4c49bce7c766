"""Where layers of this dock lie: on an image, over the part of the LM that the EM covers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from clem_retrace.geometry import Matrix, compose, decimation, magnification_of, translation
from clem_retrace.registration.pair_transform import PairTransform

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["covered", "for_tools", "lay"]


def lay(layer: Layer, placed: Mapping[str, Any]) -> None:
    """Put a layer where keywords of `frames.placement` say, whatever it lay on before.

    At each step of a drag: what is as it was is not set again.
    """
    if tuple(layer.units) != tuple(placed["units"]):
        layer.units = placed["units"]
    upright = {"translate": np.zeros(layer.ndim), "affine": np.eye(layer.ndim + 1)}
    for name, due in (upright | {"scale": placed["scale"]} | dict(placed)).items():
        if name not in ("scale", "translate", "affine"):
            continue
        now = layer.affine.affine_matrix if name == "affine" else getattr(layer, name)
        if not np.array_equal(now, due):
            setattr(layer, name, due)


def for_tools(viewer: Viewer, placed: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `frames.placement` in the units of a viewer.

    napari takes the cursor's place, in the viewer's units, for one in those of the layer that
    its tools work on: in a layer in micrometres beside one in nanometres they miss all points.
    """
    common = viewer.layers.units
    if common is None:
        return dict(placed)
    pairs = zip(placed["units"], common[-2:], strict=True)
    factors = np.array([float((1 * own).to(unit).magnitude) for own, unit in pairs])
    found = dict(placed) | {"units": tuple(common[-2:])}
    for name in ("scale", "translate"):
        if name in placed:
            found[name] = np.asarray(placed[name]) * factors
    if "affine" in placed:
        change = np.diag([*factors, 1.0])
        found["affine"] = change @ placed["affine"] @ np.linalg.inv(change)
    return found


def covered(transform: PairTransform, most: int) -> tuple[Matrix, tuple[int, int]]:
    """Return a grid over the part of the LM that the EM covers.

    Parameters
    ----------
    transform : PairTransform
    most : int
        Pixels of the grid at most; where fewer will do, they are as large as the EM's.

    Returns
    -------
    to_lm : ndarray, shape (3, 3)
        From the grid's pixels to the LM's.
    shape : (rows, cols)
    """
    sides = [np.linspace(-0.5, side - 0.5, 20) for side in transform.em.shape]
    there = transform.to_lm(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)).reshape(-1, 2)
    there = there[np.isfinite(there).all(axis=1)]
    edges = np.array(transform.lm.shape) - 0.5
    if not len(there):
        there = np.array([[-0.5, -0.5], edges])
    first, last = (np.clip(ends, -0.5, edges) for ends in (there.min(axis=0), there.max(axis=0)))
    extent = np.maximum(last - first, 1.0)
    side = max(
        magnification_of(transform.em_to_lm),
        math.sqrt(float(extent.prod()) / most),
    )
    # A millionth of a pixel more is rounding.
    rows, cols = np.ceil(extent / side - 1e-6).astype(int)
    # The grid's first pixel begins where the covered part does.
    to_lm = compose(translation(first + 0.5), decimation(1 / side))
    return to_lm, (int(rows), int(cols))
