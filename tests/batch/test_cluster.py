"""Rows on a real cluster of dask.distributed, with a worker killed on the way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from clem_retrace import __version__
from clem_retrace.batch import cluster as on_cluster
from clem_retrace.batch import run_batch
from clem_retrace.batch.outcomes import Record
from clem_retrace.batch.rows import ImageFile
from clem_retrace.batch.running_rows import Task
from clem_retrace.errors import ClemRetraceError, InvalidOption
from clem_retrace.events import StageResult

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


class Killer:
    """Kills a worker once, in the middle of writing the results of a row."""

    def __init__(self, cluster, out):
        self.cluster, self.out, self.killed = cluster, out, ""
        self.client = distributed.Client(cluster, set_as_default=False)

    def strike(self):
        """Kill the worker that writes now, if one does."""
        if self.killed or not any(self.out.glob(".cell*.part")):
            return
        for address, stacks in self.client.call_stack().items():
            for key, stack in stacks.items():
                if "row_folder" in "".join(stack) or "export" in "".join(stack):
                    (nanny,) = (one for one in self.cluster.workers.values()
                                if one.worker_address == address)  # fmt: skip
                    os.kill(nanny.pid, signal.SIGKILL)
                    self.killed = key
                    return


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")
def test_each_row_has_one_result_though_a_worker_is_killed(cluster, row_of, folder):
    out = folder / "out"
    (folder / "bad.tif").write_bytes(b"II*\0 nothing")
    rows = [row_of(f"cell {number}") for number in range(3)]
    rows.append(row_of("bad", em=ImageFile(folder / "bad.tif", 25.0)))
    events, killer = [], Killer(cluster, out)

    def note(event):
        events.append(event)
        killer.strike()

    outcomes = run_batch(rows, out, scheduler=cluster.scheduler_address, on_event=note)
    killer.client.close()
    assert killer.killed
    assert [each.outcome.status for each in outcomes] == ["found"] * 3 + ["failed"]
    ended = [event.value.index for event in events
             if isinstance(event, StageResult) and event.stage == "row"]  # fmt: skip
    assert sorted(ended) == list(range(4))
    for each in outcomes[:3]:
        record = Record.read(each.folder)
        assert record.outcome == each.outcome
        assert set(record.files) == {path.name for path in each.folder.iterdir()}
        assert all((each.folder / name).stat().st_size for name in record.files)
    # What half of a result was left is of the row whose worker was killed.
    killed = int(killer.killed.split("-")[-2])
    for part in out.glob(".*.part"):
        assert part.name.startswith(f".cell {killed}.")

    outcomes = run_batch(rows, out, scheduler=cluster.scheduler_address)
    assert [each.before for each in outcomes] == [True] * 3 + [False]


@pytest.fixture
def task(row_of, folder):
    """A task for a worker."""
    out = folder / "out"
    out.mkdir()
    return Task(0, row_of(), out / "cell", "d", "this call", __version__)


def test_a_worker_that_does_not_see_the_folder_says_so(task, monkeypatch):
    monkeypatch.setattr(on_cluster, "APPEARING", 0.3)
    for text in (None, '{"run": "another call"}'):
        if text:
            (task.folder.parent / "batch.json").write_text(text)
        outcome = on_cluster.run_here(task)
        assert outcome.status == "failed"
        assert "does not see the folder" in outcome.message
    assert not task.folder.exists()


def test_a_worker_without_enough_memory_says_so(task, monkeypatch):
    def hungry(task):
        raise MemoryError

    monkeypatch.setattr(on_cluster, "run_task", hungry)
    (task.folder.parent / "batch.json").write_text('{"run": "this call"}')
    outcome = on_cluster.run_here(task)
    assert "not enough memory" in outcome.message


def ended(status, fault=None):
    """A row that a scheduler has done with."""
    return SimpleNamespace(status=status, exception=lambda: fault)


def test_what_a_scheduler_could_not_run_fails_alone():
    fault = ModuleNotFoundError("No module named 'clem_retrace'")
    outcome = on_cluster._outcome(ended("error", fault))
    assert outcome.status == "failed"
    assert "ModuleNotFoundError: No module named 'clem_retrace'" in outcome.message
    assert "need the same packages" in outcome.message
    killed = distributed.KilledWorker("row", None, 1)
    assert on_cluster._outcome(ended("error", killed)) is None


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_without_its_scheduler_a_batch_ends(status):
    with pytest.raises(ClemRetraceError, match=re.escape(on_cluster.LOST)):
        on_cluster._outcome(ended(status))


@pytest.fixture
def mortal(tmp_path):
    """A scheduler with one worker, as processes: the scheduler and its address."""
    told = tmp_path / "scheduler.json"

    def started(program, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        return subprocess.Popen(
            [*command, "--no-dashboard", "--scheduler-file", str(told)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    scheduler = started("dask_scheduler", "--port", "0")
    processes = [scheduler]
    try:
        address = ""
        while not address:
            assert scheduler.poll() is None
            time.sleep(0.05)
            with contextlib.suppress(OSError, ValueError):  # not written yet, or not all of it
                address = json.loads(told.read_text())["address"]
        processes.append(started("dask_worker", "--nthreads", "1", "--no-nanny"))
        yield scheduler, address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_what_is_done_stays_done_when_the_scheduler_is_killed(mortal, row_of, folder):
    scheduler, address = mortal
    rows = [row_of(f"cell {number}") for number in range(3)]
    ended = []

    def note(event):
        if isinstance(event, StageResult) and event.stage == "row":
            ended.append(event.value.index)
            scheduler.kill()

    with pytest.raises(ClemRetraceError, match=re.escape(on_cluster.LOST)):
        run_batch(rows, folder / "out", scheduler=address, on_event=note)
    assert 1 <= len(ended) < 3
    outcomes = run_batch(rows, folder / "out", workers=1)
    assert [each.outcome.status for each in outcomes] == ["found"] * 3
    assert all(outcomes[index].before for index in ended)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1"])
def test_a_scheduler_that_is_not_there(row_of, folder, monkeypatch, address):
    monkeypatch.setattr(on_cluster, "CONNECTING", 0.5)
    with pytest.raises(InvalidOption, match=f"no scheduler at '{address}'"):
        run_batch([row_of()], folder / "out", scheduler=address)


def test_without_the_package_the_message_says_what_to_install(row_of, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidOption, match=r"pip install 'clem-retrace\[distributed\]'"):
        run_batch([row_of()], folder / "out", scheduler="tcp://127.0.0.1:1")
