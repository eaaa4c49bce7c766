from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtWidgets import QWidget

from clem_retrace.errors import BadImage, MissingPixelSize
from clem_retrace.plugin.image_box import ImageBox
from clem_retrace.plugin.layers import StackChoice


@pytest.fixture
def box(qtbot):
    box = ImageBox(lambda: (0, 2, 0, 0))
    qtbot.addWidget(box)
    box.show()
    return box


def control(parent, name):
    return parent.findChild(QWidget, name)


def image(name, nm=None, shape=(40, 50), **keywords):
    if nm is not None:
        keywords |= {"scale": (nm, nm), "units": ("nm", "nm")}
    return Image(np.zeros(shape, np.float32), name=name, **keywords)


def test_sizes_and_ratio_are_filled_from_the_layers(box, lm, em):
    box.offer([em, lm])
    assert (box.lm, box.em) == (lm, em)
    assert (box.lm_pixel_size, box.em_pixel_size) == (110, 11)
    assert box.ratio == pytest.approx(10)
    assert box.typed_ratio is None
    lm_source, em_source = box.sources()
    assert (lm_source.pixel_size, em_source.pixel_size) == (110, 11)


def test_an_unknown_size_is_missing_and_never_one(box, lm):
    box.offer([lm, image("EM")])
    field = control(box, "em_pixel_size")
    assert field.text() == "missing"
    assert "no unit of length" in field.toolTip()
    assert box.em_pixel_size is None
    assert box.ratio is None
    with pytest.raises(MissingPixelSize, match="of the EM image"):
        box.sources()


def test_a_typed_size_gives_the_ratio(box, lm):
    box.offer([lm, image("EM")])
    control(box, "em_pixel_size").setValue(11.3)
    assert box.ratio == pytest.approx(110 / 11.3, abs=1e-6)
    assert box.typed_ratio is None
    assert box.sources()[1].pixel_size == 11.3


def test_a_typed_ratio_needs_no_sizes_and_gives_way_to_a_new_size(box):
    box.offer([image("LM"), image("EM")])
    with pytest.raises(MissingPixelSize, match="LM and EM"):
        box.sources()
    control(box, "ratio").setValue(9.7)
    assert (box.ratio, box.typed_ratio) == (9.7, 9.7)
    assert [source.pixel_size for source in box.sources()] == [None, None]
    control(box, "lm_pixel_size").setValue(100)
    assert (box.ratio, box.typed_ratio) == (None, None)
    control(box, "em_pixel_size").setValue(10)
    control(box, "ratio").setValue(9.5)
    assert box.ratio == 9.5
    control(box, "ratio").setValue(0)
    assert (box.ratio, box.typed_ratio) == (10, None)


def test_other_layers_keep_what_was_typed(box, lm):
    em = image("EM")
    box.offer([lm, em])
    control(box, "em_pixel_size").setValue(11.3)
    box.offer([lm, em, image("GFP")])
    assert box.em_pixel_size == 11.3
    lm.scale = (0.1, 0.1)
    assert (box.lm_pixel_size, box.em_pixel_size) == (100, 11.3)


def test_sizes_follow_the_layer(box):
    em = image("EM")
    box.offer([image("LM", 100), em])
    em.scale = (10, 10)
    assert box.em_pixel_size is None
    em.units = ("nm", "nm")
    assert (box.em_pixel_size, box.ratio) == (10, 10)


def test_the_user_has_the_last_word(box):
    first, second, third = image("a LM"), image("b EM"), image("c EM")
    box.offer([first, second])
    control(box, "em_layer").setCurrentIndex(1)
    box.keep()
    box.offer([first, second, third])
    assert (box.lm, box.em) == (first, first)
    with pytest.raises(BadImage, match="both images"):
        box.sources()


def test_removed_layers_leave_nothing_chosen(box, lm, em):
    box.offer([lm, em])
    box.keep()
    box.offer([em])
    assert (box.lm, box.em) == (None, em)
    with pytest.raises(BadImage, match="no LM image"):
        box.sources()
    box.offer([])
    # All gone: a new pair is guessed again.
    box.offer([lm, em])
    assert (box.lm, box.em) == (lm, em)


def test_the_names_shown_follow_the_layers(box, lm, em):
    box.offer([lm, em])
    lm.name = "renamed"
    box.offer([lm, em])
    assert control(box, "lm_layer").currentText() == "renamed"


def test_results_and_other_kinds_of_layers_are_not_offered(box, lm, em, draw):
    result = image("EM on LM", metadata={"clem_retrace": {"role": "overlay", "image": "x"}})
    box.offer([lm, em, result, draw(0, 0, 5, 5)])
    combo = control(box, "lm_layer")
    assert [combo.itemText(i) for i in range(combo.count())] == ["choose a layer", "LM", "EM"]


def test_stack_controls_appear_for_stacks_only(box, lm, em):
    box.offer([lm, em])
    assert not box.stack.isVisible()
    assert box.stack.choice is None
    stack = image("LM stack", shape=(3, 5, 40, 50))
    box.offer([stack, em])
    assert box.stack.isVisible()
    # The viewer's sliders stand at channel 0, plane 2.
    assert box.stack.choice == StackChoice(0, 0, "max", 2)
    assert not control(box, "lm_plane").isVisible()
    control(box, "lm_projection").setCurrentText("one plane")
    assert control(box, "lm_plane").isVisible()
    control(box, "lm_channel").setValue(1)
    control(box, "lm_plane").setValue(4)
    assert box.stack.choice == StackChoice(0, 1, "plane", 4)
    assert control(box, "lm_plane").maximum() == 4
    control(box, "lm_channel_axis").setCurrentIndex(2)
    assert (control(box, "lm_channel").maximum(), control(box, "lm_plane").maximum()) == (4, 2)


def test_set_on_layers_is_offered_when_sizes_differ(box, lm):
    button = control(box, "calibrate")
    box.offer([lm, image("EM")])
    assert not button.isEnabled()
    control(box, "em_pixel_size").setValue(11.3)
    assert button.isEnabled()


def test_every_control_has_a_name_and_a_tip(box):
    for name in ("lm_layer", "em_layer", "lm_pixel_size", "em_pixel_size", "ratio"):
        assert control(box, name).accessibleName()
        assert control(box, name).toolTip()
