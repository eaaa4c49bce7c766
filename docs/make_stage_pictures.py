"""Draw a picture of every stage, from two images to the overlay, on a sample pair.

Needs no display. The pictures are written to ``docs/images/stages``, the same each time: the
pair is simulated, and nothing is drawn by lot. ``docs/method.md`` shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clem_retrace.alignment import Scene
from clem_retrace.events import StageResult, run
from clem_retrace.geometry import compose, invert, map_points, similarity
from clem_retrace.io.annotations import (
    BLUISH_GREEN,
    ORANGE,
    SKY_BLUE,
    draw_outline,
    draw_plate,
    draw_scale_bar,
)
from clem_retrace.io.pillow_surface import PillowSurface
from clem_retrace.io.views import View, as_bytes, fitted_grid, overlaid, surroundings, view_steps
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.pipeline import steps
from clem_retrace.plots.figures import Axis, Figure, Guide, Panel, Series
from clem_retrace.plots.histogram_figure import histogram_figure
from clem_retrace.plots.histograms import compare_histograms_steps
from clem_retrace.plots.reasons import scale_figure, score_figure
from clem_retrace.plots.surface import Ink
from clem_retrace.plots.svg import as_svg
from clem_retrace.registration.affine import register_affine
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.representation import represent
from clem_retrace.resampling import warp
from clem_retrace.result import Registration
from clem_retrace.retracing import Candidates
from clem_retrace.retracing.levels import LEVELS
from clem_retrace.retracing.orientations import OrientationGrid
from clem_retrace.retracing.oriented_search import SIGMA, TOLERANCE
from clem_retrace.retracing.sweep import sweep_steps
from clem_retrace.synthetic import Pair, endosomes

FOLDER = Path(__file__).parent / "images" / "stages"

#: Pixels of a picture, of the space between its panels, and of a panel's title.
WIDTH, GAP, TITLE, LETTERS = 1200, 12, 30, 18

#: JPEG's, which is a third of PNG's size where a micrograph is shown.
QUALITY = 88

#: LoG values beyond so many robust standard deviations are black or white.
LIMIT = 5.0

#: Those that are divided by their local energy are limited to so many.
CLIP = 3.0

#: LM pixels to a pixel of what the oriented search compares at last.
MATCHED_CELL = 1.0

#: A ring round a place of a map, pixels.
ROUND = [(13 * np.cos(turn), 13 * np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 25)[:-1]]

NEAREST = Image.Resampling.NEAREST

#: The start of the registration is moved off the match: LM pixels down and to the right, degrees.
MOVED, TURNED = (4.0, -3.0), 3.0

#: Names of the searches' results among the events of a run.
SEARCHES = {"histogram search": "Histogram search, cells", "oriented search": "Oriented search"}

Titled = tuple[str, Image.Image]


class Stages:
    """One run on a pair, and its images as they are drawn.

    Parameters
    ----------
    pair : Pair
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.found: dict[str, Candidates] = {}
        generator = steps(pair.lm, pair.em, pair.roi)
        while True:
            try:
                event = next(generator)
            except StopIteration as end:
                self.registration: Registration = end.value
                break
            if isinstance(event, StageResult) and isinstance(event.value, Candidates):
                self.found[event.stage] = event.value

    def view(
        self, which: Which, side: int, region: Roi | None = None, *,
        image: Micrograph | None = None, on: Which | None = None,
        transform: PairTransform | None = None,
    ) -> View:  # fmt: skip
        """Return the LM or the EM, or another image on its pixels, drawn on a grid."""
        transform = transform or self.registration.transform
        drawn = image or (self.pair.lm if which == "lm" else self.pair.em)
        grid = fitted_grid(transform, on or which, side, region)
        return run(view_steps(drawn, which, transform, grid, "picture"))

    def scene(self, cell: float) -> Scene:
        """Return both images as the oriented search sees them, `cell` LM pixels to a pixel."""
        return Scene.at(
            self.pair.lm, self.pair.em, self.pair.roi, ratio=self.registration.ratio, cell=cell,
            sigma=SIGMA,
        )  # fmt: skip


