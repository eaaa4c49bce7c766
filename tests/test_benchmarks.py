"""The benchmark's tasks have the answer they claim, its methods the right directions, its sums."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from clem_retrace import Micrograph, Roi
from clem_retrace.decimating import decimate
from clem_retrace.geometry import compose, decompose, invert, map_points, similarity, translation
from clem_retrace.resampling import warp

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
accuracy = importlib.import_module("accuracy")
outcomes = importlib.import_module("outcomes")
registration = importlib.import_module("registration_methods")
retrieval = importlib.import_module("retrieval_methods")
simulated = importlib.import_module("simulated")
tasks = importlib.import_module("tasks")


def blobs(seed, shape, sigma):
    """Return smooth random structures, bright on dark, 0 to 255."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    image = np.clip(ndimage.gaussian_filter(noise, sigma, mode="wrap"), 0, None)
    return (255 * image / image.max()).astype(np.uint8)


@pytest.fixture
def pairs(tmp_path):
    """Return a folder of two pairs whose EM is their LM inverted, shifted in the second."""
    listed = []
    for name, shape, shift in (("celegans-a", (950, 1280), 0), ("pancreas-b", (544, 550), 20)):
        lm = blobs(shift, shape, 7)
        iio.imwrite(tmp_path / f"{name}_lm.png", lm)
        iio.imwrite(tmp_path / f"{name}_em.png", 255 - np.roll(lm, (shift, 0), axis=(0, 1)))
        listed.append(
            {
                "name": name,
                "lm": f"{name}_lm.png",
                "em": f"{name}_em.png",
                "lm_to_em": translation((shift, 0)).tolist(),
                "em_pixels_per_lm_pixel": 1.0,
                "structures": {"lm": "bright", "em": "dark"},
            }
        )
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": listed}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("index", range(4))
def test_real_tasks_have_the_answer_they_claim(pairs, index):
    task = tasks.real_task(pairs, index, 3)
    assert decompose(task.truth).mirrored == (index >= 2)
    assert task.told_ratio == pytest.approx(task.true_ratio)
    em, em_to_grid = decimate(task.em, task.told_ratio)
    laid = warp(em, compose(invert(task.truth), invert(em_to_grid)), task.lm.shape)
    row, col = int(task.roi.row), int(task.roi.col)
    window = (slice(row, row + task.roi.height), slice(col, col + task.roi.width))
    # Two resamplings blur a little: -0.9997; a quarter of an LM pixel off gives -0.9985 or less.
    assert np.corrcoef(laid[window].ravel(), task.lm.data[window].ravel())[0, 1] < -0.9992


def test_told_ratio_is_wrong_within_its_range_and_the_images_stay_the_same(pairs):
    exact = tasks.real_tasks(pairs, 6, 3)
    wrong = tasks.real_tasks(pairs, 6, 3, told=(0.85, 1.15))
    factors = [task.told_ratio / task.true_ratio for task in wrong]
    assert 0.85 <= min(factors) < 0.95
    assert 1.05 < max(factors) <= 1.15
    for one, other in zip(exact, wrong, strict=True):
        np.testing.assert_array_equal(one.lm.data, other.lm.data)
        np.testing.assert_array_equal(one.truth, other.truth)


def test_absent_tasks_come_from_another_specimen_or_another_place(pairs):
    stranger = tasks.real_absent_task(pairs, 0, 3)
    elsewhere = tasks.real_absent_task(pairs, 1, 3)
    assert not stranger.present
    assert not elsewhere.present
    assert "pancreas" in stranger.name
    # The LM keeps a margin of 20 pixels to either side of the ROI, less at its border.
    rows, cols = elsewhere.lm.shape
    assert 100 <= rows <= 140
    assert 130 <= cols <= 170
    # What is left has room for the ROI at any angle.
    assert min(elsewhere.em.shape) >= 3 * math.hypot(100, 130)


def test_the_part_beside_points_shows_none_of_them():
    image = np.arange(60 * 80).reshape(60, 80)
    points = np.array([[10.2, 50.0], [30.0, 69.6], [25.0, 55.0]])
    part = tasks.beside(image, points)
    assert part.shape == (60, 50)
    assert not np.isin(image[10:31, 50:71], part).any()


def test_simulated_arguments_cover_their_ranges_and_fit():
    drawn = [
        simulated.draw_arguments(np.random.default_rng([1, index]), (0.25, 0.7))
        for index in range(400)
    ]
    sides = np.array([one["roi_size"] for one in drawn])
    ratios = np.array([one["ratio"] for one in drawn])
    assert 40 <= sides.min() < 45
    assert 140 < sides.max() <= 150
    assert 3 <= ratios.min() < 3.5
    assert 43 < ratios.max() <= 50
    for one, size in zip(drawn, sides, strict=True):
        assert (size <= one["lm_shape"]).all()
        # 8 % for shear and anisotropy of 5 % each.
        assert 1.08 * math.hypot(*size) * one["ratio"] <= min(one["em_shape"])
        assert max(one["em_shape"]) <= simulated.LARGEST_SIDE + 1


def easy_task(angle=128.0, mirrored=True):
    """Return a task whose EM is its LM, turned, mirrored, inverted and twice as large."""
    lm = blobs(5, (140, 160), 2.2).astype(np.float32)
    lm_to_em = similarity(2.0, angle, mirrored, (70, 80), (250, 260))
    em = warp(255 - lm, lm_to_em, (500, 520), order=3, fill=255.0)
    return tasks.Task(
        name="easy",
        kind="simulated",
        lm=Micrograph(lm, 2.0),
        em=Micrograph(em, 1.0),
        roi=Roi(40, 30, 60, 70),
        lm_to_em=lm_to_em,
        contrast=-1,
        shared=1.0,
    )


