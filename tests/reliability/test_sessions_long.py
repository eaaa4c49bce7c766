"""Many runs in one session: memory, threads and Qt objects stay as they were."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QObject, QSettings

from clem_retrace.plugin.history import DEPTH

from .conftest import times
from .leaks import census, resident
from .sitting import EVENTS, Sitting, small_pair, workers

#: By how much the process may grow in a long session, once the list of runs is full.
GROWTH = 0.05

#: Where the types come from that must not become more: those of this package and of what it
#: handles. Not Python's own: each time that napari 0.9 brings layers into view it leaves some
#: locks and tuples behind, 2 kB or so.
COUNTED = ("clem_retrace", "napari", "PyQt", "PySide", "numpy", "threading", "concurrent")

#: What pytest keeps of each line that is logged, as napari has it do.
LOGGED = "napari.utils._testsupport.LeakSafeLogRecord"

#: Runs until all is loaded, and the list of runs is full.
WARM = 20


@pytest.fixture
def sitting(qtbot, tmp_path):
    """The dock on a viewer model with a small pair."""
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )
    sitting = Sitting(ViewerModel(), small_pair(), qtbot)
    yield sitting
    sitting.close()


def qt_objects(widget) -> int:
    """How many Qt objects belong to a widget."""
    return len(widget.findChildren(QObject))


def session(sitting, count, rng):
    """Runs of all kinds, some cancelled, candidates looked at, options changed and undone."""
    for number in range(count):
        title = "Search from scratch" if number % 2 else "Search again"
        sitting.control("context").setValue(20 + 5 * (number % 3))
        do, at = None, 0
        if number % 4 == 3:
            do, at = sitting.cancel, int(rng.integers(1, EVENTS))
        sitting.run(do, at, title)
        if sitting.shown is not None:
            table = sitting.control("candidate_table")
            table.selectRow(number % max(1, table.rowCount()))
        if number % 5 == 4:
            sitting.control("undo").click()


def traced_growth(do) -> int:
    """Bytes that Python and NumPy have got and not given back, when something is done twice."""
    tracemalloc.start()
    do()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    do()
    gc.collect()
    growth = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return growth


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux tells it")
def test_a_long_session_does_not_grow(sitting, tally):
    """The process by less than 5 % from run 20 on; objects of each type and Qt's hardly."""
    rng, count = np.random.default_rng(1), min(180, times(4))
    session(sitting, WARM if count > WARM else 2, rng)
    gc.collect()
    bytes_before, objects, qt = resident(), census(), qt_objects(sitting.widget)
    session(sitting, count, rng)
    gc.collect()
    grown = resident() / bytes_before - 1
    more = census()
    more.subtract(objects)
    traced = traced_growth(lambda: session(sitting, 1 if count < WARM else 4, rng))
    # Each change that can be undone keeps what was set.
    gathered = {
        kind: number
        for kind, number in more.items()
        if kind.startswith(COUNTED) and kind != LOGGED and number > max(DEPTH + 10, count // 2)
    }
    tally(
        runs=count, megabytes=round(bytes_before / 1e6), grown_percent=round(100 * grown, 2),
        kilobytes_traced=round(traced / 1e3), objects=sum(more.values()),
        qt_objects=qt_objects(sitting.widget) - qt, threads=len(workers()),
    )  # fmt: skip
    assert workers() == []
    assert qt_objects(sitting.widget) - qt <= 3
    assert gathered == {}
    assert grown < GROWTH or count < WARM


def test_images_that_are_removed_are_let_go_of(sitting, tally):
    """After a run and in the midst of one: no layer, no array of theirs stays behind."""
    held = []
    for at in (None, 5, EVENTS // 2):
        held += [weakref.ref(layer) for layer in (sitting.lm, sitting.em)]
        held += [weakref.ref(layer.data) for layer in (sitting.lm, sitting.em)]
        if at is None:
            sitting.run()
        else:
            sitting.run(sitting.model.layers.clear, at)
        sitting.renew()
        sitting.run()
    # What is to be deleted later is deleted.
    sitting.qtbot.wait(100)
    gc.collect()
    left = [one() for one in held if one() is not None]
    tally(layers_and_arrays=len(held), left=len(left))
    assert left == []
