"""Transforms as XML of eC-CLEM, version 2: its pairs of points, and its matrices.

Both lead from a source to a target, and say of each its size in pixels and its pixel size,
which tells which of them is the EM. Coordinates are in micrometres, (x, y, z), from the outer
corner of the first pixel, where Icy counts from.

References
----------
eC-CLEM's XmlTransformation.java, XmlTransformationWriter.java, XmlTransformationReader.java
(points), TransformationToXmlFileWriter.java, XmlFiletoTransformationReader.java (matrix),
ApplyTransformationtoRoi.java (direction, unit), DatasetFactory.java (unit).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from clem_retrace.errors import BadFile
from clem_retrace.geometry import Matrix, decompose, invert, map_points, swap_axes
from clem_retrace.io.transforms.coordinates import from_file, in_file, pixel_frames
from clem_retrace.io.transforms.kind import Asked, Content, Kind, Unit
from clem_retrace.io.transforms.pairs import fitted, pairs_for
from clem_retrace.io.transforms.parsing import flat_points, in_plane, number, written
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.landmarks import Landmarks, Model, Which, partner
from clem_retrace.registration.pair_transform import PairTransform

__all__ = ["EC_CLEM", "EC_CLEM_MATRIX"]

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'

_MODELS: dict[str, Model] = {
    "RIGID": "rigid",
    "SIMILARITY": "similarity",
    "AFFINE": "affine",
    "SPLINE": "thin-plate spline",
}

#: The finer of two images is the EM where their pixel sizes differ by this factor or more.
_FINER = 1.5

_ROLES = ("source", "target")


def _write_points(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return the pairs that are used; their names are not kept."""
    del unit
    pairs = pairs_for(transform)
    root, element = _document(transform, moving, _type_of(transform))
    frames = pixel_frames(transform.lm, transform.em, "um", corner=True)
    for role, which in zip(_ROLES, _order(moving), strict=True):
        points = map_points(frames[which], getattr(pairs, which)[pairs.used])
        dataset = ET.SubElement(
            element, "dataset", type=role, n=str(len(points)), dimension="3", pointType="FIDUCIAL"
        )
        for index, (row, col) in enumerate(points):
            point = ET.SubElement(dataset, "point", id=str(index))
            for axis, value in enumerate((col, row, 0.0)):
                ET.SubElement(point, "coordinate", dimension=str(axis)).text = written(value)
    return _text_of(root)


def _write_matrix(transform: PairTransform, moving: Which, unit: Unit) -> str:
    """Return the matrix from source to target."""
    del unit
    plane = swap_axes(in_file(transform, moving, "um", corner=True))
    matrix = np.eye(4)
    matrix[np.ix_((0, 1), (0, 1, 3))] = plane[:2]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    attributes = {f"m{i}{j}": written(matrix[i, j]) for i in range(4) for j in range(4)}
    root, _ = _document(transform, moving, "AFFINE")
    root.insert(0, ET.Element("MatrixTransformation", attributes, process_date=now))
    return _text_of(root)


def _order(moving: Which) -> tuple[Which, Which]:
    """Return which image is the source, and which the target."""
    return moving, partner(moving)


def _type_of(transform: PairTransform) -> str:
    """Return eC-CLEM's name of a model; it mirrors with an affine transform only."""
    if transform.model in ("rigid", "similarity") and decompose(transform.em_to_lm).mirrored:
        return "AFFINE"
    return next(name for name, model in _MODELS.items() if model == transform.model)


