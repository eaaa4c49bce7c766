"""A session goes into a file and comes back; damaged files are told; a stop leaves one whole."""

from __future__ import annotations

import copy
import json
import math
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clem_retrace import synthetic
from clem_retrace.by_hand import register_from
from clem_retrace.errors import BadFile
from clem_retrace.geometry import compose, invert, translation
from clem_retrace.io import sessions
from clem_retrace.io.session_images import SessionImage
from clem_retrace.io.sessions import Outline, Session, SessionRun, read_session, save_session
from clem_retrace.micrograph import Roi
from clem_retrace.options import PRESETS, RegistrationOptions
from clem_retrace.pipeline import register
from clem_retrace.result import Registration

OPTIONS = RegistrationOptions.from_paths(
    {"search": "both", "ratio_uncertainty": 0.0, "context": 40.0, "oriented.mirror": "no"}
)


@pytest.fixture(scope="module")
def results() -> tuple[Registration, Registration]:
    """Of one run, and of its second candidate."""
    pair = synthetic.simulate_pair(
        5, lm_shape=(64, 70), em_shape=(210, 220), roi_size=(28, 32), ratio=4.0, angle=33.0,
        shared=0.8,
    )  # fmt: skip
    first = register(pair.lm, pair.em, pair.roi, OPTIONS)
    return first, register(pair.lm, pair.em, pair.roi, OPTIONS, take=2)


LM = SessionImage("lm.tif [1]", (64, 70), 110.0, "ab12", Path("/data/a b/lm 'x'.tif"), "", 1, "std")
EM = SessionImage("em", (210, 220), None, "", Path("/data/em.mrc"), "", None, "plane", 4)
LAYER = SessionImage("Layer \u03bc", (9, 9))


@pytest.fixture(scope="module")
def session(results: tuple[Registration, Registration]) -> Session:
    """Nothing in it at its default."""
    roi = Outline("ellipse", ((1.5, 2.0), (1.5, 30.25), (40.0, 30.25), (40.0, 2.0)))
    patch = Outline.of(Roi(3, 4, 50, 60))
    run = SessionRun(
        LM, EM, results, 2, roi, patch, "first try", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    )
    other = SessionRun(replace(LM, sample="real", path=None), LAYER, results[:1])
    return Session(LM, EM, roi, patch, PRESETS["experiment 2"], (run, other), "Grid 7 \u2713")


def assert_same_run(one: SessionRun, other: SessionRun) -> None:
    assert [result.to_dict() for result in one.results] == [
        result.to_dict() for result in other.results
    ]
    assert one.time.replace(microsecond=0) == other.time
    for name in ("lm", "em", "shown", "roi", "patch", "name"):
        assert getattr(one, name) == getattr(other, name)


