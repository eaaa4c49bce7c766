"""Many alignments of one template at once: Gauss-Newton steps that raise the correlation.

The search uses it to see which of its candidates grow into an alignment of the whole
surroundings, the registration to find the way in from a rough start. Template and image
are representations (locally normalised LoG), not intensities.

The scheme is inverse compositional (Baker & Matthews, Int. J. Comput. Vis. 56, 2004,
doi:10.1023/B:VISI.0000011205.11775.fd): gradient and Hessian are the template's, computed
once, so that a step costs little more than one bilinear sampling of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.micrograph import Roi

__all__ = ["Alignments", "Model", "Template", "align", "proximity"]

Model = Literal["translation", "similarity", "affine"]

#: Points of the template with less weight than this share of the largest take no part.
LEAST_WEIGHT = 0.01

#: Sampled values at a time: what fits into a core's cache is worked on twice as fast.
CHUNK = 100_000

#: Longest step, in template pixels at the root-mean-square radius.
LONGEST_STEP = 1.0


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
        by_row: NDArray[np.float32] = np.gradient(image, axis=0)
        by_col: NDArray[np.float32] = np.gradient(image, axis=1)
        points = np.stack([rows, cols], axis=1).astype(np.float64)
        weight: NDArray[np.float32] = weights[rows, cols]
        squared = ((points - centre) ** 2).sum(axis=1)
        return cls(
            points=points,
            values=image[rows, cols],
            weights=weight,
            gradients=np.stack([by_row[rows, cols], by_col[rows, cols]], axis=1),
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


@dataclass(frozen=True, slots=True, eq=False)
class Alignments:
    """What became of the starts.

    Attributes
    ----------
    matrices : ndarray, shape (K, 3, 3)
        From template pixels to image pixels.
    correlation : ndarray, shape (K,)
        Weighted correlation over the part of the template that lies in the image.
    coverage : ndarray, shape (K,)
        That part's share of the template's weight.
    """

    matrices: NDArray[np.float64]
    correlation: NDArray[np.float64]
    coverage: NDArray[np.float64]

    @property
    def score(self) -> NDArray[np.float64]:
        """Correlation times root coverage: in proportion to its significance, shape (K,)."""
        return self.correlation * np.sqrt(self.coverage)


def proximity(shape: tuple[int, int], roi: Roi, reach: float) -> NDArray[np.float32]:
    """Return weights: 1 in a region, falling to 0 at a distance of `reach`.

    Parameters
    ----------
    shape : (rows, cols)
    roi : Roi
    reach : float, pixels
    """
    # Half a pixel more than the reach, so that a reach of 0 keeps the region itself.
    fraction = np.clip(_distance(shape, roi) / max(reach, 0.5), 0, 1)
    falling: NDArray[np.float32] = (0.5 * (1 + np.cos(np.pi * fraction))).astype(np.float32)
    return falling


def _distance(shape: tuple[int, int], roi: Roi) -> NDArray[np.float64]:
    """Return each pixel's distance from the region's outermost pixels; 0 inside."""
    if roi.outline:
        inside = roi.mask(shape)
        # An outline that is finer than the grid may hold no pixel's centre.
        if inside.any():
            return ndimage.distance_transform_edt(~inside)  # type: ignore[no-any-return]
    distances = []
    for axis in (0, 1):
        low, high = roi.corners[:, axis].min() + 0.5, roi.corners[:, axis].max() - 0.5
        position = np.arange(shape[axis])
        distances.append(np.maximum(np.maximum(low - position, position - high), 0.0))
    return np.hypot(distances[0][:, None], distances[1][None, :])  # type: ignore[no-any-return]


def sample(
    image: NDArray[np.float32], matrices: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the image at mapped points by bilinear interpolation, and which lie in it.

    Shapes (K, P). Points outside are 0.
    """
    rows, cols = image.shape
    homogeneous = np.concatenate([points.T, np.ones((1, len(points)))]).astype(np.float32)
    row, col = np.moveaxis(matrices[:, :2].astype(np.float32) @ homogeneous, 1, 0).copy()
    inside = (row >= 0) & (row <= rows - 1) & (col >= 0) & (col <= cols - 1)
    np.clip(row, 0, rows - 1.001, out=row)
    np.clip(col, 0, cols - 1.001, out=col)
    index = row.astype(np.int32)
    row -= index
    index *= cols
    first_col = col.astype(np.int32)
    col -= first_col
    index += first_col
    flat = image.ravel()
    # Out of bounds does not happen; "clip" spares numpy a checked copy.
    upper = flat.take(index, mode="clip")
    index += 1
    step = flat.take(index, mode="clip")
    step -= upper
    step *= col
    upper += step
    index += cols
    right = flat.take(index, mode="clip")
    index -= 1
    lower = flat.take(index, mode="clip")
    right -= lower
    right *= col
    lower += right
    lower -= upper
    lower *= row
    upper += lower
    upper *= inside
    return upper, inside


