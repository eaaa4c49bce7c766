"""The dock that searches, cancelled at every event, and with its images pulled from under it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QSettings

from .conftest import EFFORT, times
from .sitting import EVENTS, Sitting, small_pair, workers


@pytest.fixture(scope="module")
def pair():
    """The small pair."""
    return small_pair()


@pytest.fixture
def sitting(pair, qtbot, tmp_path):
    """The dock on a viewer model with the small pair, before its first run."""
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )
    sitting = Sitting(ViewerModel(), pair, qtbot)
    yield sitting
    sitting.close()


def test_cancelled_at_random_nothing_is_left_and_the_form_is_usable(sitting, tally):
    """Before the first run and after it, at any event, from the event's own slot or later."""
    rng = np.random.default_rng(1)
    handling = warnings.showwarning, list(warnings.filters)
    right, cancelled, ended = None, 0, 0
    for attempt in range(times(20)):
        before, form = sitting.ours(), sitting.widget._controls.form()
        shown = sitting.shown
        place = int(rng.integers(0, EVENTS + 1))
        if sitting.run(sitting.cancel, place) and sitting.message == "Cancelled":
            cancelled += 1
            assert sitting.shown is shown
            assert {kind for kind, *_ in sitting.ours()} == {kind for kind, *_ in before}
            assert len(sitting.ours()) == len(before)
        else:
            ended += 1
        sitting.check_whole()
        assert sitting.widget._controls.form() == form
        if attempt % 10 == 9:
            # What was cut short has left nothing that a later run takes up.
            sitting.run(title="Search again")
            sitting.check_whole()
            sitting.check_lies_right()
            right = sitting.shown.em_to_lm if right is None else right
            np.testing.assert_array_equal(sitting.shown.em_to_lm, right)
    assert sitting.shown.found
    assert (warnings.showwarning, list(warnings.filters)) == handling
    tally(cancelled=cancelled, came_too_late=ended, threads_left=len(workers()), layers_left=0)


def test_a_run_that_replaces_another_and_is_cancelled_loses_nothing(sitting, tally):
    """The result of the run before both comes back."""
    rng, tried = np.random.default_rng(2), 0
    sitting.run()
    shown, layers = sitting.shown, {kind for kind, *_ in sitting.ours()}
    for attempt in range(times(3)):
        first, second = (int(place) for place in rng.integers(1, EVENTS + 1, 2))
        if attempt == 0:
            # Of both the candidates are there already, and shown.
            first = second = EVENTS - 6

        def again(second=second):
            sitting._count, sitting._at, sitting._do = 0, second, sitting.cancel
            sitting.start()

        if sitting.run(again, first) and sitting.message == "Cancelled":
            tried += 1
            assert sitting.shown is shown, (first, second)
            assert {kind for kind, *_ in sitting.ours()} == layers
        sitting.check_whole()
        shown = sitting.shown
    tally(replaced_and_cancelled=tried, results_lost=0)


def test_pixels_changed_in_place_during_a_run_are_told(sitting, tally):
    """The result would be of neither image; and nothing of it is taken up by later runs."""
    rng, tried, told = np.random.default_rng(3), 0, 0
    sitting.run()
    right = sitting.shown.em_to_lm
    for attempt in range(times(4)):
        layer, pixels = sitting.em, sitting.em.data.copy()
        if attempt % 2:
            layer, pixels = sitting.lm, sitting.lm.data.copy()
        cancelled = attempt % 4 > 1

        def change(layer=layer, cancelled=cancelled):
            layer.data[:] = layer.data[::-1, ::-1].copy()
            if cancelled:
                sitting.cancel()

        sitting.warnings.clear()
        if sitting.run(change, int(rng.integers(1, EVENTS - 2))) and not cancelled:
            told += any("was changed while it was searched" in text for text in sitting.warnings)
            # Unless it had come to its end before, and is of the image as it was.
            assert sitting.warnings or np.array_equal(sitting.shown.em_to_lm, right)
        tried += 1
        # The same pixels again, in a layer of their own.
        layer.data = pixels
        sitting.run(title="Search again")
        np.testing.assert_array_equal(sitting.shown.em_to_lm, right)
        sitting.check_whole()
    assert told > 0
    tally(changed=tried, told=told, wrong=0)


# What befalls the images while they are searched


def delete_lm(sitting):
    sitting.model.layers.remove(sitting.lm)


def delete_em(sitting):
    sitting.model.layers.remove(sitting.em)


def delete_all(sitting):
    sitting.model.layers.clear()


def delete_region(sitting):
    sitting.model.layers.remove(sitting.region)


