"""The dock in a real napari window: what cannot be seen without one."""

from __future__ import annotations

from time import monotonic, thread_time

import numpy as np
import pytest
from napari.layers import Image, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QListWidget,
    QTabBar,
    QTableWidget,
    QWidget,
)
from vispy.app.canvas import MouseEvent

from clem_retrace import synthetic
from clem_retrace.events import StageResult
from clem_retrace.plugin import demo, docks, preferences, samples
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.outputs import overlay_layer
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.sight import camera as camera_of
from clem_retrace.plugin.widget import RetraceWidget

pytestmark = pytest.mark.viewer


def open_dock(viewer, qtbot, options=None):
    """Open the widget as the menu does."""
    if options is not None:
        preferences.remember_options(options)
    dock, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
    images = [image for image in (widget.images.lm, widget.images.em) if image is not None]
    # They are brought into view when the dock has taken its room.
    qtbot.waitUntil(lambda: all(in_view(viewer, image) for image in images))
    return dock, widget


def add(viewer, layers):
    for layer in layers:
        viewer.add_layer(layer)


def control(widget, name):
    return widget.findChild(QWidget, name)


def idle(widget):
    return not control(widget, "cancel").isEnabled()


def start(widget, qtbot):
    with qtbot.waitSignal(widget.event_arrived):
        control(widget, "run").click()


def on_canvas(viewer, layer, point):
    """Where a data point of a layer is, in pixels of the canvas."""
    camera, canvas = camera_of(viewer), viewer.window._qt_viewer.canvas.native
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


class Mouse:
    """Clicks in the window's menus and on its buttons, and counts them."""

    def __init__(self, viewer, qtbot):
        self.window = viewer.window._qt_window
        self.qtbot = qtbot
        self.clicks = 0

    def click(self, widget, place):
        """Press and release the left button."""
        self.clicks += 1
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)

    def click_button(self, button):
        """Press a button that is seen."""
        self.qtbot.waitUntil(lambda: button.visibleRegion().contains(button.rect().center()))
        self.click(button, button.rect().center())

    def open_menu(self, title):
        """Click on a menu of the bar."""
        bar = self.window.menuBar()
        (action,) = [one for one in bar.actions() if one.text().replace("&", "") == title]
        self.click(bar, bar.actionGeometry(action).center())
        self.qtbot.waitUntil(lambda: action.menu().isVisible())
        return action.menu()

    def point_at(self, menu, title):
        """Open a submenu by pointing at it."""
        (action,) = [one for one in menu.actions() if one.text() == title]
        menu.setActiveAction(action)
        self.qtbot.waitUntil(lambda: action.menu().isVisible())
        return action.menu()

    def choose(self, menu, title):
        """Click on an entry of a menu."""
        (action,) = [one for one in menu.actions() if title in one.text()]
        self.click(menu, menu.actionGeometry(action).center())


def test_four_clicks_from_the_sample_menu_to_the_overlay(viewer, pair, quick, monkeypatch, qtbot):
    """Entry of the sample; menu and entry of the dock; Search. The menus are the real ones."""
    monkeypatch.setattr(synthetic, "endosomes", lambda: pair)
    preferences.remember_options(quick)
    mouse = Mouse(viewer, qtbot)
    files = mouse.open_menu("File")
    samples_menu = mouse.point_at(mouse.point_at(files, "Open Sample"), "clem-retrace")
    mouse.clicks = 0
    mouse.choose(samples_menu, "Endosomes")
    qtbot.waitUntil(lambda: len(viewer.layers) == 4)
    mouse.choose(mouse.point_at(mouse.open_menu("Layers"), "Register"), "Retrace and register")
    docks = viewer.window.dock_widgets
    qtbot.waitUntil(lambda: len(docks) == 1)
    (widget,) = viewer.window._qt_window.findChildren(RetraceWidget)
    qtbot.waitUntil(lambda: in_view(viewer, widget.images.em))
    search = control(widget, "run")
    assert search.property("primary")
    mouse.click_button(search)
    assert mouse.clicks == 4
    assert not idle(widget)
    qtbot.waitUntil(lambda: idle(widget))
    (overlay,) = (layer for layer in viewer.layers if role(layer) == "overlay")
    assert overlay.visible
    assert widget.registration.found
    assert "EM px" in control(widget, "distance").text()
    # One unit for all: napari draws by it.
    assert viewer.layers.units is not None


