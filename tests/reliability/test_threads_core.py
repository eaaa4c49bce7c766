"""Runs that are closed at each of their events, and work on several threads cut short.

Nothing goes on after that, and nothing is left half-made for the next run.
"""

from __future__ import annotations

import gc
import itertools
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from clem_retrace.batch import BatchRow, ImageFile, batch_steps, run_batch
from clem_retrace.by_hand import register_from_steps
from clem_retrace.events import StageResult
from clem_retrace.memory import Memory
from clem_retrace.options import RegistrationOptions
from clem_retrace.parallel import in_order, with_threads
from clem_retrace.pipeline import register, steps
from clem_retrace.synthetic import simulate_pair

from .conftest import times
from .leaks import children, no_threads_left, wait_for

QUICK = {
    "search": "oriented",
    "ratio_uncertainty": 0.0,
    "oriented.angle": 20.0,
    "oriented.mirror": "no",
    "oriented.contrast": "inverted",
}

SEARCHES = {
    "oriented": RegistrationOptions.from_paths(QUICK),
    "both": RegistrationOptions.from_paths({**QUICK, "search": "both"}),
}


@pytest.fixture(scope="module")
def small():
    """A pair that is registered in a third of a second."""
    return simulate_pair(
        3, lm_shape=(80, 90), em_shape=(300, 320), roi_size=(40, 50), ratio=4.0, angle=20.0,
        shared=0.9,
    )  # fmt: skip


def through(generator):
    """Events and value of a generator."""
    events = []
    try:
        while True:
            events.append(next(generator))
    except StopIteration as stop:
        return events, stop.value


@pytest.fixture(scope="module")
def found(small):
    """The pair's registration."""
    return register(small.lm, small.em, small.roi, SEARCHES["oriented"])


@pytest.mark.parametrize("kind", [*SEARCHES, "by hand"])
def test_a_run_closed_at_any_event_leaves_nothing_behind(kind, small, found, tally):
    """No thread, and nothing half-made in the memory that the next run uses."""
    # As many as there are events, when one tries for long.
    rng = np.random.default_rng(1)

    def begin(memory):
        if kind == "by hand":
            start = found.match.em_to_lm
            return register_from_steps(small.lm, small.em, small.roi, start, memory=memory)
        return steps(small.lm, small.em, small.roi, SEARCHES[kind], memory=memory)

    with with_threads(3), no_threads_left():
        events, right = through(begin(None))
        places = range(len(events) + 1)
        if times(7) < len(places):
            places = sorted(rng.choice(len(places), times(7), replace=False))
        memory, closed = Memory(), 0
        for place in places:
            running = begin(memory)
            for _ in itertools.islice(running, int(place)):
                pass
            running.close()
            closed += 1
            assert list(running) == []
        _, again = through(begin(memory))
    np.testing.assert_array_equal(again.em_to_lm, right.em_to_lm)
    assert again.confidence == right.confidence
    tally(closed=closed, events=len(events), threads_left=0)


