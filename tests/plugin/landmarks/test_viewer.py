"""The dock `Landmarks` in a real napari window, worked with the mouse and the keys."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QPoint
from qtpy.QtWidgets import QAbstractButton, QApplication, QWidget
from vispy.app.canvas import MouseEvent

from clem_retrace.geometry import map_points
from clem_retrace.plugin.roles import LANDMARK_OVERLAY, LANDMARKS, role
from clem_retrace.plugin.sight import camera, to_view

pytestmark = pytest.mark.viewer


def open_dock(viewer, qtbot):
    """Open the dock as the menu does, with both images in view."""
    dock, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Landmarks")
    qtbot.waitUntil(lambda: widget.width() < 450)
    qtbot.wait(250)
    return dock, widget


@pytest.fixture
def opened(viewer, images, qtbot):
    """The dock on two images, side by side, of different units."""
    for image in images:
        viewer.add_layer(image)
    _, widget = open_dock(viewer, qtbot)
    return widget


def control(widget, name):
    return widget.findChild(QWidget, name)


def on_canvas(viewer, image, point):
    """Where a point of an image is, (x, y) in pixels of the canvas."""
    view, canvas = camera(viewer), viewer.window._qt_viewer.canvas.native
    away = map_points(to_view(viewer, image), point) - np.asarray(view.center)[-2:]
    return (away * view.zoom + np.array([canvas.height(), canvas.width()]) / 2)[::-1]


def mouse(viewer, qtbot, *places):
    """Press at the first place of the canvas, move over the others, let go at the last."""
    events = viewer.window._qt_viewer.canvas._scene_canvas.events
    press = last = MouseEvent("mouse_press", pos=places[0], button=1, buttons=[1])
    events.mouse_press(press)
    for place in places[1:]:
        last = MouseEvent(
            "mouse_move", pos=place, button=1, buttons=[1], press_event=press, last_event=last
        )
        events.mouse_move(last)
        # napari leaves out moves that follow too soon.
        qtbot.wait(20)
    events.mouse_release(
        MouseEvent("mouse_release", pos=places[-1], button=1, press_event=press, last_event=last)
    )


def test_points_are_clicked_on_both_images_and_land_where_the_mouse_was(
    viewer, images, opened, qtbot, spots
):
    lm, em = images
    control(opened, "add_pairs").click()
    for here, there in list(zip(*spots, strict=True))[:3]:
        mouse(viewer, qtbot, on_canvas(viewer, lm, here))
        mouse(viewer, qtbot, on_canvas(viewer, em, there))
    landmarks = opened.desk.pairing.landmarks
    # To a pixel of the screen.
    for image, points, due in ((lm, landmarks.lm, spots[0]), (em, landmarks.em, spots[1])):
        side = 1 / camera(viewer).zoom / np.sqrt(np.linalg.det(to_view(viewer, image)[:2, :2]))
        assert np.abs(points - due[:3]).max() < side
    assert [role(layer) for layer in viewer.layers].count(LANDMARKS) == 2


@pytest.mark.parametrize("which", [0, 1])
def test_a_point_is_dragged_the_overlay_follows_and_the_view_stays(
    viewer, images, opened, qtbot, pairing, which
):
    opened.desk.replace(pairing, "placed")
    image = images[which]
    (overlay,) = (layer for layer in viewer.layers if role(layer) == LANDMARK_OVERLAY)
    centre, before = camera(viewer).center, overlay.affine.affine_matrix.copy()
    start = on_canvas(viewer, image, opened.desk.fit.points(("lm", "em")[which])[1])
    seen = []
    opened.desk.moved.connect(lambda: seen.append(overlay.affine.affine_matrix.copy()))
    mouse(
        viewer,
        qtbot,
        start,
        np.add(start, (8, 0)),
        np.add(start, (20, 12)),
        np.add(start, (30, 20)),
    )
    point = opened.desk.pairing.landmarks
    point = (point.lm, point.em)[which][1]
    np.testing.assert_allclose(on_canvas(viewer, image, point), np.add(start, (30, 20)), atol=1)
    assert camera(viewer).center == centre
    assert len(seen) >= 2
    assert not np.allclose(seen[0], before)
    assert opened.desk.past.undo_words == "a point moved"


def test_dragging_beside_the_points_moves_the_view(viewer, images, opened, qtbot, pairing):
    opened.desk.replace(pairing, "placed")
    control(opened, "add_pairs").click()
    centre = camera(viewer).center
    start = on_canvas(viewer, images[0], (20, 20))
    mouse(viewer, qtbot, start, np.add(start, (10, 0)), np.add(start, (40, 30)))
    assert camera(viewer).center != centre
    assert len(opened.desk.pairing) == 5


@pytest.mark.parametrize("which", [0, 1])
def test_naparis_own_tools_work_too(viewer, images, opened, qtbot, pairing, which):
    opened.desk.replace(pairing, "placed")
    image, key = images[which], ("lm", "em")[which]
    points = opened.canvas.points.layer(key)
    viewer.layers.selection.active = points
    points.mode = "select"
    start = on_canvas(viewer, image, points.data[1])
    mouse(viewer, qtbot, start, np.add(start, (8, 0)), np.add(start, (30, 20)))
    moved = getattr(opened.desk.past.now.landmarks, key)[1]
    np.testing.assert_allclose(on_canvas(viewer, image, moved), np.add(start, (30, 20)), atol=1)
    points.mode = "add"
    there = on_canvas(viewer, image, (20, 30))
    mouse(viewer, qtbot, there)
    qtbot.waitUntil(lambda: len(opened.desk.pairing) == 6)
    np.testing.assert_allclose(
        on_canvas(viewer, image, getattr(opened.desk.pairing.landmarks, key)[5]), there, atol=1
    )


def test_keys_work_in_the_canvas(viewer, images, opened, qtbot, pairing):
    opened.desk.replace(pairing, "placed")
    viewer.window._qt_viewer.canvas.native.setFocus()
    canvas = viewer.window._qt_viewer.canvas
    for key in "JU":
        qtbot.keyClick(canvas.native, key)
    chosen = opened.desk.chosen
    assert chosen is not None
    assert not opened.desk.pairing.landmarks.active[chosen]


def test_the_dock_fits_into_a_small_window(viewer, images, opened, qtbot, pairing):
    opened.desk.replace(pairing.adding("lm", (100, 20)), "placed")
    opened.desk.choose(5)
    qtbot.wait(50)
    assert viewer.window._qt_window.width() == 1280
    assert opened.width() <= 400
    for item in opened.findChildren(QAbstractButton):
        if not item.isVisible() or not item.text() or item.objectName().endswith("_header"):
            continue
        left = item.mapTo(opened, QPoint(0, 0)).x()
        assert left >= 0, item.objectName()
        assert left + item.width() <= opened.width(), item.objectName()
        assert item.fontMetrics().horizontalAdvance(item.text()) <= item.width(), item.text()
    table = control(opened, "pair_table")
    # No column is cut off, in the widest of states.
    assert table.horizontalHeader().length() <= table.viewport().width()
    for column in range(table.columnCount()):
        needed = table.horizontalHeader().sectionSizeHint(column)
        assert table.columnWidth(column) >= needed, column


def test_pairs_are_there_when_the_dock_is_opened_again(viewer, images, qtbot, pairing):
    for image in images:
        viewer.add_layer(image)
    dock, widget = open_dock(viewer, qtbot)
    widget.desk.replace(pairing, "placed")
    dock.destroyOnClose()
    QApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)
    assert not isalive(widget)
    _, again = open_dock(viewer, qtbot)
    assert again.desk.pairing.landmarks.names == pairing.landmarks.names
    start = on_canvas(viewer, images[0], again.desk.pairing.landmarks.lm[1])
    mouse(viewer, qtbot, start, np.add(start, (8, 0)), np.add(start, (30, 20)))
    assert again.desk.past.undo_words == "a point moved"


def test_closing_the_window_while_the_em_is_bent(viewer, images, opened, qtbot, pairing):
    bent = dataclasses.replace(pairing, model="thin-plate spline")
    with qtbot.waitSignal(opened.canvas.overlay.busy_changed):
        opened.desk.replace(bent, "placed")
    viewer.close()
    qtbot.wait(300)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_points_are_seen_on_both_images(viewer, images, opened, qtbot, pairing, theme):
    viewer.theme = theme
    # Pair 2, which is sky blue, in grey images.
    lm, em = images
    opened.desk.replace(pairing, "placed")
    opened.desk.choose(None)
    qtbot.wait(200)
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    for image, points in ((lm, pairing.landmarks.lm), (em, pairing.landmarks.em)):
        col, row = np.round(on_canvas(viewer, image, points[1])).astype(int)
        near = picture[row - 8 : row + 9, col - 8 : col + 9].reshape(-1, 3)
        assert (np.abs(near - (86, 180, 233)).max(axis=1) < 40).any()
