"""How far a pair of a batch is, in a sign and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clem_retrace.batch.outcomes import RowOutcome
from clem_retrace.plots.quantities import whole_percent
from clem_retrace.plugin.batch_dock.pairs import Pair

__all__ = ["State", "state_of", "tally"]

Kind = Literal["to mend", "waiting", "running", "found", "not sure", "failed"]

#: The sign of a state; each differs from the others in form.
SIGNS: dict[Kind, str] = {
    "to mend": "⚠", "waiting": "·", "running": "▶", "found": "✔", "not sure": "○", "failed": "✖",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """How far a pair is.

    Attributes
    ----------
    kind : str
    text : str
        For a cell of a table.
    message : str
        The reason, or what is to be done, in a sentence or two; may be empty.
    """

    kind: Kind
    text: str
    message: str = ""


def state_of(pair: Pair, outcome: RowOutcome | None, *, running: bool) -> State:
    """Return the state of a pair, of which perhaps an outcome is known, or that is being run."""
    if running:
        return State("running", f"{SIGNS['running']} running")
    if pair.problem:
        return State("to mend", f"{SIGNS['to mend']} to mend", pair.problem)
    status = "not run yet" if outcome is None else outcome.outcome.status
    if outcome is None or status == "not run yet":
        return State("waiting", f"{SIGNS['waiting']} waiting")
    message, finding = outcome.outcome.message, outcome.outcome.finding
    if status == "failed" or finding is None:
        return State("failed", f"{SIGNS['failed']} failed", message)
    kind: Kind = "found" if status == "found" else "not sure"
    text = f"{SIGNS[kind]} {kind}, {whole_percent(finding.confidence)}"
    before = "Done before, and not changed since." if outcome.before else ""
    return State(kind, text, " ".join(filter(None, (message, before))))


def tally(states: Sequence[State]) -> str:
    """Return how many pairs are in each state, in words."""
    counts = {kind: sum(state.kind == kind for state in states) for kind in SIGNS}
    pairs = f"{len(states)} pair{'s' * (len(states) != 1)}"
    return f"{pairs}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
