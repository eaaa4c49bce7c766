"""`BatchRun`, the batch under way, and what became of each pair."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from clem_retrace.batch import batch_steps
from clem_retrace.batch.batches import settled
from clem_retrace.batch.folder_names import folder_names
from clem_retrace.batch.outcomes import RowOutcome
from clem_retrace.batch.rows import Row
from clem_retrace.batch.sheets import Dialect
from clem_retrace.events import Event, Progress, StageResult, Steps
from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.notices import report, sentence, tell
from clem_retrace.plugin.pace import in_words
from clem_retrace.plugin.worker import Runner

__all__ = ["BatchRun", "before_steps"]

#: Seconds between two looks whether a batch that was cancelled has come to its end.
PATIENCE = 0.1

#: Held by the batch that is run: two in one folder would be in each other's way.
_running = threading.Lock()


def before_steps(rows: Sequence[Row], out: Path) -> Steps[None]:
    """Yield a ``StageResult("row", RowOutcome)`` for each row that was done before, unchanged."""
    folders = folder_names(row.name for row in rows)
    for index, (row, folder) in enumerate(zip(rows, folders, strict=True)):
        yield Progress("looking", index, len(rows))
        digest, outcome = settled(row, out / folder)
        # Without a digest it is one that cannot be run: the run will tell.
        if digest and outcome is not None:
            yield StageResult("row", RowOutcome(index, row, outcome, out / folder, before=True))


def _alone(steps: Steps[tuple[RowOutcome, ...]]) -> Steps[tuple[RowOutcome, ...]]:
    """Yield the events of a batch once the one before it, if it was cancelled, has ended."""
    while not _running.acquire(timeout=PATIENCE):
        yield Progress("waiting for the batch before", 0, 1)
    try:
        return (yield from steps)
    finally:
        _running.release()


class BatchRun(QObject):
    """Runs pairs, and looks which were done before.

    Signals
    -------
    changed
        Something was found out about a pair.
    running_changed : bool
    progressed : (int, int, str)
        How many pairs are done, of how many, and how long the rest takes, in words.
    ended : str
        Why a batch came to its end before all was done; empty when it was not.
    """

    changed = Signal()
    running_changed = Signal(bool)
    progressed = Signal(int, int, str)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: list[int] = []
        self._out: Path | None = None
        self._outcomes: dict[int, RowOutcome] = {}
        self._started: set[int] = set()
        self._begun = 0.0
        self._runner, self._looker = Runner(self), Runner(self)
        for runner in (self._runner, self._looker):
            runner.event_arrived.connect(self._on_event)
            runner.failed.connect(lambda failure: self.ended.emit(report(failure)))
        self._runner.succeeded.connect(lambda _: self.ended.emit(""))
        self._runner.running_changed.connect(self._on_running)

    @property
    def running(self) -> bool:
        """Whether a batch is under way."""
        return self._runner.running

    @property
    def outcomes(self) -> Mapping[int, RowOutcome]:
        """What is known of pairs, by their keys."""
        return self._outcomes

    def is_running(self, key: int) -> bool:
        """Whether a pair is being run."""
        return key in self._started

    def look(self, pairs: Sequence[Pair], out: Path | None) -> None:
        """Find out which pairs were done before; of those that are as they were it is known."""
        if self.running:
            return
        self._looker.cancel()
        known = self._outcomes if out == self._out else {}
        self._keep(pairs, out)
        for pair in pairs:
            if pair.key in known and known[pair.key].row is pair.row:
                self._outcomes[pair.key] = known[pair.key]
        self.changed.emit()
        if out is not None and pairs:
            rows = [pair.row for pair in pairs]
            self._looker.start(lambda: before_steps(rows, out))

    def start(
        self, pairs: Sequence[Pair], out: Path, *, workers: int, again: bool, dialect: Dialect
    ) -> None:
        """Run pairs; those that were done before and have not changed are passed by.

        Parameters
        ----------
        pairs : sequence of Pair
        out : Path
            Folder for the results.
        workers : int
            How many are run side by side.
        again : bool
            Whether those that are done are run, too.
        dialect : Dialect
            Of the table of results.
        """
        self._looker.cancel()
        self._keep(pairs, out)
        self._begun = time.monotonic()
        rows = [pair.row for pair in pairs]
        self._runner.start(
            lambda: _alone(
                batch_steps(rows, out, workers=workers, again=again, dialect=dialect)
            )
        )  # fmt: skip

    def cancel(self) -> None:
        """Stop; what is done stays done."""
        if self.running:
            self._runner.cancel()
            self.ended.emit("Stopped: what is done stays done, Run goes on from there")

    def stop(self) -> None:
        """Stop all, and tell nobody."""
        self.blockSignals(True)
        self._runner.cancel()
        self._looker.cancel()

    def _keep(self, pairs: Sequence[Pair], out: Path | None) -> None:
        """Begin to learn about pairs in a folder."""
        self._keys, self._out = [pair.key for pair in pairs], out
        self._outcomes = {}
        self._started.clear()

    def _on_running(self, running: bool) -> None:
        self._started.clear()
        self.running_changed.emit(running)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            if event.stage == "batch":
                self.progressed.emit(event.done, event.total, self._left(event.total - event.done))
            return
        if event.stage == "remark":
            tell(sentence(event.value))
            return
        if event.stage == "started":
            self._started.add(self._keys[event.value])
        else:
            key = self._keys[event.value.index]
            self._outcomes[key] = event.value
            self._started.discard(key)
        self.changed.emit()

    def _left(self, count: int) -> str:
        """Return how long so many pairs take, in words; empty while that is not known."""
        done = sum(not each.before and each.done for each in self._outcomes.values())
        if not done or not count:
            return ""
        return f"{in_words((time.monotonic() - self._begun) / done * count)} left"
