from __future__ import annotations

import dataclasses

import pytest

from clem_retrace.plugin.guide import Facts, Mark, Next, guide

READY = Facts(images_offered=2, images="LM 110 nm/px, EM 11 nm/px", region="64 x 136 LM px")
SEARCHED = dataclasses.replace(
    READY, searched="10 candidates", verdict="Found", found=True, settled=True
)


def state(facts):
    states, coming = guide(facts)
    return {name: step.mark for name, step in states.items()}, coming


@pytest.mark.parametrize(
    ("facts", "marks", "coming"),
    [
        (
            Facts(images_fault="no LM image", region_fault="none"),
            "next later later later",
            Next.OPEN_IMAGES,
        ),
        (
            Facts(images_offered=3, images_fault="no LM image", region_fault="none"),
            "next later later later",
            Next.CHOOSE_IMAGES,
        ),
        (
            dataclasses.replace(READY, images_fault="size", size_missing="em"),
            "next done later later",
            Next.TYPE_EM_SIZE,
        ),
        (
            dataclasses.replace(
                READY, images_fault="size", size_missing="lm", region_fault="none", region=""
            ),
            "next later later later",
            Next.TYPE_LM_SIZE,
        ),
        (
            dataclasses.replace(READY, region_fault="draw"),
            "done next later later",
            Next.DRAW,
        ),
        (READY, "done done next later", Next.SEARCH),
        (
            dataclasses.replace(READY, running="under way"),
            "done done under-way later",
            Next.NOTHING,
        ),
        (SEARCHED, "done done done done", Next.SHOW_OVERLAY),
        (
            dataclasses.replace(SEARCHED, found=False, settled=False),
            "done done done attention",
            Next.NEXT_CANDIDATE,
        ),
        (
            dataclasses.replace(SEARCHED, found=False),
            "done done done attention",
            Next.SHOW_OVERLAY,
        ),
        (
            dataclasses.replace(SEARCHED, outdated="the region was moved"),
            "done done next attention",
            Next.SEARCH,
        ),
        (
            dataclasses.replace(SEARCHED, outdated="moved", region_fault="outside"),
            "done next later attention",
            Next.DRAW,
        ),
    ],
)
def test_marks_and_what_comes_next(facts, marks, coming):
    words = {
        "done": Mark.DONE, "next": Mark.NEXT, "later": Mark.LATER,
        "under-way": Mark.BUSY, "attention": Mark.DOUBT,
    }  # fmt: skip
    expected = dict(zip(("images", "region", "search", "check"), marks.split(), strict=True))
    assert state(facts) == ({name: words[mark] for name, mark in expected.items()}, coming)


def test_each_step_says_what_it_needs_or_has():
    states, _ = guide(dataclasses.replace(SEARCHED, outdated="the region was moved"))
    texts = {name: step.text for name, step in states.items()}
    assert texts["images"] == READY.images
    assert texts["region"] == READY.region
    assert "the region was moved" in texts["search"]
    assert texts["check"].startswith("Out of date")
    states, _ = guide(Facts(images_fault="no LM image", region_fault="no region"))
    assert states["images"].text == "no LM image"


def test_what_was_placed_by_hand_needs_no_region():
    placed = dataclasses.replace(
        SEARCHED, by_hand=True, region="", region_fault="no region", verdict="Placed by hand"
    )
    states, coming = guide(placed)
    assert coming is Next.SHOW_OVERLAY
    assert states["region"].mark is Mark.LATER
    assert states["search"].mark is states["check"].mark is Mark.DONE
    # Searched for, it does.
    assert guide(dataclasses.replace(placed, by_hand=False))[1] is Next.DRAW
