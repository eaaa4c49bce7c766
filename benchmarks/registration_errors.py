"""Compare the error that a registration expects of itself with the truth.

    python benchmarks/registration_errors.py --data ../shared/pairs

prints a Markdown table: of tasks with a known answer, true error over expected error, for
`AffineEstimate.error_at` and for simpler estimates of it. Both are root mean squares over the
ROI's 5 x 5 targets, in LM pixels. The registrations start as near to the truth as a search
leaves them (1.5 LM px, 1 degree, 1 %); with ``--search`` each is a whole run, and those whose
place is wrong are left out. The last table has starts that are `ASTRAY` LM pixels off: what is
expected of a wrong place.

No factor in `clem_retrace.registration.uncertainty` is fitted to errors. Two settings that
hardly matter, the blocks' size and the least share of a direction, were chosen on 160
simulated tasks of seed 2000; any other seed tells what it is worth.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from clem_retrace import Micrograph, register
from clem_retrace.alignment import Scene, Template
from clem_retrace.alignment.interpolation import interpolate
from clem_retrace.alignment.template import steepest_steps
from clem_retrace.decimating import decimate
from clem_retrace.evaluation import centre_distance, target_registration_error, targets
from clem_retrace.geometry import Matrix, compose, decompose, invert, map_points, similarity
from clem_retrace.options import RegistrationOptions
from clem_retrace.registration.affine import LEVELS, TUKEY, gain_and_weights, register_affine
from clem_retrace.registration.estimate import AffineEstimate
from clem_retrace.registration.uncertainty import block_sums, expected_error, in_lm_pixels
from clem_retrace.stages import WORKING_RATIO
from outcomes import RETRIEVED, Table
from simulated import USUAL_SHARED, simulated_task
from tasks import Task, real_task

OURS = "blocks, EM gradients (the tool's)"

#: Off by this many LM pixels, a start is at a wrong place.
ASTRAY = 40.0

#: Draws from a covariance, for what errors would be if it were right.
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Job:
    """One registration; `folder` holds the real pairs, and is None for simulated ones."""

    index: int
    seed: int
    folder: Path | None
    search: bool
    astray: bool = False

    def task(self) -> Task:
        """Return the task."""
        if self.folder is None:
            return simulated_task(self.index, self.seed)
        return real_task(self.folder, self.index, self.seed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a registration.

    Attributes
    ----------
    kind : {"real", "simulated"}
    shared : float or None
    true : float, LM pixels
    expected : dict
        LM pixels, by the way it was estimated; empty when the registration failed, or the
        search found another place.
    drawn : tuple of float
        Errors drawn from the tool's covariance, over the expected one.
    """

    kind: str
    shared: float | None
    true: float = np.nan
    expected: dict[str, float] | None = None
    drawn: tuple[float, ...] = ()


def run_job(job: Job) -> Outcome:
    """Return what came of a job."""
    task = job.task()
    # The working copy of the pipeline.
    data, em_to_work = decimate(task.em, max(1.0, task.told_ratio / WORKING_RATIO))
    work = Micrograph(data)
    truth = compose(invert(task.truth), invert(em_to_work))
    estimate = searched(task, em_to_work) if job.search else registered(task, work, truth, job)
    nothing = Outcome(task.kind, task.shared)
    if not estimate or estimate.covariance is None:
        return nothing
    errors = target_registration_error(estimate.matrix, truth, task.roi)
    covariances = {OURS: estimate.covariance, **simpler(task, work, estimate.matrix)}
    at = targets(task.roi)
    return replace(
        nothing,
        true=rms(errors),
        expected={
            name: rms(expected_error(covariance, at)) for name, covariance in covariances.items()
        },
        drawn=tuple(draws(estimate.covariance, at, job.index)),
    )


def searched(task: Task, em_to_work: Matrix) -> AffineEstimate | None:
    """Return the registration of a whole run, in working pixels; None at a wrong place."""
    found = register(task.lm, task.em, task.roi)
    truth = map_points(task.truth, task.roi.centre)
    offset = centre_distance(found.match.centre, truth, task.em.shape).percent
    if offset >= RETRIEVED or not found.estimate:
        return None
    return replace(found.estimate, matrix=compose(found.estimate.matrix, invert(em_to_work)))


