"""Fit the law of the confidence to simulated pairs: `clem_retrace.retracing.confidence`.

Run ``python benchmarks/calibration.py``; it prints the three constants of the logistic law,
and how the outcomes spread over surprise and lead. Half of the regions are in the EM, half are
not; the ratio told is wrong by up to 15 %; the shares of common structures are those of
the accuracy benchmark, down to where nothing can be found. The seed differs from the
benchmark's, so that what is fitted here is checked there.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit, log_expit

from clem_retrace import Micrograph
from clem_retrace.decimating import decimate
from clem_retrace.evaluation import centre_distance
from clem_retrace.geometry import compose, decompose, map_points
from clem_retrace.retracing import oriented_search
from clem_retrace.retracing.confidence import lead, surprise
from clem_retrace.stages import WORKING_RATIO
from simulated import simulated_task

#: How wrong the ratio may be that a task tells.
TOLD = (0.85, 1.15)

#: Standard deviations of the prior of the two weights.
PRIOR_WIDTHS = np.array([2.0, 20.0])


def outcome(job: tuple[int, int, bool]) -> tuple[float, float, bool]:
    """Return surprise and lead of a task's best place, and whether it is right."""
    index, seed, present = job
    task = simulated_task(index, seed, told=TOLD, present=present)
    # The same working copy as the pipeline's, without the stages that have no part in it.
    pixels, em_to_work = decimate(task.em, max(1.0, task.told_ratio / WORKING_RATIO))
    ratio = task.told_ratio * decompose(em_to_work).magnification
    matches = oriented_search(task.lm, Micrograph(pixels), task.roi, ratio).matches
    right = False
    if task.present:
        truth = map_points(compose(em_to_work, task.truth), task.roi.centre)
        right = centre_distance(matches[0].centre, truth, pixels.shape).percent < 1
    scores = [match.score for match in matches]
    return surprise(scores), lead(scores), right


def fit(evidence: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the offset and the weights of the logistic law, by maximum a posteriori.

    Parameters
    ----------
    evidence : ndarray, shape (K, 2)
        Surprise and lead.
    right : ndarray, shape (K,)

    Returns
    -------
    ndarray, shape (3,)
        The weights have normal priors, which keep them finite when right and wrong do not
        overlap; their widths make a surprise of one scale and a lead of a tenth alike.
    """
    signs = np.where(right, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> float:
        offset, weights = parameters[0], parameters[1:]
        likelihood = log_expit(signs * (evidence @ weights - offset)).sum()
        return float(-likelihood + 0.5 * ((weights / PRIOR_WIDTHS) ** 2).sum())

    return optimize.minimize(loss, np.array([4.0, 1.0, 10.0])).x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=200, help="half of them absent")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    jobs = [(index, chosen.seed, index % 2 == 0) for index in range(chosen.tasks)]
    with ProcessPoolExecutor(chosen.workers) as pool:
        outcomes = list(pool.map(outcome, jobs))
    evidence = np.array([measured for *measured, _ in outcomes])
    right = np.array([good for *_, good in outcomes])
    print(f"{len(jobs)} tasks, seed {chosen.seed}: {right.sum()} found, {(~right).sum()} not")
    for name, group in (("right", evidence[right]), ("wrong", evidence[~right])):
        for column, what in enumerate(("surprise", "lead")):
            quantiles = np.quantile(group[:, column], [0, 0.01, 0.05, 0.5, 0.95, 0.99, 1])
            print(f"{name}: {what} at 0, 1, 5, 50, 95, 99, 100 %:", np.round(quantiles, 2))
    offset, *weights = fit(evidence, right)
    print(
        f"OFFSET, SURPRISE_WEIGHT, LEAD_WEIGHT = {offset:.2f}, {weights[0]:.2f}, {weights[1]:.1f}"
    )
    for level in (0.5, 0.8, 0.95, 0.99):
        called = expit(evidence @ weights - offset) >= level
        share = right[called].mean() if called.any() else float("nan")
        print(
            f"confidence >= {level}: {called.sum()} called, {share:.1%} of them right; "
            f"{(right & ~called).sum()} right ones not called"
        )


if __name__ == "__main__":
    main()
