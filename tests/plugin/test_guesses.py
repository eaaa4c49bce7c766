from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from clem_retrace.plugin.guesses import guess_channel_axis, guess_pair


def image(name, nm=None):
    keywords = {} if nm is None else {"scale": (nm, nm), "units": ("nm", "nm")}
    return Image(np.zeros((8, 8)), name=name, **keywords)


@pytest.mark.parametrize(
    ("names", "lm", "em"),
    [
        (["grid3_LM", "grid3_EM"], "grid3_LM", "grid3_EM"),
        (["section SEM", "GFP"], "GFP", "section SEM"),
        (["tem_004", "fluorescence"], "fluorescence", "tem_004"),
        (["a", "b"], "a", "b"),
        (["specimen", "film"], "specimen", "film"),
    ],
)
def test_names_tell_first(names, lm, em):
    guessed = guess_pair([image(name) for name in names])
    assert [layer.name for layer in guessed] == [lm, em]


def test_pixel_sizes_tell_where_names_do_not():
    lm, em = guess_pair([image("a", 11.3), image("b", 110)])
    assert (lm.name, em.name) == ("b", "a")


def test_one_image_goes_where_its_name_says():
    assert guess_pair([])[0] is None
    lm, em = guess_pair([image("EM")])
    assert (lm, em.name) == (None, "EM")
    lm, em = guess_pair([image("something")])
    assert (lm.name, em) == ("something", None)


@pytest.mark.parametrize(
    ("lengths", "labels", "axis"),
    [
        ((3,), ("-3",), 0),
        ((40,), ("-3",), None),
        ((40, 2), ("-4", "-3"), 1),
        ((2, 40), ("-4", "-3"), 0),
        ((40,), ("channel",), 0),
        ((3, 5), ("z", "c"), 1),
        ((1,), ("-3",), None),
        ((), (), None),
    ],
)
def test_channel_axis(lengths, labels, axis):
    assert guess_channel_axis(lengths, labels) == axis
