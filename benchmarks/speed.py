"""Measure time and memory, each beside what else could be used, in one run.

    python benchmarks/speed.py

prints a Markdown table for each section; seconds are the least of some repeats, and ratios are
what counts: machines differ, and so do their moods.

- ``histogram``: the exhaustive histogram search at the paper's grids and at a dense one, and
  loops over windows;
- ``sweep``: the oriented search's sweep, and the same orientations by other libraries;
- ``LoG``: five passes of the Laplacian of Gaussian over the EM of the paper's experiment 2;
- ``registration``: one robust affine, and other libraries';
- ``run``: whole runs by stage, beside their floor, and again with another region;
- ``sizes``: EM sides from 2,000 to 40,000 pixels, in a process of their own each.

The references need ``pip install -e .[bench]``; those not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from clem_retrace import Memory, register
from clem_retrace.alignment import Scene
from clem_retrace.evaluation import target_registration_error
from clem_retrace.events import run as finish
from clem_retrace.io.session_images import sample_pair
from clem_retrace.micrograph import Roi
from clem_retrace.parallel import threads
from clem_retrace.registration.warping import overlay_on_lm
from clem_retrace.representation import laplacian_of_gaussian
from clem_retrace.resampling import decimate
from clem_retrace.retracing.orientations import Orientation, OrientationGrid
from clem_retrace.retracing.sweep import sweep_steps
from clem_retrace.retracing.windows import window_histograms, window_starts
from clem_retrace.synthetic import Pair
from large_em import CHUNK, large_pair, region
from registration_methods import LIBRARIES, REGISTRATIONS, draw_start
from simulated import simulated_task

SECTIONS = ("histogram", "sweep", "LoG", "registration", "run", "sizes")
SIDES = (2000, 5000, 10_000, 20_000, 40_000)

#: Of loops that take minutes so many windows are timed, and the rest is counted on.
TIMED_WINDOWS = 12

#: Of the Laplacian of Gaussian by which the paper's second experiment is measured.
SIGMA = 2.5

Row = tuple[str, ...]
Image = NDArray[np.float32]


def least(work: Callable[..., object], *arguments: Any, repeats: int = 3, **keywords: Any) -> float:
    """Return the least seconds of some repeats of a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(*arguments, **keywords)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def table(header: Row, rows: Iterator[Row] | list[Row]) -> None:
    """Print a Markdown table."""
    print(f"| {' | '.join(header)} |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def histogram() -> None:
    """Print the exhaustive search's time, and loops'."""
    rng = np.random.default_rng(1)
    bins = 64
    grids = {
        # EM shape, window, steps: the paper's section 4, and one window every 8 pixels.
        "experiment 1, 95 % overlap": ((3970, 4056), (1826, 2920), (91, 146)),
        "experiment 2, 1.7 % x 5.1 %": ((2664, 4008), (453, 2044), (45, 204)),
        "dense, every 8 px": ((2664, 4008), (600, 400), (8, 8)),
    }
    rows = []
    for name, (shape, window, step) in grids.items():
        index = rng.integers(0, bins, shape, dtype=np.uint8)
        tops, lefts = (
            window_starts(length, side, by)
            for length, side, by in zip(shape, window, step, strict=True)
        )
        count = len(tops) * len(lefts)
        ours = least(_exhaust, index, bins, window, tops, lefts)
        places = [(rng.choice(tops), rng.choice(lefts)) for _ in range(TIMED_WINDOWS)]
        looped = least(_loop, index, bins, window, places, repeats=1) / TIMED_WINDOWS * count
        rows.append(
            (
                name,
                f"{count}",
                f"{ours:.2f}",
                f"{looped:.0f}",
                f"{looped / ours:.0f}",
                _ranked(index, bins, window, ours),
            )
        )
    table(
        (
            "grid",
            "windows",
            "ours, s",
            "numpy.histogram loop, s",
            "ratio",
            "rank.windowed_histogram, ratio",
        ),
        rows,
    )


def _exhaust(*arguments: Any) -> None:
    for _ in window_histograms(*arguments):
        pass


def _loop(
    index: NDArray[np.uint8], bins: int, window: tuple[int, int], places: list[tuple[int, int]]
) -> None:
    edges = np.arange(bins + 1)
    for top, left in places:
        np.histogram(index[top : top + window[0], left : left + window[1]], edges)


def _ranked(index: NDArray[np.uint8], bins: int, window: tuple[int, int], ours: float) -> str:
    """Return how many times longer scikit-image takes; it gives every pixel's window."""
    from skimage.filters import rank

    # All of the EM would take gigabytes: some of it is counted on.
    footprint, small = np.ones(window, np.uint8), np.ascontiguousarray(index[:96, :96])
    seconds = least(rank.windowed_histogram, small, footprint, n_bins=bins, repeats=1)
    return f"{seconds * index.size / small.size / ours:.0f}"


def sweep() -> None:
    """Print the sweep's time, and that of the same orientations by other libraries."""
    rows = []
    for name in ("endosomes", "melanosomes"):
        pair = sample_pair(name)
        ratio = pair.lm.pixel_size / pair.em.pixel_size
        scene = Scene.at(pair.lm, pair.em, pair.roi, ratio=ratio, cell=3.0, sigma=1.0)
        weights = scene.weights(120.0)
        inside = np.argwhere(weights > 0)
        radius = float(np.sqrt(((inside - scene.roi.centre) ** 2).sum(axis=1).mean()))
        grid = OrientationGrid(radius, 1.2, 0.15)
        orientations = [one for turn in grid.turns() for one, _, _ in turn.wanted]
        ours = least(_sweep, scene, weights, grid)
        (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
        template = np.ascontiguousarray((scene.lm * weights)[top:bottom, left:right])
        # As ours does, theirs let the template hang over the EM's edges, by half its size.
        em = np.pad(scene.em, max(template.shape) // 2)
        row = [name, f"{len(orientations)}", f"{ours:.2f}"]
        for library, match in (("cv2", _opencv_match), ("skimage", _skimage_match)):
            if find_spec(library) is None:
                row.append("")
                continue
            some = orientations[:: max(1, len(orientations) // 60)]
            seconds = least(match, template, em, some, repeats=2)
            row.append(f"{seconds * len(orientations) / len(some) / ours:.1f}")
        rows.append(tuple(row))
    table(
        ("pair", "orientations", "ours, s", "OpenCV, ratio", "skimage match_template, ratio"), rows
    )


def _sweep(scene: Scene, weights: NDArray[np.float32], grid: OrientationGrid) -> None:
    work = sweep_steps(
        scene.lm, weights, scene.roi.centre, scene.em, scene.known, grid,
        contrasts=(1, -1), stage="sweep",
    )  # fmt: skip
    finish(work)


def _opencv_match(template: Image, em: Image, some: list[Orientation]) -> None:
    import cv2

    height, width = template.shape
    side = int(np.hypot(height, width)) + 1
    for one in some:
        image = np.ascontiguousarray(template[:, ::-1]) if one.mirrored else template
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), one.angle, one.magnification)
        matrix[:, 2] += (side - width) / 2, (side - height) / 2
        turned = cv2.warpAffine(image, matrix, (side, side))
        turned = turned[: em.shape[0], : em.shape[1]]
        cv2.minMaxLoc(cv2.matchTemplate(em, turned, cv2.TM_CCOEFF_NORMED))


def _skimage_match(template: Image, em: Image, some: list[Orientation]) -> None:
    from skimage.feature import match_template

    for one in some:
        image = template[:, ::-1] if one.mirrored else template
        turned = ndimage.rotate(image, one.angle, order=1, prefilter=False)
        match_template(em, turned[: em.shape[0], : em.shape[1]]).argmax()


def five_times(work: Callable[..., object], *arguments: Any, **keywords: Any) -> None:
    """Do it five times."""
    for _ in range(5):
        work(*arguments, **keywords)


def log() -> None:
    """Print the time of five passes of the LoG over the EM of experiment 2."""
    em = np.asarray(sample_pair("endosomes").em.data, dtype=np.float32)
    ours = least(five_times, laplacian_of_gaussian, em, SIGMA)
    scipy = least(five_times, ndimage.gaussian_laplace, em, SIGMA)
    rows = [
        ("ours", f"{ours:.2f}", "1"),
        ("scipy gaussian_laplace", f"{scipy:.2f}", f"{scipy / ours:.1f}"),
    ]
    if find_spec("cv2"):
        opencv = least(five_times, _opencv_log, em)
        rows.append(("OpenCV GaussianBlur, Laplacian", f"{opencv:.2f}", f"{opencv / ours:.2f}"))
    table(("five passes, sigma 2.5, 2664 x 4008", "s", "ratio"), rows)


def _opencv_log(em: Image) -> None:
    import cv2

    cv2.Laplacian(cv2.GaussianBlur(em, (0, 0), SIGMA), cv2.CV_32F)


def registration() -> None:
    """Print the time of one registration, and of other libraries'."""
    task = simulated_task(1, 3)
    start = draw_start(task, 1, 3)
    seconds = {
        name: least(method, task, start)
        for name, method in REGISTRATIONS.items()
        if name not in LIBRARIES or find_spec(LIBRARIES[name])
    }
    table(
        ("one start", "s", "ratio"),
        [
            (name, f"{value:.2f}", f"{value / seconds['ours']:.2f}")
            for name, value in seconds.items()
        ],
    )


def whole() -> None:
    """Print whole runs by stage, the floor under them, and a second one on the same images."""
    rows, stages = [], []
    for name in ("endosomes", "melanosomes"):
        pair = sample_pair(name)
        em = np.asarray(pair.em.data, dtype=np.float32)
        timings: dict[str, float] = {}
        seconds = least(_run, pair, timings)
        passes = least(five_times, ndimage.gaussian_laplace, em, SIGMA, repeats=2)
        factor = pair.lm.pixel_size / pair.em.pixel_size / 2
        small, _ = decimate(pair.em, factor)
        shape = [fft.next_fast_len(side) for side in small.shape]
        floor = least(decimate, pair.em, factor) + least(fft.rfft2, small, shape)
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
        stages += [
            (f"{name}: {stage}", f"{value:.2f}", f"{value / seconds:.0%}")
            for stage, value in timings.items()
        ]
    table(
        ("pair", "run, s", "over five LoG by scipy", "over the floor",
         "faster with another region", "faster with the same"),
        rows,
    )  # fmt: skip
    table(("stage", "s", "of the run"), stages)


def _run(pair: Pair, timings: dict[str, float]) -> None:
    """Run with the overlay, and keep each stage's least time."""
    result = register(pair.lm, pair.em, pair.roi)
    start = time.perf_counter()
    overlay_on_lm(pair.em, result.em_to_lm, pair.lm.shape)
    seconds = {**result.timings, "overlay": time.perf_counter() - start}
    for stage, value in seconds.items():
        timings[stage] = min(value, timings.get(stage, np.inf))


def sizes(sides: list[int]) -> None:
    """Print time and peak memory by the EM's size."""
    rows, first = [], {}
    for side in sides:
        for multiscale in (False, True):
            command = [sys.executable, __file__, "--one-size", str(side)]
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


def main() -> None:
    """Print the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES, metavar="PX")
    parser.add_argument("--one-size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--multiscale", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.one_size:
        one_size(parsed.one_size, parsed.multiscale)
        return
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"{threads()} threads\n"
    )
    made: dict[str, Callable[[], None]] = {
        "histogram": histogram, "sweep": sweep, "LoG": log, "registration": registration,
        "run": whole, "sizes": lambda: sizes(list(parsed.sides)),
    }  # fmt: skip
    for section in parsed.sections:
        print(f"## {section}\n")
        made[section]()


if __name__ == "__main__":
    main()