def as_grey(log: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Return LoG values as grey ones, 0 to 1: what is bright in the image is bright again."""
    return (1 - np.clip(log / limit, -1, 1)) / 2


def panel(
    view: View,
    outlines: Sequence[tuple[NDArray[np.float64], str, str]] = (),
    pixels: NDArray[np.uint8] | None = None,
) -> Image.Image:
    """Return a view with a scale bar, and outlines of a colour and with a name."""
    picture = Image.fromarray(as_bytes(view.grey) if pixels is None else pixels).convert("RGB")
    surface = PillowSurface(picture, size=LETTERS)
    for corners, colour, name in outlines:
        places = view.places(corners)
        draw_outline(surface, places, colour, 3)
        if name:
            draw_plate(surface, places[0], colour, name, view.box)
    draw_scale_bar(surface, view.box, view.nm)
    return picture


def sheet(rows: Sequence[Sequence[Titled]]) -> Image.Image:
    """Return rows of titled panels on white."""
    heights = [TITLE + max(picture.height for _, picture in row) + GAP for row in rows]
    paper = Image.new("RGB", (WIDTH, sum(heights)), "white")
    surface = PillowSurface(paper, size=LETTERS)
    for row, top in zip(rows, np.cumsum([0, *heights[:-1]]), strict=True):
        place = WIDTH / len(row)
        for number, (title, picture) in enumerate(row):
            surface.text((number * place + GAP, int(top) + TITLE / 2), title, Ink("#222222"))
            left = round(number * place + (place - picture.width) / 2)
            paper.paste(picture, (left, int(top) + TITLE))
    return paper


def side(columns: int) -> int:
    """Return the width of a panel, of so many in a row."""
    return round(WIDTH / columns) - 2 * GAP


def images(stages: Stages) -> Image.Image:
    """Draw what a run starts from."""
    roi, truth = stages.pair.roi, stages.pair.ground_truth
    return sheet(
        [
            [
                ("LM, with the region", panel(
                    stages.view("lm", side(2)), [(roi.corners, ORANGE, "")])),
                ("EM, and where the region lies in it", panel(
                    stages.view("em", side(2)), [(truth.corners, BLUISH_GREEN, "truth")])),
            ]
        ]
    )  # fmt: skip


def representation(stages: Stages) -> Image.Image:
    """Draw both images and their Laplacians of Gaussian, where the region is, the LM upright."""
    pair, done = stages.pair, stages.registration
    near = surroundings(pair.roi)
    given: tuple[tuple[Which, Micrograph, float], ...] = (
        ("lm", pair.lm, done.lm_scale.sigma),
        ("em", pair.em, done.em_scale.sigma),
    )
    rows = []
    for which, image, sigma in given:
        grey = as_grey(represent(image.data, sigma).log, LIMIT)
        log = stages.view(which, side(2), near, image=Micrograph(grey, image.pixel_size), on="lm")
        plain, name = stages.view(which, side(2), near, on="lm"), which.upper()
        rows.append(
            [
                (name, panel(plain)),
                (f"its LoG, sigma = {sigma:.2f} {name} pixels", panel(log)),
            ]
        )
    return sheet(rows)


def matched(stages: Stages) -> Image.Image:
    """Draw what the oriented search compares: both at one resolution, by local energy."""
    scene, done = stages.scene(MATCHED_CELL), stages.registration
    near = surroundings(stages.pair.roi)
    row = []
    for name, log, image_to_grid in (
        ("LM", scene.lm, scene.lm_to_grid),
        ("EM, where it was found", scene.em, compose(scene.em_to_grid, done.lm_to_em)),
    ):
        # On the LM's pixels, both: what is a view of the LM then.
        grid = fitted_grid(done.transform, "lm", side(2), near)
        to_grid = compose(grid.to_grid, invert(image_to_grid))
        grey = warp(as_grey(log, CLIP), to_grid, grid.shape, fill=0.5)
        row.append((name, panel(View(grey.astype(np.float32), grid))))
    return sheet([row])


def similarity_maps(stages: Stages) -> Image.Image:
    """Draw how alike every place of the EM is to the region, by each search."""
    row = []
    for name, title in SEARCHES.items():
        found = stages.found[name]
        values = found.similarity
        # Stretched by ranks: all but the best places would be black otherwise.
        order = np.argsort(np.argsort(values, axis=None)).reshape(values.shape) / values.size
        order[np.isnan(values)] = 0
        picture = Image.fromarray((255 * order**6).astype(np.uint8)).convert("RGB")
        zoom = side(2) / values.shape[1]
        picture = picture.resize((side(2), round(zoom * values.shape[0])), NEAREST)
        surface = PillowSurface(picture, size=LETTERS)
        for centre, colour in (
            (stages.pair.ground_truth.centre, BLUISH_GREEN),
            (found.matches[0].centre, ORANGE),
        ):
            at = map_points(invert(found.similarity_to_em), centre)
            y, x = zoom * (at + 0.5)
            draw_outline(surface, [(x + dx, y + dy) for dx, dy in ROUND], colour, 2)
        row.append((title, picture))
    return sheet([row])


def candidates(stages: Stages) -> Image.Image:
    """Draw the ranked candidates on the EM, and the first two as the LM would show them."""
    matches = stages.registration.candidates.matches
    outlines = [
        (match.outline, ORANGE if rank == 1 else SKY_BLUE, str(rank))
        for rank, match in reversed(list(enumerate(matches[:6], start=1)))
    ]
    near = surroundings(stages.pair.roi)
    row = [("LM, the region", panel(stages.view("lm", side(3), near)))]
    for rank, match in enumerate(matches[:2], start=1):
        there = PairTransform(match.em_to_lm, stages.registration.lm, stages.registration.em)
        view = stages.view("em", side(3), near, on="lm", transform=there)
        row.append((f"EM at candidate {rank}, confidence {match.confidence:.3f}", panel(view)))
    return sheet([[("EM with the candidates", panel(stages.view("em", side(1)), outlines))], row])


def registration(stages: Stages) -> Image.Image:
    """Draw the EM over the LM from a start that is off, and as registered from there."""
    pair, matrix = stages.pair, stages.registration.em_to_lm
    centre = pair.roi.centre
    moved = (centre[0] + MOVED[0], centre[1] + MOVED[1])
    start = compose(similarity(1.0, TURNED, False, centre, moved), matrix)
    estimate = register_affine(
        pair.lm, pair.em, pair.roi, [start], contrast=stages.registration.match.contrast,
        rough=False,
    )  # fmt: skip
    near = surroundings(pair.roi)
    lm = stages.view("lm", side(2), near)
    row = []
    for title, em_to_lm in (("the start", start), ("registered", estimate.matrix)):
        there = PairTransform(em_to_lm, stages.registration.lm, stages.registration.em)
        em = stages.view("em", side(2), near, on="lm", transform=there)
        pixels = overlaid(lm, em, "merge")
        row.append((f"LM magenta, EM green: {title}", panel(lm, pixels=pixels)))
    return sheet([row])


def sweep_figure(stages: Stages) -> Figure:
    """Return the best score of each orientation, against its angle."""
    level = LEVELS[0]
    scene = stages.scene(level.cell)
    weights = scene.weights(level.reach)
    rows, cols = np.indices(weights.shape)
    apart = np.hypot(rows - scene.roi.centre[0], cols - scene.roi.centre[1])
    grid = OrientationGrid(
        radius=float(np.sqrt((weights * apart**2).sum() / weights.sum())),
        tolerance=TOLERANCE * SIGMA,
        ratio_uncertainty=stages.registration.options.ratio_uncertainty,
    )
    swept = run(
        sweep_steps(
            scene.lm,
            weights,
            scene.roi.centre,
            scene.em,
            scene.known,
            grid,
            contrasts=(1, -1),
            stage="sweep",
        )
    )
    series = []
    for mirrored, name, look, role in (
        (True, "mirrored", "dotted", "reference"),
        (False, "not mirrored", "line", "em"),
    ):
        best: dict[float, float] = {}
        for peak in swept.peaks:
            if peak.orientation.mirrored == mirrored:
                angle = round((peak.orientation.angle + 180) % 360 - 180, 6)
                best[angle] = max(best.get(angle, 0.0), peak.score)
        angles = sorted(best)
        series.append(
            Series(name, np.array(angles), np.array([best[one] for one in angles]), look, role)
        )
    scores = np.concatenate([one.y for one in series])
    low, high = float(scores.min()), float(scores.max())
    truth = stages.registration.place.angle
    return Figure(
        name="sweep",
        panels=(
            Panel(
                title="Best score of each angle, at any place and magnification",
                x=Axis("angle (degrees, counter-clockwise)", -180, 180),
                y=Axis("score (correlation)", low - 0.05 * (high - low), high + 0.1 * (high - low)),
                series=tuple(series),
                guides=(Guide(truth, "x", ""),),
            ),
        ),
        caption="The line is at the angle of the registration.",
        header=("angle_degrees", "mirrored", "score"),
        rows=(),
    )


def figures(stages: Stages) -> dict[str, Figure]:
    """Return the sweep's figure, and those that the dock draws below *Why*."""
    done = stages.registration
    comparison = run(compare_histograms_steps(stages.pair.lm, stages.pair.em, done))
    return {
        "sweep": sweep_figure(stages),
        "scales": scale_figure(done),
        "scores": score_figure(done),
        "histograms": histogram_figure(comparison),
    }


def main() -> None:
    """Draw all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stages = Stages(endosomes())
    for draw in (images, representation, matched, similarity_maps, candidates, registration):
        path = FOLDER / f"{draw.__name__}.jpg"
        draw(stages).save(path, quality=QUALITY, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    for name, figure in figures(stages).items():
        path = FOLDER / f"{name}.svg"
        path.write_text(as_svg(figure, width=560) + "\n", encoding="utf-8")
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