def test_a_dock_is_one_from_the_menu_and_from_a_button_and_a_tab_beside_the_others(viewer, qtbot):
    """napari names what its menus open by the plugin's display name, and the rest by its name."""
    mouse = Mouse(viewer, qtbot)
    window = viewer.window._qt_window
    opened = []
    for name, kind in (("Retrace and register", RetraceWidget), ("Landmarks", LandmarksWidget)):
        mouse.choose(mouse.point_at(mouse.open_menu("Layers"), "Register"), name)
        qtbot.waitUntil(lambda kind=kind: window.findChild(kind) is not None)
        opened.append(window.findChild(kind))
        qtbot.waitUntil(lambda: is_seen(opened[-1].parentWidget()))
    (first, second), (behind, front) = opened, [one.parentWidget() for one in opened]
    assert docks.open_dock(viewer, "Landmarks") is second
    qtbot.waitUntil(lambda: behind in window.tabifiedDockWidgets(front))
    # Of a tab behind another nothing is seen, though Qt calls it visible.
    qtbot.waitUntil(lambda: is_seen(front) and not is_seen(behind))
    assert docks.open_dock(viewer, "Retrace and register") is first
    qtbot.waitUntil(lambda: is_seen(behind) and not is_seen(front))
    assert len(viewer.window.dock_widgets) == 2


