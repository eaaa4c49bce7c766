"""Tables of 3 x 3 numbers, as people and napari write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import BadFile, TransformError
from clem_retrace.geometry import invert
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]

MATRIX = np.array([[0.1, -0.02, 30.0], [0.03, 0.2, -4.5], [0, 0, 1]])


def test_numpy_reads_it(tmp_path: Path, transform: PairTransform) -> None:
    path = write_transform(tmp_path / "a.matrix.csv", transform)
    np.testing.assert_array_equal(np.loadtxt(path, delimiter=","), transform.em_to_lm)
    assert path.read_text().splitlines()[0] == (
        "# clem-retrace: from em to lm, in px, (row, col), first pixel centre at 0"
    )
    path = write_transform(tmp_path / "a.matrix.csv", transform, moving="lm")
    np.testing.assert_allclose(np.loadtxt(path, delimiter=","), invert(transform.em_to_lm))
    # It says its direction: another one is not asked for.
    for moving in ("em", "lm"):
        read = read_transform(path, moving=moving)
        np.testing.assert_allclose(read.em_to_lm, transform.em_to_lm, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "0.1,-0.02,30\n0.03,0.2,-4.5\n0,0,1\n",
        "0.1, -0.02, 30.0\r\n3e-2, .2, -4.5\r\n0, 0, 1",
        "0.1;-0.02;30\n0.03;0.2;-4.5\n0;0;1\n",
        "\ufeff0.1,-0.02,30,\n0.03,0.2,-4.5,\n0,0,1,\n",
        "# mine\n\n  1.0e-1 -0.02 30\n\t0.03\t0.2\t-4.5\n0 0 1\n",
        "1 0 0 0\n0 0.1 -0.02 30\n0 0.03 0.2 -4.5\n0 0 0 1\n",
    ],
)
def test_tables_are_read(save: Save, text: str) -> None:
    read = read_transform(save("a.csv", text))
    np.testing.assert_allclose(read.em_to_lm, MATRIX, rtol=1e-15)
    assert (read.origin, read.model) == ("file", "affine")
    np.testing.assert_allclose(read_transform(save("b.txt", text), moving="lm").to_em((9, 8)),
                               (0.1 * 9 - 0.02 * 8 + 30, 0.03 * 9 + 0.2 * 8 - 4.5))  # fmt: skip


def test_in_lengths(save: Save) -> None:
    lm, em = ImageFacts("", (9, 9), 100.0), ImageFacts("", (9, 9), 10.0)
    path = save("a.csv", "2 0 3\n0 2 5\n0 0 1\n")
    read = read_transform(path, lm=lm, em=em, unit="um")
    np.testing.assert_allclose(read.to_lm((70, 90)), ((2 * 0.7 + 3) / 0.1, (2 * 0.9 + 5) / 0.1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,0,0\n0,1,0\n", "has 2 rows of 3 numbers: 3 x 3"),
        ("1,0,0\n0,1\n0,0,1\n", "has 3 rows of 2 or 3 numbers"),
        ("1,0,0\n0,1,0\n0,0,one\n", "'one': a finite number"),
        ("1,0,0\n0,1,0\n0,0,inf\n", "'inf': a finite number"),
        ("1,0,0\n0,1,\n0,0,1\n", "3 rows of 2 or 3"),
        ("2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "its first axis, that of a stack"),
        ("1 0 0 0\n5 1 0 0\n0 0 1 0\n0 0 0 1\n", "leaves the plane"),
        ("# clem-retrace: from em to lm, in inch, \n1 0 0\n0 1 0\n0 0 1\n", "its note says"),
        ("1" * 100 + "e999,0,0\n0,1,0\n0,0,1", r"\.\.\.: a finite number"),
    ],
)
def test_bad_files(save: Save, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_transform(save("a.csv", text))


def test_what_is_no_transform_of_the_plane(save: Save) -> None:
    for text in ("1,0,0\n0,1,0\n0,0,2\n", "1,2,0\n2,4,0\n0,0,1\n", "1,0,0\n0,1,0\n9,0,1\n"):
        with pytest.raises(TransformError, match=r"a\.csv cannot be used \(3 x 3 matrix, CSV\)"):
            read_transform(save("a.csv", text))


def test_a_table_of_ec_clem_is_told_from_ours(save: Save) -> None:
    text = "1,0,0,5\n0,1,0,6\n0,0,1,0\n0,0,0,1\n"
    with pytest.raises(BadFile, match=r"read the \.transformation\.xml"):
        read_transform(save("a_to_b.transformation.csv", text))
