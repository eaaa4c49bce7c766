"""The dock `Compare` in a real napari window, judged by what is on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QWidget
from vispy.app.canvas import MouseEvent

from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.scene import Scene
from clem_retrace.plugin.sight import camera as camera_of

pytestmark = pytest.mark.viewer

#: Grey levels, of 255: a picture that is drawn by other means may be rounded differently.
CLOSE = 3


@pytest.fixture
def two(viewer):
    """A coarse LM in um, and a fine EM in nm on it, turned and smaller than the LM."""
    rng = np.random.default_rng(11)
    lm = Image(
        rng.uniform(0.2, 1, (50, 60)).astype(np.float32),
        name="LM", colormap="green", contrast_limits=(0, 1),
        scale=(0.1, 0.1), units=("um", "um"), translate=(0.5, -1.0),
    )  # fmt: skip
    em = Image(
        rng.integers(30, 255, (300, 320)).astype(np.uint8),
        name="EM", contrast_limits=(0, 255),
        scale=(10, 10), units=("nm", "nm"), translate=(1200, 700), rotate=7,
    )  # fmt: skip
    viewer.add_layer(lm)
    viewer.add_layer(em)
    return lm, em


@pytest.fixture
def dock(viewer, two, qtbot):
    """The dock, as the menu opens it, with the pair chosen and the EM filling the canvas."""
    _, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Compare")
    qtbot.waitUntil(lambda: widget.width() < 400)
    qtbot.wait(200)
    Scene(viewer).view(two[1], margin=0.02)
    widget.images.choose(*two)
    return widget


def control(widget, name):
    return widget.findChild(QWidget, name)


def picture(viewer):
    """The canvas, RGB."""
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def shown_alone(viewer, two, upper):
    """The canvas with the LM alone, or with the opaque EM on it."""
    _, em = two
    kept = em.visible, em.opacity
    em.visible, em.opacity = upper, 1.0
    alone = picture(viewer)
    em.visible, em.opacity = kept
    return alone


def same(one, other):
    return (np.abs(one - other) <= CLOSE).all(axis=-1)


def drag(viewer, start, end):
    """Press, move and release the left button, at (x, y) of the canvas."""
    # To the canvas itself: the screen's own pointer must not interfere.
    mouse = viewer.window._qt_viewer.canvas._scene_canvas.events
    press = MouseEvent("mouse_press", pos=start, button=1, buttons=[1])
    mouse.mouse_press(press)
    # One move: napari leaves out those that follow too soon.
    mouse.mouse_move(
        MouseEvent(
            "mouse_move", pos=end, button=1, buttons=[1], press_event=press, last_event=press
        )
    )
    mouse.mouse_release(MouseEvent("mouse_release", pos=end, button=1, press_event=press))


def wait_for_border(dock, qtbot):
    qtbot.wait(50)
    assert dock.modes["curtain"].entered


@pytest.mark.parametrize("share", [0.3, 0.5])
@pytest.mark.parametrize("swap", [False, True])
def test_curtain_shows_the_lm_left_and_the_em_right(viewer, two, dock, qtbot, share, swap):
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    dock.choose_mode("curtain")
    control(dock, "curtain").setValue(round(1000 * share))
    control(dock, "curtain_swap").setChecked(swap)
    wait_for_border(dock, qtbot)
    seen = picture(viewer)
    border, width = round(share * seen.shape[1]), seen.shape[1]
    # Apart from the border and its grip.
    left, right = slice(0, border - 8), slice(border + 8, width)
    if swap:
        left, right = right, left
    assert same(seen[:, left], lm_alone[:, left]).mean() > 0.999
    assert same(seen[:, right], both[:, right]).mean() > 0.999
    # The two differ where the EM lies, else this says nothing.
    assert same(lm_alone, both).mean() < 0.6
    # The border is a line, white with black rims.
    top = seen[seen.shape[0] // 3, border - 3 : border + 4].sum(axis=-1)
    assert top.max() > 740
    assert top.min() < 20


def test_curtain_is_cut_to_the_pixel_of_the_screen_at_any_zoom(viewer, two, dock, qtbot):
    camera_of(viewer).zoom *= 20
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    dock.choose_mode("curtain")
    wait_for_border(dock, qtbot)
    seen = picture(viewer)
    border = seen.shape[1] // 2
    assert same(seen[:, : border - 8], lm_alone[:, : border - 8]).mean() > 0.995
    assert same(seen[:, border + 8 :], both[:, border + 8 :]).mean() > 0.995


def canvas_size(viewer):
    native = viewer.window._qt_viewer.canvas.native
    return native.height(), native.width()


def test_the_border_is_dragged_and_the_camera_is_not(viewer, two, dock, qtbot):
    dock.choose_mode("curtain")
    wait_for_border(dock, qtbot)
    height, width = canvas_size(viewer)
    before = camera_of(viewer).center
    drag(viewer, (width / 2, height / 3), (width / 4, height / 3))
    assert control(dock, "curtain").value() == pytest.approx(250, abs=5)
    picture(viewer)
    assert camera_of(viewer).center == pytest.approx(before)


def test_elsewhere_the_mouse_moves_the_camera_and_the_border_stays(viewer, two, dock, qtbot):
    dock.choose_mode("curtain")
    wait_for_border(dock, qtbot)
    height, width = canvas_size(viewer)
    before = camera_of(viewer).center
    canvas = viewer.window._qt_viewer.canvas.native
    places = [QPointF(width * share, height / 3) for share in (0.7, 0.7, 0.65, 0.6, 0.6)]
    left, none, move = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, QEvent.Type.MouseMove
    steps = (
        (QEvent.Type.MouseButtonPress, left, left),
        *((move, none, left),) * 3,
        (QEvent.Type.MouseButtonRelease, left, none),
    )
    for place, (kind, button, held) in zip(places, steps, strict=True):
        away = canvas.mapToGlobal(place)
        event = QMouseEvent(kind, place, away, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(canvas, event)
        # The canvas leaves out moves that follow too soon.
        qtbot.wait(50)
    picture(viewer)
    assert camera_of(viewer).center[-1] > before[-1]
    assert control(dock, "curtain").value() == 500
    qtbot.wait(100)
    hidden = [layer for layer in viewer.layers if roles.role(layer) == "compare"]
    assert len(hidden) == 1
    hidden[0].visible = False
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    hidden[0].visible = True
    seen, border = picture(viewer), width // 2
    assert same(seen[:, : border - 8], lm_alone[:, : border - 8]).mean() > 0.999
    assert same(seen[:, border + 8 :], both[:, border + 8 :]).mean() > 0.999


def test_the_curtain_follows_a_zoom_out(viewer, two, dock, qtbot):
    """More of the LM comes into view than was drawn at first."""
    camera_of(viewer).zoom *= 8
    dock.choose_mode("curtain")
    camera_of(viewer).zoom /= 8
    qtbot.wait(100)
    seen = picture(viewer)
    dock.choose_mode("off")
    lm_alone = shown_alone(viewer, two, False)
    border = seen.shape[1] // 2
    assert same(seen[:, : border - 8], lm_alone[:, : border - 8]).mean() > 0.999


def test_checkerboard_shows_squares_of_both(viewer, two, dock):
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    dock.choose_mode("checkerboard")
    seen = picture(viewer)
    is_lm, is_em = same(seen, lm_alone), same(seen, both)
    # But for the borders between squares, which fall between pixels of the screen.
    assert (is_lm | is_em).mean() > 0.98
    differ = ~same(lm_alone, both)
    assert 0.4 < is_lm[differ].mean() < 0.6
    control(dock, "cell_swap").setChecked(True)
    swapped = picture(viewer)
    assert (same(swapped, lm_alone) | is_lm)[differ].mean() > 0.98
    assert 0.4 < same(swapped, lm_alone)[differ].mean() < 0.6


def test_opacity_mixes_the_two(viewer, two, dock):
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    dock.choose_mode("opacity")
    for percent in (0, 30, 100):
        control(dock, "opacity").setValue(percent)
        expected = lm_alone + percent / 100 * (both - lm_alone)
        assert np.abs(picture(viewer) - expected).max() <= CLOSE


def test_blink_shows_the_one_and_then_both(viewer, two, dock):
    lm_alone, both = (shown_alone(viewer, two, upper) for upper in (False, True))
    dock.choose_mode("blink")
    control(dock, "blink_pause").setChecked(True)
    dock.flip()
    pictures = [picture(viewer)]
    dock.flip()
    pictures.append(picture(viewer))
    first = same(pictures[0], both).all()
    assert same(pictures[1 if first else 0], lm_alone).all()
    assert same(pictures[0 if first else 1], both).all()


def test_merge_is_white_where_label_and_structure_coincide(viewer, dock, two):
    """A label that is bright where the EM is dark; a label alone; a structure alone."""
    lm, em = two
    em.rotate, em.translate = 0, (500, -1000)
    lm_data, em_data = np.full((50, 60), 0.1, np.float32), np.full((300, 320), 180, np.uint8)
    lm_data += np.random.default_rng(1).normal(0, 0.01, lm_data.shape)
    em_data += np.random.default_rng(2).integers(0, 20, em_data.shape).astype(np.uint8)
    # The EM's first pixel lies on the LM's, and ten of its pixels on one of the LM's.
    places = {"both": (5, 5), "label": (5, 20), "structure": (20, 5), "neither": (20, 20)}
    for name in ("both", "label"):
        row, col = places[name]
        lm_data[row : row + 4, col : col + 4] = 1
    for name in ("both", "structure"):
        row, col = (10 * x for x in places[name])
        em_data[row : row + 40, col : col + 40] = 20
    lm.data, em.data = lm_data, em_data
    Scene(viewer).view(em, margin=0.02)
    dock.choose_mode("merge")
    assert control(dock, "invert_above").isChecked()
    assert not control(dock, "invert_below").isChecked()
    seen = picture(viewer)
    height, width = canvas_size(viewer)
    camera = camera_of(viewer)
    colours = {}
    for name, (row, col) in places.items():
        world = np.array(lm.data_to_world((row + 1.5, col + 1.5))) * 1000
        y, x = (world - camera.center[-2:]) * camera.zoom + (height / 2, width / 2)
        colours[name] = seen[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4].mean((0, 1))
    assert colours["both"].min() > 200
    np.testing.assert_allclose(colours["label"], (255, 40, 255), atol=60)
    np.testing.assert_allclose(colours["structure"], (20, 255, 20), atol=60)
    assert colours["neither"].max() < 90


def test_edges_are_lines_over_the_lm(viewer, two, dock, qtbot):
    _, em = two
    rows, cols = np.indices(em.data.shape)
    disk = np.hypot(rows - 150, cols - 160) < 60
    noise = np.random.default_rng(4).integers(0, 10, disk.shape)
    em.data = (np.where(disk, 60, 170) + noise).astype(np.uint8)
    lm_alone = shown_alone(viewer, two, False)
    dock.choose_mode("edges")
    qtbot.waitUntil(lambda: any(roles.role(layer) == "compare" for layer in viewer.layers))
    changed = ~same(picture(viewer), lm_alone)
    height, width = canvas_size(viewer)
    camera = camera_of(viewer)
    centre = np.array(em.data_to_world((150, 160)))
    y, x = np.nonzero(changed)
    places = np.column_stack([y - height / 2 + 0.5, x - width / 2 + 0.5]) / camera.zoom
    radii = np.linalg.norm(places + camera.center[-2:] - centre, axis=1)
    # Lines are two pixels of the screen wide, of about 4 nm each.
    assert np.abs(np.median(radii) - 600) < 12
    assert (np.abs(radii - 600) < 30).mean() > 0.9


def test_afterwards_the_canvas_is_as_before(viewer, two, dock, qtbot):
    before = picture(viewer)
    for key in dock.modes:
        dock.choose_mode(key)
        qtbot.wait(50)
        picture(viewer)
    dock.choose_mode("off")
    qtbot.wait(50)
    np.testing.assert_array_equal(picture(viewer), before)


@pytest.mark.parametrize("where", ["canvas", "dock"])
def test_keys(viewer, two, dock, qtbot, where):
    """With the focus in the canvas, and with it in the dock."""
    if where == "canvas":
        target = viewer.window._qt_viewer.canvas.native
        target.setFocus()
    else:
        target = control(dock, "mode_off")
        dock.activateWindow()
        target.setFocus()
        qtbot.waitUntil(target.hasFocus)
    qtbot.keyClick(target, Qt.Key.Key_Q)
    assert dock.mode == "opacity"
    qtbot.keyClick(target, Qt.Key.Key_Period)
    qtbot.keyClick(target, Qt.Key.Key_Period)
    qtbot.keyClick(target, Qt.Key.Key_Comma)
    assert control(dock, "opacity").value() == 55
    qtbot.keyClick(target, Qt.Key.Key_K)
    assert two[1].opacity == 0
    qtbot.keyClick(target, Qt.Key.Key_Q, Qt.KeyboardModifier.ShiftModifier)
    assert dock.mode == "off"


def test_keys_are_gone_with_the_dock(viewer, two, dock, qtbot):
    dock_widget = dock.parent()
    dock.choose_mode("curtain")
    dock_widget.destroyOnClose()
    qtbot.waitUntil(lambda: not isalive(dock))
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Q)
    assert len(viewer.layers) == 2
    # It can be opened again.
    _, again = viewer.window.add_plugin_dock_widget("clem-retrace", "Compare")
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Q)
    assert again.mode == "opacity"


@pytest.mark.parametrize("key", ["blink", "curtain", "edges"])
def test_closing_the_window_while_comparing(viewer, two, dock, qtbot, key):
    dock.choose_mode(key)
    viewer.close()
    qtbot.wait(300)


def test_the_dock_fits_into_a_small_window(viewer, two, dock, qtbot):
    for key in dock.modes:
        dock.choose_mode(key)
        qtbot.wait(20)
        for found in dock.modes[key].findChildren(QWidget):
            if found.objectName() and not found.objectName().startswith("qt_"):
                right = found.mapTo(dock, QPoint(found.width(), 0)).x()
                assert right <= dock.width(), found.objectName()
    assert viewer.window._qt_window.width() == 1280


def test_next_to_the_results_of_a_run(viewer, registration, pair_layers, qtbot):
    """The overlay of a run is taken; its candidates are gone through by key."""
    lm, em, *_ = pair_layers
    for layer in pair_layers:
        viewer.add_layer(layer)
    viewer.add_layer(Layer.create(*outputs.overlay_layer(registration, em, lm)))
    candidates = Layer.create(*outputs.candidates_layer(registration.candidates, em))
    viewer.add_layer(candidates)
    _, widget = viewer.window.add_plugin_dock_widget("clem-retrace", "Compare")
    assert widget.images.below is lm
    canvas = viewer.window._qt_viewer.canvas.native
    for key in widget.modes:
        widget.choose_mode(key)
        qtbot.keyClick(canvas, Qt.Key.Key_N)
    assert set(candidates.selected_data) == {len(widget.modes) % len(candidates.data)}
    assert viewer.layers.units is not None
    widget.choose_mode("off")
