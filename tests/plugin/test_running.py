"""The buttons that run something."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.events import Progress, StageResult
from clem_retrace.options import RegistrationOptions
from clem_retrace.plugin import preferences


def stages(driver):
    """The stages that report progress from now on."""
    seen = []
    driver.widget.event_arrived.connect(
        lambda event: seen.append(event.stage) if isinstance(event, Progress) else None
    )
    return seen


def test_the_registration_alone_is_run_again(shown):
    first = shown.registration
    shown["affine.sigma"].setValue(2.0)
    assert "'sigma' was changed" in shown.text("outdated")
    seen = stages(shown)
    shown.choose_run("Register again")
    assert {stage.split(",")[0] for stage in seen} <= {"reading", "recognising", "registration"}
    for again, before in zip(
        shown.registration.candidates.matches, first.candidates.matches, strict=True
    ):
        np.testing.assert_array_equal(again.em_to_lm, before.em_to_lm)
    assert shown.registration.options.affine.sigma == 2.0
    assert not np.array_equal(shown.registration.em_to_lm, first.em_to_lm)
    # With its own settings it is a run of its own.
    assert shown["run_list"].count() == 2
    assert shown["outdated"].isHidden()


def test_the_candidate_that_is_shown_is_registered_again(shown):
    shown.click("next_candidate")
    shown["affine.sigma"].setValue(2.0)
    shown.choose_run("Register again")
    assert shown["candidate_table"].currentRow() == 1
    assert shown.registration.match.centre == shown.registration.candidates.matches[1].centre


def test_more_than_the_registration_asks_for_a_search(shown, notices):
    shown["context"].setValue(80)
    shown.choose_run("Register again")
    assert "search again" in notices[-1][1]
    assert shown["run_list"].count() == 1


def test_a_search_alone_registers_nothing(drive, pair_layers):
    driver = drive(*pair_layers)
    driver.choose_run("Search only")
    assert driver.registration.estimate is None
    assert driver["register_candidate"].isEnabled()
    driver.run("register_candidate")
    assert driver.registration.estimate
    assert driver["run_list"].count() == 1


def test_what_has_not_changed_is_not_run_again(shown):
    seen = stages(shown)
    shown.run()
    assert set(seen) <= {"reading", "recognising"}
    seen.clear()
    shown.choose_run("Search from scratch")
    assert "oriented search" in seen


def test_there_is_nothing_to_register_before_a_search(drive, pair_layers):
    driver = drive(*pair_layers)
    actions = {action.text(): action for action in driver["run_menu"].menu().actions()}
    assert not actions["Register again"].isEnabled()
    assert actions["Search only"].isEnabled()
    assert all(action.toolTip() != action.text() for action in actions.values())


def test_candidates_are_shown_before_they_are_registered(drive, pair_layers, qtbot):
    driver = drive(*pair_layers)
    early = []

    def note(event):
        if isinstance(event, StageResult) and event.stage == "candidates":
            early.extend((len(driver.ours("candidates")), len(driver.ours("overlay"))))

    driver.widget.event_arrived.connect(note)
    driver.run()
    assert early == [1, 0]


def test_cancelled_it_shows_what_was_shown_before(shown, pair_layers, pair, qtbot):
    first = shown.registration
    pair_layers[3].data = [pair_layers[3].data[0] + 4]
    seen = []

    def cancel(event):
        if isinstance(event, StageResult) and event.stage == "candidates":
            seen.append(shown.registration)
            shown.click("cancel")

    shown.widget.event_arrived.connect(cancel)
    shown.click("run")
    shown.wait()
    assert seen == [None]
    assert shown.registration is first
    assert len(shown.ours("overlay")) == len(shown.ours("candidates")) == 1
    assert shown["run_list"].count() == 1


def test_options_are_there_again_the_next_time(drive, pair_layers):
    options = RegistrationOptions.from_paths(
        {"search": "oriented", "ratio_uncertainty": 0.0, "affine.sigma": 2.0}
    )
    driver = drive(*pair_layers, options=options)
    preferences.remember_options(RegistrationOptions())
    driver.run()
    assert preferences.remembered_options() == options
    again = drive(options=options)
    assert again.widget.options.options() == options
    assert again["preset"].currentText() == "own settings"


@pytest.mark.parametrize("name", ["run", "cancel", "undo", "redo", "run_menu"])
def test_every_control_of_the_bar_has_a_name_and_a_tip(name, shown):
    assert shown[name].toolTip()
    assert shown[name].accessibleName() or shown[name].text()
