"""Rows in processes of their own: killed ones, crashes, and none that is left."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from clem_retrace import __version__
from clem_retrace.batch import child_process
from clem_retrace.batch.crews import Ended, Started
from clem_retrace.batch.processes import run_on_cores
from clem_retrace.batch.running_rows import Task
from clem_retrace.errors import ClemRetraceError

#: A worker whose rows do what their names say; "once" is what is done at the first try only.
WORKER = """
import os, sys, time
from pathlib import Path
from clem_retrace.batch import running_rows, worker
from clem_retrace.batch.outcomes import Outcome

def run_task(task):
    print("not for the pipe")
    tried = task.folder.with_suffix(".tried")
    first = not tried.exists()
    with tried.open("a") as file:
        file.write(f"{os.getpid()} {time.monotonic()} ")
    what = task.row.name
    if what == "kill" or (what == "kill once" and first):
        os.kill(os.getpid(), 9)
    if what == "memory" or (what == "memory once" and first):
        raise MemoryError
    if what == "crash":
        os.abort()
    time.sleep({"sleep": 60, "nap": 1.2}.get(what, 0))
    time.sleep(0.2)
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    from clem_retrace.parallel import threads as computing
    return Outcome("found", f"{computing()} {set(threads.values())}")

running_rows.run_task = run_task
worker.main()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")


@pytest.fixture(autouse=True)
def obedient(tmp_path, monkeypatch):
    """Have processes run the worker above."""
    (tmp_path / "obedient_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child_process, "WORKER", "obedient_worker")


@pytest.fixture
def tasks_of(row_of, tmp_path):
    """Make tasks of what rows are to do."""

    def make(*names):
        return [
            Task(index, row_of(name), tmp_path / str(index), "d", "c", __version__)
            for index, name in enumerate(names)
        ]

    return make


def outcomes(crew):
    ended = [told for told in crew if isinstance(told, Ended)]
    assert len({told.index for told in ended}) == len(ended)
    return {told.index: told.outcome for told in ended}


def attempts(tmp_path, index):
    words = (tmp_path / f"{index}.tried").read_text().split()
    return list(zip(words[::2], map(float, words[1::2]), strict=True))


def test_every_row_is_run_once_on_threads_of_its_own(tasks_of, tmp_path, monkeypatch):
    monkeypatch.setattr("clem_retrace.batch.processes.cores", lambda: 4)
    ended = outcomes(run_on_cores(tasks_of(*"abcde"), workers=2))
    assert [ended[index].status for index in range(5)] == ["found"] * 5
    assert {outcome.message for outcome in ended.values()} == {"2 {'1'}"}
    pids = [attempts(tmp_path, index)[0][0] for index in range(5)]
    assert len(set(pids)) == 2


def test_no_more_processes_than_rows(tasks_of, monkeypatch):
    monkeypatch.setattr("clem_retrace.batch.processes.cores", lambda: 3)
    assert outcomes(run_on_cores(tasks_of("a")))[0].message == "3 {'1'}"


def test_rows_whose_process_is_killed_are_tried_once_more_and_alone(tasks_of, tmp_path):
    names = ("kill", "a", "memory once", "b", "kill once", "memory", "crash")
    ended = outcomes(run_on_cores(tasks_of(*names), workers=2))
    told = {names[index]: outcome for index, outcome in ended.items()}
    statuses = {name: outcome.status for name, outcome in told.items()}
    assert statuses == dict.fromkeys(names, "failed") | dict.fromkeys(
        ("a", "b", "memory once", "kill once"), "found"
    )
    assert "killed, perhaps for lack of memory" in told["kill"].message
    assert "not enough memory" in told["memory"].message
    assert "crashed" in told["crash"].message
    assert "Fatal Python error: Aborted" in told["crash"].message
    tries = {name: attempts(tmp_path, index) for index, name in enumerate(names)}
    assert {name: len(tried) for name, tried in tries.items()} == {
        name: 1 if name in "ab" else 2 for name in names
    }
    last_first = max(tried[0][1] for tried in tries.values())
    seconds = [tried[1][1] for name, tried in tries.items() if name not in "ab"]
    assert min(seconds) > last_first


def test_the_cause_of_a_crash_is_told_though_a_long_list_of_modules_follows(tmp_path):
    with (tmp_path / "words").open("w+b") as words:
        words.write(b"Fatal Python error: Aborted\n\nExtension modules: " + 500 * b"a.module, ")
        assert child_process._last_words(words) == "Fatal Python error: Aborted"


def test_an_idle_process_that_is_killed_is_nobodys_loss(tasks_of, tmp_path):
    crew, ended = run_on_cores(tasks_of("a", "nap"), workers=2), {}
    for told in crew:
        if isinstance(told, Ended):
            ended[told.index] = told.outcome.status
            if told.index == 0:
                os.kill(int(attempts(tmp_path, 0)[0][0]), signal.SIGKILL)
    assert ended == {0: "found", 1: "found"}


def gone(pid):
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_closing_ends_all_processes_at_once(tasks_of, tmp_path):
    crew = run_on_cores(tasks_of("sleep", "sleep", "a"), workers=2)
    while not all((tmp_path / f"{index}.tried").exists() for index in (0, 1)):
        told = next(crew)
        assert told is None or isinstance(told, Started)
    start = time.monotonic()
    crew.close()
    assert time.monotonic() - start < 30  # each would sleep for a minute
    for index in (0, 1):
        assert gone(attempts(tmp_path, index)[0][0])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_a_heartbeat_comes_often(tasks_of):
    crew = run_on_cores(tasks_of("sleep"), workers=1)
    times = []
    for told, _ in zip(crew, range(8), strict=False):
        times.append(time.monotonic())
        assert not isinstance(told, Ended)
    crew.close()
    assert median(later - earlier for earlier, later in itertools.pairwise(times)) < 1


def test_processes_that_cannot_begin_end_the_batch(tasks_of, tmp_path):
    (tmp_path / "obedient_worker.py").write_text("import no_such_package")
    with pytest.raises(ClemRetraceError, match=r"cannot be started: .*no_such_package"):
        outcomes(run_on_cores(tasks_of("a", "b")))
