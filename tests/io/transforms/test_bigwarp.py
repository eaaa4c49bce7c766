"""Landmark tables of BigWarp, against rows in the form that its source writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import BadFile, LandmarkError
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]

#: Four pairs, of which one is off, and two half placed; micrometres, (x, y), moving first.
TABLE = """\
"Pt-0","true","1.13","2.26","11.0","5.5"
"Pt-1","true","4.52","2.26","14.3","5.5"
"Pt-2","true","1.13","6.78","11.0","9.9"
"a, ""b"" c","false","4.52","6.78","14.4","9.9"
"Pt-4","false","Infinity","Infinity","3.3","4.4"
"Pt-5","false","9.04","1.13","Infinity","Infinity"
"""


def test_a_table_is_read(save: Save, lm: ImageFacts, em: ImageFacts) -> None:
    read = read_transform(save("a.csv", TABLE), lm=lm, em=em)
    pairs = read.landmarks
    assert pairs is not None
    assert pairs.names == ("Pt-0", "Pt-1", "Pt-2", 'a, "b" c', "Pt-4", "Pt-5")
    np.testing.assert_allclose(pairs.em[:2], [(200, 100), (200, 400)])
    np.testing.assert_allclose(pairs.lm[:2], [(50, 100), (50, 130)])
    np.testing.assert_allclose(pairs.lm[4], (40, 30))
    assert np.isnan(pairs.em[4]).all()
    assert np.isnan(pairs.lm[5]).all()
    # A pair takes no part there until it is placed; that is not to stay when it is.
    assert pairs.active.tolist() == [True, True, True, False, True, True]
    assert pairs.held_back.tolist() == [False, False, False, True, False, False]
    assert (read.model, read.origin) == ("affine", "landmarks")
    np.testing.assert_allclose(read.to_lm(pairs.em[:3]), pairs.lm[:3], atol=1e-9)


def test_the_same_table_is_written(save: Save, lm: ImageFacts, em: ImageFacts) -> None:
    path = save("a.landmarks.csv", TABLE)
    written = write_transform(path.with_name("b.landmarks.csv"), read_transform(path, lm=lm, em=em))
    rows = [line.split(",") for line in written.read_text().splitlines()]
    for row, line in zip(rows, TABLE.splitlines(), strict=True):
        said = line.split(",")
        assert row[:-4] == said[:-4]
        numbers = ([float(cell.strip('"')) for cell in cells[-4:]] for cells in (row, said))
        np.testing.assert_allclose(*numbers, rtol=1e-12)
        assert all(cell.startswith('"') and cell.endswith('"') for cell in row[-4:])


def test_the_lm_may_be_the_moving_image(save: Save, lm: ImageFacts, em: ImageFacts) -> None:
    path = save("a.csv", TABLE)
    turned = read_transform(path, lm=em, em=lm, moving="lm")
    straight = read_transform(path, lm=lm, em=em)
    np.testing.assert_allclose(turned.to_em((200, 100)), straight.to_lm((200, 100)))


def test_spaces_without_quotes_a_header_and_three_dimensions(
    save: Save, lm: ImageFacts, em: ImageFacts
) -> None:
    text = """name,active,mx,my,mz,fx,fy,fz
a, TRUE ,1,2,7.5,3,4,-2.5
b,true,5,2,7.5,9,4,-2.5\r
c,true,1,9,7.5,3,5,-2.5

