"""Histogram search on plain arrays: exact scores, refinement to one pixel, turns and contrasts."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.decimating import decimate
from clem_retrace.errors import BadImage, InvalidOption, PatchLargerThanEM, RoiError
from clem_retrace.events import Progress
from clem_retrace.geometry import decimation, invert, map_points
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.retracing.descriptors import (
    LDP_BINS,
    ldp_codes,
    ldp_turns,
    log_bins,
    log_turns,
)
from clem_retrace.retracing.histogram_search import histogram_search, histogram_search_steps
from clem_retrace.retracing.similarities import similarity

BINS = 16


def texture(seed: int, shape: tuple[int, int], *, grain: float = 2.0) -> np.ndarray:
    """Grain whose strength, skewness and size change from place to place, as tissue does."""
    rng = np.random.default_rng(seed)

    def field(sigma: float) -> np.ndarray:
        smooth = ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
        return smooth / smooth.std()

    reach = min(shape) / 12
    fine, coarse = field(grain), field(2 * grain)
    share = 1 / (1 + np.exp(-2 * field(reach)))
    skew = field(reach)
    grains = share * fine + (1 - share) * coarse
    return (grains + 0.4 * skew * grains**2) * np.exp(0.7 * field(reach))


def log_index(image: np.ndarray) -> np.ndarray:
    return log_bins(image / image.std(), BINS, 3.0)


def distance(found: tuple[float, float], true: tuple[float, float]) -> float:
    return float(np.hypot(found[0] - true[0], found[1] - true[1]))


@pytest.mark.parametrize("name", ["cosine", "intersection", "chi-squared", "kolmogorov-smirnov"])
def test_finds_a_copy_to_the_pixel(name: str) -> None:
    em = log_index(texture(1, (300, 400)))
    roi = Roi(0, 0, 61, 83)
    # 137 and 211 lie on no coarse grid of 10 % of the window
    lm = em[137 : 137 + 61, 211 : 211 + 83]
    found = histogram_search(
        lm, em, roi, bins=BINS, turns=log_turns(BINS), ratio=1.0, similarity=name
    )
    best = found.best
    assert best.centre == (137 + 30, 211 + 41)
    assert best.score == pytest.approx(1.0 if name in ("cosine", "intersection") else 0, abs=1e-6)
    assert (best.angle, best.mirrored, best.contrast) == (0, False, 1)
    assert best.score == max(match.score for match in found.matches)


def test_the_map_holds_exact_similarities_of_windows() -> None:
    em = log_index(texture(2, (120, 150)))
    lm = log_index(texture(3, (30, 40)))
    roi = Roi(3, 4, 20, 30)
    found = histogram_search(
        lm, em, roi, bins=BINS, turns=log_turns(BINS)[:1], ratio=1.5, overlap=0.8
    )
    reference = np.bincount(lm[3:23, 4:34].ravel(), minlength=BINS) / 600
    steps, height, width = (6, 9), 30, 45
    for row in range(0, 120 - height + 1, steps[0]):
        for col in range(0, 150 - width + 1, steps[1]):
            window = em[row : row + height, col : col + width]
            counts = np.bincount(window.ravel(), minlength=BINS) / window.size
            centre = (row + (height - 1) / 2, col + (width - 1) / 2)
            pixel = map_points(invert(found.similarity_to_em), centre).round().astype(int)
            expected = similarity("cosine", counts, reference)
            assert found.similarity[tuple(pixel)] == pytest.approx(float(expected), abs=1e-6)


def test_refinement_ends_at_the_best_pixel_of_all() -> None:
    em = log_index(texture(4, (160, 190), grain=3.0))
    lm = log_index(texture(5, (50, 60), grain=3.0))
    roi = Roi(0, 0, 50, 60)
    arguments = {"bins": BINS, "turns": log_turns(BINS), "ratio": 1.0}
    coarse = histogram_search(lm, em, roi, overlap=0.9, **arguments)
    # an overlap that makes the step one pixel compares every window there is
    everywhere = histogram_search(lm, em, roi, overlap=0.99, **arguments)
    assert coarse.best.score >= np.nanmax(coarse.similarity)
    assert coarse.best.score == pytest.approx(everywhere.best.score, abs=1e-6)
    assert coarse.best.centre == everywhere.best.centre


def test_steps_can_be_percent_of_the_em() -> None:
    em = log_index(texture(6, (200, 400)))
    found = histogram_search(
        em, em, Roi(20, 30, 50, 50), bins=BINS, turns=log_turns(BINS), ratio=1.0, overlap=0.5,
        row_step=2.0, col_step=5.0,
    )  # fmt: skip
    np.testing.assert_allclose(np.diag(found.similarity_to_em), [4, 20, 1])
    assert found.similarity.shape == (50, 20)
    assert found.best.centre == (44.5, 54.5)


def test_the_map_has_no_hole_where_it_was_searched() -> None:
    em = log_index(texture(7, (211, 307)))
    found = histogram_search(
        em, em, Roi(11, 13, 37, 53), bins=BINS, turns=log_turns(BINS), ratio=1.3, overlap=0.87
    )
    known = np.isfinite(found.similarity)
    rows, cols = np.nonzero(known.any(axis=1))[0], np.nonzero(known.any(axis=0))[0]
    upright, turned = (round(37 * 1.3), round(53 * 1.3)), (round(53 * 1.3), round(37 * 1.3))
    for height, width in (upright, turned):
        to_map = invert(found.similarity_to_em)
        first = map_points(to_map, ((height - 1) / 2, (width - 1) / 2)).round().astype(int)
        last = map_points(to_map, (211 - (height + 1) / 2, 307 - (width + 1) / 2))
        last = last.round().astype(int)
        assert known[first[0] : last[0] + 1, first[1] : last[1] + 1].all()
    assert rows[-1] < known.shape[0] - 1
    assert cols[-1] < known.shape[1] - 1  # the margin of half a patch was not searched


def test_an_image_is_found_in_what_it_was_decimated_from() -> None:
    """The case that must work: matched sigmas, the LM the EM's own copy, upright or turned."""
    errors = []
    ratio, sigma = 3.0, 1.5
    for seed in range(4):
        em = texture(10 + seed, (750, 900), grain=4.5)
        lm, em_to_lm = decimate(Micrograph(em), ratio)
        # decimation blurred by 0.45 LM px already
        responses = [
            ndimage.gaussian_laplace(lm, sigma),
            ndimage.gaussian_laplace(em, ratio * np.hypot(sigma, 0.45)),
        ]
        lm_index, em_index = (log_bins(image / image.std(), 64, 3.0) for image in responses)
        roi = Roi(60, 80, 70, 100)
        true = tuple(map_points(invert(em_to_lm), roi.centre))
        if seed % 2:
            lm_index = np.rot90(lm_index, -1)  # the section lies a quarter turn from the LM
            roi = Roi(80, lm.shape[0] - 60 - 70, 100, 70)
        best = histogram_search(
            lm_index, em_index, roi, bins=64, turns=log_turns(64), ratio=ratio, overlap=0.9
        ).best
        errors.append(distance(best.centre, true) / np.hypot(*em.shape))
        assert best.angle == (90 if seed % 2 else 0)
        assert best.contrast == 1
    # METHOD 2a: 0.2 to 5 % of the diagonal; a random guess is 25 % off
    assert np.median(errors) < 0.02
    assert max(errors) < 0.05


