"""The dock in a real napari window: what cannot be seen without one."""

from __future__ import annotations

from time import monotonic

import numpy as np
import pytest
from napari.layers import Image, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QPoint, QTimer
from qtpy.QtWidgets import QWidget
from vispy.app.canvas import MouseEvent

from clem_retrace.events import StageResult
from clem_retrace.plugin import demo, samples
from clem_retrace.plugin.outputs import overlay_layer, role

pytestmark = pytest.mark.viewer

LONG = 60_000


@pytest.fixture
def viewer(make_napari_viewer):
    """A window of the smallest size that is supported."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


def open_dock(viewer, qtbot, options=None):
    """Open the widget as the menu does."""
    dock, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
    if options is not None:
        widget.options.set_options(options)
    images = [image for image in (widget.images.lm, widget.images.em) if image is not None]
    # They are brought into view when the dock has taken its room.
    qtbot.waitUntil(lambda: all(in_view(viewer, image) for image in images), timeout=5000)
    return dock, widget


def add(viewer, layers):
    for layer in layers:
        viewer.add_layer(layer)


def control(widget, name):
    return widget.findChild(QWidget, name)


def idle(widget):
    return not control(widget, "cancel").isEnabled()


def start(widget, qtbot):
    with qtbot.waitSignal(widget.event_arrived, timeout=LONG):
        control(widget, "run").click()


def on_canvas(viewer, layer, point):
    """Where a data point of a layer is, in pixels of the canvas."""
    camera, canvas = viewer.scene.camera, viewer.window._qt_viewer.canvas.native
    world = np.asarray(layer.data_to_world(point))[-2:]
    centre = np.asarray(camera.center)[-2:]
    row, col = (world - centre) * camera.zoom + np.array([canvas.height(), canvas.width()]) / 2
    return QPoint(round(col), round(row))


def in_view(viewer, image):
    """Whether an image is on the canvas as a whole."""
    canvas = viewer.window._qt_viewer.canvas.native
    rows, cols = image.data.shape
    return all(
        canvas.rect().contains(on_canvas(viewer, image, corner))
        for corner in ((0, 0), (0, cols), (rows, 0), (rows, cols))
    )


def test_sample_dock_run_overlay(viewer, pair_layers, quick, qtbot):
    """A few clicks from a sample pair to the overlay, in the real window."""
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    control(widget, "run").click()
    qtbot.waitUntil(lambda: idle(widget), timeout=LONG)
    roles = [role(layer) for layer in viewer.layers]
    assert {"overlay", "candidates", "similarity"} <= set(roles)
    assert "EM px" in control(widget, "distance").text()
    # One unit for all: napari draws by it.
    assert viewer.layers.units is not None


def test_both_images_are_in_view_after_opening(viewer, pair_layers, qtbot):
    add(viewer, pair_layers)
    viewer.scene.camera.zoom *= 10
    # `open_dock` waits for it.
    open_dock(viewer, qtbot)


def test_a_sample_opened_later_is_in_view(viewer, pair_layers, qtbot):
    _, widget = open_dock(viewer, qtbot)
    add(viewer, pair_layers)
    assert widget.images.em is pair_layers[1]
    assert in_view(viewer, pair_layers[0])
    assert in_view(viewer, pair_layers[1])


def test_the_dock_fits_into_a_small_window(viewer, pair_layers, qtbot):
    add(viewer, pair_layers)
    dock, widget = open_dock(viewer, qtbot)
    assert viewer.window._qt_window.width() == 1280
    # Its share of the width leaves the larger part to the images.
    qtbot.waitUntil(lambda: dock.width() <= 400)
    for name in ("run", "cancel", "lm_layer", "draw_roi"):
        item = control(widget, name)
        left = item.mapTo(widget, QPoint(0, 0)).x()
        assert left >= 0
        assert left + item.width() <= widget.width(), name
    bottom = control(widget, "run").mapTo(widget, QPoint(0, 0)).y()
    assert bottom < widget.height()


def test_the_region_is_drawn_with_the_mouse(viewer, pair_layers, qtbot):
    lm, em, *_ = pair_layers
    add(viewer, [lm, em])
    _, widget = open_dock(viewer, qtbot)
    control(widget, "draw_roi").click()
    (roi,) = (layer for layer in viewer.layers if role(layer) == "roi")
    first, last = (on_canvas(viewer, lm, point) for point in ((20, 30), (80, 120)))
    # Given to the canvas itself: the screen's own pointer must not interfere.
    mouse = viewer.window._qt_viewer.canvas._scene_canvas.events
    mouse.mouse_press(pos=(first.x(), first.y()), modifiers=(), button=1)
    # One move: napari leaves out those that follow too soon.
    press = MouseEvent("mouse_press", button=1)
    mouse.mouse_move(pos=(last.x(), last.y()), modifiers=(), button=1, press_event=press)
    mouse.mouse_release(pos=(last.x(), last.y()), modifiers=(), button=1)
    qtbot.waitUntil(lambda: roi.mode == "select", timeout=2000)
    height, width = control(widget, "roi_size").text().split(" LM px")[0].split(" x ")
    # A pixel of the screen is about half a pixel of this LM.
    assert float(height) == pytest.approx(60, abs=2)
    assert float(width) == pytest.approx(90, abs=2)


def test_the_overlay_is_drawn_where_its_lm_pixels_are(viewer, registration, qtbot):
    """One bright spot in the EM lights up where the LM's spot does, on the screen."""
    shape, em_shape = registration.lm.shape, registration.em.shape
    lm = Image(np.zeros(shape, np.float32), scale=(0.11, 0.11), units=("um", "um"))
    em = Image(np.zeros(em_shape, np.float32), scale=(27.5, 27.5), units=("nm", "nm"))
    row, col = (round(x) for x in registration.centre)
    em.data[row - 3 : row + 4, col - 3 : col + 4] = 1
    spot = np.zeros(shape, np.float32)
    lm_row, lm_col = (round(x) for x in registration.roi.centre)
    spot[lm_row - 1 : lm_row + 2, lm_col - 1 : lm_col + 2] = 1
    lm.data = spot
    lm.contrast_limits = em.contrast_limits = (0, 1)
    overlay = Layer.create(*overlay_layer(registration, em, lm))
    overlay.opacity, overlay.visible = 1, True
    add(viewer, [lm, em, overlay])
    viewer.reset_view()
    places = []
    for shown in (lm, overlay):
        for layer in viewer.layers:
            layer.visible = layer is shown
        picture = viewer.screenshot(canvas_only=True, flash=False)[..., 0].astype(float)
        assert picture.max() > 100
        weights = np.where(picture > 50, picture, 0)
        places.append([np.average(axis, weights=weights) for axis in np.indices(weights.shape)])
    # Each centre was rounded to a whole pixel: half an LM pixel and a little of the screen.
    lm_pixel = 110 * viewer.scene.camera.zoom
    assert lm_pixel > 2
    assert np.hypot(*np.subtract(*places)) < 0.75 * lm_pixel + 0.5


