"""Hostile arguments to the simulation, and to the stages where scripts call them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clem_retrace.decimating import decimate
from clem_retrace.geometry import as_transform, decompose
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.registration.affine import register_affine
from clem_retrace.representation import (
    laplacian_of_gaussian,
    represent,
    select_sigma,
    standardise,
)
from clem_retrace.resampling import sample
from clem_retrace.retracing import oriented_search
from clem_retrace.synthetic import simulate_pair

from .conftest import cases
from .strategies import images, matrices, mostly, odd_objects, outlines, specimen
from .trials import Tried

#: Seconds of the processor that a case may take.
LONGEST = 30.0


@pytest.fixture
def tried(tally: Callable[..., None]) -> Iterator[Tried]:
    """Count of the cases of a test, which it tells at the end."""
    count = Tried(LONGEST)
    yield count
    tally(**count)


#: A pair so small that it takes some milliseconds.
SMALL: dict[str, Any] = {
    "lm_shape": (40, 44), "em_shape": (90, 80), "roi_size": (12, 14), "ratio": 3.0,
}  # fmt: skip

CHANGES = {
    name: mostly(good, odd_objects())
    for name, good in {
        "lm_shape": st.tuples(st.integers(10, 60), st.integers(0, 60)),
        "em_shape": st.tuples(st.integers(40, 200), st.integers(1, 200)),
        "roi_size": st.tuples(st.integers(1, 20), st.integers(0, 20)),
        "structures": st.sampled_from(["granules", "vesicles", "chromatin"]),
        "contrast": st.sampled_from(["same", "inverted"]),
        "mirrored": st.booleans(),
        "present": st.booleans(),
        "ratio": st.floats(0.9, 5),
        "angle": st.floats(-1e4, 1e4),
        "shared": st.floats(0, 1),
        "shear": st.floats(-0.5, 0.5),
        "anisotropy": st.floats(0, 0.5),
        "density": st.floats(0.1, 3),
        "jitter": st.floats(0, 10),
        "noise": st.floats(0, 10),
        "lm_pixel_size": st.floats(1, 300),
        "em_pixel_size": st.floats(1, 300),
    }.items()
}


@given(seed=mostly(st.integers(0, 9), odd_objects()), data=st.data())
@cases(25)
def test_simulated_pairs(seed: Any, data: st.DataObject, tried: Tried) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3, unique=True))
    changed = {name: data.draw(CHANGES[name]) for name in names}
    with tried.case():
        pair = simulate_pair(seed, **(SMALL | changed))
        tried["simulated"] += 1
        for image in (pair.lm, pair.em):
            assert np.isfinite(image.data).all()
            assert image.pixel_size is not None
        assert pair.roi.clipped(pair.lm.shape, least=0) == pair.roi
        assert np.isfinite(pair.landmarks).all()
        if pair.present:
            assert pair.ground_truth is not None
            inside = pair.ground_truth.clipped(pair.em.shape, least=0)
            assert inside.height == pytest.approx(pair.ground_truth.height)
            ratio = (SMALL | changed)["ratio"]
            assert decompose(pair.lm_to_em).magnification == pytest.approx(float(ratio))


@given(
    image=images(),
    sigma=st.sampled_from([0.5, 1.0, 3.0, 12.0, 60.0]),
    clip=st.sampled_from([None, 2.0]),
)
@cases(100)
def test_representations(image: Any, sigma: float, clip: float | None, tried: Tried) -> None:
    with tried.case():
        data = Micrograph(image).data
        before = np.array(data)
        log = laplacian_of_gaussian(data, sigma)
        assert log.shape == data.shape
        assert not np.isinf(log).any()
        seen = represent(data, sigma).log
        assert np.isfinite(seen).any()
        assert not np.isinf(seen).any()
        plain = standardise(log, clip)
        assert not np.isinf(plain).any()
        assert clip is None or np.nanmax(np.abs(plain)) <= clip
        np.testing.assert_array_equal(before, np.array(data))


@given(
    image=images(),
    low=st.sampled_from([0.5, 1.0, 5.0]),
    high=st.sampled_from([1.5, 6.0, 100.0]),
    structures=st.sampled_from(["both", "dark", "bright"]),
)
@cases(50)
def test_scale_selections(
    image: Any, low: float, high: float, structures: Any, tried: Tried
) -> None:
    with tried.case():
        chosen = select_sigma(
            Micrograph(image).data, structures=structures, min_sigma=low, max_sigma=high
        )
        assert 0 < chosen.sigma <= 101
        assert np.isfinite(chosen.counts).all()
        assert (np.diff(chosen.sigmas) > 0).all()


@given(
    image=images(),
    factor=st.sampled_from([1.0, 1.01, 2.0, 3.3, 10.0, 50.0, 1e6]),
    matrix=matrices(),
    interpolation=st.sampled_from(["nearest", "linear", "cubic"]),
)
@cases(100)
def test_resampling(
    image: Any, factor: float, matrix: Any, interpolation: Any, tried: Tried
) -> None:
    with tried.case():
        micrograph = Micrograph(image)
        before = np.array(micrograph.data)
        small, to_grid = decimate(micrograph, factor)
        assert min(small.shape) >= 1
        assert np.isfinite(to_grid).all()
        assert not np.isinf(small).any()
        given_values = before.astype(np.float64)
        given_values = given_values[np.abs(given_values) <= 1e30]
        if given_values.size and np.isfinite(small).any():
            rounding = 1e-5 * np.abs(given_values).max() + np.finfo(np.float32).tiny
            assert np.nanmin(small) >= given_values.min() - rounding
            assert np.nanmax(small) <= given_values.max() + rounding
        drawn = sample(micrograph, as_transform(matrix), (9, 17), interpolation=interpolation)
        assert drawn.shape == (9, 17)
        np.testing.assert_array_equal(before, np.array(micrograph.data))


@given(
    vertices=outlines(),
    ratio=st.sampled_from([1.0, 3.0, 0.2, 40.0]),
    context=st.sampled_from([0.0, 5.0, 500.0]),
    angle=st.none() | st.floats(-400, 400),
    limit=st.integers(1, 30),
    crooked=st.booleans(),
)
@cases(3)
def test_oriented_searches(
    vertices: Any,
    ratio: float,
    context: float,
    angle: float | None,
    limit: int,
    crooked: bool,
    tried: Tried,
) -> None:
    lm = specimen(0, (40, 44))
    em = np.kron(lm, np.ones((3, 3), np.float32))
    with tried.case():
        roi = (Roi.from_outline(vertices) if crooked else Roi(5, 6, 20, 22)).clipped(lm.shape)
        found = oriented_search(
            Micrograph(lm),
            Micrograph(em),
            roi,
            ratio,
            ratio_uncertainty=0.0,
            context=context,
            angle=angle,
            limit=limit,
        )
        tried["searched"] += 1
        assert 1 <= len(found.matches) <= limit
        assert all(np.isfinite(match.em_to_lm).all() for match in found.matches)
        estimate = register_affine(
            Micrograph(lm),
            Micrograph(em),
            roi,
            [found.matches[0].em_to_lm],
            context=context,
            rough=False,
        )
        assert np.isfinite(estimate.matrix).all()
