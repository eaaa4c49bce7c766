"""Files that go, or are written over, while they are used: it is said, and nothing else ends."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from clem_retrace.errors import BadFile
from clem_retrace.io import file_pixels
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.warped_images import write_ome_tiff
from clem_retrace.micrograph import Micrograph
from clem_retrace.options import RegistrationOptions
from clem_retrace.pipeline import register, steps
from clem_retrace.registration.warping import Grid, warp_onto

from .conftest import EFFORT, times
from .sitting import QUICK, Sitting, small_pair

posix = pytest.mark.skipif(
    os.name != "posix", reason="Windows lets nobody change a file that is open"
)

KINDS = ("tif", "mrc", "npy", "dm4")


@pytest.fixture(scope="module")
def pair():
    """A small pair."""
    return small_pair()


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the small images were too large to be read at once."""
    monkeypatch.setattr(file_pixels, "SMALL", 0)


def write(path: Path, image: np.ndarray) -> None:
    if path.suffix == ".tif":
        tifffile.imwrite(path, image)
    elif path.suffix == ".npy":
        np.save(path, image)
    elif path.suffix == ".mrc":
        import mrcfile

        with mrcfile.new(path, overwrite=True) as mrc:
            mrc.set_data(image.astype(np.int16))
    else:
        from nion.data import DataAndMetadata
        from nionswift_plugin.DM_IO import dm3_image_utils

        with path.open("wb") as file:
            dm3_image_utils.save_image(
                DataAndMetadata.new_data_and_metadata(image.astype(np.int16)), file, 4
            )


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def written_over(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:500] + bytes(len(content) - 500))
    later = path.stat().st_mtime + 5
    os.utime(path, (later, later))


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"something else")
    other.replace(path)


CHANGES = (cut_short, emptied, written_over, deleted, replaced)


def run_and_change(running, moment, change, path):
    """Return what was said and the transform, of a run in which a file changes at a moment."""
    try:
        for number in itertools.count():
            if number == moment:
                change(path)
            next(running)
    except StopIteration as stop:
        return "", stop.value.em_to_lm
    except BadFile as error:
        return str(error), None


@posix
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", KINDS if EFFORT > 1 else KINDS[:1])
def test_an_em_that_changes_during_a_run(pair, tmp_path, tally, kind, change) -> None:
    path = tmp_path / f"em.{kind}"
    write(path, pair.em.data)
    options = RegistrationOptions.from_paths(QUICK)
    em = read_micrograph(path, pixel_size=pair.em.pixel_size)
    expected = register(pair.lm, em, pair.roi, options).em_to_lm
    count = sum(1 for _ in steps(pair.lm, em, pair.roi, options))
    rng = np.random.default_rng(2)
    told = 0
    moments = {0, *rng.integers(0, count, times(1)).tolist()}
    for moment in moments:
        write(path, pair.em.data)
        em = read_micrograph(path, pixel_size=pair.em.pixel_size)
        said, found = run_and_change(steps(pair.lm, em, pair.roi, options), moment, change, path)
        if found is not None:
            # All that was needed had been read, or what was open is still there.
            np.testing.assert_array_equal(found, expected)
        else:
            told += 1
            assert change not in (deleted, replaced)
            assert said.startswith(f"{path} was changed by another program")
        path.unlink(missing_ok=True)
    if change in (cut_short, emptied, written_over):
        assert told
    tally(moments=len(moments), told=told, misled=0)


#: What a program is asked to do with a file that is cut short under it.
CHILD = """
import os, sys
import numpy as np
from clem_retrace.errors import BadFile
from clem_retrace.io import file_pixels
from clem_retrace.io.images import read_micrograph
file_pixels.SMALL = 0
image = read_micrograph(sys.argv[1])
os.truncate(sys.argv[1], 200)
try:
    np.asarray(image.data[100:200])
except BadFile as error:
    print(error)
"""