def registered(task: Task, work: Micrograph, truth: Matrix, job: Job) -> AffineEstimate:
    """Return the registration from a start that is a little off, or astray."""
    rng = np.random.default_rng([job.seed, job.index, 3])
    centre = np.array(task.roi.centre)
    shift = rng.uniform(-1.5, 1.5, 2)
    if job.astray:
        angle = rng.uniform(0, 2 * np.pi)
        shift = ASTRAY * np.array([np.sin(angle), np.cos(angle)])
    off = similarity(
        1 + rng.uniform(-0.01, 0.01), rng.uniform(-1, 1), False, centre, centre + shift
    )
    start = compose(off, truth)
    return register_affine(task.lm, work, task.roi, [start], contrast=task.contrast, rough=False)


def simpler(task: Task, work: Micrograph, em_to_lm: Matrix) -> dict[str, NDArray[np.float64]]:
    """Return covariances of the registration by simpler ways, by name."""
    options = RegistrationOptions()
    cell, finer, _ = LEVELS[-1]
    sigma = finer * options.affine.sigma
    lm_to_em = invert(em_to_lm)
    ratio = decompose(lm_to_em).magnification
    scene = Scene.at(task.lm, work, task.roi, ratio=ratio, cell=cell, sigma=sigma)
    template = scene.template(task.contrast, options.context)
    values, inside = interpolate(scene.em, scene.onto_grids(lm_to_em)[None], template.points)
    prior = template.weights * inside[0]
    gain, residual, tukey = gain_and_weights(values[0], template.values, prior, TUKEY)
    weights = prior * tukey
    steps = steepest_steps(template, "affine")
    inverse = np.linalg.inv(gain * (steps * weights[:, None]).T @ steps).astype(np.float64)
    scores = steps * (weights * residual)[:, None]
    sums = block_sums(template, scores, weights, sigma)
    # sigma^2 (J' W J)^-1, as for residuals that are independent.
    variance = np.average(residual**2, weights=weights)
    found = {
        "residuals independent": variance / gain * inverse,
        "blocks, Hessian of the steps": inverse @ (sums.T @ sums) @ inverse,
        "displacements of blocks": by_displacements(template, scores, weights, gain),
    }
    return {
        name: in_lm_pixels(covariance, template, scene.lm_to_grid)
        for name, covariance in found.items()
    }


