"""Measure time and memory, each beside what else could be used, in one run.

    python benchmarks/speed.py

prints a Markdown table for each section; seconds are the least of some repeats, and ratios are
what counts: machines differ, and so do their moods.

- ``histogram``: the exhaustive histogram search at the paper's grids and at a dense one, and
  loops over windows;
- ``sweep``: the oriented search's sweep, and the same orientations by other libraries;
- ``LoG``: five passes of the Laplacian of Gaussian over the EM of the paper's experiment 2;
- ``alignment``: the inner loop of the oriented search's growth, and other libraries';
- ``registration``: one robust affine, and other libraries';
- ``run``: whole runs by stage, beside their floor, and again with another region;
- ``imports``: what starting costs beyond napari and numpy;
- ``sizes``: EM sides from 2,000 to 40,000 pixels, in a process of their own each.

The references need ``pip install -e .[bench]``; those not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable

import numpy as np

import speed_parts as parts
import speed_runs as runs
from clem_retrace.parallel import threads

SECTIONS = (
    "histogram", "sweep", "LoG", "alignment", "registration", "run", "imports", "sizes",
)  # fmt: skip
SIDES = (2000, 5000, 10_000, 20_000, 40_000)


def main() -> None:
    """Print the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES, metavar="PX")
    parser.add_argument("--one-size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--multiscale", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.one_size:
        runs.one_size(parsed.one_size, parsed.multiscale)
        return
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, "
        f"{threads()} threads\n"
    )
    made: dict[str, Callable[[], None]] = {
        "histogram": parts.histogram, "sweep": parts.sweep, "LoG": parts.log,
        "alignment": parts.alignment, "registration": parts.registration,
        "run": runs.whole, "imports": runs.imports,
        "sizes": lambda: runs.sizes(list(parsed.sides)),
    }  # fmt: skip
    for section in parsed.sections:
        print(f"## {section}\n")
        made[section]()


if __name__ == "__main__":
    main()