@pytest.mark.parametrize("turn", ldp_turns(), ids=lambda turn: f"{turn.angle:g} {turn.mirrored}")
def test_codes_tell_which_way_round_the_section_lies(turn: object) -> None:
    em = texture(20, (640, 800), grain=4.0)
    # anisotropic, or the histograms of all turns would be alike
    em = em + 1.5 * ndimage.gaussian_filter(texture(21, em.shape, grain=2.0), (0, 6))
    grid, em_to_grid = decimate(Micrograph(em), 2.5)
    em_index = ldp_codes(grid)
    # what lies on the EM as `turn` says, before it was turned and mirrored
    lm = np.rot90(grid, -round(turn.angle / 90))
    lm = lm[:, ::-1] if turn.mirrored else lm
    roi = Roi(40, 60, 70, 90)
    found = histogram_search(
        ldp_codes(lm), em_index, roi, bins=LDP_BINS, turns=ldp_turns(), ratio=2.5,
        em_to_grid=em_to_grid, similarity="intersection", overlap=0.9,
    )  # fmt: skip
    numbers = np.arange(grid.size).reshape(grid.shape)
    laid = np.rot90(numbers, -round(turn.angle / 90))
    laid = laid[:, ::-1] if turn.mirrored else laid
    corners = laid[40:110, 60:150][[0, 0, -1, -1], [0, -1, 0, -1]]
    centre = np.mean(np.unravel_index(corners, grid.shape), axis=1)
    true = tuple(map_points(invert(em_to_grid), centre))
    assert distance(found.best.centre, true) < 2.5  # a pixel of the grid
    assert found.best.angle == pytest.approx(turn.angle)
    assert found.best.mirrored is turn.mirrored
    assert found.best.magnification == pytest.approx(2.5)


def test_the_opposite_contrast_is_found_and_told() -> None:
    image = texture(30, (300, 400))
    lm = log_index(-image)[90:170, 200:300]
    found = histogram_search(
        lm, log_index(image), Roi(0, 0, 80, 100), bins=BINS, turns=log_turns(BINS), ratio=1.0
    )
    # the bins' borders are not where the image's negative has them, to the last value
    assert distance(found.best.centre, (129.5, 249.5)) <= 3
    assert found.best.contrast == -1