@pytest.mark.parametrize(
    "name", ["template, LoG", "template, intensities", "SIFT, RANSAC", "global MI, LoG"]
)
def test_references_find_an_easy_place(name):
    pytest.importorskip(retrieval.LIBRARIES.get(name, "numpy"))
    task = easy_task()
    answer = retrieval.METHODS[name](task)
    offset = np.subtract(answer.centre, map_points(task.truth, task.roi.centre))
    # Within the sweep's grid: whole pixels of 2 LM pixels, that is 4 EM pixels, at most.
    assert np.linalg.norm(offset) < 3
    assert decompose(answer.em_to_lm).mirrored
    assert decompose(invert(answer.em_to_lm)).angle == pytest.approx(128, abs=4)


# ITK's modules, made by SWIG, end the process when this warning is an error.
@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__:DeprecationWarning")
@pytest.mark.parametrize("name", list(registration.REGISTRATIONS))
def test_registrations_undo_an_easy_start(name):
    pytest.importorskip(registration.LIBRARIES.get(name, "numpy"))
    task = easy_task()
    start = compose(similarity(1.01, 1.0, False, (70, 65), (71.5, 64)), invert(task.truth))
    outcome = outcomes.try_alignment(name, registration.REGISTRATIONS[name], task, start)
    assert outcome.failure == ""
    assert outcome.start_error > 1.5
    # The images are the same but for their resampling.
    assert outcome.error < 0.15


def test_starts_are_off_by_no_more_than_they_say():
    task = easy_task()
    moved = []
    for index in range(100):
        residual = compose(registration.draw_start(task, 1, index), task.truth)
        moved.append(np.linalg.norm(map_points(residual, task.roi.centre) - task.roi.centre))
        change = decompose(residual)
        assert abs(change.magnification - 1) <= 0.0401
        # A shear of 4 % turns by half of that, 1.2 degrees.
        assert abs(change.angle) <= 5.2
        assert change.anisotropy <= 0.041
    assert 5 < max(moved) <= 6


def test_a_method_that_raises_has_failed_and_the_record_says_how():
    def refuse(task):
        raise RuntimeError("no luck")

    outcome = outcomes.try_retrieval("refusing", refuse, easy_task())
    assert not outcome.right
    assert outcome.failure == "RuntimeError: no luck"


def outcome(offset, found, *, present=True, error=0.2, match_error=0.2, confidence=0.97):
    return outcomes.Retrieval(
        method="m", task="t", kind="real", present=present, shared=None, offset=offset,
        error=error, match_error=match_error, ratio_error=0.01, confidence=confidence,
        found=found, seconds=1.0,
    )  # fmt: skip


def test_tables_count_what_they_say():
    runs = [
        outcome(0.1, True),
        outcome(0.2, True, error=0.4),
        outcome(0.3, False, confidence=0.5),
        outcome(9.0, True),
        outcome(None, False, present=False, confidence=0.1),
        outcome(None, True, present=False),
    ]
    (row,) = outcomes.retrieval_table(runs[:4]).to_dicts()
    assert row["retrieved"] == "75.0% (3/4)"
    assert row["made worse"] == "33.3% (1/3)"
    assert row["TRE median"] == "0.2"
    assert row["right of found"] == "66.7% (2/3)"
    assert row["right, not found"] == "33.3% (1/3)"
    (row,) = outcomes.absent_table(runs[4:]).to_dicts()
    assert row["refused"] == "50.0% (1/2)"
    (row,) = outcomes.confidence_table({"real": runs}).to_dicts()
    assert row["of these right"] == "50.0% (2/4)"
    assert row["absent refused"] == "50.0% (1/2)"
    reliable = outcomes.reliability_table({"real": runs}).to_dicts()
    assert {line["confidence"]: line["real: mean, right"] for line in reliable} == {
        "0.00 to 0.05": "-",
        "0.05 to 0.25": "0.100, 0.0% (0/1)",
        "0.25 to 0.50": "-",
        "0.50 to 0.75": "0.500, 100.0% (1/1)",
        "0.75 to 0.95": "-",
        "0.95 to 0.99": "0.970, 50.0% (2/4)",
        "0.99 to 1.00": "-",
    }


def test_markdown_lines_up():
    table = outcomes.Table(("a", "bcd"), (("long", "1"),))
    assert table.markdown() == "| a    | bcd |\n|------|----:|\n| long |   1 |"


def test_a_run_prints_tables_and_writes_json(tmp_path, capsys):
    file = tmp_path / "result.json"
    options = "--sections simulated --methods MI --simulated 1 --workers 1 --seed 4 --json"
    accuracy.main([*options.split(), str(file)])
    printed = capsys.readouterr().out
    assert "## Simulated pairs" in printed
    assert "| global MI, LoG" in printed
    result = json.loads(file.read_text(encoding="utf-8"))
    tried = result["sections"]["simulated"]["outcomes"]
    assert [one["method"] for one in tried] == ["global MI, intensities", "global MI, LoG"]
    assert all(one["failure"] == "" for one in tried)


def test_every_section_plans_what_it_says(pairs):
    chosen = accuracy.parse(
        ["--data", str(pairs), "--real", "3", "--simulated", "4", "--references", "2"]
    )
    jobs = accuracy.plan("ratio", chosen)
    assert [(job.kind, job.index) for job in jobs] == [
        *(("real", i) for i in range(3)),
        *(("simulated", i) for i in range(4)),
    ]
    assert jobs[1].methods == ("default", "oriented, no affine", "template, LoG")
    assert jobs[2].methods == ("default",)
    assert {job.told for job in jobs} == {(0.85, 1.15)}
