"""Hostile landmarks, and transforms applied to hostile images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clem_retrace.applying import Target, another_binning
from clem_retrace.geometry import as_transform, map_points
from clem_retrace.micrograph import ImageFacts, Micrograph, Roi
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmark_errors import error_map, landmark_errors, predicted_error
from clem_retrace.registration.landmarks import Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate
from clem_retrace.registration.warping import Grid, overlay_on_lm, region_on, warp_onto

from .conftest import cases
from .strategies import coordinates, images, matrices, mostly, numbers, odd_objects, pixel_sizes
from .trials import Tried

#: Seconds of the processor that a case may take; most take some milliseconds.
LONGEST = 30.0

MODELS: tuple[Model, ...] = get_args(Model)


@pytest.fixture
def tried(tally: Callable[..., None]) -> Iterator[Tried]:
    """Count of the cases of a test, which it tells at the end."""
    count = Tried(LONGEST)
    yield count
    tally(**count)


#: How points lie: none of these tells a transform, or hardly.
AWRY = ("line", "nearly a line", "place", "nearly a place", "far", "tiny", "huge", "drawn", "grid")


def spread(seed: int, count: int) -> NDArray[np.float64]:
    """Return points all over an image."""
    return np.random.default_rng(seed).random((count, 2)) * 60


@st.composite
def clouds(draw: st.DrawFn, count: int | None = None) -> NDArray[np.float64]:
    """Return points: spread, on a line, in one place, nearly so, far away, not placed."""
    count = draw(st.integers(0, 9)) if count is None else count
    points = spread(draw(st.integers(0, 5)), count)
    kind = draw(mostly(st.just("spread"), st.sampled_from(AWRY)))
    if "line" in kind:
        points[:, 1] = 2 * points[:, 0] + points[:, 1] * 1e-3 * ("nearly" in kind)
    if "place" in kind:
        points = 3.0 + points * draw(st.sampled_from([1e-12, 1e-9, 1e-5])) * ("nearly" in kind)
    if kind == "far":
        points += draw(st.sampled_from([1e5, 1e9, 1e15]))
    if kind == "tiny":
        points *= draw(st.sampled_from([1e-160, 1e-12, 1e-3]))
    if kind == "huge":
        points *= draw(st.sampled_from([1e7, 1e25, 1e100, 1e160, 1e300]))
    if kind == "grid":
        points = np.stack(np.divmod(np.arange(count), 3), axis=-1) * 10.0
    if kind == "drawn":
        drawn = draw(st.lists(st.tuples(coordinates, coordinates), max_size=9))
        points = np.array(drawn, dtype=np.float64).reshape(-1, 2)
    if len(points) and draw(st.integers(0, 4)) == 4:
        points[draw(st.integers(0, len(points) - 1))] = np.nan
    return points


@st.composite
def partners(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points on the LM and on the EM, as many of each more often than not.

    They have nothing to do with each other, or fit as well as digits allow, or nearly.
    """
    count = draw(st.integers(2, 9))
    em = draw(clouds(count))
    kind = draw(st.sampled_from(["unrelated", "exact", "exact", "nearly"]))
    if kind == "unrelated":
        return draw(clouds(draw(mostly(st.just(count), st.none())))), em
    lm = map_points(as_transform(draw(matrices())), Landmarks.of(em, em).em)
    return (lm if kind == "exact" else lm + 0.1 * spread(3, len(lm)) / 60), em


@st.composite
def facts(draw: st.DrawFn, shape: tuple[int, int]) -> ImageFacts:
    """Return an image's facts; some are not known."""
    size = draw(mostly(st.sampled_from([None, 30.0, 10.0]), st.sampled_from([1e-3, 1e300])))
    return ImageFacts("", draw(mostly(st.just(shape), st.sampled_from([(0, 0), (1, 1)]))), size)


def changed(pairs: Landmarks, step: str, pair: int, which: Any, point: Any) -> Landmarks:
    """The pairs with one of them moved, switched, renamed or removed."""
    if step == "move":
        return pairs.moving(pair, which, point)
    if step == "switch":
        return pairs.switching(pair, not pairs.active[pair])
    return pairs.renaming(pair, str(point)) if step == "rename" else pairs.removing(pair)


