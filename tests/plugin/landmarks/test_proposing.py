from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.micrograph import Roi
from clem_retrace.plugin.landmarks.proposing import MARGIN, propose
from clem_retrace.plugin.regions import cut


def test_places_are_spread_over_the_region():
    roi = Roi(100, 200, 40, 80)
    places = propose(roi)
    assert places.shape == (5, 2)
    rows, cols = np.unique(places[:4, 0]), np.unique(places[:4, 1])
    np.testing.assert_allclose(rows, [99.5 + 40 * MARGIN, 99.5 + 40 * (1 - MARGIN)])
    np.testing.assert_allclose(cols, [199.5 + 80 * MARGIN, 199.5 + 80 * (1 - MARGIN)])
    np.testing.assert_allclose(places[4], roi.centre)


@pytest.mark.parametrize("bright", [True, False])
@pytest.mark.parametrize("radius", [2, 6])
def test_places_move_to_what_stands_out_nearby(bright, radius):
    image = np.random.default_rng(0).normal(scale=0.05, size=(300, 400)).astype(np.float32)
    roi = Roi(100, 200, 60, 80)
    spots = np.add(np.round(propose(roi)), [(4, -3), (-2, 5), (3, 3), (-4, -2), (0, 6)])
    rows, cols = np.indices(image.shape)
    for row, col in spots:
        image[np.hypot(rows - row, cols - col) <= radius] += 1 if bright else -1
    places = propose(roi, cut(image, roi))
    # On the inner half of each: noise, and the region's border, draw it aside.
    assert np.hypot(*(places - spots).T).max() <= max(1.5, radius / 2)


def test_no_two_places_are_on_one_thing():
    image = np.zeros((100, 100), np.float32)
    # Between the centre and a corner, and nothing else.
    image[40:43, 40:43] = 10.0
    places = propose(Roi(20, 20, 60, 60), image[20:80, 20:80])
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert apart[~np.eye(5, dtype=bool)].min() > 9
    assert np.hypot(*(places - (41, 41)).T).min() < 1.5


def test_what_lies_outside_an_outline_does_not_count():
    image = np.zeros((100, 100), np.float32)
    image[30, 70] = 50.0
    triangle = Roi.from_outline([(20, 20), (80, 20), (80, 80)])
    places = propose(triangle, cut(image, triangle))
    assert not (np.hypot(*(places - (30, 70)).T) < 1).any()


def test_a_region_without_structures_gets_its_corners():
    roi = Roi(10, 10, 40, 40)
    np.testing.assert_array_equal(propose(roi, np.zeros((40, 40), np.float32)), propose(roi))
