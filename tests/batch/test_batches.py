"""Batches: run, resumed, redone, and stopped."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import time
from pathlib import Path

import pytest

from clem_retrace.batch import batch_steps, read_table, run_batch
from clem_retrace.batch.columns import columns
from clem_retrace.batch.outcomes import Record
from clem_retrace.batch.rows import ImageFile
from clem_retrace.errors import BadFile
from clem_retrace.events import Progress, StageResult
from clem_retrace.options import RegistrationOptions

from .conftest import SLOW


def results(out):
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def listed(out):
    return sorted(path.name for path in out.iterdir())


def times(out, *names):
    return [(out / name / "registration.json").stat().st_mtime_ns for name in names]


ALWAYS = ["batch.json", "gallery.html", "results.csv"]


def test_a_batch_is_run_resumed_and_redone_where_it_changed(write_table, folder):
    out = folder / "out"
    rows = ({"name": "a", "comment": "=x"}, {"name": "../b"}, {"name": "c", "em": "gone.tif"})
    table = read_table(write_table(*rows))
    events = []
    outcomes = run_batch(table.rows, out, workers=2, on_event=events.append)
    assert [each.outcome.status for each in outcomes] == ["found", "found", "failed"]
    assert listed(out) == sorted([*ALWAYS, "a", "b"])
    assert listed(folder) == sorted(["em.tif", "lm.tif", "out", "pairs.csv"])

    lines = results(out)
    assert [line["name"] for line in lines] == ["a", "../b", "c"]
    assert [line["folder"] for line in lines] == ["a", "b", ""]
    assert "gone.tif does not exist" in lines[2]["message"]
    assert lines[0]["comment"] == "=x"
    assert float(lines[0]["distance_em_px"]) < 2
    assert float(lines[0]["confidence"]) > 0.95

    ended = [event.value for event in events if isinstance(event, StageResult)
             and event.stage == "row"]  # fmt: skip
    assert sorted(each.index for each in ended) == [0, 1, 2]
    begun = [event.value for event in events if isinstance(event, StageResult)
             and event.stage == "started"]  # fmt: skip
    assert begun == [0, 1]
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1] == Progress("batch", 3, 3)
    assert [event.done for event in progress] == sorted(event.done for event in progress)

    # The same table once more: nothing is run.
    before = times(out, "a", "b")
    outcomes = run_batch(table.rows, out)
    assert [each.before for each in outcomes] == [True, True, False]
    assert [each.outcome.status for each in outcomes] == ["found", "found", "failed"]
    assert times(out, "a", "b") == before
    assert results(out) == lines

    # One row is other than it was, one has been mended: these are run.
    rows = (rows[0] | {"take": "2"}, rows[1], {"name": "c"})
    outcomes = run_batch(read_table(write_table(*rows)).rows, out)
    assert [each.before for each in outcomes] == [False, True, False]
    assert times(out, "b") == before[1:]
    assert times(out, "a") != before[:1]
    assert "Candidate 2 of" in results(out)[0]["message"]
    assert results(out)[2]["status"] == "found"
    assert listed(out) == sorted([*ALWAYS, "a", "b", "c"])


def test_stopped_a_batch_tells_what_is_done_and_goes_on_from_there(row_of, large, folder):
    out = folder / "out"
    slow = RegistrationOptions.from_paths(SLOW)
    rows = [row_of("quick"), row_of("slow", em=ImageFile(large, 25.0), options=slow)]
    steps = batch_steps(rows, out, workers=1)
    for event in steps:
        if isinstance(event, StageResult) and event.stage == "started" and event.value == 1:
            break
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 30
    assert [line["status"] for line in results(out)] == ["found", "not run yet"]
    assert listed(out) == sorted([*ALWAYS, "quick"])
    gallery = (out / "gallery.html").read_text(encoding="utf-8")
    assert "not run yet" in gallery

    rows[1] = row_of("slow")
    before = times(out, "quick")
    outcomes = run_batch(rows, out)
    assert [each.before for each in outcomes] == [True, False]
    assert outcomes[1].outcome.status == "found"
    assert times(out, "quick") == before
    (again,) = run_batch(rows[:1], out, again=True)
    assert not again.before
    assert again.outcome.finding == outcomes[0].outcome.finding
    assert times(out, "quick") != before


def test_a_damaged_image_does_not_stop_the_others(row_of, folder):
    (folder / "bad.tif").write_bytes(b"II*\0 nothing")
    bad = row_of("bad", em=ImageFile(folder / "bad.tif", 25.0))
    gone = row_of("gone", lm=ImageFile(folder / "gone.tif", 100.0))
    outside = row_of("outside", roi=dataclasses.replace(row_of().roi, row=5000.0))
    # Of an attempt that was killed.
    (folder / "out" / ".good.0123abcd.part").mkdir(parents=True)
    outcomes = run_batch([bad, gone, outside, row_of("good")], folder / "out")
    assert [each.outcome.status for each in outcomes] == ["failed"] * 3 + ["found"]
    messages = [each.outcome.message for each in outcomes]
    assert "cannot be read as TIFF" in messages[0]
    assert "gone.tif cannot be read" in messages[1]
    assert "lies outside the LM image" in messages[2]
    assert listed(folder / "out") == sorted([*ALWAYS, "good"])
    call = json.loads((folder / "out" / "batch.json").read_text(encoding="utf-8"))
    assert call["kind"] == "clem-retrace batch"
    assert call["run"] == Record.read(folder / "out" / "good").run


def test_a_table_of_results_of_another_kind_stays(row_of, folder):
    (folder / "results.csv").write_text("mine")
    with pytest.raises(BadFile, match=r"results\.csv that is not of a batch"):
        run_batch([row_of()], folder)
    assert (folder / "results.csv").read_text() == "mine"


def test_results_that_cannot_be_written_are_told_after_all_rows_are_done(row_of, folder):
    out = folder / "out"
    out.mkdir()
    (out / "batch.json").write_text("{}")
    # What a spreadsheet program does to a file on Windows.
    (out / "results.csv").mkdir()
    (out / "results.csv" / "in the way").write_text("x")
    with pytest.raises(BadFile, match=r"results\.csv cannot be written"):
        run_batch([row_of()], out)
    assert Record.read(out / "cell").outcome.status == "found"


def test_the_example_of_the_documentation_runs(write_table, folder, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    write_table({"name": "gone", "em": "gone.tif"})
    monkeypatch.chdir(folder)
    exec(example, {})
    assert capsys.readouterr().out == f"gone failed {folder / 'results' / 'gone'}\n"


def test_the_documentation_names_every_column():
    page = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert {name for name, column in columns().items() if not column.option} <= named


def test_no_rows_are_no_work(folder):
    assert run_batch([], folder / "out") == ()
    assert listed(folder / "out") == ALWAYS
