"""One row, run in this process."""

from __future__ import annotations

import dataclasses
import json

import pytest
from PIL import Image

import clem_retrace.pipeline
from clem_retrace import __version__
from clem_retrace.batch.outcomes import RECORD, Record
from clem_retrace.batch.running_rows import THUMBNAIL, THUMBNAIL_SIDE, Task, run_task
from clem_retrace.result import Registration


@pytest.fixture
def task_of(row_of, tmp_path):
    """Make tasks whose results go to the folder "out"."""
    out = tmp_path / "out"
    out.mkdir()

    def make(name="cell", *, run="call", digest="abc", **changes):
        return Task(0, row_of(name, **changes), out / name, digest, run, __version__)

    return make


def test_a_row_leaves_all_its_files(task_of, small):
    task = task_of()
    outcome = run_task(task)
    assert outcome.status == "found"
    names = {path.name for path in task.folder.iterdir()}
    assert names == {
        "registration.json", "overlay.png", "em-on-lm.ome.tif", "candidates.csv", THUMBNAIL, RECORD,
    }  # fmt: skip
    record = Record.read(task.folder)
    assert record == Record("cell", "abc", "call", outcome, record.files)
    assert set(record.files) == names
    values = json.loads((task.folder / "registration.json").read_text(encoding="utf-8"))
    registration = Registration.from_dict(values)
    assert outcome.finding.confidence == registration.confidence
    # Half an LM pixel.
    assert registration.distance_to(small.ground_truth) == outcome.finding.distance
    assert outcome.finding.distance.pixels < 2
    with Image.open(task.folder / THUMBNAIL) as picture:
        assert max(picture.size) == THUMBNAIL_SIDE
    assert (task.folder / THUMBNAIL).stat().st_size < 250_000


def test_what_another_attempt_has_done_is_not_done_again(task_of, monkeypatch):
    outcome = run_task(task_of())
    with monkeypatch.context() as patched:
        patched.delattr(clem_retrace.pipeline, "register")
        assert run_task(task_of()) == outcome
    # Another call of the batch, or other settings, are.
    again = run_task(task_of(run="next"))
    assert again.finding == outcome.finding
    assert Record.read(task_of().folder).run == "next"
    with monkeypatch.context() as patched:
        patched.delattr(clem_retrace.pipeline, "register")
        assert run_task(task_of(run="next", digest="abd")).status == "failed"


def test_a_row_that_cannot_be_run_says_why_and_leaves_nothing(task_of, folder):
    (folder / "em.tif").write_bytes(b"II*\0 nothing")
    task = task_of()
    outcome = run_task(task)
    assert outcome.status == "failed"
    assert "em.tif cannot be read as TIFF" in outcome.message
    assert list(task.folder.parent.iterdir()) == []


def test_a_file_that_this_computer_does_not_see(task_of, folder):
    (folder / "lm.tif").unlink()
    assert "lm.tif is not there, or not readable, on " in run_task(task_of()).message


def test_a_folder_of_another_is_not_touched(task_of):
    task = task_of()
    task.folder.mkdir()
    (task.folder / "thesis.txt").write_text("mine")
    assert "give the row another name" in run_task(task).message
    assert [path.name for path in task.folder.iterdir()] == ["thesis.txt"]


def test_another_version_is_refused(task_of):
    outcome = run_task(dataclasses.replace(task_of(), version="0.0.1"))
    assert outcome.status == "failed"
    assert f"has clem-retrace {__version__}, and the batch was started by 0.0.1" in outcome.message


def test_a_fault_of_the_program_is_kept_in_full(task_of, monkeypatch):
    task = task_of()
    with monkeypatch.context() as patched:
        patched.setattr(clem_retrace.pipeline, "register", lambda *_, **__: 1 / 0)
        outcome = run_task(task)
    assert outcome.status == "failed"
    assert "ZeroDivisionError: division by zero" in outcome.message
    assert task.report.name in outcome.message
    assert "Traceback" in task.report.read_text(encoding="utf-8")
    assert run_task(task).status == "found"
    assert not task.report.exists()


def test_memory_that_runs_out_is_for_the_caller(task_of, monkeypatch):
    def hungry(*_, **__):
        raise MemoryError

    monkeypatch.setattr(clem_retrace.pipeline, "register", hungry)
    with pytest.raises(MemoryError):
        run_task(task_of())
