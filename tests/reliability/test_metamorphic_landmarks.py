"""A fit to pairs of points follows the points: axes, units, turns, and the order of the pairs."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from clem_retrace.geometry import Matrix, compose, invert, map_points, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.fits import fit_landmarks
from clem_retrace.registration.landmarks import Landmarks, Model
from clem_retrace.registration.pair_transform import PairTransform

from .conftest import cases

MODELS: tuple[Model, ...] = ("rigid", "similarity", "affine", "thin-plate spline")

TRANSPOSED = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])

#: LM pixels, of fields of some hundred of them: rounding of float64, at coordinates of up to 1e6.
ROUNDING = 1e-6


def facts(lm_size: float, em_size: float) -> tuple[ImageFacts, ImageFacts]:
    return ImageFacts("LM", (300, 400), lm_size), ImageFacts("EM", (1200, 1600), em_size)


def fitted(
    lm_points: NDArray[np.float64],
    em_points: NDArray[np.float64],
    model: Model,
    sizes: tuple[float, float],
) -> PairTransform:
    lm, em = facts(*sizes)
    return fit_landmarks(Landmarks.of(lm_points, em_points), model, lm=lm, em=em)


@st.composite
def moves(draw: st.DrawFn, *, magnified: bool = True) -> tuple[Matrix, float]:
    """Draw a turn with a shift, a mirror and a magnification; and the latter."""
    factor = draw(st.floats(0.1, 10)) if magnified else 1.0
    turned = similarity(
        factor, draw(st.floats(-180, 180)), draw(st.booleans()), (150.0, 200.0),
        (draw(st.floats(-1e4, 1e4)), draw(st.floats(-1e4, 1e4))),
    )  # fmt: skip
    return (compose(TRANSPOSED, turned) if draw(st.booleans()) else turned), factor


def drawn_points(seed: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return pairs that agree to a pixel or two, with a bend."""
    rng = np.random.default_rng(seed)
    lm_points = rng.uniform((0, 0), (300, 400), (count, 2))
    lm_to_em = similarity(4.0, float(rng.uniform(0, 360)), bool(seed % 2), (150, 200), (600, 800))
    bent = lm_points + 3 * np.sin(lm_points[:, ::-1] / 80) + rng.normal(0, 1, lm_points.shape)
    return lm_points, map_points(lm_to_em, bent)


@cases(100)
@hypothesis.given(
    seed=st.integers(0, 10**6), count=st.integers(6, 40), model=st.sampled_from(MODELS),
    of_lm=moves(), of_em=moves(), unit=st.floats(1e-6, 1e6),
)  # fmt: skip
def test_the_fit_moves_with_its_points(
    seed: int,
    count: int,
    model: Model,
    of_lm: tuple[Matrix, float],
    of_em: tuple[Matrix, float],
    unit: float,
) -> None:
    """In other axes, with other pixels, in another unit, in another order."""
    lm_points, em_points = drawn_points(seed, count)
    before = fitted(lm_points, em_points, model, (100.0, 25.0))
    order = np.random.default_rng(seed).permutation(count)
    after = fitted(
        map_points(of_lm[0], lm_points)[order],
        map_points(of_em[0], em_points)[order],
        model,
        # of pixels that are so many times smaller
        (unit * 100.0 / of_lm[1], unit * 25.0 / of_em[1]),
    )
    wanted = map_points(of_lm[0], before.to_lm(em_points))
    found = after.to_lm(map_points(of_em[0], em_points))
    np.testing.assert_allclose(found / of_lm[1], wanted / of_lm[1], atol=ROUNDING, rtol=1e-9)


@pytest.mark.parametrize("model", ["affine", "thin-plate spline"])
def test_it_follows_a_stretched_em_too(model: Model) -> None:
    """What may stretch does not mind in which axes the EM was sampled."""
    lm_points, em_points = drawn_points(1, 12)
    stretched = np.array([[0.5, 0.2, 70.0], [-0.1, 2.0, -900.0], [0, 0, 1]])
    before = fitted(lm_points, em_points, model, (100.0, 25.0))
    after = fitted(lm_points, map_points(stretched, em_points), model, (100.0, 25.0))
    np.testing.assert_allclose(
        after.to_lm(map_points(stretched, em_points)), before.to_lm(em_points), atol=ROUNDING
    )
    np.testing.assert_allclose(
        after.em_to_lm, compose(before.em_to_lm, invert(stretched)), atol=1e-8
    )
