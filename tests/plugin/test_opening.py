"""Images opened from the dock."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtWidgets import QFileDialog

from clem_retrace import synthetic
from clem_retrace.errors import SampleUnavailable
from clem_retrace.io import samples as real_samples
from clem_retrace.plugin.samples import SAMPLES


def sample(driver, title):
    (action,) = [one for one in driver["open_sample"].menu().actions() if one.text() == title]
    action.trigger()


def test_a_sample_is_opened_in_a_thread(drive, pair, monkeypatch, qtbot):
    threads = []

    def make():
        threads.append(threading.current_thread())
        return pair

    monkeypatch.setattr(synthetic, "endosomes", make)
    driver = drive()
    assert driver.primary() == {"open_images"}
    sample(driver, SAMPLES["endosomes"])
    assert driver.text("step_images_state") == "Opening Endosomes (synthetic) …"
    qtbot.waitUntil(lambda: driver.primary() == {"run"})
    assert threads[0] is not threading.main_thread()
    assert driver.text("roi_size").startswith("70 x 90 LM px")
    assert not driver["open_sample"].isVisible()


def test_a_sample_that_cannot_be_had_is_told(drive, monkeypatch, notices, qtbot):
    def fail():
        raise SampleUnavailable("there is no network")

    monkeypatch.setattr(real_samples, "real_pair", fail)
    driver = drive()
    sample(driver, SAMPLES["chromatin"])
    qtbot.waitUntil(lambda: bool(notices))
    assert notices == [("warning", "There is no network")]
    assert driver.primary() == {"open_images"}


@pytest.mark.parametrize("chosen", [["a.tif", "b.tif"], []])
def test_files_are_opened_by_napari(drive, model, monkeypatch, chosen):
    opened = []
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    monkeypatch.setattr(type(model), "open", lambda _, paths: opened.append(paths))
    driver = drive()
    driver.click("open_images")
    assert opened == ([chosen] if chosen else [])
