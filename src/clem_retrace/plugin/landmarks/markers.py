"""What the pairs look like as points on an image: places, labels, colours, signs.

A confirmed point is filled, one that is only predicted is a ring with nothing in it, and a
pair that is switched off is faint and a square: what colour tells, form tells too. Colours
are those of Okabe and Ito without black, which is not seen on a dark image.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clem_retrace.plugin.landmarks.fitting import Fit
from clem_retrace.registration.landmarks import Which

__all__ = ["COLOURS", "Markers", "colour_of", "markers"]

COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#0072b2")

#: How much of the image is hidden by a point that is used, and by one that is not.
FILLED, FAINT = 0.55, 0.1
#: Opacity of the outline of a point that is not used.
FAINT_EDGE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Markers:
    """The points on one image, in its pixels.

    Attributes
    ----------
    pairs : tuple of int
        To which pair each point belongs: those that cannot be shown are left out.
    data : ndarray, shape (N, 2)
    face, border : ndarray, shape (N, 4), RGBA
    symbols : tuple of str
    chosen : tuple of bool
        Which point is of the pair that is worked on.
    features : dict of str to list
        The table of the layer: name, state, and whether the pair is used.
    """

    pairs: tuple[int, ...]
    data: NDArray[np.float64]
    face: NDArray[np.float64]
    border: NDArray[np.float64]
    symbols: tuple[str, ...]
    chosen: tuple[bool, ...]
    features: dict[str, list[Any]]

    def is_styled_as(self, others: Markers) -> bool:
        """Whether others differ in their places alone."""
        return (
            self.pairs == others.pairs
            and self.symbols == others.symbols
            and self.chosen == others.chosen
            and self.features == others.features
            and np.array_equal(self.face, others.face)
            and np.array_equal(self.border, others.border)
        )


def colour_of(name: str) -> str:
    """Return the colour of a pair, which it keeps when others are deleted."""
    number = int(name) - 1 if name.isdecimal() else zlib.crc32(name.encode())
    return COLOURS[number % len(COLOURS)]


def markers(fit: Fit, which: Which, chosen: int | None = None) -> Markers:
    """Return the points on one of the images.

    Parameters
    ----------
    fit : Fit
    which : {"lm", "em"}
    chosen : int, optional
        The pair that is worked on.
    """
    landmarks = fit.pairing.landmarks
    points = fit.points(which)
    pairs = tuple(int(pair) for pair in np.flatnonzero(~np.isnan(points).any(axis=1)))
    predicted = [fit.pairing.missing(pair) == which for pair in pairs]
    active = [bool(landmarks.active[pair]) for pair in pairs]
    names = [landmarks.names[pair] for pair in pairs]
    rgb = np.array([_rgb(colour_of(name)) for name in names]).reshape(-1, 3)
    filling = [0.0 if ring else FILLED if on else FAINT
               for ring, on in zip(predicted, active, strict=True)]  # fmt: skip
    edge = [1.0 if on else FAINT_EDGE for on in active]
    return Markers(
        pairs,
        points[list(pairs)],
        np.column_stack([rgb, np.array(filling, float)]),
        np.column_stack([rgb, np.array(edge, float)]),
        tuple("disc" if on else "square" for on in active),
        tuple(pair == chosen for pair in pairs),
        {
            "name": names,
            # What stands beside the point.
            "label": [f"{name}?" if ring else name
                      for name, ring in zip(names, predicted, strict=True)],
            "state": ["predicted" if ring else "placed" for ring in predicted],
            "used": active,
        },
    )  # fmt: skip


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue
