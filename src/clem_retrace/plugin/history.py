"""Undo and redo of what the user does in the dock: the form, and the candidate that is shown."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Self

from qtpy.QtCore import QObject, Signal

from clem_retrace.plugin.form import Form
from clem_retrace.plugin.runs import Run

__all__ = ["History", "Moment"]

#: How many changes can be undone.
DEPTH = 100

#: Seconds within which changes of one field are one change, and the fields of which each
#: change stands alone.
ONE_GO = 1.5
DISTINCT = frozenset({"roi", "patch", "shown"})


@dataclass(frozen=True, slots=True)
class Moment:
    """What can be come back to.

    Attributes
    ----------
    form : Form
    run : int or None
        Number of the run that is shown.
    candidate : int
        The one of it that is shown, from 0.
    """

    form: Form
    run: int | None = None
    candidate: int = 0

    @classmethod
    def of(cls, form: Form, shown: Run | None) -> Self:
        """Return how things stand."""
        return cls(form) if shown is None else cls(form, shown.number, shown.chosen)

    def changed_fields(self, before: Moment) -> frozenset[str]:
        """Return what differs from another moment: fields of the form, options, "shown"."""
        form, then = self.form, before.form
        shown = (self.run, self.candidate) != (before.run, before.candidate)
        fields = form.changed_fields(then) + form.changed_options(then)
        return frozenset(fields) | ({"shown"} if shown else set())

    def change_since(self, before: Moment) -> str:
        """Return what has changed, in a few words."""
        words = self.form.changes(before.form)
        if words:
            return words[0] if len(words) == 1 else "several changes"
        if self.run != before.run:
            return f"run {self.run} is shown" if self.run is not None else "no run is shown"
        if self.candidate != before.candidate:
            return f"candidate {self.candidate + 1} is shown"
        return "the region was moved a little"


class History(QObject):
    """Remembers moments, and goes back and forth between them.

    A list of whole moments rather than of commands: whatever the user has changed, and in
    whatever order, going back is to show an earlier moment.

    Signals
    -------
    restored : Moment
        Undone or redone: to be shown as it was. What is noted while the slot is called is
        not a change by the user.
    changed : str, str
        What can be undone and redone now; empty for nothing.
    """

    restored = Signal(object)
    changed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._moments: list[Moment] = []
        self._position = -1
        self._last_change = -math.inf
        self._restoring = False

    def begin(self) -> None:
        """Start anew: what was before cannot be come back to."""
        self._moments, self._position = [], -1
        self._tell()

    def note(self, moment: Moment) -> None:
        """Remember how things stand, if that is another way than before."""
        if self._restoring or moment == self._now:
            return
        now = time.monotonic()
        in_one_go = now - self._last_change < ONE_GO and self._goes_on(moment)
        self._last_change = now
        # What was undone before a change cannot be redone after it.
        del self._moments[self._position + 1 :]
        if in_one_go:
            self._moments[self._position] = moment
        else:
            self._moments.append(moment)
            del self._moments[: max(0, len(self._moments) - 1 - DEPTH)]
        self._position = len(self._moments) - 1
        self._tell()

    def rebase(self, moment: Moment) -> None:
        """Take how things stand for how they were, without a change to undo."""
        if self._restoring:
            return
        if self._now is None:
            self.note(moment)
        else:
            self._moments[self._position] = moment

    def undo(self) -> None:
        """Go back by one change."""
        self._go(-1)

    def redo(self) -> None:
        """Go forth by one change."""
        self._go(1)

    @property
    def _now(self) -> Moment | None:
        return self._moments[self._position] if self._moments else None

    def _goes_on(self, moment: Moment) -> bool:
        """Whether a change is of the same fields as the one before: a number being spun."""
        if self._position < 1:
            return False
        before, now = self._moments[self._position - 1 : self._position + 1]
        fields = moment.changed_fields(now)
        return bool(fields) and fields == now.changed_fields(before) and not fields & DISTINCT

    def _go(self, steps: int) -> None:
        there = self._position + steps
        if not 0 <= there < len(self._moments):
            return
        self._position = there
        # What comes next is a change of its own.
        self._last_change = -math.inf
        self._restoring = True
        try:
            self.restored.emit(self._moments[there])
        finally:
            self._restoring = False
        self._tell()

    def _tell(self) -> None:
        before, here, after = (
            self._moments[place] if 0 <= place < len(self._moments) else None
            for place in (self._position - 1, self._position, self._position + 1)
        )
        undo = "" if before is None or here is None else here.change_since(before)
        redo = "" if after is None or here is None else after.change_since(here)
        self.changed.emit(undo, redo)
