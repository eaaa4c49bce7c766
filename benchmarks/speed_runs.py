"""Time and memory of whole runs, by stage and by the EM's size, and of starting."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from scipy import fft, ndimage

from clem_retrace import Memory, register
from clem_retrace.decimating import decimate
from clem_retrace.evaluation import target_registration_error
from clem_retrace.io.session_images import sample_pair
from clem_retrace.micrograph import Roi
from clem_retrace.pipeline import steps
from clem_retrace.registration.warping import overlay_on_lm
from clem_retrace.synthetic import Pair
from large_em import CHUNK, large_pair, region
from speed_parts import SIGMA
from timing import five_times, least, table

#: Run anew for each size.
SCRIPT = Path(__file__).with_name("speed.py")

PAIRS = ("endosomes", "melanosomes")

#: Which stage of `Registration.timings` an event belongs to, by how its name ends or begins.
STAGES = {
    "scale": "scale selection",
    "EM decimation": "EM decimation",
    "representation": "histogram search",
    "histogram search": "histogram search",
    "oriented search": "oriented search",
    "registration": "registration",
}

#: Started so often, in turn with what they are compared with.
STARTS = 7

#: A napari window with one dock; `_started` needs QT_QPA_PLATFORM=offscreen in the environment.
WINDOW = """
import os, napari
from qtpy.QtWidgets import QApplication, QWidget
viewer = napari.Viewer(show=False)
{first}
viewer.window.add_dock_widget({dock}, name="dock")
QApplication.processEvents()
os._exit(0)
"""
BARE = WINDOW.format(first="", dock="QWidget()")
OURS = "from clem_retrace.plugin.widget import RetraceWidget"

#: What is started: without ours, and with it.
IMPORTS = {
    "dock *Retrace and register*, imported": (BARE, WINDOW.format(first=OURS, dock="QWidget()")),
    "dock *Retrace and register*, shown": (
        BARE, WINDOW.format(first=OURS, dock="RetraceWidget(viewer)"),
    ),
    "`clem-retrace --help`": (
        "import numpy",
        "import numpy\nfrom contextlib import suppress\nfrom clem_retrace.cli import main\n"
        "with suppress(SystemExit):\n    main(['--help'])",
    ),
    "`import clem_retrace`": ("import numpy", "import numpy, clem_retrace"),
}  # fmt: skip


def whole() -> None:
    """Print whole runs by stage, the floor under them, and a second one on the same images."""
    rows, stages = [], []
    for name in PAIRS:
        pair = sample_pair(name)
        em = np.asarray(pair.em.data, dtype=np.float32)
        timings: dict[str, float] = {}
        seconds = least(_run, pair, timings)
        passes = least(five_times, ndimage.gaussian_laplace, em, SIGMA, repeats=2)
        floor = _floor(pair)
        memory = Memory()
        register(pair.lm, pair.em, pair.roi, memory=memory)
        others = [
            Roi(pair.roi.row + by, pair.roi.col - by, pair.roi.height, pair.roi.width)
            for by in (3, 6, 9)
        ]
        other = min(
            least(register, pair.lm, pair.em, roi, memory=memory, repeats=1) for roi in others
        )
        same = least(register, pair.lm, pair.em, pair.roi, memory=memory)
        ratios = (seconds / passes, seconds / floor, seconds / other, seconds / same)
        rows.append((name, f"{seconds:.2f}", *(f"{ratio:.1f}" for ratio in ratios)))
        peaks = _peaks(pair)
        stages += [
            (
                f"{name}: {stage}",
                f"{value:.2f}",
                f"{value / seconds:.0%}",
                f"{value / floor:.1f}",
                f"{peaks[stage] / 1e6:.0f}" if stage in peaks else "",
            )
            for stage, value in timings.items()
        ]
    table(
        ("pair", "run, s", "over five LoG by scipy", "over the floor",
         "faster with another region", "faster with the same"),
        rows,
    )  # fmt: skip
    table(("stage", "s", "of the run", "over the floor", "peak memory, MB"), stages)


def _run(pair: Pair, timings: dict[str, float]) -> None:
    """Run with the overlay, and keep each stage's least time."""
    result = register(pair.lm, pair.em, pair.roi)
    start = time.perf_counter()
    overlay_on_lm(pair.em, result.em_to_lm, pair.lm.shape)
    seconds = {**result.timings, "overlay": time.perf_counter() - start}
    for stage, value in seconds.items():
        timings[stage] = min(value, timings.get(stage, np.inf))