def test_a_patch_drawn_by_hand_stretches_the_lm() -> None:
    image = texture(31, (300, 400))
    em = log_index(np.repeat(image, 2, axis=0))  # twice as tall as it should be
    lm = log_index(image)[100:160, 150:230]
    found = histogram_search(
        lm, em, Roi(0, 0, 60, 80), bins=BINS, turns=log_turns(BINS), ratio=1.5,
        patch=(120.0, 80.0),
    )  # fmt: skip
    assert distance(found.best.centre, (259.5, 189.5)) <= 2
    patch = found.best.patch
    assert (patch.height, patch.width) == pytest.approx((120, 80))


# On a coarse grid neighbours come closer to each other as they are refined.
@pytest.mark.parametrize("overlap", [0.9, 0.45])
@pytest.mark.parametrize("pixel", [1.0, 4.0])
def test_candidates_are_ranked_distinct_and_at_most_as_many_as_asked(
    pixel: float, overlap: float
) -> None:
    em = log_index(texture(34, (200, 260)))
    found = histogram_search(
        em, em, Roi(50, 50, 40, 60), bins=BINS, turns=log_turns(BINS), ratio=pixel, limit=6,
        em_to_grid=decimation(pixel), overlap=overlap,
    )  # fmt: skip
    scores = [match.score for match in found.matches]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    for number, one in enumerate(found.matches):
        for other in found.matches[:number]:
            apart = distance(one.centre, other.centre) / pixel
            assert one.angle != other.angle or apart >= 20


def test_unknown_parts_of_the_em_are_not_candidates() -> None:
    em = log_index(texture(33, (200, 300)))
    em[:, :150] = BINS
    lm = log_index(texture(34, (60, 60)))
    found = histogram_search(lm, em, Roi(5, 5, 40, 50), bins=BINS, turns=log_turns(BINS), ratio=1.0)
    assert all(match.centre[1] >= 149 for match in found.matches)
    with pytest.raises(BadImage, match="nowhere in the EM"):
        histogram_search(
            lm, np.full_like(em, BINS), Roi(5, 5, 40, 50),
            bins=BINS, turns=log_turns(BINS), ratio=1.0,
        )  # fmt: skip


def test_a_patch_as_large_as_the_em_has_one_place() -> None:
    em = log_index(texture(35, (60, 90)))
    found = histogram_search(em, em, Roi(0, 0, 60, 90), bins=BINS, turns=log_turns(BINS), ratio=1.0)
    assert [match.centre for match in found.matches] == [(29.5, 44.5)]


def test_bad_input_is_refused() -> None:
    em = log_index(texture(36, (80, 90)))
    arguments = {"bins": BINS, "turns": log_turns(BINS)}
    with pytest.raises(PatchLargerThanEM, match="30 x 40 LM"):
        histogram_search(em, em, Roi(0, 0, 30, 40), ratio=3.0, **arguments)
    with pytest.raises(RoiError, match="no values"):
        histogram_search(em, em, Roi(300, 300, 30, 40), ratio=1.0, **arguments)
    with pytest.raises(InvalidOption, match="'nearest'"):
        histogram_search(em, em, Roi(0, 0, 30, 40), ratio=1.0, similarity="nearest", **arguments)


def test_tells_its_progress_and_can_be_closed() -> None:
    em = log_index(texture(37, (300, 400)))
    keywords = {
        "bins": BINS, "turns": log_turns(BINS), "ratio": 1.0, "em_to_grid": None,
        "similarity": "cosine", "overlap": 0.9, "row_step": None, "col_step": None,
        "patch": None, "limit": 3, "stage": "search",
    }  # fmt: skip
    events = list(histogram_search_steps(em, em, Roi(9, 9, 50, 60), **keywords))
    assert all(isinstance(event, Progress) and event.stage == "search" for event in events)
    done = [event.done for event in events]
    assert done == sorted(done)
    assert {event.total for event in events} == {done[-1]}
    steps = histogram_search_steps(em, em, Roi(9, 9, 50, 60), **keywords)
    next(steps)
    steps.close()
    assert list(steps) == []


def test_a_search_of_the_papers_size_takes_seconds_and_never_pauses_long() -> None:
    em = np.random.default_rng(38).integers(0, 64, (2664, 4008)).astype(np.uint16)
    roi = Roi(10, 10, 60, 40)
    lm = em[:100, :100]
    times = [time.process_time()]
    for _ in histogram_search_steps(
        lm, em, roi, bins=64, turns=log_turns(64), ratio=10.0, em_to_grid=None,
        similarity="cosine", overlap=0.9, row_step=0.3, col_step=0.2, patch=None,
        limit=10, stage="search",
    ):  # fmt: skip
        times.append(time.process_time())
    # 230,000 windows in two orientations: 0.6 s of one free core
    assert times[-1] - times[0] < 10
    assert np.diff(times).max() < 2
    assert np.median(np.diff(times)) < 0.1