def _document(transform: PairTransform, moving: Which, kind: str) -> tuple[ET.Element, ET.Element]:
    """Return the root of a file, and in it the transformation with its two images."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    root = ET.Element("root")
    element = ET.SubElement(root, "transformation", type=kind, noiseModel="ISOTROPIC", date=now)
    frames = pixel_frames(transform.lm, transform.em, "um")
    images = dict(zip(_ROLES, _order(moving), strict=True))
    for role, which in images.items():
        rows, cols = transform.facts(which).shape
        if 0 in (rows, cols):
            raise BadFile("the file holds the shapes of both images, and one is not known")
        size = frames[which][0, 0]
        lengths = ET.SubElement(element, "sequenceSize", dimension="3", type=role)
        for axis, count, pixel in (("X", cols, size), ("Y", rows, size), ("Z", 1, 1.0)):
            ET.SubElement(lengths, "dimensionSize", name=axis, pixelSize=written(pixel)).text = str(
                count
            )
    for role, which in images.items():
        name = "".join(filter(str.isprintable, transform.facts(which).name))
        ET.SubElement(element, "sequenceFileName", type=role).text = name
    return root, element


def _text_of(root: ET.Element) -> str:
    ET.indent(root, " ")
    return _HEAD + ET.tostring(root, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written in a file beside its points or matrix."""

    source: Which
    lm: ImageFacts
    em: ImageFacts
    frames: dict[Which, Matrix]
    model: Model | None
    type: str


def _read_points(content: Content, asked: Asked) -> PairTransform:
    """Return the transform fitted to the points of a file.

    Raises
    ------
    BadFile
        It is damaged, or it is not clear which image is which.
    LandmarkError
        The points do not tell a transform.
    """
    element = _only(_parsed(content.text), "transformation")
    images = _images(element, asked)
    if asked.model is None and images.model is None:
        raise BadFile(
            f"its points are for the model {images.type[:40]!r}, which is not among "
            f"{', '.join(_MODELS)}: say which model is to be fitted"
        )
    points: dict[str, NDArray[np.float64]] = {}
    for dataset in element.findall("dataset"):
        points[dataset.get("type", "")] = _points(dataset)
    if set(points) != set(_ROLES) or len(element.findall("dataset")) != 2:
        raise BadFile("it needs one dataset of the source, and one of the target")
    if len(points["source"]) != len(points["target"]):
        raise BadFile(
            f"it has {len(points['source'])} points in the source and "
            f"{len(points['target'])} in the target"
        )
    on = dict(zip(_order(images.source), (points[role] for role in _ROLES), strict=True))
    pixels = {which: map_points(invert(images.frames[which]), on[which]) for which in on}
    pairs = Landmarks.of(pixels["lm"], pixels["em"])
    return fitted(pairs, asked, images.lm, images.em, images.model)


def _read_matrix(content: Content, asked: Asked) -> PairTransform:
    """Return the transform of a file's matrix.

    Raises
    ------
    BadFile
        It is damaged, or leaves the plane, or it is not clear which image is which.
    TransformError
        It cannot be inverted.
    """
    root = _parsed(content.text)
    given = _only(root, "MatrixTransformation").attrib
    if root.find("transformation") is None:
        raise BadFile("it is of an eC-CLEM before version 2, which does not say the pixel sizes")
    images = _images(_only(root, "transformation"), asked)
    n = 4 if "m33" in given else 3
    try:
        values = [number(given[f"m{i}{j}"], f"m{i}{j}") for i in range(n) for j in range(n)]
    except KeyError as error:
        raise BadFile(f"its matrix lacks {error}") from error
    plane = swap_axes(in_plane(np.array(values).reshape(n, n), (0, 1)))
    return from_file(plane, images.source, images.frames, images.lm, images.em)


def _parsed(text: str) -> ET.Element:
    """Return the root of a document that declares nothing."""
    if re.search(r"<!(?!--)", text):
        raise BadFile("it declares a document type or entities, which transforms do not need")
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise BadFile(f"it is damaged, or cut short: {error}") from error


def _only(element: ET.Element, name: str) -> ET.Element:
    """Return the one element of a name."""
    found = element.findall(name)
    if len(found) != 1:
        raise BadFile(f"it holds {len(found)} elements {name}: one is needed")
    return found[0]


def _images(element: ET.Element, asked: Asked) -> _Written:
    """Return which image is the source, with what is known of both."""
    found = {size.get("type", ""): _size(size) for size in element.findall("sequenceSize")}
    if set(found) != set(_ROLES):
        raise BadFile("it needs one sequenceSize of the source, and one of the target")
    for name in element.findall("sequenceFileName"):
        role, text = name.get("type", ""), (name.text or "").strip()
        if role in found:
            found[role] = replace(found[role], name=re.split(r"[/\\]", text)[-1])
    source = _source(found["source"], found["target"], asked)
    images = dict(zip(_order(source), (found[role] for role in _ROLES), strict=True))
    frames = pixel_frames(images["lm"], images["em"], "um", corner=True)
    kind = element.get("type", "")
    return _Written(
        source, asked.image("lm", images["lm"]), asked.image("em", images["em"]),
        frames, _MODELS.get(kind), kind,
    )  # fmt: skip


