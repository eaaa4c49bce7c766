"""Our own JSON keeps everything; registration.json gives its transform."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadFile, LandmarkError, TransformError
from clem_retrace.io.exports import write_json
from clem_retrace.io.sessions import Session, save_session
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]


@pytest.fixture
def pairs() -> Landmarks:
    rng = np.random.default_rng(3)
    on_em = rng.uniform(0, 2000, (8, 2))
    on_lm = on_em / 10 + rng.normal(0, 2, (8, 2))
    pairs = Landmarks.of(on_lm, on_em).switching(2, False).renaming(0, '\u00e9 \ud800 "')
    return pairs.adding(lm=(1, 2)).adding(em=(3, 4)).adding()


def same(one: Landmarks | None, other: Landmarks | None) -> None:
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.lm, other.lm)
    np.testing.assert_array_equal(one.em, other.em)
    np.testing.assert_array_equal(one.active, other.active)
    assert one.names == other.names


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine", "thin-plate spline"])
def test_everything_comes_back(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts, pairs: Landmarks, model: Any
) -> None:
    before = fit_landmarks(pairs, model, lm=lm, em=em)
    after = read_transform(write_transform(tmp_path / "a.json", before))
    np.testing.assert_array_equal(after.em_to_lm, before.em_to_lm)
    assert (after.lm, after.em) == (lm, em)
    assert (after.model, after.origin) == (model, "landmarks")
    same(after.landmarks, before.landmarks)
    points = np.random.default_rng(1).uniform(0, 200, (9, 2))
    np.testing.assert_allclose(after.to_em(points), before.to_em(points), atol=1e-9)


def test_without_pairs_or_pixel_sizes(tmp_path: Path, transform: PairTransform) -> None:
    facts = ImageFacts("", (0, 0), None)
    for before in (transform, PairTransform(transform.em_to_lm, facts, facts, origin="hand")):
        after = read_transform(write_transform(tmp_path / "a.json", before))
        np.testing.assert_array_equal(after.em_to_lm, before.em_to_lm)
        assert after.landmarks is None
        assert (after.lm, after.em, after.origin) == (before.lm, before.em, before.origin)


def test_another_model_is_fitted_to_the_pairs(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts, pairs: Landmarks
) -> None:
    path = write_transform(tmp_path / "a.json", fit_landmarks(pairs, "rigid", lm=lm, em=em))
    read = read_transform(path, model="affine")
    expected = fit_landmarks(pairs, "affine", lm=lm, em=em)
    np.testing.assert_array_equal(read.em_to_lm, expected.em_to_lm)


def test_images_of_another_shape_are_refused(tmp_path: Path, transform: PairTransform) -> None:
    path = write_transform(tmp_path / "a.json", transform)
    other = ImageFacts("other.tif", (300, 420), None)
    read = read_transform(path, lm=other)
    assert read.lm == ImageFacts("other.tif", (300, 420), 110.0)
    assert read_transform(path, lm=replace(other, pixel_size=99.0)).lm.pixel_size == 99.0
    message = (
        r"is of an LM image of 300 x 420 pixels, lm\.tif, and the LM image other\.tif has 30 x 42"
    )
    with pytest.raises(BadFile, match=message):
        read_transform(path, lm=replace(other, shape=(30, 42)))


def test_the_transform_of_a_run(tmp_path: Path, registration) -> None:
    path = write_json(tmp_path / "registration.json", registration)
    read = read_transform(path)
    np.testing.assert_array_equal(read.em_to_lm, registration.em_to_lm)
    assert (read.lm, read.em, read.origin) == (registration.lm, registration.em, "automatic")
    with pytest.raises(BadFile, match="is of an EM image of"):
        read_transform(path, em=ImageFacts("", (9, 9), None))
    values = json.loads(path.read_text())
    del values["match"]
    path.write_text(json.dumps(values))
    with pytest.raises(BadFile, match="the result lacks 'match'"):
        read_transform(path)


def test_a_session_is_told_from_a_transform(tmp_path: Path) -> None:
    path = save_session(tmp_path / "s.json", Session())
    with pytest.raises(BadFile, match=r"s\.json is a session: open it in napari"):
        read_transform(path)


BROKEN: list[tuple[Any, Any, str]] = [
    ("format", 2, r"has the format 2, and this version of clem-retrace reads 1"),
    ("em_to_lm", None, "em_to_lm is no matrix"),
    ("em_to_lm", [[1, 0], [0, 1, 2]], "em_to_lm is no matrix"),
    ("lm", None, "transform.lm is None: a table is needed"),
    ("lm", {"name": "", "shape": [1, 2.5], "pixel_size": None}, "rows and columns are needed"),
    ("em", {"name": "", "shape": [1, 2], "pixel_size": -1}, "a positive number is needed"),
    ("em", {"name": "", "shape": [1, 2], "pixel_size": 1e200}, "has pixels of 1e.200 nm"),
    ("model", "bent", "one of rigid, similarity"),
    ("origin", "heaven", "one of automatic, landmarks"),
    ("model", "thin-plate spline", "lacks the landmarks of its thin-plate spline"),
    ("landmarks", [{"name": "a", "active": 1}], "whether it is active"),
    ("landmarks", [{"name": "a", "active": True, "lm": [1, 2, 3]}], "2 numbers are needed"),
    ("landmarks", [7], "a table is needed"),
]


@pytest.mark.parametrize(("name", "value", "message"), BROKEN)
def test_bad_files(
    tmp_path: Path, transform: PairTransform, name: str, value: Any, message: str
) -> None:
    path = write_transform(tmp_path / "a.json", transform)
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(BadFile, match=message):
        read_transform(path)


def test_what_tells_no_transform(tmp_path: Path, transform: PairTransform) -> None:
    path = write_transform(tmp_path / "a.json", transform)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"em_to_lm": [[1, 0], [0, 1]]}))
    with pytest.raises(TransformError, match="3 x 3 matrix, not one of shape"):
        read_transform(path)
    path.write_text(json.dumps(values | {"em_to_lm": [[1, 0, 1e13], [0, 1, 0], [0, 0, 1]]}))
    with pytest.raises(TransformError, match=r"magnifies or shifts by more than 1e\+12"):
        read_transform(path)
    path.write_text(json.dumps(values | {"landmarks": [], "model": "thin-plate spline"}))
    with pytest.raises(LandmarkError, match="needs 3 pairs"):
        read_transform(path)
