"""napari's tables on another image: every place moved, all else kept."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.geometry import map_points, similarity
from clem_retrace.io.napari_tables import ELLIPSE_VERTICES, move_shape, move_table

TURNED = similarity(3.0, 30.0, True, (10, 20), (100, 200))
SHEARED = np.array([[1.0, 0.4, 5], [0, 1, -3], [0, 0, 1]])

SQUARE = np.array([[0.0, 0], [0, 4], [4, 4], [4, 0]])


def turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return map_points(TURNED, points)


def sheared(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return map_points(SHEARED, points)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_points_keep_their_order_and_all_that_is_known_of_them(tmp_path: Path) -> None:
    source = tmp_path / "points.csv"
    source.write_text(
        'index,axis-0,axis-1,name\n0,10.5,20.25,"a, b"\n1,nan,nan,none\n2,-500,3e3,\u00b5\n3,,7,\n',
        encoding="utf-8",
    )
    moved = move_table(source, tmp_path / "out.csv", turned)
    assert (moved.count, moved.lost, moved.reshaped) == (4, 0, 0)
    rows = rows_of(moved.path)
    assert [row["index"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["name"] for row in rows] == ["a, b", "none", "\u00b5", ""]
    places = np.array([[float(row["axis-0"]), float(row["axis-1"])] for row in rows])
    expected = turned(np.array([[10.5, 20.25], [np.nan, np.nan], [-500, 3000], [np.nan, 7]]))
    # To the last digit.
    np.testing.assert_array_equal(places, expected)


def test_the_last_two_axes_are_rows_and_columns(tmp_path: Path) -> None:
    source = tmp_path / "points.csv"
    source.write_text("index,axis-0,axis-1,axis-2\n0,7,10,20\n")
    (row,) = rows_of(move_table(source, tmp_path / "out.csv", turned).path)
    assert row["axis-0"] == "7"
    assert (float(row["axis-1"]), float(row["axis-2"])) == pytest.approx((100, 200))


def test_places_that_are_lost_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "points.csv"
    source.write_text("index,axis-0,axis-1\n0,1,2\n1,30,2\n2,nan,nan\n")

    def folded(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(points[:, :1] > 10, np.nan, points)

    moved = move_table(source, tmp_path / "out.csv", folded)
    assert (moved.count, moved.lost) == (3, 1)
    assert [row["axis-0"] for row in rows_of(moved.path)] == ["1.0", "nan", "nan"]


def test_what_napari_writes_is_what_napari_reads(tmp_path: Path) -> None:
    pytest.importorskip("napari")
    from napari.layers import Points, Shapes
    from napari_builtins.io import napari_write_points, napari_write_shapes

    def saved(layer: Any, write: Any, name: str) -> Path:
        data, meta, _ = layer.as_layer_data_tuple()
        write(str(tmp_path / name), data, meta)
        return tmp_path / name

    points = Points(np.array([[1.5, 2.0], [30, 40]]), scale=(11, 11), features={"kind": ["x", "y"]})
    moved = move_table(saved(points, napari_write_points, "p.csv"), tmp_path / "q.csv", turned)
    rows = rows_of(moved.path)
    read = np.array([[float(row["axis-0"]), float(row["axis-1"])] for row in rows])
    np.testing.assert_allclose(read, turned(points.data))
    assert [row["kind"] for row in rows] == ["x", "y"]

    kinds = ["rectangle", "ellipse", "polygon", "path", "line"]
    shapes = Shapes([SQUARE, SQUARE, SQUARE[:3], SQUARE, SQUARE[:2]], shape_type=kinds)
    path = saved(shapes, napari_write_shapes, "s.csv")
    for move, expected in ((turned, kinds), (sheared, ["polygon"] * 3 + ["path", "line"])):
        moved = move_table(path, tmp_path / "t.csv", move)
        assert moved.reshaped == (0 if move is turned else 2)
        rows = rows_of(moved.path)
        groups = [[row for row in rows if row["index"] == str(number)] for number in range(5)]
        assert [group[0]["shape-type"] for group in groups] == expected
        for group in groups:
            assert [row["vertex-index"] for row in group] == [str(n) for n in range(len(group))]
        drawn = [
            np.array([[float(row["axis-0"]), float(row["axis-1"])] for row in group])
            for group in groups
        ]
        again = Shapes(drawn, shape_type=expected)
        assert again.shape_type == expected
        np.testing.assert_allclose(again.data[2], move(SQUARE[:3]))
        np.testing.assert_allclose(again.data[4], move(SQUARE[:2]))


def test_an_ellipse_becomes_the_polygon_of_its_points() -> None:
    kind, vertices = move_shape("ellipse", SQUARE, sheared)
    assert (kind, len(vertices)) == ("polygon", ELLIPSE_VERTICES)
    back = map_points(np.linalg.inv(SHEARED), vertices)
    np.testing.assert_allclose(np.hypot(*(back - 2).T), 2)


def test_a_rectangle_under_a_turn_stays_one() -> None:
    kind, vertices = move_shape("rectangle", SQUARE, turned)
    assert kind == "rectangle"
    np.testing.assert_allclose(vertices, turned(SQUARE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"x,y\n1,2\n", "axis-0 and axis-1 are needed"),
        (b"index,axis-0\n0,1\n", "axis-0 and axis-1 are needed"),
        (b"index,axis-0,axis-1\n0,1\n", "row 1 has 2 columns and the header 3"),
        (b"index,axis-0,axis-1\n0,1,2\n1,a,4\n", "row 2 has the place a, 4: numbers"),
        (b"index,axis-0,axis-1\n0,inf,2\n", "row 1 has the place inf, 2: numbers"),
        (b"\xff\xfe\x00a", "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    source = tmp_path / "points.csv"
    source.write_bytes(content)
    with pytest.raises(BadFile, match=message):
        move_table(source, tmp_path / "out.csv", turned)
    assert list(tmp_path.iterdir()) == [source]


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="does not exist"):
        move_table(tmp_path / "points.csv", tmp_path / "out.csv", turned)


def test_an_empty_table_stays_one(tmp_path: Path) -> None:
    for header in ("index,axis-0,axis-1\n", "index,shape-type,vertex-index,axis-0,axis-1\n"):
        (tmp_path / "a.csv").write_text(header)
        moved = move_table(tmp_path / "a.csv", tmp_path / "out.csv", turned)
        assert (moved.count, moved.path.read_text().strip()) == (0, header.strip())


def test_shapes_without_the_number_of_each(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("shape-type,axis-0,axis-1\npath,1,2\n")
    with pytest.raises(BadFile, match="are needed, of shapes index too"):
        move_table(tmp_path / "a.csv", tmp_path / "b.csv", lambda points: points)


def test_a_table_of_very_many_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"axis-{number}" for number in range(2000)))
    with pytest.raises(BadFile, match="has 2000 columns: at most 1000"):
        move_table(tmp_path / "a.csv", tmp_path / "b.csv", lambda points: points)
