"""Pixel sizes: from the layer, from its file, typed in; and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.layers._source import Source
from qtpy.QtWidgets import QFormLayout, QWidget

from clem_retrace.plugin.image_choice import ImageChoice


@pytest.fixture
def choice(qtbot):
    form = QWidget()
    qtbot.addWidget(form)
    choice = ImageChoice("EM", form)
    choice.add_rows_to(QFormLayout(form))
    yield choice
    choice.release()


def layer_of(path, **keywords):
    layer = Image(np.zeros((40, 50), np.uint8), name="EM", **keywords)
    layer._source = Source(path=str(path))
    return layer


def choose(choice, layer):
    choice.offer([layer])
    choice.choice.choose(layer)


@pytest.fixture
def ome(tmp_path):
    path = tmp_path / "em.ome.tif"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.0113, "PhysicalSizeY": 0.0113}
    tifffile.imwrite(path, np.zeros((40, 50), np.uint8), metadata=metadata)
    return path


def test_the_layer_is_asked_first(choice, ome):
    choose(choice, layer_of(ome, scale=(12, 12), units=("nm", "nm")))
    assert choice.nm == 12
    assert choice.origin.text() == "from the layer"


def test_then_the_file_that_it_came_from(choice, ome, qtbot):
    """napari's own reader has dropped it."""
    with qtbot.waitSignal(choice.size_changed):
        choose(choice, layer_of(ome))
    assert choice.nm == pytest.approx(11.3)
    assert choice.origin.text() == "from OME-XML of em.ome.tif"


def test_a_file_that_does_not_say_it(choice, tmp_path, qtbot):
    path = tmp_path / "em.tif"
    tifffile.imwrite(path, np.zeros((40, 50), np.uint8))
    with qtbot.waitSignal(choice.size_changed):
        choose(choice, layer_of(path))
    assert choice.nm is None
    assert choice.origin.text() == "em.tif does not say it: type it"


def test_a_file_that_has_gone_is_told_as_such(choice, tmp_path, qtbot):
    with qtbot.waitSignal(choice.size_changed):
        choose(choice, layer_of(tmp_path / "gone.tif"))
    assert choice.nm is None
    assert "does not exist" in choice.origin.text()


def test_what_is_typed_meanwhile_stands(choice, ome, qtbot):
    choose(choice, layer_of(ome))
    choice.size.setValue(9.0)
    qtbot.wait(200)
    assert choice.nm == 9
    assert choice.origin.text() == "typed in"


def test_another_layer_meanwhile_drops_the_answer(choice, ome, qtbot):
    other = Image(np.zeros((4, 5)), name="other")
    choice.offer([layer := layer_of(ome), other])
    choice.choice.choose(layer)
    choice.choice.choose(other)
    qtbot.wait(200)
    assert choice.nm is None
    assert "no unit of length" in choice.origin.text()


def test_an_emptied_field_goes_back_to_what_is_known(choice, em):
    choose(choice, em)
    choice.size.setValue(9.0)
    assert choice.differs_from_layer
    choice.size.setValue(0)
    assert choice.nm == 11
    assert choice.origin.text() == "from the layer"
    assert not choice.differs_from_layer


def test_a_layer_that_is_given_the_size_shown_leaves_its_origin(choice):
    layer = Image(np.zeros((40, 50)), name="EM")
    choose(choice, layer)
    choice.size.setValue(11.3)
    layer.scale = (11.3, 11.3)
    layer.units = ("nm", "nm")
    assert choice.nm == 11.3
    assert choice.origin.text() == "typed in"
    # A change by someone else is followed.
    layer.scale = (20, 20)
    assert choice.nm == 20
    assert choice.origin.text() == "from the layer"


def test_restoring_says_where_it_is_from(choice, em):
    choose(choice, em)
    choice.put_size(9.0)
    assert (choice.nm, choice.origin.text()) == (9, "typed in")
    choice.put_size(11.0)
    assert (choice.nm, choice.origin.text()) == (11, "from the layer")
