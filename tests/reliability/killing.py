"""The program that saves and is killed: a parent that forks, so that each kill is quick.

    python -m tests.reliability.killing PICKLE FOLDER TIMES SEED

It reads a registration, and kills so many times a child of its own that saves one version of an
output after the other: at random moments; and once before each call of the file system, or in a
short run before every third. Those
that are folders it kills once more as where the system cannot swap two names.
What is then on the disk must be the last version that was saved, or the next. It prints what it
has found as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from clem_retrace.errors import BadFile
from clem_retrace.io import swapping, writing
from tests.reliability.faults import at_call
from tests.reliability.outputs import VERSIONS, Output, outputs

#: Long enough ago that what is left counts as abandoned.
LONG_AGO = 0


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def forked(work: Callable[[], None]) -> int:
    """Return the id of a child that does some work and ends."""
    child = os.fork()
    if child == 0:
        # Nothing of the parent's may be run in the child, whatever happens.
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    return child


def save_on_and_on(output: Output, path: Path, version: int, told: int) -> None:
    """Save the next version and the next, and tell of each that is saved."""
    while True:
        version = version % VERSIONS + 1
        output.save(path, version)
        os.write(told, bytes([version]))


def check(output: Output, path: Path, last: int) -> tuple[int, str]:
    """Return the version on the disk, and what is wrong there, if anything is."""
    if not path.exists():
        if swapping.swap is writing.swap:
            return 0, f"{output.name} has gone"
        # The moment between two renamings, where the system cannot swap.
        bring_back(path)
    try:
        found = output.read(path)
    # Whatever is raised, it is damage, and told by the parent.
    except Exception as error:
        return 0, f"{output.name} is damaged: {error!r}"
    if found not in (last, last % VERSIONS + 1):
        return found, f"{output.name} has version {found}, and {last} was saved"
    seen = [each.name for each in path.parent.iterdir() if not each.name.startswith(".")]
    return found, "" if seen == [path.name] else f"{seen} can be seen instead of {output.name}"


def bring_back(path: Path) -> None:
    """Begin to save, which puts right what was left, and fail at once."""
    with contextlib.suppress(BadFile), writing.replacing(path):
        raise OSError


def clean(output: Output, path: Path, version: int) -> str:
    """Return what is wrong after a day has passed and a save, if anything is."""
    for left in hidden(path.parent):
        for each in (left, *left.rglob("*")):
            os.utime(each, (LONG_AGO, LONG_AGO))
    output.save(path, version)
    kept = hidden(path.parent)
    if output.read(path) != version:
        return f"{output.name} could not be saved again"
    return f"{[each.name for each in kept]} is left" if kept else ""


def kill_at_random(output: Output, folder: Path, times: int, rng: np.random.Generator) -> list[str]:
    """Return what went wrong in so many kills at random moments."""
    path, version, problems = folder / output.name, 1, []
    begin = time.monotonic()
    output.save(path, version)
    output.save(path, version)
    usual = (time.monotonic() - begin) / 2
    for _ in range(times):
        reading, telling = os.pipe()
        child = forked(partial(save_on_and_on, output, path, version, telling))
        os.close(telling)
        time.sleep(rng.uniform(0, 3 * usual))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        version, problem = check(output, path, told[-1] if told else version)
        if problem:
            return [*problems, problem]
    problem = clean(output, path, version)
    return [*problems, problem] if problem else problems


def kill_at_calls(output: Output, folder: Path, step: int) -> tuple[int, list[str]]:
    """Return how many kills there were before calls, so many apart, and what went wrong."""
    path, problems = folder / output.name, []
    output.save(path, 1)
    with at_call(folder) as calls:
        output.save(path, 1)
    count = len(calls.seen)

    def die(_: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for number in range(1, count + 1, step):
        output.save(path, 1)

        def work(number: int = number) -> None:
            with at_call(folder, number, die):
                output.save(path, 2)

        _, status = os.waitpid(forked(work), 0)
        _, problem = check(output, path, 1)
        if problem:
            problems.append(f"{problem} (call {number}, {status})")
    problem = clean(output, path, 3)
    return len(range(0, count, step)), [*problems, problem] if problem else problems


def main() -> None:
    """Kill, and tell."""
    given, folder, times, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    registration = pickle.loads(Path(given).read_bytes())
    rng = np.random.default_rng(seed)
    step = 1 if times > 100 else 3
    (folder / "scratch").mkdir()
    every = outputs(registration, folder / "scratch")
    kills, calls, problems = 0, 0, []
    for number, output in enumerate(every):
        place = folder / str(number)
        place.mkdir()
        share = times // len(every) + (number < times % len(every))
        problems += kill_at_random(output, place, share, rng)
        kills += share
        for swap in (swapping.swap, lambda *_: False):
            writing.swap = swap
            place = folder / f"{number} {swap is swapping.swap}"
            place.mkdir()
            count, wrong = kill_at_calls(output, place, step)
            calls, problems = calls + count, problems + wrong
            if (place / output.name).is_file():
                break  # files are never swapped
        writing.swap = swapping.swap
    told = {"outputs": len(every), "random": kills, "at_calls": calls, "problems": problems}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
