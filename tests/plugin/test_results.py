"""What a run leaves: candidates to look at and to take, runs to come back to."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.events import StageResult
from clem_retrace.pipeline import register
from clem_retrace.plugin.frames import pixels_between
from clem_retrace.plugin.sight import camera as camera_of


def choose(shown, row):
    shown["candidate_table"].setCurrentCell(row, 0)


def test_a_candidate_that_is_clicked_is_shown(shown, pair_layers):
    lm, em, *_ = pair_layers
    (overlay,) = shown.ours("overlay")
    overlay.opacity = 0.35
    choose(shown, 2)
    match = shown.registration.candidates.matches[2]
    assert shown.registration.match is match
    # The same layer, moved: what the user has set of it stays.
    assert shown.ours("overlay") == [overlay]
    assert overlay.opacity == 0.35
    assert overlay.visible
    np.testing.assert_allclose(pixels_between(overlay, lm), match.em_to_lm, atol=1e-6)
    (region,) = shown.ours("region")
    assert region.visible
    centre = np.array(pair_layers[3].data[0]).mean(axis=0)
    assert pixels_between(region, em).shape == (3, 3)
    assert "3 of" in shown.text("reason")
    assert shown.text("step_check_state").startswith("? Candidate 3")
    assert centre.shape == (2,)


def test_the_view_goes_to_the_place_on_the_em(shown, model):
    (region,) = shown.ours("region")
    choose(shown, 2)
    corners = region.extent.world
    centre = np.asarray(camera_of(model).center)[-2:]
    np.testing.assert_allclose(centre, corners.mean(axis=0), rtol=1e-6)
    before = camera_of(model).zoom
    shown.click("show_overlay")
    (roi,) = shown.ours("roi")
    np.testing.assert_allclose(
        np.asarray(camera_of(model).center)[-2:], roi.extent.world.mean(axis=0), rtol=1e-6
    )
    shown.click("show_on_em")
    assert camera_of(model).zoom == pytest.approx(before)


def test_any_candidate_can_be_taken_and_registered(shown, pair, quick):
    shown.click("next_candidate")
    assert shown["register_candidate"].isEnabled()
    shown.run("register_candidate")
    expected = register(pair.lm, pair.em, pair.roi, quick, take=2)
    np.testing.assert_allclose(shown.registration.em_to_lm, expected.em_to_lm, atol=1e-9)
    assert "taken by hand" in shown.text("step_check_state")
    assert not shown["register_candidate"].isEnabled()
    assert shown["candidate_table"].item(1, 0).text() == "2 ●"
    # It belongs to the same run.
    assert shown["run_list"].count() == 1
    choose(shown, 0)
    assert shown.registration.found
    choose(shown, 1)
    np.testing.assert_allclose(shown.registration.em_to_lm, expected.em_to_lm, atol=1e-9)


def test_a_candidate_of_an_outdated_run_is_registered_as_the_run_was(shown, pair_layers, pair):
    roi = pair_layers[3]
    roi.data = [roi.data[0] + 8]
    shown.click("next_candidate")
    shown.run("register_candidate")
    assert shown.registration.roi.row == pytest.approx(pair.roi.row, abs=1e-3)
    assert not shown["outdated"].isHidden()


def test_what_is_selected_on_the_canvas_is_shown(shown):
    (candidates,) = shown.ours("candidates")
    assert candidates.selected_data == {0}
    candidates.selected_data = {3}
    assert shown.registration.match is shown.registration.candidates.matches[3]
    assert shown["candidate_table"].currentRow() == 3
    choose(shown, 1)
    assert candidates.selected_data == {1}
    assert shown.ours("candidates") == [candidates]


def test_a_dot_of_the_plots_chooses_its_candidate(shown):
    shown.widget.why.picked.emit(3)
    assert shown["candidate_table"].currentRow() == 2


def test_every_run_is_kept_and_can_be_shown_again(shown, pair_layers, pair):
    roi = pair_layers[3]
    first = shown.registration
    roi.data = [roi.data[0] + 4]
    shown.run()
    second = shown.registration
    runs = shown["run_list"]
    assert [runs.item(row).text().split()[0] for row in range(runs.count())] == ["2", "1"]
    runs.setCurrentRow(1)
    assert shown.registration is first
    # It is not what the form says now.
    assert "the region was moved" in shown.text("outdated")
    runs.setCurrentRow(0)
    assert shown.registration is second
    assert shown["outdated"].isHidden()


def test_the_settings_of_a_run_are_restored_on_request(shown, pair_layers, pair):
    roi = pair_layers[3]
    drawn = roi.data[0].copy()
    roi.data = [roi.data[0] + 4]
    shown["em_pixel_size"].setValue(30)
    shown["context"].setValue(80)
    shown.run()
    shown["run_list"].setCurrentRow(1)
    shown.click("restore_settings")
    np.testing.assert_allclose(roi.data[0], drawn, rtol=1e-5)
    assert shown["em_pixel_size"].value() == pair.em.pixel_size
    assert shown["context"].value() == 150
    assert shown["outdated"].isHidden()


def test_a_run_whose_images_are_closed_cannot_be_shown(shown, model, pair_layers, notices):
    model.layers.remove(pair_layers[1])
    assert shown.registration is None
    shown["run_list"].setCurrentRow(0)
    assert notices[-1] == ("warning", "The images of run 1 are no longer open")
    assert shown.registration is None


# Out of date


def move_region(shown, layers, pair):
    layers[3].data = [layers[3].data[0] + 4]
    return "the region was moved"


def change_size(shown, layers, pair):
    shown["em_pixel_size"].setValue(30)
    return "the EM pixel size was changed"


def change_option(shown, layers, pair):
    shown["context"].setValue(80)
    return "the option 'context' was changed"


def remove_region(shown, layers, pair):
    layers[3].selected_data = {0}
    layers[3].remove_selected()
    return "the region was removed"


def change_pixels(shown, layers, pair):
    layers[1].data = layers[1].data.copy()
    shown["context"].setValue(151)
    shown["context"].setValue(150)
    return "another EM image is chosen"


@pytest.mark.parametrize(
    "change", [move_region, change_size, change_option, remove_region, change_pixels]
)
def test_what_changes_the_form_puts_the_result_out_of_date(change, shown, pair_layers, pair):
    (overlay,) = shown.ours("overlay")
    opacity = overlay.opacity
    words = change(shown, pair_layers, pair)
    assert words in shown.text("outdated")
    assert shown.text("step_check_state").startswith("Out of date")
    assert overlay.name == "EM on LM (out of date)"
    # How it looks is the user's.
    assert overlay.opacity == opacity
    if change is not remove_region:
        assert shown.primary() == {"run"}


def test_moved_back_or_undone_it_is_up_to_date_again(shown, pair_layers, pair):
    (overlay,) = shown.ours("overlay")
    move_region(shown, pair_layers, pair)
    roi = pair_layers[3]
    # By hand, to a third of a pixel.
    roi.data = [roi.data[0] - 3.7]
    assert shown["outdated"].isHidden()
    assert overlay.name == "EM on LM"
    change_size(shown, pair_layers, pair)
    assert not shown["outdated"].isHidden()
    shown.click("undo")
    assert shown["outdated"].isHidden()
    assert overlay.name == "EM on LM"


def test_a_new_run_is_up_to_date(shown, pair_layers, pair):
    move_region(shown, pair_layers, pair)
    shown.run()
    assert shown["outdated"].isHidden()
    assert [layer.name for layer in shown.ours("overlay")] == ["EM on LM"]


def test_what_was_shown_before_two_runs_comes_back_when_the_second_is_cancelled(shown, qtbot):
    """The first of the two is replaced when its candidates are there already."""
    before, seen = shown.registration, []

    def at_candidates(event):
        if isinstance(event, StageResult) and event.stage == "candidates":
            seen.append(event)
            shown.click("run" if len(seen) == 1 else "cancel")

    shown.widget.event_arrived.connect(at_candidates)
    shown.choose_run("Search from scratch")
    qtbot.waitUntil(lambda: len(seen) == 2 and shown.idle())
    assert shown.registration is before
    assert len(shown.ours("overlay")) == len(shown.ours("candidates")) == 1


@pytest.mark.parametrize("other", ["stack", "pixels"])
def test_of_an_image_that_was_given_other_pixels_during_a_run_nothing_is_counted(
    other, shown, pair_layers, qtbot
):
    """The result is of those before, and says that it is out of date."""
    lm, stages = pair_layers[0], []

    def replace(event):
        stages.append(event)
        if len(stages) == 1:
            lm.data = np.stack([lm.data] * 3) if other == "stack" else lm.data[::-1].copy()

    shown.widget.event_arrived.connect(replace)
    shown.choose_run("Search from scratch")
    assert shown.registration.found
    assert "date" in shown.text("step_check_state")
    shown["why_pages"].setCurrentIndex(1)
    assert "not open" in shown.text("why_text")
