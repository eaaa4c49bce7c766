"""Tasks made by the simulator, over the spread of cases that the tool is meant for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clem_retrace.synthetic import endosomes, melanosomes, simulate_pair
from tasks import EXACT, Task, told_factor

#: Range of the fraction of structures that both images show, and where the targets begin.
SHARED = (0.25, 0.70)
USUAL_SHARED = 0.35

#: Sides of the ROI, LM pixels, and EM pixels per LM pixel.
SIDES = (40.0, 150.0)
RATIOS = (3.0, 50.0)

#: Largest EM image, pixels a side: at large ratios it shows a smaller field.
LARGEST_SIDE = 6000

#: Of the tasks' images; only their ratio matters.
LM_PIXEL_SIZE = 110.0


def simulated_task(
    index: int,
    seed: int,
    *,
    told: tuple[float, float] = EXACT,
    present: bool = True,
    shared: tuple[float, float] = SHARED,
) -> Task:
    """Return a simulated task with everything drawn at random.

    Parameters
    ----------
    index, seed : int
        Any two different pairs of them give different tasks.
    told : (low, high)
        Range of told ratio over true ratio.
    present : bool
        When false, the EM is of another specimen of the same kind.
    shared : (low, high)
        Range of the fraction of structures that both images show.
    """
    arguments = draw_arguments(np.random.default_rng([seed, index]), shared)
    ratio = arguments["ratio"]
    pair = simulate_pair(
        **arguments,
        present=present,
        lm_pixel_size=LM_PIXEL_SIZE,
        em_pixel_size=LM_PIXEL_SIZE / (ratio * told_factor(seed, index, told)),
    )
    height, width = arguments["roi_size"]
    return Task(
        name=(
            f"{arguments['structures']} {index}: {arguments['shared']:.0%} shared, ROI "
            f"{height} x {width}, ratio {ratio:.1f}, noise {arguments['noise']:.1f}"
        ),
        kind="simulated",
        lm=pair.lm,
        em=pair.em,
        roi=pair.roi,
        lm_to_em=pair.lm_to_em,
        contrast=1 if arguments["contrast"] == "same" else -1,
        shared=arguments["shared"],
    )


def draw_arguments(rng: np.random.Generator, shared: tuple[float, float]) -> dict[str, Any]:
    """Return arguments for `simulate_pair`; the ROI fits into the EM at any angle."""
    ratio = float(np.exp(rng.uniform(*np.log(RATIOS))))
    largest_field = LARGEST_SIDE / ratio
    # The longer side, limited so that the ROI's diagonal leaves a third of the EM's side free.
    aspect = rng.uniform(1.0, 1.4)
    longest = min(SIDES[1], 0.67 * largest_field / math.hypot(1, 1 / aspect))
    longer = rng.uniform(min(SIDES[0] * aspect, longest), longest)
    sides = (round(longer), round(max(longer / aspect, SIDES[0])))
    height, width = sides if rng.integers(2) else sides[::-1]
    # Shear and anisotropy of 5 % each lengthen a diagonal by less than 8 %.
    need = 1.08 * math.hypot(height, width) + 2
    rows, cols = (min(need + rng.uniform(40, 240), largest_field) for _ in range(2))
    return {
        "seed": int(rng.integers(2**31)),
        "lm_shape": (int(rng.integers(250, 451)), int(rng.integers(300, 551))),
        "em_shape": (math.ceil(rows * ratio), math.ceil(cols * ratio)),
        "roi_size": (height, width),
        "ratio": ratio,
        "angle": float(rng.uniform(0, 360)),
        "mirrored": bool(rng.integers(2)),
        "shear": float(rng.uniform(-0.05, 0.05)),
        "anisotropy": float(rng.uniform(0, 0.05)),
        "structures": str(rng.choice(["granules", "vesicles", "chromatin"])),
        "contrast": str(rng.choice(["same", "inverted"])),
        "shared": float(rng.uniform(*shared)),
        "noise": float(rng.uniform(0.5, 1.5)),
    }


def paper_task(index: int, seed: int) -> Task:
    """Return a task in the regime of the paper's experiments, by turns of the first and second.

    Large windows, and a specimen that lies within 10 degrees of a quarter turn.
    """
    rng = np.random.default_rng([seed, index])
    make = (melanosomes, endosomes)[index % 2]
    angle = float(rng.choice([-90.0, 90.0]) + rng.uniform(-10, 10))
    shared = float(rng.uniform(USUAL_SHARED, SHARED[1]))
    pair = make(int(rng.integers(2**31)), angle=angle, shared=shared)
    return Task(
        name=f"{pair.name} {index}: {shared:.0%} shared, {angle:.0f}°",
        kind="simulated",
        lm=pair.lm,
        em=pair.em,
        roi=pair.roi,
        lm_to_em=pair.lm_to_em,
        contrast=1 if make is melanosomes else -1,
        shared=shared,
    )
