"""How far a command is: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from clem_retrace.events import Progress, StageResult
from clem_retrace.progress_bar import ProgressBar


def test_progress_is_a_bar_for_each_stage_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar() as progress:
        for stage in ("first stage", "second stage"):
            for done in (0, 1, 4):
                progress(Progress(stage, done, 4))
            progress(StageResult(stage, None))
    drawn = terminal.getvalue()
    assert drawn.index("first stage") < drawn.index("second stage")
    assert " 0 % |" in drawn
    # The last bar is taken away: what follows starts on a clean line.
    assert drawn.split("\r")[-2].strip() == ""
    assert drawn.endswith("\r")
