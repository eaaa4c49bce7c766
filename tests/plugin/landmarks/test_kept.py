"""Pairs between a session file and the layers of a viewer."""

from __future__ import annotations

import numpy as np
import pytest

from clem_retrace.io.session_landmarks import SessionLandmarks
from clem_retrace.plugin.landmarks.kept import kept_pairs, lay_pairs
from clem_retrace.plugin.landmarks.widget import LandmarksWidget
from clem_retrace.plugin.roles import LANDMARKS, role
from clem_retrace.plugin.scene import Scene


@pytest.fixture
def scene(model, images):
    for image in images:
        model.add_layer(image)
    return Scene(model)


@pytest.fixture
def kept(pairing, truth):
    """Five pairs, one held back and one without its EM point, begun with a move by hand."""
    pairs = pairing.landmarks.switching(4, False).moving(2, "em", None)
    return SessionLandmarks(pairs, "similarity", truth, "hand")


def same(one, other):
    """Whether two sessions keep the same pairs."""
    for name in ("lm", "em", "active", "names"):
        np.testing.assert_array_equal(getattr(one.landmarks, name), getattr(other.landmarks, name))
    np.testing.assert_array_equal(one.start, other.start)
    return (one.model, one.origin) == (other.model, other.origin)


def drawn(model):
    return [layer for layer in model.layers if role(layer) == LANDMARKS]


def test_what_was_laid_down_is_what_is_kept(model, scene, images, kept):
    lay_pairs(model, scene, *images, kept)
    assert same(kept_pairs(scene, *images), kept)
    on_lm, on_em = drawn(model)
    assert len(on_lm.data) == 5
    # The one without its partner is predicted there.
    assert np.isfinite(on_em.data).all()


def test_the_dock_takes_up_what_was_laid_down(model, scene, images, kept, qtbot):
    lay_pairs(model, scene, *images, kept)
    widget = LandmarksWidget(model)
    qtbot.addWidget(widget)
    np.testing.assert_array_equal(widget.desk.pairing.landmarks.lm, kept.landmarks.lm)
    assert widget.desk.pairing.model == "similarity"
    assert not widget.desk.past.before
    assert len(drawn(model)) == 2


def test_pairs_that_are_there_stay(model, scene, images, kept, pairing):
    lay_pairs(model, scene, *images, kept)
    lay_pairs(model, scene, *images, SessionLandmarks(pairing.landmarks, "rigid", None, "hand"))
    assert same(kept_pairs(scene, *images), kept)
    assert len(drawn(model)) == 2


def test_images_without_pairs_keep_none(model, scene, images, qtbot):
    lm, em = images
    widget = LandmarksWidget(model)
    qtbot.addWidget(widget)
    assert kept_pairs(scene, lm, em) is None
    assert kept_pairs(scene, lm, None) is None
    assert kept_pairs(scene, None, em) is None
    # Nor are there any when the only one was taken back.
    widget.desk.click("lm", (10, 20))
    assert kept_pairs(scene, lm, em) is not None
    widget.desk.remove([0])
    assert drawn(model)
    assert kept_pairs(scene, lm, em) is None


def test_pairs_of_other_images_are_not_taken_for_these(model, scene, images, kept):
    lm, em = images
    other = model.add_image(np.zeros((9, 9)), name="other EM")
    lay_pairs(model, scene, lm, em, kept)
    assert kept_pairs(scene, lm, other) is None
    assert same(kept_pairs(scene, lm, em), kept)
