"""Measure accuracy, confidence and time of the tool, of the paper's search, and of references.

    python benchmarks/accuracy.py --data ../shared/pairs --json benchmark.json

prints a Markdown table for each section:

- ``real``: the protocol of the real pairs, any angle, half of the tasks mirrored;
- ``simulated``: simulated pairs over a spread of cases, by the share of common structures;
- ``paper``: simulated pairs in the regime of the paper's experiments, large windows;
- ``ratio``: both, with the ratio told wrong by up to 15 %, default options;
- ``unknown``: both, with the ratio told wrong by up to a factor of 2, and an option that says so;
- ``absent``: regions that are not in the EM;
- ``registration``: from starts that are nearly right;
- and, from all runs that have a confidence, what it is worth.

Every number follows from ``--seed``; a task is the same whatever else is run. Seconds are
wall time with ``--workers`` tasks at a time. Without ``--data`` the real pairs are left out.
The references need ``pip install -e .[bench]``; those not installed are left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import math
import multiprocessing
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

import registration_methods
import retrieval_methods
from outcomes import (
    Alignment,
    Retrieval,
    Table,
    absent_table,
    alignment_table,
    by_method,
    confidence_table,
    reliability_table,
    retrieval_table,
    try_alignment,
    try_retrieval,
)
from registration_methods import REGISTRATIONS, draw_start
from retrieval_methods import HISTOGRAM, METHODS, OURS
from simulated import SHARED, USUAL_SHARED, paper_task, simulated_task
from tasks import EXACT, Task, real_absent_task, real_task

SECTIONS = {
    "real": "Real pairs",
    "simulated": "Simulated pairs",
    "paper": "The paper's regime: large windows, near-quarter turns",
    "ratio": "Ratio wrong by up to 15 %, default options",
    "unknown": "Ratio unknown within a factor of 2, as an option",
    "absent": "Region not in the EM",
    "registration": "Registration alone, from starts with up to 6 LM px, 4°, 4 %",
}

#: Range of told ratio over true ratio.
WRONG, UNKNOWN = (0.85, 1.15), (0.5, 2.0)

#: What a section's tasks have that others have not.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "ratio": {"told": WRONG},
    "unknown": {"told": UNKNOWN, "ratio_uncertainty": 0.5},
    "absent": {"present": False},
    "registration": {"shared": (USUAL_SHARED, SHARED[1])},
}

#: The methods of a section, and those of them that try all of its tasks.
EVERY: Mapping[str, Sequence[str]] = {
    "real": tuple(METHODS),
    "simulated": tuple(METHODS),
    "paper": (*OURS, *HISTOGRAM),
    "ratio": (*OURS, "template, LoG"),
    "unknown": tuple(OURS),
    "absent": tuple(OURS),
    "registration": tuple(REGISTRATIONS),
}
MANY = ("default",)

LEGEND = """
Retrieved: the centre is within 1 % of the EM's diagonal. TRE: target registration error in LM
pixels, median over the region, of the tasks retrieved. Made worse: of these, the registration
moved the match off by more than 0.1 LM px. Ratio to 2 %: of these, the match's magnification is
the true one. Right of found, and right, not found: of the matches called found, and of those
retrieved. Failed: the method raised, or gave no answer.
"""

NOT_OURS = (
    "globalign, the program of global mutual information's authors: it needs PyTorch and is not "
    "on PyPI, where that name is a sequence aligner's; global MI below is our own few lines"
)


@dataclass(frozen=True, slots=True)
class Job:
    """One task and the methods that try it; small, for it is sent to another process.

    Attributes
    ----------
    section : str
    kind : {"real", "simulated", "paper"}
    index, seed : int
    methods : tuple of str
    folder : Path or None
        Of the real pairs.
    told : (low, high)
        Range of told ratio over true ratio.
    present : bool
    shared : (low, high)
    ratio_uncertainty : float or None
    """

    section: str
    kind: Literal["real", "simulated", "paper"]
    index: int
    seed: int
    methods: tuple[str, ...]
    folder: Path | None = None
    told: tuple[float, float] = EXACT
    present: bool = True
    shared: tuple[float, float] = SHARED
    ratio_uncertainty: float | None = None

    def task(self) -> Task:
        """Return the task."""
        if self.kind == "paper":
            return paper_task(self.index, self.seed)
        if self.kind == "real":
            assert self.folder is not None
            make = real_task if self.present else real_absent_task
            task = make(self.folder, self.index, self.seed, told=self.told)
        else:
            task = simulated_task(
                self.index, self.seed, told=self.told, present=self.present, shared=self.shared
            )
        return dataclasses.replace(task, ratio_uncertainty=self.ratio_uncertainty)


def run_job(job: Job) -> list[Retrieval] | list[Alignment]:
    """Return what came of each method on the job's task."""
    task = job.task()
    if job.section != "registration":
        return [try_retrieval(name, METHODS[name], task) for name in job.methods]
    start = draw_start(task, job.seed, job.index)
    return [try_alignment(name, REGISTRATIONS[name], task, start) for name in job.methods]


