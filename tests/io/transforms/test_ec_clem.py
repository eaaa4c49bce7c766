"""XML of eC-CLEM, against files in the form that its source writes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clem_retrace.errors import BadFile, LandmarkError, MissingPixelSize, TransformError
from clem_retrace.geometry import similarity
from clem_retrace.io.transforms import read_transform, write_transform
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks, Which
from clem_retrace.registration.pair_transform import PairTransform

Save = Callable[[str, str], Path]

#: The LM is the source, as most have it there; names with the paths of another system.
SIZES = """
  <sequenceSize dimension="3" type="source">
   <dimensionSize name="X" pixelSize="0.2">420</dimensionSize>
   <dimensionSize name="Y" pixelSize="0.2">300</dimensionSize>
   <dimensionSize name="Z" pixelSize="1.0">1</dimensionSize>
  </sequenceSize>
  <sequenceSize dimension="3" type="target">
   <dimensionSize name="X" pixelSize="0.01">2400</dimensionSize>
   <dimensionSize name="Y" pixelSize="0.01">2000</dimensionSize>
   <dimensionSize name="Z" pixelSize="1.0">1</dimensionSize>
  </sequenceSize>
  <sequenceFileName type="source">C:\\data\\light.tif</sequenceFileName>
  <sequenceFileName type="target">/data/electron.tif</sequenceFileName>
