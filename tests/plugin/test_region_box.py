from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Shapes
from qtpy.QtWidgets import QWidget

from clem_retrace.plugin.outputs import drawing_layer
from clem_retrace.plugin.region_box import RegionBox


@pytest.fixture
def box(qtbot):
    box = RegionBox()
    qtbot.addWidget(box)
    return box


@pytest.fixture
def image():
    return Image(np.zeros((60, 80)), scale=(7, 7), units=("nm", "nm"))


def layer_of(image, kind, corners=None):
    data, keywords, _ = drawing_layer(image, kind, corners)
    return Shapes(data, **keywords)


def corners(top, left, bottom, right):
    return np.array([[top, left], [bottom, left], [bottom, right], [top, right]], float)


def names(box, kind):
    combo = box.findChild(QWidget, kind)
    return [combo.itemText(i) for i in range(1, combo.count())]


def test_layers_are_taken_for_what_they_were_made_for(box, image, draw):
    roi, truth = layer_of(image, "roi"), layer_of(image, "ground truth")
    own = draw(0, 0, 5, 5, name="cells")
    result = draw(0, 0, 5, 5, name="Candidates", metadata={"clem_retrace": {"role": "candidates"}})
    box.offer([image, own, roi, truth, result])
    assert (box.layer("roi"), box.layer("ground truth")) == (roi, truth)
    assert names(box, "roi_layer") == ["cells", roi.name]
    assert names(box, "truth_layer") == ["cells", truth.name]


def test_a_layer_named_ground_truth_is_taken_for_it(box, draw):
    own = draw(0, 0, 5, 5, name="Ground truth 2")
    box.offer([own])
    assert box.layer("ground truth") is own
    assert box.layer("roi") is None


def test_the_users_only_shapes_layer_is_taken_for_the_region(box, draw):
    own, other = draw(0, 0, 5, 5, name="cells"), draw(0, 0, 5, 5, name="nuclei")
    box.offer([own])
    assert box.layer("roi") is own
    assert box.layer("ground truth") is None
    box.offer([])
    box.offer([own, other])
    assert box.layer("roi") is None


def test_drawing_layers_lie_on_their_image(image):
    roi = layer_of(image, "roi", corners(10, 20, 30, 50))
    assert roi.units == image.units
    np.testing.assert_allclose(roi.data_to_world((3, 4)), image.data_to_world((3, 4)))
    assert roi.shape_type == ["rectangle"]
    empty = layer_of(image, "ground truth")
    assert len(empty.data) == 0
    assert empty.units == image.units


def test_a_change_is_told_with_its_kind(box, image, qtbot):
    roi = layer_of(image, "roi", corners(10, 20, 30, 50))
    box.offer([roi])
    told = []
    box.drawn.connect(told.append)
    roi.data = [roi.data[0] + 5]
    assert set(told) == {"roi"}
    told.clear()
    box.offer([])
    assert told == ["roi"]
    roi.data = [roi.data[0] + 5]
    assert told == ["roi"]


def test_drawing_again_replaces_the_region(box, image, qtbot):
    """A second rectangle in our layer is a correction, not a second region."""
    roi = layer_of(image, "roi", corners(10, 20, 30, 50))
    box.offer([roi])
    roi.mode = "add_rectangle"
    roi.add_rectangles(corners(0, 0, 9, 9))
    qtbot.waitUntil(lambda: len(roi.data) == 1, timeout=1000)
    assert roi.data[0].max() == 9
    # The next drag moves it.
    assert roi.mode == "select"
    assert roi.selected_data == {0}


def test_the_users_own_layer_keeps_all_its_shapes(box, draw, qtbot):
    own = draw(0, 0, 5, 5, name="cells")
    box.offer([own])
    box.choose("roi", own)
    own.add_rectangles(corners(0, 0, 9, 9))
    qtbot.wait(20)
    assert len(own.data) == 2


def test_buttons_tell_what_to_draw(box, qtbot):
    for name, kind in (("draw_roi", "roi"), ("draw_ground_truth", "ground truth")):
        with qtbot.waitSignal(box.draw) as told:
            box.findChild(QWidget, name).click()
        assert told.args == [kind]
