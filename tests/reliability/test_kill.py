"""Programs that are killed while they save: the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import times

ROOT = Path(__file__).parents[2]

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killer forks")


@posix
def test_a_killed_save_leaves_the_old_file_or_the_new_one(registration, tmp_path, tally) -> None:
    given = tmp_path / "registration.pickle"
    given.write_bytes(pickle.dumps(registration))
    (tmp_path / "saved").mkdir()
    command = [
        sys.executable, "-m", "tests.reliability.killing",
        str(given), str(tmp_path / "saved"), str(times(22)), "5",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["problems"] == []
    tally(
        outputs=told["outputs"],
        kills_at_random=told["random"],
        kills_at_calls=told["at_calls"],
        lost=0,
    )
