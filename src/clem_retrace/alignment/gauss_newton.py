"""Many alignments of one template at once: Gauss-Newton steps that raise the correlation.

The search uses it to see which of its candidates grow into an alignment of the whole
surroundings, the registration to find the way in from a rough start. Template and image
are representations (locally normalised LoG), not intensities.

The scheme is inverse compositional (Baker & Matthews, Int. J. Comput. Vis. 56, 2004,
doi:10.1023/B:VISI.0000011205.11775.fd): gradient and Hessian are the template's, computed
once, so that a step costs little more than one bilinear sampling of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clem_retrace.alignment.interpolation import BLOCK, homogeneous, interpolate_block
from clem_retrace.alignment.template import Model, Template, displacements, steepest_steps

__all__ = ["LONGEST_STEP", "Alignments", "align", "invert_all"]

#: Sampled values at a time.
CHUNK = 4 * BLOCK

#: Longest step, in template pixels at the root-mean-square radius.
LONGEST_STEP = 1.0


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
    descent = _Descent.of(template, model)
    chunk = max(1, CHUNK // min(BLOCK, len(template.points)))
    parts = [
        _align(descent, image, starts[first : first + chunk], iterations)
        for first in range(0, len(starts), chunk)
    ]
    return Alignments(
        np.concatenate([part.matrices for part in parts]) if parts else np.empty((0, 3, 3)),
        np.concatenate([part.correlation for part in parts]) if parts else np.empty(0),
        np.concatenate([part.coverage for part in parts]) if parts else np.empty(0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some of the template's points, and what sums over them are weighted by.

    Attributes
    ----------
    points : ndarray, shape (3, P)
        `homogeneous`.
    weights : ndarray, shape (P,)
    of_image : ndarray, shape (1 + parameters, P)
        Weights of the image's values in the sums of w t v and of w v s: s is the change of
        the template's values t by each parameter.
    of_template : ndarray, shape (2 + parameters, P)
        Of the points inside, in the sums of w, w t t and of w t s.
    inside : ndarray, shape (2 + parameters,), float64
        Those sums where all points are inside.
    """

    points: NDArray[np.float32]
    weights: NDArray[np.float32]
    of_image: NDArray[np.float32]
    of_template: NDArray[np.float32]
    inside: NDArray[np.float64]

    @classmethod
    def of(cls, template: Template, steps: NDArray[np.float32], part: slice) -> _Block:
        """Return a block of a template; `steps`, shape (P, parameters), are all points'."""
        t, w = template.values[part], template.weights[part]
        of_image = w * np.stack([t, *steps[part].T])
        of_template = np.stack([w, *(t * of_image)])
        return cls(
            homogeneous(template.points[part]), w, of_image, of_template,
            of_template.sum(axis=1, dtype=np.float64),
        )  # fmt: skip

    def sums(
        self, image: NDArray[np.float32], matrices: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the sums with the image's values, those of the template, and that of w v v.

        Shapes (K, 1 + parameters), (K, 2 + parameters) and (K,).
        """
        values, inside = interpolate_block(image, matrices, self.points)
        # Not by BLAS: its own threads would wait, spinning, for work between the calls.
        crossed = np.einsum("kp,mp->km", values, self.of_image)
        if inside.all():
            own = np.broadcast_to(self.inside, (len(matrices), len(self.inside)))
        else:
            own = np.einsum("kp,mp->km", inside.astype(np.float32), self.of_template)
        np.multiply(values, values, out=values)
        squared = np.einsum("kp,p->k", values, self.weights)
        return crossed.astype(np.float64), own.astype(np.float64), squared.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Descent:
    """What the steps have in common, by inverse composition: the template's side of them.

    Attributes
    ----------
    template : Template
    blocks : tuple of _Block
    hessian : ndarray, shape (parameters, parameters)
    total : float
        Sum of the weights.
    """

    template: Template
    blocks: tuple[_Block, ...]
    hessian: NDArray[np.float64]
    total: float

    @classmethod
    def of(cls, template: Template, model: Model) -> _Descent:
        """Return the descent of a template by a model."""
        steps = steepest_steps(template, model)
        hessian = ((steps * template.weights[:, None]).T @ steps).astype(np.float64)
        # Never 0, where the template is flat: it stays where it is then.
        hessian += (1e-6 * np.trace(hessian) + 1e-12) * np.eye(len(hessian))
        blocks = tuple(
            _Block.of(template, steps, slice(first, first + BLOCK))
            for first in range(0, len(template.points), BLOCK)
        )
        return cls(template, blocks, hessian, float(template.weights.sum(dtype=np.float64)))

    def sums(
        self, image: NDArray[np.float32], matrices: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what `_Block.sums` does, of all points."""
        parts = (block.sums(image, matrices) for block in self.blocks)
        crossed, own, squared = (sum(part) for part in zip(*parts, strict=True))
        return crossed, own, squared


def _align(
    descent: _Descent,
    image: NDArray[np.float32],
    starts: NDArray[np.float64],
    iterations: int,
) -> Alignments:
    matrices = np.array(starts, dtype=np.float64)
    best = Alignments(matrices.copy(), np.full(len(matrices), -1.0), np.zeros(len(matrices)))
    for iteration in range(iterations + 1):
        crossed, own, squared = descent.sums(image, matrices)
        cross, (weight, energy) = crossed[:, 0], own[:, :2].T
        correlation = cross / np.sqrt(np.maximum(energy * squared, 1e-12))
        coverage = weight / descent.total
        better = (correlation * np.sqrt(coverage) > best.score) | (iteration == 0)
        best.matrices[better] = matrices[better]
        best.correlation[better] = correlation[better]
        best.coverage[better] = coverage[better]
        if iteration == iterations:
            break
        # v = a t(x + d) with the amplitude a by regression; where the two hardly
        # correlate, a is held off zero, and the longest step bounds the rest.
        amplitude = np.maximum(cross / np.maximum(energy, 1e-12), 0.03)
        slope = crossed[:, 1:] - amplitude[:, None] * own[:, 2:]
        parameters: NDArray[np.float64] = np.linalg.solve(descent.hessian, slope.T).T.astype(float)
        parameters /= (amplitude * np.maximum(coverage, 0.2))[:, None]
        length = np.linalg.norm(parameters, axis=1)
        parameters *= np.minimum(1.0, LONGEST_STEP / np.maximum(length, 1e-9))[:, None]
        matrices = matrices @ invert_all(displacements(parameters, descent.template))
    return best


def invert_all(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverses, with their last rows exact."""
    inverses: NDArray[np.float64] = np.linalg.inv(matrices).astype(np.float64)
    inverses[:, 2] = (0.0, 0.0, 1.0)
    return inverses
