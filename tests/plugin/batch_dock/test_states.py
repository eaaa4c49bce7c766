from __future__ import annotations

from pathlib import Path

import pytest

from clem_retrace.batch import BadRow, Finding, Outcome, RowOutcome
from clem_retrace.plugin.batch_dock.pairs import Pair
from clem_retrace.plugin.batch_dock.states import state_of, tally

GOOD = Pair(1, {"name": "cell"}, object())
BAD = Pair(2, {"name": "cell"}, BadRow("cell", "no region yet"))


def outcome(status, confidence=None, message="", *, before=False):
    """What became of a row."""
    finding = None
    if confidence is not None:
        finding = Finding(confidence, (1, 0, 0, 0, 1, 0), (5, 5), 0.0, False, 4.0)
    return RowOutcome(0, GOOD.row, Outcome(status, message, 1.0, finding), Path("out"), before)


@pytest.mark.parametrize(
    ("pair", "known", "running", "text", "message"),
    [
        (BAD, None, False, "⚠ to mend", "no region yet"),
        (BAD, outcome("failed", message="no region yet"), False, "⚠ to mend", "no region yet"),
        (GOOD, None, False, "· waiting", ""),
        (GOOD, outcome("failed", message="damaged"), False, "✖ failed", "damaged"),
        (GOOD, outcome("failed", message="damaged"), True, "▶ running", ""),
        (GOOD, outcome("found", 0.996), False, "✔ found, 99%", ""),
        (GOOD, outcome("not sure", 0.949, "two alike"), False, "○ not sure, 94%", "two alike"),
    ],
)
def test_states(pair, known, running, text, message):
    state = state_of(pair, known, running=running)
    assert (state.text, state.message) == (text, message)
    assert state.kind in state.text


def test_what_was_done_before_is_told():
    state = state_of(GOOD, outcome("found", 1.0, "clear", before=True), running=False)
    assert state.message == "clear Done before, and not changed since."


def test_tally():
    states = [
        state_of(GOOD, known, running=False)
        for known in (None, outcome("found", 1.0), outcome("found", 1.0), outcome("failed"))
    ]
    assert tally(states) == "4 pairs: 1 waiting, 2 found, 1 failed"
    assert tally(states[:1]) == "1 pair: 1 waiting"
