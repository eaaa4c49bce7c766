"""What hostile inputs are made of: images, regions, pixel sizes, options and transforms.

Small enough that a case takes milliseconds. Nothing is left out for being absurd: what comes
from a damaged file or a typing error is absurd.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from clem_retrace.declaring import Declaration
from clem_retrace.geometry import similarity
from clem_retrace.options import declarations

__all__ = [
    "HARMLESS",
    "SPOILERS",
    "TYPES",
    "coordinates",
    "images",
    "matrices",
    "mostly",
    "numbers",
    "odd_objects",
    "option_values",
    "outlines",
    "pixel_sizes",
    "sides",
    "specimen",
]

NAN, INF = float("nan"), float("inf")

#: Numbers at the ends of what floats and integers hold, and just beyond.
EDGES = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-9, 1e-300, 5e-324, 1e9, 1e30, 1e150, 1e300, -1e300,
    sys.float_info.max, -sys.float_info.max, INF, -INF, NAN,
)  # fmt: skip

numbers = st.one_of(
    st.sampled_from(EDGES), st.floats(width=64), st.integers(), st.floats(-100, 100)
)


@st.composite
def mostly(draw: st.DrawFn, good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> Any:
    """Return what is as it should be, and one time in five what is not."""
    return draw(odd if draw(st.integers(0, 4)) == 4 else good)


def odd_objects() -> st.SearchStrategy[Any]:
    """Return what stands where a number or a word is meant."""
    return st.one_of(
        st.none(), st.booleans(), st.text(max_size=3),
        st.sampled_from([
            np.float32(2.5), np.int16(3), np.float64(NAN), np.bool_(True), np.array(2.0),
            np.array([1.0]), np.array([1.0, 2.0]), Fraction(7, 2), 10**400, -(10**500), 1j,
            (), (1, 2), [3.0], {}, "max", "both", b"no", object,
        ]),
        numbers,
    )  # fmt: skip


#: A pixel size: as in files, and as in damaged ones.
pixel_sizes = st.one_of(
    st.none(),
    st.floats(0.1, 1000),
    st.sampled_from(EDGES),
    odd_objects(),
    st.tuples(numbers, numbers),
)

#: Coordinates round an image of some ten pixels, and anywhere.
coordinates = st.one_of(st.floats(-20, 90), st.integers(-20, 90), numbers)

#: The sides of images.
sides = st.one_of(st.integers(0, 3), st.integers(4, 40), st.sampled_from([64, 97]))


@st.composite
def outlines(draw: st.DrawFn) -> list[tuple[Any, Any]]:
    """Return vertices: crossing themselves, on a line, in one place, closed twice, far away."""
    where = draw(st.sampled_from([st.floats(-20, 90), st.integers(0, 60), coordinates]))
    vertices = draw(st.lists(st.tuples(where, where), max_size=12))
    kind = draw(st.sampled_from(["as drawn", "closed", "there and back", "one row", "repeated"]))
    if kind == "closed" and vertices:
        vertices = [*vertices, vertices[0]]
    if kind == "there and back":
        vertices = [*vertices, *reversed(vertices)]
    if kind == "one row" and vertices:
        vertices = [(vertices[0][0], col) for _, col in vertices]
    if kind == "repeated":
        vertices = [vertex for vertex in vertices for _ in range(3)]
    return vertices


@st.composite
def matrices(draw: st.DrawFn) -> Any:
    """Return what is given for a transform: good ones, nearly flat ones, and none at all."""
    kind = draw(st.sampled_from(["similarity"] * 4 + ["entries", "shape", "scaled"]))
    if kind == "shape":
        shape = draw(st.sampled_from([(), (2,), (2, 2), (2, 3), (3, 4), (3, 3, 3), (0, 0)]))
        return np.ones(shape)
    if kind == "entries":
        rows = draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=2, max_size=2))
        return [*rows, [0, 0, draw(st.sampled_from([1, 1, 1, 0, 2, NAN]))]]
    matrix = similarity(
        draw(st.sampled_from([0.1, 1 / 3, 1 / 3, 1.0, 3.0, 1e-6, 1e6])),
        draw(st.floats(-360, 360)),
        draw(st.booleans()),
        draw(st.tuples(st.floats(-50, 250), st.floats(-50, 250))),
        draw(st.tuples(st.floats(-20, 90), st.floats(-20, 90))),
    )
    if kind == "scaled":
        matrix[draw(st.integers(0, 1))] *= draw(st.sampled_from([1e-12, 1e-6, 10.0, 1e6, 1e150]))
    return matrix


def specimen(seed: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return an image of blobs some pixels across, of any shape that is not empty."""
    from scipy import ndimage

    noise = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(noise, 1.5, mode="wrap").astype(np.float32)