def counts(section: str, chosen: argparse.Namespace) -> dict[str, int]:
    """Return how many tasks of each kind a section has."""
    real = chosen.real if chosen.data else 0
    return {
        "real": {"real": real},
        "simulated": {"simulated": chosen.simulated},
        "paper": {"paper": chosen.paper},
        "ratio": {"real": real, "simulated": chosen.simulated},
        "unknown": {"real": math.ceil(real / 2), "simulated": math.ceil(chosen.simulated / 2)},
        "absent": {"real": real, "simulated": chosen.absent},
        "registration": {"real": min(real, chosen.starts), "simulated": chosen.starts},
    }[section]


def plan(section: str, chosen: argparse.Namespace) -> list[Job]:
    """Return the jobs of a section; only the first ones are tried by every method."""
    every = EVERY[section]
    many = [name for name in every if name in MANY or section in ("paper", "registration")]
    return [
        Job(
            section=section,
            kind=kind,
            index=index,
            seed=chosen.seed,
            folder=chosen.data,
            methods=tuple(
                name
                for name in (every if index < chosen.references else many)
                if name in chosen.methods
            ),
            **SETTINGS.get(section, {}),
        )
        for kind, count in counts(section, chosen).items()
        for index in range(count)
    ]


def tables(section: str, outcomes: Sequence[Any]) -> dict[str, Table]:
    """Return the tables of a section by title: one for real, one or two for simulated pairs."""
    make = {"registration": alignment_table, "absent": absent_table}.get(section, retrieval_table)
    parts = {"real": [one for one in outcomes if one.kind == "real"]}
    simulated = [one for one in outcomes if one.kind == "simulated"]
    if section in ("registration", "absent", "paper"):
        parts["simulated"] = simulated
    else:
        usual = f"{USUAL_SHARED:.0%}"
        parts[f"simulated, {usual} shared or more"] = [
            one for one in simulated if one.shared >= USUAL_SHARED
        ]
        parts[f"simulated, less than {usual} shared"] = [
            one for one in simulated if one.shared < USUAL_SHARED
        ]
    return {name: make(some) for name, some in parts.items() if some}


def confidence_tables(outcomes: Iterable[Retrieval]) -> dict[str, Table]:
    """Return what the confidence of each of our methods is worth, over all sections."""
    result = {}
    for method, some in by_method([one for one in outcomes if one.method in OURS]).items():
        groups = {
            kind: [one for one in some if one.kind == kind]
            for kind in ("real", "simulated")
            if any(one.kind == kind for one in some)
        }
        result[f"{method}: found or not"] = confidence_table(groups)
        result[f"{method}: confidence and share right"] = reliability_table(groups)
    return result


