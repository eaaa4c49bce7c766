"""Histogram search by cells on plain arrays: any angle and mirror, exact scores, refinement."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from clem_retrace.errors import BadImage, InvalidOption, RoiError
from clem_retrace.events import Progress
from clem_retrace.geometry import decimation, invert, map_points, similarity
from clem_retrace.micrograph import Roi
from clem_retrace.resampling import warp
from clem_retrace.retracing import similarities
from clem_retrace.retracing.cell_search import cell_search, cell_search_steps
from clem_retrace.retracing.descriptors import (
    LDP_BINS,
    ldp_codes,
    ldp_readings,
    log_bins,
    log_readings,
)

BINS = 8
ROI = Roi(70, 60, 60, 80)


def texture(seed: int, shape: tuple[int, int], grain: float = 1.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.standard_normal(shape), grain)
    return image / image.std()


def laid(em: np.ndarray, angle: float, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return an LM of 200 x 200 that lies on the EM so, and its transform."""
    lm_to_em = similarity(1.0, angle, mirrored, ROI.centre, (131.0, 174.0))
    return warp(em, invert(lm_to_em), (200, 200), order=3, fill=0.0), lm_to_em


def search(lm: np.ndarray, em: np.ndarray, **changes: object):
    keywords = {"bins": BINS, "readings": log_readings(BINS), "cell": 10, **changes}
    indices = (log_bins(image, BINS, 3.0) for image in (lm, em))
    return cell_search(*indices, ROI, **keywords)


@pytest.mark.parametrize("contrast", [1, -1])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, 201.0])
def test_finds_a_copy_at_any_angle(angle: float, mirrored: bool, contrast: int) -> None:
    em = texture(1, (300, 340))
    lm, lm_to_em = laid(em, angle, mirrored)
    best = search(contrast * lm, em).best
    assert np.hypot(*np.subtract(best.centre, map_points(lm_to_em, ROI.centre))) < 1.5
    assert abs((best.angle - angle + 180) % 360 - 180) < 2.5
    assert (best.mirrored, best.contrast, best.search) == (mirrored, contrast, "histogram")
    assert best.magnification == pytest.approx(1.0)


@pytest.mark.parametrize(("angle", "mirrored"), [(0, False), (45, False), (180, True), (280, True)])
def test_codes_turn_with_the_section(angle: float, mirrored: bool) -> None:
    em = texture(2, (300, 340), grain=2.5)
    lm, lm_to_em = laid(em, angle, mirrored)
    found = cell_search(
        ldp_codes(lm), ldp_codes(em), ROI, bins=LDP_BINS, readings=ldp_readings(), cell=10
    )
    assert np.hypot(*np.subtract(found.best.centre, map_points(lm_to_em, ROI.centre))) < 2
    assert found.best.mirrored is mirrored
    assert found.best.contrast == 0


def test_the_best_score_is_the_mean_of_the_cells_similarities() -> None:
    """Against loops over cells and places, upright; every number from its definition."""
    em_index = log_bins(texture(3, (90, 100)), BINS, 3.0)
    roi, cell, step = Roi(20, 30, 20, 30), 10, 5
    lm_index = np.roll(em_index, (-7, 4), axis=(0, 1))

    def histogram(index: np.ndarray, row: int, col: int) -> np.ndarray:
        return np.bincount(index[row : row + cell, col : col + cell].ravel(), minlength=BINS) / 100

    scores = []
    for down, right in ((i, j) for i in (0, 10) for j in (0, 10, 20)):
        reference = histogram(lm_index, 20 + down, 30 + right)

        def alike(row: int, col: int, reference: np.ndarray = reference) -> float:
            return float(similarities.intersection(histogram(em_index, row, col), reference))

        usual = [alike(row, col) for row in range(0, 81, step) for col in range(0, 91, step)]
        there = alike(20 + 7 + down, 30 - 4 + right)
        scores.append((there - np.mean(usual)) / np.std(usual))
    best = cell_search(
        lm_index, em_index, roi, bins=BINS, readings=log_readings(BINS), cell=cell
    ).best
    assert best.centre == pytest.approx((20 + 7 + 9.5, 30 - 4 + 14.5))
    assert best.score == pytest.approx(np.mean(scores), rel=1e-4)


