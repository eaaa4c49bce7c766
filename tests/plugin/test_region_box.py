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


def test_a_patch_is_offered_but_never_taken_unasked(box, image, draw):
    patch = layer_of(image, "patch", corners(10, 20, 30, 50))
    truth = layer_of(image, "ground truth")
    own = draw(0, 0, 5, 5, name="cells")
    offered = [own, patch, truth]
    box.offer(offered)
    assert box.patch_choice.currentText() == "not drawn"
    assert box.patch_choice.layer is None
    assert [layer.name for layer in box.patch_choice.offered] == ["cells", "EM patch"]
    assert patch.name not in names(box, "roi_layer") + names(box, "truth_layer")
    box.choose("patch", patch)
    box.offer([*offered, image])
    assert box.layer("patch") is patch
    # Given up, it is not taken again when other layers come.
    box.patch_choice.choose(None)
    box.offer(offered)
    assert box.layer("patch") is None


def test_a_deleted_patch_is_given_up(box, image):
    patch = layer_of(image, "patch", corners(10, 20, 30, 50))
    box.offer([patch])
    box.choose("patch", patch)
    told = []
    box.drawn.connect(told.append)
    box.offer([])
    assert box.layer("patch") is None
    assert told == ["patch"]


def test_layers_by_the_image_they_are_drawn_on(box, image, draw):
    roi, patch = layer_of(image, "roi"), layer_of(image, "patch")
    own = draw(0, 0, 5, 5, name="cells")
    box.offer([roi, patch, own])
    assert box.layers_on("LM") == [roi]
    assert box.layers_on("EM") == []
    box.choose("ground truth", own)
    box.choose("patch", patch)
    assert box.layers_on("EM") == [own, patch]
    box.choose("patch", own)
    assert box.layers_on("EM") == [own]


def test_a_layer_of_two_kinds_is_followed_for_both(box, draw):
    own, other = draw(0, 0, 5, 5, name="cells"), draw(0, 0, 5, 5, name="nuclei")
    box.offer([own, other])
    box.choose("ground truth", own)
    box.choose("patch", own)
    told = []
    box.drawn.connect(told.append)
    own.data = [own.data[0] + 5]
    assert set(told) == {"ground truth", "patch"}
    box.choose("patch", other)
    told.clear()
    own.data = [own.data[0] + 5]
    assert set(told) == {"ground truth"}


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


@pytest.mark.parametrize("kind", ["roi", "patch"])
def test_drawing_again_replaces_what_was_drawn(box, image, kind, qtbot):
    """A second rectangle in our layer is a correction, not a second region."""
    roi = layer_of(image, kind, corners(10, 20, 30, 50))
    box.offer([roi])
    box.choose(kind, roi)
    roi.mode = "add_rectangle"
    roi.add_rectangles(corners(0, 0, 9, 9))
    qtbot.waitUntil(lambda: len(roi.data) == 1)
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
    for parent, name, kind in (
        (box, "draw_roi", "roi"),
        (box, "draw_ground_truth", "ground truth"),
        (box.patch_row, "draw_patch", "patch"),
    ):
        with qtbot.waitSignal(box.draw) as told:
            parent.findChild(QWidget, name).click()
        assert told.args == [kind]