def test_closing_the_window_during_a_run(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    start(widget, qtbot)
    viewer.close()
    qtbot.waitUntil(lambda: not isalive(widget) or idle(widget), timeout=2000)
    qtbot.wait(300)


def test_closing_the_dock_during_a_run(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    dock, widget = open_dock(viewer, qtbot, quick)
    start(widget, qtbot)
    dock.destroyOnClose()
    qtbot.waitUntil(lambda: not isalive(widget), timeout=2000)
    qtbot.wait(300)
    assert "overlay" not in {role(layer) for layer in viewer.layers}
    # It can be opened again, and runs.
    _, again = open_dock(viewer, qtbot, quick)
    control(again, "run").click()
    qtbot.waitUntil(lambda: idle(again), timeout=LONG)
    assert "overlay" in {role(layer) for layer in viewer.layers}


def test_the_window_stays_responsive_while_it_searches(viewer, pair_layers, qtbot):
    """The event loop comes round all the time, also on a busy machine."""
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot)
    results = []
    widget.event_arrived.connect(
        lambda event: results.append(event.stage) if isinstance(event, StageResult) else None
    )
    start(widget, qtbot)
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(monotonic()))
    timer.start(10)
    qtbot.waitUntil(lambda: "oriented search" in results, timeout=LONG)
    timer.stop()
    gaps, whole = np.diff(ticks), ticks[-1] - ticks[0]
    # Were anything computed on the GUI thread, one gap would be a stage, or the whole run.
    assert np.median(gaps) < 0.1
    assert gaps.max() < whole / 3


def test_samples_open_from_the_menu(viewer, pair, monkeypatch, qtbot):
    """napari's own way: manifest, command, layers; with a smaller pair, to be quick."""
    from clem_retrace import synthetic

    monkeypatch.setattr(synthetic, "melanosomes", lambda: pair)
    _, widget = open_dock(viewer, qtbot)
    viewer.open_sample("clem-retrace", "melanosomes")
    assert widget.images.lm.name == f"LM {pair.name}"
    assert widget.images.em.name == f"EM {pair.name}"
    assert control(widget, "roi_size").text().startswith("70 x 90 LM px")


def test_the_demo_window(pair, registration, monkeypatch, viewer):
    import napari

    monkeypatch.setattr(napari, "Viewer", lambda **_: viewer)
    assert demo.show(pair, registration, block=False) is viewer
    assert "overlay" in {role(layer) for layer in viewer.layers}
    assert samples.pair_layers(pair)[0][1]["name"] in viewer.layers
