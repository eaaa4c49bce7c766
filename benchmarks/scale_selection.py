"""Measure which variances the scale selection gives the two simulated pairs of the paper's kind.

    python benchmarks/scale_selection.py --seeds 5

prints a Markdown table: s = sigma^2 of the LM and of the EM over seeds, at each level of noise,
beside the paper's values and the choice of the raw count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from clem_retrace import Micrograph
from clem_retrace.representation import ScaleSelection, select_sigma
from clem_retrace.synthetic import Pair, endosomes, melanosomes
from outcomes import Table

#: Factors on the usual noise of both images.
NOISES = (0.5, 1.0, 1.5)

PAIRS: Mapping[str, Callable[..., Pair]] = MappingProxyType(
    {"melanosomes": melanosomes, "endosomes": endosomes}
)

#: The paper's s of LM and EM: its first and second experiment.
PAPER: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {"melanosomes": {"LM": 2.48, "EM": 8.91}, "endosomes": {"LM": 1.44, "EM": 6.19}}
)


def selections(
    make: Callable[..., Pair], seeds: Sequence[int], noise: float
) -> dict[str, list[ScaleSelection]]:
    """Return what is selected for the LM and for the EM of a pair, for each seed."""
    found: dict[str, list[ScaleSelection]] = {"LM": [], "EM": []}
    for seed in seeds:
        pair = make(seed, noise=noise)
        images: dict[str, Micrograph] = {"LM": pair.lm, "EM": pair.em}
        for which, image in images.items():
            found[which].append(select_sigma(image.data))
    return found


def row(name: str, noise: float, which: str, chosen: Sequence[ScaleSelection]) -> tuple[str, ...]:
    """Return a row of the table."""
    variances = np.array([one.sigma**2 for one in chosen])
    raw = np.array([one.raw_sigma**2 for one in chosen])
    return (
        name, f"{noise:g}", which, f"{np.median(variances):.2f}",
        f"{variances.min():.2f} to {variances.max():.2f}", f"{PAPER[name][which]:.2f}",
        f"{raw.min():.2f} to {raw.max():.2f}",
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="pairs of a kind, seeds from --seed on"
    )
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    rows = []
    for name, make in PAIRS.items():
        for noise in NOISES:
            seeds = range(chosen.seed, chosen.seed + chosen.seeds)
            for which, some in selections(make, seeds, noise).items():
                rows.append(row(name, noise, which, some))
    titles = ("pair", "noise", "image", "s median", "s over seeds", "paper's s", "raw count's s")
    print(Table(titles, tuple(rows)).markdown())


if __name__ == "__main__":
    main()
