"""What can be guessed of layers, to fill the form with: every guess can be changed there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clem_retrace.plugin.frames import pixel_size

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["guess_channel_axis", "guess_pair"]

#: A first axis of up to this many entries is taken for channels rather than planes.
FEW = 4

EM_WORDS = re.compile(r"(?<![a-z])(s|t|fib-?s|st)?em(?![a-z])|electron", re.IGNORECASE)
LM_WORDS = re.compile(r"(?<![a-z])([lf]m|gfp|dapi|rfp|cy[357])(?![a-z])|fluo|light", re.IGNORECASE)


def guess_pair(images: Sequence[Image]) -> tuple[Image | None, Image | None]:
    """Return which of some layers look like the LM and the EM image.

    Names tell first, then pixel sizes (the larger is the LM's), then the order.
    """

    def likeness(layer: Image) -> tuple[int, float]:
        name = bool(EM_WORDS.search(layer.name)) - bool(LM_WORDS.search(layer.name))
        return name, -(pixel_size(layer).nm or 0)

    ordered = sorted(images, key=likeness)
    if len(ordered) < 2:
        is_em = bool(ordered) and likeness(ordered[0])[0] > 0
        only = ordered[0] if ordered else None
        return (None, only) if is_em else (only, None)
    return ordered[0], ordered[-1]


def guess_channel_axis(lengths: Sequence[int], labels: Sequence[str]) -> int | None:
    """Return which of the axes before rows and columns holds the channels, if one does.

    Parameters
    ----------
    lengths : sequence of int
        Of the axes before rows and columns.
    labels : sequence of str
        Their names, as far as the layer knows them.
    """
    for axis, label in enumerate(labels):
        if label.lower() in ("c", "ch", "channel", "channels"):
            return axis
    longer = [axis for axis, length in enumerate(lengths) if length > 1]
    if not longer:
        return None
    shortest = min(longer, key=lambda axis: lengths[axis])
    return shortest if len(longer) > 1 or lengths[shortest] <= FEW else None
