"""Hostile inputs to the values that a run starts from: right, or refused with a reason.

Each case ends within its time with a result that is checked, or with an error of ours that
says why; warnings are errors, and what was given is not changed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.evaluation import centre_distance, target_registration_error, targets
from clem_retrace.geometry import (
    angle_between,
    as_transform,
    compose,
    decimation,
    decompose,
    invert,
    map_points,
    similarity,
)
from clem_retrace.inputs import (
    check_fit,
    check_reach,
    check_take,
    in_memory,
    overlap_region,
    resolve_ratio,
)
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.options import PRESETS, RegistrationOptions, declarations
from clem_retrace.pixels import LARGEST_VALUE
from clem_retrace.projections import project

from .conftest import cases
from .strategies import (
    coordinates,
    images,
    matrices,
    mostly,
    numbers,
    odd_objects,
    option_tables,
    option_values,
    outlines,
    pixel_sizes,
)
from .trials import Tried

#: Seconds of the processor that a case may take; most take some milliseconds.
LONGEST = 30.0


@pytest.fixture
def tried(tally: Callable[..., None]) -> Iterator[Tried]:
    """Count of the cases of a test, which it tells at the end."""
    count = Tried(LONGEST)
    yield count
    tally(**count)


@given(
    image=images(),
    size=mostly(st.none() | st.floats(1, 300), pixel_sizes),
    name=st.text(max_size=3),
    levels=mostly(st.just(()), st.lists(images(), max_size=2)),
)
@cases(250)
def test_micrographs(image: Any, size: Any, name: str, levels: list[Any], tried: Tried) -> None:
    with tried.case():
        micrograph = Micrograph(image, size, name, levels)
        rows, cols = micrograph.shape
        assert rows > 0 < cols
        assert math.isfinite(micrograph.diagonal)
        facts = ImageFacts.of(micrograph)
        assert facts.pixel_size is None or 0 < facts.pixel_size < math.inf
        assert json.loads(json.dumps(facts.pixel_size)) == facts.pixel_size
        level, to_level = micrograph.coarsest(4.0)
        assert len(level.shape) == 2
        assert np.isfinite(to_level).all()
        before = np.array(micrograph.data)
        seen = in_memory(micrograph)
        assert seen.data.dtype == np.float32
        assert seen.data.shape == (rows, cols)
        known = np.isfinite(seen.data)
        assert np.nanmin(seen.data) < np.nanmax(seen.data)
        assert (np.abs(seen.data[known]) <= LARGEST_VALUE * 1.001).all()
        np.testing.assert_array_equal(before, np.array(micrograph.data))
        np.testing.assert_allclose(seen.data[known], before[known].astype(np.float64), rtol=1e-6)


@given(
    image=images(),
    kind=st.sampled_from(["max", "mean", "min", "std", "plane", "sum", None]),
    plane=st.one_of(st.integers(-3, 9), odd_objects()),
    depth=st.integers(0, 4),
)
@cases(60)
def test_projections(image: Any, kind: Any, plane: Any, depth: int, tried: Tried) -> None:
    with tried.case():
        stack = np.stack([Micrograph(image).data] * depth) if depth else given_as_array(image)
        flat = project(stack, kind, plane)
        assert flat.ndim == 2
        assert flat.shape == (stack.shape[1:] if stack.ndim == 3 else stack.shape)


@given(
    numbers=mostly(
        st.tuples(*[st.floats(-20, 50)] * 2, *[st.floats(0.1, 90)] * 2),
        st.tuples(*[coordinates] * 4) | st.tuples(*[odd_objects()] * 4),
    ),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    least=st.sampled_from([0, 1, 8]),
)
@cases(250)
def test_rectangles(numbers: Any, shape: tuple[int, int], least: float, tried: Tried) -> None:
    with tried.case():
        check_region(Roi(*numbers), shape, least)


@given(
    vertices=outlines(),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    least=st.sampled_from([0, 8]),
)
@cases(250)
def test_outlines(vertices: Any, shape: tuple[int, int], least: float, tried: Tried) -> None:
    with tried.case():
        roi = Roi.from_outline(vertices)
        points = np.asarray(vertices, float)
        rounding = 1e-12 * np.abs(points).max() + 1e-9
        assert roi.corners[0] == pytest.approx(points.min(axis=0), rel=0, abs=rounding)
        assert roi.corners[2] == pytest.approx(points.max(axis=0), rel=0, abs=rounding)
        check_region(roi, shape, least)


def given_as_array(image: Any) -> Any:
    """What has no shape is an image of lists, or nothing."""
    return np.asarray(image) if hasattr(image, "shape") else Micrograph(image).data


def check_region(roi: Roi, shape: tuple[int, int], least: float) -> None:
    """What holds for every region, and for the part of it that lies in an image."""
    assert json.loads(json.dumps([roi.row, roi.col, roi.height, roi.width])) is not None
    assert roi.height > 0 < roi.width
    mask = roi.mask(shape)
    assert mask.shape == shape
    assert mask.dtype == bool
    part = roi.clipped(shape, least=least)
    assert min(part.row, part.col) >= 0
    assert part.row + part.height <= shape[0] * (1 + 1e-9)
    assert part.col + part.width <= shape[1] * (1 + 1e-9)
    assert min(part.height, part.width) >= least
    np.testing.assert_array_equal(part.mask(shape), mask)
    assert np.isfinite(part.corners).all()
    half = part.scaled(decimation(2.0))
    assert half.height == pytest.approx(part.height / 2)
    assert targets(part).shape == (25, 2)


@given(table=option_tables, preset=st.sampled_from(sorted(PRESETS)))
@cases(300)
def test_options(table: dict[str, Any], preset: str, tried: Tried) -> None:
    with tried.case():
        options = RegistrationOptions.from_paths(table, PRESETS[preset])
        check_options(options)
        for path, value in table.items():
            taken: Any = options
            for name in path.split("."):
                taken = getattr(taken, name)
            assert taken == value


@given(data=st.data())
@cases(150)
def test_tables_of_options(data: st.DataObject, tried: Tried) -> None:
    """As a damaged session or a script gives them: groups of the wrong kind, unknown names."""
    declared = data.draw(st.sampled_from(list(declarations())))
    value = data.draw(option_values(declared))
    table = data.draw(
        st.sampled_from(
            [
                {declared.name: value},
                {declared.group: {declared.name: value}},
                {declared.group: value},
                {declared.path: value},
                value,
            ]
        )
    )
    with tried.case():
        check_options(RegistrationOptions.from_dict(table))
    if isinstance(table, dict) and all(
        isinstance(name, str) and name.isidentifier() and name in RegistrationOptions.__slots__
        for name in table
    ):
        with tried.case():
            check_options(RegistrationOptions(**table))


def check_options(options: RegistrationOptions) -> None:
    """What holds for all options: within their limits, and told without loss."""
    for declared in declarations():
        group = getattr(options, declared.group) if declared.group else options
        value = getattr(group, declared.name)
        assert type(value) is declared.kind or (declared.optional and value is None)
        if declared.choices:
            assert value in declared.choices
        elif value is not None and declared.kind is not bool:
            assert math.isfinite(value)
            assert declared.minimum is None or value >= declared.minimum
            assert declared.maximum is None or value <= declared.maximum
    told = json.loads(json.dumps(options.to_dict(), allow_nan=False))
    assert RegistrationOptions.from_dict(told) == options
    assert RegistrationOptions.from_paths(options.changed()) == options


@given(
    matrix=matrices(),
    other=matrices(),
    points=st.lists(st.tuples(coordinates, coordinates), max_size=4),
)
@cases(200)
def test_transforms(matrix: Any, other: Any, points: Any, tried: Tried) -> None:
    with tried.case():
        one = as_transform(matrix)
        back = invert(one)
        assert np.isfinite(back).all()
        taken_apart = decompose(one)
        assert -180 < taken_apart.angle <= 180
        assert taken_apart.magnification > 0
        assert taken_apart.anisotropy >= -1e-9
        assert math.isfinite(taken_apart.magnification)
        two = compose(one, as_transform(other))
        assert two.shape == (3, 3)
        near = np.array([(1.0, 2.0), *points], dtype=np.float64)
        near = near[(np.abs(near) < 1e3).all(axis=1)]
        forth = map_points(one, near)
        condition = np.linalg.cond(one[:2, :2])
        size = np.abs(forth).max() * np.abs(back[:2, :2]).max() + np.abs(back[:2, 2]).max() + 1
        error = np.abs(map_points(back, forth) - near).max()
        assert error <= 1e-12 * condition * size + 1e-9


@given(
    matrix=matrices(),
    lm_shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    em_shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    region=mostly(
        st.tuples(*[st.floats(-5, 30)] * 2, *[st.floats(8, 60)] * 2), st.tuples(*[coordinates] * 4)
    ),
)
@cases(200)
def test_places(
    matrix: Any, lm_shape: tuple[int, int], em_shape: tuple[int, int], region: Any, tried: Tried
) -> None:
    with tried.case():
        em_to_lm = as_transform(matrix)
        shared = overlap_region(lm_shape, em_shape, em_to_lm)
        assert shared.row >= -0.01
        assert shared.row + shared.height <= lm_shape[0] + 0.01
        assert shared.col + shared.width <= lm_shape[1] + 0.01
    with tried.case():
        roi = Roi(*region).clipped(lm_shape)
        check_reach(roi, em_shape, as_transform(matrix))


@given(
    lm_size=mostly(st.floats(20, 100), pixel_sizes),
    em_size=mostly(st.floats(1, 30), pixel_sizes),
    ratio=mostly(st.none() | st.floats(1, 20), numbers),
    uncertainty=st.floats(0, 0.6),
    region=mostly(
        st.tuples(*[st.floats(-5, 30)] * 2, *[st.floats(8, 60)] * 2), st.tuples(*[coordinates] * 4)
    ),
    otherwise=st.one_of(st.none(), st.floats(0.1, 100)),
)
@cases(250)
def test_ratios(
    lm_size: Any, em_size: Any, ratio: Any, uncertainty: float, region: Any,
    otherwise: float | None, tried: Tried,
) -> None:  # fmt: skip
    with tried.case():
        options = RegistrationOptions(pixel_size_ratio=ratio, ratio_uncertainty=uncertainty)
        lm = Micrograph(np.zeros((64, 72), np.uint8), lm_size)
        em = Micrograph(np.zeros((192, 216), np.uint8), em_size)
        started = resolve_ratio(lm, em, options, otherwise=otherwise)
        assert started > 0
        roi = Roi(*region).clipped(lm.shape)
        check_fit(roi, em, started, options)
        assert math.isfinite(started)
        # What passes has a way to lie in the EM.
        least = started * (1 - uncertainty)
        assert min(roi.height, roi.width) * least <= 192 * 1.001


@given(rank=st.one_of(st.integers(-3, 15), odd_objects()), count=st.integers(0, 12))
@cases(60)
def test_ranks(rank: Any, count: int, tried: Tried) -> None:
    with tried.case():
        check_take(rank, count)
        assert range(1, count + 1)[rank - 1] == rank


@given(
    one=st.tuples(coordinates, coordinates),
    other=st.tuples(coordinates, coordinates),
    shape=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    size=pixel_sizes,
    matrix=matrices(),
    true=matrices(),
    points=st.integers(-1, 6),
)
@cases(150)
def test_distances(
    one: Any, other: Any, shape: tuple[int, int], size: Any, matrix: Any, true: Any, points: int,
    tried: Tried,
) -> None:  # fmt: skip
    with tried.case():
        distance = centre_distance(one, other, shape, size)
        assert distance.pixels >= 0
        assert distance.percent >= 0 or shape == (0, 0)
        assert "EM px" in str(distance)
    with tried.case():
        errors = target_registration_error(
            as_transform(matrix), as_transform(true), Roi(1, 2, 30, 40), points=points
        )
        assert errors.shape == (points**2,)
        assert (errors >= 0).all()


@given(magnification=numbers, angle=numbers, mirrored=st.booleans(), other=numbers)
@cases(100)
def test_similarities(
    magnification: Any, angle: Any, mirrored: bool, other: Any, tried: Tried
) -> None:
    with tried.case():
        matrix = as_transform(similarity(magnification, angle, mirrored, (3, 4), (5, 6)))
        apart = decompose(matrix)
        assert apart.magnification == pytest.approx(abs(magnification), rel=1e-6)
        assert angle_between(apart.angle, apart.angle) == 0