"""

LM, EM = ImageFacts("", (300, 420), None), ImageFacts("", (2000, 2400), None)


def points(role: str, *places: tuple[float, float], z: float = 0.0, n: int | None = None) -> str:
    rows = "".join(
        f'<point id="{number}"><coordinate dimension="0">{x}</coordinate>'
        f'<coordinate dimension="1">{y}</coordinate><coordinate dimension="2">{z}</coordinate>'
        "</point>"
        for number, (x, y) in enumerate(places)
    )
    n = len(places) if n is None else n
    return f'<dataset type="{role}" n="{n}" dimension="3" pointType="FIDUCIAL">{rows}</dataset>'


SOURCE = points("source", (10.1, 20.1), (30.1, 20.1), (10.1, 44.1))
TARGET = points("target", (1.005, 2.005), (9.005, 2.005), (1.005, 14.005))


def schema(*parts: str, kind: str = "AFFINE", sizes: str = SIZES) -> str:
    date = "2024-05-02T10:00:00+02:00[Europe/Paris]"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<root>\n'
        f'<transformation date="{date}" noiseModel="ISOTROPIC" type="{kind}">{sizes}'
        f"{''.join(parts)}</transformation></root>\n"
    )


def matrix_file(values: dict[str, float], sizes: str = SIZES) -> str:
    text = " ".join(f'{name}="{value}"' for name, value in values.items())
    info = f'<transformation type="AFFINE" noiseModel="ISOTROPIC">{sizes}</transformation>'
    return f'<root><MatrixTransformation {text} process_date="now"/>{info}</root>'


def test_points_are_read(save: Save) -> None:
    read = read_transform(save("a.transformation_schema.xml", schema(SOURCE, TARGET)))
    pairs = read.landmarks
    assert pairs is not None
    # 10.1 um from the corner are 50.5 pixels of 0.2 um: the centre of pixel 50.
    np.testing.assert_allclose(pairs.lm, [(100, 50), (100, 150), (220, 50)])
    np.testing.assert_allclose(pairs.em, [(200, 100), (200, 900), (1400, 100)])
    np.testing.assert_allclose(read.to_lm((200, 500)), (100, 100))
    assert read.lm == ImageFacts("light.tif", (300, 420), 200.0)
    assert read.em == ImageFacts("electron.tif", (2000, 2400), 10.0)
    assert (read.model, read.origin) == ("affine", "landmarks")


def test_the_datasets_may_come_in_any_order(save: Save) -> None:
    straight, turned = schema(SOURCE, TARGET), schema(TARGET, SOURCE)
    a, b = (read_transform(save(f"{n}.xml", text)) for n, text in enumerate((straight, turned)))
    np.testing.assert_array_equal(a.em_to_lm, b.em_to_lm)


@pytest.mark.parametrize(
    ("kind", "model"),
    [("RIGID", "rigid"), ("SIMILARITY", "similarity"), ("SPLINE", "thin-plate spline")],
)
def test_the_model_is_the_files(save: Save, kind: str, model: str) -> None:
    path = save("a.xml", schema(SOURCE, TARGET, kind=kind))
    assert read_transform(path).model == model
    assert read_transform(path, model="affine").model == "affine"


def test_what_is_known_of_the_images_tells_which_is_which(save: Save) -> None:
    path = save("a.xml", schema(SOURCE, TARGET))
    plain = read_transform(path, lm=LM, em=EM)
    assert (plain.lm.pixel_size, plain.lm.name) == (200.0, "light.tif")
    # The shapes speak against what the pixel sizes say.
    other = read_transform(path, lm=EM, em=LM)
    np.testing.assert_allclose(other.to_em((200, 100)), (100, 50))
    with pytest.raises(BadFile, match=r"of other images: a source of \(300, 420\)"):
        read_transform(path, lm=replace(LM, shape=(10, 10)), em=EM)
    # The pixel sizes of the file are those that its lengths were made with.
    sized = read_transform(path, lm=replace(LM, pixel_size=555.0), em=EM)
    np.testing.assert_array_equal(sized.em_to_lm, plain.em_to_lm)
    assert sized.lm.pixel_size == 555.0


def test_images_of_one_pixel_size_are_not_told_apart(save: Save) -> None:
    alike = SIZES.replace("0.01", "0.2")
    path = save("a.xml", schema(SOURCE, TARGET, sizes=alike))
    with pytest.raises(BadFile, match="of about one pixel size: say which of them moves"):
        read_transform(path)
    assert read_transform(path, moving="em").em.shape == (300, 420)
    assert read_transform(path, moving="lm").em.shape == (2000, 2400)


@pytest.mark.parametrize("moving", ["em", "lm"])
def test_the_matrix_acts_as_ec_clem_applies_it(
    tmp_path: Path, transform: PairTransform, moving: Which
) -> None:
    path = write_transform(tmp_path / "a.transformation.xml", transform, moving=moving)
    element = ET.parse(path).getroot().find("MatrixTransformation")
    assert element is not None
    matrix = np.array([[float(element.attrib[f"m{i}{j}"]) for j in range(4)] for i in range(4)])
    em_point = np.array([321.0, 1234.0])
    places = {"em": em_point, "lm": transform.to_lm(em_point)}
    sizes = {"em": 0.0113, "lm": 0.11}
    target = "lm" if moving == "em" else "em"
    # Icy counts from the corner of the first pixel, and eC-CLEM multiplies by the pixel size.
    x, y = (places[moving][::-1] + 0.5) * sizes[moving]
    moved = matrix @ (x, y, 1, 1)
    np.testing.assert_allclose(moved[1::-1] / sizes[target] - 0.5, places[target], atol=1e-9)
    np.testing.assert_allclose(moved[2:], 1)


@pytest.mark.parametrize("size", [3, 4])
def test_a_matrix_is_read(save: Save, size: int) -> None:
    plane = np.array([[0.4, 0, 2.0], [0, 0.5, 3.0], [0, 0, 1]])
    matrix = plane
    if size == 4:
        # With all z at 0, its fit leaves 0 in the third row and column.
        matrix = np.zeros((4, 4))
        matrix[np.ix_((0, 1, 3), (0, 1, 3))] = plane
    values = {f"m{i}{j}": matrix[i, j] for i in range(size) for j in range(size)}
    read = read_transform(save("a.xml", matrix_file(values)))
    # The source is the LM: x = 0.4 * 10.1 + 2.0 um, at pixels of 0.01 um from the corner.
    np.testing.assert_allclose(read.to_em((100, 50)), [1304.5, 603.5])
    assert (read.origin, read.lm.name) == ("file", "light.tif")


def test_a_mirror_is_written_as_what_ec_clem_fits_with_one(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts
) -> None:
    rng = np.random.default_rng(2)
    on_em = rng.uniform(0, 2000, (5, 2))
    for mirrored, kind in ((False, "SIMILARITY"), (True, "AFFINE")):
        matrix = similarity(0.1, 20.0, mirrored, (900, 900), (150, 150))
        on_lm = PairTransform(matrix, lm, em).to_lm(on_em)
        pairs = Landmarks.of(on_lm, on_em)
        fitted = fit_landmarks(pairs, "similarity", lm=lm, em=em)
        path = write_transform(tmp_path / "a.xml", fitted)
        element = ET.parse(path).getroot().find("transformation")
        assert element is not None
        assert element.attrib["type"] == kind
        np.testing.assert_allclose(read_transform(path).em_to_lm, matrix, atol=1e-9)


def test_only_pairs_that_are_used_are_written(
    tmp_path: Path, lm: ImageFacts, em: ImageFacts
) -> None:
    on_em = np.array([(0.0, 0.0), (0.0, 900.0), (800.0, 0.0), (800.0, 900.0)])
    pairs = Landmarks.of(on_em / 10 + 3, on_em).switching(1, False).adding(lm=(5, 5))
    path = write_transform(
        tmp_path / "a.xml", fit_landmarks(pairs, "affine", lm=lm, em=em), moving="lm"
    )
    read = read_transform(path).landmarks
    assert read is not None
    np.testing.assert_allclose(read.em, on_em[[0, 2, 3]], atol=1e-9)
    np.testing.assert_allclose(read.lm, on_em[[0, 2, 3]] / 10 + 3, atol=1e-9)


def test_names_that_are_no_text_are_written(tmp_path: Path, transform: PairTransform) -> None:
    odd = replace(transform, em=replace(transform.em, name="a\x00<&\x1b\ud800\u00e9.tif"))
    read = read_transform(write_transform(tmp_path / "a.xml", odd))
    assert read.em.name == "a<&\u00e9.tif"


def test_shapes_and_pixel_sizes_are_needed(tmp_path: Path, transform: PairTransform) -> None:
    with pytest.raises(MissingPixelSize, match="pixel size of the LM image is not known"):
        write_transform(
            tmp_path / "a.xml", replace(transform, lm=replace(transform.lm, pixel_size=None))
        )
    with pytest.raises(BadFile, match="shapes of both images, and one is not known"):
        write_transform(tmp_path / "a.xml", replace(transform, em=ImageFacts("", (0, 0), 1.0)))


UNIT = {f"m{i}{j}": float(i == j) for i in range(4) for j in range(4)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (schema(SOURCE, TARGET)[:-40], "damaged, or cut short"),
        (schema(SOURCE), "one dataset of the source, and one of the target"),
        (schema(SOURCE, SOURCE), "one dataset of the source, and one of the target"),
        (schema(SOURCE, points("target", (1, 2))), "3 points in the source and 1 in the target"),
        (schema(SOURCE, points("target", (1, 2), n=3)), "says that it has 3 points of 3"),
        (schema(SOURCE, TARGET.replace('dimension="3"', 'dimension="4"')), "of 4 dimensions"),
        (schema(SOURCE, TARGET.replace(">2.005<", ">NaN<")), "'NaN': a finite number"),
        (schema(SOURCE, TARGET.replace('"1"', '"7"')), "lacks a coordinate"),
        (schema(SOURCE, TARGET.replace(">0.0<", ">0.5<", 1)), "at different z"),
        (schema(SOURCE, TARGET, sizes=""), "one sequenceSize of the source"),
        (schema(SOURCE, TARGET, sizes=SIZES.replace('"X"', '"T"')), "lacks X or Y"),
        (schema(SOURCE, TARGET, sizes=SIZES.replace(">300<", ">0<")), "no extent"),
        (schema(SOURCE, TARGET, sizes=SIZES.replace(">300<", "><")), "'': a finite number"),
        (schema(SOURCE, TARGET, sizes=SIZES.replace("0.2", "-0.2")), "no extent"),
        (
            schema(SOURCE, TARGET, sizes=SIZES.replace("0.01", "0.02", 1)),
            "pixels are 0.02 x 0.01 um: square ones",
        ),
        (schema(SOURCE, TARGET, kind="TRANSLATION"), "for the model 'TRANSLATION'"),
        (schema(SOURCE, TARGET).replace("</root>", "<transformation/></root>"), "2 elements"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + schema(SOURCE, TARGET), "declares a document type"),
        (matrix_file({**UNIT, "m02": 0.1}), "of 3 dimensions and leaves the plane"),
        (matrix_file({"m33": 1.0}), "its matrix lacks 'm00'"),
        (matrix_file(UNIT).replace("transformation", "other"), "before version 2"),
    ],
)
def test_bad_files(save: Save, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_transform(save("a.xml", text))


def test_matrices_and_points_that_tell_no_transform(save: Save) -> None:
    with pytest.raises(TransformError, match="flattens the plane"):
        read_transform(save("a.xml", matrix_file(dict.fromkeys(UNIT, 0.0) | {"m33": 1.0})))
    one = schema(points("source", (1, 2)), points("target", (3, 4)))
    with pytest.raises(LandmarkError, match="needs 3 pairs"):
        read_transform(save("b.xml", one))