def test_a_run_that_is_interrupted_or_forgotten_leaves_no_thread(small, tally):
    """By Ctrl-C between two events, and by whoever drops the generator."""
    rng, tried = np.random.default_rng(2), 0
    with with_threads(3), no_threads_left():
        events, _ = through(steps(small.lm, small.em, small.roi, SEARCHES["oriented"]))
        for place in rng.integers(1, len(events), times(2)):
            running = steps(small.lm, small.em, small.roi, SEARCHES["oriented"])
            for _ in itertools.islice(running, int(place)):
                pass
            with pytest.raises(KeyboardInterrupt):
                running.throw(KeyboardInterrupt)
            forgotten = steps(small.lm, small.em, small.roi, SEARCHES["oriented"])
            for _ in itertools.islice(forgotten, int(place)):
                pass
            del forgotten
            gc.collect()
            tried += 2
    tally(interrupted=tried, threads_left=0)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_work_in_order_cut_short_does_not_go_on(number, tally):
    """Closed, or failing in the work or in what it is given: then no item is computed any more."""
    tried = 0
    for place in range(times(6)):
        for fault in ("closed", "work", "items"):
            begun: list[int] = []

            def work(item, place=place, fault=fault, begun=begun):
                begun.append(item)
                time.sleep(0.001)
                if fault == "work" and item == place:
                    raise OSError("the disk is gone")
                return item

            def items(place=place, fault=fault):
                for item in itertools.count():
                    if fault == "items" and item == place:
                        raise OSError("the disk is gone")
                    yield item

            with with_threads(number), no_threads_left():
                results = in_order(work, items())
                if fault == "closed":
                    assert list(itertools.islice(results, place)) == list(range(place))
                    results.close()
                else:
                    with pytest.raises(OSError, match="the disk is gone"):
                        for _ in results:
                            pass
            count = len(begun)
            time.sleep(0.01)
            assert len(begun) == count <= place + number + 2
            tried += 1
    tally(cut_short=tried, threads_left=0)


def test_work_in_order_is_closed_from_another_thread(tally):
    """As a worker of the dock does that was begun elsewhere."""
    with with_threads(3), no_threads_left():
        results = in_order(lambda item: item, itertools.count())
        next(results)
        thread = threading.Thread(target=results.close)
        thread.start()
        thread.join()
        assert list(results) == []
    tally(closed=1)


# Batches


@pytest.fixture
def rows(small, tmp_path):
    """Two rows of the small pair."""
    for name, image in (("lm.tif", small.lm), ("em.tif", small.em)):
        tifffile.imwrite(tmp_path / name, image.data)
    lm, em = ImageFile(tmp_path / "lm.tif", 100.0), ImageFile(tmp_path / "em.tif", 25.0)
    return [
        BatchRow(f"cell {number}", lm, em, small.roi, SEARCHES["oriented"]) for number in range(2)
    ]


def files(out: Path) -> set[str]:
    """The names of all that a batch has written."""
    return {str(path.relative_to(out)) for path in out.rglob("*")}


def findings(ended) -> list[tuple[float, ...]]:
    """What a batch has found."""
    return [each.outcome.finding.em_to_lm for each in ended]


def closed_batch(rows, out, stop_at, more) -> set[str]:
    """Close a batch some events after the first of a kind; return the rows that were done."""
    done, seen = set(), False
    running = batch_steps(rows, out, workers=1)
    for event in running:
        if isinstance(event, StageResult):
            seen = seen or event.stage == stop_at
            if event.stage == "row":
                done.add(event.value.row.name)
        if seen and (more := more - 1) < 0:
            break
    running.close()
    return done


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_batch_closed_at_any_event_leaves_no_process_and_goes_on(rows, tmp_path, tally):
    """What was done before it was closed is not done again; no part of a result is left."""
    rng, before = np.random.default_rng(3), children()
    closed = kept = 0
    whole = run_batch(rows, tmp_path / "whole", workers=2)
    assert [each.outcome.status for each in whole] == ["found"] * 2
    for attempt in range(times(1)):
        out, done = tmp_path / f"out {attempt}", set()
        with no_threads_left():
            for stop_at, more in (("started", rng.integers(0, 15)), ("row", rng.integers(0, 4))):
                done |= closed_batch(rows, out, stop_at, int(more))
                closed += 1
                assert wait_for(lambda: children() <= before), children() - before
                # A hidden folder is a result that is being written.
                assert not list(out.glob(".*"))
            assert done
            _, ended = through(batch_steps(rows, out, workers=1))
        assert {each.row.name for each in ended if each.before} >= done
        assert findings(ended) == findings(whole)
        assert files(out) == files(tmp_path / "whole")
        kept += len(done)
    assert children() <= before
    tally(closed=closed, rows_kept=kept, processes_left=0)
