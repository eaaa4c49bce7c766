"""The way between the two images, there and back."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.errors import TransformError
from clem_retrace.geometry import similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.registration.pair_transform import PairTransform
from clem_retrace.registration.thin_plate import ThinPlate

LM = ImageFacts("lm", (200, 300), 110.0)
EM = ImageFacts("em", (4000, 6000), 5.5)


def test_a_matrix_leads_from_the_em_to_the_lm() -> None:
    transform = PairTransform(similarity(0.05, 90, False, (0, 0), (100, 20)), LM, EM)
    # a quarter turn counter-clockwise on the screen: right becomes up
    np.testing.assert_allclose(transform.to_lm((0, 200)), (90, 20))
    np.testing.assert_allclose(transform.to_em((90, 20)), (0, 200), atol=1e-9)


def test_points_keep_their_leading_axes() -> None:
    transform = PairTransform(similarity(0.05, 12, True, (0, 0), (100, 20)), LM, EM)
    points = np.arange(24.0).reshape(3, 4, 2)
    np.testing.assert_allclose(transform.to_lm(transform.to_em(points)), points, atol=1e-9)


def test_a_spline_is_followed_and_not_its_affine_part() -> None:
    lm = np.array([[0.0, 0], [0, 100], [100, 0], [100, 100], [50, 50]])
    em = 20 * lm
    em[4] += (60, -40)
    spline = ThinPlate.fit(lm, em)
    transform = PairTransform(spline.affine, LM, EM, "thin-plate spline", "landmarks", None, spline)
    np.testing.assert_allclose(transform.to_em(lm), em, atol=1e-9)
    np.testing.assert_allclose(transform.to_lm(em), lm, atol=1e-6)


def test_a_spline_and_its_name_come_together() -> None:
    spline = ThinPlate.fit([[0, 0], [0, 1], [1, 0]], [[0, 0], [0, 1], [1, 0]])
    with pytest.raises(ValueError, match="thin-plate spline"):
        PairTransform(np.eye(3), LM, EM, "thin-plate spline")
    with pytest.raises(ValueError, match="affine"):
        PairTransform(np.eye(3), LM, EM, "affine", spline=spline)


def test_what_flattens_the_plane_is_refused() -> None:
    with pytest.raises(TransformError, match="inverted"):
        PairTransform(np.diag([1.0, 0, 1]), LM, EM)
