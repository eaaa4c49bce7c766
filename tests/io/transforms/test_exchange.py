"""Every kind of file comes back as it was written, and no bad one does more than be refused."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clem_retrace.errors import BadFile, ClemRetraceError
from clem_retrace.geometry import compose, similarity
from clem_retrace.io.transforms import KINDS, kind_for, read_transform, write_transform
from clem_retrace.io.transforms.parsing import LARGEST
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks, Which
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]

WRITABLE = [name for name, kind in KINDS.items() if kind.write is not None]

sizes = st.floats(0.1, 2000)
shapes = st.tuples(st.integers(999, 30000), st.integers(999, 30000))
points = st.tuples(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4))


@st.composite
def transforms(draw: st.DrawFn) -> PairTransform:
    """Affine transforms such as there are between two images, mirrored or not."""
    matrix = similarity(
        draw(st.floats(1e-3, 10)), draw(st.floats(-180, 180)), draw(st.booleans()),
        draw(points), draw(points),
    )  # fmt: skip
    shear = np.eye(3)
    shear[:2, :2] += np.reshape([draw(st.floats(-0.2, 0.2)) for _ in range(4)], (2, 2))
    lm, em = (ImageFacts("", draw(shapes), draw(sizes)) for _ in range(2))
    return PairTransform(compose(matrix, shear), lm, em)


def distance(one: PairTransform, other: PairTransform) -> float:
    """How far apart two transforms are in LM pixels, at most, within the EM that the LM shows."""
    corners = np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) * (np.array(one.lm.shape) - 1)
    on_em = one.to_em(corners)
    return float(np.abs(one.to_lm(on_em) - other.to_lm(on_em)).max())


@pytest.mark.parametrize("kind", WRITABLE)
@settings(deadline=None, max_examples=25)
@given(transform=transforms(), moving=st.sampled_from(["em", "lm"]), data=st.data())
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    transform: PairTransform,
    moving: Which,
    data: st.DataObject,
) -> None:
    unit = data.draw(st.sampled_from(KINDS[kind].units))
    path = tmp_path_factory.getbasetemp() / f"transform-{kind}"
    write_transform(path, transform, kind, moving=moving, unit=unit)
    # The others say it.
    said = unit if kind == "bigwarp" else None
    read = read_transform(path, lm=transform.lm, em=transform.em, moving=moving, unit=said)
    # A millionth of an LM pixel: points are 2e4 pixels away, and those of a fit are inverted.
    assert distance(transform, read) < 1e-6


@pytest.mark.parametrize("kind", WRITABLE)
def test_a_file_is_known_by_its_content_whatever_its_name(
    tmp_path: Path, transform: PairTransform, lm: ImageFacts, em: ImageFacts, kind: str
) -> None:
    path = write_transform(tmp_path / "transform.dat", transform, kind)
    assert distance(transform, read_transform(path, lm=lm, em=em)) < 1e-6
    path.write_text("\ufeff\n" + path.read_text().replace("\n", "\r\n"), encoding="utf-8")
    if not KINDS[kind].suffixes[0].endswith("xml"):  # which begins with its declaration
        assert distance(transform, read_transform(path, lm=lm, em=em)) < 1e-6


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "json"), ("A.TFM", "itk"), ("a.txt", "itk"), ("a.ngff.json", "ngff"),
        ("zarr.json", "ngff"), ("x.landmarks.csv", "bigwarp"), ("a.b.matrix.csv", "matrix"),
        ("a.xml", "ec-clem"), ("a.transformation_schema.xml", "ec-clem"),
        ("a_to_b.transformation.xml", "ec-clem-matrix"),
    ],
)  # fmt: skip
def test_the_name_tells_what_is_written(name: str, kind: str) -> None:
    assert kind_for(name).name == kind
    assert kind_for(name, "matrix").name == "matrix"


def test_names_that_tell_nothing() -> None:
    for name in ("a.csv", "a", "a.tif", "landmarks.csv.gz"):
        with pytest.raises(BadFile, match=r"does not tell the kind of file: \.json, "):
            kind_for(name)
    for kind in ("xlsx", "registration"):
        with pytest.raises(BadFile, match=f"not written as {kind!r}, but as json, ngff, itk"):
            kind_for("a.json", kind)


def test_suffixes_are_of_one_kind_each_and_names_of_the_table() -> None:
    suffixes = [suffix for kind in KINDS.values() for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(name == kind.name for name, kind in KINDS.items())


def test_a_spline_is_written_where_it_can_be(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts
) -> None:
    rng = np.random.default_rng(8)
    on_em = rng.uniform(0, 2000, (6, 2))
    pairs = Landmarks.of(on_em / 10 + rng.normal(0, 3, (6, 2)), on_em)
    spline = fit_landmarks(pairs, "thin-plate spline", lm=lm, em=em)
    path = tmp_path / "a"
    for kind in WRITABLE:
        if KINDS[kind].keeps_spline:
            write_transform(path, spline, kind)
            read = read_transform(path, lm=lm, em=em, model="thin-plate spline")
            np.testing.assert_allclose(read.to_em((70, 80)), spline.to_em((70, 80)), atol=1e-6)
        else:
            message = "cannot hold a thin-plate spline .*: one of json, ec-clem, bigwarp can"
            with pytest.raises(BadFile, match=message):
                write_transform(path, spline, kind)


def test_units_that_a_kind_has_not(tmp_path: Path, transform: PairTransform) -> None:
    path = tmp_path / "a.xml"
    with pytest.raises(BadFile, match=r"can be in um \(eC-CLEM points, XML\), not px"):
        write_transform(path, transform, unit="px")
    write_transform(path, transform)
    with pytest.raises(BadFile, match=r"is in um \(eC-CLEM points, XML\), not in px"):
        read_transform(path, unit="px")


@pytest.mark.parametrize("kind", WRITABLE)
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, transform: PairTransform, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    # What cannot be written is found before the file is begun, ...
    with pytest.raises(ClemRetraceError, match=r"cannot be (written|in inch)|can be in "):
        write_transform(path, transform, kind, unit="inch")  # type: ignore[arg-type]

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    # ... and what fails later leaves nothing behind.
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadFile, match="a cannot be written: No space left on device"):
        write_transform(path, transform, kind)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_program_that_is_killed_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    code = """
        import os, sys
        import numpy as np
        from clem_retrace.io.transforms import write_transform
        from clem_retrace.micrograph import ImageFacts
        from clem_retrace.registration.pair_transform import PairTransform

        facts = ImageFacts("", (9, 9), 1.0)
        os.fsync = lambda _: os._exit(7)
        write_transform(sys.argv[1], PairTransform(np.eye(3), facts, facts))
    """
    path = tmp_path / "a.json"
    path.write_text("old")
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    assert subprocess.run(command, check=False).returncode == 7
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tfm", b"", "is empty"),
        ("a.tfm", b" \n\n", "is empty"),
        ("a.tfm", b"Transform: x", "does not hold what its name says .ITK transform, text"),
        ("a.json", b"{}", "does not hold what its name says .clem-retrace transform"),
        ("a.json", b'{"kind": "clem-retrace transform"', "is no transform, or is damaged"),
        ("a.json", b'{"kind": "clem-retrace transform"}', "has the format None"),
        ("a.xml", b"<root/>", "does not hold what its name says .eC-CLEM points"),
        ("a.bin", b"\x89HDF\r\n", "is no transform, but an HDF5 file: save the transform as text"),
        ("a.tif", b"II*\0\0\0", "is no transform, but a TIFF image"),
        ("a.mat", b"AffineTransform\0\xff\xfe", "it holds no text in UTF-8"),
        ("a.mat", b"AffineTransform\0double", "it holds no text"),
        ("a.txt", "\u00b5".encode("latin-1"), "it holds no text in UTF-8"),
        ("a.txt", b"hello", "does not hold what its name says"),
        ("a", b"hello", "is none of the transforms that are read: clem-retrace transform"),
        ("a.txt", b'(Transform "EulerTransform")', "is a parameter file of elastix"),
        ("a.json", b'{"Sources": {}, "Transform": {}}', "is a BigWarp project: export"),
        ("a.xml", b"<SpimData>", "is a BigDataViewer XML"),
        ("a.tfm", b" " * (LARGEST + 1), "is too large for a transform: more than 4 MB"),
    ],
)
def test_what_is_no_transform(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadFile, match=message):
        read_transform(path)


def test_where_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"a\.tfm does not exist"):
        read_transform(tmp_path / "a.tfm")
    with pytest.raises(BadFile, match="is not a file"):
        read_transform(tmp_path)


@pytest.fixture(scope="module")
def good(
    tmp_path_factory: pytest.TempPathFactory, lm: ImageFacts, em: ImageFacts
) -> dict[str, bytes]:
    """A file of each kind, whose transform was fitted to four pairs."""
    on_em = np.array([(10.0, 20.0), (1900.0, 40.0), (300.0, 2300.0), (1500.0, 1700.0)])
    pairs = Landmarks.of(on_em / 10 + [(0, 1), (1, 0), (0, 0), (2, 1)], on_em).adding(lm=(1, 2))
    transform = fit_landmarks(pairs, "affine", lm=lm, em=em)
    path = tmp_path_factory.mktemp("good") / "a"
    return {kind: write_transform(path, transform, kind).read_bytes() for kind in WRITABLE}


#: What breaks parsers.
SNIPPETS = [
    b"nan", b"Infinity", b"-1e999", b"1e308", b"1e-308", b"0", b"-0", b"9" * 400, b"", b" ", b"\n",
    b",", b";", b'"', b"'", b"<", b">", b"<!DOCTYPE a>", b"&a;", b"<!--", b"]", b"[", b"{", b"}",
    b"null", b"true", b"[]", b"{}", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b":", b"#",
    b"3", b"1e18", b"\xd9\xa3",
]  # fmt: skip


@pytest.mark.parametrize("kind", WRITABLE)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    good: dict[str, bytes],
    tmp_path: Path,
    lm: ImageFacts,
    em: ImageFacts,
    kind: str,
    data: st.DataObject,
) -> None:
    content = bytearray(good[kind])
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        start = data.draw(st.integers(0, len(content)), label="start")
        end = min(len(content), start + data.draw(st.sampled_from([0, 0, 1, 2, 8, 10**6])))
        content[start:end] = data.draw(st.sampled_from(SNIPPETS) | st.binary(max_size=3))
    path = tmp_path / "a"
    path.write_bytes(content)
    read = outcome(path, lm, em)
    if isinstance(read, str):
        assert str(path) in read
        assert len(read) < 600
    else:
        assert np.isfinite(read.em_to_lm).all()
        assert np.isfinite(read.to_lm((3.0, 4.0))).all()


def outcome(path: Path, lm: ImageFacts, em: ImageFacts) -> PairTransform | str:
    """The transform in a file, or what is said against it."""
    try:
        return read_transform(path, lm=lm, em=em)
    except ClemRetraceError as error:
        return str(error)


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any bytes"
    path.write_bytes(content)
    with pytest.raises(ClemRetraceError):
        read_transform(path)


def test_a_transform_of_other_images_has_their_facts(
    tmp_path: Path, transform: PairTransform
) -> None:
    path = write_transform(tmp_path / "a.json", transform)
    read = read_transform(path, lm=replace(transform.lm, name="channel 2"))
    assert (read.lm.name, read.em) == ("channel 2", transform.em)