@posix
@pytest.mark.parametrize("kind", KINDS)
def test_a_program_outlives_a_file_that_is_cut_short_under_it(pair, tmp_path, kind) -> None:
    """A file that is mapped would end it by SIGBUS, and with it all that is open."""
    path = tmp_path / f"em.{kind}"
    write(path, pair.em.data)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "open it again" in done.stdout


@posix
def test_what_is_written_of_a_file_that_changes(pair, tmp_path) -> None:
    """It is the source that is named, not what is written; that stays as it was."""
    source, out = tmp_path / "em.mrc", tmp_path / "out.ome.tif"
    write(source, pair.em.data)
    out.write_bytes(b"old")
    em = read_micrograph(source, pixel_size=pair.em.pixel_size)
    found = register(pair.lm, em, pair.roi, RegistrationOptions.from_paths(QUICK))
    warp = warp_onto(Grid.on(found.transform, "lm"), em, "em", found.transform)
    cut_short(source)
    with pytest.raises(BadFile, match=r"em\.mrc was changed by another program"):
        write_ome_tiff(out, warp)
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["em.mrc", "out.ome.tif"]


class Gone:
    """Pixels of a drive that goes after some readings, as dask and zarr give them."""

    def __init__(self, data: np.ndarray, readings: float) -> None:
        self._data, self._left = data, readings
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def go(self) -> None:
        """Go at once."""
        self._left = 0

    def __getitem__(self, key: object) -> np.ndarray:
        self._left -= 1
        if self._left < 0:
            raise FileNotFoundError(2, "No such file or directory", "/drive/em.zarr/0/3/4")
        return self._data[key]


@posix
@pytest.mark.parametrize("kind", ["file", "drive"])
def test_the_dock_lives_on(qtbot, pair, tmp_path, tally, kind) -> None:
    path = tmp_path / "em.npy"
    write(path, pair.em.data)
    sitting = Sitting(ViewerModel(), pair, qtbot)
    tried = 0
    try:
        data = read_micrograph(path).data if kind == "file" else Gone(pair.em.data, 10**9)
        sitting.em.data = data
        for moment in (3, 0, 9)[: times(1)]:
            change = (
                cut_short if kind == "file" else (lambda _, data=data: setattr(data, "_left", 0))
            )
            sitting.warnings.clear()
            sitting.run(lambda change=change: change(path), moment)
            tried += 1
            assert sitting.faults == []
            if sitting.warnings:
                named = "em.npy was changed" if kind == "file" else "/drive/em.zarr/0/3/4: No such"
                assert named in sitting.warnings[-1]
            # It is opened again, and all is well.
            write(path, pair.em.data)
            data = read_micrograph(path).data if kind == "file" else Gone(pair.em.data, 10**9)
            sitting.em.data = data
            sitting.run()
            assert sitting.shown is not None
            assert sitting.shown.found
    finally:
        sitting.close()
    tally(tried=tried, ended=0)


def test_a_command_names_the_drive_that_has_gone(pair, monkeypatch, tmp_path, capsys) -> None:
    from clem_retrace import cli
    from clem_retrace.io import images

    em = Micrograph(Gone(pair.em.data, 1), pair.em.pixel_size)
    reading = {"lm": pair.lm, "em": em}
    monkeypatch.setattr(images, "read_micrograph", lambda path, **_: reading[Path(path).stem])
    for name in reading:
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((9, 9), np.uint8))
    roi = [str(round(number)) for number in (pair.roi.row, pair.roi.col, 40, 50)]
    code = cli.main(
        ["run", str(tmp_path / "lm.tif"), str(tmp_path / "em.tif"), "--roi", *roi,
         "--lm-pixel-size", "100", "--em-pixel-size", "25", "--out", str(tmp_path / "out")]
    )  # fmt: skip
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert code == 2
    assert errors == [
        "clem-retrace: error: /drive/em.zarr/0/3/4: No such file or directory "
        "(check that the drive and the folder are there)"
    ]
