"""The dock widget, driven by its controls, on a viewer without a window."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Shapes
from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

from clem_retrace import pipeline
from clem_retrace.events import Progress
from clem_retrace.micrograph import Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.roles import role
from clem_retrace.plugin.widget import RetraceWidget
from clem_retrace.result import Registration


@pytest.fixture
def make_widget(model, qtbot, quick):
    """Make the widget on a viewer that holds some layers."""
    widgets = []

    def make(*layers):
        for layer in layers:
            model.add_layer(layer)
        widget = RetraceWidget(model)
        qtbot.addWidget(widget)
        widget.options.set_options(quick)
        widget.show()
        widgets.append(widget)
        return widget

    yield make
    for widget in widgets:
        widget.cancel()


def control(widget, name):
    found = widget.findChild(QWidget, name)
    assert found is not None, name
    return found


def text(widget, name):
    return control(widget, name).text()


def run(widget, qtbot):
    """Press Run and wait for the end."""
    control(widget, "run").click()
    assert control(widget, "cancel").isEnabled(), text(widget, "message")
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())


def ours(model, kind):
    return [layer for layer in model.layers if role(layer) == kind]


def image_layers(pair, lm_data=None, em_data=None, **em_keywords):
    """LM and EM layers of the small pair, with other data."""
    lm = Image(pair.lm.data if lm_data is None else lm_data, name="LM")
    em = Image(pair.em.data if em_data is None else em_data, name="EM", **em_keywords)
    for layer, size in ((lm, pair.lm.pixel_size), (em, pair.em.pixel_size)):
        layer.scale = np.r_[np.ones(layer.ndim - 2), size, size]
        layer.units = ("pixel",) * (layer.ndim - 2) + ("nm", "nm")
    return lm, em


def region_on(layer, roi, **keywords):
    scale, units = layer.scale[-2:], layer.units[-2:]
    return Shapes([roi.corners], name="Region", scale=scale, units=units, **keywords)


# The whole way


def test_from_sample_to_readout(make_widget, model, pair_layers, pair, qtbot):
    lm, em, *_ = pair_layers
    widget = make_widget(*pair_layers)
    assert text(widget, "roi_size") == "70 x 90 LM px, 280 x 360 EM px"
    run(widget, qtbot)
    (overlay,) = ours(model, "overlay")
    (candidates,) = ours(model, "candidates")
    (similarity,) = ours(model, "similarity")
    registration = overlay.metadata["clem_retrace"]["registration"]
    assert registration.found
    assert text(widget, "step_check_state").startswith("✔ Found")
    assert text(widget, "reason") == registration.reason
    # The small pair is easy: found to within an LM pixel, 4 EM pixels.
    assert registration.distance_to(pair.ground_truth).pixels < 4
    assert "EM px" in text(widget, "distance")
    for layer, image in ((overlay, lm), (candidates, em), (similarity, em)):
        assert layer.units == image.units
    em_to_lm = pixels_between(overlay, lm)
    np.testing.assert_allclose(em_to_lm, registration.em_to_lm, atol=1e-6)


def test_the_distance_follows_the_ground_truth(make_widget, pair_layers, pair, qtbot):
    truth = pair_layers[2]
    widget = make_widget(*pair_layers)
    run(widget, qtbot)
    registration = widget.registration
    truth.data = [truth.data[0] + np.array([30.0, 40.0])]
    true = pair.ground_truth
    moved = Roi(true.row + 30, true.col + 40, true.height, true.width)
    assert text(widget, "distance") == str(registration.distance_to(moved))
    truth.selected_data = {0}
    truth.remove_selected()
    assert not control(widget, "distance").isVisible()


def test_the_overlay_lies_under_the_outlines(make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    run(widget, qtbot)
    order = [role(layer) for layer in model.layers]
    assert order.index("overlay") < order.index("roi") < order.index("candidates")


def test_a_second_run_replaces_the_results_of_the_first(make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    run(widget, qtbot)
    first = ours(model, "overlay")
    run(widget, qtbot)
    assert len(model.layers) == 4 + 4
    assert ours(model, "overlay") != first


def test_further_layers_on_request(make_widget, model, pair_layers, pair, qtbot):
    lm, em, *_ = pair_layers
    widget = make_widget(*pair_layers)
    control(widget, "search").setCurrentText("both")
    control(widget, "add_log_images").click()
    control(widget, "add_warped").click()
    run(widget, qtbot)
    (lm_log,), (em_log,), (warped,) = (ours(model, kind) for kind in ("LM LoG", "EM LoG", "warped"))
    assert warped.data.shape == pair.lm.shape
    assert (lm_log.units, em_log.units, warped.units) == (lm.units, em.units, lm.units)
    # Each covers its image, to within a pixel of its own.
    for log, image in ((lm_log, lm), (em_log, em)):
        np.testing.assert_allclose(
            log.extent.world, image.extent.world, atol=float(max(log.scale)) * 1.5
        )


def test_a_result_from_a_file_is_shown(make_widget, model, pair_layers, registration):
    lm, em, *_ = pair_layers
    widget = make_widget(*pair_layers)
    widget.show_result(Registration.from_dict(registration.to_dict()), lm, em)
    assert text(widget, "reason") == registration.reason
    assert len(ours(model, "overlay")) == len(ours(model, "candidates")) == 1


def test_progress_is_shown_by_stage(make_widget, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    stages = []
    widget.event_arrived.connect(
        lambda event: stages.append(event.stage) if isinstance(event, Progress) else None
    )
    control(widget, "run").click()
    assert control(widget, "progress").isVisible()
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())
    assert not control(widget, "progress").isVisible()
    assert {"oriented search", "registration"} <= set(stages)


# Kinds of layers


def variants(pair):
    lm, em = np.asarray(pair.lm.data), np.asarray(pair.em.data)
    chunks = da.from_array(em, chunks=(200, 200))
    return {
        "big-endian": (lm.astype(">u2"), em.astype(">i4"), {}),
        "dask": (da.from_array(lm, chunks=(64, 64)), chunks, {}),
        "multiscale": (lm, [em, em[::2, ::2], em[::4, ::4]], {"multiscale": True}),
        "multiscale dask": (lm, [chunks, chunks[::2, ::2]], {"multiscale": True}),
        "stack": (np.stack([lm // 2, lm, lm // 3, lm // 4, lm // 5]), em[np.newaxis], {}),
        "float": (lm / 3.0, em.astype(np.float64) - 100, {}),
    }


@pytest.mark.parametrize(
    "kind", ["big-endian", "dask", "multiscale", "multiscale dask", "stack", "float"]
)
def test_kinds_of_layers_give_the_same_place(kind, make_widget, pair, registration, qtbot):
    lm_data, em_data, keywords = variants(pair)[kind]
    lm, em = image_layers(pair, lm_data, em_data, **keywords)
    widget = make_widget(lm, em, region_on(lm, pair.roi))
    run(widget, qtbot)
    # A pixel: levels and integer divisions differ a little from the image itself.
    assert np.hypot(*np.subtract(widget.registration.centre, registration.centre)) < 4


def test_lm_in_nm_and_em_in_pixels(make_widget, model, pair, qtbot):
    """What is added carries the units of its image, and lies on it."""
    lm, em = image_layers(pair)
    em.scale, em.units = (1, 1), None
    widget = make_widget(lm, em, region_on(lm, pair.roi))
    control(widget, "em_pixel_size").setValue(pair.em.pixel_size)
    run(widget, qtbot)
    (overlay,), (candidates,) = ours(model, "overlay"), ours(model, "candidates")
    # The EM was given its pixel size: units on one of them alone would spoil both.
    assert em.units == lm.units == overlay.units == candidates.units
    np.testing.assert_allclose(pixels_between(overlay, lm), widget.registration.em_to_lm, atol=1e-6)
    np.testing.assert_allclose(candidates.data[0], widget.registration.corners, atol=1e-2)


def test_set_on_layers_and_side_by_side_take_the_results_along(make_widget, model, pair, qtbot):
    lm, em = image_layers(pair)
    em.scale, em.units = (1, 1), None
    widget = make_widget(lm, em, region_on(lm, pair.roi))
    control(widget, "em_pixel_size").setValue(pair.em.pixel_size)
    run(widget, qtbot)
    control(widget, "calibrate").click()
    control(widget, "side_by_side").click()
    (candidates,) = ours(model, "candidates")
    np.testing.assert_allclose(pixels_between(candidates, em), np.eye(3), atol=1e-6)
    assert candidates.units == em.units == lm.units
    assert em.translate[1] > lm.extent.world[1, 1]


# Mistakes


def no_layers(pair):
    return []


def no_em(pair):
    return image_layers(pair)[:1]


def no_region(pair):
    return image_layers(pair)


def outside(pair):
    lm, em = image_layers(pair)
    region = region_on(lm, pair.roi)
    region.data = [region.data[0] + 1000]
    return [lm, em, region]


def no_area(pair):
    lm, em = image_layers(pair)
    line = np.array([[5, 5], [5, 60], [5, 60], [5, 5.0]])
    return [lm, em, Shapes([line], scale=lm.scale, units=lm.units)]


def no_size(pair):
    lm, em = image_layers(pair)
    em.units = None
    return [lm, em, region_on(lm, pair.roi)]


def impossible_size(pair):
    """An EM coarser than the LM."""
    lm, em = image_layers(pair)
    em.scale = (500, 500)
    return [lm, em, region_on(lm, pair.roi)]


def rgb(pair):
    lm, em = image_layers(pair)
    grey = np.repeat(np.asarray(pair.em.data)[..., np.newaxis], 3, axis=2)
    em = Image(grey, rgb=True, name="EM", scale=em.scale, units=em.units)
    return [lm, em, region_on(lm, pair.roi)]


def em_stack(pair):
    lm, em = image_layers(pair, em_data=np.stack([pair.em.data] * 3))
    return [lm, em, region_on(lm, pair.roi)]


def patch_too_large(pair):
    lm, em = image_layers(pair, em_data=np.asarray(pair.em.data)[:150, :150])
    return [lm, em, region_on(lm, pair.roi)]


def constant(pair):
    lm, em = image_layers(pair, em_data=np.full(pair.em.shape, 7, np.uint8))
    return [lm, em, region_on(lm, pair.roi)]


def all_nan(pair):
    lm, em = image_layers(pair, lm_data=np.full(pair.lm.shape, np.nan, np.float32))
    lm.contrast_limits = (0, 1)
    return [lm, em, region_on(lm, pair.roi)]


MISTAKES = {
    no_layers: "No LM image",
    no_em: "No EM image",
    no_region: "press 'Draw the region'",
    outside: "outside the LM image",
    no_area: "0 x 55",
    no_size: "pixel size of the EM image is missing",
    impossible_size: "have the images or the pixel sizes been swapped",
    rgb: "RGB",
    em_stack: "3 dimensions",
    patch_too_large: "draw a smaller region",
    constant: "constant",
    all_nan: "no finite values",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_told_and_the_form_stays_usable(
    mistake, make_widget, model, pair, notices, qtbot
):
    widget = make_widget(*mistake(pair))
    count = len(model.layers)
    control(widget, "run").click()
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())
    ((severity, message),) = notices
    assert severity == "warning"
    assert MISTAKES[mistake] in message
    assert text(widget, "message") == message
    assert control(widget, "run").isEnabled()
    assert len(model.layers) == count
    # Mended, it runs.
    model.layers.clear()
    lm, em = image_layers(pair)
    for layer in (lm, em, region_on(lm, pair.roi)):
        model.add_layer(layer)
    run(widget, qtbot)
    assert ours(model, "overlay")


def test_an_option_that_contradicts_another_is_told(make_widget, pair_layers, notices):
    widget = make_widget(*pair_layers)
    control(widget, "representation.min_sigma").setValue(15)
    control(widget, "run").click()
    assert "max_sigma" in notices[0][1]
    assert not control(widget, "cancel").isEnabled()


def test_an_ellipse_is_searched_for_as_it_is_drawn(make_widget, model, pair, notices, qtbot):
    lm, em = image_layers(pair)
    widget = make_widget(lm, em, region_on(lm, pair.roi, shape_type="ellipse"))
    assert text(widget, "step_region_state").startswith("70 x 90 LM px, as drawn")
    run(widget, qtbot)
    assert notices == []
    roi = widget.registration.roi
    assert roi.height == pytest.approx(pair.roi.height)
    assert len(roi.outline) > 50
    (candidates,), (region,) = ours(model, "candidates"), ours(model, "region")
    assert len(candidates.data[0]) == len(roi.outline)
    # Outside it the LM is not laid over the EM.
    assert np.isnan(region.data[0, 0])
    assert np.isfinite(region.data[35, 45])


def test_a_fault_of_ours_is_shown_as_an_error(make_widget, pair, notices, qtbot, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("never thought of")

    monkeypatch.setattr(pipeline, "steps", fail)
    lm, em = image_layers(pair)
    widget = make_widget(lm, em, region_on(lm, pair.roi))
    control(widget, "run").click()
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())
    assert notices[-1][0] == "error"
    assert "never thought of" in notices[-1][1]
    assert control(widget, "run").isEnabled()


def test_a_layer_whose_data_cannot_be_read_is_told(make_widget, pair, notices, qtbot):

    class Broken:
        shape, ndim, dtype = pair.em.shape, 2, np.dtype(np.uint8)

        def __init__(self):
            self.broken = False

        def __getitem__(self, key):
            if self.broken:
                raise RuntimeError("disk is gone")
            return np.asarray(pair.em.data)[key]

        def __array__(self, dtype=None, copy=None):
            return self[...]

    data = Broken()
    lm, em = image_layers(pair, em_data=data, contrast_limits=(0, 255))
    widget = make_widget(lm, em, region_on(lm, pair.roi))
    data.broken = True
    control(widget, "run").click()
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())
    assert notices[-1][0] == "warning"
    assert "disk is gone" in notices[-1][1]
    assert control(widget, "run").isEnabled()


# Runs that do not reach their end


def start(widget, qtbot):
    """Press Run, and wait until the worker is at work."""
    with qtbot.waitSignal(widget.event_arrived):
        control(widget, "run").click()


def test_cancel_at_once(make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    start(widget, qtbot)
    control(widget, "cancel").click()
    assert text(widget, "message") == "Cancelled"
    assert not control(widget, "cancel").isEnabled()
    qtbot.wait(300)
    assert not ours(model, "overlay")
    run(widget, qtbot)
    assert ours(model, "overlay")


def test_run_again_during_a_run(make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    start(widget, qtbot)
    run(widget, qtbot)
    qtbot.wait(100)
    assert len(ours(model, "overlay")) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_an_image_deleted_during_a_run(which, make_widget, model, pair_layers, notices, qtbot):
    widget = make_widget(*pair_layers)
    start(widget, qtbot)
    model.layers.remove(pair_layers[which])
    assert not control(widget, "cancel").isEnabled()
    assert "removed" in text(widget, "message")
    qtbot.wait(300)
    assert not ours(model, "overlay")


def test_the_region_deleted_during_a_run(make_widget, model, pair_layers, qtbot):
    """It has been read: the run goes on."""
    widget = make_widget(*pair_layers)
    start(widget, qtbot)
    model.layers.remove(pair_layers[3])
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())
    assert ours(model, "overlay")


def test_the_em_deleted_after_a_run_takes_the_readout_along(make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    run(widget, qtbot)
    model.layers.remove(pair_layers[1])
    assert text(widget, "step_check_state") == "After the search"
    pair_layers[2].data = [pair_layers[2].data[0] + 5]
    assert not control(widget, "distance").isVisible()


def test_a_widget_that_its_dock_lets_go_of_stops_and_goes(model, pair_layers, quick, qtbot):
    for layer in pair_layers:
        model.add_layer(layer)
    dock = QWidget()
    qtbot.addWidget(dock)
    widget = RetraceWidget(model)
    widget.options.set_options(quick)
    widget.setParent(dock)
    start(widget, qtbot)
    widget.setParent(None)
    qtbot.waitUntil(lambda: not isalive(widget))
    qtbot.wait(300)
    assert not ours(model, "overlay")
    # It no longer follows the viewer: a slot on a deleted widget would raise.
    model.add_layer(Image(np.zeros((5, 5)), name="later"))


# Drawing


def test_draw_makes_a_layer_on_the_image_in_rectangle_mode(make_widget, model, pair, qtbot):
    lm, em = image_layers(pair)
    widget = make_widget(lm, em)
    control(widget, "draw_roi").click()
    (roi,) = ours(model, "roi")
    assert roi.mode == "add_rectangle"
    assert model.layers.selection.active is roi
    assert roi.units == lm.units
    np.testing.assert_allclose(pixels_between(roi, lm), np.eye(3), atol=1e-9)
    # The EM lay over the LM, where neither had been placed: it has made room.
    assert em.translate[1] > 0
    control(widget, "draw_ground_truth").click()
    (truth,) = ours(model, "ground truth")
    np.testing.assert_allclose(pixels_between(truth, em), np.eye(3), atol=1e-9)
    control(widget, "draw_roi").click()
    assert ours(model, "roi") == [roi]
    assert roi.mode == "add_rectangle"


def test_draw_leaves_images_where_someone_has_placed_them(make_widget, pair):
    lm, em = image_layers(pair)
    em.translate = (500, 500)
    widget = make_widget(lm, em)
    control(widget, "draw_roi").click()
    np.testing.assert_allclose(em.translate, (500, 500))


def test_draw_without_an_image_asks_for_one(make_widget, notices):
    widget = make_widget()
    control(widget, "draw_roi").click()
    assert notices == [("warning", "Choose the LM image first")]


def test_the_size_of_the_region_follows_the_drawing(make_widget, pair_layers):
    widget = make_widget(*pair_layers)
    roi = pair_layers[3]
    roi.data = [np.array([[9.5, 9.5], [9.5, 59.5], [29.5, 59.5], [29.5, 9.5]])]
    assert text(widget, "roi_size") == "20 x 50 LM px, 80 x 200 EM px"
    control(widget, "ratio").setValue(5)
    assert text(widget, "roi_size") == "20 x 50 LM px, 100 x 250 EM px"


def test_a_typed_ratio_goes_into_the_options(make_widget, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    control(widget, "ratio").setValue(4.1)
    run(widget, qtbot)
    assert widget.registration.options.pixel_size_ratio == 4.1
    assert widget.registration.ratio == 4.1


def draw_patch(widget, model, *corners):
    """Press Draw and draw, in EM pixels."""
    control(widget, "draw_patch").click()
    (patch,) = ours(model, "patch")
    patch.add_rectangles(np.array(corners, float))
    return patch


#: 150 x 120 EM pixels.
UPRIGHT = ([99.5, 99.5], [99.5, 219.5], [249.5, 219.5], [249.5, 99.5])


def patch_options(widget):
    histogram = widget.registration.options.histogram
    return histogram.patch_height, histogram.patch_width


def test_a_drawn_patch_is_what_the_histogram_search_looks_for(
    make_widget, model, pair_layers, notices, qtbot
):
    em = pair_layers[1]
    widget = make_widget(*pair_layers)
    size = {"histogram.patch_height": 300.0, "histogram.patch_width": 310.0}
    widget.options.set_options(
        RegistrationOptions.from_paths({"search": "histogram", "histogram.overlap": 0.7, **size})
    )
    assert control(widget, "patch_size").isHidden()
    assert "patch" not in text(widget, "step_region_state")
    patch = draw_patch(widget, model, *UPRIGHT)
    np.testing.assert_allclose(pixels_between(patch, em), np.eye(3), atol=1e-9)
    assert patch.units == em.units
    assert text(widget, "patch_size") == "patch 150 x 120 EM px"
    assert "patch 150 x 120 EM px" in text(widget, "step_region_state")
    run(widget, qtbot)
    assert patch_options(widget) == pytest.approx((150, 120))
    for match in widget.registration.candidates.matches:
        sides = np.ptp(match.corners, axis=0)
        # The grid of the search is coarser than the EM: the LM's, of 4 EM pixels.
        np.testing.assert_allclose(sides, (150, 120), atol=4)
    assert notices == []
    # Given up, the typed size counts again.
    control(widget, "patch_layer").setCurrentIndex(0)
    assert control(widget, "patch_size").isHidden()
    assert "patch" not in text(widget, "step_region_state")
    run(widget, qtbot)
    assert patch_options(widget) == (300, 310)


def without_shapes(model, patch):
    patch.selected_data = {0}
    patch.remove_selected()


def without_layer(model, patch):
    model.layers.remove(patch)


@pytest.mark.parametrize("gone", [without_shapes, without_layer])
def test_without_a_drawn_patch_the_region_gives_it(gone, make_widget, model, pair_layers, qtbot):
    widget = make_widget(*pair_layers)
    patch = draw_patch(widget, model, *UPRIGHT)
    gone(model, patch)
    assert control(widget, "patch_size").isHidden()
    assert "patch" not in text(widget, "step_region_state")
    run(widget, qtbot)
    assert patch_options(widget) == (None, None)


def test_a_turned_patch_is_used_as_its_box_which_is_told(
    make_widget, model, pair_layers, notices, qtbot
):
    widget = make_widget(*pair_layers)
    draw_patch(widget, model, [200, 100], [100, 200], [200, 300], [300, 200])
    assert text(widget, "patch_size") == "patch 200 x 200 EM px"
    run(widget, qtbot)
    assert notices == [("info", "Of the EM patch, the box round it is used")]
    assert patch_options(widget) == pytest.approx((200, 200))


def test_a_patch_too_small_to_search_for_is_told(make_widget, model, pair_layers, notices):
    widget = make_widget(*pair_layers)
    draw_patch(widget, model, [10, 10], [10, 13], [50, 13], [50, 10])
    control(widget, "run").click()
    ((severity, message),) = notices
    assert severity == "warning"
    assert message == "Patch_width is 3: it must be at least 8 EM px"
    assert not control(widget, "cancel").isEnabled()


def test_side_by_side_and_set_on_layers_take_the_patch_along(
    make_widget, model, pair_layers, qtbot
):
    em = pair_layers[1]
    widget = make_widget(*pair_layers)
    patch = draw_patch(widget, model, *UPRIGHT)
    control(widget, "em_pixel_size").setValue(55.0)
    control(widget, "calibrate").click()
    control(widget, "side_by_side").click()
    np.testing.assert_allclose(pixels_between(patch, em), np.eye(3), atol=1e-6)
    assert text(widget, "patch_size") == "patch 150 x 120 EM px"


def test_every_control_has_a_name_and_a_tip(make_widget, pair_layers):
    widget = make_widget(*pair_layers)
    for name in (
        "lm_layer", "em_layer", "lm_pixel_size", "em_pixel_size", "ratio", "side_by_side",
        "calibrate", "roi_layer", "draw_roi", "truth_layer", "draw_ground_truth", "preset",
        "patch_layer", "draw_patch",
        "run", "cancel", "add_log_images", "add_warped",
    ):  # fmt: skip
        item = control(widget, name)
        assert item.toolTip(), name
        assert item.accessibleName() or item.text(), name
