"""Damaged files of every kind that is read: a right answer, or an error in words."""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.batch.columns import columns
from clem_retrace.batch.sheets import written
from clem_retrace.errors import ClemRetraceError

from .conftest import EFFORT, cases, times

sys.path.insert(0, str(Path(__file__).parents[2] / "fuzz"))
damage = importlib.import_module("damage")
targets = importlib.import_module("targets")

IMAGES = ("tiff", "mrc", "dm", "pictures")

#: Seconds of the processor that a small file may take to be read or refused, however it is damaged.
LONGEST = 30.0


@pytest.fixture(autouse=True)
def in_silence(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator:
    """What is wrong with a file is said in an error, and nowhere else."""
    yield
    assert capfd.readouterr().err == ""
    assert caplog.records == []


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., ClemRetraceError | None]:
    """Read a file of a family with such content; return the error with which it is refused."""

    def read(family: str, name: str, content: bytes) -> ClemRetraceError | None:
        before = time.process_time()
        refusal = targets.attempt(targets.FAMILIES[family], tmp_path / name, content)
        assert time.process_time() - before < LONGEST
        return refusal

    return read


@pytest.mark.parametrize("family", targets.FAMILIES)
def test_whole_files_are_read(attempt: Callable, family: str) -> None:
    for name, content in targets.FAMILIES[family].seeds().items():
        assert attempt(family, name, content) is None, name


@pytest.mark.parametrize("family", IMAGES)
def test_images_cut_short_anywhere(tmp_path: Path, tally: Callable, family: str) -> None:
    """No pixel is made up: they are all there, or the file is refused."""
    tried = refused = 0
    for name, content in targets.FAMILIES[family].seeds().items():
        path = tmp_path / name
        path.write_bytes(content)
        whole = targets.read_image(path)
        step = max(1, round(16 / EFFORT))
        for kept in {*range(random.Random(name).randrange(step), len(content), step)}:
            path.unlink()
            path.write_bytes(content[:kept])
            tried += 1
            try:
                pixels = targets.read_image(path)
            except ClemRetraceError:
                refused += 1
            else:
                np.testing.assert_array_equal(pixels, whole, err_msg=f"{name} cut to {kept}")
    tally(tried=tried, refused=refused)


@pytest.mark.parametrize("family", targets.FAMILIES)
def test_bytes_are_changed(attempt: Callable, tally: Callable, family: str) -> None:
    seeds = targets.FAMILIES[family].seeds()
    rng, names, tried = random.Random(f"{family} {EFFORT}"), list(seeds), times(150)
    refused = 0
    for _ in range(tried):
        name = rng.choice(names)
        refused += attempt(family, name, damage.damaged(seeds[name], rng)) is not None
    tally(tried=tried, refused=refused)


@pytest.mark.parametrize("family", ["transforms", "sessions", "records"])
def test_values_in_json_are_changed(attempt: Callable, tally: Callable, family: str) -> None:
    seeds = {
        name: content
        for name, content in targets.FAMILIES[family].seeds().items()
        if name.endswith(".json")
    }
    rng, names, tried = random.Random(f"{family} {EFFORT}"), list(seeds), times(100)
    refused = 0
    for _ in range(tried):
        name = rng.choice(names)
        refused += attempt(family, name, damage.altered_json(seeds[name], rng)) is not None
    tally(tried=tried, refused=refused)


CELLS = st.one_of(
    st.sampled_from(
        [
            "lm.tif",
            "../em.tif",
            "/etc/passwd",
            "a\\b.tif",
            "C:\\a.tif",
            "x" * 300,
            "1",
            "0",
            "-1",
            "1,5",
            "1.5",
            "1e400",
            "nan",
            "40 60 45 130 118 122",
            "1 1 1 1 1 1",
            "yes",
            "oriented",
            "experiment-1",
            "\u0661",
            "=1+1",
            "",
        ]
    ),
    st.floats().map(str),
    st.integers().map(str),
    st.text(max_size=20),
)


@cases(150)
@given(
    header=st.lists(st.sampled_from([*columns(), "comment", "#"]), unique=True, max_size=8),
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=10), max_size=4),
    delimiter=st.sampled_from(",;\t"),
)
def test_tables_of_any_cells(
    attempt: Callable, header: list[str], rows: list[list[str]], delimiter: str
) -> None:
    dialect = targets.Dialect(delimiter)
    names = dict.fromkeys(["lm", "em", *header])
    attempt("tables", "table.csv", written([tuple(names), *rows], dialect))


@cases(150)
@given(
    text=st.text(max_size=300),
    start=st.sampled_from(
        [
            "",
            "#Insight Transform File V1.0\n",
            "<root><transformation>",
            "name,true,",
            "1,2,3\n",
            '{"kind": "clem-retrace transform",',
            '{"coordinateTransformations": [',
            "lm,em\n",
            "index,axis-0,axis-1\n",
        ]
    ),
    name=st.sampled_from(["a.tfm", "a.json", "a.xml", "a.landmarks.csv", "a.matrix.csv", "a"]),
)
def test_texts_of_any_letters(attempt: Callable, text: str, start: str, name: str) -> None:
    content = (start + text).encode("utf-8", "replace")
    attempt("transforms", name, content)
    attempt("tables", name, content)
    attempt("sessions", name, content)


@cases(150)
@given(
    content=st.binary(max_size=300),
    start=st.sampled_from(
        [
            b"",
            b"II*\0\x08\0\0\0",
            b"MM\0*\0\0\0\x08",
            b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"\x93NUMPY\x01\0v\0",
            b"\0\0\0\x03\0\0\0\x09",
            b"\0\0\0\x04\0\0\0\0\0\0\0\x09\0\0\0\x01",
            b"PK\x03\x04",
        ]
    ),
    name=st.sampled_from(["a.tif", "a.png", "a.jpg", "a.npy", "a.mrc", "a.dm3", "a.dm4", "a.lsm"]),
)
def test_files_of_any_bytes(attempt: Callable, content: bytes, start: bytes, name: str) -> None:
    attempt("pictures", name, start + content)
