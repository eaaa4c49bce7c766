"""The answer depends on the values and on nothing else: not on threads, types, order, chunks.

All of it is compared bit by bit: a result that can be had again is one that can be checked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from clem_retrace.by_hand import register_from
from clem_retrace.geometry import compose, translation
from clem_retrace.options import RegistrationOptions
from clem_retrace.parallel import with_threads
from clem_retrace.pipeline import register
from clem_retrace.result import Registration
from clem_retrace.synthetic import Pair, simulate_pair

from .conftest import times

#: Both searches and the registration.
BOTH = RegistrationOptions.from_paths({"ratio_uncertainty": 0.0})

SEARCHES = ("both", "oriented", "histogram")


def outcome(registration: Registration) -> dict[str, Any]:
    """Return all that a run has found, of which floats are told apart to the last bit."""
    told = registration.to_dict()
    told.pop("timings")
    return told


def assert_same(one: Registration, other: Registration) -> None:
    assert outcome(one) == outcome(other)
    np.testing.assert_array_equal(one.candidates.similarity, other.candidates.similarity)


def run(pair: Pair, options: RegistrationOptions = BOTH, **data: Any) -> Registration:
    """Return the registration of a pair with other arrays for its images."""
    lm, em = (
        replace(image, data=data.get(which, image.data))
        for which, image in (("lm", pair.lm), ("em", pair.em))
    )
    return register(lm, em, pair.roi, options)


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A pair that is found in half a second."""
    return drawn_pair(0)


@pytest.fixture(scope="module")
def expected(pair: Pair) -> Registration:
    with with_threads(1):
        registration = run(pair)
    assert registration.found
    assert registration.estimate
    return registration


@pytest.mark.parametrize("number", [2, 5])
def test_threads_do_not_count(number: int, pair: Pair, expected: Registration) -> None:
    with with_threads(number):
        assert_same(run(pair), expected)


def on_disk(image: NDArray[Any], folder: Path) -> NDArray[Any]:
    np.save(folder / "image.npy", image)
    return np.load(folder / "image.npy", mmap_mode="r")


def in_zarr(image: NDArray[Any], chunks: tuple[int, int]) -> Any:
    array = zarr.create_array(store={}, shape=image.shape, chunks=chunks, dtype=image.dtype)
    array[:] = image
    return array


#: How the same values may be held; both pixel types of the pair are integers.
HELD: Mapping[str, Callable[[NDArray[Any], Path], Any]] = {
    "float32": lambda image, _: image.astype(np.float32),
    "float64": lambda image, _: image.astype(np.float64),
    "int64": lambda image, _: image.astype(np.int64),
    "big-endian uint16": lambda image, _: image.astype(">u2"),
    "big-endian float64": lambda image, _: image.astype(">f8"),
    "columns first": lambda image, _: np.asfortranarray(image),
    "every third column": lambda image, _: np.repeat(image, 3, axis=1)[:, ::3],
    "read backwards": lambda image, _: image[::-1, ::-1].copy()[::-1, ::-1],
    "a mapped file": on_disk,
    "dask": lambda image, _: da.from_array(image, chunks=97),
    "dask, rows": lambda image, _: da.from_array(image, chunks=(7, image.shape[1])),
    "zarr": lambda image, _: in_zarr(image, (64, 100)),
    "zarr, columns": lambda image, _: in_zarr(image, (image.shape[0], 31)),
}


@pytest.mark.parametrize("held", HELD)
def test_how_the_pixels_are_held_does_not_count(
    held: str, pair: Pair, expected: Registration, tmp_path: Path
) -> None:
    hold = HELD[held]
    images = {}
    for which, image in (("lm", pair.lm), ("em", pair.em)):
        folder = tmp_path / which
        folder.mkdir()
        images[which] = hold(np.asarray(image.data), folder)
    assert_same(run(pair, **images), expected)


