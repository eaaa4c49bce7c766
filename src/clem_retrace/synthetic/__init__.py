"""Simulated LM/EM pairs whose answer is known, for sample data, tests and measurements.

- `simulate_pair` makes a pair of any geometry: `clem_retrace.synthetic.simulate`
- `melanosomes`, `endosomes` are two pairs shaped as those of the paper's experiments
- `Pair` is what they return, and what `clem_retrace.io.samples.real_pair` returns too

The model behind them: a `specimen` of cells and structures is a set of smooth functions of
the plane, evaluated wherever an image needs it; `light` draws the thick specimen as a
microscope's camera sees it, `electron` a thin section of it, and no image is resampled.
"""

from clem_retrace.synthetic.experiments import endosomes, melanosomes
from clem_retrace.synthetic.pair import Pair
from clem_retrace.synthetic.simulate import simulate_pair

__all__ = ["Pair", "endosomes", "melanosomes", "simulate_pair"]
