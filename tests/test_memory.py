"""What is recalled, what is run again, what is given up, and what never gets in."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from clem_retrace import memory as memory_module
from clem_retrace.events import Progress, Steps, run
from clem_retrace.memory import Memory, Recall, digest_steps
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions


class Stage:
    """A stage that counts how often it is run: two events, and an array of its arguments."""

    def __init__(self, size: int = 8) -> None:
        self.runs, self.size = 0, size

    def __call__(self, *arguments: Any, **keywords: Any) -> Steps[tuple[NDArray[Any], str]]:
        self.runs += 1
        yield Progress("stage", 0, 2)
        yield Progress("stage", 1, 2)
        return np.full(self.size, self.runs, np.uint8), repr((arguments, keywords))


def call(memory: Memory | None, stage: Any, *arguments: Any, **keywords: Any) -> Any:
    """Return what a stage returns in a run of its own."""
    return run(Recall(memory).steps(stage, *arguments, **keywords))


# What is recalled ---------------------------------------------------------------------------


def test_without_a_memory_every_call_is_run() -> None:
    stage = Stage()
    first, second = call(None, stage, 1), call(None, stage, 1)
    assert stage.runs == 2
    first[0][0] = second[0][0] = 9  # and what it returns is the caller's own


def test_the_second_call_is_recalled_without_events() -> None:
    stage, memory = Stage(), Memory()
    events: list[Any] = []
    first = run(Recall(memory).steps(stage, 1, word="a"), events.append)
    second = run(Recall(memory).steps(stage, 1, word="a"), events.append)
    assert second is first
    assert stage.runs == 1
    assert events == [Progress("stage", 0, 2), Progress("stage", 1, 2)]


@dataclass(frozen=True)
class Other:
    """Has the fields of a `Roi`."""

    row: float
    col: float
    height: float
    width: float


class Lazy:
    """An array that must not be read."""

    shape, dtype = (100, 100), np.dtype("u1")

    def __getitem__(self, key: Any) -> Any:
        raise AssertionError("a lazy image was read to know it")


IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4)

#: No two of these are the same thing for a stage.
DIFFERENT: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((None,), {}),
    ((0,), {}),
    ((0.0,), {}),
    ((-0.0,), {}),
    ((False,), {}),
    (("0",), {}),
    (("",), {}),
    ((0, 0), {}),
    (((0, 0),), {}),
    (([0, 0],), {}),
    ((), {"a": 0}),
    ((), {"b": 0}),
    (({"a": 0},), {}),
    ((np.float32(0),), {}),
    ((Roi(0.0, 0.0, 1.0, 1.0),), {}),
    ((Roi(0.0, 0.0, 1.0, 2.0),), {}),
    ((Other(0.0, 0.0, 1.0, 1.0),), {}),
    ((RegistrationOptions(),), {}),
    ((RegistrationOptions(context=10.0),), {}),
    ((IMAGE,), {}),
    ((IMAGE.T,), {}),
    ((IMAGE.reshape(4, 3),), {}),
    ((IMAGE.ravel(),), {}),
    ((IMAGE.astype(np.int8),), {}),
    ((IMAGE.astype(np.uint16),), {}),
    ((IMAGE + 1,), {}),
    ((np.float64(0)[None],), {}),
    ((np.zeros((0, 4)),), {}),
    ((Micrograph(IMAGE),), {}),
    ((Micrograph(IMAGE, 10.0),), {}),
    ((Micrograph(IMAGE, levels=(IMAGE[::2, ::2],)),), {}),
    ((Micrograph(IMAGE, levels=(IMAGE[1::2, ::2],)),), {}),
    ((Lazy(),), {}),
    ((Lazy(),), {}),
]  # fmt: skip


def test_what_differs_is_kept_apart() -> None:
    stage, memory = Stage(), Memory()
    for _ in range(2):
        for arguments, keywords in DIFFERENT:
            call(memory, stage, *arguments, **keywords)
        assert stage.runs == len(DIFFERENT)


def test_two_stages_are_kept_apart() -> None:
    one, two, memory = Stage(), Stage(), Memory()
    call(memory, one, 1)
    call(memory, two, 1)
    assert (one.runs, two.runs) == (1, 1)


@pytest.mark.parametrize(
    "equal",
    [
        pytest.param(lambda: IMAGE.copy(), id="a copy"),
        pytest.param(lambda: np.asfortranarray(IMAGE), id="another layout"),
        pytest.param(lambda: np.repeat(IMAGE, 2, axis=1)[:, ::2], id="a view"),
        pytest.param(lambda: IMAGE.copy().view(np.memmap), id="mapped"),
    ],
)
def test_arrays_are_known_by_content(equal: Any) -> None:
    stage, memory = Stage(), Memory()
    call(memory, stage, Micrograph(IMAGE))
    call(memory, stage, Micrograph(equal()))
    assert stage.runs == 1


def test_an_array_changed_in_place_is_a_new_one() -> None:
    stage, memory, image = Stage(), Memory(), IMAGE.copy()
    call(memory, stage, image)
    image[2, 3] += 1
    call(memory, stage, image)
    assert stage.runs == 2
    image[2, 3] -= 1
    call(memory, stage, image)
    assert stage.runs == 2


ARRAYS = hnp.arrays(
    st.sampled_from(["u1", ">u2", "<f4", "?"]), hnp.array_shapes(max_dims=3, max_side=5)
)


def digest(array: Any) -> str:
    return run(digest_steps(array, "digest"))


@given(ARRAYS, st.data())
def test_a_digest_tells_every_change_of_a_single_byte(
    array: NDArray[Any], data: st.DataObject
) -> None:
    changed = array.copy()
    raw = changed.view(np.uint8).reshape(-1)
    place = data.draw(st.integers(0, raw.size - 1))
    raw[place] ^= 1  # of a bool too: it stays one
    assert digest(changed) != digest(array)
    assert digest(changed.copy(order="F")) == digest(changed)
    assert digest(array.astype(array.dtype.newbyteorder())) == digest(array)


def test_the_strips_in_which_it_is_read_do_not_change_a_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array = np.random.default_rng(1).integers(0, 255, (50, 30, 2), dtype=np.uint8)
    whole = digest(array)
    monkeypatch.setattr(memory_module, "STRIP_BYTES", 700)
    events: list[Any] = []
    assert run(digest_steps(array[:, ::-1][:, ::-1], "digest"), events.append) == whole
    assert events == [Progress("digest", row, 50) for row in range(11, 50, 11)]


def test_each_array_is_read_once_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "STRIP_BYTES", 4)
    stage, recall = Stage(), Recall(Memory())
    events: list[Any] = []
    for number in range(3):
        run(recall.steps(stage, Micrograph(IMAGE), number), events.append)
    assert [event.stage for event in events].count("recognising") == len(IMAGE) - 1


# Images that are read lazily ----------------------------------------------------------------


def test_a_lazy_image_is_known_by_being_the_same_object() -> None:
    stage, memory, image = Stage(), Memory(), Lazy()
    call(memory, stage, Micrograph(image))
    call(memory, stage, Micrograph(image))
    assert stage.runs == 1
    call(memory, stage, Micrograph(Lazy()))
    assert stage.runs == 2


def test_dask_arrays_of_one_name_and_different_content_are_kept_apart() -> None:
    """As ``from_zarr`` gives after the file was written anew."""
    stage, memory = Stage(), Memory()
    for value in (1, 2):
        call(memory, stage, da.from_array(np.full((4, 4), value), name="file"))
    assert stage.runs == 2


def test_the_address_of_a_lazy_image_that_is_gone_is_not_taken_for_it() -> None:
    stage, memory = Stage(), Memory()
    for _ in range(50):
        image = Lazy()
        call(memory, stage, image)
        del image
    assert stage.runs == 50


def test_a_lazy_image_is_not_kept_alive() -> None:
    import weakref

    memory, image = Memory(), Lazy()
    alive = weakref.ref(image)
    call(memory, Stage(), image)
    del image
    gc.collect()
    assert len(memory) == 1
    assert alive() is None


class Slotted:
    """Looks like an image, and cannot be referred to weakly."""

    __slots__ = ("dtype", "shape")


SLOTTED = Slotted()
SLOTTED.shape, SLOTTED.dtype = (3, 4), np.dtype("u1")


@pytest.mark.parametrize(
    "argument",
    [object(), {1, 2}, np.array([object()]), Micrograph, lambda: None, SLOTTED],
    ids=["object", "set", "objects", "type", "function", "slots"],
)
def test_with_what_cannot_be_known_the_stage_is_always_run(argument: Any) -> None:
    stage, memory = Stage(), Memory()
    for _ in range(2):
        call(memory, stage, 1, argument)
    assert stage.runs == 2
    assert len(memory) == 0


# What never gets in -------------------------------------------------------------------------


def test_a_stage_that_is_closed_at_any_event_leaves_nothing() -> None:
    stage, memory = Stage(), Memory()
    for count in range(3):
        generator = Recall(memory).steps(stage, 1)
        list(islice(generator, count))
        generator.close()
        assert len(memory) == 0
    call(memory, stage, 1)
    assert len(memory) == 1


def test_a_stage_that_fails_leaves_nothing_and_its_error_comes_through() -> None:
    def failing(fails: list[bool]) -> Steps[int]:
        yield Progress("stage", 0, 1)
        if fails[0]:
            raise ZeroDivisionError
        return 7

    memory = Memory()
    with pytest.raises(ZeroDivisionError):
        call(memory, failing, [True])
    assert len(memory) == 0
    assert call(memory, failing, [False]) == 7


# The bound ----------------------------------------------------------------------------------


def overhead() -> int:
    return memory_module.ENTRY_BYTES


def test_what_was_used_least_is_given_up_first() -> None:
    stage, memory = Stage(1000), Memory(3 * (1000 + overhead()))
    for number in (1, 2, 3, 1, 4):  # 2 is the one not used for longest
        call(memory, stage, number)
    assert stage.runs == 4
    assert len(memory) == 3
    for number in (3, 1, 4):
        call(memory, stage, number)
    assert stage.runs == 4
    call(memory, stage, 2)
    assert stage.runs == 5


def test_what_is_larger_than_the_limit_is_not_kept_and_displaces_nothing() -> None:
    small, large, memory = Stage(10), Stage(100_000), Memory(50_000)
    call(memory, small)
    result = call(memory, large)
    assert len(memory) == 1
    result[0][0] = 3  # it is the caller's own
    call(memory, small)
    assert small.runs == 1


def test_results_without_arrays_are_bounded_too() -> None:
    def number(value: int) -> Steps[int]:
        yield from ()
        return value

    memory = Memory(10 * overhead())
    for value in range(50):
        call(memory, number, value)
    assert len(memory) == 10
    assert memory.nbytes <= memory.limit


@dataclass(frozen=True)
class Nested:
    parts: tuple[dict[str, NDArray[Any]], ...]


def test_arrays_are_counted_wherever_they_are_and_with_what_they_are_views_of() -> None:
    def nested() -> Steps[Nested]:
        yield from ()
        return Nested(({"a": np.zeros(1000, np.uint8)}, {"b": np.zeros(5000, np.uint8)[::50]}))

    memory = Memory()
    call(memory, nested)
    assert memory.nbytes == 6000 + overhead()


def test_what_is_kept_cannot_be_written_to() -> None:
    """Several results share it: a change of one would be one of all."""
    memory = Memory()
    array, _ = call(memory, Stage())
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_all_can_be_forgotten() -> None:
    stage, memory = Stage(), Memory()
    call(memory, stage, 1)
    memory.clear()
    assert (len(memory), memory.nbytes) == (0, 0)
    call(memory, stage, 1)
    assert stage.runs == 2


# Threads ------------------------------------------------------------------------------------


def test_threads_share_a_memory_that_is_full_all_the_time() -> None:
    def square(value: int, image: NDArray[Any]) -> Steps[NDArray[Any]]:
        yield Progress("square", 0, 1)
        return np.full(100, value * value)

    memory = Memory(5 * (800 + overhead()))
    wrong: list[int] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for value in rng.integers(0, 12, 300).tolist():
            steps = Recall(memory).steps(square, value, IMAGE)
            if rng.random() < 0.2:
                next(steps, None)
                steps.close()
            elif (run(steps) != value * value).any():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 0 < len(memory) <= 5
    assert memory.nbytes == len(memory) * (800 + overhead())


# Whole runs are in test_pipeline ------------------------------------------------------------


def test_a_stage_may_recall_stages_of_its_own() -> None:
    inner, memory = Stage(), Memory()

    def outer(number: int, image: Micrograph) -> Steps[int]:
        array, _ = yield from Recall(memory).steps(inner, image)
        return number + int(array[0])

    def numbers() -> Iterator[int]:
        for number in (1, 2, 1):
            yield call(memory, outer, number, Micrograph(IMAGE))

    assert list(numbers()) == [2, 3, 2]
    assert inner.runs == 1
