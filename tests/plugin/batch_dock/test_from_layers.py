"""Layers of a viewer to the cells of a pair, without the dock that runs them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Layer, Shapes
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox

from clem_retrace.errors import BadImage
from clem_retrace.micrograph import Roi
from clem_retrace.plugin import samples
from clem_retrace.plugin.batch_dock.from_layers import drawn_region, layer_of_file, pair_of_layers
from clem_retrace.plugin.batch_dock.tables import region_cells
from clem_retrace.plugin.outputs import drawing_layer
from clem_retrace.plugin.widget import RetraceWidget

REGION = Roi(10, 20, 50, 60)


def opened(path, shape, nm, **keywords):
    """An image layer as napari opens it from a file; the pixels are not read here."""
    size = {} if nm is None else {"scale": (nm, nm), "units": ("nm", "nm")}
    layer = Image(np.zeros(shape), name=path.stem, **size, **keywords)
    layer._source = layer.source.model_copy(update={"path": str(path)})
    return layer


def drawn(image, roi=None, kind="roi"):
    return Layer.create(*drawing_layer(image, kind, None if roi is None else roi.corners))


@pytest.fixture
def lm(tmp_path):
    return opened(tmp_path / "lm.tif", (110, 130), 100)


@pytest.fixture
def em(tmp_path):
    return opened(tmp_path / "em.tif", (420, 460), 25)


def test_the_only_two_images_are_the_pair_whatever_their_order(lm, em, tmp_path):
    expected = {
        "lm": str(tmp_path / "lm.tif"), "lm_pixel_size": "100",
        "em": str(tmp_path / "em.tif"), "em_pixel_size": "25",
    }  # fmt: skip
    assert pair_of_layers([lm, em], [], None) == expected
    assert pair_of_layers([em, lm], [em], None) == expected


def test_of_several_images_the_two_selected_are_the_pair(lm, em, tmp_path):
    other = opened(tmp_path / "other em.tif", (300, 300), None)
    cells = pair_of_layers([lm, em, other], {lm, other}, None)
    assert (cells["lm"], cells["em"]) == (str(tmp_path / "lm.tif"), str(tmp_path / "other em.tif"))
    # What is not known is left open.
    assert "em_pixel_size" not in cells


@pytest.mark.parametrize("selected", [0, 1, 3])
def test_it_must_be_clear_which_two_are_meant(lm, em, tmp_path, selected):
    layers = [lm, em, opened(tmp_path / "third.tif", (50, 50), None)]
    with pytest.raises(BadImage, match="select two image layers"):
        pair_of_layers(layers, layers[:selected], None)


def test_a_region_that_is_drawn_goes_with_them(lm, em):
    cells = pair_of_layers([lm, em, drawn(lm, REGION)], [], None)
    assert region_cells(REGION).items() <= cells.items()


def test_the_region_is_that_drawn_last_on_the_lm(lm, em):
    later = Roi(30, 30, 20, 40)
    layers = [drawn(lm, REGION), drawn(lm, later)]
    assert drawn_region(layers, lm) == region_cells(later)
    # An empty layer, and one that was made for something else, are passed over.
    layers += [drawn(lm), drawn(em, later, "ground truth"), em]
    assert drawn_region(layers, lm) == region_cells(later)


def test_shapes_of_somebody_else_are_a_region_where_there_is_no_other(lm):
    own = Shapes([REGION.corners], scale=lm.scale, units=lm.units)
    assert drawn_region([own], lm) == region_cells(REGION)
    later = Roi(30, 30, 20, 40)
    assert drawn_region([drawn(lm, later), own], lm) == region_cells(later)


def test_what_is_drawn_elsewhere_is_no_region(lm):
    away = Shapes([REGION.corners + 5000], scale=lm.scale, units=lm.units)
    assert drawn_region([away], lm) == {}


def test_an_image_without_a_file_is_refused_with_what_to_do(em):
    made = Image(np.zeros((110, 130)), name="LM")
    with pytest.raises(BadImage, match=r"did not come from a file.*Save the layer as TIFF"):
        pair_of_layers([made, em], [], None)


def test_a_sample_is_refused_as_one():
    layers = [Layer.create(*data) for data in samples.melanosomes()]
    with pytest.raises(BadImage, match=r"is a sample.*Save the layer as TIFF"):
        pair_of_layers(layers, [], None)


def test_the_layer_of_a_file_is_found(lm, em, tmp_path):
    assert layer_of_file([lm, em], str(tmp_path / "em.tif")) is em
    assert layer_of_file([lm, em], str(tmp_path / "elsewhere.tif")) is None


@pytest.fixture
def retrace(model, qtbot, lm, em):
    """The dock `Retrace and register` with the two images."""
    for layer in (lm, em):
        model.add_layer(layer)
    widget = RetraceWidget(model)
    qtbot.addWidget(widget)
    return widget


def test_the_docks_images_are_the_pair_if_no_others_are_selected(retrace, model, lm, em, tmp_path):
    third = model.add_layer(opened(tmp_path / "third.tif", (50, 50), 10))
    cells = pair_of_layers(list(model.layers), [third], retrace)
    assert (cells["lm"], cells["em"]) == (lm.source.path, em.source.path)
    cells = pair_of_layers(list(model.layers), [third, lm], retrace)
    assert (cells["lm"], cells["em"]) == (lm.source.path, third.source.path)


def test_what_is_set_and_drawn_in_the_dock_goes_with_them(retrace, model, lm, em):
    model.add_layer(drawn(lm, REGION))
    patch = model.add_layer(drawn(em, Roi(50, 60, 200, 240), "patch"))
    retrace.regions.choose("patch", patch)
    ratio = retrace.findChild(QDoubleSpinBox, "ratio")
    ratio.setValue(4.25)
    ratio.editingFinished.emit()
    cells = pair_of_layers(list(model.layers), [], retrace)
    assert region_cells(REGION).items() <= cells.items()
    assert cells["pixel_size_ratio"] == "4.25"
    assert float(cells["histogram.patch_height"]) == pytest.approx(200)
    assert float(cells["histogram.patch_width"]) == pytest.approx(240)


def test_the_plane_and_channel_that_are_chosen_go_with_a_stack(model, qtbot, em, tmp_path):
    stack = opened(tmp_path / "lm stack.tif", (3, 5, 60, 80), None)
    stack.axis_labels = ("c", "z", "y", "x")
    stack.scale, stack.units = (1, 1, 100, 100), ("pixel", "pixel", "nm", "nm")
    for layer in (stack, em):
        model.add_layer(layer)
    widget = RetraceWidget(model)
    qtbot.addWidget(widget)
    widget.findChild(QSpinBox, "lm_channel").setValue(2)
    widget.findChild(QComboBox, "lm_projection").setCurrentText("one plane")
    widget.findChild(QSpinBox, "lm_plane").setValue(3)
    cells = pair_of_layers(list(model.layers), [], widget)
    assert (cells["channel"], cells["projection"], cells["plane"]) == ("2", "plane", "3")
