"""The dock `Compare` and its parts, on a viewer without a window."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Layer, Shapes
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QWidget

from clem_retrace.plugin import outputs, roles
from clem_retrace.plugin.compare.candidates import step_candidate
from clem_retrace.plugin.compare.keys import KEYS as SHORTCUTS
from clem_retrace.plugin.compare.loan import Loan
from clem_retrace.plugin.compare.stage import ROLE, Stage
from clem_retrace.plugin.compare.widget import MODES, CompareWidget
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.sight import camera as camera_of

KEYS = [kind.key for kind in MODES]
#: What is compared of a layer's state.
STATE = (
    "visible", "opacity", "blending", "contrast_limits", "contrast_limits_range", "gamma",
    "colormap", "mode",
)  # fmt: skip


def state(model):
    """Everything that a mode might have changed."""
    return [
        (layer.name, *(getattr(layer, name, None) for name in STATE)) for layer in model.layers
    ], set(model.layers.selection)


@pytest.fixture
def layers(model, registration, pair_layers):
    """The small pair with all its results: LM, EM, overlay, candidates."""
    lm, em, *_ = pair_layers
    for layer in pair_layers:
        model.add_layer(layer)
    overlay = Layer.create(*outputs.overlay_layer(registration, em, lm))
    candidates = Layer.create(*outputs.candidates_layer(registration.candidates, em))
    model.add_layer(overlay)
    model.add_layer(candidates)
    return lm, em, overlay, candidates


@pytest.fixture
def make_dock(model, qtbot):
    docks = []

    def make():
        dock = CompareWidget(model)
        qtbot.addWidget(dock)
        dock.show()
        docks.append(dock)
        return dock

    yield make
    for dock in docks:
        dock.released()


@pytest.fixture
def dock(layers, make_dock):
    return make_dock()


def control(dock, name):
    found = dock.findChild(QWidget, name)
    assert found is not None, name
    return found


def message(dock):
    return control(dock, "compare_message").text()


def added(model):
    return [layer for layer in model.layers if roles.role(layer) == ROLE]


def press(model, key):
    """Call what is bound to a key in the viewer."""
    bound = {str(binding): action for binding, action in model.keymap.items()}
    bound[key.replace("-", "+")](model)


def test_a_loan_gives_back_what_it_took_first():
    image = Image(np.arange(12.0).reshape(3, 4), contrast_limits=(2, 5), opacity=0.7)
    before = image.contrast_limits_range
    loan = Loan()
    loan.set(image, opacity=0.1, contrast_limits=(-50, 99))
    loan.set(image, opacity=0.2, contrast_limits=(0, 500))
    image.gamma = 0.5
    assert image.contrast_limits == [0, 500]
    loan.give_back()
    assert (image.opacity, image.contrast_limits) == (0.7, [2, 5])
    assert image.contrast_limits_range == before
    # Not on loan: whoever set it keeps it.
    assert image.gamma == 0.5


def test_the_stage_puts_layers_in_order_and_back(model):
    lm, other, em = (Image(np.zeros((9, 9)), name=name) for name in ("LM", "other", "EM"))
    for layer in (em, other, lm):
        model.add_layer(layer)
    model.layers.selection = {other}
    stage = Stage(model)
    stage.open(lm, em)
    names = [layer.name for layer in model.layers]
    assert names.index("EM") > names.index("LM")
    assert not other.visible
    stage.add(Image(np.zeros((3, 3)), name="extra"))
    stage.show(em, opacity=0.3)
    assert [layer.name for layer in model.layers][-2:] == ["EM", "extra"]
    assert model.layers.selection == {other}
    stage.close()
    assert [layer.name for layer in model.layers] == ["EM", "other", "LM"]
    assert other.visible
    assert em.opacity == 1
    assert model.layers.selection == {other}


def test_the_stage_shows_the_two_alone_and_ends_drawing(model, draw):
    lm, em, apart = (Image(np.zeros((9, 9)), name=name) for name in ("LM", "EM", "apart"))
    apart.translate = (100, 100)
    em.visible = False
    roi = draw(1, 1, 5, 5)
    for layer in (lm, em, apart, roi):
        model.add_layer(layer)
    roi.mode = "add_rectangle"
    grid = model.canvas.grid if hasattr(model, "canvas") else model.grid
    grid.enabled = True
    stage = Stage(model)
    stage.open(lm, em)
    assert (em.visible, apart.visible, roi.visible) == (True, True, True)
    assert roi.mode == "pan_zoom"
    assert not grid.enabled
    stage.close()
    assert not em.visible
    assert roi.mode == "add_rectangle"
    assert grid.enabled


def test_the_overlay_and_its_lm_are_chosen(dock, layers):
    lm, _, overlay, _ = layers
    assert (dock.images.below, dock.images.above) == (lm, overlay)
    assert dock.mode == "off"
    assert message(dock) == ""


@pytest.mark.parametrize("key", KEYS)
def test_every_mode_gives_everything_back(dock, model, qtbot, key):
    before = state(model)
    camera = camera_of(model).center, camera_of(model).zoom
    control(dock, f"mode_{key}").click()
    assert dock.mode == key
    if key in ("checkerboard", "curtain", "edges"):
        qtbot.waitUntil(lambda: len(added(model)) == 1)
    assert state(model) != before
    assert (camera_of(model).center, camera_of(model).zoom) == camera
    control(dock, "mode_off").click()
    assert state(model) == before
    assert (camera_of(model).center, camera_of(model).zoom) == camera


@pytest.mark.parametrize("key", KEYS)
def test_closing_the_dock_gives_everything_back(dock, model, key):
    before = state(model)
    dock.choose_mode(key)
    dock.released()
    assert state(model) == before
    assert not model.keymap
    assert not model.mouse_drag_callbacks[1:], "napari's own is left"


@pytest.fixture
def in_window(layers, make_dock, qtbot):
    """The dock as one of two docks of a window."""
    window = QMainWindow()
    qtbot.addWidget(window)
    holders = [QDockWidget(name) for name in ("Compare", "other")]
    dock = make_dock()
    for holder, widget in zip(holders, (dock, QLabel("other")), strict=True):
        holder.setWidget(widget)
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, holder)
    window.show()
    qtbot.waitExposed(window)
    return dock, window, *holders


@pytest.mark.parametrize("key", KEYS)
def test_a_hidden_dock_leaves_nothing_behind_and_goes_on_when_it_is_shown(in_window, model, key):
    dock, _, holder, _ = in_window
    before = state(model)
    dock.choose_mode(key)
    compared = state(model)
    assert compared != before
    holder.toggleViewAction().trigger()
    assert state(model) == before
    dock.choose_mode("off")
    dock.choose_mode(key)
    assert state(model) == before
    holder.toggleViewAction().trigger()
    assert dock.mode == key
    assert state(model) == compared


def test_behind_another_tab_the_comparison_stays(in_window, model, qtbot):
    dock, window, holder, other = in_window
    dock.choose_mode("curtain")
    compared = state(model)
    window.tabifyDockWidget(holder, other)
    for front, behind in ((other, holder), (holder, other)) * 2:
        front.raise_()
        qtbot.waitUntil(lambda behind=behind: behind.visibleRegion().isEmpty())
        assert state(model) == compared
    window.hide()
    assert state(model) == compared


def test_modes_in_turn_leave_no_traces(dock, model):
    before = state(model)
    for key in (*KEYS, *reversed(KEYS)):
        dock.choose_mode(key)
    dock.choose_mode("off")
    assert state(model) == before


def test_only_the_settings_of_the_mode_are_shown(dock):
    for key in KEYS:
        dock.choose_mode(key)
        assert [name for name in KEYS if dock.modes[name].isVisible()] == [key]


def test_every_control_has_a_name_and_a_tip(dock):
    from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox

    for kind in (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox):
        for found in dock.findChildren(kind):
            if found.objectName().startswith(("qt_", "ScrollLeft")) or not found.objectName():
                continue
            assert found.toolTip(), found.objectName()
            assert found.accessibleName() or found.text(), found.objectName()


def test_opacity(dock, layers):
    overlay = layers[2]
    dock.choose_mode("opacity")
    control(dock, "opacity").setValue(30)
    assert overlay.opacity == pytest.approx(0.3)
    dock.flip()
    assert overlay.opacity == 0
    dock.flip()
    assert overlay.opacity == pytest.approx(0.3)


def test_blink_by_the_clock_and_by_hand(dock, layers, qtbot):
    overlay = layers[2]
    dock.choose_mode("blink")
    control(dock, "blink_rate").setValue(3)
    seen = []
    overlay.events.opacity.connect(lambda: seen.append(overlay.opacity))
    qtbot.waitUntil(lambda: len(seen) >= 3)
    assert seen[:3] == [0, 1, 0]
    # Layers are read anew when they are made visible.
    assert overlay.visible
    dock.flip()
    assert control(dock, "blink_pause").isChecked()
    count = len(seen)
    qtbot.wait(800)
    assert len(seen) == count
    dock.choose_mode("off")
    qtbot.wait(500)
    assert overlay.opacity == pytest.approx(0.6)


def test_blinking_is_never_dangerous(dock):
    rate = control(dock, "blink_rate")
    rate.setValue(50)
    assert rate.value() <= 3


def test_the_key_for_blinking_starts_it(dock, layers):
    dock.flip()
    assert dock.mode == "blink"
    assert layers[2].opacity == 0


def test_squares_of_the_size_that_was_asked_for(dock, model, layers):
    dock.choose_mode("checkerboard")
    cell = control(dock, "cell")
    assert cell.suffix() == " µm"
    cell.setValue(1.0)
    (cover,) = added(model)
    lm_pixel = 110.0
    first = cover.vertices[:4]
    inner = [quad for quad in cover.vertices.reshape(-1, 4, 2) if np.ptp(quad[:, 0]) > 9]
    assert first.shape == (4, 2)
    np.testing.assert_allclose(np.ptp(inner[0], axis=0), 1000 / lm_pixel)
    np.testing.assert_allclose(pixels_between(cover, layers[0]), np.eye(3), atol=1e-9)


def test_the_lower_images_look_is_followed(dock, model, layers, qtbot):
    lm = layers[0]
    dock.choose_mode("curtain")
    (cover,) = added(model)
    assert cover.texture[:-2, :, 2].max() == cover.texture[:-2, :, 0].max()
    lm.colormap = "green"
    qtbot.waitUntil(lambda: cover.texture[:-2, :, 2].max() == 0)
    assert cover.texture[:-2, :, 1].max() == 255


@pytest.mark.usefixtures("canvas_is_known")
def test_the_border_stays_on_the_screen(dock, model, layers, qtbot):
    dock.choose_mode("curtain")
    curtain = dock.modes["curtain"]
    view = camera_of(model)
    row, col = view.center[-2:]
    assert curtain.column == pytest.approx(col)
    control(dock, "curtain").setValue(250)
    width = model.canvas.size[1] / view.zoom
    assert curtain.column == pytest.approx(col - width / 4)
    view.center = (0, row, col + 500)
    assert curtain.column == pytest.approx(col + 500 - width / 4)
    lines = added(model)[0].vertices
    qtbot.waitUntil(lambda: not np.array_equal(added(model)[0].vertices, lines))


def test_merge_inverts_what_is_dark(dock, layers):
    """Both images of this pair hold dark granules: both are inverted, and add up to white."""
    lm, _, overlay, _ = layers
    dock.choose_mode("merge")
    assert control(dock, "invert_above").isChecked()
    colours = lm.colormap.colors, overlay.colormap.colors
    np.testing.assert_allclose(sum(image.max(axis=0)[:3] for image in colours), 1)
    # Dark is bright.
    assert overlay.colormap.colors[0][:3].sum() > overlay.colormap.colors[-1][:3].sum() == 0
    assert overlay.blending == "additive"
    control(dock, "invert_above").setChecked(False)
    assert overlay.colormap.colors[0][:3].sum() == 0
    control(dock, "palette").setCurrentText("magenta on grey")
    np.testing.assert_allclose(overlay.colormap.colors[-1], 1)
    assert not control(dock, "invert_above").isChecked()


def test_edges_are_where_the_structures_are(model, make_dock, qtbot):
    """A dark disk in the EM has its outline at the right place over the LM."""
    rows, cols = np.indices((400, 500))
    rng = np.random.default_rng(8)
    disk = np.hypot(rows - 200, cols - 260) < 60
    data = (np.where(disk, 60, 150) + rng.normal(0, 5, disk.shape)).astype(np.uint8)
    lm = Image(np.zeros((60, 70)), name="LM", scale=(100, 100), units=("nm", "nm"))
    em = Image(data, name="EM", scale=(10, 10), units=("nm", "nm"), rotate=10)
    for layer in (lm, em):
        model.add_layer(layer)
    dock = make_dock()
    dock.images.choose(lm, em)
    dock.choose_mode("edges")
    qtbot.waitUntil(lambda: len(added(model)) == 1)
    (lines,) = added(model)
    on = np.argwhere(np.asarray(lines.data) > 0)
    places = [lines.data_to_world(place) for place in on]
    centre = em.data_to_world((200, 260))
    radii = np.linalg.norm(np.array(places) - centre, axis=1)
    # Sigma is 60 nm: the disk's edge is found to a fraction of it, and little else.
    assert np.median(np.abs(radii - 600)) < 20
    assert em.opacity == 0
    # Nearer, they are drawn anew in the same layer.
    before = np.asarray(lines.data)
    camera_of(model).zoom *= 3
    qtbot.waitUntil(lambda: lines.data is not before)
    assert added(model) == [lines]
    places = [lines.data_to_world(place) for place in np.argwhere(np.asarray(lines.data) > 0)]
    radii = np.linalg.norm(np.array(places) - centre, axis=1)
    assert np.median(np.abs(radii - 600)) < 20
    dock.flip()
    assert not lines.visible


def test_the_warped_image(dock, model, layers, qtbot):
    lm, _, overlay, _ = layers
    dock.choose_mode("opacity")
    control(dock, "warped").click()
    qtbot.waitUntil(lambda: len(added(model)) == 1)
    (warped,) = added(model)
    assert warped.visible
    assert warped.opacity == pytest.approx(0.5)
    assert warped.data.shape == lm.data.shape
    np.testing.assert_allclose(pixels_between(warped, lm), np.eye(3), atol=1e-9)
    # It replaces the overlay, which is given back.
    assert overlay.opacity == pytest.approx(0.6)
    control(dock, "warped").click()
    assert overlay.opacity == pytest.approx(0.5)
    assert not warped.visible
    dock.released()
    assert not added(model)


def test_a_warped_result_of_the_run_is_taken(dock, model, layers, registration):
    lm, _, overlay, _ = layers
    data = np.zeros(lm.data.shape, np.float32)
    result = Layer.create(*outputs.warped_layer(data, registration, lm))
    model.add_layer(result)
    dock.choose_mode("opacity")
    control(dock, "warped").click()
    assert result.visible
    assert result.opacity == pytest.approx(0.5)
    assert not overlay.visible, "it would show through"
    dock.choose_mode("off")
    assert not result.visible
    assert overlay.visible


def test_another_overlay_takes_the_place_of_the_one_before(
    dock, model, layers, registration, qtbot
):
    """As when another candidate is registered: the way of comparing stays."""
    lm, em, overlay, _ = layers
    dock.choose_mode("curtain")
    model.layers.remove(overlay)
    moved = dataclasses.replace(registration, em_to_lm=registration.em_to_lm.copy())
    new = Layer.create(*outputs.overlay_layer(moved, em, lm))
    model.add_layer(new)
    qtbot.waitUntil(lambda: dock.images.above is new)
    assert dock.mode == "curtain"
    assert new.opacity == 1
    assert len(added(model)) == 1


def test_an_overlay_that_is_moved_is_followed(dock, model, layers, qtbot):
    overlay = layers[2]
    dock.choose_mode("checkerboard")
    before = added(model)[0].vertices
    overlay.affine = np.array([[1, 0, 3000], [0, 1, 3000], [0, 0, 1]]) @ overlay.affine
    qtbot.waitUntil(lambda: added(model) and not np.array_equal(added(model)[0].vertices, before))


@pytest.mark.parametrize("key", KEYS)
def test_removing_an_image_ends_the_comparison(dock, model, layers, qtbot, key):
    lm, _, overlay, _ = layers
    dock.choose_mode(key)
    model.layers.remove(lm)
    qtbot.waitUntil(lambda: dock.images.below is None)
    qtbot.wait(200)
    assert not added(model)
    assert overlay.opacity == pytest.approx(0.6)
    assert "choose two images" in message(dock)


@pytest.mark.parametrize("key", KEYS)
def test_removing_all_layers(dock, model, qtbot, key):
    dock.choose_mode(key)
    model.layers.clear()
    qtbot.wait(200)
    assert not model.layers


def test_any_two_images_can_be_compared(model, make_dock, qtbot):
    one, two = (Image(np.eye(20), name=name) for name in "ab")
    for layer in (one, two):
        model.add_layer(layer)
    dock = make_dock()
    assert dock.images.above is None
    dock.choose_mode("checkerboard")
    assert "choose two images" in message(dock)
    dock.images.choose(two, one)
    assert len(added(model)) == 1
    assert control(dock, "cell").suffix() == " px"
    assert [layer.name for layer in model.layers][:2] == ["b", "a"]
    dock.images.choose(one, one)
    assert "two different" in message(dock)
    assert not added(model)
    assert [layer.name for layer in model.layers] == ["a", "b"]


def test_images_that_are_apart_are_said_to_be(model, make_dock):
    for shift in (0, 500):
        model.add_layer(Image(np.eye(20), name=str(shift), translate=(shift, 0)))
    dock = make_dock()
    dock.choose_mode("curtain")
    dock.images.choose(*model.layers)
    assert message(dock) == "The two images do not overlap."


def test_rgb_images_and_stacks(model, make_dock, qtbot):
    rng = np.random.default_rng(0)
    stack = Image(rng.normal(size=(3, 40, 50)), name="stack")
    rgb = Image(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8), rgb=True, name="rgb")
    model.add_layer(stack)
    model.add_layer(rgb)
    before = state(model)
    dock = make_dock()
    dock.images.choose(stack, rgb)
    for key in KEYS:
        dock.choose_mode(key)
        qtbot.wait(50)
    assert "RGB" in message(dock)
    dock.choose_mode("curtain")
    dock.images.choose(rgb, stack)
    model.dims.set_current_step(0, 2)
    qtbot.wait(50)
    dock.choose_mode("merge")
    assert "RGB" in message(dock)
    dock.choose_mode("off")
    assert state(model) == before


def test_the_page_of_shortcuts_lists_them_all():
    page = Path(__file__).parents[2] / "docs" / "shortcuts.md"
    section = page.read_text("utf-8").partition("## Compare")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
    assert rows == list(SHORTCUTS.items())


def test_no_key_is_one_of_naparis():
    theirs = {str(binding) for bindings in default_shortcuts.values() for binding in bindings}
    assert not theirs & {key.replace("-", "+") for key in SHORTCUTS}


def test_keys_do_what_is_said_of_them(dock, model, layers):
    press(model, "Q")
    assert dock.mode == "opacity"
    press(model, ".")
    assert control(dock, "opacity").value() == 55
    press(model, ",")
    assert control(dock, "opacity").value() == 50
    press(model, "K")
    assert layers[2].opacity == 0
    press(model, "Shift-Q")
    assert dock.mode == "off"
    press(model, "W")
    assert control(dock, "warped").isChecked()
    press(model, "W")
    with_candidates = layers[3]
    press(model, "N")
    assert len(with_candidates.selected_data) == 1


@pytest.mark.parametrize("key", KEYS)
def test_less_and_more_of_each_mode(dock, model, key):
    dock.choose_mode(key)
    for pressed in (".", ".", ",", ",", ",", "."):
        press(model, pressed)
    dock.choose_mode("off")


def test_a_key_of_somebody_else_is_left_alone(model, layers, make_dock):
    pressed = []
    model.bind_key("K", lambda _: pressed.append("theirs"))
    dock = make_dock()
    assert control(dock, "keys").text().endswith("Used by something else: K")
    press(model, "K")
    assert (pressed, dock.mode) == (["theirs"], "off")
    dock.released()
    press(model, "K")
    assert len(pressed) == 2


def test_from_candidate_to_candidate(dock, layers, registration):
    candidates = layers[3]
    count = len(candidates.data)
    assert count > 2
    # The overlay shows the first: the next is the second.
    assert registration.match is registration.candidates.best
    for way, number in (("next", 1), ("next", 2), ("previous", 1)):
        control(dock, f"{way}_candidate").click()
        assert set(candidates.selected_data) == {number}
    candidates.selected_data = {count - 1}
    control(dock, "next_candidate").click()
    assert set(candidates.selected_data) == {0}
    assert message(dock) == f"Candidate 1 of {count}"


def test_candidates_of_the_run_that_is_looked_at(registration, em, lm):
    candidates = registration.candidates
    mine, other = (
        Layer.create(*outputs.candidates_layer(shown, em))
        for shown in (candidates, dataclasses.replace(candidates))
    )
    overlay = Layer.create(*outputs.overlay_layer(registration, em, lm))
    assert step_candidate([mine, other], 1, overlay)[0] is mine
    assert step_candidate([mine, other], 1)[0] is other
    assert step_candidate([em, lm, overlay], 1) is None


def test_without_candidates_it_says_so(model, make_dock):
    model.add_layer(Shapes(ndim=2))
    dock = make_dock()
    dock.step_candidate(1)
    assert "no candidates" in message(dock)


def test_a_way_of_comparing_chosen_just_when_an_image_has_gone(dock, model, layers, qtbot):
    """Before the dock has followed the removal."""
    dock.choose_mode("curtain")
    model.layers.remove(layers[2])
    dock.choose_mode("checkerboard")
    dock.flip()
    qtbot.wait(100)
    assert not added(model)


def test_the_border_is_not_taken_from_under_a_drawing_hand(dock, model, pair_layers):
    dock.choose_mode("curtain")
    curtain = dock.modes["curtain"]
    on_it = (0.0, curtain.column)
    assert curtain._near(on_it)
    roi = pair_layers[-1]
    model.layers.selection.active = roi
    roi.mode = "add_rectangle"
    assert not curtain._near(on_it)
    roi.mode = "pan_zoom"
    assert curtain._near(on_it)
