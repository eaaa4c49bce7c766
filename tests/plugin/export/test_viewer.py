"""The dock in a real napari window: from a search to files, and back."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.compat import isalive
from qtpy.QtWidgets import QComboBox, QPushButton, QWidget

from clem_retrace.plugin import preferences
from clem_retrace.plugin.export.widget import ExportWidget
from clem_retrace.plugin.roles import FROM_FILE, role

pytestmark = pytest.mark.viewer


@pytest.fixture
def export(viewer, pair_layers, quick, qtbot):
    """The dock, opened by the button that is under a result of the small pair."""
    for layer in pair_layers:
        viewer.add_layer(layer)
    preferences.remember_options(quick)
    _, retrace = viewer.window.add_plugin_dock_widget("clem-retrace", "Retrace and register")
    retrace.start()
    qtbot.waitUntil(lambda: retrace.registration is not None)
    retrace.result.findChild(QPushButton, "export").click()
    (widget,) = viewer.window._qt_window.findChildren(ExportWidget)
    qtbot.waitUntil(widget.isVisible)
    return widget


def control(widget, name):
    return widget.findChild(QWidget, name)


def do(widget, name, qtbot):
    control(widget, name).click()
    qtbot.waitUntil(lambda: not control(widget, "cancel").isEnabled())


def test_the_whole_way(viewer, export, chosen, tmp_path, qtbot):
    (overlay,) = (layer for layer in viewer.layers if role(layer) == "overlay")
    kinds = control(export, "kind")
    kinds.setCurrentIndex(next(i for i in range(kinds.count()) if "ITK" in kinds.itemText(i)))
    chosen.path = tmp_path / "pair.tfm"
    do(export, "save_transform", qtbot)
    do(export, "open_transform", qtbot)
    (again,) = (layer for layer in viewer.layers if role(layer) == FROM_FILE)
    assert np.allclose(again.affine.affine_matrix, overlay.affine.affine_matrix, atol=1e-3)
    corners = [[0, 0], [639, 719]]
    worlds = [[layer.data_to_world(one) for one in corners] for layer in (again, overlay)]
    # Of an LM pixel of 110 nm, a millionth.
    assert np.allclose(*worlds, atol=1e-4)
    assert again.data is overlay.data
    qtbot.waitUntil(lambda: export.held.overlay is again)
    chosen.path = tmp_path / "em.ome.tif"
    do(export, "save_image", qtbot)
    assert tifffile.imread(chosen.path).any()
    chosen.path = tmp_path / "report.html"
    do(export, "write_report", qtbot)
    assert '<section class="run" id="run-1"' in chosen.path.read_text()
    scope = control(export, "report_scope")
    scope.setCurrentIndex(1)
    assert control(export, "report_hint").text() == "1 run."


def test_no_control_is_cut_off(export, qtbot):
    for name in ("open", "save", "lay", "images", "report"):
        control(export, f"box_{name}_header").click()
    qtbot.wait(200)
    for child in export.findChildren(QPushButton) + export.findChildren(QComboBox):
        if child.isVisible() and not child.objectName().endswith("_header"):
            least = child.minimumSizeHint().width()
            assert child.width() >= least, child.objectName()


def test_closing_the_dock_stops_what_it_does(viewer, export, chosen, tmp_path, qtbot):
    chosen.path = tmp_path / "report.html"
    control(export, "write_report").click()
    viewer.window.remove_dock_widget(export.parentWidget())
    qtbot.waitUntil(lambda: not isalive(export))
    viewer.add_image(np.zeros((4, 4)))
    qtbot.wait(1000)
    assert not chosen.path.exists()