@given(data=st.data())
@cases(80)
def test_pairs_of_points(data: st.DataObject, tried: Tried) -> None:
    with tried.case():
        pairs = Landmarks.of(*data.draw(partners()))
        for _ in range(data.draw(st.integers(0, 4))):
            point = data.draw(
                mostly(st.none() | st.tuples(coordinates, coordinates), odd_objects())
            )
            which = data.draw(st.sampled_from(["lm", "em"]))
            step = data.draw(st.sampled_from(["add", "move", "switch", "rename", "remove"]))
            if step == "add":
                pairs = pairs.adding(**{which: point})
            elif len(pairs):
                pairs = changed(
                    pairs, step, data.draw(st.integers(0, len(pairs) - 1)), which, point
                )
        assert len(pairs) == len(pairs.lm) == len(pairs.em) == len(pairs.active)
        assert not (pairs.used & pairs.held_back).any()
        assert np.isfinite(pairs.lm[pairs.placed]).all()
        pairs.require(data.draw(st.sampled_from(MODELS)))


@given(
    data=st.data(),
    model=st.sampled_from(MODELS),
    lm_facts=facts((64, 72)),
    em_facts=facts((192, 216)),
    start=st.one_of(st.none(), matrices()),
    off=st.integers(0, 30),
)
@cases(120)
def test_fits(
    data: st.DataObject, model: Model, lm_facts: ImageFacts, em_facts: ImageFacts, start: Any,
    off: int, tried: Tried,
) -> None:  # fmt: skip
    with tried.case():
        pairs = Landmarks.of(*data.draw(partners()))
        if off < len(pairs):
            pairs = pairs.switching(off, False)
        begun = None if start is None else as_transform(start)
        fitted = fit_landmarks(pairs, model, lm=lm_facts, em=em_facts, start=begun)
        check_fitted(fitted)


def folded(spline: ThinPlate) -> bool:
    """Whether a spline is turned over anywhere near its landmarks."""
    low, high = spline.lm.min(axis=0), spline.lm.max(axis=0)
    sides = np.linspace(low - (high - low), high + (high - low), 60).T
    jacobian = spline.jacobian(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1))
    signs = np.sign(np.linalg.det(jacobian)) * np.sign(np.linalg.det(spline.affine[:2, :2]))
    return bool((signs <= 0).any())


def check_fitted(fitted: PairTransform) -> None:
    """What holds for every transform that was fitted."""
    assert np.isfinite(fitted.em_to_lm).all()
    pairs = fitted.landmarks
    assert pairs is not None
    used = pairs.used
    extent = float(np.ptp(pairs.lm[used], axis=0).max())
    errors = landmark_errors(fitted)
    residual = errors.residual[used]
    if fitted.spline is None:
        # Least squares: no worse than all in one place.
        assert np.isfinite(residual).all()
    else:
        assert 0 <= fitted.spline.folds((64, 72)) <= 1
        known = residual[np.isfinite(residual)]
        # Where it is folded several places of the LM go to one of the EM.
        if not folded(fitted.spline):
            assert (known <= 1e-3 * extent + 1e-6 * np.abs(pairs.lm[used]).max()).all()
        places = fitted.to_em(pairs.lm[used])
        assert np.isfinite(places).all()
    for values in (errors.residual, errors.left_out, errors.target):
        assert values.shape == (len(pairs),)
        assert not (values < 0).any()
        assert not np.isinf(values).any()
    assert sorted(errors.worst_first()) == list(range(len(pairs)))
    assert math.isnan(errors.localisation) or 0 <= errors.localisation < math.inf
    foretold = predicted_error(fitted, pairs.lm[used])
    assert not np.isinf(foretold).any()
    assert not (foretold < 0).any()
    if 0 not in fitted.lm.shape:
        drawn, to_lm = error_map(fitted, (3, 4))
        assert drawn.shape == (3, 4)
        assert np.isfinite(to_lm).all()


@given(data=st.data(), points=st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=4))
@cases(60)
def test_splines(data: st.DataObject, points: Any, tried: Tried) -> None:
    with tried.case():
        lm, em = data.draw(partners())
        spline = ThinPlate.fit(lm, em)
        at = np.array(points, dtype=np.float64)
        at = at[np.isfinite(at).all(axis=1) & (np.abs(at).max(axis=1) < 1e6)]
        there = spline.to_em(at)
        assert there.shape == at.shape
        assert np.isfinite(there).all()
        # No point, or the right one.
        here = spline.to_lm(there)
        again = spline.to_em(here[np.isfinite(here).all(axis=1)])
        reached = there[np.isfinite(here).all(axis=1)]
        assert np.abs(again - reached).max(initial=0) <= 1e-6 * np.nanmax(np.abs(em))
        assert np.isfinite(spline.jacobian(at)).all()
        assert (spline.variance(at) >= 0).all()


