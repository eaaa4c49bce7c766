from __future__ import annotations

import dataclasses

import dask.array as da
import numpy as np
import pytest

from clem_retrace.errors import BadImage
from clem_retrace.events import StageResult, run
from clem_retrace.memory import Memory
from clem_retrace.plugin.job import Job, Reader
from clem_retrace.plugin.layers import StackChoice, image_source


@pytest.fixture
def job(pair_layers, pair, quick):
    lm, em, *_ = pair_layers
    return Job(
        image_source(lm, pair.lm.pixel_size), image_source(em, pair.em.pixel_size), pair.roi, quick
    )


def test_a_job_returns_all_that_is_shown(job, pair):
    answer = run(job.steps(Reader(), Memory()))
    assert answer.registration.found
    assert answer.region.shape == (70, 90)
    rows, cols = slice(20, 90), slice(100, 190)
    np.testing.assert_array_equal(answer.region, np.asarray(pair.lm.data)[rows, cols])
    assert [image.shape for image in answer.images] == [pair.lm.shape, pair.em.shape]
    assert answer.warped is None


def test_a_lazy_image_is_the_same_object_as_long_as_its_source_is(lm):
    lm.data = da.from_array(np.ones((5, 30, 40)), chunks=(1, 30, 40))
    reader = Reader()
    choice = StackChoice(0, 2)
    first = reader.read("LM", image_source(lm, 110.0, choice))
    assert reader.read("LM", image_source(lm, 110.0, choice)) is first
    assert reader.read("LM", image_source(lm, 110.0, StackChoice(0, 3))) is not first
    assert reader.read("LM", image_source(lm, 100.0, StackChoice(0, 3))).pixel_size == 100
    reader.forget()
    assert reader.read("LM", image_source(lm, 110.0, choice)) is not first


def test_an_image_in_memory_is_read_anew(lm):
    """It may have been painted into."""
    lm.data = np.zeros((3, 30, 40), np.float32)
    reader = Reader()
    source = image_source(lm, 110.0, StackChoice(None, 0, "max"))
    assert reader.read("LM", source).data.max() == 0
    lm.data[1] = 7
    assert reader.read("LM", source).data.max() == 7


@pytest.mark.parametrize("which", ["lm", "em"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_pixels_that_are_changed_in_the_midst_of_a_run(which, cancelled, job):
    """The run says so, and nothing that it has computed is used by a later one."""
    memory, source = Memory(), getattr(job, which)
    pixels = np.array(source.levels[0])
    changed = dataclasses.replace(job, **{which: dataclasses.replace(source, levels=(pixels,))})
    running = changed.steps(Reader(), memory)
    next(event for event in running if isinstance(event, StageResult))
    assert len(memory) > 0
    pixels[:] = pixels[::-1].copy()
    if cancelled:
        running.close()
    else:
        with pytest.raises(BadImage, match="was changed while it was searched"):
            run(running)
    assert len(memory) == 0