def _source(source: ImageFacts, target: ImageFacts, asked: Asked) -> Which:
    """Return which image the source is: by their shapes, or else by their pixel sizes.

    Raises
    ------
    BadFile
        They tell it in neither way, and it is not said.
    """
    fitting = [
        which
        for which in ("em", "lm")
        if _fits(source, asked.em if which == "em" else asked.lm)
        and _fits(target, asked.lm if which == "em" else asked.em)
    ]
    if len(fitting) == 1:
        return "em" if fitting == ["em"] else "lm"
    shown = f"a source of {source.shape} and a target of {target.shape} pixels"
    if not fitting:
        raise BadFile(f"it is of other images: {shown}")
    if asked.moving is not None:
        return asked.moving
    assert source.pixel_size is not None
    assert target.pixel_size is not None
    ratio = target.pixel_size / source.pixel_size
    if 1 / _FINER < ratio < _FINER:
        raise BadFile(f"it is of {shown}, of about one pixel size: say which of them moves")
    return "em" if ratio > 1 else "lm"


def _fits(written: ImageFacts, known: ImageFacts | None) -> bool:
    return known is None or 0 in known.shape or known.shape == written.shape


def _size(element: ET.Element) -> ImageFacts:
    """Return shape and pixel size of an image."""
    found = {
        axis.get("name", ""): (
            number(axis.text or "", "a size"),
            number(axis.get("pixelSize", ""), "a pixelSize"),
        )
        for axis in element.findall("dimensionSize")
    }
    if not {"X", "Y"} <= set(found):
        raise BadFile("a sequenceSize lacks X or Y")
    (cols, width), (rows, height) = found["X"], found["Y"]
    if not (min(rows, cols) >= 1 and max(rows, cols) < 1e9 and min(width, height) > 0):
        raise BadFile("an image has no extent: sizes and pixel sizes must be positive")
    if abs(width - height) > 1e-3 * height:
        raise BadFile(f"the pixels are {width:g} x {height:g} um: square ones are needed")
    return ImageFacts("", (int(rows), int(cols)), width * 1000)


def _points(dataset: ET.Element) -> NDArray[np.float64]:
    """Return the (row, col) of a dataset's points, in micrometres."""
    points = dataset.findall("point")
    dimension = dataset.get("dimension", "")
    if dimension not in ("2", "3") or dataset.get("n", "") != str(len(points)):
        raise BadFile(
            f"a dataset says that it has {dataset.get('n', '')[:20]} points of {dimension[:20]} "
            f"dimensions, and has {len(points)}: 2 or 3 dimensions are read"
        )
    values = np.full((len(points), int(dimension)), np.nan)
    for row, point in zip(values, points, strict=True):
        for coordinate in point.findall("coordinate"):
            axis = coordinate.get("dimension", "")
            if axis in ("0", "1", "2")[: len(row)]:
                row[int(axis)] = number(coordinate.text or "", "a coordinate")
    if np.isnan(values).any():
        raise BadFile("a point lacks a coordinate")
    return flat_points(values, f"the points in the {dataset.get('type', '')[:20]}")


EC_CLEM = Kind(
    name="ec-clem",
    title="eC-CLEM points, XML",
    suffixes=(".transformation_schema.xml", ".xml"),
    keeps_pairs=True,
    keeps_spline=True,
    units=("um",),
    recognises=lambda text: "<dataset" in text and "<transformation" in text,
    read=_read_points,
    write=_write_points,
)

EC_CLEM_MATRIX = Kind(
    name="ec-clem-matrix",
    title="eC-CLEM matrix, XML",
    suffixes=(".transformation.xml",),
    keeps_pairs=False,
    keeps_spline=False,
    units=("um",),
    recognises=lambda text: "<MatrixTransformation" in text,
    read=_read_matrix,
    write=_write_matrix,
)