def _missing(share: float, value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def spoil(image: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(image.size)
        return np.where(rng.random(image.shape) < share, np.float32(value), image)

    return spoil


def _stretched(image: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return the values spread from `low` to `high`."""
    least, greatest = float(image.min()), float(image.max())
    unit = (image.astype(np.float64) - least) / ((greatest - least) or 1.0)
    return low + unit * (high - low)


#: The types that pixels may have, as a file or a program gives them. The values are those of
#: a camera, or fill the type.
TYPES: dict[str, Callable[[NDArray[Any]], Any]] = {
    "bool": lambda image: image > 0,
    "uint8": lambda image: _stretched(image, 0, 255).astype(np.uint8),
    "int8": lambda image: _stretched(image, -128, 127).astype(np.int8),
    "uint16": lambda image: _stretched(image, 100, 4095).astype(np.uint16),
    "big-endian uint16": lambda image: _stretched(image, 0, 65535).astype(">u2"),
    "int32": lambda image: _stretched(image, -(2**31), 2**31 - 1).astype(np.int32),
    "int64": lambda image: _stretched(image, -(2.0**62), 2.0**62).astype(np.int64),
    "uint64": lambda image: _stretched(image, 0, 2.0**63).astype(np.uint64),
    "float16": lambda image: _stretched(image, -6e4, 6e4).astype(np.float16),
    "big-endian float32": lambda image: image.astype(">f4"),
    "float64": lambda image: image.astype(np.float64),
    "longdouble": lambda image: image.astype(np.longdouble),
    "tiny": lambda image: image.astype(np.float64) * 1e-30,
    "large": lambda image: image.astype(np.float64) * 1e28,
}

#: Ways to lay an image out in memory; none changes what it shows.
HARMLESS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "column-major": np.asfortranarray,
    "strided": lambda image: np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed twice": lambda image: np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1],
    "read-only": lambda image: _read_only(image),
    "subclass": lambda image: image.view(np.memmap) if image.size else image,
    "lists": lambda image: image.tolist(),
    "nothing masked": lambda image: np.ma.masked_array(image, np.zeros(image.shape, bool)),
    "lazy": lambda image: _lazy(image),
}

#: Ways to spoil an image.
SPOILERS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "constant": np.zeros_like,
    "all NaN": lambda image: np.full(image.shape, NAN, np.float32),
    "some NaN": _missing(0.02, NAN),
    "half NaN": _missing(0.5, NAN),
    "left half NaN": lambda image: np.where(
        np.arange(image.shape[1]) < image.shape[1] // 2, np.float32(NAN), image
    ),
    "infinite pixels": lambda image: _missing(0.01, -INF)(_missing(0.01, INF)(image)),
    "one hot pixel": lambda image: _one(image, 3e38),
    "one pixel": lambda image: _one(np.zeros_like(image), 1.0),
    "saturated": lambda image: np.clip(image, 0, 0.05),
    "two halves": lambda image: (np.arange(image.size).reshape(image.shape) > image.size // 2) * 1,
    "checkerboard": lambda image: np.indices(image.shape).sum(axis=0) % 2,
    "ramp": lambda image: np.arange(image.size).reshape(image.shape),
    "1e300": lambda image: image.astype(np.float64) * 1e300,
    "1e-300": lambda image: image.astype(np.float64) * 1e-300,
    "near the limit": lambda image: (image * np.float32(1e38)).astype(np.float32),
    "offset": lambda image: image.astype(np.float64) + 1e12,
    "integer offset": lambda image: (image * 100).astype(np.int64) + 2**62,
    "masked": lambda image: np.ma.masked_array(np.where(image > 0.2, 999, image), image > 0.2),
    "all masked": lambda image: np.ma.masked_all(image.shape),
    "complex": lambda image: image.astype(np.complex64),
    "objects": lambda image: image.astype(object),
    "text": lambda image: image.astype("U4"),
    "dates": lambda image: image.astype(np.int64).astype("M8[s]"),
    "records": lambda image: np.zeros(image.shape, [("red", "u1"), ("green", "u1")]),
    "RGB": lambda image: np.stack([image] * 3, axis=-1),
    "stack": lambda image: np.stack([image] * 5),
    "line": lambda image: image.ravel(),
    "number": lambda _: np.float64(3),
    "ragged": lambda _: [[1, 2], [3]],
    "nothing": lambda _: None,
    "unknown chunks": lambda image: _unknown(image),
    "lazy and masked": lambda image: _lazy(np.ma.masked_array(image, image > 0.2)),
}


def _read_only(image: NDArray[Any]) -> NDArray[Any]:
    copy = image.copy()
    copy.setflags(write=False)
    return copy


def _one(image: NDArray[Any], value: float) -> NDArray[np.float32]:
    spoilt = image.astype(np.float32)
    if spoilt.size:
        spoilt.flat[spoilt.size // 2] = value
    return spoilt


def _lazy(image: NDArray[Any]) -> Any:
    from dask import array

    return array.from_array(image, chunks=max(1, max(image.shape, default=1) // 3), asarray=False)


def _unknown(image: NDArray[Any]) -> Any:
    lazy = _lazy(image)
    return lazy[lazy[:, 0] > -INF] if image.ndim == 2 and image.size else lazy


@st.composite
def images(draw: st.DrawFn, shape: st.SearchStrategy[tuple[int, int]] | None = None) -> Any:
    """Return an image of any shape, type and layout, or what is none."""
    size = draw(st.tuples(sides, sides) if shape is None else shape)
    image = specimen(draw(st.integers(0, 3)), size) if 0 not in size else np.zeros(size, "f4")
    kind = draw(st.sampled_from(["type", "layout", "both", "spoilt"]))
    if kind in ("type", "both") and image.size:
        image = TYPES[draw(st.sampled_from(sorted(TYPES)))](image)
    if kind in ("layout", "both"):
        return HARMLESS[draw(st.sampled_from(sorted(HARMLESS)))](image)
    if kind == "spoilt":
        return SPOILERS[draw(st.sampled_from(sorted(SPOILERS)))](image)
    return image


def option_values(declared: Declaration) -> st.SearchStrategy[Any]:
    """Return values for an option: within its limits, at them, just beyond, and none at all."""
    if declared.choices:
        return mostly(st.sampled_from(declared.choices), odd_objects())
    if declared.kind is bool:
        return mostly(st.booleans(), odd_objects())
    low = -1e6 if declared.minimum is None else declared.minimum
    high = 1e6 if declared.maximum is None else declared.maximum
    inside = st.integers(int(low), int(high)) if declared.kind is int else st.floats(low, high)
    beyond = [low - 1, high + 1, np.nextafter(low, -INF), np.nextafter(high, INF)]
    ends = st.sampled_from([declared.kind(low), declared.kind(high)])
    return mostly(inside | ends, odd_objects() | st.sampled_from(beyond))


VALUES = {declared.path: option_values(declared) for declared in declarations()}

#: Some options at once, by their full names; some of them unknown.
option_tables = st.dictionaries(
    st.sampled_from([*VALUES, "histogram", "no.such", ""]),
    st.none(),
    max_size=4,
).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES.get(name, odd_objects()) for name in names})
)
