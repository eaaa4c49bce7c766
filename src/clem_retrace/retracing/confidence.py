"""How sure a search is of its candidates: a probability from how far the best stands out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from clem_retrace.retracing.candidates import Match

__all__ = ["confidences"]


def confidences(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Return the ranked matches of one search with their confidences."""
    if not matches:
        return ()
    scores = np.array([m.score for m in matches])
    rivals = scores[1:]
    if len(rivals) == 0:
        return tuple(dataclasses.replace(m, confidence=0.0) for m in matches)
    ratio = scores[0] / max(rivals[0], 1e-9)
    best = float(expit(40 * (ratio - 1.2)))
    rest = (1 - best) * 0.5
    return tuple(
        dataclasses.replace(m, confidence=best if i == 0 else rest * 0.5**i)
        for i, m in enumerate(matches)
    )
