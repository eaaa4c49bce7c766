"""A batch that is killed goes on where it was: each row is done once, and whole."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from clem_retrace.batch import run_batch
from clem_retrace.batch.outcomes import Record
from clem_retrace.batch.tables import read_table

from .conftest import times
from .leaks import children
from .sitting import small_pair

posix = pytest.mark.skipif(os.name != "posix", reason="kills as POSIX systems do")

#: What makes a row quick, as columns of a table.
QUICK = {
    "search": "oriented", "ratio_uncertainty": "0", "oriented.angle": "20",
    "oriented.mirror": "no", "oriented.contrast": "inverted",
    "lm_pixel_size": "100", "em_pixel_size": "25",
}  # fmt: skip

#: Files that a row's folder holds when it is done.
WHOLE = {
    "candidates.csv", "em-on-lm.ome.tif", "overlay.png", "registration.json", "row.json",
    "thumbnail.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """A table of four rows of one small pair."""
    folder, pair = tmp_path_factory.mktemp("batch"), small_pair()
    tifffile.imwrite(folder / "lm.tif", pair.lm.data)
    tifffile.imwrite(folder / "em.tif", pair.em.data)
    roi = pair.roi
    region = {
        "roi_row": roi.row, "roi_col": roi.col, "roi_height": roi.height, "roi_width": roi.width,
    }  # fmt: skip
    path = folder / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, ["name", "lm", "em", *region, *QUICK])
        rows.writeheader()
        for name in "abcd":
            rows.writerow({"name": name, "lm": "lm.tif", "em": "em.tif", **region, **QUICK})
    return path


def rows_done(out: Path) -> dict[str, str]:
    """The rows that are done, each with the call that did it; a folder that is seen is whole."""
    done = {}
    for folder in out.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            assert {path.name for path in folder.iterdir()} == WHOLE
            record = Record.read(folder)
            assert record is not None
            done[folder.name] = record.run
    return done


@posix
def test_a_killed_batch_goes_on(table, tmp_path, tally) -> None:
    rng = np.random.default_rng(8)
    kills = again = 0
    for number in range(times(1)):
        out = tmp_path / str(number)
        command = [
            sys.executable, "-m", "clem_retrace.cli", "batch", str(table), "--out", str(out),
            "--workers", "2",
        ]  # fmt: skip
        before: dict[str, str] = {}
        for _ in range(2):
            batch = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            wait_for_rows(batch, out, len(before) + int(rng.integers(0, 2)))
            time.sleep(rng.uniform(0, 0.3))
            batch.send_signal(signal.SIGKILL)
            batch.wait()
            kills += 1
            if out.exists():
                for name in ("results.csv", "batch.json"):
                    if (out / name).exists():
                        assert (out / name).read_bytes().endswith(b"\n")
                done = rows_done(out)
                again += sum(before[name] != done[name] for name in before)
                before = done
        outcomes = run_batch(read_table(table).rows, out, workers=1)
        assert [each.outcome.status for each in outcomes] == ["found"] * 4
        assert {each.row.name for each in outcomes if each.before} >= set(before)
        done = rows_done(out)
        again += sum(before[name] != done[name] for name in before)
        calls = [json.loads((out / "batch.json").read_text())["run"]]
        assert {run for name, run in done.items() if name not in before} <= set(calls)
        with (out / "results.csv").open(newline="", encoding="utf-8-sig") as file:
            assert [row["status"] for row in csv.DictReader(file)] == ["found"] * 4
        # Of what was being run nothing is left; the table's parts may be, for a day.
        left = [path.name for path in out.iterdir() if path.name.startswith(".")]
        assert all(
            name.startswith((".results.csv.", ".gallery.html.", ".batch.json.")) for name in left
        )
        assert children() == set()
    assert again == 0
    tally(batches=times(1), kills=kills, rows_done_twice=again, rows_lost=0)


def wait_for_rows(batch: subprocess.Popen[bytes], out: Path, count: int) -> None:
    """Wait until so many rows are done, or the batch has ended."""
    give_up = time.monotonic() + 120
    while batch.poll() is None and time.monotonic() < give_up:
        if len(list(out.glob("[a-d]/row.json"))) >= count:
            return
        time.sleep(0.02)
