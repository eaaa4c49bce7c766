"""napari itself, left in the midst of a run: the program ends, at once and in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from .conftest import EFFORT, times
from .sitting import EVENTS

pytestmark = pytest.mark.viewer

#: Opens napari with the small pair and the dock, presses Search, and leaves at an event.
PROGRAM = """
import sys, time
sys.path.insert(0, {tests!r})
from qtpy.QtCore import QSettings, QTimer
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, {settings!r})
import napari
from qtpy.QtWidgets import QApplication, QWidget
from reliability.sitting import QUICK, fresh_layers, small_pair
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import preferences
preferences.remember_options(RegistrationOptions.from_paths(QUICK))
viewer = napari.Viewer()
for layer in fresh_layers(small_pair()):
    viewer.add_layer(layer)
dock, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
events = []
left = []

def leave():
    left.append(time.monotonic())
    way = {way!r}
    if way == "close the window":
        viewer.close()
    elif way == "quit":
        QApplication.instance().quit()
    elif way == "dock, then quit":
        dock.destroyOnClose()
        QTimer.singleShot(50, QApplication.instance().quit)
    elif way == "clear, then close":
        viewer.layers.clear()
        viewer.close()

def note(_event):
    events.append(1)
    if len(events) == {at}:
        leave()

widget.event_arrived.connect(note)
QTimer.singleShot(0, widget.start)
napari.run()
print("left", len(left), "events", len(events), f"{{time.monotonic() - left[0]:.2f}}")
"""

WAYS = ("close the window", "quit", "dock, then quit", "clear, then close")

#: Seconds from leaving to the end of the program, on a busy machine.
SOON = 60


def test_leaving_napari_during_a_run_ends_the_program(tmp_path, tally):
    """Exit code 0, nothing said about threads, within seconds."""
    rng, tried, longest = np.random.default_rng(1), 0, 0.0
    ways = WAYS if EFFORT > 1 else WAYS[:1]
    for _ in range(max(1, times(1) // 5)):
        for way in ways:
            program = PROGRAM.format(
                tests=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                settings=str(tmp_path), way=way, at=int(rng.integers(1, EVENTS - 10)),
            )  # fmt: skip
            running = subprocess.Popen(
                [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            said = running.stdout.readline()
            begun = time.monotonic()
            more, errors = running.communicate(timeout=SOON)
            assert said.startswith("left 1 events"), (way, said, errors)
            assert more == ""
            assert running.returncode == 0, (way, errors)
            for word in ("Traceback", "QThread", "Fatal", "wrapped C/C++"):
                assert word not in errors, (way, errors)
            longest = max(longest, time.monotonic() - begun)
            tried += 1
    tally(left=tried, seconds_at_most=round(longest, 1))
