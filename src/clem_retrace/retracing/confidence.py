"""How sure the oriented search is: a probability from how far the best place stands out.

Wrong places are the extremes of very many correlations that have nothing in common; the
gap between the highest and the next of such extremes is exponential, with the scale of
the Gumbel law that they follow. That scale is read off this very pair's own rivals. A
right place stands many scales above them; when the region is not in the EM, or lies there
twice, the best place stands as the others do.

Two things are asked of a place that is right: that its gap be significant, the *surprise*,
and that it be large, the *lead*. The first alone trusts a scale that a few rivals tell,
which by chance may lie close together; the second alone does not know how far the wrong
places of this pair scatter.

References
----------
I. Weissman, Estimation of parameters and large quantiles based on the k largest
observations, J. Am. Stat. Assoc. 73(364), 1978, doi:10.1080/01621459.1978.10480104, for
the scale from the largest observations.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from scipy.special import expit

from clem_retrace.retracing.candidates import Match

__all__ = ["FEWEST_RIVALS", "confidences", "lead", "surprise"]

#: Rivals that tell the scale; fewer are used when there are fewer.
RIVALS = 8

#: With fewer rivals than this nothing is known of the scale.
FEWEST_RIVALS = 3

#: Logistic law of the confidence: its offset, and the weights of surprise and lead. Fitted
#: to simulated pairs by benchmarks/calibration.py.
OFFSET, SURPRISE_WEIGHT, LEAD_WEIGHT = 7.78, 0.13, 37.0

#: The law was fitted to 300 searches and none that it calls found was wrong: by the rule of
#: succession, more cannot be claimed.
CEILING = 1 - 1 / 302


def surprise(scores: Sequence[float]) -> float:
    """Return how unlikely the best score is, if it is wrong as its rivals are.

    Parameters
    ----------
    scores : sequence of float
        Of distinct places, best first.

    Returns
    -------
    float
        About minus the natural logarithm of the probability of so large a gap to the second,
        somewhat more: the second is among what tells the scale, not weighted for it. 0 when
        there are too few rivals to tell.
    """
    rivals = scores[1 : RIVALS + 2]
    spacings = len(rivals) - 1
    if spacings < FEWEST_RIVALS - 1:
        return 0.0
    scale = math.fsum(rivals[:-1]) / spacings - rivals[-1]
    gap = max(0.0, scores[0] - scores[1]) / max(scale, 1e-9)
    # The scale is itself an estimate from `spacings` exponentials: the ratio has Pareto's law.
    return spacings * math.log1p(gap / spacings)


def lead(scores: Sequence[float]) -> float:
    """Return by how much the best score exceeds the second, as the logarithm of their ratio.

    0 when there are too few rivals for `surprise`, or one of the two scores is not positive.
    """
    if len(scores) <= FEWEST_RIVALS or scores[1] <= 0:
        return 0.0
    return math.log(scores[0] / scores[1])


def confidences(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Return the ranked matches of one search with their confidences.

    Parameters
    ----------
    matches : sequence of Match
        Distinct places, best first.

    Returns
    -------
    tuple of Match
        The best carries the probability that it is right. What is left is shared by the
        others, by how near their scores come; half of it stands for "none of them".
    """
    if not matches:
        return ()
    scores = [match.score for match in matches]
    evidence = SURPRISE_WEIGHT * surprise(scores) + LEAD_WEIGHT * lead(scores)
    best = min(CEILING, float(expit(evidence - OFFSET)))
    nearness = [math.exp(-20 * (1 - score / max(scores[0], 1e-9))) for score in scores[1:]]
    share = 0.5 * (1 - best) / max(math.fsum(nearness), 1e-9)
    rest = [min(best, share * near) for near in nearness]
    return tuple(
        dataclasses.replace(match, confidence=confidence)
        for match, confidence in zip(matches, [best, *rest], strict=True)
    )
