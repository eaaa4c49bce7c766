"""Reports of what a viewer holds."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QVBoxLayout, QWidget

from clem_retrace.plugin import preferences
from clem_retrace.plugin.widget import RetraceWidget


@pytest.fixture
def window(qtbot):
    """A window that holds docks."""
    window = QWidget()
    QVBoxLayout(window)
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def retrace(model, window, images, registration, quick):
    """The dock with the runs, in the window: one run is shown in it, and an earlier one kept."""
    preferences.remember_options(quick)
    widget = RetraceWidget(model)
    window.layout().addWidget(widget)
    for _ in range(2):
        widget.show_result(registration, *images)
    yield widget
    widget.cancel()


def in_window(dock, window):
    driver = dock(window)
    window.layout().addWidget(driver.widget)
    driver.settle()
    return driver


def test_of_an_overlay_alone(dock, overlay, chosen, tmp_path):
    driver = dock()
    chosen.path = tmp_path / "report.html"
    assert not driver["open_report"].isEnabled()
    driver.click("write_report")
    assert driver.message == f"✔ Saved {chosen.path}"
    page = chosen.path.read_text()
    assert page.count('<section class="run"') == 1
    assert "simulated granules 4" in page
    # The true place is drawn in the viewer, and the images are at hand.
    assert "ground truth" in page.lower()
    assert "data:image/" in page
    assert chosen.asked[0][1].endswith("-report.html")


def test_of_landmarks_with_their_table(dock, bent, chosen, tmp_path):
    """There is no run: the place counts as given by hand."""
    driver = dock()
    chosen.path = tmp_path / "report.html"
    driver.click("write_report")
    page = chosen.path.read_text()
    assert "thin-plate spline" in page
    assert "Landmarks" in page


def test_all_runs_are_those_of_the_other_dock(dock, window, retrace, chosen, tmp_path):
    driver = in_window(dock, window)
    driver.choose("report_scope", "all runs")
    assert driver.text("report_hint") == "2 runs."
    chosen.path = tmp_path / "all.html"
    driver.click("write_report")
    page = chosen.path.read_text()
    assert page.count('<section class="run"') == 2
    assert chosen.asked[0][1].endswith("session-report.html")


def test_landmarks_go_with_the_run_that_is_shown(dock, window, retrace, bent, chosen, tmp_path):
    driver = in_window(dock, window)
    assert driver.widget.held.overlay is bent
    driver.choose("report_scope", "all runs")
    chosen.path = tmp_path / "all.html"
    driver.click("write_report")
    first, second = chosen.path.read_text().split('<section class="run"')[1:]
    assert "thin-plate spline" not in first.split("What the options mean")[0]
    assert "thin-plate spline" in second.split("What the options mean")[0]


def test_a_run_whose_images_are_closed_is_reported_without_them(
    dock, window, retrace, model, images, chosen, tmp_path
):
    for image in images:
        model.layers.remove(image)
    driver = in_window(dock, window)
    driver.choose("report_scope", "all runs")
    chosen.path = tmp_path / "all.html"
    driver.click("write_report")
    page = chosen.path.read_text()
    assert "was not on disk when the session was saved" in page


def test_without_the_other_dock_its_runs_are_asked_for(dock, overlay):
    driver = dock()
    driver.choose("report_scope", "all runs")
    assert "open it" in driver.text("report_hint")
    assert not driver["write_report"].isEnabled()


@pytest.mark.parametrize("browser", [True, False])
def test_it_opens_in_the_browser_when_asked_to(
    dock, overlay, chosen, tmp_path, monkeypatch, browser
):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or browser)
    driver = dock()
    chosen.path = tmp_path / "a report.html"
    driver.click("write_report")
    assert opened == []
    driver.click("open_report")
    assert opened == [QUrl.fromLocalFile(str(chosen.path))]
    assert ("No browser was found" in driver.message) is not browser
