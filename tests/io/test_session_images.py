"""An image of a session is described, and found again where it is: as it was, or not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import imageio.v3
import numpy as np
import pytest
import tifffile

from clem_retrace import synthetic
from clem_retrace.events import Progress, run
from clem_retrace.io import samples, session_images
from clem_retrace.io.images import read_micrograph
from clem_retrace.io.session_images import (
    SAMPLES,
    SessionImage,
    describe,
    describe_steps,
    find_image,
    find_image_steps,
    sample_pair,
)
from clem_retrace.micrograph import Micrograph
from clem_retrace.synthetic import simulate_pair

RNG = np.random.default_rng(21)
STACK = RNG.integers(0, 60000, (3, 2, 24, 40), dtype=np.uint16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two channels in three planes."""
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, STACK, ome=True, metadata={"axes": "ZCYX"})
    return path


@pytest.fixture
def image(file: Path) -> SessionImage:
    micrograph = read_micrograph(file, channel=1, projection="mean", pixel_size=55.0)
    return describe(micrograph, path=file, channel=1, projection="mean")


def test_an_image_is_described_by_its_pixels_and_its_origin(
    image: SessionImage, file: Path
) -> None:
    assert image.name == "stack.ome.tif"
    assert image.shape == (24, 40)
    assert image.pixel_size == 55.0
    assert (image.channel, image.projection, image.plane) == (1, "mean", 0)
    assert image.origin == str(file)
    assert len(image.digest) == 64
    assert describe(Micrograph(np.zeros((3, 3)))).origin == "not on disk"
    assert describe(Micrograph(np.zeros((3, 3))), sample="real").origin == "sample real"


def test_paths_are_kept_in_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert describe(Micrograph(np.zeros((3, 3))), path="a.tif").path == file.parent / "a.tif"
    image = SessionImage("a", (3, 3), sample="real").at("b.tif")
    assert (image.path, image.sample) == (file.parent / "b.tif", "")


def test_an_image_is_found_as_it_was(image: SessionImage) -> None:
    found = find_image(image, "lm")
    assert found
    assert found.problem == ""
    assert found.micrograph is not None
    expected = STACK[:, 1].mean(axis=0, dtype=np.float32)
    np.testing.assert_array_equal(found.micrograph.data, expected)
    # not the file's, but the one that was used
    assert found.micrograph.pixel_size == 55.0
    unknown = find_image(replace(image, pixel_size=None), "lm").micrograph
    assert unknown is not None
    assert unknown.pixel_size is None


def test_the_pixel_size_that_the_file_gives_is_not_asked(image: SessionImage, file: Path) -> None:
    metadata = {"axes": "ZCYX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 2.0}
    tifffile.imwrite(file, STACK, ome=True, metadata=metadata)
    assert find_image(image, "lm")


def test_another_file_with_the_same_pixels_is_the_same_image(
    image: SessionImage, tmp_path: Path
) -> None:
    path = tmp_path / "again.tif"
    tifffile.imwrite(path, STACK, metadata={"axes": "ZCYX"}, imagej=True, compression="zlib")
    found = find_image(image.at(path), "lm")
    assert found
    assert found.image.path == path


def test_an_image_that_is_missing_is_a_result(image: SessionImage, file: Path) -> None:
    file.unlink()
    found = find_image(image, "lm")
    assert not found
    assert found.micrograph is None
    assert found.problem == f"{file} is missing: say where the image is now"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: np.where(np.arange(40) == 7, data + 1, data), "its pixels are not those"),
        (lambda data: data.astype(np.float32), "its pixels are not those"),
        (lambda data: data[..., :-1], "it has 24 x 39 pixels, and had 24 x 40"),
    ],
)
def test_an_image_that_has_changed_can_be_taken_all_the_same(
    change: Any, words: str, image: SessionImage, file: Path
) -> None:
    image = replace(image, projection="max", digest=describe(
        read_micrograph(file, channel=1)).digest)  # fmt: skip
    assert find_image(image, "lm")
    changed = change(STACK)
    tifffile.imwrite(file, changed, ome=True, metadata={"axes": "ZCYX"})
    found = find_image(image, "lm")
    assert not found
    assert f"{file} has changed" in found.problem
    assert words in found.problem
    assert found.micrograph is not None
    assert found.micrograph.shape == changed.shape[-2:]


