"""One table from both searches, the trustworthy match on top, and the decision in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from clem_retrace.retracing.candidates import Candidates, Match

__all__ = ["merge", "verdict", "verdict_by_hand"]


def merge(searches: Sequence[Candidates], oriented: Candidates, *, limit: int) -> Candidates:
    """Return the candidates of all searches in one table.

    Parameters
    ----------
    searches : sequence of Candidates
        Those to be listed; the first one's similarity map is kept.
    oriented : Candidates
        The oriented search's, which judge those of the histogram search: alone, a
        histogram's score does not tell a right place from a wrong one.
    limit : int
        How many to list at most.
    """
    listed = [_judged(match, oriented) for search in searches for match in search.matches]
    if len(searches) > 1:
        # Ties keep the order of the searches.
        listed.sort(key=lambda match: -match.confidence)
    return dataclasses.replace(searches[0], matches=tuple(listed[:limit]))


def _judged(match: Match, oriented: Candidates) -> Match:
    """Return a match with the confidence of the oriented one at the same place."""
    if match.search == "oriented":
        return match
    agreeing = [other.confidence for other in oriented.matches if other.agrees_with(match)]
    return dataclasses.replace(match, confidence=max(agreeing, default=0.0))


def verdict(
    candidates: Candidates,
    fault: str,
    threshold: float,
    *,
    take: int = 1,
    noisy: Sequence[str] = (),
) -> str:
    """Return what was decided and why, in a sentence or two for people.

    Parameters
    ----------
    candidates : Candidates
    fault : str
        Why the registration failed; empty when it did not.
    threshold : float
        Confidence from which a match counts as found.
    take : int
        Rank of the match that was taken.
    noisy : sequence of str
        The images, "LM" or "EM", in which next to nothing stands out of the noise.
    """
    best = candidates.best
    if take > 1:
        decided = f"Candidate {take} of {len(candidates.matches)} was taken by hand."
    elif best.confidence >= threshold:
        decided = "One place stands out from all others."
        if any(
            other.search != best.search and other.agrees_with(best)
            for other in candidates.matches[1:]
        ):
            decided = "One place stands out from all others, and both searches agree on it."
    elif noisy:
        decided = (
            f"Hardly anything in the {' and in the '.join(noisy)} image stands out of its noise: "
            "there is too little to compare. Check the file, the channel and the plane."
        )
    elif best.confidence < 0.5:
        decided = (
            "No place stands out: the region may not be in this EM image, or show too little "
            "that the EM shows too. Try a larger region or more surroundings, and check the "
            "pixel sizes."
        )
    else:
        decided = (
            "One place is likelier than the others, but not by enough. Compare the candidates "
            "by eye, or try a larger region."
        )
    if fault:
        decided += f" The registration failed ({fault}); the overlay shows the match."
    return decided


def verdict_by_hand(fault: str | None, moved: float = 0.0, standing: float = 0.0) -> str:
    """Return how far to trust a place that was given by hand.

    Parameters
    ----------
    fault : str or None
        As in `verdict`; None when it was not registered.
    moved : float, LM pixels
        How far the registration has moved the region's centre.
    standing : float
        How many times as well the images correlate there as around it.
    """
    unknown = "No confidence is known for it: compare the images by eye."
    if fault is None:
        return f"Placed by hand, and not registered. {unknown}"
    if fault:
        return (
            f"Placed by hand. The registration from there failed ({fault}); the overlay shows "
            f"the place as it was given. {unknown}"
        )
    return (
        f"Placed by hand, and registered from there, {moved:.1f} LM px away. The images correlate "
        f"{standing:.0f} times as well there as around it; no other confidence is known."
    )