def test_float64_is_rounded_to_float32(pair: Pair) -> None:
    """Of values that 32 bits do not hold the nearest are taken: the results are equal, too."""
    fractions = {
        which: np.asarray(image.data) * np.float64(np.pi)
        for which, image in (("lm", pair.lm), ("em", pair.em))
    }
    rounded = {which: data.astype(np.float32) for which, data in fractions.items()}
    assert_same(run(pair, **fractions), run(pair, **rounded))


def test_any_of_it_at_once(tmp_path: Path, tally: Callable[..., None]) -> None:
    """Random pairs, threads and ways to hold either image; random chunks."""
    tried = 0
    for number in range(times(1)):
        rng = np.random.default_rng([11, number])
        pair = drawn_pair(number)
        options = RegistrationOptions.from_paths(
            {"search": SEARCHES[number % 3], "ratio_uncertainty": 0.0}
        )
        with with_threads(1):
            alone = run(pair, options)
        chunks = tuple(int(side) for side in rng.integers(16, 300, 2))
        ways = [
            *HELD.values(),
            lambda image, _, chunks=chunks: in_zarr(image, chunks),
            lambda image, _, chunks=chunks: da.from_array(image, chunks=chunks),
        ]
        held = {}
        for which, image in (("lm", pair.lm), ("em", pair.em)):
            folder = tmp_path / f"{number}{which}"
            folder.mkdir()
            held[which] = ways[rng.integers(len(ways))](np.asarray(image.data), folder)
        with with_threads(int(rng.integers(1, 9))):
            assert_same(run(pair, options, **held), alone)
        tried += 1
    tally(tried=tried, different=0)


def keywords(number: int) -> dict[str, Any]:
    """Return what a pair is drawn by; a third of them are of different places."""
    rng = np.random.default_rng([12, number])
    rows, cols, angle = rng.integers(400, 560), rng.integers(400, 560), rng.uniform(0, 360)
    return {
        "lm_shape": (120, 150),
        "em_shape": (int(rows), int(cols)),
        "roi_size": (50, 60),
        "ratio": 4.0,
        "angle": float(angle),
        "mirrored": bool(rng.random() < 0.5),
        "shared": 0.8,
        "present": number % 3 != 2,
        "structures": ("granules", "vesicles", "chromatin")[number % 3],
    }


def drawn_pair(number: int) -> Pair:
    return simulate_pair(2000 + number, **keywords(number))


def test_a_place_by_hand_does_not_depend_on_threads_or_types(pair: Pair) -> None:
    assert pair.lm_to_em is not None
    start = compose(translation((2.0, -3.0)), np.linalg.inv(pair.lm_to_em))
    lm, em = (replace(image, data=np.asarray(image.data)) for image in (pair.lm, pair.em))
    with with_threads(1):
        one = register_from(lm, em, pair.roi, start, BOTH)
    as_doubles = [replace(image, data=image.data.astype(np.float64)) for image in (lm, em)]
    with with_threads(3):
        other = register_from(*as_doubles, pair.roi, start, BOTH)
    assert one.estimate
    assert_same(one, other)


ELSEWHERE = """
import json, sys
from clem_retrace import RegistrationOptions, register
from clem_retrace.synthetic import simulate_pair
pair = simulate_pair(2000, **json.loads(sys.argv[1]))
options = RegistrationOptions.from_paths({"ratio_uncertainty": 0.0})
told = register(pair.lm, pair.em, pair.roi, options).to_dict()
told.pop("timings")
print(json.dumps(told))
"""

#: What a process may differ in: the order of sets, and the threads of linear algebra.
ENVIRONMENTS = [
    {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "4321", "OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=["one thread", "four threads"])
def test_another_process_gives_the_same(
    environment: dict[str, str], expected: Registration
) -> None:
    """From the seed of the pair to the transform."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, json.dumps(keywords(0))], env=os.environ | environment,
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    assert json.loads(done.stdout) == json.loads(json.dumps(outcome(expected)))
