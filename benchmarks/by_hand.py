"""Try registrations from places given by hand: how many are right, and what is accepted.

    python benchmarks/by_hand.py --data ../shared/pairs

prints a Markdown table: of tasks with a known answer, from starts as far off as people put
them, how many registrations are accepted, and of those how many are right; and of tasks whose
region is not in the EM how many are accepted all the same. By `by_hand.NEEDED`, which was
chosen on starts of other seeds, that is decided.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clem_retrace import register_from
from clem_retrace.errors import ClemRetraceError
from clem_retrace.evaluation import target_registration_error
from clem_retrace.geometry import Matrix, compose, invert, similarity
from outcomes import Table
from simulated import USUAL_SHARED, simulated_task
from tasks import Task, real_absent_task, real_task

#: How far off starts are: LM pixels, degrees, part of the magnification.
OFF = {"near": (8.0, 5.0, 0.05), "far": (20.0, 10.0, 0.1)}

#: A registration is right when its median target registration error is below this, LM pixels.
RIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """One registration; `folder` holds the real pairs, and is None for simulated ones."""

    index: int
    seed: int
    folder: Path | None
    start: str
    present: bool = True

    def task(self) -> Task:
        """Return the task."""
        if self.folder is None:
            shared = (USUAL_SHARED, 0.7)
            return simulated_task(self.index, self.seed, present=self.present, shared=shared)
        make = real_task if self.present else real_absent_task
        return make(self.folder, self.index, self.seed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a registration: whether it was accepted, and its error in LM pixels."""

    job: Job
    accepted: bool
    error: float | None

    @property
    def right(self) -> bool:
        """Whether the transform is the true one."""
        return self.error is not None and self.error < RIGHT


def run_job(job: Job) -> Outcome:
    """Return what comes of a task from a start that is off by as much as the job says."""
    task = job.task()
    rng = np.random.default_rng([job.seed, job.index, 2])
    start, error = _start(task, rng, *OFF[job.start]), None
    try:
        result = register_from(task.lm, task.em, task.roi, start)
    except ClemRetraceError:  # an LM that is blank round the region, say: refused as well
        return Outcome(job, accepted=False, error=None)
    if task.present:
        errors = target_registration_error(result.em_to_lm, invert(task.truth), task.roi)
        error = float(np.median(errors))
    return Outcome(job, bool(result.estimate), error)


def _start(
    task: Task, rng: np.random.Generator, shift: float, degrees: float, part: float
) -> Matrix:
    """Return a place that is off by these amounts, in a direction drawn at random."""
    centre = np.array(task.roi.centre)
    if task.present:
        truth = invert(task.truth)
    else:
        middle = (np.array(task.em.shape) - 1) / 2
        angle, mirrored = float(rng.uniform(0, 360)), bool(rng.integers(2))
        truth = similarity(1 / task.told_ratio, angle, mirrored, middle, centre)
    direction = rng.uniform(0, 2 * np.pi)
    moved = centre + shift * np.array([np.cos(direction), np.sin(direction)])
    turn, growth = degrees * rng.choice([-1, 1]), (1 + part) ** rng.choice([-1, 1])
    return compose(similarity(float(growth), float(turn), False, centre, moved), truth)


def table(outcomes: list[Outcome]) -> Table:
    """Return the shares, a row for each kind of task and start."""
    rows = []
    kinds = dict.fromkeys((one.job.folder is None, one.job.present, one.job.start)
                          for one in outcomes)  # fmt: skip
    for simulated, present, start in kinds:
        some = [
            one for one in outcomes
            if (one.job.folder is None, one.job.present, one.job.start)
            == (simulated, present, start)
        ]  # fmt: skip
        accepted = [one for one in some if one.accepted]
        right = sum(one.right for one in accepted)
        shift, degrees, part = OFF[start]
        rows.append((
            "simulated" if simulated else "real", "yes" if present else "no",
            f"{shift:.0f} px, {degrees:.0f}°, {part:.0%}", str(len(some)), str(len(accepted)),
            str(right) if present else "", str(len(accepted) - right),
        ))  # fmt: skip
    return Table(
        ("tasks", "in the EM", "start off by", "n", "accepted", "right", "accepted and wrong"),
        tuple(rows),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the real pairs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulated", type=int, default=20, help="tasks of each kind")
    parser.add_argument("--real", type=int, default=16, help="tasks of each kind")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    folders = [(None, chosen.simulated)] + ([(chosen.data, chosen.real)] if chosen.data else [])
    jobs = [
        Job(index, chosen.seed, folder, start, present)
        for folder, count in folders
        for present in (True, False)
        for start in OFF
        for index in range(count)
    ]
    with ProcessPoolExecutor(chosen.workers) as pool:
        print(table(list(pool.map(run_job, jobs))).markdown())


if __name__ == "__main__":
    main()
