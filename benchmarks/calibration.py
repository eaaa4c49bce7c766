"""Fit the law of the confidence to simulated pairs: `clem_retrace.retracing.confidence`.

Run ``python benchmarks/calibration.py``; it prints the two constants of the logistic law,
and how the outcomes spread over the surprise. Half of the regions are in the EM, half are
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

from clem_retrace import RegistrationOptions, steps
from clem_retrace.evaluation import centre_distance
from clem_retrace.events import StageResult
from clem_retrace.geometry import map_points
from clem_retrace.retracing.confidence import surprise
from simulated import simulated_task

#: How wrong the ratio may be that a task tells.
TOLD = (0.85, 1.15)

#: As many places are asked for as the search ranks.
OPTIONS = RegistrationOptions(search="oriented", candidates=16)


def outcome(job: tuple[int, int, bool]) -> tuple[float, bool]:
    """Return the surprise of a task's best place, and whether it is right."""
    index, seed, present = job
    task = simulated_task(index, seed, told=TOLD, present=present)
    for event in steps(task.lm, task.em, task.roi, OPTIONS):
        if isinstance(event, StageResult) and event.stage == "candidates":
            break
    matches = event.value.matches
    right = False
    if task.present:
        truth = map_points(task.lm_to_em, task.roi.centre)
        right = centre_distance(matches[0].centre, truth, task.em.shape).percent < 1
    return surprise([match.score for match in matches]), right


def fit(surprises: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return where the confidence is a half and how steep it is, by maximum likelihood.

    A weak prior (one right and one wrong outcome at the half) keeps the steepness finite
    when the two kinds do not overlap.
    """
    signs = np.where(right, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> float:
        half, log_steepness = parameters
        slope = np.exp(log_steepness)
        evidence = log_expit(signs * slope * (surprises - half)).sum()
        return float(-evidence + 0.5 * (slope / 2.0) ** 2)

    best = optimize.minimize(loss, np.array([4.0, 0.0]), method="Nelder-Mead")
    return float(best.x[0]), float(np.exp(best.x[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=200, help="half of them absent")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    jobs = [(index, chosen.seed, index % 2 == 0) for index in range(chosen.tasks)]
    with ProcessPoolExecutor(chosen.workers) as pool:
        outcomes = list(pool.map(outcome, jobs))
    surprises = np.array([surprise for surprise, _ in outcomes])
    right = np.array([good for _, good in outcomes])
    print(f"{len(jobs)} tasks, seed {chosen.seed}: {right.sum()} found, {(~right).sum()} not")
    for name, group in (("right", surprises[right]), ("wrong", surprises[~right])):
        quantiles = np.quantile(group, [0, 0.01, 0.05, 0.5, 0.95, 0.99, 1])
        print(f"{name}: surprise at 0, 1, 5, 50, 95, 99, 100 %:", np.round(quantiles, 2))
    half, steepness = fit(surprises, right)
    print(f"HALF, STEEPNESS = {half:.2f}, {steepness:.2f}")
    for level in (0.5, 0.8, 0.95, 0.99):
        called = expit(steepness * (surprises - half)) >= level
        share = right[called].mean() if called.any() else float("nan")
        print(f"confidence >= {level}: {called.sum()} called, {share:.1%} of them right")


if __name__ == "__main__":
    main()