@given(
    matrix=matrices(),
    lm_facts=facts((64, 72)),
    em_facts=facts((192, 216)),
    frame=st.sampled_from(["lm", "em"]),
    region=mostly(st.none() | st.just((3, 4, 20, 30)), st.tuples(*[coordinates] * 4)),
    size=mostly(st.none() | st.floats(5, 100), pixel_sizes),
    image=mostly(images(st.sampled_from([(64, 72), (32, 36), (192, 216), (96, 108)])), images()),
    interpolation=st.sampled_from(["nearest", "linear", "cubic"]),
)
@cases(80)
def test_images_drawn_on_the_other(
    matrix: Any, lm_facts: ImageFacts, em_facts: ImageFacts, frame: Any, region: Any, size: Any,
    image: Any, interpolation: Any, tried: Tried,
) -> None:  # fmt: skip
    with tried.case():
        transform = PairTransform(as_transform(matrix), lm_facts, em_facts)
        crop = None if region is None else Roi(*region)
        target = Target(transform, "em" if frame == "lm" else "lm", crop, size)
        grid = target.grid()
        assert min(grid.shape) >= 1
        assert np.isfinite(grid.to_grid).all()
        assert grid.pixel_size is None or 0 < grid.pixel_size < math.inf
        moved = target.move(np.array([[1.0, 2.0], [np.nan, 3.0]]))
        assert np.isfinite(moved[0]).all()
        micrograph = Micrograph(image)
        to_image, notes = another_binning(micrograph, target.source_facts, target.source)
        assert all(notes)
        if max(grid.shape) > 300:
            return
        warp = warp_onto(
            grid,
            micrograph,
            target.source,
            transform,
            to_image=to_image,
            interpolation=interpolation,
        )
        for window, values in warp.pieces():
            assert values.shape == tuple(side.stop - side.start for side in window)
            assert not np.isinf(values).any() or interpolation == "nearest"


@given(matrix=matrices(), image=images(), region=st.tuples(*[coordinates] * 4))
@cases(50)
def test_overlays(matrix: Any, image: Any, region: Any, tried: Tried) -> None:
    with tried.case():
        em = Micrograph(image)
        drawn = overlay_on_lm(em, as_transform(matrix), (20, 30))
        assert drawn.shape == (20, 30)
        assert drawn.dtype == np.float32
        assert not np.isinf(drawn).any()
    with tried.case():
        transform = PairTransform(
            as_transform(matrix), ImageFacts("", (64, 72), None), ImageFacts("", (9, 9), None)
        )
        there = region_on(transform, Roi(*region), "em")
        assert there.height > 0 < there.width
        assert Grid.on(transform, "em", region=there).shape[0] <= 9


@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    known=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    factor=st.sampled_from([None, 1, 2, 3, 0.5]),
    size=mostly(st.none(), pixel_sizes),
    other=mostly(st.none(), pixel_sizes),
)
@cases(60)
def test_binnings(
    shape: Any, known: Any, factor: float | None, size: Any, other: Any, tried: Tried
) -> None:
    with tried.case():
        if factor is not None:
            known = tuple(math.ceil(side * factor) for side in shape)
        micrograph = Micrograph(np.zeros(shape, np.uint8), size, "image")
        to_image, _ = another_binning(micrograph, ImageFacts("", known, other), "em")
        if to_image is not None:
            last = map_points(to_image, np.array(known) - 0.5)
            # The far end lies within a pixel of where it must, of whichever are larger.
            assert (
                np.abs(last - (np.array(shape) - 0.5))
                <= 1 + max(to_image[0, 0], 1 / to_image[0, 0])
            ).all()


@given(numbers=mostly(st.tuples(st.integers(0, 9), st.integers(0, 9)), st.tuples(numbers, numbers)))
@cases(40)
def test_facts(numbers: Any, tried: Tried) -> None:
    with tried.case():
        facts = ImageFacts("", numbers, None)
        assert min(facts.shape) >= 0