d,true,inf,-Infinity,Infinity,3,5,-2.5
"""
    read = read_transform(save("a.csv", text), lm=lm, em=em, unit="px")
    pairs = read.landmarks
    assert pairs is not None
    assert pairs.names == ("a", "b", "c", "d")
    np.testing.assert_allclose(pairs.em[:3], [(2, 1), (2, 5), (9, 1)])
    np.testing.assert_allclose(read.to_lm(pairs.em[:3]), pairs.lm[:3], atol=1e-12)


def test_the_model_is_what_is_asked_for_or_what_the_pairs_tell(
    save: Save, lm: ImageFacts, em: ImageFacts
) -> None:
    path = save("a.csv", TABLE)
    for model in ("rigid", "similarity", "affine", "thin-plate spline"):
        assert read_transform(path, lm=lm, em=em, model=model).model == model
    two = save("b.csv", "\n".join(TABLE.splitlines()[:2]))
    assert read_transform(two, lm=lm, em=em).model == "similarity"
    with pytest.raises(LandmarkError, match=r"b\.csv cannot be used .* needs 3 pairs"):
        read_transform(two, lm=lm, em=em, model="affine")
    one = save("c.csv", TABLE.splitlines()[0])
    with pytest.raises(LandmarkError, match="needs 2 pairs"):
        read_transform(one, lm=lm, em=em)


def test_a_spline_comes_back_through_its_pairs(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts
) -> None:
    rng = np.random.default_rng(5)
    on_em = rng.uniform(0, 2000, (7, 2))
    pairs = Landmarks.of(on_em / 10 + rng.normal(0, 3, (7, 2)), on_em)
    spline = fit_landmarks(pairs, "thin-plate spline", lm=lm, em=em)
    path = write_transform(tmp_path / "a.landmarks.csv", spline)
    read = read_transform(path, lm=lm, em=em, model="thin-plate spline")
    points = rng.uniform(0, 200, (20, 2))
    np.testing.assert_allclose(read.to_em(points), spline.to_em(points), atol=1e-6)


def test_a_transform_without_pairs_is_written_by_the_corners_of_the_lm(
    tmp_path: Path, transform: PairTransform
) -> None:
    path = write_transform(tmp_path / "a.landmarks.csv", transform)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    fixed = np.array([[float(cell.strip('"')) for cell in row[4:]] for row in rows])
    # 300 rows and 420 columns of 0.11 um.
    corners = [(0, 0), (0, 32.89), (46.09, 32.89), (46.09, 0), (23.045, 16.445)]
    np.testing.assert_allclose(fixed, corners)
    bare = PairTransform(transform.em_to_lm, ImageFacts("", (0, 0), 110.0), transform.em)
    with pytest.raises(BadFile, match="the shape of the LM image is not known"):
        write_transform(tmp_path / "b.landmarks.csv", bare)


ROW = '"Pt-0","true","1","2","3","4"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW + '"Pt-1","true","1","2","3"\n', "row 2 has 5 columns"),
        (ROW + '"Pt-1","true","1","2","3","4","5","6"\n', "row 2 has 8 columns"),
        (ROW + '"Pt-1","true","1","2","3","nan"\n', "in row 2 is 'nan'"),
        (ROW + '"Pt-1","true","1","2","3","1e400"\n', "in row 2 is '1e400'"),
        (ROW + '"Pt-1","true","1","2","3","1e12"\n', "pixels away: check the unit"),
        (ROW + '"Pt-1","true","1","2","3",""\n', "in row 2 is ''"),
        (ROW + '"Pt-1","maybe","1","2","3","4"\n', "row 2 says 'maybe'"),
        (ROW + '"Pt-1","true","1","2","3","4', "it is no table, or cut short"),
        ('"a","true","1","2","3","4","5","6"\n"b","true","1","2","4","4","5","6"\n', "different z"),
    ],
)
def test_bad_files(save: Save, lm: ImageFacts, em: ImageFacts, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_transform(save("a.csv", text), lm=lm, em=em)


def test_a_spline_through_too_many_pairs_is_refused(
    save: Callable[[str, str], Path], lm: ImageFacts, em: ImageFacts
) -> None:
    """It would take memory by their square."""
    rows = (f'"a","true",{n % 71},{n // 71},{n // 71 + 1},{n % 71}' for n in range(5000))
    path = save("a.landmarks.csv", "\n".join(rows))
    with pytest.raises(BadFile, match="5000 pairs, and a spline is fitted to 4000 at most"):
        read_transform(path, lm=lm, em=em, model="thin-plate spline")
    assert read_transform(path, lm=lm, em=em).model == "affine"
