"""`ChildProcess`, the process of `clem_retrace.batch.worker` seen from the one that started it.

It is started as a command, not by `multiprocessing`, which would import the main program of
whoever started the batch, be it napari, in each process.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO

from clem_retrace.batch.crews import KILLED
from clem_retrace.batch.outcomes import Outcome
from clem_retrace.batch.running_rows import Task
from clem_retrace.batch.worker import NO_MEMORY, READY
from clem_retrace.errors import ClemRetraceError

__all__ = ["ChildProcess"]

#: How libraries for linear algebra are told, before they are imported, to start no threads:
#: those of several processes would wait for each other.
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
} | {"VECLIB_MAXIMUM_THREADS": "1"}

#: The module that is run.
WORKER = "clem_retrace.batch.worker"

#: How many bytes of what a process said last are read. After a crash, Python lists the calls
#: of all threads and all extension modules, which alone takes thousands.
LAST_WORDS = 1 << 16

#: How long a process that was killed may take to go, seconds: a network drive can hold it.
PATIENCE = 5.0


class ChildProcess:
    """A process that runs one row after the other.

    Parameters
    ----------
    threads : int
        That it computes with.
    report : callable
        Called from another thread, with a pair: this, and the outcome of the row that it was
        given, or None when the process has ended.

    Raises
    ------
    ClemRetraceError
        It cannot be started.
    """

    def __init__(
        self, threads: int, report: Callable[[tuple[ChildProcess, Outcome | None]], object]
    ) -> None:
        self._ready, self._said = False, ""
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (until `end`)
        # -P: modules are not looked for in the folder where the command was given.
        module = ["-P", "-X", "faulthandler", "-m", WORKER, str(threads)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, *module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env=os.environ | ONE_THREAD,
                # A terminal sends Ctrl-C to a whole group: it is meant for the one that started.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
                | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            self._words.close()
            raise ClemRetraceError(f"no process can be started: {error}") from error
        self._listener = threading.Thread(target=self._listen, args=(report,), daemon=True)
        self._listener.start()

    def give(self, task: Task) -> None:
        """Have a row run."""
        pipe = self._process.stdin
        assert pipe is not None
        # If the process has ended, the listener tells.
        with contextlib.suppress(OSError):
            pickle.dump(task, pipe)
            pipe.flush()

    def kill(self) -> None:
        """Have the process end, whatever it does."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process, and wait until it has gone."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            # What could not be sent cannot be now.
            with contextlib.suppress(OSError):
                pipe.close()
        self._said = _last_words(self._words)
        self._words.close()

    def cause(self) -> str:
        """Return why the process has ended, after `end`, for people.

        Raises
        ------
        ClemRetraceError
            By itself, before it was ready: so would the next one.
        """
        code = self._process.returncode
        if not self._ready and code is not None and code > 0:
            raise ClemRetraceError(f"a process to run rows cannot be started: {self._said}")
        if code == NO_MEMORY:
            return "there is not enough memory for it, not even at a second try, alone"
        if code in (None, -getattr(signal, "SIGKILL", 9), -signal.SIGTERM):
            return KILLED
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process crashed, at a second try too ({name}): {self._said}"

    def _listen(self, report: Callable[[tuple[ChildProcess, Outcome | None]], object]) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        # Of one that is killed the last report may be cut short.
        with contextlib.suppress(EOFError, pickle.UnpicklingError, ValueError, OSError):
            while True:
                told = pickle.load(pipe)
                if told == READY:
                    self._ready = True
                else:
                    report((self, told))
        report((self, None))


def _last_words(file: IO[bytes]) -> str:
    """Return the line that tells most of what a process has said."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - LAST_WORDS))
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    said = [line for line in lines if line]
    fatal = [line for line in said if line.startswith("Fatal")]
    return (fatal or said or ["it said nothing"])[-1]
