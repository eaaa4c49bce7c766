"""Outlines are as wide on the screen at every zoom."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.plugin.edge_widths import NARROW, WIDE
from clem_retrace.plugin.sight import camera as camera_of


def on_screen(model, layer, width):
    """A width in pixels of a layer, in pixels of the screen."""
    (unit,) = {str(one) for one in layer.units}
    nm = {"nanometer": 1, "micrometer": 1000}[unit] * layer.scale[-1]
    shown = {"nanometer": 1, "micrometer": 1000}[str(model.layers.units[-1])]
    return width * nm / shown * camera_of(model).zoom


def test_they_follow_the_zoom(shown, model, qtbot):
    (roi,), (candidates,) = shown.ours("roi"), shown.ours("candidates")
    for zoom in (0.001, 0.02, 3.0):
        camera_of(model).zoom = zoom
        qtbot.wait(150)
        assert on_screen(model, roi, roi.edge_width[0]) == pytest.approx(WIDE, rel=0.06)
        widths = [on_screen(model, candidates, width) for width in candidates.edge_width]
        np.testing.assert_allclose(widths, [WIDE] + [NARROW] * (len(widths) - 1), rtol=0.06)
        # What is drawn next is as wide.
        assert on_screen(model, roi, roi.current_edge_width) == pytest.approx(WIDE, rel=0.06)


def test_the_candidate_that_is_shown_is_the_wide_one(shown, qtbot):
    shown.click("next_candidate")
    (candidates,) = shown.ours("candidates")
    qtbot.waitUntil(lambda: np.argmax(candidates.edge_width) == 1)


def test_the_users_own_shapes_keep_their_width(shown, model, draw, qtbot):
    own = draw(0, 0, 5, 5, edge_width=3)
    model.add_layer(own)
    camera_of(model).zoom = 5.0
    qtbot.wait(150)
    assert own.edge_width == [3]
