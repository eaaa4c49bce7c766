"""What is aligned: a template's points, their weights, and how they change with a transform."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.micrograph import Roi

__all__ = ["Model", "Template", "displacements", "proximity", "steepest_steps"]

Model = Literal["translation", "similarity", "affine"]

#: Points of the template with less weight than this share of the largest take no part.
LEAST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A template's points, made once and aligned many times.

    Attributes
    ----------
    points : ndarray, shape (P, 2), float64
        (row, col) of the points that carry weight.
    values, weights : ndarray, shape (P,), float32
    gradients : ndarray, shape (P, 2), float32
        By row and by column.
    centre : ndarray, shape (2,)
        Steps turn and magnify about it.
    radius : float, pixels
        Weighted root-mean-square distance of the points from the centre.
    """

    points: NDArray[np.float64]
    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    gradients: NDArray[np.float32]
    centre: NDArray[np.float64]
    radius: float

    @classmethod
    def of(
        cls,
        image: NDArray[np.float32],
        weights: NDArray[np.float32],
        centre: tuple[float, float],
    ) -> Template:
        """Return the template of an image's pixels where `weights`, shape (M, N), are not small."""
        rows, cols = np.nonzero(weights > LEAST_WEIGHT * weights.max())
        points = np.stack([rows, cols], axis=1).astype(np.float64)
        weight: NDArray[np.float32] = weights[rows, cols]
        squared = ((points - centre) ** 2).sum(axis=1)
        return cls(
            points=points,
            values=image[rows, cols],
            weights=weight,
            gradients=_gradients(image, rows, cols),
            centre=np.asarray(centre, dtype=np.float64),
            radius=max(1.0, float(np.sqrt(np.average(squared, weights=weight)))),
        )

    def negated(self) -> Template:
        """Return the template of the other contrast."""
        return replace(self, values=-self.values, gradients=-self.gradients)

    def only(self, chosen: NDArray[np.bool_]) -> Template:
        """Return the template of some of its points, shape (P,), turning about the same centre."""
        return Template(
            self.points[chosen],
            self.values[chosen],
            self.weights[chosen],
            self.gradients[chosen],
            self.centre,
            self.radius,
        )


def _gradients(
    image: NDArray[np.float32], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the image's slopes by row and by column at some pixels, shape (P, 2)."""
    top, left = max(rows.min() - 1, 0), max(cols.min() - 1, 0)
    part = image[top : rows.max() + 2, left : cols.max() + 2]
    slopes = [np.gradient(part, axis=axis)[rows - top, cols - left] for axis in (0, 1)]
    return np.stack(slopes, axis=1).astype(np.float32)


def proximity(shape: tuple[int, int], roi: Roi, reach: float) -> NDArray[np.float32]:
    """Return weights: 1 in a region, falling to 0 at a distance of `reach`.

    Parameters
    ----------
    shape : (rows, cols)
    roi : Roi
    reach : float, pixels
    """
    # Half a pixel more than the reach, so that a reach of 0 keeps the region itself.
    reach = max(reach, 0.5)
    weights = np.zeros(shape, np.float32)
    window = _window(shape, roi, reach)
    fraction = np.minimum(_distance(shape, roi, window) / np.float32(reach), 1)
    weights[window] = 0.5 * (1 + np.cos(np.float32(np.pi) * fraction))
    return weights


def _window(shape: tuple[int, int], roi: Roi, reach: float) -> tuple[slice, slice]:
    """Return the rows and columns that are not farther from a region than `reach`."""
    lows = np.floor(roi.corners.min(axis=0) - reach).astype(int).tolist()
    highs = np.ceil(roi.corners.max(axis=0) + reach).astype(int).tolist()
    rows, cols = (
        slice(min(max(low, 0), side), min(max(high + 1, 0), side))
        for low, high, side in zip(lows, highs, shape, strict=True)
    )
    return rows, cols


def _distance(shape: tuple[int, int], roi: Roi, window: tuple[slice, slice]) -> NDArray[np.float32]:
    """Return the distance of a window's pixels from the region's outermost; 0 inside."""
    if roi.outline:
        inside = roi.mask(shape)
        # An outline that is finer than the grid may hold no pixel's centre.
        if inside.any():
            distance = ndimage.distance_transform_edt(~inside[window])
            return distance.astype(np.float32)  # type: ignore[no-any-return]
    distances = []
    for axis in (0, 1):
        low, high = roi.corners[:, axis].min() + 0.5, roi.corners[:, axis].max() - 0.5
        position = np.arange(window[axis].start, window[axis].stop)
        beyond = np.maximum(np.maximum(low - position, position - high), 0.0)
        distances.append(beyond.astype(np.float32))
    return np.hypot(distances[0][:, None], distances[1][None, :])  # type: ignore[no-any-return]


def steepest_steps(template: Template, model: Model) -> NDArray[np.float32]:
    """Return the change of the template's values by each parameter, shape (P, parameters).

    Parameters are displacements in pixels at the root-mean-square radius.
    """
    by_row, by_col = template.gradients.T
    row, col = ((template.points - template.centre) / template.radius).T.astype(np.float32)
    columns = [by_row, by_col]
    if model == "similarity":
        columns += [by_row * row + by_col * col, by_col * row - by_row * col]
    elif model == "affine":
        columns += [by_row * row, by_row * col, by_col * row, by_col * col]
    return np.stack(columns, axis=1)


def displacements(parameters: NDArray[np.float64], template: Template) -> NDArray[np.float64]:
    """Return the transforms, shape (K, 3, 3), that parameters of any model stand for."""
    count, size = parameters.shape
    matrices = np.tile(np.eye(3), (count, 1, 1))
    linear = parameters[:, 2:] / template.radius
    if size == 4:
        grow, turn = linear.T
        matrices[:, :2, :2] += np.stack([grow, -turn, turn, grow], axis=1).reshape(-1, 2, 2)
    elif size == 6:
        matrices[:, :2, :2] += linear.reshape(-1, 2, 2)
    # About the template's centre: c + A (x - c) + shift.
    matrices[:, :2, 2] = parameters[:, :2] + template.centre - matrices[:, :2, :2] @ template.centre
    return matrices
