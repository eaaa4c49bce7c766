"""The pairs of points that a session keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import BadFile
from clem_retrace.geometry import similarity
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.io.sessions import Session, read_session, save_session
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks

LM, EM = ImageFacts("lm", (200, 300), 110.0), ImageFacts("em", (2000, 3000), 11.0)
START = similarity(0.1, 30.0, True, (1000, 1500), (100, 150))
#: The third is held back, the last one has no partner yet.
PAIRS = Landmarks(
    np.array([[20.0, 30], [150, 40], [90, 60], [60, 250], [10, 10]]),
    np.array([[200.0, 310], [1490, 405], [910, 590], [605, 2490], [np.nan, np.nan]]),
    np.array([True, True, False, True, True]),
    ("1", "nucleus", "3", "4", "5"),
)


def session(landmarks: SessionLandmarks | None) -> Session:
    lm, em = (SessionImage(one.name, one.shape, one.pixel_size) for one in (LM, EM))
    return Session(lm=lm, em=em, landmarks=landmarks)


@pytest.mark.parametrize("start", [None, START])
def test_pairs_come_back_with_the_session(start: np.ndarray | None, tmp_path: Path) -> None:
    kept = SessionLandmarks(PAIRS, "similarity", start, "hand")
    path = save_session(tmp_path / "pairs.clem.json", session(kept))
    back = read_session(path).landmarks
    assert back is not None
    np.testing.assert_array_equal(back.landmarks.lm, PAIRS.lm)
    np.testing.assert_array_equal(back.landmarks.em, PAIRS.em)
    np.testing.assert_array_equal(back.landmarks.active, PAIRS.active)
    assert back.landmarks.names == PAIRS.names
    assert (back.model, back.origin) == ("similarity", "hand")
    if start is None:
        assert back.start is None
    else:
        np.testing.assert_array_equal(back.start, start)


def test_a_session_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    path = save_session(tmp_path / "old.clem.json", session(None))
    values = json.loads(path.read_text())
    del values["landmarks"]
    path.write_text(json.dumps(values))
    assert read_session(path).landmarks is None


def test_enough_pairs_tell_a_transform_and_too_few_leave_the_start() -> None:
    fitted = SessionLandmarks(PAIRS, "affine", START).transform(LM, EM)
    assert fitted is not None
    assert fitted.origin == "landmarks"
    np.testing.assert_allclose(fitted.to_lm(PAIRS.em[:2]), PAIRS.lm[:2], atol=1e-9)
    two = PAIRS.switching(3, False)
    kept = SessionLandmarks(two, "affine", START, "automatic").transform(LM, EM)
    assert kept is not None
    assert kept.origin == "automatic"
    np.testing.assert_array_equal(kept.em_to_lm, START)
    assert kept.landmarks is two
    assert SessionLandmarks(two, "affine").transform(LM, EM) is None


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("model", "elastic"),
        ("origin", "elsewhere"),
        ("start", [[1, 0], [0, 1]]),
        ("start", [[1, 0, 0], [2, 0, 0], [0, 0, 1]]),
        ("landmarks", [{"name": "1", "active": True, "lm": [1], "em": None}]),
        ("landmarks", [{"name": "1", "active": "yes", "lm": None, "em": None}]),
        ("landmarks", "none"),
    ],
)
def test_what_is_damaged_is_told(entry: str, value: object, tmp_path: Path) -> None:
    path = save_session(
        tmp_path / "pairs.clem.json", session(SessionLandmarks(PAIRS, "affine", START))
    )
    values = json.loads(path.read_text())
    values["landmarks"][entry] = value
    path.write_text(json.dumps(values))
    with pytest.raises(BadFile, match="damaged"):
        read_session(path)
