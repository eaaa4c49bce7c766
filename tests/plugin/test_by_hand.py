"""Places given by hand, in the dock: registered or taken, listed, undone, and out of date."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Layer

from clem_retrace.evaluation import target_registration_error
from clem_retrace.geometry import compose, invert, similarity
from clem_retrace.micrograph import ImageFacts
from clem_retrace.plugin.dock import SETTLED
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.outputs import landmark_overlay_layer
from clem_retrace.plugin.roles import LANDMARK_OVERLAY
from clem_retrace.plugin.sight import camera as camera_of
from clem_retrace.registration.pair_transform import PairTransform


@pytest.fixture
def start(pair):
    """A place some pixels and degrees off."""
    centre = np.array(pair.roi.centre)
    off = similarity(1.02, -3.0, False, centre, np.add(centre, (4, -3)))
    return compose(off, invert(pair.lm_to_em))


@pytest.fixture
def driver(drive, pair_layers):
    """The dock with the small pair, before any run."""
    return drive(*pair_layers)


def place(driver, start, **keywords):
    """Register from a place, and wait for the end."""
    driver.widget.register_from(start, **keywords)
    driver.wait()


def error(driver, pair):
    found = target_registration_error(
        driver.registration.em_to_lm, invert(pair.lm_to_em), driver.registration.roi
    )
    return float(np.median(found))


def test_it_is_registered_from_there_and_shown(driver, start, pair, pair_layers):
    place(driver, start)
    assert driver.registration.match.search == "hand"
    assert error(driver, pair) < 0.5
    assert driver.registration.roi == pair.roi
    (overlay,) = driver.ours("overlay")
    assert overlay.visible
    # The label is bright where the EM is dark: it shines through.
    assert overlay.blending == "additive"
    np.testing.assert_allclose(
        pixels_between(overlay, pair_layers[0]), driver.registration.em_to_lm, atol=1e-6
    )
    assert not driver.ours("similarity")
    assert len(driver.ours("candidates")[0].data) == 1


def test_the_overlay_that_it_was_placed_on_makes_way(shown, start, pair_layers, pair):
    lm, em, *_ = pair_layers
    (overlay,) = shown.ours("overlay")
    overlay.visible = False
    transform = PairTransform(start, ImageFacts.of(pair.lm), ImageFacts.of(pair.em), origin="hand")
    shown.model.add_layer(Layer.create(*landmark_overlay_layer(transform, em, lm)))
    place(shown, start)
    assert shown.ours("overlay") == [overlay]
    assert overlay.visible
    assert not shown.ours(LANDMARK_OVERLAY)


def test_nowhere_is_it_called_unsure(driver, start):
    place(driver, start)
    assert driver.text("step_check_state") == "✎ Placed by hand, and registered from there"
    assert driver.text("step_search_state") == "Placed by hand: nothing was searched for"
    assert driver["candidate_table"].item(0, 1).text() == "✎ by hand"
    assert driver["candidate_table"].item(0, 0).toolTip() == "Placed by hand"
    assert "✎ by hand" in driver["run_list"].item(0).text()
    assert driver["advice"].isHidden()
    assert driver.primary() == {"show_overlay"}
    told = [driver.text(name) for name in ("step_check_state", "reason", "step_search_state")]
    assert not any("%" in text for text in told)
    assert not driver["register_candidate"].isEnabled()


def test_without_a_region_all_of_the_overlap_counts(drive, pair_layers, start, pair):
    driver = drive(*pair_layers[:2])
    place(driver, start)
    assert error(driver, pair) < 0.5
    assert driver.registration.roi.outline
    assert driver["roi_size"].text() == ""
    assert driver.primary() == {"show_overlay"}
    assert "all that both images show" in driver.text("step_region_state")
    assert driver["outdated"].isHidden()


def test_it_can_be_taken_as_it_is_and_registered_later(driver, start, pair):
    place(driver, start, register=False)
    np.testing.assert_array_equal(driver.registration.em_to_lm, start)
    assert driver.text("step_check_state") == "✎ Placed by hand"
    assert driver["advice"].isHidden()
    driver.run("register_candidate")
    assert error(driver, pair) < 0.5
    assert driver["run_list"].count() == 1
    assert driver.registration.match.search == "hand"


def test_a_place_that_is_far_off_is_kept_and_says_what_to_try(driver, pair, start):
    far = compose(similarity(1.0, 90.0, False, pair.roi.centre, pair.roi.centre), start)
    place(driver, far)
    np.testing.assert_array_equal(driver.registration.em_to_lm, far)
    assert driver.text("step_check_state").startswith("? Placed by hand: the registration")
    assert "Move the EM closer" in driver.text("advice")
    assert "place is kept" in driver.text("support")


def test_it_is_a_run_of_its_own_that_is_undone(shown, start):
    searched = shown.registration
    place(shown, start)
    assert shown["run_list"].count() == 2
    assert shown["undo"].toolTip() == "Undo: run 2 is shown"
    placed = shown.registration
    shown.click("undo")
    assert shown.registration is searched
    assert shown.ours("similarity")
    shown.click("redo")
    assert shown.registration is placed
    assert not shown.ours("similarity")


def test_what_a_search_reads_does_not_put_it_out_of_date(driver, start, pair_layers):
    place(driver, start)
    driver["oriented.mirror"].setCurrentText("no")
    driver["histogram.bins"].setValue(32)
    assert driver["outdated"].isHidden()
    driver["context"].setValue(70)
    assert driver.text("outdated") == (
        "⚠ Out of date: the option 'context' was changed. Register it again, or undo the change."
    )
    driver.click("undo")
    assert driver["outdated"].isHidden()
    roi = pair_layers[3]
    roi.data = [roi.data[0] + 6]
    assert "the region was moved" in driver.text("outdated")


def test_it_is_registered_again_from_the_same_place(driver, start, pair):
    place(driver, start)
    driver["context"].setValue(70)
    driver.choose_run("Register again")
    assert driver["outdated"].isHidden()
    assert driver.registration.options.context == 70
    np.testing.assert_array_equal(driver.registration.match.em_to_lm, start)
    assert error(driver, pair) < 0.5
    assert driver["run_list"].count() == 2


def test_the_view_stays_where_the_user_works(driver, model, start, qtbot):
    # The dock brings all into view once it has its place.
    qtbot.wait(3 * SETTLED)
    camera_of(model).zoom *= 3
    before = camera_of(model).zoom, camera_of(model).center
    place(driver, start)
    assert (camera_of(model).zoom, camera_of(model).center) == before


def test_pixel_sizes_need_not_be_known(drive, pair, start):
    driver = drive(Image(pair.lm.data, name="LM"), Image(pair.em.data, name="EM"))
    place(driver, start)
    assert error(driver, pair) < 0.5
    assert driver.registration.lm.pixel_size is None
    # They are asked for all the same.
    assert driver.primary() == {"lm_pixel_size"}
    assert driver.text("step_check_state").startswith("✎ Placed by hand")


def test_what_is_missing_or_wrong_is_told(drive, pair_layers, start, notices, pair):
    driver = drive(pair_layers[0])
    driver.widget.register_from(start)
    assert "No EM image" in notices[-1][1]
    driver.model.add_layer(pair_layers[1])
    beside = compose(similarity(1.0, 0.0, False, (0, 0), (900, 0)), start)
    driver.widget.register_from(beside)
    assert "does not lie on the LM" in notices[-1][1]
    assert driver.idle()
    driver.model.add_layer(pair_layers[3])
    place(driver, beside)
    assert "outside the EM image" in notices[-1][1]
    assert driver.registration is None


def test_the_images_that_it_is_of_are_chosen(driver, start, pair_layers, pair):
    lm, em, *_ = pair_layers
    other = driver.model.add_image(np.asarray(pair.em.data)[::-1], scale=em.scale, units=em.units)
    driver.widget.images.choose(lm, other)
    driver.widget.register_from(start, images=(lm, em))
    driver.wait()
    assert driver.widget.images.em is em
    assert error(driver, pair) < 0.5


def test_it_is_cancelled_like_any_run(shown, start):
    searched = shown.registration
    shown.widget.register_from(start)
    shown.click("cancel")
    assert shown.idle()
    assert shown.registration is searched
    assert shown["run_list"].count() == 1


def test_the_button_opens_the_dock_of_landmarks(shown, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "clem_retrace.plugin.widget.open_dock", lambda _viewer, name: opened.append(name)
    )
    shown.click("move_by_hand")
    shown.click("compare")
    assert opened == ["Landmarks", "Compare"]