def test_without_a_digest_an_image_is_known_by_its_shape(image: SessionImage) -> None:
    assert find_image(replace(image, digest=""), "lm")
    assert not find_image(replace(image, digest="", shape=(24, 41)), "lm")


def test_an_image_that_was_never_on_disk_is_asked_for() -> None:
    found = find_image(SessionImage("Layer 3", (9, 9)), "em")
    assert found.micrograph is None
    assert "'Layer 3' was not on disk" in found.problem


def test_a_file_that_cannot_be_read_is_a_result(image: SessionImage, tmp_path: Path) -> None:
    for name, content, words in (
        ("a.tif", b"no image", "cannot be read as TIFF"),
        ("a.txt", b"secret", "unknown kind"),
    ):
        (tmp_path / name).write_bytes(content)
        found = find_image(image.at(tmp_path / name), "lm")
        assert found.micrograph is None
        assert words in found.problem
    imageio.v3.imwrite(tmp_path / "a.png", RNG.integers(0, 255, (24, 40, 3), dtype=np.uint8))
    assert (
        "channel" in find_image(replace(image, channel=None).at(tmp_path / "a.png"), "lm").problem
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_only_files_are_opened(image: SessionImage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "folder.tif").mkdir()
    for name in ("pipe.tif", "folder.tif"):
        assert "is not a file" in find_image(image.at(tmp_path / name), "lm").problem


# Samples ------------------------------------------------------------------------------------


def test_samples_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = simulate_pair(
        3, lm_shape=(60, 70), em_shape=(200, 210), roi_size=(20, 20), ratio=3.0, angle=0.0
    )
    monkeypatch.setattr(synthetic, "melanosomes", lambda: pair)
    for role in ("lm", "em"):
        micrograph = replace(getattr(pair, role), pixel_size=77.0)
        image = describe(micrograph, sample="melanosomes")
        found = find_image(image, role)  # type: ignore[arg-type]
        assert found
        assert found.micrograph is not None
        assert found.micrograph.pixel_size == 77.0
        np.testing.assert_array_equal(found.micrograph.data, micrograph.data)
    assert not find_image(image, "lm")


def test_every_sample_has_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for owner, name in (
        (synthetic, "endosomes"), (synthetic, "melanosomes"), (samples, "real_pair"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, lambda name=name: made.append(name))
    for name in SAMPLES:
        sample_pair(name)
    assert made == ["endosomes", "melanosomes", "real_pair"]


# Large images -------------------------------------------------------------------------------


def test_of_large_images_strips_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_images, "DIGESTED_BYTES", 2000)
    monkeypatch.setattr(session_images, "DIGESTED_ROWS", 4)
    data = RNG.integers(0, 255, (400, 100), dtype=np.uint8)
    image = Micrograph(data)
    events: list[Any] = []
    whole = run(describe_steps(image), events.append).digest
    assert events == [Progress("recognising", done, 5) for done in range(5)]
    assert describe(Micrograph(da.from_array(data, chunks=32))).digest == whole
    seen = np.linspace(0, 396, 5).astype(int)
    for row, noticed in ((0, True), (399, True), (seen[2] + 3, True), (seen[2] + 4, False)):
        other = data.copy()
        other[row, 5] ^= 1
        assert (describe(Micrograph(other)).digest != whole) == noticed
    # the strips' contents do not make up for the shape
    assert describe(Micrograph(data[: seen[4]])).digest != whole


def test_progress_comes_before_anything_is_read(image: SessionImage) -> None:
    generator = find_image_steps(replace(image, path=Path("/nowhere/a.tif")), "lm", "finding")
    assert next(generator) == Progress("finding", 0, 1)
    generator.close()
