"""The command line: ``clem-retrace run``, ``clem-retrace demo`` and ``clem-retrace show``.

What computes is imported inside the commands, so that ``--help`` and a typing error are
answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clem_retrace.arguments import BAD_INPUT, chosen_options, region
from clem_retrace.arguments import make_parser as _parser
from clem_retrace.errors import ClemRetraceError
from clem_retrace.events import Event, Progress
from clem_retrace.micrograph import Micrograph, Projection, Roi
from clem_retrace.options import RegistrationOptions

if TYPE_CHECKING:
    from clem_retrace.io.sessions import SessionRun
    from clem_retrace.result import Registration

__all__ = ["main"]

#: The exit code of a command that was stopped by Ctrl-C: 128 + SIGINT, as shells have it.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of the command line: 0, 2 (bad input) or 130 (Ctrl-C).

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Raises
    ------
    SystemExit
        ``--help`` and ``--version`` (0), arguments that cannot be parsed (2).
    """
    parsed = _parser().parse_args(arguments)
    try:
        _COMMANDS[parsed.command](parsed)
    except ClemRetraceError as error:
        _say(f"clem-retrace: error: {' '.join(str(error).split())}", sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("clem-retrace: stopped", sys.stderr)
        return INTERRUPTED
    return 0


def _run(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.exports import export, make_folder
    from clem_retrace.io.readout import readout

    options = chosen_options(parsed)
    roi = region(parsed)
    assert roi is not None  # the parser asks for one
    truth = None if parsed.ground_truth is None else Roi(*parsed.ground_truth)
    lm, lm_source = _read(
        parsed.lm, parsed.lm_pixel_size, parsed.channel, parsed.projection, parsed.plane
    )
    em, em_source = _read(
        parsed.em, parsed.em_pixel_size, parsed.em_channel, parsed.em_projection, parsed.em_plane
    )
    make_folder(parsed.out)
    registration = _register(lm, em, roi, options, parsed.take)
    lines = [_pixel_size_line("LM", lm, lm_source), _pixel_size_line("EM", em, em_source)]
    _say("\n".join([*lines, *readout(registration, truth)]))
    for path in export(parsed.out, lm, em, registration, truth=truth):
        _say(f"written       {path}")


def _demo(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.exports import export, make_folder
    from clem_retrace.io.readout import readout
    from clem_retrace.io.session_images import sample_pair
    from clem_retrace.synthetic.pair import true_patch

    options = chosen_options(parsed)
    roi = region(parsed)
    pair = sample_pair(parsed.sample)
    if roi is not None:
        truth = None if pair.lm_to_em is None else true_patch(roi, pair.lm_to_em)
        pair = replace(pair, roi=roi, ground_truth=truth)
    for role in ("lm", "em"):
        size = getattr(parsed, f"{role}_pixel_size")
        if size is not None:
            pair = replace(pair, **{role: replace(getattr(pair, role), pixel_size=size)})
    if parsed.out is not None:
        make_folder(parsed.out)
    registration = _register(pair.lm, pair.em, pair.roi, options, parsed.take)
    _say("\n".join([f"sample        {pair.name}", *readout(registration, pair.ground_truth)]))
    shown = not parsed.no_gui and _can_show()
    if not (shown or parsed.no_gui):
        _say("no display, or no napari with Qt: the result is written to files", sys.stderr)
    if parsed.out is not None or not shown:
        out = parsed.out or Path("clem-retrace-demo")
        for path in export(out, pair.lm, pair.em, registration, truth=pair.ground_truth):
            _say(f"written       {path}")
    if shown:
        from clem_retrace.plugin.demo import show

        show(pair, registration)


def _show(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.sessions import read_session

    session = read_session(parsed.session)
    assert session.saved is not None
    _say(f"session       {_named(session.name)}{session.saved:%Y-%m-%d %H:%M %Z}")
    _say(f"saved by      clem-retrace {session.version}")
    for number, run in enumerate(session.runs, start=1):
        _say(f"\nrun {number:<9} {_named(run.name)}{run.time:%Y-%m-%d %H:%M %Z}")
        _say("\n".join(_told(run)))


def _told(run: SessionRun) -> Iterator[str]:
    """Yield a run's images and results, one line a fact."""
    from clem_retrace.io.readout import readout
    from clem_retrace.snippets import command_line, rank_taken

    for role, image in (("LM", run.lm), ("EM", run.em)):
        missing = image.path is not None and not image.path.is_file()
        yield f"{role} image      {image.origin}{' (missing)' if missing else ''}"
    for result in run.results:
        yield from readout(result)
        try:
            again = command_line(
                run.lm, run.em, result.roi, result.options, take=rank_taken(result)
            )
        except ClemRetraceError as error:
            again = f"none: {error}"
        yield f"command       {again}"


def _named(name: str) -> str:
    return f"{name}, " if name else ""


def _can_show() -> bool:
    """Whether there are napari, a Qt binding and a display."""
    from importlib.util import find_spec

    bindings = ("PyQt6", "PySide6", "PyQt5", "PySide2")
    installed = find_spec("napari") is not None and any(map(find_spec, bindings))
    display = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return installed and display


def _read(
    path: str, pixel_size: float | None, channel: int | None, projection: Projection, plane: int
) -> tuple[Micrograph, str]:
    """Return an image, and where its pixel size comes from."""
    from clem_retrace.io.images import read_micrograph
    from clem_retrace.io.pixel_sizes import pixel_size_of

    micrograph = read_micrograph(
        path, channel=channel, projection=projection, plane=plane, pixel_size=pixel_size
    )
    if pixel_size is not None:
        return micrograph, "given"
    written = pixel_size_of(path)
    return micrograph, "" if written is None else f"{written.source} of the file"


def _register(
    lm: Micrograph, em: Micrograph, roi: Roi, options: RegistrationOptions, take: int
) -> Registration:
    """Return the registration, with progress on stderr."""
    from clem_retrace.pipeline import register

    progress = _ProgressBar()
    try:
        return register(lm, em, roi, options, take=take, on_event=progress)
    finally:
        progress.close()


class _ProgressBar:
    """A bar for each stage on a terminal, one line for each stage elsewhere."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if not isinstance(event, Progress):
            return
        if event.stage != self._stage:
            self.close()
            self._stage = event.stage
            self._begin(event)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.update(event.done - self._bar.n)

    def _begin(self, event: Progress) -> None:
        if not sys.stderr.isatty():
            _say(f"{event.stage} ...", sys.stderr)
            return
        from tqdm import tqdm

        self._bar = tqdm(
            total=event.total,
            desc=f"{event.stage:24}",
            leave=False,
            bar_format="{desc} {percentage:3.0f} % |{bar}| {elapsed}",
        )

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _pixel_size_line(role: str, micrograph: Micrograph, source: str) -> str:
    """Return what is known of an image's pixel size."""
    if micrograph.pixel_size is None:
        return f"{role} pixel size unknown"
    return f"{role} pixel size {micrograph.pixel_size:g} nm ({source})"


def _say(text: str, stream: Any = None) -> None:
    """Print a line."""
    (stream or sys.stdout).write(text + "\n")


_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": _run,
    "demo": _demo,
    "show": _show,
}


if __name__ == "__main__":
    sys.exit(main())
