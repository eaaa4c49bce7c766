"""The frame in a real window: the mouse and the keys reach it, and the camera stays."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from clem_retrace.geometry import compose, decompose, invert, map_points, similarity, translation
from clem_retrace.plugin.moves.box import MovesBox
from clem_retrace.plugin.sight import camera as camera_of
from clem_retrace.plugin.sight import to_view

from .conftest import ROI, START

pytestmark = pytest.mark.viewer


@pytest.fixture
def window(make_napari_viewer, lm, em):
    """A window with a box that moves an EM, and the canvas."""
    viewer = make_napari_viewer(show=True)
    viewer.add_layer(lm)
    viewer.add_layer(em)
    box = MovesBox(viewer)
    viewer.window.add_dock_widget(box)
    viewer.reset_view()
    box.start(START, lm, em, ROI)
    yield viewer, box, lm
    box.stop()


def on_canvas(viewer, lm, point):
    """Where a point of the LM is, in pixels of the canvas (across, down)."""
    canvas = viewer.window._qt_viewer.canvas.native
    centre = np.asarray(camera_of(viewer).center)[-2:]
    away = (map_points(to_view(viewer, lm), point) - centre) * camera_of(viewer).zoom
    row, col = away + np.array([canvas.height(), canvas.width()]) / 2
    return float(col), float(row)


def drag(viewer, lm, first, last):
    """Drag the mouse as Qt tells of it: the screen's own pointer must not interfere."""
    canvas = viewer.window._qt_viewer.canvas.native
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = QEvent.Type
    for kind, point, button, held in (
        (kinds.MouseMove, first, none, none),
        (kinds.MouseButtonPress, first, left, left),
        (kinds.MouseMove, np.add(first, last) / 2, none, left),
        (kinds.MouseMove, last, none, left),
        (kinds.MouseButtonRelease, last, left, none),
    ):
        where = QPointF(*on_canvas(viewer, lm, point))
        event = QMouseEvent(
            kind, where, canvas.mapToGlobal(where), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        # napari leaves out moves that follow each other too soon.
        QTest.qWait(60)


def test_the_mouse_moves_the_em_and_not_the_camera(window):
    viewer, box, lm = window
    before = camera_of(viewer).center
    drag(viewer, lm, ROI.centre, np.add(ROI.centre, (4, -6)))
    change = compose(box.matrix, invert(START))
    # Qt tells the place of the mouse in whole pixels of the screen.
    np.testing.assert_allclose(change, translation((4, -6)), atol=1.5 * box.frame.pixel)
    disc = box.frame.disc
    turned = map_points(similarity(1.0, 40.0, False, ROI.centre, ROI.centre), disc)
    drag(viewer, lm, disc, turned)
    assert decompose(compose(box.matrix, invert(START))).angle == pytest.approx(40, abs=1.0)
    assert camera_of(viewer).center == before


def test_outside_the_frame_the_mouse_moves_the_camera(window):
    viewer, box, lm = window
    before = camera_of(viewer).center
    drag(viewer, lm, (1.0, 1.0), (6.0, 4.0))
    np.testing.assert_array_equal(box.matrix, START)
    assert camera_of(viewer).center != before


@pytest.mark.parametrize(
    ("key", "modifier", "shift", "angle"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, (0, 1), 0),
        (Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier, (-10, 0), 0),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier, (0, 0), 1),
    ],
)
def test_keys_in_the_canvas_move_the_em_and_not_the_sliders(
    window, qtbot, key, modifier, shift, angle
):
    viewer, box, _ = window
    viewer.add_image(np.zeros((5, 8, 9)), units=("pixel", "nm", "nm"))
    viewer.layers.selection.active = viewer.layers[0]
    step = viewer.dims.current_step
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    qtbot.keyClick(canvas, key, modifier)
    change = compose(box.matrix, invert(START))
    assert decompose(change).angle == pytest.approx(angle)
    moved = map_points(change, ROI.centre) - ROI.centre
    np.testing.assert_allclose(moved, shift, atol=1e-9)
    assert viewer.dims.current_step == step


def test_the_frame_is_seen(window):
    """Its orange is drawn round the region."""
    viewer, _, lm = window
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    orange = np.abs(picture - (230, 159, 0)).max(axis=2) < 12
    assert orange.sum() > 200
    rows, cols = np.nonzero(orange)
    left, _ = on_canvas(viewer, lm, (ROI.row, ROI.col))
    right, bottom = on_canvas(viewer, lm, (ROI.row + ROI.height, ROI.col + ROI.width))
    scale = picture.shape[1] / viewer.window._qt_viewer.canvas.native.width()
    assert cols.min() / scale == pytest.approx(left, abs=8)
    assert cols.max() / scale == pytest.approx(right, abs=8)
    assert rows.max() / scale == pytest.approx(bottom, abs=8)