def measure(chosen: argparse.Namespace, report: Any) -> dict[str, Any]:
    """Run the chosen sections, print their tables to `report`; return all of it for JSON."""
    sections: dict[str, Any] = {}
    retrievals: list[Retrieval] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(chosen.workers, context, initializer=_one_thread) as pool:
        for section in chosen.sections:
            jobs = [job for job in plan(section, chosen) if job.methods]
            done = tqdm(pool.map(run_job, jobs), section, len(jobs), file=sys.stderr, leave=False)
            outcomes = [one for job in done for one in job]
            if section != "registration":
                retrievals += outcomes
            made = tables(section, outcomes)
            _print(report, SECTIONS[section], made)
            sections[section] = _plain(made, outcomes)
    if retrievals:
        made = confidence_tables(retrievals)
        _print(report, "Confidence, over all retrievals above", made)
        sections["confidence"] = _plain(made, [])
    return sections


def _print(report: Any, title: str, made: Mapping[str, Table]) -> None:
    print(f"## {title}\n", file=report)
    for name, table in made.items():
        print(f"{name}\n\n{table.markdown()}\n", file=report, flush=True)


def _plain(made: Mapping[str, Table], outcomes: Sequence[Retrieval | Alignment]) -> dict[str, Any]:
    """Return tables and outcomes as what JSON can hold; numbers that are not finite as None."""
    return {
        "tables": {name: table.to_dicts() for name, table in made.items()},
        "outcomes": [
            {
                name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in dataclasses.asdict(one).items()
            }
            for one in outcomes
        ],
    }


def _one_thread() -> None:
    """Keep OpenCV to one thread: the tasks run side by side."""
    if importlib.util.find_spec("cv2"):
        import cv2

        cv2.setNumThreads(1)


def available(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the methods that can be run, and those whose library is not installed."""
    libraries = {**retrieval_methods.LIBRARIES, **registration_methods.LIBRARIES}
    missing = [
        name
        for name in names
        if name in libraries and importlib.util.find_spec(libraries[name]) is None
    ]
    return [name for name in names if name not in missing], missing


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*METHODS, *REGISTRATIONS]
    add = parser.add_argument
    add("--data", type=Path, help="folder of the real pairs, with its pairs.json")
    add("--json", metavar="FILE", nargs="?", const="-", help="write JSON; to stdout without FILE")
    add("--seed", type=int, default=1)
    add("--real", type=int, default=32, help="real tasks a section")
    add("--simulated", type=int, default=80, help="simulated tasks a section")
    add("--absent", type=int, default=80, help="simulated tasks whose region is absent")
    add("--paper", type=int, default=12, help="tasks in the paper's regime")
    add("--starts", type=int, default=60, help="starts on simulated pairs")
    add("--references", type=int, default=32, help="tasks of a kind that every method tries")
    add("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    add("--methods", nargs="+", default=[""], metavar="METHOD",
        help=f"those with one of these in their name: {'; '.join(every)}")  # fmt: skip
    add("--workers", type=int, default=os.cpu_count(), help="tasks at a time")
    chosen = parser.parse_args(arguments)
    chosen.methods = [
        name for name in every if any(part.lower() in name.lower() for part in chosen.methods)
    ]
    if not chosen.methods:
        parser.error("no method has such a name")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    # Before the workers import NumPy: a thread for each, as its BLAS would have them, is too many.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    chosen.methods, missing = available(chosen.methods)
    left_out = [NOT_OURS, *(f"{name}: its library is not installed" for name in missing)]
    if chosen.data is None or not (chosen.data / "pairs.json").exists():
        left_out.append(f"real pairs: there is no pairs.json in the folder {chosen.data}")
        chosen.data = None
    report = sys.stderr if chosen.json == "-" else sys.stdout
    facts = {
        "version": version("clem-retrace"),
        "command": " ".join(["python", "benchmarks/accuracy.py", *(arguments or sys.argv[1:])]),
        "seed": chosen.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {chosen.workers} at a time",
        "libraries": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "left out": "; ".join(left_out),
    }
    print("# Accuracy\n", file=report)
    for name, value in facts.items():
        print(f"- {name}: {value}", file=report)
    print(LEGEND, file=report)
    result = {**facts, "sections": measure(chosen, report)}
    if chosen.json == "-":
        json.dump(result, sys.stdout, indent=1, allow_nan=False)
    elif chosen.json:
        Path(chosen.json).write_text(json.dumps(result, indent=1, allow_nan=False), "utf-8")


if __name__ == "__main__":
    main()