def _floor(pair: Pair) -> float:
    """Return the seconds of one pass over the EM, and one Fourier transform of it decimated."""
    factor = pair.lm.pixel_size / pair.em.pixel_size / 2
    small, _ = decimate(pair.em, factor)
    shape = [fft.next_fast_len(side) for side in small.shape]
    return least(decimate, pair.em, factor) + least(fft.rfft2, small, shape)


def _peaks(pair: Pair) -> dict[str, int]:
    """Return the most memory, in bytes, that was allocated during each stage of a run.

    What the images themselves take is not counted: they are there before.
    """
    peaks: dict[str, int] = {}
    tracemalloc.start()
    for event in steps(pair.lm, pair.em, pair.roi):
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for part, stage in STAGES.items():
            if event.stage.startswith(part) or event.stage.endswith(part):
                peaks[stage] = max(peak, peaks.get(stage, 0))
    tracemalloc.stop()
    return peaks


def imports() -> None:
    """Print how long starting takes beyond what is started in any case."""
    rows = []
    for name, (bare, ours) in IMPORTS.items():
        without, beyond = [], []
        for _ in range(STARTS):
            without.append(_started(bare))
            beyond.append(_started(ours) - without[-1])
        rows.append((name, f"{statistics.median(without):.2f}", f"{statistics.median(beyond):.2f}"))
    table(("what", "without ours, s", "beyond that, s"), rows)


def _started(code: str) -> float:
    """Return the seconds that a fresh Python takes for some code."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True, capture_output=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    return time.perf_counter() - start


def sizes(sides: list[int]) -> None:
    """Print time and peak memory by the EM's size."""
    rows, first = [], {}
    for side in sides:
        for multiscale in (False, True):
            command = [sys.executable, str(SCRIPT), "--one-size", str(side)]
            answer = subprocess.run(
                [*command, "--multiscale"] if multiscale else command,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            result = json.loads(answer.splitlines()[-1])
            if side == 5000:
                first[multiscale] = result["seconds"]
            rows.append(
                (
                    f"{side:,}",
                    "yes" if multiscale else "no",
                    f"{result['seconds']:.1f}",
                    f"{result['seconds'] / first[multiscale]:.1f}" if multiscale in first else "",
                    f"{result['reading']:.1f}",
                    f"{result['peak']:.0f}",
                    f"{result['error']:.2f}",
                    f"{result['read']:.0%}",
                )
            )
    table(
        (
            "EM side, px",
            "multiscale",
            "s",
            "over 5,000 px",
            "reading all once, s",
            "peak memory, MB",
            "TRE, LM px",
            "full-resolution chunks read",
        ),
        rows,
    )


def one_size(side: int, multiscale: bool) -> None:
    """Print what a run on a large EM takes, as JSON."""
    lm, em, truth, stores = large_pair(side, multiscale=multiscale)
    start = time.perf_counter()
    result = register(lm, em, region(lm))
    seconds = time.perf_counter() - start
    read = stores[0].chunks_read
    overlay_on_lm(em, result.em_to_lm, lm.shape)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1024 if sys.platform.startswith("linux") else 1024**2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    start = time.perf_counter()
    for row in range(0, side, CHUNK):
        np.asarray(em.data[row : row + CHUNK])
    reading = time.perf_counter() - start
    error = float(np.median(target_registration_error(result.em_to_lm, truth, result.roi)))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "reading": reading,
                "peak": peak,
                "error": error,
                "read": read / (-(-side // CHUNK)) ** 2,
            }
        )
    )