def _sums(
    template: Template, values: NDArray[np.float32], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], ...]:
    """Return weighted sums of t v, t t, v v and of the weights, over the points inside."""
    w, t = template.weights, template.values
    cross = (values @ (w * t)).astype(np.float64)
    own = (inside @ (w * t * t)).astype(np.float64)
    other = ((values * values) @ w).astype(np.float64)
    return cross, own, other, (inside @ w).astype(np.float64)


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


def align(
    template: Template,
    image: NDArray[np.float32],
    starts: NDArray[np.float64],
    *,
    model: Model = "affine",
    iterations: int = 8,
) -> Alignments:
    """Return each start, moved to where template and image correlate best nearby.

    Parameters
    ----------
    template : Template
        With its sign chosen so that a right alignment correlates positively.
    image : ndarray, shape (M, N), float32
    starts : ndarray, shape (K, 3, 3)
        From template pixels to image pixels.
    model : {"translation", "similarity", "affine"}
    iterations : int
        0 compares the starts themselves.

    Returns
    -------
    Alignments
        Never worse than the starts: the best of the steps is kept.
    """
    chunk = max(1, CHUNK // len(template.points))
    descent = _Descent.of(template, model)
    parts = [
        _align(template, descent, image, starts[first : first + chunk], iterations)
        for first in range(0, len(starts), chunk)
    ]
    return Alignments(
        np.concatenate([part.matrices for part in parts]) if parts else np.empty((0, 3, 3)),
        np.concatenate([part.correlation for part in parts]) if parts else np.empty(0),
        np.concatenate([part.coverage for part in parts]) if parts else np.empty(0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Descent:
    """What the steps have in common, by inverse composition: the template's side of them.

    Attributes
    ----------
    weighted : ndarray, shape (parameters, P)
        Change of the template's values by each parameter, times their weights.
    hessian : ndarray, shape (parameters, parameters)
    total : float
        Sum of the weights.
    """

    weighted: NDArray[np.float32]
    hessian: NDArray[np.float64]
    total: float

    @classmethod
    def of(cls, template: Template, model: Model) -> _Descent:
        """Return the descent of a template by a model."""
        steps = steepest_steps(template, model)
        weighted = steps * template.weights[:, None]
        hessian = (weighted.T @ steps).astype(np.float64)
        hessian += 1e-6 * np.trace(hessian) * np.eye(len(hessian))
        return cls(
            np.ascontiguousarray(weighted.T), hessian, float(template.weights.sum(dtype=np.float64))
        )


def _align(
    template: Template,
    descent: _Descent,
    image: NDArray[np.float32],
    starts: NDArray[np.float64],
    iterations: int,
) -> Alignments:
    matrices = np.array(starts, dtype=np.float64)
    best = Alignments(matrices.copy(), np.full(len(matrices), -1.0), np.zeros(len(matrices)))
    for iteration in range(iterations + 1):
        values, inside = sample(image, matrices, template.points)
        cross, own, other, weight = _sums(template, values, inside)
        correlation = cross / np.sqrt(np.maximum(own * other, 1e-12))
        coverage = weight / descent.total
        better = (correlation * np.sqrt(coverage) > best.score) | (iteration == 0)
        best.matrices[better] = matrices[better]
        best.correlation[better] = correlation[better]
        best.coverage[better] = coverage[better]
        if iteration == iterations:
            break
        # v = a t(x + d) with the amplitude a by regression; where the two hardly
        # correlate, a is held off zero, and the longest step bounds the rest.
        amplitude = np.maximum(cross / np.maximum(own, 1e-12), 0.03)
        values -= amplitude[:, None].astype(np.float32) * inside * template.values
        # Not by BLAS: its own threads would wait, spinning, for work between the calls.
        slope = np.einsum("kp,mp->km", values, descent.weighted).astype(np.float64)
        parameters: NDArray[np.float64] = np.linalg.solve(descent.hessian, slope.T).T.astype(float)
        parameters /= (amplitude * np.maximum(coverage, 0.2))[:, None]
        length = np.linalg.norm(parameters, axis=1)
        parameters *= np.minimum(1.0, LONGEST_STEP / np.maximum(length, 1e-9))[:, None]
        matrices = matrices @ invert_all(displacements(parameters, template))
    return best


def invert_all(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverses, with their last rows exact."""
    inverses: NDArray[np.float64] = np.linalg.inv(matrices).astype(np.float64)
    inverses[:, 2] = (0.0, 0.0, 1.0)
    return inverses
