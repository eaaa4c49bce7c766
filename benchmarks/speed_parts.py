"""Time of the parts of a run, each beside what else could be used for it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clem_retrace.alignment import Scene, align
from clem_retrace.alignment.template import Template, steepest_steps
from clem_retrace.events import run as finish
from clem_retrace.io.session_images import sample_pair
from clem_retrace.representation import laplacian_of_gaussian
from clem_retrace.retracing.orientations import Orientation, OrientationGrid
from clem_retrace.retracing.sweep import sweep_steps
from clem_retrace.retracing.windows import window_histograms, window_starts
from registration_methods import LIBRARIES, REGISTRATIONS, draw_start
from simulated import simulated_task
from timing import five_times, least, table

#: Of loops that take minutes so many windows are timed, and the rest is counted on.
TIMED_WINDOWS = 12

#: Of the Laplacian of Gaussian by which the paper's second experiment is measured.
SIGMA = 2.5

#: Places that are aligned at once, and steps.
PLACES, STEPS = 4, 5

Image = NDArray[np.float32]


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


def alignment() -> None:
    """Print the time of the growth's inner loop, and of the same with other libraries' help."""
    rng = np.random.default_rng(1)
    image = ndimage.gaussian_filter(rng.normal(size=(300, 400)), 2).astype(np.float32)
    weights = np.zeros_like(image)
    weights[80:208, 100:228] = 1
    template = Template.of(image, weights, (143.5, 163.5))
    turn = np.array([[0.99, 0.05, 3.0], [-0.05, 0.99, 5.0], [0.0, 0.0, 1.0]])
    starts = np.stack([turn] * PLACES)
    seconds = {"ours": least(align, template, image, starts, iterations=STEPS, repeats=20)}
    for library, sums in (("cv2", _opencv_sums), ("numba", _numba_sums)):
        if find_spec(library):
            work = sums(template, image)
            work(starts)  # numba compiles it now
            seconds[library] = least(_times, work, starts, repeats=20)
    table(
        (f"{STEPS} steps at {PLACES} places of {len(template.points)} points", "ms", "ratio"),
        [
            (name, f"{1e3 * value:.1f}", f"{value / seconds['ours']:.2f}")
            for name, value in seconds.items()
        ],
    )


def _times(work: Callable[[NDArray[np.float64]], None], matrices: NDArray[np.float64]) -> None:
    for _ in range(STEPS + 1):
        work(matrices)


def _opencv_sums(template: Template, image: Image) -> Callable[[NDArray[np.float64]], None]:
    """Return the sums of one step, the image interpolated by OpenCV (to 1/32 of a pixel)."""
    import cv2

    points = np.concatenate([template.points.T, np.ones((1, len(template.points)))])
    points = points.astype(np.float32)
    weighted = template.weights[:, None] * steepest_steps(template, "affine")

    def work(matrices: NDArray[np.float64]) -> None:
        row, col = np.moveaxis(matrices[:, :2].astype(np.float32) @ points, 1, 0)
        values = cv2.remap(image, col, row, cv2.INTER_LINEAR)
        values @ weighted
        (values * values) @ template.weights

    return work


def _numba_sums(template: Template, image: Image) -> Callable[[NDArray[np.float64]], None]:
    """Return the sums of one step as one compiled loop, on one core as ours."""
    import numba

    @numba.njit(fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
    def summed(image, matrix, points, t, w, steps):  # type: ignore[no-untyped-def]
        rows, cols = image.shape
        crossed = own = squared = covered = np.float32(0)
        a = b = c = d = e = f = np.float32(0)
        for p in range(points.shape[0]):
            row = matrix[0, 0] * points[p, 0] + matrix[0, 1] * points[p, 1] + matrix[0, 2]
            col = matrix[1, 0] * points[p, 0] + matrix[1, 1] * points[p, 1] + matrix[1, 2]
            if 0 <= row < rows - 1 and 0 <= col < cols - 1:
                i, j = int(row), int(col)
                row, col = row - np.float32(i), col - np.float32(j)
                upper = image[i, j] + col * (image[i, j + 1] - image[i, j])
                lower = image[i + 1, j] + col * (image[i + 1, j + 1] - image[i + 1, j])
                value = upper + row * (lower - upper)
                product = w[p] * value
                crossed += product * t[p]
                own += w[p] * t[p] * t[p]
                squared += product * value
                covered += w[p]
                a += product * steps[p, 0]
                b += product * steps[p, 1]
                c += product * steps[p, 2]
                d += product * steps[p, 3]
                e += product * steps[p, 4]
                f += product * steps[p, 5]
        return crossed, own, squared, covered, a, b, c, d, e, f

    points, steps = template.points.astype(np.float32), steepest_steps(template, "affine")

    def work(matrices: NDArray[np.float64]) -> None:
        for matrix in matrices.astype(np.float32):
            summed(image, matrix, points, template.values, template.weights, steps)

    return work