def by_displacements(
    template: Template,
    scores: NDArray[np.float32],
    weights: NDArray[np.float32],
    gain: float,
    side: float = 24.0,
) -> NDArray[np.float64]:
    """Return the covariance of an affine transform through displacements of blocks.

    Each block of `side` pixels is shifted for itself by one Gauss-Newton step; the affine is
    fitted to the shifts by least squares with the blocks' weights.
    """
    rows, cols = (template.points // side).astype(int).T
    block = rows * (cols.max() + 1) + cols

    def summed(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.stack([np.bincount(block, one) for one in values.T], axis=1)

    by_row, by_col = template.gradients.T
    products = np.stack([by_row * by_row, by_row * by_col, by_row * by_col, by_col * by_col], 1)
    total = np.bincount(block, weights)
    kept = total > 0.05 * total.max()
    hessians = gain * summed(products * weights[:, None])[kept].reshape(-1, 2, 2)
    # Blocks without structures hardly tell their shift: held towards none.
    hessians += 0.1 * np.trace(hessians, axis1=1, axis2=2).mean() * np.eye(2)
    shifts = np.linalg.solve(hessians, summed(scores[:, :2])[kept][:, :, None])[:, :, 0]
    total = total[kept]
    centres = summed(template.points * weights[:, None])[kept] / total[:, None]
    row, col = ((centres - template.centre) / template.radius).T
    none, one = np.zeros_like(row), np.ones_like(row)
    design = np.stack(
        [np.stack([one, none, row, col, none, none], 1),
         np.stack([none, one, none, none, row, col], 1)], axis=1,
    )  # fmt: skip
    normal = np.einsum("bip,b,biq->pq", design, total, design)
    parts = np.einsum("bip,b,bi->bp", design, total, shifts)
    inverse = np.linalg.inv(normal)
    return inverse @ (parts.T @ parts) @ inverse


def draws(
    covariance: NDArray[np.float64], points: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Return rms errors of displacements drawn from a covariance, over the expected one."""
    rng = np.random.default_rng([seed, 4])
    entries = rng.multivariate_normal(np.zeros(6), covariance, DRAWS, method="eigh")
    where = np.hstack([points, np.ones((len(points), 1))])
    moved = np.einsum("tj,nij->nti", where, entries.reshape(-1, 2, 3))
    errors = np.sqrt((moved**2).sum(axis=2).mean(axis=1))
    return errors / rms(expected_error(covariance, points))


def rms(errors: NDArray[np.float64]) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(errors**2)))


def ratio_table(groups: Mapping[str, Sequence[Outcome]]) -> Table:
    """Return how true and expected errors compare, a row a group and estimate."""
    titles = (
        "tasks", "expected error by", "n", "true, median", "expected, median",
        "true / expected: 10 %", "50 %", "90 %", "below 1", "below 2", "rank correlation",
    )  # fmt: skip
    rows = []
    for name, outcomes in groups.items():
        known = [one for one in outcomes if one.expected]
        true = np.array([one.true for one in known])
        for way in known[0].expected or () if known else ():
            expected = np.array([one.expected[way] for one in known if one.expected])
            correlation = stats.spearmanr(true, expected).statistic
            rows.append((
                name, way, str(len(known)), f"{np.median(true):.2f}", f"{np.median(expected):.2f}",
                *_spread(true / expected), f"{correlation:.2f}",
            ))  # fmt: skip
        if known:
            ideal = np.concatenate([one.drawn for one in known])
            rows.append((name, "as drawn from the tool's", "", "", "", *_spread(ideal), ""))
    return Table(titles, tuple(rows))


def _spread(ratios: NDArray[np.float64]) -> tuple[str, ...]:
    """Return quantiles of true over expected errors, and the shares below 1 and 2."""
    return (
        *(f"{np.quantile(ratios, at):.2f}" for at in (0.1, 0.5, 0.9)),
        f"{np.mean(ratios < 1):.0%}", f"{np.mean(ratios < 2):.0%}",
    )  # fmt: skip


def astray_table(outcomes: Sequence[Outcome]) -> Table:
    """Return what is expected of wrong places."""
    titles = ("starts", "registered", "true, median", "expected: 10 %", "50 %", "90 %")
    known = [one for one in outcomes if one.expected]
    expected = [one.expected[OURS] for one in known if one.expected]
    row = (
        str(len(outcomes)), str(len(known)), f"{np.median([one.true for one in known]):.0f}",
        *(f"{np.quantile(expected, at):.2f}" for at in (0.1, 0.5, 0.9)),
    )  # fmt: skip
    return Table(titles, (row,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the real pairs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulated", type=int, default=120)
    parser.add_argument("--real", type=int, default=32)
    parser.add_argument("--astray", type=int, default=24)
    parser.add_argument("--search", action="store_true", help="whole runs, some 5 s each")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    jobs = [Job(index, chosen.seed, None, chosen.search) for index in range(chosen.simulated)]
    if chosen.data:
        jobs += [Job(i, chosen.seed, chosen.data, chosen.search) for i in range(chosen.real)]
    lost = [Job(i, chosen.seed, None, False, astray=True) for i in range(chosen.astray)]
    with ProcessPoolExecutor(chosen.workers) as pool:
        outcomes = list(pool.map(run_job, jobs))
        wrong = list(pool.map(run_job, lost))
    simulated = [one for one in outcomes if one.kind == "simulated"]
    groups = {
        f"simulated, {USUAL_SHARED:.0%} shared or more": [
            one for one in simulated if (one.shared or 0.0) >= USUAL_SHARED
        ],
        "simulated, less shared": [one for one in simulated if (one.shared or 0.0) < USUAL_SHARED],
        "real": [one for one in outcomes if one.kind == "real"],
    }
    print(ratio_table(groups).markdown())
    if wrong:
        print(f"\nStarts {ASTRAY:.0f} LM px astray\n\n{astray_table(wrong).markdown()}")


if __name__ == "__main__":
    main()
