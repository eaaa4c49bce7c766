"""OME-NGFF coordinate transformations, against scenes in the form of the specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clem_retrace.errors import BadFile, TransformError
from clem_retrace.geometry import map_points
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Which
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]

LM, EM = ImageFacts("", (100, 100), 200.0), ImageFacts("", (900, 900), 10.0)


def system(name: str, axes: str = "yx", unit: str | None = "micrometer") -> dict[str, Any]:
    rows = [{"name": axis, "type": "space"} | ({"unit": unit} if unit else {}) for axis in axes]
    return {"name": name, "axes": rows}


def scene(*transformations: dict[str, Any], systems: Any = None) -> str:
    values = {
        "coordinateSystems": [system("em"), system("lm")] if systems is None else systems,
        "coordinateTransformations": list(transformations),
    }
    return json.dumps({"attributes": {"ome": {"version": "0.6", "scene": values}}})


def between(**what: Any) -> dict[str, Any]:
    return {"input": {"name": "em"}, "output": {"name": "lm"}} | what


AFFINE = between(type="affine", affine=[[0.0, 2.0, 3.0], [-1.0, 0.5, 4.0]])

#: Where that takes an EM point, which lies at (5, 6) um, in LM pixels.
POINT, PLACE = (500.0, 600.0), np.array([(0 + 12 + 3) / 0.2, (-5 + 3 + 4) / 0.2])


@pytest.mark.parametrize("moving", ["em", "lm"])
@pytest.mark.parametrize("unit", ["nm", "um", "mm"])
def test_what_is_written_takes_points_along(
    tmp_path: Path, transform: PairTransform, moving: Which, unit: Any
) -> None:
    path = write_transform(tmp_path / "a.ngff.json", transform, moving=moving, unit=unit)
    values = json.loads(path.read_text())
    assert (values["zarr_format"], values["node_type"]) == (3, "group")
    ome = values["attributes"]["ome"]
    assert ome["version"] == "0.6"
    (only,) = ome["scene"]["coordinateTransformations"]
    fixed = "lm" if moving == "em" else "em"
    assert (only["type"], only["input"], only["output"]) == (
        "affine", {"name": moving}, {"name": fixed},
    )  # fmt: skip
    name = {"nm": "nanometer", "um": "micrometer", "mm": "millimeter"}[unit]
    for one, which in zip(ome["scene"]["coordinateSystems"], (moving, fixed), strict=True):
        assert one == system(which, unit=name)
    nm = {"nm": 1, "um": 1e3, "mm": 1e6}[unit]
    on_em = np.array([321.0, 1234.0])
    lengths = {"em": on_em * 11.3 / nm, "lm": transform.to_lm(on_em) * 110.0 / nm}
    np.testing.assert_allclose(
        map_points(np.array(only["affine"]), lengths[moving]), lengths[fixed], rtol=1e-9
    )


def test_a_scene_is_read_wherever_it_lies(save: Save, tmp_path: Path) -> None:
    text = scene(AFFINE)
    values = json.loads(text)["attributes"]
    inner = values["ome"]["scene"]
    shapes = [
        text,
        json.dumps(values),
        json.dumps(values["ome"]),
        json.dumps(inner),
        json.dumps({"multiscales": [inner]}),
    ]
    for number, one in enumerate(shapes):
        read = read_transform(save(f"{number}.json", one), lm=LM, em=EM)
        np.testing.assert_allclose(read.to_lm(POINT), PLACE)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(text)
    read = read_transform(tmp_path / "a.zarr", lm=LM, em=EM)
    np.testing.assert_allclose(read.to_lm(POINT), PLACE)


def parts(*transformations: dict[str, Any]) -> dict[str, Any]:
    return between(type="sequence", transformations=list(transformations))


@pytest.mark.parametrize(
    ("transformation", "place"),
    [
        (between(type="identity"), (5, 6)),
        (between(type="scale", scale=[2, 3]), (10, 18)),
        (between(type="translation", translation=[2, -3]), (7, 3)),
        (between(type="rotation", rotation=[[0, -1], [1, 0]]), (-6, 5)),
        (between(type="mapAxis", mapAxis=[1, 0]), (6, 5)),
        (between(type="bijection", forward={"type": "identity"}, inverse={}), (5, 6)),
        (
            parts(
                {"type": "scale", "scale": [2, 3]}, {"type": "translation", "translation": [1, 1]}
            ),
            (11, 19),
        ),
        (
            parts(
                {"type": "translation", "translation": [1, 1]},
                {"type": "sequence", "transformations": [{"type": "scale", "scale": [2, 3]}]},
            ),
            (12, 21),
        ),
    ],
)
def test_every_linear_type(
    save: Save, transformation: dict[str, Any], place: tuple[float, float]
) -> None:
    read = read_transform(save("a.json", scene(transformation)), lm=LM, em=EM)
    np.testing.assert_allclose(read.to_lm(POINT), np.array(place) / 0.2)


def test_axes_are_known_by_name(save: Save) -> None:
    # From (x, y) in nanometres to (z, y, x) in millimetres, z always 7.
    systems = [system("em", "xy", "nanometer"), system("lm", "zyx", "millimeter")]
    matrix = [[0, 0, 7], [2e-6, 0, 3e-3], [0, 5e-6, 4e-3]]
    path = save("a.json", scene(between(type="affine", affine=matrix), systems=systems))
    read = read_transform(path, lm=LM, em=EM)
    # y = 2 x + 3 um, x = 5 y + 4 um
    np.testing.assert_allclose(read.to_lm(POINT), np.array([2 * 6 + 3, 5 * 5 + 4]) / 0.2)


def test_the_names_tell_the_direction_and_which_one(save: Save) -> None:
    turned = AFFINE | {"input": {"path": "LM.zarr", "name": "physical"}, "output": "my_em"}
    systems = [system("physical"), system("my_em"), system("other")]
    read = read_transform(save("a.json", scene(turned, systems=systems)), lm=EM, em=LM)
    np.testing.assert_allclose(read.to_em(POINT), PLACE)
    more = {"type": "identity", "input": {"name": "em"}, "output": {"name": "other"}}
    read = read_transform(save("b.json", scene(more, AFFINE)), lm=LM, em=EM)
    np.testing.assert_allclose(read.to_lm(POINT), PLACE)
    unnamed = AFFINE | {"input": {"name": "a"}, "output": {"name": "b"}}
    path = save("c.json", scene(unnamed, systems=[system("a"), system("b")]))
    np.testing.assert_allclose(read_transform(path, lm=LM, em=EM).to_lm(POINT), PLACE)
    back = read_transform(path, lm=EM, em=LM, moving="lm")
    np.testing.assert_allclose(back.to_em(POINT), PLACE)


def test_pixels_and_missing_units(save: Save) -> None:
    arrays = [system("em", unit=None), system("lm", unit=None)]
    path = save("a.json", scene(AFFINE, systems=arrays))
    with pytest.raises(BadFile, match="axes are in None and None: one of nanometer"):
        read_transform(path, lm=LM, em=EM)
    np.testing.assert_allclose(read_transform(path, lm=LM, em=EM, unit="um").to_lm(POINT), PLACE)
    for one in arrays:
        for axis in one["axes"]:
            axis["type"] = "array"
    path = save("b.json", scene(AFFINE, systems=arrays))
    np.testing.assert_allclose(read_transform(path).to_lm((5, 6)), PLACE * 0.2)
    path = save("c.json", scene(AFFINE, systems=[]))
    with pytest.raises(BadFile, match="does not describe its coordinate systems: give their unit"):
        read_transform(path, lm=LM, em=EM)
    np.testing.assert_allclose(read_transform(path, lm=LM, em=EM, unit="um").to_lm(POINT), PLACE)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "identity"}
    for _ in range(depth):
        inner = {"type": "sequence", "transformations": [inner]}
    return between(**inner)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (scene(), "holds 0 transformations"),
        (scene(AFFINE, AFFINE), "holds 2 transformations, 2 of them between"),
        (scene(between(type="displacements", path="d")), "'displacements': only linear"),
        (scene(between(type="affine", path="d")), "does not hold its numbers itself"),
        (scene(between(type="affine", affine=[[1, 0], [0, 1]])), "not as many numbers"),
        (scene(between(type="affine", affine=[[1, 0, 0], [0, 1]])), "affine is no matrix"),
        (scene(between(type="affine", affine=[[1, 0, True], [0, 1, 0]])), "affine is no matrix"),
        (scene(between(type="affine", affine="x")), "affine is no matrix"),
        (scene(between(type="rotation", rotation=[[1, 0, 0], [0, 1, 0]])), "not square"),
        (scene(between(type="scale", scale=[1] * 99)), "more than 5 axes"),
        (scene(between(type="mapAxis", mapAxis=[1, 1])), "no order of the axes"),
        (scene(between(type="scale", scale=[1, 2, 3])), "not as many numbers"),
        (scene(parts({"type": "scale", "scale": [1, 2, 3]})), "of different dimensions"),
        (scene(nested(60)), "too deep"),
        (scene({"type": "identity"}), "does not say its input"),
        (
            scene(between(type="identity"), systems=[system("em", "x"), system("lm")]),
            "has 1 axes: 2 to 5",
        ),
        (scene(AFFINE, systems=[system("em", unit="inch"), system("lm")]), "in 'inch' and 'inch'"),
        (
            scene(
                between(type="affine", affine=[[1, 0, 0, 0], [0.1, 1, 0, 0], [0, 0, 1, 0]]),
                systems=[system("em", "zyx"), system("lm", "zyx")],
            ),
            "leaves the plane",
        ),
        ('{"multiscales": [{"datasets": []}]}', "up to version 0.5 OME-NGFF has none"),
        (scene(AFFINE)[:-30], "or is damaged"),
        (scene(AFFINE).replace("0.5", "NaN"), "not a finite number"),
    ],
)
def test_bad_files(save: Save, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_transform(save("a.json", text), lm=LM, em=EM)


def test_a_flat_matrix(save: Save) -> None:
    flat = between(type="affine", affine=[[1, 2, 0], [2, 4, 0]])
    with pytest.raises(TransformError, match="flattens the plane"):
        read_transform(save("a.json", scene(flat)), lm=LM, em=EM)
