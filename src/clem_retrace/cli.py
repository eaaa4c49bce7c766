"""The command line: ``clem-retrace run``, ``batch``, ``demo``, ``show``, ``report``, ...

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
from typing import TYPE_CHECKING

from clem_retrace.arguments import BAD_INPUT, make_parser
from clem_retrace.errors import BadFile, ClemRetraceError, InvalidOption
from clem_retrace.events import Event, StageResult
from clem_retrace.flags import chosen_options, image_facts, known_facts, region, start
from clem_retrace.micrograph import Micrograph, Roi
from clem_retrace.options import RegistrationOptions
from clem_retrace.printing import print_no_more, say, tell
from clem_retrace.progress_bar import ProgressBar
from clem_retrace.projections import Projection

if TYPE_CHECKING:
    from clem_retrace.applying import Target
    from clem_retrace.io.sessions import SessionRun
    from clem_retrace.result import Registration

__all__ = ["main"]

#: The exit code of a command that was stopped by Ctrl-C: 128 + SIGINT, as shells have it.
INTERRUPTED = 130

#: And of one whose output nobody reads any more: 128 + SIGPIPE.
NOT_READ = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of the command line.

    It is 0, 1 (rows failed), 2 (bad input, or a file that cannot be read or written), 130
    (Ctrl-C) or 141 (nobody reads what is printed).

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Raises
    ------
    SystemExit
        ``--help`` and ``--version`` (0), arguments that cannot be parsed (2).
    """
    parsed = make_parser().parse_args(arguments)
    try:
        return _COMMANDS[parsed.command](parsed) or 0
    except ClemRetraceError as error:
        tell(f"clem-retrace: error: {' '.join(str(error).split())}")
        return BAD_INPUT
    except KeyboardInterrupt:
        tell("clem-retrace: stopped")
        return INTERRUPTED
    except BrokenPipeError:
        # Such as `head`, which has seen enough.
        print_no_more()
        return NOT_READ
    except OSError as error:
        from clem_retrace.io.system_errors import in_words

        tell(f"clem-retrace: error: {in_words(error)}")
        print_no_more()
        return BAD_INPUT


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
    registration = _register(lm, em, roi, options, parsed)
    lines = [_pixel_size_line("LM", lm, lm_source), _pixel_size_line("EM", em, em_source)]
    # The numbers are told if no file can be written, and the files written if nothing can be told.
    try:
        paths = export(parsed.out, lm, em, registration, truth=truth)
    finally:
        say("\n".join([*lines, *readout(registration, truth)]))
    say("\n".join(f"written       {path}" for path in paths))


def _batch(parsed: argparse.Namespace) -> int:
    from clem_retrace.batch.console import check_table, run_table, write_template

    if parsed.template:
        write_template(parsed.table)
        return 0
    if parsed.table is None:
        raise BadFile("a table of pairs is needed: --template shows an example")
    options = chosen_options(parsed)
    if parsed.check:
        return check_table(parsed.table, options)
    return run_table(
        parsed.table, parsed.out, options,
        workers=parsed.workers, scheduler=parsed.scheduler, again=parsed.again,
    )  # fmt: skip


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
    registration = _register(pair.lm, pair.em, pair.roi, options, parsed)
    say("\n".join([f"sample        {pair.name}", *readout(registration, pair.ground_truth)]))
    shown = not parsed.no_gui and _can_show()
    if not (shown or parsed.no_gui):
        tell("no display, or no napari with Qt: the result is written to files")
    if parsed.out is not None or not shown:
        out = parsed.out or Path("clem-retrace-demo")
        for path in export(out, pair.lm, pair.em, registration, truth=pair.ground_truth):
            say(f"written       {path}")
    if shown:
        from clem_retrace.plugin.demo import show

        show(pair, registration)


def _show(parsed: argparse.Namespace) -> None:
    from clem_retrace.io.sessions import read_session

    session = read_session(parsed.session)
    assert session.saved is not None
    say(f"session       {_named(session.name)}{session.saved:%Y-%m-%d %H:%M %Z}")
    say(f"saved by      clem-retrace {session.version}")
    for number, run in enumerate(session.runs, start=1):
        say(f"\nrun {number:<9} {_named(run.name)}{run.time:%Y-%m-%d %H:%M %Z}")
        say("\n".join(_told(run)))


def _report(parsed: argparse.Namespace) -> None:
    from clem_retrace.events import run
    from clem_retrace.io.sessions import read_session
    from clem_retrace.report.reported import ReportedRun
    from clem_retrace.report.writing import report_steps

    session = read_session(parsed.session)
    name = parsed.session.name.removesuffix(".json").removesuffix(".clem")
    out = parsed.out or parsed.session.with_name(f"{name}.html")
    problems: dict[str, None] = {}
    with ProgressBar() as progress:

        def on_event(event: Event) -> None:
            progress(event)
            if isinstance(event, StageResult) and isinstance(event.value, ReportedRun):
                problems.update(dict.fromkeys(event.value.problems))

        pictures = not parsed.no_pictures
        run(report_steps(out, session, only=parsed.run, pictures=pictures), on_event)
    for problem in problems:
        tell(f"no pictures   {problem}")
    say(f"written       {out}")


