"""Axes: where values lie on them, and their ticks."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plots.figures import Axis


def test_shares_of_an_axis_end_at_its_ends():
    axis = Axis("sigma (px)", 1.0, 100.0, log=True)
    np.testing.assert_allclose(
        axis.share(np.array([0.0, 1.0, 10.0, 100.0, 1e9])), [0, 0, 0.5, 1, 1]
    )
    np.testing.assert_allclose(
        Axis("", -2.0, 2.0).share(np.array([-3.0, 0.0, 1.0])), [0, 0.5, 0.75]
    )


@pytest.mark.parametrize(
    ("axis", "most", "ticks"),
    [
        (Axis("", 0.0, 11.0), 4, [0, 5, 10]),
        (Axis("", -0.07, 0.21), 4, [0.0, 0.1, 0.2]),
        (Axis("", 0.5, 10.5, whole=True), 10, list(range(1, 11))),
        (Axis("", 0.5, 3.5, whole=True), 10, [1, 2, 3]),
        (Axis("", 1.0, 12.0, log=True), 5, [1, 2, 5, 10]),
        (Axis("", 1.0, 12.0, log=True), 3, [1, 3, 10]),
        (Axis("", 1.0, 1e5, log=True), 4, [1, 1e2, 1e4]),
        (Axis("", 130.0, 180.0, log=True), 4, [130.0]),
    ],
)
def test_ticks_are_round_and_not_too_many(axis, most, ticks):
    assert axis.ticks(most) == pytest.approx(ticks)
    assert len(axis.ticks(most)) <= most
