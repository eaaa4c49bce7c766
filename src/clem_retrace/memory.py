"""What stages have returned, kept for the next run: `Memory`, and one run's use of it.

A stage is a generator function of its arguments, and what it returns is kept under these:
their contents, not their names. So nothing that a stage reads can be left out of the key,
and a run with another region, sigma or candidate repeats what depends on it, and no more.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from clem_retrace.events import Progress, Steps
from clem_retrace.pixels import read

__all__ = ["Memory", "Recall", "digest_steps"]

P = ParamSpec("P")
T = TypeVar("T")

#: Bytes that are kept by default: working copies of some thirty usual pairs.
LIMIT = 1 << 29

#: Counted for every result besides its arrays: a key, a few numbers.
ENTRY_BYTES = 1 << 10

#: Bytes between two events of a digest: 20 ms of SHA-256 on a core that has it built in.
STRIP_BYTES = 1 << 24

_ABSENT = object()


class Memory:
    """A store of what stages returned, bounded in bytes; what was used least is given up first.

    It may be shared by threads, and by runs that are going on at the same time. Only what a
    stage has returned is stored: a run that fails or is closed leaves nothing half-made.
    The arrays in it cannot be written to, since several results may share them.

    Parameters
    ----------
    limit : int, bytes
        What is kept may take so much in all. A result larger than that is not kept.

    Notes
    -----
    Arrays in memory are known by their bytes (SHA-256, 0.8 GB/s and more), so one that was
    changed in place is a new one. Images that are read lazily (dask, zarr) are known by
    being the same Python object: their names do not change when a file is written anew.
    Whoever writes to a file behind such an object calls `clear`.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept, about."""
        return self._nbytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._nbytes = 0

    def _find(self, key: Hashable) -> Any:
        """Return what is kept under a key, or `_ABSENT`."""
        with self._lock:
            if key not in self._kept:
                return _ABSENT
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def _keep(self, key: Hashable, value: Any) -> None:
        """Keep a value, giving up what was not used for longest."""
        arrays = list(_arrays(value))
        nbytes = ENTRY_BYTES + sum(_held(array).nbytes for array in arrays)
        if nbytes > self.limit:
            return
        for array in arrays:
            array.setflags(write=False)
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            self._kept[key] = value, nbytes
            self._nbytes += nbytes - before
            while self._nbytes > self.limit:
                _, (_, given_up) = self._kept.popitem(last=False)
                self._nbytes -= given_up


class Recall:
    """One run's use of a `Memory`, or of none.

    Arrays are taken not to change while the run goes on: each is read once to know it.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory
        self._known: dict[int, tuple[NDArray[Any], str]] = {}

    def steps(
        self, stage: Callable[P, Steps[T]], /, *arguments: P.args, **keywords: P.kwargs
    ) -> Steps[T]:
        """Yield what ``stage(...)`` yields and return what it returns, or return that at once.

        Parameters
        ----------
        stage : callable
            A generator function of events that depends on nothing but its arguments.
        *arguments, **keywords
            Numbers, words, arrays, images read lazily, and dataclasses, sequences and
            mappings of these; with anything else among them the stage is always run.
        """
        memory, key = self._memory, None
        if memory is not None:
            key = yield from self._key_steps((stage, arguments, keywords))
        if memory is None or key is None:
            return (yield from stage(*arguments, **keywords))
        value = memory._find(key)
        if value is _ABSENT:
            value = yield from stage(*arguments, **keywords)
            memory._keep(key, value)
        return value  # type: ignore[no-any-return]

    def _key_steps(self, call: tuple[Any, ...]) -> Steps[Hashable | None]:
        """Yield progress; return the key of a call, None when it has none."""
        stage, *arguments = call
        try:
            return (stage, (yield from self._token_steps(arguments)))
        except _Unknowable:
            return None

    def _token_steps(self, value: Any) -> Steps[Hashable]:
        """Yield progress; return what is equal for equal values only."""
        if value is None or isinstance(value, (bool, int, float, str, np.generic)):
            # By its text too: True is not 1, 0.0 is not -0.0.
            return type(value), repr(value)
        if isinstance(value, np.ndarray):
            return (yield from self._digest_steps(value))
        if isinstance(value, Recall):
            # What it gives depends on what it is asked, and that on the other arguments.
            return "recall"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = [getattr(value, item.name) for item in dataclasses.fields(value)]
        elif isinstance(value, Mapping):
            parts = list(value.items())
        elif isinstance(value, Sequence):
            parts = list(value)
        elif hasattr(value, "shape") and hasattr(value, "dtype"):
            return _Identity(value)
        else:
            raise _Unknowable
        tokens: list[Any] = [type(value)]
        for part in parts:
            tokens.append((yield from self._token_steps(part)))
        return tuple(tokens)

    def _digest_steps(self, array: NDArray[Any]) -> Steps[str]:
        """Yield progress; return an array's digest, computed once in a run."""
        if array.dtype.hasobject:
            raise _Unknowable
        if id(array) not in self._known:
            digest = yield from digest_steps(array, "recognising")
            # The array is held, so that its id stays its own.
            self._known[id(array)] = array, digest
        return self._known[id(array)][1]


def digest_steps(array: Any, stage: str) -> Steps[str]:
    """Yield progress; return a text that differs for arrays of different shape, type or content.

    Parameters
    ----------
    array : array_like
        Anything with ``shape``, ``dtype`` and slicing; read in strips. Byte order and layout in
        memory do not count.
    stage : str
        Name under which progress is yielded; short arrays yield none.
    """
    native = np.dtype(array.dtype).newbyteorder("<")
    digest = hashlib.sha256(f"{native.str} {tuple(array.shape)}".encode())
    length = array.shape[0] if array.shape else 0
    row_bytes = native.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
    strip = max(1, STRIP_BYTES // max(1, row_bytes))
    for first in range(0, length, strip):
        if first:
            yield Progress(stage, first, length)
        digest.update(
            np.ascontiguousarray(read(array, slice(first, first + strip)), dtype=native).data
        )
    if not array.shape:
        digest.update(np.asarray(array, dtype=native).tobytes())
    return digest.hexdigest()


class _Unknowable(Exception):
    """A stage was given something of which it cannot be told whether it has changed."""


class _Identity:
    """Equal to another only if both stand for one object, which is still there."""

    __slots__ = ("_hash", "_reference")

    def __init__(self, thing: Any) -> None:
        try:
            self._reference = weakref.ref(thing)
        except TypeError:
            raise _Unknowable from None
        self._hash = id(thing)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        thing = self._reference()
        return isinstance(other, _Identity) and thing is not None and thing is other._reference()


def _arrays(value: Any) -> Iterator[NDArray[Any]]:
    """Yield all arrays in a value."""
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for item in dataclasses.fields(value):
            yield from _arrays(getattr(value, item.name))
    elif isinstance(value, Mapping):
        yield from _arrays(list(value.values()))
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)


def _held(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array whose memory a view keeps alive."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