def test_a_session_comes_back_as_it_was(session: Session, tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    path = save_session(tmp_path / "s.json", session)
    assert path == tmp_path / "s.json"
    again = read_session(path)
    for name in ("lm", "em", "roi", "patch", "options", "name"):
        assert getattr(again, name) == getattr(session, name), name
    assert len(again.runs) == 2
    for one, other in zip(session.runs, again.runs, strict=True):
        assert_same_run(one, other)
    np.testing.assert_array_equal(
        again.runs[0].results[1].em_to_lm, session.runs[0].results[1].em_to_lm
    )
    assert again.saved is not None
    assert before <= again.saved <= datetime.now(UTC)
    assert again.version == version("clem-retrace")


def test_a_place_given_by_hand_comes_back(tmp_path: Path) -> None:
    pair = synthetic.simulate_pair(
        5, lm_shape=(64, 70), em_shape=(210, 220), roi_size=(28, 32), ratio=4.0, angle=33.0,
        shared=0.8,
    )  # fmt: skip
    assert pair.lm_to_em is not None
    start = compose(translation((1 / 3, -2.0)), invert(pair.lm_to_em))
    result = register_from(pair.lm, pair.em, pair.roi, start, OPTIONS)
    run = SessionRun(LM, EM, (result,), time=datetime(2024, 5, 6, tzinfo=UTC))
    (again,) = read_session(save_session(tmp_path / "s.json", Session(runs=(run,)))).runs
    assert_same_run(run, again)
    assert again.results[0].match.search == "hand"
    np.testing.assert_array_equal(again.results[0].match.em_to_lm, start)


def test_an_empty_session_comes_back(tmp_path: Path) -> None:
    again = read_session(save_session(tmp_path / "s.json", Session()))
    assert (again.lm, again.em, again.roi, again.patch, again.runs) == (None, None, None, None, ())
    assert again.options == RegistrationOptions()


def test_the_file_is_readable_text_and_the_same_session_gives_the_same(
    session: Session, tmp_path: Path
) -> None:
    texts = []
    for name in ("a.json", "b.json"):
        values = json.loads(save_session(tmp_path / name, session).read_text(encoding="ascii"))
        assert values.pop("saved")
        texts.append(values)
    assert texts[0] == texts[1]
    assert texts[0]["kind"] == "clem-retrace session"
    assert texts[0]["runs"][0]["lm"]["path"]["absolute"] == str(LM.path)


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """A file's name on Linux may hold any bytes; Python shows them as lone surrogates."""
    odd = SessionImage("\udcff", (3, 3), path=Path("/data/\udcff.tif"))
    assert read_session(save_session(tmp_path / "s.json", Session(lm=odd))).lm == odd


def test_a_run_that_could_not_be_shown_is_none(session: Session) -> None:
    for changes in ({"results": ()}, {"shown": 0}, {"shown": 11}):
        with pytest.raises(ValueError, match=r"result|candidate"):
            replace(session.runs[0], **changes)


def test_an_outline_is_surrounded_by_a_rectangle() -> None:
    roi = Roi(3.0, 4.5, 50.0, 60.0)
    assert Outline.of(roi).roi == roi
    triangle = Outline("polygon", ((-0.5, 5.0), (9.5, 1.5), (4.0, 11.5)))
    assert triangle.roi == Roi(0.0, 2.0, 10.0, 10.0, outline=triangle.vertices)


# Where files are ----------------------------------------------------------------------------


def session_of(path: Path) -> Session:
    return Session(lm=SessionImage("lm", (3, 3), path=path))


def path_in(file: Path) -> Path:
    """Return where the session in a file says its image is."""
    image = read_session(file).lm
    assert image is not None
    assert image.path is not None
    return image.path


def test_a_folder_that_was_moved_with_its_images_is_still_whole(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in ("sessions", "images"):
        (old / folder).mkdir(parents=True)
    image = old / "images" / "lm.tif"
    image.touch()
    save_session(old / "sessions" / "s.json", session_of(image))
    assert path_in(old / "sessions" / "s.json") == image
    old.rename(new)
    assert path_in(new / "sessions" / "s.json") == new / "images" / "lm.tif"


def test_a_session_that_was_moved_alone_finds_its_images_where_they_were(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b" / "c").mkdir(parents=True)
    image = tmp_path / "a" / "lm.tif"
    image.touch()
    file = save_session(tmp_path / "a" / "s.json", session_of(image))
    moved = file.rename(tmp_path / "b" / "c" / "s.json")
    assert path_in(moved) == image
    # an image beside it comes first
    (moved.parent / "lm.tif").touch()
    assert path_in(moved) == moved.parent / "lm.tif"


def test_an_image_that_is_nowhere_is_named_by_where_it_should_be(tmp_path: Path) -> None:
    file = save_session(tmp_path / "s.json", session_of(tmp_path / "gone" / "lm.tif"))
    assert path_in(file) == tmp_path / "gone" / "lm.tif"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_are_followed_to_folders_and_kept_as_files(tmp_path: Path) -> None:
    real, store = tmp_path / "real", tmp_path / "store"
    real.mkdir()
    store.mkdir()
    (store / "123.tif").touch()
    (real / "lm.tif").symlink_to(store / "123.tif")
    (tmp_path / "link").symlink_to(real)
    file = save_session(tmp_path / "link" / "s.json", session_of(tmp_path / "link" / "lm.tif"))
    places = json.loads(file.read_text())["lm"]["path"]
    assert places == {"relative": "lm.tif", "absolute": str(tmp_path / "link" / "lm.tif")}


def test_a_session_of_another_system_is_read(tmp_path: Path) -> None:
    values = saved(Session(lm=SessionImage("lm", (3, 3), path=tmp_path / "lm.tif")), tmp_path)
    values["lm"]["path"] = {"relative": "", "absolute": "D:\\data\\lm.tif"}
    assert str(path_in(written(values, tmp_path))) == "D:\\data\\lm.tif"
    (tmp_path / "lm.tif").touch()
    values["lm"]["path"]["relative"] = "lm.tif"
    assert path_in(written(values, tmp_path)) == tmp_path / "lm.tif"


@pytest.mark.parametrize(
    "paths",
    [
        {"relative": "/etc/passwd.tif", "absolute": "/a.tif"},
        {"relative": "C:x.tif", "absolute": "/a.tif"},
        {"relative": "\\\\server\\share\\x.tif", "absolute": "/a.tif"},
        {"relative": "a.tif", "absolute": "a.tif"},
        {"relative": "a.tif", "absolute": ""},
        {"relative": "a\0.tif", "absolute": "/a.tif"},
        {"relative": "a.tif", "absolute": "/a\n.tif"},
        {"relative": "http://server/a.tif", "absolute": "/a.tif"},
        {"relative": "a.tif", "absolute": "/x file://a.tif"},
        {"relative": 3, "absolute": "/a.tif"},
        {"absolute": "/a.tif"},
        "/a.tif",
    ],
)
def test_what_is_no_path_of_a_file_is_refused(paths: Any, tmp_path: Path) -> None:
    values = saved(Session(lm=LM), tmp_path)
    values["lm"]["path"] = paths
    with pytest.raises(BadFile, match=r"is damaged: session\.lm"):
        read_session(written(values, tmp_path))


# Damaged files ------------------------------------------------------------------------------


def saved(session: Session, folder: Path) -> Any:
    """Return what the file of a session holds."""
    return json.loads(save_session(folder / "good.json", session).read_text())


def written(values: Any, folder: Path) -> Path:
    path = folder / "bad.json"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def good(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return saved(session, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad")


Route = tuple[str | int, ...]


def routes(values: Any, route: Route = ()) -> Iterator[Route]:
    """Yield the way to every value in nested tables and lists; the first of long lists."""
    yield route
    if isinstance(values, dict):
        for name, value in values.items():
            yield from routes(value, (*route, name))
    elif isinstance(values, list):
        for index, value in enumerate(values[:2]):
            yield from routes(value, (*route, index))


def changed(values: Any, route: Route, put: Any) -> Any:
    """Return a copy in which the value at the end of a way is another; `...` takes it out."""
    if not route:
        return put
    result = copy.deepcopy(values)
    owner = result
    for step in route[:-1]:
        owner = owner[step]
    if put is ...:
        del owner[route[-1]]
    else:
        owner[route[-1]] = put
    return result


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(10**400),
    st.just([]), st.just({}), st.just([[]]), st.just("\ud800"), st.just(...),
    st.lists(st.integers() | st.none(), max_size=3),
)  # fmt: skip

SLOW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(st.data())
def test_any_value_may_be_anything(good: Any, folder: Path, data: st.DataObject) -> None:
    """It is read or refused; nothing else happens."""
    route = data.draw(st.sampled_from(list(routes(good))[1:]))
    path = written(changed(good, route, data.draw(JUNK)), folder)
    refused = ""
    try:
        session = read_session(path)
    except BadFile as error:
        refused = str(error)
    else:
        # what was read can be saved, and read again
        again = read_session(save_session(folder / "again.json", session))
        assert again.name == session.name
    assert not refused or (str(path) in refused and "\n" not in refused)


@SLOW
@given(st.data())
def test_a_file_cut_short_is_refused(good: Any, folder: Path, data: st.DataObject) -> None:
    text = json.dumps(good)
    path = folder / "short.json"
    path.write_text(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(BadFile, match=re.escape(str(path))):
        read_session(path)


@SLOW
@given(junk=st.binary(max_size=200))
def test_any_bytes_are_refused(junk: bytes, folder: Path) -> None:
    path = folder / "junk.json"
    path.write_bytes(junk)
    with pytest.raises(BadFile, match=re.escape(str(path))):
        read_session(path)


#: Where, what instead, and a part of what is said.
DAMAGE: dict[str, tuple[Route, Any, str]] = {
    "other JSON": ((), [1, 2], "a table is needed"),
    "another tool's": (("kind",), "project", "is no session of clem-retrace"),
    "newer": (("format",), 2, "has the format 2"),
    "no options": (("options",), ..., "session lacks 'options'"),
    "unknown option": (("options", "colour"), 1, "no option 'colour'"),
    "option out of bounds": (("options", "context"), -1, "context is -1"),
    "runs no list": (("runs",), {}, "session.runs is {}: a list is needed"),
    "run no table": (("runs", 1), 3, "session.runs[1] is 3"),
    "no image": (("runs", 0, "em"), None, "session.runs[0] lacks a result or an image"),
    "no result": (("runs", 0, "results"), [], "session.runs[0] lacks a result or an image"),
    "no such candidate": (("runs", 0, "shown"), 40, "shown is 40"),
    "result": (("runs", 0, "results", 1, "em_to_lm"), [[1, 0], [0, 1]], "transform"),
    "null in a list": (("runs", 0, "results", 1, "lm_scale", "counts", 0), None, "lacks a number"),
    "no number": (("runs", 0, "results", 1, "confidence"), "nan", "a finite number"),
    "shape": (("lm", "shape"), [3, 0], "shape 3 x 0"),
    "shape not whole": (("lm", "shape"), [3, 2.5], "shape 3 x 2.5"),
    "shape of three": (("lm", "shape"), [3, 3, 3], "2 numbers are needed"),
    "pixel size": (("lm", "pixel_size"), 0, "a positive number is needed"),
    "pixel size as text": (("lm", "pixel_size"), "110", "a number is needed"),
    "pixel size yes": (("lm", "pixel_size"), True, "a number is needed"),
    "channel": (("lm", "channel"), -1, "channel is -1"),
    "projection": (("lm", "projection"), "sum", "projection is 'sum'"),
    "sample": (("lm", "sample"), "cells", "sample is 'cells'"),
    "points": (("roi", "vertices", 1), [1, 2, 3], "pairs of numbers"),
    "time": (("saved",), "yesterday", "a time is needed"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_wrong_is_told(case: str, good: Any, tmp_path: Path) -> None:
    route, put, words = DAMAGE[case]
    with pytest.raises(BadFile, match=re.escape(words)):
        read_session(written(changed(good, route, put), tmp_path))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_numbers_that_are_not_finite_are_refused(number: str, good: Any, tmp_path: Path) -> None:
    text = json.dumps(changed(good, ("options", "context"), 777))
    path = tmp_path / "s.json"
    path.write_text(text.replace("777", number))
    with pytest.raises(BadFile, match="not a finite number"):
        read_session(path)


def test_files_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match="does not exist"):
        read_session(tmp_path / "missing.json")
    with pytest.raises(BadFile, match="is not a file"):
        read_session(tmp_path)
    path = save_session(tmp_path / "s.json", Session())
    monkeypatch.setattr(sessions, "LARGEST", 100)
    with pytest.raises(BadFile, match="too large"):
        read_session(path)
    (tmp_path / "deep.json").write_text("[" * 90)
    with pytest.raises(BadFile, match="is damaged"):
        read_session(tmp_path / "deep.json")
    monkeypatch.setattr(sessions, "LARGEST", 1 << 20)
    (tmp_path / "deep.json").write_text("[" * 500_000)
    with pytest.raises(BadFile, match="is damaged"):
        read_session(tmp_path / "deep.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(BadFile, match="is not a file"):
        read_session(tmp_path / "pipe.json")


# Saving -------------------------------------------------------------------------------------


def test_a_session_that_cannot_be_saved_leaves_the_old_one(
    session: Session, results: tuple[Registration, Registration], tmp_path: Path
) -> None:
    path = save_session(tmp_path / "s.json", Session(name="old"))
    bad = replace(results[0], confidence=math.nan)
    run = replace(session.runs[0], results=(bad,))
    with pytest.raises(BadFile, match="the session cannot be saved"):
        save_session(path, replace(session, runs=(run,)))
    assert read_session(path).name == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]


def test_a_full_disk_leaves_the_old_one(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_session(tmp_path / "s.json", Session(name="old"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadFile, match=r"s\.json cannot be written: No space left on device"):
        save_session(path, session)
    assert read_session(path).name == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["s.json"]


def test_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be written: No such file"):
        save_session(tmp_path / "missing" / "s.json", Session())
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(BadFile, match=r"folder\.json cannot be written"):
        save_session(tmp_path / "folder.json", Session())
    assert [file.name for file in tmp_path.iterdir()] == ["folder.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="of POSIX systems")
def test_others_may_read_it_as_any_file_and_links_stay_links(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        path = save_session(tmp_path / "s.json", Session(name="one"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert save_session(link, Session(name="two")) == path
    assert link.is_symlink()
    assert read_session(path).name == "two"


SAVER = """
import sys
from clem_retrace.io.sessions import Session, SessionImage, SessionRun, read_session, save_session
import dataclasses
path = sys.argv[1]
large = read_session(path)
for number in range(10**6):
    save_session(path, dataclasses.replace(large, name=f"session {number}"))
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX systems")
def test_a_program_that_is_killed_while_it_saves_leaves_a_whole_session(
    session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "s.json"
    large = replace(session, runs=session.runs * 10, name="session -1")
    save_session(path, large)
    rng = np.random.default_rng(9)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read().split()
        whole = read_session(path)
        assert len(whole.runs) == len(large.runs)
        # the last that it said it had saved, or the one after it
        last = int(whole.name.removeprefix("session "))
        assert last >= (int(said[-1]) if said else 0)