def test_places_are_in_em_pixels() -> None:
    em = texture(4, (300, 340))
    lm, lm_to_em = laid(em, 60.0, False)
    best = search(lm, em, em_to_grid=decimation(4.0)).best
    true = map_points(invert(decimation(4.0)), map_points(lm_to_em, ROI.centre))
    assert np.hypot(*np.subtract(best.centre, true)) < 6
    assert best.magnification == pytest.approx(4.0)


def test_a_part_beyond_the_em_and_unknown_pixels_do_not_count() -> None:
    em = texture(5, (300, 340))
    lm, lm_to_em = laid(em, 0.0, False)
    cut = em[:, : round(map_points(lm_to_em, ROI.centre)[1]) + 15]  # 60 % of the region
    assert np.hypot(*np.subtract(search(lm, cut).best.centre, (131, 174))) < 1.5
    unknown = em.copy()
    unknown[:, cut.shape[1] :] = np.nan
    assert np.hypot(*np.subtract(search(lm, unknown).best.centre, (131, 174))) < 1.5
    missing = lm.copy()
    missing[: round(ROI.row + 25)] = np.nan
    assert np.hypot(*np.subtract(search(missing, em).best.centre, (131, 174))) < 1.5


def test_candidates_are_ranked_and_distinct() -> None:
    found = search(texture(6, (200, 200)), texture(7, (300, 340)), limit=6)
    scores = [match.score for match in found.matches]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    centres = np.array([match.centre for match in found.matches])
    angles = np.array([match.angle for match in found.matches])
    for i in range(6):
        for j in range(i):
            apart = abs((angles[i] - angles[j] + 180) % 360 - 180)
            assert (
                np.hypot(*(centres[i] - centres[j])) >= 30
                or apart >= 45
                or found.matches[i].mirrored != found.matches[j].mirrored
            )
    at = map_points(invert(found.similarity_to_em), found.best.centre).round().astype(int)
    assert found.similarity[tuple(at)] >= np.nanquantile(found.similarity, 0.9)


@pytest.mark.parametrize("best", [0, 1])
@pytest.mark.parametrize("copies", [((20, 150), (210, 150)), ((120, 30), (120, 230))])
def test_a_second_copy_is_the_second_candidate(
    copies: tuple[tuple[int, int], tuple[int, int]], best: int
) -> None:
    em, lm = texture(10, (300, 340)), texture(11, (200, 200))
    for number, (row, col) in enumerate(copies):
        noise = 0.0 if number == best else 0.5
        here = np.s_[row : row + 60, col : col + 80]
        em[here] = lm[70:130, 60:140] + noise * texture(12, (60, 80))
    found = search(lm, em, limit=4).matches
    assert len(found) == 4
    for match, number in zip(found[:2], (best, 1 - best), strict=True):
        expected = np.add(copies[number], (29.5, 39.5))
        assert np.hypot(*np.subtract(match.centre, expected)) < 1.5


def test_bad_input_is_refused() -> None:
    image = texture(8, (200, 200))
    with pytest.raises(RoiError, match="no values"):
        search(np.full_like(image, np.nan), image)
    with pytest.raises(BadImage, match="nowhere in the EM"):
        search(image, np.full_like(image, np.nan))
    with pytest.raises(BadImage, match="nowhere in the EM"):
        search(image, image[:8, :8])
    with pytest.raises(InvalidOption, match="'nearest'"):
        search(image, image, similarity="nearest")


def test_tells_its_progress_and_can_be_closed() -> None:
    index = log_bins(texture(9, (200, 200)), BINS, 3.0)
    keywords = {
        "bins": BINS, "readings": log_readings(BINS), "cell": 12, "em_to_grid": None,
        "similarity": "cosine", "limit": 3, "stage": "search",
    }  # fmt: skip
    events = list(cell_search_steps(index, index, ROI, **keywords))
    assert all(isinstance(event, Progress) and event.stage == "search" for event in events)
    done = [event.done for event in events]
    assert done == sorted(done)
    assert {event.total for event in events} == {done[-1]}
    steps = cell_search_steps(index, index, ROI, **keywords)
    next(steps)
    steps.close()
    assert list(steps) == []
