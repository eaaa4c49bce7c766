"""Nothing in a file is executed, and nothing is written outside the folder that was chosen."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import example, given
from hypothesis import strategies as st

import clem_retrace
from clem_retrace.applying import output_path
from clem_retrace.batch import BatchRow, ImageFile, run_batch
from clem_retrace.batch.folder_names import folder_names
from clem_retrace.batch.row_folders import check_free
from clem_retrace.cli import main
from clem_retrace.errors import BadFile
from clem_retrace.io.session_images import find_image
from clem_retrace.io.sessions import Session, read_session, save_session
from clem_retrace.options import RegistrationOptions

from .conftest import cases
from .test_files import targets

SOURCES = sorted(Path(clem_retrace.__file__).parent.rglob("*.py"))

#: Modules in which a call or an import is found that others must do without: processes of
#: ours talk to each other by pickles, which come from no file.
ALLOWED = {
    "pickle": {"batch/child_process.py", "batch/worker.py"},
    "subprocess": {"batch/child_process.py", "snippets.py"},
    "xml": {"io/tiff.py", "io/tiff_calibrations.py", "io/transforms/ec_clem.py"},
}

#: What executes text, makes objects from files, or leaves it to a shell.
FORBIDDEN_IMPORTS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "code",
                     "subprocess", "xml", "lxml", "runpy", "pty", "imp"}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "startfile"}


def module_of(path: Path) -> str:
    return path.relative_to(Path(clem_retrace.__file__).parent).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.split(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func
            whole = ast.unparse(name)
            if isinstance(name, ast.Name):
                yield name.id, node
            # re.compile is none of Python's.
            elif isinstance(name, ast.Attribute) and whole != "re.compile":
                yield name.attr, node


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_no_module_executes_what_it_reads(path: Path) -> None:
    tree, module = ast.parse(path.read_text(encoding="utf-8")), module_of(path)
    for name in set(imported(tree)) & FORBIDDEN_IMPORTS:
        assert module in ALLOWED.get(name, ()), f"{module} imports {name}"
    for name, call in called(tree):
        given = {one.arg: ast.unparse(one.value) for one in call.keywords}
        # Dialogs of Qt are shown by a method that is called exec.
        assert name not in FORBIDDEN_CALLS or (
            name == "exec" and isinstance(call.func, ast.Attribute)
        ), f"{module} calls {name}"
        assert given.get("shell", "False") == "False", module
        assert given.get("allow_pickle", "False") == "False", module
        if ast.unparse(call.func) in ("np.load", "numpy.load"):
            assert given["allow_pickle"] == "False", module


def test_xml_is_parsed_where_entities_are_refused_only() -> None:
    for module in sorted(ALLOWED["xml"]):
        path = Path(clem_retrace.__file__).parent / module
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parsing = [call for name, call in called(tree) if name in ("fromstring", "parse", "XML")]
        assert parsing
        assert all("declares" in path.read_text() or "<!" in path.read_text() for _ in parsing)


NAMES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:\\x", "~", "~root",
         "$HOME", "%TEMP%", "\\\\server\\share", "a\0b", "con", "a" * 400, "results.csv", ".ssh",
         "a\n", "-rf", "file:///x", "a:stream"]
    ),
)  # fmt: skip


@cases(100)
@given(st.lists(NAMES, min_size=1, max_size=6))
@example(["../../etc/passwd", "..\\..\\etc\\passwd", "/etc/passwd"])
def test_folders_of_rows_lie_in_the_folder_of_the_batch(tmp_path: Path, names: list[str]) -> None:
    for name in folder_names(names):
        place = tmp_path / name
        assert place.parent == tmp_path
        assert os.path.dirname(os.path.normpath(place)) == str(tmp_path)
        place.mkdir()
        assert place.resolve().parent == tmp_path.resolve()
        place.rmdir()


@cases(100)
@given(st.one_of(NAMES, NAMES.map(lambda name: f"/x/{name}")), st.sampled_from(["lm", "em"]))
def test_what_is_applied_is_written_to_the_folder(tmp_path: Path, name: str, frame: str) -> None:
    place = output_path(Path(name), tmp_path, frame, ".ome.tif")  # type: ignore[arg-type]
    assert os.path.dirname(os.path.normpath(place)) == str(tmp_path)


@pytest.fixture
def images(tmp_path: Path, pair) -> tuple[ImageFile, ImageFile]:
    """Files of a small pair."""
    tifffile.imwrite(tmp_path / "lm.tif", pair.lm.data)
    tifffile.imwrite(tmp_path / "em.tif", pair.em.data)
    return ImageFile(tmp_path / "lm.tif", 100.0), ImageFile(tmp_path / "em.tif", 25.0)


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def test_a_batch_writes_nowhere_else(tmp_path: Path, pair, images) -> None:
    """Names that lead elsewhere, and links in the places of what is written."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    options = RegistrationOptions.from_paths(
        {
            "search": "oriented", "ratio_uncertainty": 0.0, "oriented.angle": 33.0,
            "oriented.mirror": "no", "candidates": 1, "affine.enabled": False,
        }
    )  # fmt: skip
    names = ["../../evil", str(elsewhere / "x"), "linked"]
    rows = [BatchRow(name, *images, pair.roi, options) for name in names]
    (out / "linked").symlink_to(elsewhere, target_is_directory=True)
    before = everything(tmp_path)
    outcomes = run_batch(rows, out, workers=1)
    assert [each.done for each in outcomes] == [True, True, False]
    assert "is a link" in outcomes[2].outcome.message
    assert all(out in path.parents for path in everything(tmp_path) - before)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["results.csv", "gallery.html", "batch.json"])