def is_seen(dock):
    """Whether a part of a dock is not covered by others."""
    return not dock.visibleRegion().isEmpty()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_text_can_be_read_in_both_themes(theme, viewer, pair_layers, quick, qtbot):
    """By the contrast that the W3C asks of text, 4.5 to 1."""
    viewer.theme = theme
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    for label in widget.findChildren(QLabel):
        if label.isVisible() and label.text():
            colours = label.palette()
            ground = colours.color(QPalette.ColorRole.Window)
            if ground.alpha() == 0:
                ground = label.parentWidget().palette().color(QPalette.ColorRole.Window)
            text = colours.color(QPalette.ColorRole.WindowText)
            assert contrast(text, ground) > 4.5, label.text()
    # The control to use next differs by its frame, in the colour of the text.
    button = control(widget, "run")
    frame = button.grab().toImage().pixelColor(button.width() // 2, 0)
    fill = button.grab().toImage().pixelColor(4, button.height() // 2)
    assert contrast(frame, fill) > 3


def contrast(first, second):
    """The contrast of two colours by WCAG 2.2."""

    def luminance(colour):
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_two_viewers_at_once(make_napari_viewer, pair, quick, qtbot):
    """Each dock runs for its own viewer."""
    preferences.remember_options(quick)
    widgets = []
    for _ in range(2):
        viewer = make_napari_viewer(show=True)
        add(viewer, [Layer.create(*layer) for layer in samples.pair_layers(pair)])
        _, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
        widgets.append((viewer, widget))
    for _, widget in widgets:
        control(widget, "run").click()
    for viewer, widget in widgets:
        qtbot.waitUntil(lambda widget=widget: idle(widget))
        assert [role(layer) for layer in viewer.layers].count("overlay") == 1
    first, second = (widget.registration for _, widget in widgets)
    assert first is not second
    np.testing.assert_array_equal(first.em_to_lm, second.em_to_lm)


def test_undo_on_the_canvas_is_of_the_region_alone(viewer, pair_layers, quick, qtbot):
    """Ctrl-Z, while the region's layer is the active one; labels keep their own."""
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    roi = pair_layers[3]
    drawn = roi.data[0].copy()
    roi.data = [drawn + 5]
    viewer.layers.selection.active = roi
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_allclose(roi.data[0], drawn, rtol=1e-5)
    control(widget, "context").setValue(70)
    labels = viewer.add_labels(np.zeros((20, 20), np.uint8))
    labels.fill((5, 5), 3)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not labels.data.any()
    assert control(widget, "context").value() == 70


def test_the_next_candidate_by_a_key_of_the_compare_dock(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    control(widget, "run").click()
    qtbot.waitUntil(lambda: idle(widget))
    viewer.window.add_plugin_dock_widget("clem-retrace", "Compare")
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_N)
    table = control(widget, "candidate_table")
    qtbot.waitUntil(lambda: table.currentRow() == 1)
    qtbot.keyClick(canvas, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: table.currentRow() == 0)


def test_every_control_can_be_told_by_name_and_has_a_tip(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    control(widget, "run").click()
    qtbot.waitUntil(lambda: idle(widget))
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QTableWidget, QListWidget)
    controls = [one for kind in kinds for one in widget.findChildren(kind) if is_ours(one)]
    assert len(controls) > 50
    for one in controls:
        name = one.objectName() or one
        assert one.toolTip() or one.accessibleDescription(), name
        said = one.text() if isinstance(one, QAbstractButton) else ""
        assert one.accessibleName() or said.strip("▾▸ "), name


def is_ours(control):
    """Whether a control is one of the dock's, not a part of another control."""
    parts = (QAbstractSpinBox, QComboBox, QTableWidget, QListWidget, QTabBar)
    above = control.parentWidget()
    while above is not None and not isinstance(above, RetraceWidget):
        if isinstance(above, parts):
            return False
        above = above.parentWidget()
    return above is not None


def test_both_images_are_in_view_after_opening(viewer, pair_layers, qtbot):
    add(viewer, pair_layers)
    camera_of(viewer).zoom *= 10
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
    for name in ("step_images_header", "step_region_header"):
        control(widget, name).click()
    for name in (
        "run",
        "run_menu",
        "cancel",
        "redo",
        "lm_layer",
        "view_lm",
        "calibrate",
        "draw_roi",
    ):
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
    qtbot.waitUntil(lambda: roi.mode == "select")
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
    lm_pixel = 110 * camera_of(viewer).zoom
    assert lm_pixel > 2
    assert np.hypot(*np.subtract(*places)) < 0.75 * lm_pixel + 0.5


def test_closing_the_window_during_a_run(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot, quick)
    start(widget, qtbot)
    viewer.close()
    qtbot.waitUntil(lambda: not isalive(widget) or idle(widget))
    qtbot.wait(300)


def test_closing_the_dock_during_a_run(viewer, pair_layers, quick, qtbot):
    add(viewer, pair_layers)
    dock, widget = open_dock(viewer, qtbot, quick)
    start(widget, qtbot)
    dock.destroyOnClose()
    qtbot.waitUntil(lambda: not isalive(widget))
    qtbot.wait(300)
    assert "overlay" not in {role(layer) for layer in viewer.layers}
    # It can be opened again, and runs.
    _, again = open_dock(viewer, qtbot, quick)
    control(again, "run").click()
    qtbot.waitUntil(lambda: idle(again))
    assert "overlay" in {role(layer) for layer in viewer.layers}


def test_the_window_stays_responsive_while_it_searches(viewer, pair_layers, qtbot):
    """The event loop comes round all the time, and has little to do itself."""
    add(viewer, pair_layers)
    _, widget = open_dock(viewer, qtbot)
    times, ends = [], []
    timer = QTimer()
    timer.timeout.connect(lambda: times.append((monotonic(), thread_time())))

    def note(event):
        if isinstance(event, StageResult) and event.stage == "oriented search":
            timer.stop()  # the layers that come now are napari's work
            ends.append(monotonic())

    widget.event_arrived.connect(note)
    start(widget, qtbot)
    timer.start(10)
    qtbot.waitUntil(lambda: bool(ends))
    whole = ends[0] - times[0][0]
    gaps, computed = np.diff(times, axis=0).T
    assert np.median(gaps) < 0.1
    # Were anything computed on the GUI thread, a stage or the whole run would be between two ticks.
    assert computed.max() < whole / 3
    assert computed.sum() < whole / 2


def test_samples_open_from_the_menu(viewer, pair, monkeypatch, qtbot):
    """napari's own way: manifest, command, layers; with a smaller pair, to be quick."""
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
