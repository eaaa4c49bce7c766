"""The steps from two images to an overlay: how far each is, and what comes next.

Pure: facts in, a state for each step out. The dock shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["STEPS", "Facts", "Mark", "Next", "StepState", "guide"]

#: The steps in their order, with their titles.
STEPS: Mapping[str, str] = {
    "images": "Images",
    "region": "Region",
    "search": "Search",
    "check": "Check",
}


class Mark(Enum):
    """How far a step is."""

    DONE = "done"
    NEXT = "next"
    LATER = "later"
    BUSY = "under way"
    DOUBT = "needs attention"


class Next(Enum):
    """The control to use next."""

    OPEN_IMAGES = "open_images"
    CHOOSE_IMAGES = "choose_images"
    TYPE_LM_SIZE = "lm_pixel_size"
    TYPE_EM_SIZE = "em_pixel_size"
    DRAW = "draw_roi"
    SEARCH = "run"
    NOTHING = ""
    SHOW_OVERLAY = "show_overlay"
    NEXT_CANDIDATE = "next_candidate"


@dataclass(frozen=True, slots=True)
class StepState:
    """What a step shows of itself: its mark, and in words what it needs or has."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of each step.

    Attributes
    ----------
    images_offered : int
        How many layers could be the LM or the EM image.
    images_fault, region_fault : str
        What is missing or wrong; empty when nothing is.
    images, region : str
        What there is, in a few words.
    size_missing : {"", "lm", "em"}
        Of which image the pixel size is missing, if that is the fault.
    options : str
        How the options stand, if they are not the defaults.
    running : str
        What is being done; empty when nothing is.
    searched : str
        What the search that is shown has done; empty when none is shown.
    outdated : str
        Why what is shown no longer belongs to the form; empty when it does.
    verdict : str
        What was found, in a few words.
    found : bool
        Whether what is shown counts as found.
    settled : bool
        Whether there is no need to look through the candidates: one is found, or taken by hand.
    by_hand : bool
        Whether what is shown was placed by hand, which needs no region.
    """

    images_offered: int = 0
    images_fault: str = ""
    images: str = ""
    size_missing: str = ""
    region_fault: str = ""
    region: str = ""
    options: str = ""
    running: str = ""
    searched: str = ""
    outdated: str = ""
    verdict: str = ""
    found: bool = False
    settled: bool = False
    by_hand: bool = False


def guide(facts: Facts) -> tuple[dict[str, StepState], Next]:
    """Return the state of every step, and the control to use next."""
    if facts.images_fault:
        return _at_images(facts)
    images = StepState(Mark.DONE, facts.images)
    region = (
        StepState(Mark.NEXT, facts.region_fault)
        if facts.region_fault
        else StepState(Mark.DONE, facts.region)
    )
    search, check, coming = _search_and_check(facts)
    if facts.region_fault and facts.by_hand:
        region = StepState(Mark.LATER, "None is drawn: all that both images show counts")
    elif facts.region_fault and not facts.running:
        search, coming = StepState(Mark.LATER, "After the region"), Next.DRAW
    states = {"images": images, "region": region, "search": search, "check": check}
    return states, coming


def _at_images(facts: Facts) -> tuple[dict[str, StepState], Next]:
    """Return the steps while an image or a pixel size is missing."""
    if facts.images_offered < 2:
        coming = Next.OPEN_IMAGES
    elif facts.size_missing:
        coming = Next.TYPE_LM_SIZE if facts.size_missing == "lm" else Next.TYPE_EM_SIZE
    else:
        coming = Next.CHOOSE_IMAGES
    region = StepState(Mark.LATER, facts.region or "After the images")
    if facts.size_missing and not facts.region_fault:
        region = StepState(Mark.DONE, facts.region)
    search, check, _ = _search_and_check(facts)
    states = {
        "images": StepState(Mark.NEXT, facts.images_fault),
        "region": region,
        "search": StepState(Mark.LATER, "After the region") if not facts.searched else search,
        "check": check,
    }
    return states, coming


def _search_and_check(facts: Facts) -> tuple[StepState, StepState, Next]:
    if facts.running:
        check = StepState(Mark.LATER, "After the search")
        return StepState(Mark.BUSY, facts.running), check, Next.NOTHING
    if not facts.searched:
        check = StepState(Mark.LATER, "After the search")
        ready = f"Ready: press Search. {facts.options}".rstrip()
        return StepState(Mark.NEXT, ready), check, Next.SEARCH
    if facts.outdated:
        search = StepState(Mark.NEXT, f"Out of date: {facts.outdated}")
        return search, StepState(Mark.DOUBT, f"Out of date. {facts.verdict}"), Next.SEARCH
    search = StepState(Mark.DONE, facts.searched)
    check = StepState(Mark.DONE if facts.found else Mark.DOUBT, facts.verdict)
    return search, check, Next.SHOW_OVERLAY if facts.settled else Next.NEXT_CANDIDATE