def _convert(parsed: argparse.Namespace) -> None:
    from clem_retrace.geometry import decompose
    from clem_retrace.io.transforms import read_transform, write_transform

    transform = read_transform(
        parsed.source,
        lm=image_facts(parsed, "lm"),
        em=image_facts(parsed, "em"),
        model="thin-plate spline" if parsed.model == "spline" else parsed.model,
        moving=parsed.moving_in,
        unit=parsed.unit_in,
    )
    path = write_transform(
        parsed.target, transform, parsed.to, moving=parsed.moving_out, unit=parsed.unit_out
    )
    pairs = transform.landmarks
    does = decompose(transform.em_to_lm)
    say(f"model         {transform.model}{'' if pairs is None else f', {pairs.used.sum()} pairs'}")
    say(f"EM to LM      x {does.magnification:.6g}, turned by {does.angle:.2f} degrees")
    say(f"mirrored      {'yes' if does.mirrored else 'no'}")
    say(f"written       {path}")


def _apply(parsed: argparse.Namespace) -> None:
    from clem_retrace.applying import SUFFIXES, Target, output_path
    from clem_retrace.io.exports import make_folder
    from clem_retrace.io.transforms import read_transform

    facts = (known_facts(parsed, "lm"), known_facts(parsed, "em"))
    transform = read_transform(parsed.transform, lm=facts[0], em=facts[1])
    crop = None if parsed.crop_to is None else Roi(*parsed.crop_to)
    target = Target(transform, parsed.source, crop, parsed.pixel_size)
    folder, failed = make_folder(parsed.out), 0
    written: set[Path] = set()
    for path in parsed.files:
        suffix = ".csv" if path.suffix.lower() == ".csv" else SUFFIXES[parsed.format]
        out = output_path(path, folder, target.frame, suffix)
        try:
            if out in written:
                raise InvalidOption(f"{out} is written of another file: give it another name")
            written.add(out)
            _apply_to(path, target, folder, parsed)
        except ClemRetraceError as error:
            failed += 1
            message = " ".join(str(error).split())
            told = message if path.name in message else f"{path}: {message}"
            tell(f"clem-retrace: error: {told}")
    if failed:
        raise BadFile(f"{failed} of {len(parsed.files)} files could not be used")


def _apply_to(path: Path, target: Target, folder: Path, parsed: argparse.Namespace) -> None:
    """Take a file to the other image, with progress on stderr."""
    from clem_retrace.applying import apply_steps
    from clem_retrace.events import run

    steps = apply_steps(
        path,
        target,
        folder,
        labels=parsed.labels,
        kind=parsed.format,
        interpolation=parsed.interpolation,
        channel=parsed.channel,
    )
    with ProgressBar() as progress:
        applied = run(steps, progress)
    for note in applied.notes:
        say(f"note          {note}")
    say(f"written       {applied.path}")


def _told(run: SessionRun) -> Iterator[str]:
    """Yield a run's images and results, one line a fact."""
    from clem_retrace.io.readout import readout
    from clem_retrace.snippets import command_line, way_taken

    for role, image in (("LM", run.lm), ("EM", run.em)):
        missing = image.path is not None and not os.path.isfile(image.path)
        yield f"{role} image      {image.origin}{' (missing)' if missing else ''}"
    for result in run.results:
        yield from readout(result)
        try:
            again = command_line(run.lm, run.em, result.roi, result.options, **way_taken(result))
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
    lm: Micrograph,
    em: Micrograph,
    roi: Roi,
    options: RegistrationOptions,
    parsed: argparse.Namespace,
) -> Registration:
    """Return the registration, with progress on stderr."""
    from clem_retrace.by_hand import register_from
    from clem_retrace.pipeline import register

    given = start(parsed, lm, em)
    with ProgressBar() as progress:
        if given is None:
            return register(lm, em, roi, options, take=parsed.take, on_event=progress)
        return register_from(lm, em, roi, given, options, on_event=progress)


def _pixel_size_line(role: str, micrograph: Micrograph, source: str) -> str:
    """Return what is known of an image's pixel size."""
    if micrograph.pixel_size is None:
        return f"{role} pixel size unknown"
    return f"{role} pixel size {micrograph.pixel_size:g} nm ({source})"


_COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "run": _run,
    "batch": _batch,
    "demo": _demo,
    "show": _show,
    "report": _report,
    "convert": _convert,
    "apply": _apply,
}


if __name__ == "__main__":
    sys.exit(main())