def delete_ours(sitting):
    for layer in list(sitting.model.layers):
        if layer.unique_id in {unique for *_, unique in sitting.ours()}:
            sitting.model.layers.remove(layer)


def rename(sitting):
    sitting.lm.name = sitting.em.name = "same {name} (out of date)"


def swap_names(sitting):
    sitting.lm.name, sitting.em.name = sitting.em.name, "LM of old"


def reorder(sitting):
    sitting.model.layers.reverse()


def rescale(sitting):
    sitting.lm.scale = sitting.lm.scale * 2


def other_units(sitting):
    sitting.em.units = ("um", "um")


def no_units(sitting):
    sitting.lm.units = ("pixel", "pixel")


def turn_layer(sitting):
    sitting.em.rotate = 35


def hide(sitting):
    sitting.lm.visible = sitting.em.visible = False


def replace_data(sitting):
    sitting.em.data = sitting.em.data[::-1].copy()


def replace_with_smaller(sitting):
    sitting.em.data = sitting.em.data[:100, :120].copy()


def replace_with_stack(sitting):
    sitting.lm.data = np.stack([sitting.lm.data] * 3)


def replace_lm_with_floats(sitting):
    sitting.lm.data = sitting.lm.data.astype(np.float64) * np.nan


def other_region(sitting):
    sitting.region.data = [sitting.region.data[0] * 0.5]


def clear_region(sitting):
    sitting.region.data = []


def choose_others(sitting):
    other = Image(np.random.default_rng(5).normal(size=(70, 70)), name="other")
    sitting.model.add_layer(other)
    sitting.widget.images.choose(other, sitting.em)


def swap_images(sitting):
    sitting.control("swap").click()


def other_options(sitting):
    sitting.control("context").setValue(25)


def undo(sitting):
    if sitting.control("undo").isEnabled():
        sitting.control("undo").click()


def step_through_candidates(sitting):
    table = sitting.control("candidate_table")
    for row in range(table.rowCount()):
        table.selectRow(row)


def many_layers(sitting):
    for number in range(5):
        sitting.model.add_image(np.full((5, 5), number))


def side_by_side(sitting):
    sitting.control("side_by_side").click()


#: Those after which there is nothing to be found any more: the run ends without a result.
DELETIONS = (delete_lm, delete_em, delete_all)

BEFALLS = (
    *DELETIONS, delete_region, delete_ours, rename, swap_names, reorder, rescale, other_units,
    no_units, turn_layer, hide, replace_data, replace_with_smaller, replace_with_stack,
    replace_lm_with_floats, other_region, clear_region, choose_others, swap_images,
    other_options, undo, step_through_candidates, many_layers, side_by_side,
)  # fmt: skip

#: After those the result is of what the images and the form were: it has to say so.
OUTDATING = (
    rescale, other_units, no_units, replace_data, replace_with_smaller, replace_with_stack,
    replace_lm_with_floats, delete_region, other_region, clear_region, choose_others,
    swap_images, other_options,
)  # fmt: skip


def befall_one(sitting, befall, place, right):
    """Let something befall the images at an event of a run, and check what comes of it."""
    assert sitting.run(lambda: befall(sitting), place)
    sitting.check_whole()
    if befall in DELETIONS:
        assert sitting.shown is None
        assert "removed" in sitting.message
    else:
        assert sitting.shown is not None, sitting.message
        np.testing.assert_array_equal(sitting.shown.em_to_lm, right)
        if sitting.lm in sitting.model.layers:
            sitting.check_lies_right()
    if befall in OUTDATING:
        assert "date" in sitting.verdict, sitting.verdict


def test_what_befalls_the_images_during_a_run_is_told_or_harmless(sitting, tally):
    """At an event of the run; afterwards the form is as usable as ever."""
    rng, tried = np.random.default_rng(5), 0
    kinds = BEFALLS if EFFORT > 1 else BEFALLS[::2]
    sitting.run()
    right, form = sitting.shown.em_to_lm, sitting.widget._controls.form()
    for attempt in range(times(1)):
        for number in rng.permutation(len(kinds)):
            befall, place = kinds[number], int(rng.integers(1, EVENTS - 2))
            try:
                befall_one(sitting, befall, place, right)
                sitting.renew()
                sitting.widget.options.set_options(form.options)
                if (tried + attempt) % 3 == 0:
                    sitting.run()
                    sitting.check_whole()
                    np.testing.assert_array_equal(sitting.shown.em_to_lm, right)
                    assert "date" not in sitting.verdict
            except Exception as failure:
                failure.add_note(f"{befall.__name__} at event {place}")
                raise
            tried += 1
    tally(befallen=tried, kinds=len(kinds), lost=0)
