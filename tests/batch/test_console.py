"""The command ``batch``: what it prints, its exit codes, Ctrl-C."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clem_retrace.batch.rows import BadRow
from clem_retrace.batch.tables import read_table
from clem_retrace.cli import main

from .conftest import SLOW


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run ``clem-retrace batch`` in the folder; return its exit code, output and errors."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        code = main(["batch", *arguments])
        return code, *capsys.readouterr()

    return run


def test_a_batch_tells_each_row_and_all_of_them(run, write_table):
    write_table({"name": "a"}, {"name": "b", "em": "gone.tif"})
    code, out, err = run("pairs.csv", "--out", "here", "--workers", "1")
    assert code == 1
    bad, good = err.splitlines()
    assert bad.startswith("   1/2  b: failed: row 3: column em: ")
    assert bad.endswith("gone.tif does not exist")
    assert good.startswith("   2/2  a: found, confidence 0.99")
    assert out.splitlines() == [
        "2 rows: 1 found, 1 failed",
        f"written  {Path('here/results.csv')}",
        f"written  {Path('here/gallery.html')}",
    ]

    # Mended and resumed, the code is 0; options are for the cells that are empty.
    write_table({"name": "a"})
    code, out, err = run("pairs.csv", "--out", "here", "--context", "150")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "1 row: 1 found",
        "1 of these done before, and not changed since (--again runs them)",
    ]


def test_on_a_terminal_there_is_a_bar_with_the_counts(run, write_table, monkeypatch):
    write_table({"name": "b", "em": "gone.tif"}, {"name": "c", "lm": "gone.tif"})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, _, err = run("pairs.csv")
    assert code == 1
    drawn = err.replace("\r", "\n").splitlines()
    assert any("rows 2 of 2" in line and "2 failed" in line for line in drawn)
    assert sum(line.strip().startswith(("1/2  b:", "2/2  c:")) for line in drawn) == 2
    # The bar goes away.
    assert drawn[-1].strip() == ""


def test_a_table_is_checked_without_running_it(run, write_table, folder):
    write_table({"name": "a"}, {"name": "b", "em": "gone.tif"})
    code, out, err = run("pairs.csv", "--check")
    assert (code, err) == (1, "")
    assert out.splitlines()[0].startswith("b: row 3: column em: ")
    assert out.splitlines()[1] == "2 rows: 1 can be run, 1 cannot"
    write_table({"name": "a"})
    assert run("pairs.csv", "--check")[:2] == (0, "1 row: 1 can be run, 0 cannot\n")
    assert not list(folder.glob("clem-retrace-batch"))


def test_the_template_is_printed_or_written_to_a_new_file(run, folder):
    code, printed, _ = run("--template")
    assert code == 0
    assert "# One row a pair." in printed.splitlines()[1]
    code, out, _ = run("--template", "new.csv")
    assert (code, out) == (0, "written  new.csv\n")
    assert Path("new.csv").read_text(encoding="utf-8").splitlines() == printed.splitlines()
    assert all(isinstance(row, BadRow) for row in read_table(folder / "new.csv").rows)
    code, _, err = run("--template", "new.csv")
    assert code == 2
    assert "new.csv cannot be written: there is one already" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a table of pairs is needed: --template shows an example"),
        (["gone.csv"], "gone.csv does not exist"),
        (["lm.tif"], "lm.tif is no table"),
        (["pairs.csv", "--histogram-overlap", "1.5"], "overlap is 1.5"),
        (["pairs.csv", "--scheduler", "here"], "there is no scheduler at 'here'"),
        (["pairs.csv", "--out", "lm.tif"], "cannot be made a folder"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(run, write_table, monkeypatch, arguments, words):
    monkeypatch.setattr("clem_retrace.batch.cluster.CONNECTING", 0.5)
    write_table({"name": "a"})
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("clem-retrace: error: ")
    assert words in line


def test_workers_are_counted_from_one(run, capsys):
    for count in ("0", "x"):
        with pytest.raises(SystemExit) as left:
            run("pairs.csv", "--workers", count)
        assert left.value.code == 2
        assert "--workers" in capsys.readouterr().err


def children(pid):
    """The processes that a process has started."""
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if parent_of(stat) == pid
    ]


def parent_of(stat):
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@pytest.fixture
def long_batch(write_table, large, folder):
    """A process that runs a quick row and then one that takes long, and is at the long one."""
    write_table({"name": "quick"}, {"name": "slow", "em": large.name, **SLOW})
    process = subprocess.Popen(
        [sys.executable, "-m", "clem_retrace.cli", "batch", "pairs.csv", "--workers", "1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs, and so their children, deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert "quick: found" in process.stderr.readline()
    workers = children(process.pid)
    assert len(workers) == 1
    yield process, workers[0]
    process.kill()
    process.communicate()


def wait_until_gone(pid):
    give_up = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_control_c_stops_and_what_is_done_stays_done(long_batch, folder):
    process, worker = long_batch
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines() == [
        "1 of 2 rows done; the same command goes on from there",
        "clem-retrace: stopped",
    ]
    wait_until_gone(worker)
    with (folder / "clem-retrace-batch" / "results.csv").open(newline="") as file:
        assert [line["status"] for line in csv.DictReader(file)] == ["found", "not run yet"]
    assert not list((folder / "clem-retrace-batch").glob(".*"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_processes_do_not_outlive_the_one_that_started_them(long_batch):
    process, worker = long_batch
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until_gone(worker)