def test_links_to_what_lies_elsewhere_are_not_written_through(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "out" / name).symlink_to(precious)
    with pytest.raises(BadFile, match="is a link"):
        run_batch([], tmp_path / "out")
    assert precious.read_text() == "mine"


def test_a_row_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "row").symlink_to(tmp_path / "there")
    with pytest.raises(BadFile, match="is a link"):
        check_free(tmp_path / "row")


#: Paths of images that a session may name: none is waited for, and none is run.
PLACES = (
    "/dev/zero", "/dev/stdin", "/proc/self/mem", "/etc/passwd", "/", "//server/share/a.tif",
    "/" + "x" * 300, "/" + "x/" * 3000, "/a.tif; rm -rf ~", "/\u202egpj.tif", "/\ud800.tif",
    "/\x9b2J.tif",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_a_session_that_names_odd_files(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values = json.loads(targets.FAMILIES["sessions"].seeds()["whole.clem.json"])
    for holder in (values, *values["runs"]):
        holder["lm"]["path"] = {"relative": "../" * 20 + place.lstrip("/"), "absolute": place}
    path = tmp_path / "s.clem.json"
    path.write_text(json.dumps(values))
    before = everything(tmp_path)
    session = read_session(path)
    assert session.lm is not None
    found = find_image(session.lm, "lm")
    assert found.problem
    assert main(["show", str(path)]) == 0
    assert capsys.readouterr().out.startswith("session")
    assert everything(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="its paths are others")
def test_a_session_is_saved_with_names_that_are_no_text(tmp_path: Path) -> None:
    """What it was given comes back, byte by byte."""
    name = os.fsdecode(b"lm \xff\xfe.tif")
    tifffile.imwrite(tmp_path / name, np.arange(12, dtype=np.uint8).reshape(3, 4))
    values = json.loads(targets.FAMILIES["sessions"].seeds()["whole.clem.json"])
    values["lm"]["path"] = {"relative": name, "absolute": str(tmp_path / name)}
    path = tmp_path / "s.clem.json"
    path.write_text(json.dumps(values))
    saved = save_session(tmp_path / "again.clem.json", read_session(path))
    again = read_session(saved).lm
    assert isinstance(read_session(saved), Session)
    assert again is not None
    assert again.path == tmp_path / name
